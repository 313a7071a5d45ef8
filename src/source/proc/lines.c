/* Lines out of pieces: see lines.h. */
#include "source/proc/lines.h"

#include "base/util.h"

#include <errno.h>
#include <string.h>

void lines_feed(struct lines *l, const char *text, size_t len)
{
        while (len) {
                const char *newline = memchr(text, '\n', len);
                size_t n = newline ? (size_t)(newline - text) : len;
                size_t kept = MIN(n, sizeof(l->buf) - 1 - l->len);

                memcpy(l->buf + l->len, text, kept);
                l->len += kept;
                if (!newline)
                        return;
                l->buf[l->len] = '\0';
                l->line(l->ctx, l->buf);
                l->len = 0;
                text += n + 1;
                len -= n + 1;
        }
}

int lines_read(struct lines *l, int fd)
{
        char chunk[8192];
        off_t at = 0;

        l->len = 0;
        for (;;) {
                ssize_t n = pread(fd, chunk, sizeof(chunk), at);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                lines_feed(l, chunk, (size_t)n);
                at += n;
        }
}
