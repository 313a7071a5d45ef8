/* What must be put back if we are gone: see journal.h. */
#include "act/journal.h"

#include "act/change.h"
#include "base/file.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC 0x53584143u

static uint32_t checksum(const struct journal_change *c)
{
        const unsigned char *p = (const unsigned char *)&c->action;
        uint32_t h = 2166136261u; /* FNV-1a */

        for (size_t n = sizeof *c - offsetof(struct journal_change, action); n; n--)
                h = (h ^ *p++) * 16777619u;
        return h;
}

static int read_boot_id(char id[static 40])
{
        ssize_t n = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, 40);

        return n < 0 ? (int)n : 0;
}

static int fill(int fd)
{
        struct journal head = {.magic = MAGIC, .version = JOURNAL_VERSION, .size = sizeof head, .next_id = 1};
        int r = read_boot_id(head.boot_id);

        if (r < 0)
                return r;
        /* written, not only made longer: no page of it may be missing when memory or the disk is full */
        ssize_t n = pwrite(fd, &head, sizeof head, 0);
        return n == sizeof head ? 0 : n < 0 ? -errno : -ENOSPC;
}

int journal_create(const char *path)
{
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = fill(fd);
        return r < 0 ? r : TAKE_FD(fd);
}

int journal_create_in_memory(void)
{
        cleanup_close int fd = memfd_create("sexton-actions", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = fill(fd);
        return r < 0 ? r : TAKE_FD(fd);
}

int journal_open(const char *path)
{
        int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int journal_map(int fd, struct journal **ret)
{
        char boot_id[40];
        struct stat st;
        int r = read_boot_id(boot_id);

        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size != sizeof(struct journal))
                return -EPROTO;
        struct journal *j = mmap(NULL, sizeof *j, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (j == MAP_FAILED)
                return -errno;
        if (j->magic != MAGIC || j->version != JOURNAL_VERSION || j->size != sizeof *j ||
                strncmp(j->boot_id, boot_id, sizeof boot_id)) {
                munmap(j, sizeof *j);
                return -EPROTO;
        }
        *ret = j;
        return 0;
}

int journal_add(struct journal *j, const struct journal_change *c)
{
        for (int k = 0; k < JOURNAL_CHANGES; k++) {
                struct journal_change *e = &j->change[k];
                if (atomic_load(&e->state) != JOURNAL_FREE)
                        continue;
                memcpy(&e->action, &c->action, sizeof *e - offsetof(struct journal_change, action));
                e->checksum = checksum(e);
                /* whole before it counts, and counted before anything is changed on its account */
                atomic_store(&e->state, JOURNAL_STANDS);
                return k;
        }
        return -ENOSPC;
}

void journal_remove(struct journal *j, int place)
{
        atomic_store(&j->change[place].state, JOURNAL_FREE);
}

enum journal_state journal_get(const struct journal *j, int place, struct journal_change *ret)
{
        const struct journal_change *e = &j->change[place];
        uint32_t state = atomic_load(&e->state);

        if (state != JOURNAL_STANDS && state != JOURNAL_UNDONE)
                return JOURNAL_FREE;
        memcpy(ret, e, sizeof *ret);
        if (ret->checksum != checksum(ret))
                return JOURNAL_FREE;
        ret->path[sizeof ret->path - 1] = ret->before[sizeof ret->before - 1] =
                ret->ours[sizeof ret->ours - 1] = ret->service[sizeof ret->service - 1] = '\0';
        return (enum journal_state)state;
}

uint32_t journal_undo_all(struct journal *j, const struct cgroup_layout *l, bool keep,
        void (*told)(const struct journal_change *c, int how))
{
        struct journal_change c;
        uint32_t failed = 0;

        for (int k = 0; k < JOURNAL_CHANGES; k++) {
                if (journal_get(j, k, &c) != JOURNAL_STANDS)
                        continue;
                int how = change_undo(l, &c);
                told(&c, how);
                failed += how < 0;
                if (how >= 0)
                        atomic_store(&j->change[k].state, keep ? JOURNAL_UNDONE : JOURNAL_FREE);
        }
        return failed;
}
