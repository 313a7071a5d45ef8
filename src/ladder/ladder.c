/* The look of each second: see ladder.h. */
#include "ladder/ladder.h"

#include "base/text.h"
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

#define FRESH_NS (3 * NSEC_PER_SEC)
#define FULL     0.8 /* of the pids: a leak is about to use up the rest */

void ladder_init(struct ladder *l, const struct board *b, const struct ladder_ops *ops)
{
        l->board = b;
        l->ops = *ops;
        l->running = l->blocked = l->busy = NAN;
        recall_host(l);
}

/* Zombies cost a pid each and nothing else: restarting somebody's work for them is worth it only when pids
 * are about to run out. Burying costs nothing, where it is allowed. */
bool zombies_exhaust(const struct ladder *l, uint16_t service, uint64_t now_ns)
{
        const struct board *b = l->board;
        const struct service *s = view_service(b, service);
        double host = view_ratio(b->host.tasks, MIN(b->host.pid_max, b->host.threads_max));

        return isless(view_exhausted_in(s, now_ns), l->cfg.acting_zombies_exhaust_in) ||
               (view_above(view_ratio(s->pids, s->pids_limit), FULL) && s->held * 2 > s->pids) ||
               (view_above(host, FULL) && (uint64_t)s->held * 2 > b->host.tasks);
}

/* Whom a finding leads to; 0 = nothing is to be done about it. What fills only its own limit harms itself. */
static uint16_t culprit_of(
        const struct ladder *l, const struct finding *f, enum ladder_rule rule, uint64_t now_ns)
{
        if (!f->service)
                return harm_culprit(l, rule, now_ns);
        if (rule == RULE_memory || rule == RULE_pids || rule == RULE_restart_loop ||
                strncmp(f->service_name, view_service_name(l->board, f->service), sizeof f->service_name) !=
                        0)
                return 0;
        if (rule == RULE_zombie_leak && !view_service(l->board, f->service)->labels.bury &&
                !zombies_exhaust(l, f->service, now_ns))
                return 0;
        return f->service;
}

static void look_at_findings(struct ladder *l, uint64_t now_ns)
{
        const struct board *b = l->board;

        for (uint32_t i = 1; i < view_findings(b); i++) {
                const struct finding *f = &b->finding[i];

                if (!f->id || !f->open || f->drill || now_ns > f->updated_ns + FRESH_NS)
                        continue;
                enum ladder_rule rule = plan_rule(f->detector);
                if (rule == LADDER_RULE_COUNT || !l->plan[rule].count)
                        continue;
                uint16_t who = culprit_of(l, f, rule, now_ns);
                if (who && !case_of(l, who))
                        case_open(l, rule, who, f->id, now_ns);
        }
}

void ladder_look(struct ladder *l, uint64_t now_ns)
{
        /* The host's figures are new once a second, however often we are called. */
        if (now_ns >= l->last_ns + NSEC_PER_SEC / 2 || now_ns < l->last_ns) {
                l->last_ns = now_ns;
                load_look(l, now_ns);
                breaker_look(l, now_ns);
                look_at_findings(l, now_ns);
        }
        budget_look(l, now_ns);
        for (uint32_t i = 0; i < LADDER_CASES; i++) {
                struct ladder_case *c = &l->cases[i];

                if (!c->used || !case_follow(l, c, now_ns))
                        continue;
                if (c->rule == RULE_restart_loop)
                        budget_case_look(l, c, now_ns);
                else
                        case_look(l, c, now_ns);
        }
}

void ladder_forget(struct ladder *l, uint64_t now_ns)
{
        for (uint32_t i = 0; i < LADDER_CASES; i++)
                l->cases[i] = (struct ladder_case){};
}
