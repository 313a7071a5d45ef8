/* What must be put back if we are gone: for each file of a control group that an action changed, what it
 * held before. Written down before the file is changed, in a file beside the daemon's socket that the guard
 * and the dead-man share by mapping it; so that a restarted guard, the dead-man or the next start can undo.
 *
 * The guard alone adds and removes entries. An entry half written when the guard was killed has a wrong
 * checksum, and nothing was changed yet on its account.
 */
#pragma once

#include "source/cgroup/cgroup.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_VERSION 1u

enum {
        JOURNAL_CHANGES = 128, /* all used: no action that needs one is taken */
        JOURNAL_VALUE = 64,
};

enum journal_state {
        JOURNAL_FREE = 0,
        JOURNAL_STANDS,
        JOURNAL_UNDONE, /* by the dead-man: the guard has yet to learn of it */
};

/* One file of one control group. */
struct journal_change {
        _Atomic uint32_t state; /* enum journal_state */
        uint32_t checksum;      /* of all that follows */
        uint32_t action;        /* id */
        uint8_t kind;           /* enum action_kind */
        uint8_t hierarchy;      /* enum cgroup_hierarchy */
        uint8_t file;           /* enum change_file */
        uint64_t group;         /* inode of the group's folder: one made anew is another one */
        char path[CGROUP_PATH];
        char before[JOURNAL_VALUE], ours[JOURNAL_VALUE];
        char service[64]; /* for messages */
};

struct journal {
        uint32_t magic, version, size, next_id;
        char boot_id[40];
        _Atomic uint64_t beats; /* counted up by the living guard */
        _Atomic int32_t guard_pid;
        struct journal_change change[JOURNAL_CHANGES];
};

/* Makes the file anew with mode 0600, all of it allocated; one that is there is removed first. Returns its
 * descriptor, to be mapped by journal_map(), or a negative errno. */
int journal_create(const char *path);
/* The same without a file: it is lost when all who hold it are gone. */
int journal_create_in_memory(void);
/* Opens what an earlier run left; -ENOENT when there is none. */
int journal_open(const char *path);
/* -EPROTO when it is of another version, size or boot of the host. Ends with munmap() or never. */
int journal_map(int fd, struct journal **ret);

/* Writes down a change that is about to be made; its state and checksum are filled in. Returns its place, or
 * -ENOSPC. */
int journal_add(struct journal *j, const struct journal_change *c);
void journal_remove(struct journal *j, int place);
/* Copies an entry that stands (or was undone by the dead-man) and is whole; returns its state. */
enum journal_state journal_get(const struct journal *j, int place, struct journal_change *ret);

/* Undoes what stands, for a guard that can't: `told` hears of each with enum change_undone or a negative
 * errno. With `keep`, entries become JOURNAL_UNDONE, for the guard to find; else free. Returns how many could
 * not be undone. */
uint32_t journal_undo_all(struct journal *j, const struct cgroup_layout *l, bool keep,
        void (*told)(const struct journal_change *c, int how));
