/* Which hierarchies there are, told from the folders alone: a cgroup2 root has cgroup.controllers, the
 * v1 controllers are folders (or links to co-mounted ones) named after them, a hybrid has "unified". A root
 * that isn't the kernel's own is a container's, and left out.
 */
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "source/cgroup/cgroup.h"
#include "source/cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define UNIFIED_MARK "cgroup.controllers"

/* A v1 hierarchy, the name of its folder, and what it is called when two are mounted together without the
 * usual links. */
static const struct {
        size_t offset;
        const char *names[3];
} hierarchies[] = {
        {offsetof(struct cgroup_layout, cpu_fd), {"cpu", "cpu,cpuacct", "cpuacct,cpu"}},
        {offsetof(struct cgroup_layout, cpuacct_fd), {"cpuacct", "cpu,cpuacct", "cpuacct,cpu"}},
        {offsetof(struct cgroup_layout, memory_fd), {"memory"}},
        {offsetof(struct cgroup_layout, pids_fd), {"pids"}},
        {offsetof(struct cgroup_layout, blkio_fd), {"blkio"}},
        {offsetof(struct cgroup_layout, freezer_fd), {"freezer"}},
        {offsetof(struct cgroup_layout, systemd_fd), {"systemd"}},
};

static int *hierarchy_fd(struct cgroup_layout *l, size_t i)
{
        return (int *)(void *)((char *)l + hierarchies[i].offset);
}

static bool has_word(const char *text, const char *word)
{
        const char *field;
        size_t len;

        while (text_field(&text, &field, &len))
                if (len == strlen(word) && !memcmp(field, word, len))
                        return true;
        return false;
}

/* True when dir is the root of a cgroup2 hierarchy; tells whether memory and pids are on it. */
static bool read_unified(int dir, bool *ret_controllers)
{
        char text[512];

        if (file_read_at(dir, UNIFIED_MARK, text, sizeof(text)) < 0)
                return false;
        *ret_controllers = has_word(text, "memory") && has_word(text, "pids");
        return true;
}

/* The kernel gives the root of each hierarchy the number 1. A fixture is on another file system. */
static bool is_part(int dir)
{
        struct statfs fs;
        struct stat st;

        return fstatfs(dir, &fs) == 0 &&
               (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC) &&
               fstat(dir, &st) == 0 && st.st_ino != 1;
}

/* dir, unless it is but a part: -1 then, and closed. */
static int whole(struct cgroup_layout *l, int dir)
{
        if (dir < 0 || !is_part(dir))
                return dir;
        l->parts = true;
        close(dir);
        return -1;
}

static int open_folder(struct cgroup_layout *l, int dir, const char *name)
{
        return whole(l, openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int cgroup_init(struct cgroup_layout *l, const char *cgroup_root)
{
        cleanup_close int root = file_open_root(cgroup_root);
        bool any_v1 = false;

        *l = (struct cgroup_layout){.unified_fd = -1};
        for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++)
                *hierarchy_fd(l, i) = -1;
        if (root < 0)
                return root;
        if (read_unified(root, &l->unified_has_controllers)) {
                l->unified_fd = whole(l, TAKE_FD(root));
                l->unified_has_controllers &= l->unified_fd >= 0;
                l->version = l->unified_fd >= 0 ? 2 : 0;
                return 0;
        }
        l->unified_fd = open_folder(l, root, "unified");
        if (l->unified_fd >= 0 && !read_unified(l->unified_fd, &l->unified_has_controllers)) {
                close(l->unified_fd);
                l->unified_fd = -1;
        }
        for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
                int *fd = hierarchy_fd(l, i);
                for (size_t k = 0; k < ARRAY_SIZE(hierarchies[i].names) && *fd < 0; k++)
                        if (hierarchies[i].names[k])
                                *fd = open_folder(l, root, hierarchies[i].names[k]);
                any_v1 |= *fd >= 0;
        }
        if (any_v1)
                l->version = l->unified_fd >= 0 ? 3 : 1;
        else
                l->version = l->unified_fd >= 0 ? 2 : 0;
        return 0;
}

void cgroup_done(struct cgroup_layout *l)
{
        if (l->unified_fd >= 0)
                close(l->unified_fd);
        l->unified_fd = -1;
        for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
                int *fd = hierarchy_fd(l, i);
                if (*fd >= 0)
                        close(*fd);
                *fd = -1;
        }
}

static bool leads_out(const char *path)
{
        for (const char *p = strstr(path, ".."); p; p = strstr(p + 1, ".."))
                if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
                        return true;
        return false;
}

int cgroup_open_in(int hierarchy, const char *path, const char *file, int flags)
{
        char name[CGROUP_PATH + 40];

        if (hierarchy < 0 || leads_out(path))
                return -ENOENT;
        int n = snprintf(name, sizeof(name), ".%s%s/%s", path[0] == '/' ? "" : "/", path, file);
        if (n < 0 || (size_t)n >= sizeof(name))
                return -ENAMETOOLONG;
        int fd = openat(hierarchy, name, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The hierarchy that the ids of BPF are of. */
static int id_hierarchy(const struct cgroup_layout *l)
{
        const int v1[] = {l->memory_fd, l->pids_fd, l->cpuacct_fd};

        for (size_t i = 0; i < ARRAY_SIZE(v1) && !l->unified_has_controllers; i++)
                if (v1[i] >= 0)
                        return v1[i];
        return l->unified_fd;
}

bool cgroup_ids_tell_all(const struct cgroup_layout *l)
{
        return l->version == 2;
}

uint64_t cgroup_id(const struct cgroup_layout *l, const char *path)
{
        struct stat st;

        cleanup_close int dir = cgroup_open_in(id_hierarchy(l), path, ".", O_PATH | O_DIRECTORY);
        if (dir < 0 || fstat(dir, &st) < 0)
                return 0;
        return st.st_ino;
}

/* Where an open folder lies, below what is mounted or seen from here. */
static int path_of_fd(int fd, char path[CGROUP_PATH])
{
        char link[40];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, CGROUP_PATH - 1);
        if (n < 0)
                return -errno;
        path[n] = '\0';
        return n == CGROUP_PATH - 1 ? -ENAMETOOLONG : (int)n;
}

int cgroup_path_of_id(const struct cgroup_layout *l, uint64_t id, char path[CGROUP_PATH])
{
        enum { FILEID_OF_KERNFS = 0xfe }; /* include/linux/exportfs.h; the handle is the id */
        union {
                struct file_handle h;
                char space[sizeof(struct file_handle) + sizeof(id)];
        } u = {.h = {.handle_bytes = sizeof(id), .handle_type = FILEID_OF_KERNFS}};
        char found[CGROUP_PATH], top[CGROUP_PATH];
        int hierarchy = id_hierarchy(l);

        if (hierarchy < 0)
                return -ENOENT;
        cleanup_close int root = openat(hierarchy, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        memcpy(u.h.f_handle, &id, sizeof(id));
        cleanup_close int fd = open_by_handle_at(root, &u.h, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int n = path_of_fd(fd, found), len = path_of_fd(root, top);
        if (n < 0 || len < 0)
                return n < 0 ? n : len;
        const char *deleted = strstr(found, " (deleted)");
        if (strncmp(found, top, (size_t)len) || (deleted && !deleted[10]))
                return -ESTALE;
        snprintf(path, CGROUP_PATH, "%s", found[len] ? found + len : "/");
        return 0;
}
