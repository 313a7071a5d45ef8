/* The kernel's log: see kmsg.h. */
#include "source/kmsg/kmsg.h"

#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { RECORD = 2048, LEVEL_BITS = 7 };

void kmsg_open(struct kmsg *k, const char *path, struct kmsg_line *line, uint32_t lines)
{
        *k = (struct kmsg){.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), .line = line, .lines = lines};
        k->why_not = k->fd < 0 ? errno : 0;
}

void kmsg_close(struct kmsg *k)
{
        if (k->fd >= 0)
                close(TAKE_FD(k->fd));
}

void kmsg_take(struct kmsg *k, const char *record, size_t len)
{
        char text[RECORD + 1];
        const char *p = text;
        uint64_t level, sequence, usec;

        if (!text_copy(text, sizeof text, record, len))
                return;
        if (!text_u64(&p, &level) || *p++ != ',' || !text_u64(&p, &sequence) || *p++ != ',' ||
                !text_u64(&p, &usec))
                return;
        p = strchr(p, ';');
        if (!p)
                return;
        p++;
        /* what follows the first line are facts for programs, behind a blank */
        size_t n = strcspn(p, "\n");
        struct kmsg_line *line = &k->line[k->total++ % k->lines];
        line->sequence = sequence;
        line->boot_usec = usec;
        line->level = level & LEVEL_BITS;
        text_printable(line->text, sizeof line->text, p, n);
}

bool kmsg_read(struct kmsg *k, unsigned records)
{
        char record[RECORD];

        while (k->fd >= 0 && records) {
                ssize_t n = read(k->fd, record, sizeof record);
                records--;
                if (n > 0)
                        kmsg_take(k, record, (size_t)n);
                else if (n == 0 || (errno != EPIPE && errno != EINTR && errno != EINVAL))
                        return true; /* EPIPE: some were overwritten; EINVAL: one was too long */
        }
        return k->fd < 0;
}

void kmsg_skip(struct kmsg *k)
{
        if (k->fd >= 0)
                lseek(k->fd, 0, SEEK_END);
}

uint64_t kmsg_first(const struct kmsg *k, uint64_t count)
{
        return k->total - MIN(count, MIN(k->total, (uint64_t)k->lines));
}
