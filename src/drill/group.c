/* The control group of a drill: see group.h. */
#include "drill/group.h"

#include "base/file.h"
#include "base/text.h"
#include "model/drill.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

enum { HIERARCHIES = 7, TRIES = 500, PAUSE_MS = 10 };

/* Those in which a process must be for all of Sexton's sources to say that it is in this group. */
static void parents(const struct cgroup_layout *l, int fd[HIERARCHIES])
{
        const int each[HIERARCHIES] = {l->unified_fd, l->systemd_fd, l->memory_fd, l->cpuacct_fd, l->cpu_fd,
                l->pids_fd, l->freezer_fd};

        memcpy(fd, each, sizeof each);
}

static int open_own(const struct drill_group *g, int parent)
{
        return parent < 0 ? -1 : openat(parent, g->path + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Into the file of the group in that hierarchy, or in the one of version 2. False when it isn't there. */
static bool put(const struct drill_group *g, int v1, const char *v1_file, const char *v2_file, uint64_t value,
        const char *format)
{
        char text[64], number[24];

        snprintf(number, sizeof number, "%llu", (unsigned long long)value);
        cleanup_close int old = open_own(g, v1), unified = open_own(g, g->layout.unified_fd);
        if (old >= 0 && v1_file && file_write_at(old, v1_file, number) == 0)
                return true;
        snprintf(text, sizeof text, "%s%s", number, format);
        return unified >= 0 && v2_file && file_write_at(unified, v2_file, text) == 0;
}

static void bound(struct drill_group *g)
{
        const struct cgroup_layout *l = &g->layout;
        uint64_t period = 100000, quota = (uint64_t)lround(DRILL_CORES * (double)period);

        put(g, l->cpu_fd, "cpu.cfs_period_us", NULL, period, "");
        g->has_cpu = put(g, l->cpu_fd, "cpu.cfs_quota_us", "cpu.max", quota, " 100000");
        g->has_memory = put(g, l->memory_fd, "memory.limit_in_bytes", "memory.max", DRILL_MEMORY_BYTES, "");
        put(g, l->memory_fd, "memory.swappiness", "memory.swap.max", 0, "");
        put(g, l->pids_fd, "pids.max", "pids.max", DRILL_TASKS, "");
}

void drill_group_humble(const struct drill_group *g)
{
        put(g, g->layout.cpu_fd, "cpu.shares", NULL, 2, "");
        put(g, -1, NULL, "cpu.weight", 1, "");
}

int drill_group_open(struct drill_group *g, const char *cgroup_root, int32_t number, struct error *e)
{
        *g = (struct drill_group){0};
        snprintf(g->path, sizeof g->path, DRILL_GROUP "%d", number);
        int r = cgroup_init(&g->layout, cgroup_root);
        if (r < 0)
                return error_set(e, r, "no control groups at %s: %s", cgroup_root, strerror(-r));
        if (g->layout.version)
                return 0;
        cgroup_done(&g->layout);
        return error_set(e, -ENOTSUP, "no control groups are mounted at %s", cgroup_root);
}

int drill_group_make(struct drill_group *g, const char *cgroup_root, int32_t number, struct error *e)
{
        int parent[HIERARCHIES], r = drill_group_open(g, cgroup_root, number, e);

        if (r < 0)
                return r;
        parents(&g->layout, parent);
        for (size_t k = 0; k < HIERARCHIES; k++) {
                /* hierarchies that are mounted together have one folder */
                if (parent[k] < 0 || mkdirat(parent[k], g->path + 1, 0755) == 0 || errno == EEXIST)
                        continue;
                r = error_set(e, -errno, "cannot make the control group %s below %s: %s", g->path,
                        cgroup_root, strerror(errno));
                drill_group_end(g);
                drill_group_done(g);
                return r;
        }
        bound(g);
        return 0;
}

int drill_group_enter(const struct drill_group *g)
{
        int parent[HIERARCHIES];

        parents(&g->layout, parent);
        for (size_t k = 0; k < HIERARCHIES; k++) {
                cleanup_close int own = open_own(g, parent[k]);
                int r = own < 0 ? (parent[k] < 0 ? 0 : -errno) : file_write_at(own, "cgroup.procs", "0");
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool read_number(
        const struct drill_group *g, int v1, const char *v1_file, const char *v2_file, uint64_t *ret)
{
        cleanup_close int old = open_own(g, v1), unified = open_own(g, g->layout.unified_fd);
        char text[64];
        const char *p = text;

        if ((old < 0 || file_read_at(old, v1_file, text, sizeof text) <= 0) &&
                (unified < 0 || file_read_at(unified, v2_file, text, sizeof text) <= 0))
                return false;
        return text_u64(&p, ret);
}

uint64_t drill_group_memory(const struct drill_group *g)
{
        uint64_t bytes;

        return read_number(g, g->layout.memory_fd, "memory.usage_in_bytes", "memory.current", &bytes) ? bytes
                                                                                                      : 0;
}

int drill_group_frozen(const struct drill_group *g)
{
        cleanup_close int old = open_own(g, g->layout.freezer_fd),
                          unified = open_own(g, g->layout.unified_fd);
        char text[256];

        if (old >= 0 && file_read_at(old, "freezer.state", text, sizeof text) > 0)
                return !strncmp(text, "FROZEN", 6);
        if (unified < 0 || file_read_at(unified, "cgroup.events", text, sizeof text) <= 0)
                return -ENOENT;
        const char *value = text_line_value(text, "frozen ");
        return value ? *value == '1' : -ENOENT;
}

/* ---- the end ---- */

static bool kill_one(void *ctx, int32_t pid)
{
        bool *any = ctx;

        *any = true;
        if (pid > 1)
                kill(pid, SIGKILL);
        return true;
}

/* True when nobody lived in it. */
static bool kill_all(const struct drill_group *g)
{
        int parent[HIERARCHIES];
        bool any = false;

        parents(&g->layout, parent);
        for (size_t k = 0; k < HIERARCHIES; k++) {
                cleanup_close int dir = parent[k] < 0
                                                ? -1
                                                : openat(parent[k], g->path + 1,
                                                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (dir >= 0)
                        cgroup_each_pid(dir, kill_one, &any);
        }
        return !any;
}

static void thaw(const struct drill_group *g)
{
        cleanup_close int old = open_own(g, g->layout.freezer_fd),
                          unified = open_own(g, g->layout.unified_fd);

        if (old >= 0)
                file_write_at(old, "freezer.state", "THAWED");
        if (unified >= 0)
                file_write_at(unified, "cgroup.freeze", "0");
}

static bool remove_folders(const struct drill_group *g)
{
        int parent[HIERARCHIES];
        bool gone = true;

        parents(&g->layout, parent);
        for (size_t k = 0; k < HIERARCHIES; k++)
                if (parent[k] >= 0 && unlinkat(parent[k], g->path + 1, AT_REMOVEDIR) < 0 && errno != ENOENT)
                        gone = false;
        return gone;
}

bool drill_group_end(struct drill_group *g)
{
        /* the dead leave their group a moment after they were waited for, and others may have to wait for
         * them */
        for (int k = 0; k < TRIES; k++) {
                thaw(g);
                kill_all(g);
                if (remove_folders(g))
                        return true;
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        }
        return false;
}

void drill_group_done(struct drill_group *g)
{
        cgroup_done(&g->layout);
}

/* ---- folders ---- */

/* What is below an opened folder: files and sockets of a daemon that was started for a drill, and its store.
 */
static void empty_folder(int dir, int depth)
{
        DIR *d = fdopendir(dir);
        const struct dirent *one;

        while (d && (one = readdir(d))) {
                if (!strcmp(one->d_name, ".") || !strcmp(one->d_name, ".."))
                        continue;
                if (unlinkat(dirfd(d), one->d_name, 0) == 0 || depth == 0)
                        continue;
                int sub = openat(dirfd(d), one->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (sub >= 0)
                        empty_folder(sub, depth - 1);
                unlinkat(dirfd(d), one->d_name, AT_REMOVEDIR);
        }
        if (d)
                closedir(d);
        else
                close(dir);
}

bool drill_folder_end(int32_t number)
{
        char path[64];

        snprintf(path, sizeof path, DRILL_FOLDER "%d", number);
        while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
                ;
        if (rmdir(path) == 0 || errno == ENOENT)
                return true;
        int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0)
                empty_folder(dir, 4);
        return rmdir(path) == 0 || errno == ENOENT;
}

/* ---- leftovers ---- */

struct found {
        int32_t number[64];
        size_t count;
};

/* A drill's program, which has not ended, or the one that ends it when the program was killed. */
static bool is_staged(int32_t pid)
{
        char path[32], comm[32];

        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        return file_read_at(AT_FDCWD, path, comm, sizeof comm) > 0 &&
               !strncmp(comm, DRILL_COMM "\n", sizeof DRILL_COMM);
}

static void find(int dir, const char *prefix, struct found *f)
{
        int fd = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *one;

        while (d && (one = readdir(d))) {
                int32_t pid = drill_pid(one->d_name, prefix);
                bool known = !pid || is_staged(pid);
                for (size_t k = 0; k < f->count && !known; k++)
                        known = f->number[k] == pid;
                if (!known && f->count < ARRAY_SIZE(f->number))
                        f->number[f->count++] = pid;
        }
        if (d)
                closedir(d);
        else if (fd >= 0)
                close(fd);
}

int drill_leftovers_end(const char *cgroup_root, struct error *e)
{
        struct drill_group g;
        int parent[HIERARCHIES], r = drill_group_open(&g, cgroup_root, 0, e);
        struct found f = {.count = 0};

        if (r < 0)
                return r;
        parents(&g.layout, parent);
        for (size_t k = 0; k < HIERARCHIES; k++)
                find(parent[k], DRILL_GROUP + 1, &f);
        cleanup_close int run = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        find(run, DRILL_FOLDER + sizeof "/run", &f);
        for (size_t k = 0; k < f.count && r >= 0; k++) {
                snprintf(g.path, sizeof g.path, DRILL_GROUP "%d", f.number[k]);
                bool gone = drill_group_end(&g);
                gone = drill_folder_end(f.number[k]) && gone;
                r = gone ? r + 1
                         : error_set(e, -EBUSY,
                                   "what an earlier drill has left can't be removed: %s, " DRILL_FOLDER "%d",
                                   g.path, f.number[k]);
        }
        drill_group_done(&g);
        return r;
}
