/* The control group of a drill, in every hierarchy that there is, with its bounds; and what earlier drills
 * that were killed have left: groups, mounts and folders named after programs that are gone.
 */
#pragma once

#include "base/error.h"
#include "source/cgroup/cgroup.h"

#include <stdbool.h>
#include <stdint.h>

struct drill_group {
        struct cgroup_layout layout;
        char path[64];            /* "/sexton-drill-PID" */
        bool has_cpu, has_memory; /* the quota and the limit could be set */
};

#define DRILL_COMM "sexton-drill" /* what a program that stages one calls itself */

enum { DRILL_MEMORY_BYTES = 32 << 20, DRILL_TASKS = 128 };

/* Makes and bounds it. */
int drill_group_make(struct drill_group *g, const char *cgroup_root, int32_t number, struct error *e);
/* One that is there, or may be: to look at it, or to end it. */
int drill_group_open(struct drill_group *g, const char *cgroup_root, int32_t number, struct error *e);
/* It gives way to everybody else: for those that are busy. */
void drill_group_humble(const struct drill_group *g);
/* Moves the caller into it, in every hierarchy. */
int drill_group_enter(const struct drill_group *g);
/* Bytes that it uses as its limit counts them; 0 when that isn't known. */
uint64_t drill_group_memory(const struct drill_group *g);
/* What the kernel says: 1 frozen, 0 not, negative errno when it can't be told. */
int drill_group_frozen(const struct drill_group *g);
/* Ends all that lives in it and removes it; true when nothing of it is left. Also of one that another made.
 */
bool drill_group_end(struct drill_group *g);
void drill_group_done(struct drill_group *g);

/* Removes what drills have left whose programs are gone; how many drills that were, or a negative errno when
 * something could not be removed. */
int drill_leftovers_end(const char *cgroup_root, struct error *e);
/* The drill's folder below /run, with what is mounted on it; true when it is gone. */
bool drill_folder_end(int32_t number);
