/* Private to this folder: reaching a file of a group inside one hierarchy. */
#pragma once

/* The file (or, with ".", the folder) of group `path` below a hierarchy's root. A negative errno;
 * -ENOENT also for a hierarchy that isn't there and for paths that lead out of it, as those of
 * another cgroup namespace do. */
int cgroup_open_in(int hierarchy_fd, const char *path, const char *file, int flags);
