/* Room on the local file systems: see host_sampler_disks(). The list of mounts is anybody's text: whoever
 * may mount chooses the names in it.
 */
#include "base/text.h"
#include "base/util.h"
#include "model/drill.h"
#include "source/proc/host.h"
#include "source/proc/lines.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
        MOUNT_PATH = 512,
        RISKY_MOUNTS = 32, /* remembered; should there be more, nothing below the top folders is asked */
};

/* A disk fills slower than memory, and is asked once a minute: fit over 20 minutes, speak after five. */
#define DISK_TAU_SEC 1200.0
#define DISK_MIN_NS  (300 * NSEC_PER_SEC)

/* On a block device, writable, and answering statvfs from what the kernel keeps in memory. */
static const char *const local_types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs",
        "jfs", "reiserfs", "nilfs2", "vfat", "exfat", "ntfs3"};

/* Of the kernel's own making: a path may lead through them without waiting for anybody. */
static const char *const harmless_types[] = {"overlay", "aufs", "tmpfs", "devtmpfs", "ramfs", "rootfs",
        "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "hugetlbfs", "debugfs", "tracefs",
        "securityfs", "pstore", "bpf", "configfs", "fusectl", "binfmt_misc", "efivarfs", "nsfs", "squashfs",
        "erofs", "iso9660", "udf"};

struct mounts_walk {
        struct host_sampler *s;
        struct host *h;
        uint64_t now_ns;
        uint32_t found, risky;
        bool more_risky; /* some that could not be remembered */
        uint64_t device[BOARD_MOUNTS];
        char risky_path[RISKY_MOUNTS][128];
};

static bool is_one_of(const char *s, const char *const *list, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (!strcmp(s, list[i]))
                        return true;
        return false;
}

/* The kernel writes blanks, tabs, newlines, backslashes and '#' as \ooo. In place. */
static void unescape(char *s)
{
        char *out = s;

        while (*s) {
                if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
                        s[3] <= '7') {
                        *out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 4;
                } else {
                        *out++ = *s++;
                }
        }
        *out = '\0';
}

static bool is_below(const char *path, const char *mount)
{
        size_t n = strlen(mount);

        return !strncmp(path, mount, n) && (path[n] == '/' || path[n] == '\0');
}

/* Looking a path up can hang in a file system on the way, or in one mounted over the wanted one. */
static bool may_hang(const struct mounts_walk *m, const char *path)
{
        for (uint32_t i = 0; i < m->risky; i++)
                if (is_below(path, m->risky_path[i]))
                        return true;
        return m->more_risky && strchr(path + 1, '/') != NULL;
}

static bool is_read_only(const char *options)
{
        return !strncmp(options, "ro", 2) && (options[2] == ',' || options[2] == '\0');
}

/* One device may be mounted many times, and the file systems of one zfs pool share its room. */
static uint64_t device_of(const char *source, const char *type)
{
        size_t n = !strcmp(type, "zfs") ? strcspn(source, "/") : strlen(source);
        uint64_t h = UINT64_C(14695981039346656037);

        for (size_t i = 0; i < n; i++)
                h = (h ^ (unsigned char)source[i]) * UINT64_C(1099511628211);
        return h ? h : 1;
}

static double use_trend(struct mounts_walk *m, uint64_t device, double used)
{
        struct disk_trend *oldest = &m->s->disk_use[0], *t = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(m->s->disk_use) && !t; i++) {
                struct disk_trend *d = &m->s->disk_use[i];
                if (d->device == device)
                        t = d;
                else if (d->seen_ns < oldest->seen_ns)
                        oldest = d;
        }
        if (!t) {
                *oldest = (struct disk_trend){.device = device};
                t = oldest;
        }
        t->seen_ns = m->now_ns;
        return trend_add(&t->use, m->now_ns, used, DISK_TAU_SEC, DISK_MIN_NS);
}

static bool ask(struct mounts_walk *m, const char *path, uint64_t device)
{
        struct mount_point *mp = &m->h->mount[m->found];
        struct statvfs v;
        uint64_t size, used;

        if (statvfs(path, &v) < 0 || v.f_blocks == 0 || v.f_bfree > v.f_blocks || v.f_bavail > v.f_bfree)
                return false;
        used = v.f_blocks - v.f_bfree;
        if (__builtin_mul_overflow(used + v.f_bavail, (uint64_t)v.f_frsize, &size))
                return false;
        *mp = (struct mount_point){
                .size_bytes = size,
                .free_bytes = v.f_bavail * v.f_frsize,
                .inodes = v.f_files ? v.f_files : BOARD_UNKNOWN,
                .inodes_free = v.f_files ? v.f_favail : BOARD_UNKNOWN,
                .slope_bytes_per_sec = use_trend(m, device, (double)used * (double)v.f_frsize),
        };
        text_copy(mp->path, sizeof(mp->path), path, strlen(path));
        m->device[m->found++] = device;
        return true;
}

struct mount_line {
        char *source, *path, *type, *options;
};

static bool split(char *line, struct mount_line *ret)
{
        char *rest = line;

        ret->source = strsep(&rest, " ");
        ret->path = strsep(&rest, " ");
        ret->type = strsep(&rest, " ");
        ret->options = strsep(&rest, " ");
        if (!ret->options || ret->path[0] != '/' || strlen(ret->path) >= MOUNT_PATH)
                return false;
        unescape(ret->source);
        unescape(ret->path);
        return true;
}

/* First pass: what could hang. */
static void on_risky_line(void *ctx, char *line)
{
        struct mounts_walk *m = ctx;
        struct mount_line l;

        if (!split(line, &l)) {
                m->more_risky = true; /* not to be understood: be careful */
                return;
        }
        if (is_one_of(l.type, local_types, ARRAY_SIZE(local_types)) ||
                is_one_of(l.type, harmless_types, ARRAY_SIZE(harmless_types)))
                return;
        if (m->risky < RISKY_MOUNTS && text_set(m->risky_path[m->risky], sizeof(m->risky_path[0]), l.path))
                m->risky++;
        else
                m->more_risky = true; /* too many, or too long to be kept */
}

/* The mount of a drill is in memory. Where it hasn't come to us, its path leads to what is below it. */
static void ask_drill(struct mounts_walk *m, const struct mount_line *l)
{
        if (strcmp(l->source, DRILL_MOUNT) != 0 || !drill_pid(l->path, DRILL_FOLDER) || may_hang(m, l->path))
                return;
        if (ask(m, l->path, device_of(l->path, l->type)) &&
                m->h->mount[m->found - 1].size_bytes != DRILL_DISK_BYTES)
                m->found--;
}

/* Second pass: what to ask. */
static void on_local_line(void *ctx, char *line)
{
        struct mounts_walk *m = ctx;
        struct mount_line l;

        if (m->found == BOARD_MOUNTS || !split(line, &l))
                return;
        if (!strcmp(l.type, "tmpfs"))
                ask_drill(m, &l);
        if (!is_one_of(l.type, local_types, ARRAY_SIZE(local_types)) || is_read_only(l.options))
                return;
        if ((l.source[0] != '/' && strcmp(l.type, "zfs") != 0) || may_hang(m, l.path))
                return;
        uint64_t device = device_of(l.source, l.type);
        for (uint32_t i = 0; i < m->found; i++)
                if (m->device[i] == device)
                        return;
        ask(m, l.path, device);
}

void host_sampler_disks(struct host_sampler *s, struct host *h, uint64_t now_ns)
{
        /* the host's: our own may all be read-only, as a service manager made them */
        cleanup_close int theirs = openat(s->proc_fd, "1/mounts", O_RDONLY | O_CLOEXEC);
        cleanup_close int own = theirs < 0 ? openat(s->proc_fd, "self/mounts", O_RDONLY | O_CLOEXEC) : -1;
        int fd = theirs < 0 ? own : theirs;
        struct mounts_walk m = {.s = s, .h = h, .now_ns = now_ns};
        struct lines lines = {.line = on_risky_line, .ctx = &m};

        if (fd >= 0 && lines_read(&lines, fd) == 0) {
                lines.line = on_local_line;
                lines_read(&lines, fd);
        }
        h->mounts = m.found;
}
