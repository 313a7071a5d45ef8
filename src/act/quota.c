/* CPU quota: so many cores and no more, also when nobody else wants them. */
#include "act/change.h"
#include "act/kind.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CORES 0.5
#define PERIOD_US     100000.0 /* the kernel's default */
#define QUOTA_MIN_US  1000.0   /* the kernel's smallest */

/* "max 100000", "50000 100000": cores, HUGE_VAL without a limit. */
static double cores_of(const char *max, double *ret_period)
{
        const char *blank = strchr(max, ' ');
        double period = blank ? atof(blank) : 0;

        *ret_period = period > 0 ? period : PERIOD_US;
        return !strncmp(max, "max", 3) ? HUGE_VAL : atof(max) / *ret_period;
}

static double period_of(int dir)
{
        char text[32];

        return file_read_at(dir, "cpu.cfs_period_us", text, sizeof text) > 0 && atof(text) > 0 ? atof(text)
                                                                                               : PERIOD_US;
}

static int plan(int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e)
{
        double cores = (isnan(w->value) ? DEFAULT_CORES : w->value) / w->parts, period, now;

        c->file = unified ? CHANGE_CPU_MAX : CHANGE_CFS_QUOTA;
        int r = change_read_in(dir, c->file, c->before);
        if (r < 0)
                return r;
        if (unified) {
                now = cores_of(c->before, &period);
        } else {
                period = period_of(dir);
                now = c->before[0] == '-' ? HUGE_VAL : atof(c->before) / period;
        }
        if (now <= cores)
                return error_set(e, -EALREADY, "its quota is %.3g cores already", now);
        double quota = fmax(QUOTA_MIN_US, floor(cores * period));
        if (unified)
                snprintf(c->ours, sizeof c->ours, "%.0f %.0f", quota, period);
        else
                snprintf(c->ours, sizeof c->ours, "%.0f", quota);
        return 0;
}

const struct act_kind act_quota = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "with a CPU quota",
        .hierarchy = CGROUP_CPU,
        .follows = true,
        .plan = plan,
};
