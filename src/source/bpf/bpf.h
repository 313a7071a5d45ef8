/* Lifecycle facts from BPF: exact CPU of each process at its burial, exec with command line, cgroup
 * moves, and a task iterator that scans in the kernel. With the proc connector running only what it
 * cannot give is attached (EXEC, FREE, CGROUP); alone it also gives FORK, SESSION and EXIT.
 * Everything is drained in batches; nothing wakes us per event.
 */
#pragma once

#include "base/error.h"
#include "model/life.h"

#include <stdbool.h>

struct bpf_source;

struct bpf_options {
        bool alone;     /* no proc connector: report FORK and EXIT too */
        bool cgroup_v1; /* cgroup_id from the memory (else pids, else cpuacct) v1 hierarchy, not the unified
                           one */
        uint32_t ring_bytes; /* 0 = 4 MiB */
};

/* -ENOTSUP (kernel or build lacks it), -EPERM, or what the kernel said; e says it in words. */
int bpf_source_open(const struct bpf_options *o, struct bpf_source **ret, struct error *e);
void bpf_source_free(struct bpf_source *s);

/* Hands over at most max events; returns how many. More may wait: call again. */
int bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx);
/* Events the kernel could not put into the ring since open: exact. */
uint64_t bpf_source_lost(const struct bpf_source *s);

enum { BPF_TASK_ZOMBIES = 1 << 0, BPF_TASK_ACTIVE = 1 << 1, BPF_TASK_ALL = 1 << 2 };
struct bpf_task {
        int32_t pid, ppid, tid, sid;
        uint32_t threads;
        bool dead;  /* exit_state set */
        char state; /* as in /proc/PID/stat */
        uint64_t start_ns, cpu_ns,
                cgroup_id; /* cpu: the whole process, dead threads included (leaders only) */
        char comm[LIFE_COMM_SIZE];
};
/* Walks all tasks in the kernel: ZOMBIES = dead leaders; ACTIVE = threads that are R or D (not dead);
 * ALL = every process (leaders). -ENOTSUP when the iterator is not there. */
int bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *ctx, const struct bpf_task *t), void *ctx);
