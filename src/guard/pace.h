/* How often something dear may be done: so rarely that it uses no more than a share of a core, whatever
 * it costs today. The cost is what the last times took, so that a host with ten times the processes is
 * looked at a tenth as often instead of costing ten times as much.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
        uint64_t cost_ns;  /* CPU it takes, smoothed; 0 = never done */
        uint64_t ended_ns; /* when it was done last */
        uint64_t begun_cpu_ns;
};

void pace_begin(struct pace *p);
void pace_end(struct pace *p, uint64_t now_ns);
/* What it will take next time at least, as far as is known before: more to look at than there was last time.
 */
void pace_expect(struct pace *p, uint64_t cost_ns);
/* The time between two at which it uses `share` of a core. */
uint64_t pace_interval_ns(const struct pace *p, double share);
/* May it be done again? */
bool pace_is_due(const struct pace *p, double share, uint64_t now_ns);
