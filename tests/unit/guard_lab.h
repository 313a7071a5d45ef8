/* A guard without a machine: /proc and the control groups are folders of the test's own, what BPF tells and
 * what its task iterator shows are lists that it writes (the program is linked with --wrap), and it owns
 * the clock. Start times are small numbers of seconds, long before the real clock's.
 */
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "guard/guard.h"
#include "tap.h"
#include "tree.h"

#include <inttypes.h>
#include <sys/mman.h>

#define S  NSEC_PER_SEC
#define MS NSEC_PER_MSEC

enum { LAB_TASKS = 512 };

static struct guard *g;
static struct board *b;
static struct tree lab_tree;
static uint64_t lab_told[EVENT_KINDS];
static struct bpf_task lab_task[LAB_TASKS];
static uint32_t lab_tasks, lab_walks;
static unsigned lab_wanted = BPF_TASK_ALL;
static uint64_t lab_walk_burns_ns;
static struct life_event lab_life[LAB_TASKS];
static uint32_t lab_lives;

int __wrap_bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *, const struct bpf_task *), void *ctx);

int __wrap_bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *, const struct bpf_task *), void *ctx)
{
        uint64_t until = clock_thread_cpu_ns() + lab_walk_burns_ns;

        check_int(what, lab_wanted);
        lab_walks++;
        for (uint32_t i = 0; i < lab_tasks; i++)
                fn(ctx, &lab_task[i]);
        while (clock_thread_cpu_ns() < until)
                ;
        return (int)lab_tasks;
}

int __wrap_bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx);

/* What guard_drain() takes in, once. */
int __wrap_bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx)
{
        uint32_t n = lab_lives;

        check(n <= max);
        lab_lives = 0;
        for (uint32_t i = 0; i < n; i++)
                fn(ctx, &lab_life[i]);
        return (int)n;
}

uint64_t __wrap_bpf_source_lost(const struct bpf_source *s);

uint64_t __wrap_bpf_source_lost(const struct bpf_source *s)
{
        return 0;
}

bool __wrap_bpf_source_sleep(struct bpf_source *s);

bool __wrap_bpf_source_sleep(struct bpf_source *s)
{
        return true; /* nothing waits */
}

static void lab_take(void *ctx, const struct event *e)
{
        lab_told[e->kind]++;
}

static void *lab_map(size_t size)
{
        void *p =
                mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED)
                abort();
        return p;
}

static inline void lab_put(const char *name, uint64_t value)
{
        char text[32];

        snprintf(text, sizeof text, "%" PRIu64 "\n", value);
        tree_put(&lab_tree, name, text);
}

/* The host's CPU and its count of forks, as /proc/stat has them. */
static inline void lab_stat(uint64_t busy_ns, uint64_t forks)
{
        char text[200];

        snprintf(text, sizeof text,
                "cpu  %" PRIu64 " 0 0 1000 0 0 0 0 0 0\nprocesses %" PRIu64
                "\nprocs_running 1\nprocs_blocked 0\n",
                busy_ns / (10 * MS), forks);
        tree_put(&lab_tree, "proc/stat", text);
}

static inline void lab_put_process(int32_t pid, uint64_t start_ns, uint32_t flags)
{
        char name[64], text[300];

        snprintf(name, sizeof name, "proc/%d/stat", pid);
        snprintf(text, sizeof text,
                "%d (worker) S 1 %d %d 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64
                " 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                pid, pid, pid, flags, start_ns / (10 * MS));
        tree_put(&lab_tree, name, text);
}

static inline void lab_put_task(int32_t pid, uint64_t start_ns, uint64_t cpu_ns)
{
        uint32_t i = 0;

        while (i < lab_tasks && lab_task[i].pid != pid)
                i++;
        lab_tasks = MAX(lab_tasks, i + 1);
        lab_task[i] = (struct bpf_task){
                .pid = pid, .tid = pid, .threads = 1, .state = 'S', .start_ns = start_ns, .cpu_ns = cpu_ns};
}

static void lab_emptied(void *ctx, uint32_t k)
{
        guard_group_emptied(ctx, k);
}

static void lab_died(void *ctx, uint32_t i)
{
        guard_uncounted_died(ctx, i);
}

/* The folders must be there: the layout of control groups is told from them. */
static inline void lab_begin(uint64_t now_ns)
{
        char path[128];

        g = lab_map(sizeof *g);
        b = lab_map(sizeof *b);
        memset(lab_told, 0, sizeof lab_told);
        lab_tasks = lab_walks = lab_lives = 0;
        lab_walk_burns_ns = 0;
        g->board = b;
        g->connector.fd = -1;
        world_init(&g->world, b, lab_take, g, now_ns, 2);
        g->world.died = lab_died;
        g->world.emptied = lab_emptied;
        snprintf(path, sizeof path, "%s/proc", lab_tree.root);
        g->proc_fd = file_open_root(path);
        snprintf(path, sizeof path, "%s/cgroup", lab_tree.root);
        cgroup_init(&g->layout, path);
        g->bpf = (struct bpf_source *)(void *)lab_task; /* only compared with NULL */
        b->sources.bpf = b->sources.bpf_iterator = true;
}

static inline void lab_end(void)
{
        cgroup_done(&g->layout);
        close(g->proc_fd);
        munmap(g, sizeof *g);
        munmap(b, sizeof *b);
        tree_done(&lab_tree);
}
