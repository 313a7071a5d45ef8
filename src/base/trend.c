/* Exponentially weighted least squares, updated in place: see trend.h. */
#include "base/trend.h"

#include "base/util.h"

#include <math.h>

/* Times in the sums are relative to the newest sample (so they are <= 0): going on by dt moves them all. */
static void move_origin(struct trend *t, double dt, double tau_sec)
{
        double fade = exp(-dt / tau_sec);

        t->sum_tx = fade * (t->sum_tx - dt * t->sum_x);
        t->sum_tt = fade * (t->sum_tt - 2 * dt * t->sum_t + dt * dt * t->sum_w);
        t->sum_t = fade * (t->sum_t - dt * t->sum_w);
        t->sum_x *= fade;
        t->sum_w *= fade;
}

double trend_add(struct trend *t, uint64_t now_ns, double value, double tau_sec, uint64_t min_ns)
{
        if (!t->last_ns) {
                *t = (struct trend){.first_ns = now_ns, .last_ns = now_ns, .reference = value, .sum_w = 1};
                return NAN;
        }
        if (now_ns > t->last_ns) {
                move_origin(t, (double)(now_ns - t->last_ns) / (double)NSEC_PER_SEC, tau_sec);
                t->last_ns = now_ns;
                t->sum_w += 1;
                t->sum_x += value - t->reference;
        }
        double spread = t->sum_w * t->sum_tt - t->sum_t * t->sum_t;
        /* After a pause of many tau nothing but the last sample has weight. */
        if (t->last_ns - t->first_ns < min_ns || !(spread > 1e-6))
                return NAN;
        return (t->sum_w * t->sum_tx - t->sum_t * t->sum_x) / spread;
}
