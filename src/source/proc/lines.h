/* Private to this folder: kernel files of any length, line by line through a small buffer. A line too
 * long for the buffer arrives cut.
 */
#pragma once

#include <stddef.h>

struct lines {
        void (*line)(void *ctx, char *line); /* NUL-terminated, without newline */
        void *ctx;
        size_t len;
        char buf[1024];
};

void lines_feed(struct lines *l, const char *text, size_t len);
/* The whole file behind fd from offset 0. Only lines that end in a newline count. 0 or a negative errno. */
int lines_read(struct lines *l, int fd);
