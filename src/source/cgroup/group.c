/* Groups to act on: which group of each hierarchy a process is in, its folder, and who else is in it. */
#include "base/text.h"
#include "base/util.h"
#include "source/cgroup/cgroup.h"
#include "source/cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int hierarchy_fd(const struct cgroup_layout *l, enum cgroup_hierarchy h)
{
        const int fd[CGROUP_HIERARCHIES] = {
                [CGROUP_UNIFIED] = l->unified_fd,
                [CGROUP_CPU] = l->cpu_fd,
                [CGROUP_MEMORY] = l->memory_fd,
                [CGROUP_PIDS] = l->pids_fd,
                [CGROUP_FREEZER] = l->freezer_fd,
        };

        return fd[h];
}

int cgroup_open_group(const struct cgroup_layout *l, enum cgroup_hierarchy h, const char *path)
{
        return cgroup_open_in(hierarchy_fd(l, h), path, ".", O_RDONLY | O_DIRECTORY);
}

bool cgroup_path_in(const char *text, enum cgroup_hierarchy h, char path[CGROUP_PATH])
{
        static const char *const words[CGROUP_HIERARCHIES] = {
                [CGROUP_UNIFIED] = "",
                [CGROUP_CPU] = "cpu",
                [CGROUP_MEMORY] = "memory",
                [CGROUP_PIDS] = "pids",
                [CGROUP_FREEZER] = "freezer",
        };

        return cgroup_line_of(text, words[h], path);
}

struct pids {
        bool (*fn)(void *ctx, int32_t pid);
        void *ctx;
};

/* Numbers, one a line, in pieces: one may be cut by the end of a piece. */
static int pids_of(void *ctx, int dir)
{
        const struct pids *k = ctx;
        cleanup_close int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        char buf[4096];
        int32_t pid = 0;

        if (fd < 0)
                return -errno;
        for (;;) {
                ssize_t n = read(fd, buf, sizeof(buf));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EOPNOTSUPP)
                        return 0; /* a threaded group: its processes are listed above it */
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (const char *p = buf; p < buf + n; p++) {
                        if (*p >= '0' && *p <= '9' && pid < INT32_MAX / 10 - 1) {
                                pid = pid * 10 + (*p - '0');
                        } else {
                                /* 0: of a namespace that we don't see into */
                                if (*p == '\n' && !k->fn(k->ctx, pid))
                                        return 1;
                                pid = 0;
                        }
                }
        }
}

int cgroup_each_pid(int group_dir, bool (*fn)(void *ctx, int32_t pid), void *ctx)
{
        struct pids k = {.fn = fn, .ctx = ctx};
        int r = cgroup_walk(group_dir, pids_of, &k);

        return cgroup_vanished(r) ? -ENOENT : r;
}
