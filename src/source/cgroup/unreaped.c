/* How many tasks of a group are dead and not reaped: they are charged to pids.current and absent from
 * the lists of threads. One number and the lists of a subtree, instead of a walk over all of /proc.
 */
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "source/cgroup/cgroup.h"
#include "source/cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct walk {
        const char *list; /* name of the file that lists threads */
        uint64_t threads;
        char buf[16384];
};

static int count_lines(void *ctx, int dir)
{
        struct walk *k = ctx;
        cleanup_close int fd = openat(dir, k->list, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        for (;;) {
                ssize_t n = read(fd, k->buf, sizeof(k->buf));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (const char *p = k->buf; (p = memchr(p, '\n', (size_t)(k->buf + n - p))); p++)
                        k->threads++;
        }
}

static int read_charged(int dir, uint64_t *ret)
{
        char buf[32];
        const char *p = buf;
        ssize_t n = file_read_at(dir, "pids.current", buf, sizeof(buf));

        if (n == -ENOENT)
                return -ENOTSUP; /* the group is there, the counter isn't */
        if (n < 0)
                return n == -ENODEV ? -ENOENT : (int)n;
        return text_u64(&p, ret) ? 0 : -EBADMSG;
}

int cgroup_unreaped(const struct cgroup_layout *l, const char *path, uint64_t *ret_unreaped)
{
        bool v1 = l->pids_fd >= 0;
        struct walk k = {.list = v1 ? "tasks" : "cgroup.threads"};
        uint64_t before = 0, after = 0;

        if (!v1 && l->unified_fd < 0)
                return -ENOTSUP;
        cleanup_close int dir =
                cgroup_open_in(v1 ? l->pids_fd : l->unified_fd, path, ".", O_RDONLY | O_DIRECTORY);
        if (dir < 0)
                return dir;
        int r = read_charged(dir, &before);
        if (r == 0)
                r = cgroup_walk(dir, count_lines, &k);
        if (r == 0)
                r = read_charged(dir, &after);
        if (r < 0)
                return r == -ENODEV ? -ENOENT : r;
        /* Births while we counted must not look like dead ones, nor may burials: take the smaller. */
        before = MIN(before, after);
        *ret_unreaped = before > k.threads ? before - k.threads : 0;
        return 0;
}
