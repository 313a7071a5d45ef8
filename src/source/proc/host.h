/* The host as a whole, from /proc and statvfs: load, CPU by mode, memory, swap, pressure, OOM kills,
 * pids, disks. Fills struct host. Reads through kept descriptors; allocates nothing. Files that are
 * missing, cut or odd leave their fields unknown.
 */
#pragma once

#include "base/trend.h"
#include "model/board.h"

/* One more than what the board shows: the trend of a disk's use, found again by the disk's name. */
struct disk_trend {
        uint64_t device; /* hash of its name, 0 = entry unused */
        uint64_t seen_ns;
        struct trend use;
};

struct host_sampler {
        int proc_fd; /* borrowed */
        int stat_fd, loadavg_fd, meminfo_fd, vmstat_fd, psi_cpu_fd, psi_memory_fd, psi_io_fd;
        uint32_t samples;
        uint64_t last_busy_ns, last_total_ns; /* sums over the modes at the last ratio */
        struct trend memory_use;
        struct disk_trend disk_use[BOARD_MOUNTS];
};

/* proc_root_fd: O_PATH folder of /proc or a fixture. Sets every field of the host that is read here, those of
 * later samples to unknown, and takes no sample. */
int host_sampler_init(struct host_sampler *s, int proc_root_fd, struct host *h);
void host_sampler_done(struct host_sampler *s);
/* Every second or so. The ratio of CPU time spent is known from the second sample on, the slope of memory use
 * after two minutes. Host name, limits and the kernel's OOM counter are read every tenth time. */
void host_sampler_sample(struct host_sampler *s, struct host *h, uint64_t now_ns);
/* Writable local file systems of /proc/1/mounts, else of our own, one entry per device, through statvfs.
 * Only those on block devices (and zfs) are asked, and none below a mount that a dead server or daemon could
 * make hang.
 * The guard calls it once a minute. Size is what df counts by: without the blocks reserved for root. Inodes
 * are BOARD_UNKNOWN where the file system has no fixed number. Slopes are known after five minutes. */
void host_sampler_disks(struct host_sampler *s, struct host *h, uint64_t now_ns);

/* Arms a PSI trigger ("some STALL WINDOW" on `resource`: cpu, memory, io) and returns a descriptor that
 * polls EPOLLPRI, or a negative errno. The window is 2 s, as unprivileged kernels demand. */
int host_psi_trigger(int proc_root_fd, const char *resource, uint64_t stall_us);
