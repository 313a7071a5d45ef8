/* What the configuration and the labels of a container allow: steps, values, times. */
#include "base/text.h"
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const ladder_rule_names[LADDER_RULE_COUNT] = {
#define R(detector, steps, prose) [RULE_##detector] = #detector,
        LADDER_RULES(R)
#undef R
                [RULE_breaker] = "breaker",
};

enum { MAX_DOUBLING = 3 };

enum ladder_rule plan_rule(const char *detector)
{
        for (unsigned r = 0; r < RULE_breaker; r++)
                if (!strcmp(ladder_rule_names[r], detector))
                        return (enum ladder_rule)r;
        return LADDER_RULE_COUNT;
}

/* "weight\nquota": the configuration has checked the words. */
static struct ladder_plan parse(const char *list)
{
        struct ladder_plan p = {};
        char word[16];

        while (*list && p.count < LADDER_PLAN) {
                size_t n = strcspn(list, "\n");
                text_copy(word, sizeof word, list, n);
                enum action_kind kind = action_kind_find(word);
                if (kind)
                        p.kind[p.count++] = (uint8_t)kind;
                list += n + (list[n] == '\n');
        }
        return p;
}

void ladder_configure(struct ladder *l, const struct config *c)
{
        l->mode = c->mode;
        l->cfg = c->ladder;
        l->detect = c->detect;
        l->per_minute = c->actions.max_per_minute;
        l->only_in_count = MIN(c->act_only_in_count, (uint32_t)CONFIG_GLOBS);
        memcpy(l->only_in, c->act_only_in, sizeof l->only_in);
#define R(detector, steps, prose) l->plan[RULE_##detector] = parse(c->ladder.rule_##detector);
        LADDER_RULES(R)
#undef R
        l->plan[RULE_breaker] = parse(c->ladder.breaker_steps);
}

static bool has(const struct ladder_plan *p, enum action_kind kind)
{
        for (uint32_t i = 0; i < p->count; i++)
                if (p->kind[i] == kind)
                        return true;
        return false;
}

static void drop(struct ladder_plan *p, enum action_kind kind)
{
        uint8_t n = 0;

        for (uint32_t i = 0; i < p->count; i++)
                if (p->kind[i] != kind)
                        p->kind[n++] = p->kind[i];
        p->count = n;
}

static bool is_container(const struct service *s)
{
        return s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER;
}

/* A frozen container looks unhealthy, and autoheal restarts it: what else there is comes first. */
static void spare_autoheal(struct ladder_plan *p)
{
        struct ladder_plan without = *p;

        drop(&without, ACTION_FREEZE);
        drop(&without, ACTION_HOLD);
        if (without.count)
                *p = without;
}

struct ladder_plan plan_for(const struct ladder *l, enum ladder_rule rule, uint16_t service)
{
        const struct service *s = view_service(l->board, service);
        struct ladder_plan p = l->plan[rule];

        if (!s->labels.bury)
                drop(&p, ACTION_BURY);
        else if (rule == RULE_zombie_leak && !has(&p, ACTION_BURY) && p.count < LADDER_PLAN) {
                memmove(p.kind + 1, p.kind, p.count++);
                p.kind[0] = ACTION_BURY;
        }
        if (!is_container(s))
                drop(&p, ACTION_HOLD);
        if (!is_container(s) && s->kind != SERVICE_SYSTEMD) {
                drop(&p, ACTION_RESTART);
                drop(&p, ACTION_QUARANTINE);
        }
        if (s->labels.has_steps)
                for (unsigned k = ACTION_NONE + 1; k < ACTION_KINDS; k++)
                        if (!(s->labels.steps & (1u << k)))
                                drop(&p, (enum action_kind)k);
        if (s->autoheal)
                spare_autoheal(&p);
        return p;
}

double plan_value(const struct ladder *l, enum action_kind kind, uint16_t service)
{
        const struct service *s = view_service(l->board, service);
        const struct ladder_config *c = &l->cfg;

        if (kind == ACTION_WEIGHT)
                return c->steps_weight_value;
        if (kind == ACTION_QUOTA)
                return s->labels.cpu_max_millicores
                               ? (double)s->labels.cpu_max_millicores / 1000
                               : fmax(c->steps_quota_share * MAX(l->board->host.cpus, 1u), 0.05);
        if (kind == ACTION_MEMORY) {
                if (s->labels.memory_max_bytes)
                        return (double)s->labels.memory_max_bytes;
                return view_known(s->memory_bytes)
                               ? fmax(c->steps_memory_share * (double)s->memory_bytes, 4 << 20)
                               : NAN;
        }
        if (kind == ACTION_PIDS)
                return fmax(
                        view_known(s->pids) && s->pids ? (double)s->pids : (double)s->threads + s->held, 8);
        return NAN;
}

uint64_t plan_hold_ns(const struct ladder *l, enum action_kind kind)
{
        const struct ladder_config *c = &l->cfg;
        const double hold[ACTION_KINDS] = {
                [ACTION_WEIGHT] = c->steps_weight_hold,
                [ACTION_QUOTA] = c->steps_quota_hold,
                [ACTION_MEMORY] = c->steps_memory_hold,
                [ACTION_PIDS] = c->steps_pids_hold,
                [ACTION_FREEZE] = c->steps_freeze_hold,
                [ACTION_STOP] = c->steps_stop_hold,
                [ACTION_RESTART] = c->steps_restart_hold,
                [ACTION_QUARANTINE] = c->steps_stop_hold,
                [ACTION_BURY] = c->steps_restart_hold,
        };
        return (uint64_t)(hold[kind] * 1e9);
}

uint64_t plan_ttl_ns(const struct ladder *l, enum action_kind kind, uint32_t relapses)
{
        const struct ladder_config *c = &l->cfg;
        const double ttl[ACTION_KINDS] = {
                [ACTION_WEIGHT] = c->steps_weight_ttl,
                [ACTION_QUOTA] = c->steps_quota_ttl,
                [ACTION_MEMORY] = c->steps_memory_ttl,
                [ACTION_PIDS] = c->steps_pids_ttl,
                [ACTION_FREEZE] = c->steps_freeze_ttl,
                [ACTION_HOLD] = c->restart_budget_window,
                [ACTION_QUARANTINE] = c->steps_quarantine_ttl,
        };
        uint32_t doubled = kind == ACTION_QUARANTINE ? 0 : MIN(relapses, (uint32_t)MAX_DOUBLING);

        return (uint64_t)(ttl[kind] * 1e9) << doubled;
}

bool plan_may(const struct ladder *l, uint16_t service)
{
        const struct service *s = view_service(l->board, service);

        if (!service || !view_service_used(l->board, service) || s->is_self || s->protect ||
                s->kind == SERVICE_KERNEL || s->kind == SERVICE_HOST || s->state == CONTAINER_PAUSED)
                return false;
        for (uint32_t i = 0; i < l->only_in_count; i++)
                if (text_glob(l->only_in[i], s->name))
                        return true;
        return l->only_in_count == 0;
}

bool plan_observes(const struct ladder *l, uint16_t service)
{
        uint8_t label = view_service(l->board, service)->labels.mode;

        return label ? label == 1 : l->mode == MODE_OBSERVE;
}
