/* The kernel's log: see kmsg.h. */
#include "rescue/kmsg.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { RECORD = 2048, SHOWN = 40, LEVEL_BITS = 7 };

void kmsg_open(struct kmsg *k, const char *path)
{
        k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        k->why_not = k->fd < 0 ? errno : 0;
        k->total = 0;
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
        __typeof__(&k->line[0]) line = &k->line[k->total++ % KMSG_LINES];
        line->boot_usec = usec;
        line->level = level & LEVEL_BITS;
        text_printable(line->text, sizeof line->text, p, n);
}

void kmsg_read(struct kmsg *k, unsigned records)
{
        char record[RECORD];

        while (k->fd >= 0 && records--) {
                ssize_t n = read(k->fd, record, sizeof record);
                if (n > 0)
                        kmsg_take(k, record, (size_t)n);
                else if (n == 0 || (errno != EPIPE && errno != EINTR && errno != EINVAL))
                        return; /* nothing more; EPIPE: some were overwritten; EINVAL: one was too long */
        }
}

void kmsg_show(const struct kmsg *k, uint64_t count, struct page *p)
{
        uint64_t kept = MIN(k->total, (uint64_t)KMSG_LINES);
        uint64_t n = MIN(count ? count : SHOWN, kept);

        if (k->fd < 0) {
                page_put(p, "The kernel's log can't be read: %s.\n", strerror(k->why_not));
                return;
        }
        for (uint64_t i = k->total - n; i < k->total; i++) {
                __typeof__(&k->line[0]) line = &k->line[i % KMSG_LINES];
                page_put(p, "[%6llu.%06llu] %s%s\n", (unsigned long long)(line->boot_usec / 1000000),
                        (unsigned long long)(line->boot_usec % 1000000), line->level <= 3 ? "! " : "",
                        line->text);
        }
        if (!n)
                page_put(p, "The kernel's log is empty.\n");
}
