/* A world by itself, on a clock of the test's own, which counts what it tells. */
#pragma once

#include "base/util.h"
#include "tap.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ID "6faa5f1b6ba8632dee023865045077fcf045125e6c5e51e33fec694c862df6a6"
#define S  NSEC_PER_SEC
#define MS NSEC_PER_MSEC

static struct world *w;
static struct board *b;
static uint64_t told[EVENT_KINDS], counted[EVENT_KINDS];
static struct event last;
static uint32_t orphans;

static inline void take(void *ctx, const struct event *e)
{
        told[e->kind]++;
        counted[e->kind] += e->count;
        last = *e;
}

static inline void begin(void)
{
        b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        w = calloc(1, sizeof *w);
        if (b == MAP_FAILED || !w)
                abort();
        memset(told, 0, sizeof told);
        memset(counted, 0, sizeof counted);
        orphans = 0;
        world_init(w, b, take, NULL, 100 * S, 2);
}

static inline void end(void)
{
        free(w);
        munmap(b, sizeof *b);
}

static inline uint32_t born(int32_t pid, int32_t ppid, uint64_t at)
{
        return world_born(w, pid, ppid, at, at);
}

static inline uint32_t root_in(const char *path, int32_t pid)
{
        uint32_t i = born(pid, 0, 100 * S);

        world_set_cgroup(w, i, world_cgroup(w, path));
        world_set_command(w, i, "main --all", "/bin/main");
        world_set_comm(w, i, "main");
        return i;
}

static inline void freed(int32_t pid, uint64_t start, uint64_t cpu, uint64_t now)
{
        struct life_event e = {
                .type = LIFE_FREE, .pid = pid, .start_ns = start, .cpu_ns = cpu, .exit_status = 256};

        world_freed(w, &e, now);
}
