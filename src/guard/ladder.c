/* The guard's ladder: its decisions given to the hand, and what people did told to it. */
#include "guard/guard.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int take(void *ctx, const struct ladder_order *o, uint64_t now_ns, uint32_t *ret_id)
{
        struct guard *g = ctx;
        struct act_order order = {
                .kind = (uint8_t)o->kind,
                .service = o->service,
                .dry_run = o->would,
                .value = o->value,
                .ttl_ns = o->ttl_ns,
                .finding = o->finding,
                .who = o->who,
                .reason = o->reason,
        };

        if (!g->can_act)
                return -ENOTSUP;
        memcpy(order.measure, o->measure, sizeof order.measure);
        return act_take(&g->actor, &order, now_ns, ret_id, NULL);
}

static void undo(void *ctx, uint32_t id, const char *why, uint64_t now_ns)
{
        struct guard *g = ctx;

        act_undo(&g->actor, id, why, now_ns, NULL);
}

static void tell(void *ctx, uint16_t service, const char *text, uint64_t now_ns)
{
        struct guard *g = ctx;

        world_event(&g->world, EVENT_ACTION, service, NULL, now_ns, NAN, text);
}

static void judge(void *ctx, uint32_t id, const struct action_measure *m, enum action_help helped)
{
        struct guard *g = ctx;
        struct action *row = act_find(&g->actor, id);
        char text[120];

        if (!row)
                return;
        memcpy(row->measure, m, sizeof row->measure);
        row->helped = (uint8_t)helped;
        snprintf(text, sizeof text, "%s %s: %s %.3g, then %.3g", action_kind_name(row->kind),
                helped == ACTION_HELPED ? "helped" : "didn't help", m[0].name, m[0].before, m[0].after);
        tell(g, row->service, text, clock_boot_ns());
}

void guard_ladder_start(struct guard *g)
{
        ladder_init(&g->ladder, g->board,
                &(struct ladder_ops){.take = take, .undo = undo, .judge = judge, .tell = tell, .ctx = g});
        ladder_configure(&g->ladder, &g->config);
        g->board->breaker = g->ladder.breaker;
}

void guard_ladder_configure(struct guard *g)
{
        ladder_configure(&g->ladder, &g->config);
}

void guard_ladder_tick(struct guard *g, uint64_t now_ns)
{
        ladder_look(&g->ladder, now_ns);
        g->board->breaker = g->ladder.breaker;
}

void guard_ladder_started(struct guard *g, uint64_t now_ns)
{
        if (!g->container_started && !g->world.returned)
                return;
        g->container_started = g->world.returned = false;
        guard_drain(g, now_ns); /* its processes, before anything can be done to them */
        guard_ladder_tick(g, now_ns);
}

void guard_ladder_released(struct guard *g, uint16_t service, uint64_t now_ns)
{
        g->board->service[service].released_ns = now_ns; /* for the next guard */
        ladder_released(&g->ladder, service, now_ns);
}

void guard_ladder_breaker(struct guard *g, int value, uint64_t now_ns)
{
        ladder_breaker_force(&g->ladder, value, now_ns);
        g->board->breaker = g->ladder.breaker;
}
