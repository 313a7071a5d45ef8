/* Private to this folder: reaching a file of a group inside one hierarchy, and the groups below one. */
#pragma once

#include "source/cgroup/cgroup.h"

/* The file (or, with ".", the folder) of group `path` below a hierarchy's root. A negative errno;
 * -ENOENT also for a hierarchy that isn't there and for paths that lead out of it, as those of
 * another cgroup namespace do. */
int cgroup_open_in(int hierarchy_fd, const char *path, const char *file, int flags);

/* The group was removed meanwhile: what is gone has no tasks. */
bool cgroup_vanished(int r);
/* Calls fn for the folder itself and, depth first, each group below, until it returns other than 0, which
 * is then returned (a vanished group below is passed over). -E2BIG when the tree is unreasonably large.
 * `dir` is open for reading and stands at its start. */
int cgroup_walk(int dir, int (*fn)(void *ctx, int dir), void *ctx);

/* The path of the line of /proc/PID/cgroup that has this controller ("" = the unified hierarchy's); one that
 * doesn't fit is none. */
bool cgroup_line_of(const char *text, const char *controller, char path[CGROUP_PATH]);
