/* The groups below a group, without allocation: see tree.h. */
#include "source/cgroup/tree.h"

#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

enum {
        MAX_DEPTH = 24,   /* containers nest a few deep; each level costs a descriptor and 2 KiB of stack */
        MAX_GROUPS = 4096 /* below one group; who may make groups might make very many */
};

struct walk {
        int (*fn)(void *ctx, int dir);
        void *ctx;
        unsigned groups;
};

struct dirents_entry {
        uint64_t ino;
        int64_t off;
        uint16_t reclen;
        uint8_t type; /* cgroup file systems always tell it */
        char name[];
};

bool cgroup_vanished(int r)
{
        return r == -ENOENT || r == -ENODEV;
}

static int walk(int dir, struct walk *k, unsigned depth)
{
        _Alignas(struct dirents_entry) char buf[2048];
        int r = k->fn(k->ctx, dir);

        if (r)
                return cgroup_vanished(r) && depth > 0 ? 0 : r;
        if (++k->groups > MAX_GROUPS || depth >= MAX_DEPTH)
                return -E2BIG;
        for (;;) {
                long n = syscall(SYS_getdents64, dir, buf, sizeof(buf));
                if (n < 0 && cgroup_vanished(-errno))
                        return 0;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                for (long at = 0; at < n;) {
                        const struct dirents_entry *e =
                                (const struct dirents_entry *)(const void *)(buf + at);

                        at += e->reclen;
                        if (e->type != DT_DIR || !strcmp(e->name, ".") || !strcmp(e->name, ".."))
                                continue;
                        cleanup_close int child =
                                openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        r = child < 0 ? -errno : walk(child, k, depth + 1);
                        if (r && !cgroup_vanished(r))
                                return r;
                }
        }
}

int cgroup_walk(int dir, int (*fn)(void *ctx, int dir), void *ctx)
{
        struct walk k = {.fn = fn, .ctx = ctx};

        return walk(dir, &k, 0);
}
