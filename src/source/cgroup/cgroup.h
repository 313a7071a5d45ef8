/* Control groups, version 1, 2 and hybrid behind one interface: which hierarchies are mounted, which
 * group a process belongs to, and one group's counters through kept descriptors (0.5 us each instead
 * of 5-6 when opened each time). No allocation after cgroup_init().
 */
#pragma once

#include "model/board.h"

#include <stdbool.h>
#include <stdint.h>

enum { CGROUP_PATH = 256 };

struct cgroup_layout {
        uint8_t version; /* 1, 2, 3 = hybrid (v1 controllers beside a cgroup2 mount), 0 = none */
        int unified_fd;  /* O_PATH folders of the mounted hierarchies, -1 = not there */
        int cpu_fd, cpuacct_fd, memory_fd, pids_fd, blkio_fd, freezer_fd, systemd_fd;
        bool unified_has_controllers; /* memory and pids are on the unified hierarchy */
        bool parts;                   /* some are left out because only a part of them is to be seen here */
};

/* Looks at the folders below cgroup_root ("/sys/fs/cgroup", or a fixture tree that looks like one). Having
 * none of them is version 0, not an error; nor is seeing but one's own part of them, as in a container: what
 * looks like the root there is not the host's, and the paths of others lead nowhere. cgroup_done() is due
 * only after success. */
int cgroup_init(struct cgroup_layout *l, const char *cgroup_root);
void cgroup_done(struct cgroup_layout *l);

/* From the text of /proc/PID/cgroup to the one path that names the process's group: a line that holds a
 * container id first, then systemd's (name=systemd, or 0:: on v2), then unified, memory, cpuacct, pids;
 * "/" when all say "/". The kernel's " (deleted)" is taken off; a path that doesn't fit is cut to an
 * ancestor. Returns false, path untouched, when the text is not a cgroup file. */
bool cgroup_parse(const char *text, char path[CGROUP_PATH]);

enum cgroup_owner {
        CGROUP_OWNER_ROOT,
        CGROUP_OWNER_CONTAINER,
        CGROUP_OWNER_UNIT,
        CGROUP_OWNER_SESSION,
        CGROUP_OWNER_OTHER
};
/* What a path means: container (name = its 64 hex digits), systemd unit ("foo.service", also a user
 * manager's), "session-3.scope", or other (name = path; the groups of an image builder are one). root_len =
 * length of the part of the path that is the owner's own group; deeper groups belong to it too. Names are cut
 * to fit. */
enum cgroup_owner cgroup_classify(const char *path, char name[BOARD_NAME], uint32_t *ret_root_len);

/* Inode of the group's folder (what BPF calls cgroup_id): in the unified hierarchy when that has the
 * controllers, else in the one bpf_options.cgroup_v1 speaks of. 0 when it isn't there. */
uint64_t cgroup_id(const struct cgroup_layout *l, const char *path);

/* The way back, without any process to ask: the group's path in that hierarchy. -ESTALE when the group is
 * gone; -EPERM, -EOPNOTSUPP... when this kernel or our rights don't let ids be looked up. */
int cgroup_path_of_id(const struct cgroup_layout *l, uint64_t id, char path[CGROUP_PATH]);
/* One hierarchy holds everything, so that an id says all that a process's cgroup file would. */
bool cgroup_ids_tell_all(const struct cgroup_layout *l);

/* ---- ourselves ---- */

/* Gives the caller SCHED_FIFO 1, which its children don't inherit. A group of version 1 without a real-time
 * share of its own (all but the root, by default) refuses that: the caller is then moved into the root of the
 * CPU hierarchy, alone and in no other one. Negative errno when it isn't granted all the same. */
int cgroup_real_time(const struct cgroup_layout *l);

/* ---- groups, to act on ---- */

enum cgroup_hierarchy {
        CGROUP_UNIFIED,
        CGROUP_CPU,
        CGROUP_MEMORY,
        CGROUP_PIDS,
        CGROUP_FREEZER,
        CGROUP_HIERARCHIES
};
/* The group's folder in that hierarchy, opened for reading; -ENOENT when either isn't there. */
int cgroup_open_group(const struct cgroup_layout *l, enum cgroup_hierarchy h, const char *path);
/* From the text of /proc/PID/cgroup: where the process is in that hierarchy. False when it isn't listed. */
bool cgroup_path_in(const char *text, enum cgroup_hierarchy h, char path[CGROUP_PATH]);
/* Each process in the group and those below, until fn says false (then 1). -E2BIG when the tree below is
 * unreasonably large, -ENOENT when the group is gone. */
int cgroup_each_pid(int group_dir, bool (*fn)(void *ctx, int32_t pid), void *ctx);

/* ---- counters ---- */

/* One watched group; embedded. All zeroes is a closed one. At most six descriptors are kept, of the files
 * that are read often; limits and pressure are opened when they are read. */
struct cgroup_watch {
        bool open;
        bool pressure;   /* the group has pressure files; may be cleared to save two thirds of a sample */
        uint8_t samples; /* limits are read anew every few of them */
        char path[CGROUP_PATH];
        const struct cgroup_layout *layout; /* must outlive the watch */
        int cpu_fd, cpu_stat_fd, memory_fd, memory_stat_fd, memory_events_fd, pids_fd;
        uint64_t memory_limit_bytes, pids_limit; /* as last read */
};
struct cgroup_sample {
        uint64_t cpu_ns; /* ever used by the group and those below; BOARD_UNKNOWN when not known */
        uint64_t throttled_ns, throttled_periods, periods;
        uint64_t memory_bytes;                         /* working set: usage - inactive file */
        uint64_t memory_limit_bytes, pids, pids_limit; /* BOARD_UNKNOWN = none / unknown */
        uint64_t oom_kills, oom_events;                /* v1: the group's own kills; no events */
        double psi_cpu, psi_memory, psi_io;            /* some avg10, 0..1; NAN unknown */
};
/* -ENOENT when no hierarchy has anything to say about the group. Opens what exists, and what comes to exist
 * later with a sample. An open watch is closed first. */
int cgroup_watch_open(const struct cgroup_layout *l, const char *path, struct cgroup_watch *w);
void cgroup_watch_close(struct cgroup_watch *w);
/* -ENODEV when the group has been removed. Limits are read on the first and then every fourth sample (they
 * change rarely but can). */
int cgroup_watch_sample(struct cgroup_watch *w, struct cgroup_sample *ret);
/* Only CPU: the cheap one, for the moment the last process of a group died. */
int cgroup_watch_cpu(struct cgroup_watch *w, uint64_t *ret_cpu_ns);

/* Unreaped tasks charged to the group and those below it: pids.current minus entries of cgroup.threads
 * (tasks on v1), summed over the tree. Zombies, leaders that left living threads behind, and tasks dying
 * right now: a single high answer may be a passing one. -ENOTSUP without the pids controller or for the
 * root group, -ENOENT when the group is gone, -E2BIG when the tree below is unreasonably large. */
int cgroup_unreaped(const struct cgroup_layout *l, const char *path, uint64_t *ret_unreaped);
