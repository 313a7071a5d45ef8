/* One file of one control group: see change.h. */
#include "act/change.h"

#include "base/file.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const files[CHANGE_FILES] = {
        [CHANGE_CPU_WEIGHT] = "cpu.weight",
        [CHANGE_CPU_SHARES] = "cpu.shares",
        [CHANGE_CPU_MAX] = "cpu.max",
        [CHANGE_CFS_QUOTA] = "cpu.cfs_quota_us",
        [CHANGE_MEMORY_HIGH] = "memory.high",
        [CHANGE_MEMORY_LIMIT] = "memory.limit_in_bytes",
        [CHANGE_PIDS_MAX] = "pids.max",
        [CHANGE_FREEZE] = "cgroup.freeze",
        [CHANGE_FREEZER] = "freezer.state",
};

const char *change_file_name(uint8_t file)
{
        return file < CHANGE_FILES ? files[file] : "?";
}

bool change_same(uint8_t file, const char *one, const char *other)
{
        if (file == CHANGE_FREEZER) /* FREEZING, FROZEN; THAWED */
                return !strncmp(one, "FR", 2) == !strncmp(other, "FR", 2);
        return !strcmp(one, other);
}

int change_read_in(int dir, uint8_t file, char value[JOURNAL_VALUE])
{
        ssize_t n = file_read_at(dir, change_file_name(file), value, JOURNAL_VALUE);

        if (n < 0)
                return (int)n;
        value[strcspn(value, "\n")] = '\0';
        return value[0] ? 0 : -ENODATA;
}

int change_write_in(int dir, uint8_t file, const char *value)
{
        /* a limit of memory below what is used is taken at once and reclaimed by those who allocate next;
         * before Linux 6.16 the kernel ignores the flag */
        cleanup_close int fd = openat(dir, change_file_name(file), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        char text[JOURNAL_VALUE + 1];
        int n = snprintf(text, sizeof text, "%s\n", value);

        if (fd < 0)
                return -errno;
        ssize_t r = write(fd, text, (size_t)n);
        return r == n ? 0 : r < 0 ? -errno : -EIO;
}

static int open_group(const struct cgroup_layout *l, const struct journal_change *c)
{
        cleanup_close int dir = c->hierarchy < CGROUP_HIERARCHIES
                                        ? cgroup_open_group(l, (enum cgroup_hierarchy)c->hierarchy, c->path)
                                        : -EINVAL;
        struct stat st;

        if (dir == -ENOENT)
                return -ESTALE;
        if (dir < 0)
                return dir;
        if (fstat(dir, &st) < 0)
                return -errno;
        return st.st_ino == c->group ? TAKE_FD(dir) : -ESTALE;
}

/* Of a group that is removed under us. */
static int gone(int r)
{
        return r == -ENODEV || r == -ENOENT ? -ESTALE : r;
}

int change_read(const struct cgroup_layout *l, const struct journal_change *c, char value[JOURNAL_VALUE])
{
        cleanup_close int dir = open_group(l, c);

        return dir < 0 ? dir : gone(change_read_in(dir, c->file, value));
}

int change_apply(const struct cgroup_layout *l, const struct journal_change *c)
{
        cleanup_close int dir = open_group(l, c);

        return dir < 0 ? dir : gone(change_write_in(dir, c->file, c->ours));
}

int change_undo(const struct cgroup_layout *l, const struct journal_change *c)
{
        cleanup_close int dir = open_group(l, c);
        char now[JOURNAL_VALUE];
        int r = dir < 0 ? dir : gone(change_read_in(dir, c->file, now));

        if (!r && change_same(c->file, now, c->before))
                return CHANGE_RESTORED;
        if (!r && !change_same(c->file, now, c->ours))
                return CHANGE_THEIRS;
        if (!r)
                r = gone(change_write_in(dir, c->file, c->before));
        return r == -ESTALE ? CHANGE_GONE : r ? r : CHANGE_RESTORED;
}
