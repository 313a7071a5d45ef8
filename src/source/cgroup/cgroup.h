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
};

/* Reads the mounts below cgroup_root ("/sys/fs/cgroup", or a fixture tree that looks like one). */
int cgroup_init(struct cgroup_layout *l, const char *cgroup_root);
void cgroup_done(struct cgroup_layout *l);

/* From the text of /proc/PID/cgroup to the one path that names the process's group: a line that holds a
 * container id first, then systemd's (name=systemd, or 0:: on v2), then unified, memory, cpuacct, pids;
 * "/" when all say "/". Returns false when the text is not a cgroup file. */
bool cgroup_parse(const char *text, char path[CGROUP_PATH]);

enum cgroup_owner {
        CGROUP_OWNER_ROOT,
        CGROUP_OWNER_CONTAINER,
        CGROUP_OWNER_UNIT,
        CGROUP_OWNER_SESSION,
        CGROUP_OWNER_OTHER
};
/* What a path means: container (id = its 64 hex digits; root_len = length of the part of the path that is the
 * container's own group, deeper groups belong to it too), systemd unit ("foo.service"), "session-3.scope",
 * or other (name = path). */
enum cgroup_owner cgroup_classify(const char *path, char name[BOARD_NAME], uint32_t *ret_root_len);

/* Inode of the group's folder (what BPF calls cgroup_id) in the hierarchy bpf_options.cgroup_v1 speaks of. */
uint64_t cgroup_id(const struct cgroup_layout *l, const char *path);

/* One watched group; embedded, all descriptors -1 until opened. */
struct cgroup_watch {
        int cpu_fd, cpu_stat_fd, memory_fd, memory_stat_fd, memory_events_fd, pids_fd, psi_cpu_fd,
                psi_memory_fd, psi_io_fd;
};
struct cgroup_sample {
        uint64_t cpu_ns; /* ever used by the group and those below; BOARD_UNKNOWN when not known */
        uint64_t throttled_ns, throttled_periods, periods;
        uint64_t memory_bytes;                         /* working set: usage - inactive file */
        uint64_t memory_limit_bytes, pids, pids_limit; /* BOARD_UNKNOWN = none / unknown */
        uint64_t oom_kills, oom_events;
        double psi_cpu, psi_memory, psi_io; /* some avg10, 0..1; NAN unknown */
};
/* -ENOENT when the group is in no hierarchy. Opens what exists. */
int cgroup_watch_open(const struct cgroup_layout *l, const char *path, struct cgroup_watch *w);
void cgroup_watch_close(struct cgroup_watch *w);
/* -ENODEV when the group has been removed. Limits are read too (they change rarely but can). */
int cgroup_watch_sample(struct cgroup_watch *w, struct cgroup_sample *ret);
/* Only CPU: the cheap one, for the moment the last process of a group died. */
int cgroup_watch_cpu(struct cgroup_watch *w, uint64_t *ret_cpu_ns);

/* Unreaped tasks charged to the group and those below it: pids.current minus entries of cgroup.threads
 * (tasks on v1), summed over the tree. -ENOTSUP without the pids controller. */
int cgroup_unreaped(const struct cgroup_layout *l, const char *path, uint64_t *ret_unreaped);
