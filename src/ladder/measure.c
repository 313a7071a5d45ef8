/* The numbers that an action is to better: the host's first, then the service's own. Less is always better.
 */
#include "base/text.h"
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

static double known(uint64_t v)
{
        return view_known(v) ? (double)v : NAN;
}

static void put(double out[ACTION_MEASURES], struct action_measure *names, uint32_t i, const char *name,
        const char *unit, double value)
{
        out[i] = value;
        if (!names)
                return;
        text_set(names[i].name, sizeof names[i].name, name);
        text_set(names[i].unit, sizeof names[i].unit, unit);
        names[i].before = value;
        names[i].after = NAN;
}

static double memory_used(const struct host *h)
{
        return 1 - view_ratio(h->memory_available_bytes, h->memory_bytes);
}

/* What the finding itself counts. */
static void of_finding(
        const struct ladder *l, uint32_t finding, double out[ACTION_MEASURES], struct action_measure *names)
{
        for (uint32_t i = 1; i < view_findings(l->board); i++) {
                const struct finding *f = &l->board->finding[i];
                if (f->id != finding || !finding || !f->evidence_count)
                        continue;
                put(out, names, 0, f->evidence[0].unit[0] ? f->evidence[0].unit : "evidence",
                        f->evidence[0].unit, f->open ? f->evidence[0].value : 0);
        }
}

void measure_take(const struct ladder *l, enum ladder_rule rule, uint16_t service, uint32_t finding,
        uint64_t now_ns, double out[ACTION_MEASURES], struct action_measure *names)
{
        const struct host *h = &l->board->host;
        const struct service *s = view_service(l->board, service);

        for (uint32_t i = 0; i < ACTION_MEASURES; i++)
                out[i] = NAN;
        if (rule == RULE_saturation || rule == RULE_breaker) {
                put(out, names, 0, "tasks per core", "tasks", fmax(l->running, 0) / MAX(h->cpus, 1u));
                put(out, names, 1, "pressure", "ratio", load_pressure(h));
                put(out, names, 2, "its CPU", "cores", s->cpu_ratio);
        } else if (rule == RULE_memory) {
                put(out, names, 0, "memory in use", "ratio", memory_used(h));
                put(out, names, 1, "memory pressure", "ratio", h->psi_memory);
                put(out, names, 2, "its memory", "bytes", known(s->memory_bytes));
        } else if (rule == RULE_pids) {
                put(out, names, 0, "tasks of the host", "tasks", (double)h->tasks);
                put(out, names, 1, "its tasks", "tasks", (double)s->threads + s->held);
        } else if (rule == RULE_fork_storm) {
                put(out, names, 0, "its forks", "per second", s->fork_rate);
                put(out, names, 1, "its tasks", "tasks", (double)s->threads + s->held);
                put(out, names, 2, "its CPU", "cores", s->cpu_ratio);
        } else if (rule == RULE_zombie_leak) {
                put(out, names, 0, "zombies it holds", "zombies", s->held);
                put(out, names, 1, "its tasks", "tasks", known(s->pids));
        } else if (rule == RULE_restart_loop || rule == RULE_unit_restart_loop) {
                put(out, names, 0, "restarts in the window", "restarts",
                        view_recent(&s->restarts, now_ns, l->cfg.restart_budget_window));
        } else {
                of_finding(l, finding, out, names);
        }
}
