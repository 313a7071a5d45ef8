/* Costs measured, and intervals that follow from them: see pace.h. */
#include "guard/pace.h"

#include "base/clock.h"
#include "base/util.h"

/* A look at the worst lasts seconds, and is due again within hours. */
#define LONGEST_NS (3600 * NSEC_PER_SEC)

void pace_begin(struct pace *p)
{
        p->begun_cpu_ns = clock_thread_cpu_ns();
}

void pace_end(struct pace *p, uint64_t now_ns)
{
        uint64_t cost_ns = clock_thread_cpu_ns() - p->begun_cpu_ns;

        /* Growth counts at once: a host that filled up must not be looked at as often as before. */
        p->cost_ns = cost_ns > p->cost_ns ? cost_ns : p->cost_ns - (p->cost_ns - cost_ns) / 4;
        p->ended_ns = now_ns;
}

void pace_expect(struct pace *p, uint64_t cost_ns)
{
        p->cost_ns = MAX(p->cost_ns, cost_ns);
}

uint64_t pace_interval_ns(const struct pace *p, double share)
{
        return (uint64_t)MIN((double)p->cost_ns / share, (double)LONGEST_NS);
}

bool pace_is_due(const struct pace *p, double share, uint64_t now_ns)
{
        return now_ns - p->ended_ns >= pace_interval_ns(p, share);
}
