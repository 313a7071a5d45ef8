/* One file of one control group, changed and put back: the part of an action that the guard, the dead-man and
 * the next start have in common. The group is told by its inode, so that one of the same name made anew is
 * not taken for it, and a value by its meaning ("FREEZING" is "FROZEN").
 */
#pragma once

#include "act/journal.h"

enum change_file {
        CHANGE_CPU_WEIGHT,
        CHANGE_CPU_SHARES,
        CHANGE_CPU_MAX,
        CHANGE_CFS_QUOTA,
        CHANGE_MEMORY_HIGH,
        CHANGE_MEMORY_LIMIT,
        CHANGE_PIDS_MAX,
        CHANGE_FREEZE,
        CHANGE_FREEZER,
        CHANGE_FILES
};

/* "cpu.max" */
const char *change_file_name(uint8_t file);
bool change_same(uint8_t file, const char *one, const char *other);

/* First line of the group's file, bounded. */
int change_read_in(int group_dir, uint8_t file, char value[JOURNAL_VALUE]);
/* Writes without waiting for memory to be reclaimed, where the kernel can do that. */
int change_write_in(int group_dir, uint8_t file, const char *value);

/* -ESTALE when the group is gone. */
int change_read(const struct cgroup_layout *l, const struct journal_change *c, char value[JOURNAL_VALUE]);
int change_apply(const struct cgroup_layout *l, const struct journal_change *c);

enum change_undone {
        CHANGE_RESTORED,
        CHANGE_GONE,   /* the group is gone, and our value with it */
        CHANGE_THEIRS, /* somebody has set another value since, which stays */
};
/* Puts back what was before if it is still our value that stands. One of the above, or a negative errno. */
int change_undo(const struct cgroup_layout *l, const struct journal_change *c);
