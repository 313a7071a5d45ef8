/* The kernel's log, from /dev/kmsg: opened while we may, read later without waiting, the last lines kept in
 * memory of the caller's, so that nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KMSG_LINE = 200 };

struct kmsg_line {
        uint64_t sequence; /* the kernel's number: a jump in it are lines that were not read */
        uint64_t boot_usec;
        uint8_t level; /* as of syslog */
        char text[KMSG_LINE];
};

struct kmsg {
        int fd;      /* -1: not to be had */
        int why_not; /* errno */
        uint32_t lines;
        struct kmsg_line *line; /* [total % lines] is the next */
        uint64_t total;
};

/* Keeps the last `lines` of them in line[], which outlives it. */
void kmsg_open(struct kmsg *k, const char *path, struct kmsg_line *line, uint32_t lines);
void kmsg_close(struct kmsg *k);
/* Takes what has come; at most `records`, so that a flooded log can't hold us. True when there was no more.
 */
bool kmsg_read(struct kmsg *k, unsigned records);
/* Leaves out what has not been read yet: of a flooded log the last lines tell more than the oldest ones. */
void kmsg_skip(struct kmsg *k);
/* One record as /dev/kmsg gives it: "level,sequence,usec,flags;text\n continuation". Malformed ones are left
 * out. */
void kmsg_take(struct kmsg *k, const char *record, size_t len);
/* The oldest of the last `count` lines that are kept: walk from it to k->total, each at [i % lines]. */
uint64_t kmsg_first(const struct kmsg *k, uint64_t count);
