/* One line of authorized_keys(5), taken apart. Pure. Options are honoured, or the line is refused: one that
 * was written to limit a key must not be passed over.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { KEY_LINE_COMMAND = 256, KEY_LINE_FROM = 256 };

struct key_line {
        char type[48];
        const char *base64; /* inside the line */
        size_t base64_len;
        char comment[64];
        char from[KEY_LINE_FROM];       /* from="...": patterns of addresses, "" = any */
        char command[KEY_LINE_COMMAND]; /* command="...": the only one, "" = any */
        bool no_pty;
};

/* 1 with *ret set, 0 when the line says nothing (empty, comment), -EINVAL with the error set. The line has no
 * line feed. */
int key_line_parse(const char *line, size_t len, struct key_line *ret, struct error *e);
/* May a client of this address (numeric) use a key with that from="..."? As in sshd: one pattern must match,
 * and none with a ! in front of it. A pattern holds * and ?, or is ADDRESS/BITS. */
bool key_line_admits(const char *from, const char *address);
