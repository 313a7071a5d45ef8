/* The host as a whole, from /proc and statvfs: load, CPU by mode, memory, swap, pressure, OOM kills,
 * pids, disks. Fills struct host. Reads through kept descriptors; allocates nothing after init.
 */
#pragma once

#include "model/board.h"

struct host_sampler {
        int proc_fd; /* borrowed */
        int stat_fd, loadavg_fd, meminfo_fd, vmstat_fd, psi_cpu_fd, psi_memory_fd, psi_io_fd;
        uint64_t last_ns, last_busy_ns, last_total_ns;
        uint64_t disks_ns;
        double memory_used_ema; /* for the slope */
        uint64_t memory_slope_ns;
};

/* proc_root_fd: O_PATH folder of /proc or a fixture. Missing files leave their fields unknown. */
int host_sampler_init(struct host_sampler *s, int proc_root_fd, struct host *h);
void host_sampler_done(struct host_sampler *s);
/* Every second or so. */
void host_sampler_sample(struct host_sampler *s, struct host *h, uint64_t now_ns);
/* Local file systems of /proc/self/mounts, through statvfs; may block on a dead network mount, which is
 * why only block-device backed and tmpfs/overlay-free ones are asked. The guard calls it once a minute. */
void host_sampler_disks(struct host_sampler *s, struct host *h, uint64_t now_ns);

/* Arms a PSI trigger ("some STALL WINDOW" on `resource`: cpu, memory, io) and returns a descriptor that
 * polls EPOLLPRI, or a negative errno. The window is 2 s, as unprivileged kernels demand. */
int host_psi_trigger(int proc_root_fd, const char *resource, uint64_t stall_us);
