/* How fast a noisy quantity grows: the slope of a straight line fitted to its past, in which a sample
 * weighs e times less for every `tau` of age. Unlike a smoothed difference of neighbours this doesn't
 * amplify noise, follows a steady ramp without lag, and takes samples at any pace. Constant memory.
 */
#pragma once

#include <stdint.h>

struct trend {
        uint64_t first_ns, last_ns; /* 0 = no sample yet */
        double reference;           /* first value; sums are of differences to it, to keep digits */
        double sum_w, sum_t, sum_tt, sum_x, sum_tx;
};

/* Takes a sample and returns the slope per second; NAN until the samples span min_ns. A sample that isn't
 * later than the last one is left out. */
double trend_add(struct trend *t, uint64_t now_ns, double value, double tau_sec, uint64_t min_ns);
