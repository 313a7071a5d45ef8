/* One process as /proc tells it, relative to a descriptor of /proc or a fixture tree. Only files that
 * don't take the target's mmap lock are read, nothing is allocated, and each read is one open, one
 * read, one close. A process that is gone is -ENOENT or -ESRCH, text that isn't what it should be
 * -EBADMSG. The parsers take any bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        PROC_COMM = 16,
        PROC_WCHAN = 64, /* longer names of functions are cut */
        PROC_NS = 33,    /* the kernel nests pid namespaces 32 deep */
};

#define PROC_FLAG_KTHREAD UINT32_C(0x00200000) /* PF_KTHREAD in proc_stat.flags */
#define PROC_FLAG_EXITING UINT32_C(0x00000004) /* PF_EXITING */

struct proc_stat {
        int32_t pid, ppid, pgrp, sid;
        char state;
        char comm[PROC_COMM];         /* any bytes but NUL; kernel threads' longer names are cut */
        uint64_t waited_minor_faults; /* of the children it has waited for */
        uint64_t utime_ticks, stime_ticks, cutime_ticks, cstime_ticks, start_ticks;
        uint32_t threads;
        uint32_t flags;
        uint64_t rss_pages;
        int32_t exit_code; /* as of wait(2); 0 also when we may not trace it; -1 when the kernel shows none */
};
int proc_read_stat(int proc_fd, int32_t pid, struct proc_stat *ret);
int proc_parse_stat(const char *text, size_t len, struct proc_stat *ret);

/* Raw text of /proc/PID/cgroup, NUL-terminated. Returns 0, -ENOBUFS when it doesn't fit. */
int proc_read_cgroup(int proc_fd, int32_t pid, char *buf, size_t size);

/* CPU time of the thread-group leader alone, exact also for a zombie. */
int proc_read_schedstat(int proc_fd, int32_t pid, uint64_t *ret_cpu_ns);
/* How long the leader has been ready to run and waiting for a processor, ever. */
int proc_read_queued(int proc_fd, int32_t pid, uint64_t *ret_ns);

/* The kernel function that the leader waits in: "" while it runs, and where the kernel doesn't tell us. Takes
 * no lock of the target's, unlike /proc/PID/stack. */
int proc_read_wchan(int proc_fd, int32_t pid, char ret[static PROC_WCHAN]);

struct proc_status {
        int32_t tracer_pid, tgid;
        int32_t ns_pid;           /* in the innermost pid namespace */
        uint32_t ns_depth;        /* 1 = the namespace of the /proc mount */
        int32_t ns_pids[PROC_NS]; /* ns_depth of them, from that namespace inwards */
        uint8_t seccomp;          /* 0 none, 1 strict, 2 a filter */
        bool shadow_stack;        /* x86: return addresses are checked */
        uint64_t sigcgt, sigign;
        bool has_vmrss; /* false for a zombie, a kernel thread and a leader whose own thread has exited */
        uint64_t vmrss_bytes;
        uint32_t threads;
        uint64_t switches; /* how often its leader has given up a CPU */
};
int proc_read_status(int proc_fd, int32_t pid, struct proc_status *ret);
int proc_parse_status(const char *text, size_t len, struct proc_status *ret);

/* 1 when our pids are the host's, 0 in a pid namespace of its own, negative errno when /proc doesn't tell. */
int proc_has_host_pids(int proc_fd);

/* Calls fn for every process; a non-zero result of fn ends the walk and is returned. */
int proc_list(int proc_fd, int (*fn)(void *ctx, int32_t pid), void *ctx);

/* Clock ticks of /proc (USER_HZ) in ns; saturates. */
uint64_t proc_ticks_to_ns(uint64_t ticks);
