/* A file system for SQLite on top of its own, which fails when it is told to: the n-th read, write, sync or
 * truncation, once or until it is mended, or by losing power; or hangs while files are opened. What was
 * written since a file's last sync is remembered; when power is lost, all of it, some of it, or a page's
 * second half is gone. Syncs are only played: nothing waits for a disk. Include it in one file of a test
 * program.
 */
#pragma once

#include "base/util.h"

#include <dlfcn.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum faulty_op { FAULTY_NONE, FAULTY_READ, FAULTY_WRITE, FAULTY_SYNC, FAULTY_TRUNCATE };

static struct faulty {
        enum faulty_op op;
        int code;     /* what SQLite is told */
        bool lasting; /* until it is mended */
        bool power;   /* is lost at that moment; a write in hand is torn */
        long nth;     /* such operation from now on; counted down to 0 when it has come */
        bool down;    /* power is lost: nothing works */
} faulty;

static const char *faulty_held; /* while there is a file of that name no file of SQLite's is opened */

struct faulty_write {
        int64_t at; /* for a truncation the size, with len -1 */
        int len;
        unsigned char *data;
};
/* A file, by its path: what is certain to be there, and what came on top since. */
struct faulty_disk {
        char path[120];
        unsigned char *synced;
        int64_t size;
        struct faulty_write *writes;
        size_t count, room;
};
static struct faulty_disk faulty_disks[4];

struct faulty_file {
        sqlite3_file base;
        struct faulty_disk *disk; /* NULL: a temporary one */
        void *real[];             /* as SQLite aligns */
};

static sqlite3_vfs *faulty_real, faulty_vfs;
static __typeof__(sqlite3_vfs_register) *faulty_register;

static inline sqlite3_file *faulty_below(sqlite3_file *f)
{
        return (sqlite3_file *)((struct faulty_file *)f)->real;
}

static inline bool faulty_now(enum faulty_op op)
{
        if (faulty.down)
                return true;
        if (faulty.op != op || (faulty.nth <= 0 && !faulty.lasting))
                return false;
        if (faulty.nth > 0 && --faulty.nth > 0)
                return false;
        faulty.down = faulty.power;
        return true;
}

/* ---- what is on the platter ---- */

static inline void faulty_forget(struct faulty_disk *d)
{
        for (size_t i = 0; i < d->count; i++)
                free(d->writes[i].data);
        d->count = 0;
}

static inline void faulty_synced(struct faulty_disk *d)
{
        FILE *f = fopen(d->path, "re");

        faulty_forget(d);
        free(d->synced);
        d->synced = NULL;
        d->size = 0;
        if (!f)
                return;
        fseek(f, 0, SEEK_END);
        d->size = ftell(f);
        rewind(f);
        d->synced = malloc((size_t)d->size + 1);
        if (!d->synced || fread(d->synced, 1, (size_t)d->size, f) != (size_t)d->size)
                abort();
        fclose(f);
}

static inline void faulty_wrote(struct faulty_disk *d, const void *data, int len, int64_t at)
{
        if (!d)
                return;
        if (d->count == d->room) {
                d->room = d->room * 2 + 16;
                d->writes = reallocarray(d->writes, d->room, sizeof *d->writes);
                if (!d->writes)
                        abort();
        }
        struct faulty_write *w = &d->writes[d->count++];
        *w = (struct faulty_write){.at = at, .len = len};
        if (len < 0)
                return;
        w->data = malloc((size_t)len + 1);
        if (!w->data)
                abort();
        memcpy(w->data, data, (size_t)len);
}

static inline struct faulty_disk *faulty_disk_of(const char *path)
{
        for (size_t i = 0; path && i < ARRAY_SIZE(faulty_disks); i++) {
                struct faulty_disk *d = &faulty_disks[i];
                if (!strcmp(d->path, path))
                        return d;
                if (d->path[0])
                        continue;
                snprintf(d->path, sizeof d->path, "%s", path);
                faulty_synced(d);
                return d;
        }
        return NULL;
}

/* ---- SQLite's calls ---- */

static int faulty_close(sqlite3_file *f)
{
        return faulty_below(f)->pMethods->xClose(faulty_below(f));
}

static int faulty_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
        if (faulty_now(FAULTY_READ))
                return SQLITE_IOERR_READ;
        return faulty_below(f)->pMethods->xRead(faulty_below(f), to, len, at);
}

static int faulty_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
        struct faulty_disk *d = ((struct faulty_file *)f)->disk;
        bool up = !faulty.down;

        if (faulty_now(FAULTY_WRITE)) {
                int some = len / 2;
                if (up && faulty_below(f)->pMethods->xWrite(faulty_below(f), data, some, at) == SQLITE_OK)
                        faulty_wrote(d, data, some, at);
                return faulty.down ? SQLITE_IOERR_WRITE : faulty.code;
        }
        int r = faulty_below(f)->pMethods->xWrite(faulty_below(f), data, len, at);
        if (r == SQLITE_OK)
                faulty_wrote(d, data, len, at);
        return r;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
        if (faulty_now(FAULTY_TRUNCATE))
                return SQLITE_IOERR_TRUNCATE;
        int r = faulty_below(f)->pMethods->xTruncate(faulty_below(f), size);
        if (r == SQLITE_OK)
                faulty_wrote(((struct faulty_file *)f)->disk, NULL, -1, size);
        return r;
}

static int faulty_sync(sqlite3_file *f, int flags)
{
        struct faulty_disk *d = ((struct faulty_file *)f)->disk;

        (void)flags;
        if (faulty_now(FAULTY_SYNC))
                return SQLITE_IOERR_FSYNC;
        if (d)
                faulty_synced(d);
        return SQLITE_OK;
}

static int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
        return faulty_below(f)->pMethods->xFileSize(faulty_below(f), size);
}

static int faulty_lock(sqlite3_file *f, int how)
{
        return faulty_below(f)->pMethods->xLock(faulty_below(f), how);
}

static int faulty_unlock(sqlite3_file *f, int how)
{
        return faulty_below(f)->pMethods->xUnlock(faulty_below(f), how);
}

static int faulty_reserved(sqlite3_file *f, int *ret)
{
        return faulty_below(f)->pMethods->xCheckReservedLock(faulty_below(f), ret);
}

static int faulty_control(sqlite3_file *f, int op, void *arg)
{
        return faulty_below(f)->pMethods->xFileControl(faulty_below(f), op, arg);
}

static int faulty_sector(sqlite3_file *f)
{
        return faulty_below(f)->pMethods->xSectorSize(faulty_below(f));
}

static int faulty_traits(sqlite3_file *f)
{
        return faulty_below(f)->pMethods->xDeviceCharacteristics(faulty_below(f));
}

static int faulty_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
        return faulty_below(f)->pMethods->xShmMap(faulty_below(f), page, size, extend, ret);
}

static int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
        return faulty_below(f)->pMethods->xShmLock(faulty_below(f), offset, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *f)
{
        faulty_below(f)->pMethods->xShmBarrier(faulty_below(f));
}

static int faulty_shm_unmap(sqlite3_file *f, int remove)
{
        return faulty_below(f)->pMethods->xShmUnmap(faulty_below(f), remove);
}

static const sqlite3_io_methods faulty_methods = {2, faulty_close, faulty_read, faulty_write, faulty_truncate,
        faulty_sync, faulty_size, faulty_lock, faulty_unlock, faulty_reserved, faulty_control, faulty_sector,
        faulty_traits, faulty_shm_map, faulty_shm_lock, faulty_shm_barrier, faulty_shm_unmap, NULL, NULL};

static int faulty_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *ret)
{
        struct faulty_file *x = (struct faulty_file *)f;

        (void)v;
        x->base.pMethods = NULL;
        while (faulty_held && access(faulty_held, F_OK) == 0)
                usleep(10000);
        if (faulty.down)
                return SQLITE_CANTOPEN;
        int r = faulty_real->xOpen(faulty_real, path, faulty_below(f), flags, ret);
        x->disk = r == SQLITE_OK ? faulty_disk_of(path) : NULL;
        if (faulty_below(f)->pMethods)
                x->base.pMethods = &faulty_methods;
        return r;
}

static int faulty_delete(sqlite3_vfs *v, const char *path, int sync)
{
        struct faulty_disk *d = faulty_disk_of(path);

        (void)v;
        if (faulty.down)
                return SQLITE_IOERR_DELETE;
        int r = faulty_real->xDelete(faulty_real, path, sync);
        if (d)
                faulty_synced(d);
        return r;
}

/* ---- the test's calls ---- */

/* Connections opened from now on come through here, or not. The library must have been loaded. */
static inline void faulty_use(bool on)
{
        if (!faulty_real) {
                void *lib = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_NOLOAD);
                __typeof__(sqlite3_vfs_find) *find;
                void *at[2] = {lib ? dlsym(lib, "sqlite3_vfs_find") : NULL,
                        lib ? dlsym(lib, "sqlite3_vfs_register") : NULL};
                if (!at[0] || !at[1])
                        abort();
                memcpy(&find, &at[0], sizeof find);
                memcpy(&faulty_register, &at[1], sizeof faulty_register);
                faulty_real = find(NULL);
                faulty_vfs = *faulty_real;
                faulty_vfs.zName = "faulty";
                faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty_real->szOsFile;
                faulty_vfs.xOpen = faulty_open;
                faulty_vfs.xDelete = faulty_delete;
        }
        faulty = (struct faulty){0};
        if (faulty_register(on ? &faulty_vfs : faulty_real, 1) != SQLITE_OK)
                abort();
}

/* All is synced, and nothing is remembered. */
static inline void faulty_reset(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(faulty_disks); i++) {
                faulty_forget(&faulty_disks[i]);
                free(faulty_disks[i].writes);
                free(faulty_disks[i].synced);
                faulty_disks[i] = (struct faulty_disk){0};
        }
        faulty = (struct faulty){0};
}

/* Leaves in the files what the platter has after power was lost, while nobody has them open: writes that
 * were not synced are there by `seed`: 0 none, 1 all, else some, some of them half. Then faulty_reset(). */
static inline void faulty_power_lost(uint32_t seed)
{
        for (size_t i = 0; i < ARRAY_SIZE(faulty_disks); i++) {
                struct faulty_disk *d = &faulty_disks[i];
                FILE *f = d->path[0] && access(d->path, F_OK) == 0 ? fopen(d->path, "r+e") : NULL;
                if (!f)
                        continue;
                if (ftruncate(fileno(f), 0) < 0 ||
                        pwrite(fileno(f), d->synced, (size_t)d->size, 0) != (ssize_t)d->size)
                        abort();
                uint32_t dice = seed;
                for (size_t k = 0; k < d->count; k++) {
                        struct faulty_write *w = &d->writes[k];
                        dice = dice * 1664525u + 1013904223u;
                        uint32_t fate = seed <= 1 ? seed * 2 : (dice >> 16) % 3; /* gone, half, whole */
                        if (fate && w->len < 0 && ftruncate(fileno(f), w->at) < 0)
                                abort();
                        int len = fate == 1 ? w->len / 2 : w->len;
                        if (fate && len > 0 && pwrite(fileno(f), w->data, (size_t)len, w->at) != len)
                                abort();
                }
                fclose(f);
        }
        faulty_reset();
}
