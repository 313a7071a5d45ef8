/* The restart budget: so many restarts after a crash within a window. A container that has spent it is held
 * (frozen as soon as its program is seen to run again) until the oldest restart falls out of the window;
 * after several holds that ended in a crash, or as many restarts too short to be held, the next step is due.
 * Restarts that mean no crash don't count: exit code 0, and the signals by which others end it. A deploy, a
 * new image or configuration, a person's start begin it anew.
 */
#include "base/text.h"
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <stdio.h>

#define OOM_NEAR_NS (10 * NSEC_PER_SEC)
#define SHORTEST_NS (10 * NSEC_PER_SEC)
#define PREPARES_NS (10 * NSEC_PER_SEC) /* a runtime, at most; then its exec was lost with other events */

struct budget {
        uint32_t limit, spent;
        uint64_t window_ns;
        uint64_t free_ns; /* when the budget has room again */
        int32_t code;     /* of the last one */
};

static bool oom_near(const struct service *s, uint64_t at_ns)
{
        uint64_t oom;

        for (uint32_t i = 0; i < BOARD_RECENT && view_recent_at(&s->ooms, i, &oom, NULL); i++)
                if (MAX(oom, at_ns) - MIN(oom, at_ns) < OOM_NEAR_NS)
                        return true;
        return false;
}

/* 130, 137 and 143 are SIGINT, SIGKILL and SIGTERM: somebody else's doing, unless it was the kernel's. */
static bool is_crash(const struct service *s, int32_t code, uint64_t at_ns)
{
        if (code == 137)
                return oom_near(s, at_ns);
        return code != 0 && code != 130 && code != 143;
}

static void spend(struct budget *b, const struct service *s, int32_t code, uint64_t at_ns)
{
        if (!is_crash(s, code, at_ns))
                return;
        b->code = b->spent ? b->code : code;
        if (++b->spent == b->limit + 1)
                b->free_ns = at_ns + b->window_ns;
}

static bool has_policy(const struct board *b, uint16_t service)
{
        bool has = b->service[service].policy != RESTART_NO; /* of the container that was told of last */

        for (uint32_t i = 1; !has && i < b->container_top; i++)
                has = b->container[i].id[0] && b->container[i].service == service &&
                      b->container[i].policy != RESTART_NO;
        return has;
}

/* From the latest back. */
static struct budget count(struct ladder *l, uint16_t service, uint64_t now_ns)
{
        const struct service *s = view_service(l->board, service);
        const struct ladder_memory *m = case_memory(l, service);
        struct budget b = {.limit = (uint32_t)l->cfg.restart_budget_restarts,
                .window_ns = (uint64_t)(l->cfg.restart_budget_window * 1e9)};
        uint64_t from = MAX(s->deployed_ns, m->budget_from_ns), at;
        int32_t code;

        if ((s->person_act == PERSON_STOP || s->person_act == PERSON_START) && s->person_ns >= m->ours_ns)
                from = MAX(from, s->person_ns);
        if (s->labels.restarts) {
                b.limit = s->labels.restarts;
                b.window_ns = s->labels.restarts_window_ns;
        }
        if (!has_policy(l->board, service))
                return b; /* whoever starts it again means it */
        if (s->returned_ns > from && (s->returned_ns > now_ns || now_ns - s->returned_ns <= b.window_ns))
                spend(&b, s, s->returned_code, s->returned_ns);
        for (uint32_t i = 0; i < BOARD_RECENT && view_recent_at(&s->restarts, i, &at, &code); i++) {
                if (at <= from || (at < now_ns && now_ns - at > b.window_ns))
                        break;
                spend(&b, s, code, at);
        }
        return b;
}

static uint32_t finding_of(const struct ladder *l, uint16_t service)
{
        for (uint32_t i = 1; i < view_findings(l->board); i++) {
                const struct finding *f = &l->board->finding[i];
                if (f->id && f->open && f->service == service && plan_rule(f->detector) == RULE_restart_loop)
                        return f->id;
        }
        return 0;
}

void budget_look(struct ladder *l, uint64_t now_ns)
{
        const struct board *b = l->board;

        if (!l->plan[RULE_restart_loop].count)
                return;
        for (uint32_t i = 1; i < view_services(b); i++) {
                const struct service *s = &b->service[i];

                if ((s->kind != SERVICE_COMPOSE && s->kind != SERVICE_CONTAINER) || !s->restarts.total ||
                        case_of(l, (uint16_t)i))
                        continue;
                struct budget n = count(l, (uint16_t)i, now_ns);
                if (n.spent > n.limit)
                        case_open(l, RULE_restart_loop, (uint16_t)i, finding_of(l, (uint16_t)i), now_ns);
        }
}

/* It has started again: was the life before it over before it could be held? */
static void follow_lives(struct ladder_case *c, const struct service *s)
{
        uint64_t now = restarts_of(s), at_ns = s->returned_ns;
        int32_t code = s->returned_code;

        if (now <= c->restarts_seen)
                return;
        if (!at_ns)
                view_recent_at(&s->restarts, 0, &at_ns, &code);
        if (!c->standing && !c->excused && c->missed < UINT8_MAX && is_crash(s, code, at_ns))
                c->missed++;
        c->restarts_seen = now;
        c->excused = false;
}

/* Is it past its runtime's preparations, in each of its containers? Frozen in the middle of them it would
 * keep the runtime waiting, and the engine with it. */
static bool has_begun(const struct ladder *l, uint16_t service, const struct service *s, uint64_t now_ns)
{
        const struct board *b = l->board;

        if (!s->processes || (s->state != CONTAINER_RUNNING && !s->returned_ns))
                return false;
        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                bool lives = p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER;
                bool stage = text_glob("runc:[*", p->comm) ||
                             (p->flags & PROCESS_F_INIT &&
                                     !(p->flags & (PROCESS_F_EXECED | PROCESS_F_PRE_EXISTING)));

                if (lives && p->service == service && stage && now_ns < p->start_ns + PREPARES_NS)
                        return false;
        }
        return true;
}

/* Time for the next step: a hold for each restart that is one too many; behind the holds what comes then. */
static bool due(struct ladder *l, struct ladder_case *c, const struct service *s, uint64_t now_ns)
{
        bool hold = c->plan.kind[c->next] == ACTION_HOLD;
        uint8_t wanted = (uint8_t)l->cfg.restart_budget_holds;

        if (c->observing)
                return !c->standing || restarts_of(s) >= c->restarts + wanted;
        if (c->standing)
                return false;
        /* those of a service with several containers may crash together */
        bool in_vain =
                case_memory(l, c->service)->holds >= wanted || c->missed >= wanted * MAX(s->containers, 1u);
        if (hold && in_vain && c->next + 1 < c->plan.count) {
                c->next++;
                hold = false;
        }
        return !hold || has_begun(l, c->service, s, now_ns);
}

void budget_case_look(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        const struct service *s = view_service(l->board, c->service);
        struct ladder_memory *m = case_memory(l, c->service);
        struct budget b = count(l, c->service, now_ns);
        bool over = b.spent > b.limit;
        uint8_t top = c->standing ? c->step[c->standing - 1].kind : ACTION_NONE;
        char reason[200], span[VIEW_SPAN];

        follow_lives(c, s);
        if (top == ACTION_HOLD && !over && !c->observing) { /* its time is up, or nearly so */
                case_judge(l, c, &c->step[c->standing - 1], false, now_ns);
                case_end(l, c, "the budget has room again", now_ns);
                return;
        }
        if (!over && top != ACTION_QUARANTINE) {
                case_end(l, c, "the budget has room again", now_ns);
                return;
        }
        if (!over || c->next >= c->plan.count || !due(l, c, s, now_ns))
                return;
        bool hold = c->plan.kind[c->next] == ACTION_HOLD;
        uint64_t ttl = hold ? MAX(b.free_ns > now_ns ? b.free_ns - now_ns : 0, SHORTEST_NS) : 0;
        snprintf(reason, sizeof reason,
                "%u restarts after a crash in the last %s, %u are its budget; exit code %d", b.spent,
                view_span((double)b.window_ns / 1e9, span), b.limit, b.code);
        if (!case_raise(l, c, ttl, reason, now_ns) || !c->used)
                return;
        c->restarts = restarts_of(s);
        c->excused = true;
        c->missed = 0;
        if (hold && m->holds < UINT8_MAX)
                m->holds++;
}
