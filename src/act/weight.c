/* CPU weight: its share when others want the CPU, too; alone on the host it still gets all of it. */
#include "act/change.h"
#include "act/kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A tenth of the default: against one service of default weight it gets a tenth of the CPU. */
#define DEFAULT_WEIGHT 10
/* Both versions' defaults stand for the same share. */
#define SHARES_PER_WEIGHT (1024.0 / 100)
#define SHARES_MIN        2.0

static int plan(int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e)
{
        double weight = isnan(w->value) ? DEFAULT_WEIGHT : w->value;

        c->file = unified ? CHANGE_CPU_WEIGHT : CHANGE_CPU_SHARES;
        int r = change_read_in(dir, c->file, c->before);
        if (r < 0)
                return r;
        snprintf(c->ours, sizeof c->ours, "%.0f",
                unified ? fmax(1, floor(weight)) : fmax(SHARES_MIN, floor(weight * SHARES_PER_WEIGHT)));
        if (strtod(c->before, NULL) <= strtod(c->ours, NULL))
                return error_set(e, -EALREADY, "%s is %s already", change_file_name(c->file), c->before);
        return 0;
}

const struct act_kind act_weight = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "with less CPU weight",
        .hierarchy = CGROUP_CPU,
        .follows = true,
        .plan = plan,
};
