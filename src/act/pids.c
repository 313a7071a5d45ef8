/* A limit of tasks: forks above it fail inside the service instead of exhausting the host's pids. Zombies
 * count, so that a leak finds its own end.
 */
#include "act/change.h"
#include "act/kind.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int plan(int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e)
{
        char text[32];

        c->file = CHANGE_PIDS_MAX;
        int r = change_read_in(dir, c->file, c->before);
        if (r < 0)
                return r;
        ssize_t n = file_read_at(dir, "pids.current", text, sizeof text);
        if (n < 0)
                return (int)n;
        /* without a value: what it has, and no more */
        double tasks = isnan(w->value) ? strtod(text, NULL) : ceil(w->value / w->parts);
        double before = !strcmp(c->before, "max") ? HUGE_VAL : strtod(c->before, NULL);
        if (before <= tasks)
                return error_set(e, -EALREADY, "its limit is %s tasks already", c->before);
        snprintf(c->ours, sizeof c->ours, "%.0f", fmax(1, tasks));
        return 0;
}

const struct act_kind act_pids = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "with limited tasks",
        .hierarchy = CGROUP_PIDS,
        .follows = true,
        .plan = plan,
};
