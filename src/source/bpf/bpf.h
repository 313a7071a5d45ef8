/* Lives from BPF: birth, thread, exec with command line, rename, cgroup moves, death, and burial with the
 * exact CPU of each process; and a task iterator that scans in the kernel. Never SESSION: setsid has no
 * tracepoint, but births and execs tell the session. A process is buried some 15 ms (an RCU grace period)
 * before its FREE arrives. Some kernels skip BPF programs while PID 1 runs, so an event may be missing that
 * no counter of ours knows of: compare births with the kernel's own count of forks.
 */
#pragma once

#include "base/error.h"
#include "model/life.h"

#include <stdbool.h>
#include <stddef.h>

struct bpf_source;

struct bpf_options {
        bool cgroup_v1; /* cgroup_id from the memory (else pids, else cpuacct) v1 hierarchy, not the unified
                           one */
        uint32_t ring_bytes; /* 0 = BPF_RING_DEFAULT; rounded up to a power of two */
};

/* All of the ring counts as our memory. It has room for 21,000 burials; RCU frees them in bursts of ten
 * thousand and more when it has fallen behind. In the highest storm two cores could make (100 at once,
 * 300,000 lives) half of it lost nothing with a reader that does nothing else, 1-2 % with one that keeps a
 * ledger. */
enum { BPF_RING_DEFAULT = 1 << 20, BPF_RING_MIN = 4 << 10, BPF_RING_MAX = 64 << 20 };

/* -ENOTSUP (kernel or build lacks it), -EPERM, or what the kernel said; e says it in words. Takes some
 * 50-100 ms: a child process does the loading, since that takes 12 MB for a moment. */
int bpf_source_open(const struct bpf_options *o, struct bpf_source **ret, struct error *e);
void bpf_source_free(struct bpf_source *s);

/* Watch it with EPOLLIN | EPOLLET. It fires for the first event after bpf_source_sleep() that is no burial,
 * and when another quarter of the ring has filled. Owned by s. */
int bpf_source_fd(const struct bpf_source *s);
/* Asks to be woken by the next event; let others gather for 10-50 ms then, and drain. False, and nobody will
 * wake, when some wait already. */
bool bpf_source_sleep(struct bpf_source *s);
/* Is a quarter of the ring filled? Then drain at once. */
bool bpf_source_is_filling(const struct bpf_source *s);

/* Hands over at most max events; returns how many. More may wait: call again. */
int bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx);
/* Events the kernel could not put into the ring since open: exact. */
uint64_t bpf_source_lost(const struct bpf_source *s);

enum { BPF_TASK_ZOMBIES = 1 << 0, BPF_TASK_ACTIVE = 1 << 1, BPF_TASK_ALL = 1 << 2 };
struct bpf_task {
        int32_t pid, ppid, tid, sid;
        uint32_t threads; /* not yet released ones, a dead leader included, as in /proc/PID/status */
        int32_t tracer;   /* who traces it, 0 = nobody */
        bool dead;        /* exit_state set */
        char state;       /* as in /proc/PID/stat */
        uint64_t start_ns;
        uint64_t cpu_ns; /* leaders: the whole process, dead threads included; else this thread */
        uint64_t cgroup_id;
        uint64_t
                switches; /* how often this thread has given up a CPU: the same twice = it hasn't run since */
        char comm[LIFE_COMM_SIZE];
};
/* Walks all tasks in the kernel: ZOMBIES = dead leaders; ACTIVE = threads that are R or D (not dead, not
 * idle kernel threads, without the caller itself: what the load average counts); ALL = every process
 * (leaders). Each task comes once, also when several bits ask for it. How many were handed over, or
 * -ENOTSUP when the iterator is not there. */
int bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *ctx, const struct bpf_task *t), void *ctx);

enum { BPF_STACK_DEPTH = 24 };
/* Walks the active tasks with the place each is at in the kernel: stack[0..len), a function a line
 * ("do_sys_poll+0x2c/0x540"), the innermost first, at most BPF_STACK_DEPTH; empty for those that run on
 * another CPU at that moment. No lock of theirs is taken. At most `blocked` tasks in D and `running` in R;
 * *ret_left_out: how many more there were. How many were handed over, or -ENOTSUP when the kernel doesn't
 * show stacks. */
int bpf_source_stacks(struct bpf_source *s, uint32_t blocked, uint32_t running,
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len), void *ctx,
        uint32_t *ret_left_out);
