/* The world's beginning: an empty board with the three services that always exist. */
#include "world/world.h"

#include "base/util.h"

#include <math.h>
#include <string.h>

static void unknown_host(struct host *h)
{
        h->load1 = h->load5 = h->load15 = NAN;
        h->psi_cpu = h->psi_memory = h->psi_io = h->psi_memory_full = h->psi_io_full = NAN;
        h->memory_slope_bytes_per_sec = NAN;
        h->cpu_busy_ratio = h->cpu_services_ratio = h->cpu_kernel_ratio = h->cpu_unattributed_ratio = NAN;
        h->memory_bytes = h->memory_available_bytes = h->swap_bytes = h->swap_free_bytes = BOARD_UNKNOWN;
}

void world_init(struct world *w, struct board *b, void (*emit)(void *, const struct event *), void *ctx,
        uint64_t now_ns, double grace_sec)
{
        uint32_t generation = b->guard_generation, sequence = b->sequence, action_top = b->action_top;
        uint32_t service_top = MAX(MIN(b->service_top, (uint32_t)BOARD_SERVICES), 1u);
        int32_t family[ARRAY_SIZE(b->family_pid)];

        memcpy(family, b->family_pid, sizeof family);
        /* A guard that was restarted rebuilds everything but what happened to services before; only what was
         * ever used needs wiping. */
        if (b->version) {
                memset(b->process, 0, b->process_top * sizeof b->process[0]);
                memset(b->string, 0, b->string_top * sizeof b->string[0]);
                memset(b->container, 0, b->container_top * sizeof b->container[0]);
                /* what was done to services goes on, and is act/'s */
                memset(b, 0, offsetof(struct board, action));
        }
        memcpy(b->family_pid, family, sizeof family);
        b->version = BOARD_VERSION;
        b->size = sizeof *b;
        b->sequence = sequence;
        b->guard_generation = generation + 1;
        b->started_ns = b->updated_ns = now_ns;
        b->grace_ns = (uint64_t)(grace_sec * 1e9);
        b->process_top = b->string_top = b->container_top = b->finding_top = 1;
        b->service_top = service_top;
        b->action_top = action_top ? action_top : 1;
        unknown_host(&b->host);
        memcpy(b->service[0].name, "(other)", 8);
        b->service[0].memory_bytes = b->service[0].memory_limit_bytes = BOARD_UNKNOWN;
        b->service[0].pids = b->service[0].pids_limit = BOARD_UNKNOWN;
        w->b = b;
        world_services_carry(w);
        w->emit = emit;
        w->emit_ctx = ctx;
        w->started_ns = now_ns;
        w->cgroup_top = 1;
        world_cgroup(w, "/"); /* index 1 */
        w->kernel_service = world_service(w, "kernel", SERVICE_KERNEL);
        w->self_service = world_service(w, "sexton", SERVICE_CGROUP);
        b->service[w->self_service].is_self = true;
}
