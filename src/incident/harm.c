/* What is wrong, and whose part it is: see harm.h. */
#include "incident/harm.h"

#include "base/util.h"
#include "world/view.h"

#include <string.h>

/* Below this a kind is how hosts live, and nobody is blamed for it. */
#define WRONG 0.15

/* 0 below `from`, 1 above `to`, straight between; 0 for what is unknown. */
static double ramp(double value, double from, double to)
{
        if (!view_above(value, from))
                return 0;
        return value >= to ? 1 : (value - from) / (to - from);
}

double harm_part(const struct board *b, uint16_t service, enum harm_kind kind, uint64_t now_ns)
{
        const struct service *s = view_service(b, service);

        if (view_is_drill(s, now_ns))
                return 0; /* what is staged must not draw suspicion away from what is wrong */
        switch (kind) {
        case HARM_ZOMBIES:
                return s->ignore_zombies ? 0 : s->held;
        case HARM_LOAD:
                return view_or_zero(s->load1);
        case HARM_CPU:
                return view_or_zero(s->cpu_ratio);
        case HARM_MEMORY:
                return view_known(s->memory_bytes) ? (double)s->memory_bytes : 0;
        case HARM_OOM:
                return view_recent(&s->ooms, now_ns, 3600);
        case HARM_PIDS:
                return (double)s->threads + s->held;
        case HARM_STUCK:
                return s->state == CONTAINER_PAUSED ? 0 : s->stuck_tasks;
        case HARM_PROBES:
                return (double)view_recent(&s->probe_timeouts, now_ns, 600) + s->probe_orphans;
        case HARM_KINDS:
        default:
                return 0;
        }
}

/* Pressure that goes with load or CPU; where the kernel tells none, load has to do. */
static double pressure(const struct host *h)
{
        double worst = fmax(fmax(h->psi_cpu, h->psi_memory), h->psi_io); /* NANs are passed over */

        return isnan(worst) ? 1 : ramp(worst, 0.05, 0.2);
}

static double weigh(const struct board *b, enum harm_kind kind, double total)
{
        const struct host *h = &b->host;
        double tasks = view_ratio(h->tasks, MIN(h->pid_max, h->threads_max));

        switch (kind) {
        case HARM_ZOMBIES:
                return total > 0 ? 0.5 + 0.5 * fmax(ramp(total, 0, 200), ramp(tasks, 0.3, 0.9)) : 0;
        case HARM_LOAD:
                return h->cpus ? ramp(h->load1 / h->cpus, 0.8, 2) * pressure(h) : 0;
        case HARM_CPU:
                return 0.5 * ramp(h->cpu_busy_ratio, 0.8, 1) * pressure(h);
        case HARM_MEMORY:
                return ramp(1 - view_ratio(h->memory_available_bytes, h->memory_bytes), 0.8, 0.95);
        case HARM_OOM:
                return total > 0 ? 0.7 : 0;
        case HARM_PIDS:
                return ramp(tasks, 0.7, 0.95);
        case HARM_STUCK:
                return total > 0 ? 0.5 : 0;
        case HARM_PROBES:
                return total >= 2 ? 0.4 : 0;
        case HARM_KINDS:
        default:
                return 0;
        }
}

struct harm harm_of(const struct board *b, uint64_t now_ns)
{
        struct harm h = {};

        for (uint32_t k = 0; k < HARM_KINDS; k++) {
                for (uint32_t i = 0; i < view_services(b); i++)
                        if (view_service_used(b, (uint16_t)i))
                                h.total[k] += fmax(harm_part(b, (uint16_t)i, (enum harm_kind)k, now_ns), 0);
                h.weight[k] = weigh(b, (enum harm_kind)k, h.total[k]);
                if (h.weight[k] < WRONG)
                        h.weight[k] = 0;
                h.sum += h.weight[k];
        }
        memcpy(h.had, h.total, sizeof h.had);
        if (isfinite(b->host.load1))
                h.had[HARM_LOAD] = fmax(b->host.load1 - view_or_zero(b->host.load1_before), 0);
        if (isfinite(b->host.cpu_busy_ratio))
                h.had[HARM_CPU] = b->host.cpu_busy_ratio * (double)b->host.cpus;
        /* What no service explains belongs to nobody: it lessens everybody's share. */
        for (uint32_t k = 0; k < HARM_KINDS; k++)
                h.total[k] = fmax(h.total[k], h.had[k]);
        return h;
}

double harm_share(
        const struct board *b, const struct harm *h, uint16_t service, enum harm_kind kind, uint64_t now_ns)
{
        double part = harm_part(b, service, kind, now_ns);

        return h->total[kind] > 0 && part > 0 ? fmin(part / h->total[kind], 1) : 0;
}

double harm_score(const struct board *b, const struct harm *h, uint16_t service, uint64_t now_ns)
{
        double score = 0;

        if (h->sum <= 0)
                return 0;
        for (uint32_t k = 0; k < HARM_KINDS; k++)
                score += h->weight[k] * harm_share(b, h, service, (enum harm_kind)k, now_ns);
        return fmin(score / h->sum, 1);
}

uint16_t harm_dominant(const struct board *b, const struct harm *h, enum harm_kind kind, double share,
        double score, uint64_t now_ns)
{
        uint16_t who = 0;

        if (kind == HARM_KINDS || h->weight[kind] <= 0)
                return 0;
        for (uint32_t i = 1; i < view_services(b); i++) {
                const struct service *s = &b->service[i];

                if (!view_service_used(b, (uint16_t)i) || s->is_self || s->kind == SERVICE_KERNEL)
                        continue;
                double part = harm_share(b, h, (uint16_t)i, kind, now_ns);
                if (part >= share && harm_score(b, h, (uint16_t)i, now_ns) >= score) {
                        share = part;
                        who = (uint16_t)i;
                }
        }
        return who;
}

/* ---- findings ---- */

static bool is_of(const struct board *b, const struct finding *f, uint16_t service)
{
        if (f->id == 0 || !f->open || f->service != service)
                return false;
        return service == 0 ||
               !strncmp(f->service_name, view_service_name(b, service), sizeof f->service_name);
}

const struct finding *harm_finding(const struct board *b, uint16_t service, const char *detector)
{
        for (uint32_t i = 1; i < view_findings(b); i++)
                if (is_of(b, &b->finding[i], service) &&
                        !strncmp(b->finding[i].detector, detector, sizeof b->finding[i].detector))
                        return &b->finding[i];
        return NULL;
}

/* Lower ranks are told first: the more severe, then the more telling. */
static uint32_t rank(const struct finding *f)
{
        static const char *const order[] = {"zombie_leak", "health_check", "oom", "zombie_leader", "memory",
                "pids", "fork_storm", "hung_tasks", "saturation", "disk", "respawn_loop", "exec_loop",
                "restart_loop", "unit_restart_loop", "unattributed"};
        uint32_t o = 0, severity = MIN(f->severity, (uint8_t)SEVERITY_CRITICAL);

        while (o < ARRAY_SIZE(order) && strncmp(f->detector, order[o], sizeof f->detector))
                o++;
        return (SEVERITY_CRITICAL - severity) * 100 + o;
}

uint32_t harm_findings(const struct board *b, uint16_t service, const struct finding **out, uint32_t max)
{
        uint32_t n = 0;

        for (uint32_t i = 1; i < view_findings(b); i++) {
                const struct finding *f = &b->finding[i];
                uint32_t at = n;

                if (!is_of(b, f, service))
                        continue;
                while (at > 0 && rank(out[at - 1]) > rank(f))
                        at--;
                if (at >= max)
                        continue;
                n += n < max;
                memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof *out);
                out[at] = f;
        }
        return n;
}

/* ---- CPU seconds ---- */

/* All the CPU time there was: a claim beyond it is an error of accounting, and isn't repeated. */
static double had(const struct board *b, uint64_t now_ns)
{
        return b->host.cpus ? view_age(b->started_ns ? b->started_ns : now_ns, now_ns) * b->host.cpus
                            : INFINITY;
}

double harm_cpu_seconds(const struct board *b, uint16_t service, uint64_t now_ns)
{
        uint64_t ns = view_service(b, service)->cpu_ns;

        return view_known(ns) ? fmin((double)ns / (double)NSEC_PER_SEC, had(b, now_ns)) : 0;
}

double harm_cpu_seconds_all(const struct board *b, uint64_t now_ns)
{
        double sum = 0;

        for (uint32_t i = 0; i < view_services(b); i++)
                if (view_service_used(b, (uint16_t)i))
                        sum += harm_cpu_seconds(b, (uint16_t)i, now_ns);
        return fmin(sum, had(b, now_ns));
}
