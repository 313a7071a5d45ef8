/* The kernel's log, from /dev/kmsg: opened while we may, read later without waiting, the last lines kept in
 * fixed memory.
 */
#pragma once

#include "rescue/page.h"

#include <stdint.h>

enum { KMSG_LINES = 200, KMSG_LINE = 200 };

struct kmsg {
        int fd;      /* -1: not to be had */
        int why_not; /* errno */
        uint64_t total;
        struct {
                uint64_t boot_usec;
                uint8_t level; /* as of syslog */
                char text[KMSG_LINE];
        } line[KMSG_LINES]; /* [total % KMSG_LINES] is the next */
};

void kmsg_open(struct kmsg *k, const char *path);
void kmsg_close(struct kmsg *k);
/* Takes what has come; at most `records`, so that a flooded log can't hold us. */
void kmsg_read(struct kmsg *k, unsigned records);
/* One record as /dev/kmsg gives it: "level,sequence,usec,flags;text\n continuation". Malformed ones are left
 * out. */
void kmsg_take(struct kmsg *k, const char *record, size_t len);
/* The last `count` lines, 0 = as many as a screen holds. */
void kmsg_show(const struct kmsg *k, uint64_t count, struct page *p);
