/* The host's load, fast enough to judge a step by: the run queue and the idle time of the last seconds.
 * Pressure lags ten seconds behind and load1 a minute; under a quota neither falls at all, because throttled
 * tasks count as waiting, but there is idle time again. And who has most of it, as incidents are assigned.
 */
#include "base/text.h"
#include "base/util.h"
#include "incident/harm.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <math.h>

#define SMOOTH    0.6 /* of a second's figure: 94 % within 3 s */
#define SATURATED 0.9 /* busy CPUs */
#define QUEUE     1.2 /* tasks that run or want to, per core */
#define DOMINATES 0.5
#define HAS_CPU   0.15 /* less doesn't do it now, whatever it did in the last minute */
#define GUILTY    0.2
#define SURE_NS   (2 * NSEC_PER_SEC)

static double smooth(double before, double now)
{
        if (isnan(now))
                return before;
        return isnan(before) ? now : before + SMOOTH * (now - before);
}

double load_pressure(const struct host *h)
{
        return fmax(fmax(h->psi_cpu, h->psi_memory), h->psi_io); /* NANs are passed over */
}

bool load_strained(const struct ladder *l, double psi)
{
        const struct host *h = &l->board->host;
        double cpus = MAX(h->cpus, 1u);
        bool cpu = view_above(l->busy, SATURATED) && view_above(l->running / cpus, QUEUE);
        bool disk = view_at_least(l->blocked, fmax(cpus, 2));

        if (isnan(load_pressure(h)))
                return cpu || disk;
        return (cpu && view_at_least(h->psi_cpu, psi)) ||
               (disk && view_at_least(fmax(h->psi_io, h->psi_memory), psi));
}

/* Most of the load and, unless tasks wait for disks, of the CPU. */
static uint16_t dominant(const struct ladder *l, uint64_t now_ns)
{
        const struct board *b = l->board;
        struct harm h = harm_of(b, now_ns);
        bool disk = view_at_least(l->blocked, fmax(b->host.cpus, 2)) && !view_above(l->busy, SATURATED);
        double best = DOMINATES;
        uint16_t who = 0;

        for (uint32_t i = 1; i < view_services(b); i++) {
                const struct service *s = &b->service[i];
                uint16_t at = (uint16_t)i;

                if (!view_service_used(b, at) || s->is_self || s->kind == SERVICE_KERNEL)
                        continue;
                double load = harm_share(b, &h, at, HARM_LOAD, now_ns);
                double cpu = harm_share(b, &h, at, HARM_CPU, now_ns);
                double share = disk ? load : (load + cpu) / 2;
                if (share < best || (!disk && cpu < HAS_CPU))
                        continue;
                if (h.sum > 0 && harm_score(b, &h, at, now_ns) < GUILTY)
                        continue;
                best = share;
                who = at;
        }
        return who;
}

void load_look(struct ladder *l, uint64_t now_ns)
{
        const struct host *h = &l->board->host;

        l->running = smooth(l->running, h->runnable);
        l->blocked = smooth(l->blocked, h->blocked);
        l->busy = smooth(l->busy, h->cpu_busy_ratio);
        /* Without waiting for pressure, which lags: who it is must be known when a finding opens. */
        bool look = l->breaker.forced > 0 || view_above(h->runnable / fmax(h->cpus, 1), QUEUE) ||
                    h->blocked >= MAX(h->cpus, 2u);
        uint16_t who = look ? dominant(l, now_ns) : 0;
        uint32_t hash = who ? text_hash(view_service_name(l->board, who)) : 0;

        if (who != l->suspect || hash != l->suspect_hash) {
                l->suspect = who;
                l->suspect_hash = hash;
                l->suspect_ns = now_ns;
        }
}

uint16_t load_culprit(const struct ladder *l, uint64_t now_ns)
{
        return l->suspect && now_ns >= l->suspect_ns + SURE_NS ? l->suspect : 0;
}

uint16_t harm_culprit(const struct ladder *l, enum ladder_rule rule, uint64_t now_ns)
{
        const struct board *b = l->board;
        enum harm_kind kind = rule == RULE_memory ? HARM_MEMORY : HARM_PIDS;

        if (rule == RULE_saturation || rule == RULE_breaker)
                return load_culprit(l, now_ns);
        if (rule != RULE_memory && rule != RULE_pids)
                return 0;
        struct harm h = harm_of(b, now_ns);
        return harm_dominant(b, &h, kind, DOMINATES, GUILTY, now_ns);
}
