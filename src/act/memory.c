/* Memory: on cgroup v2 memory.high, above which its tasks are slowed down and reclaim their own pages;
 * nothing is killed. Version 1 has nothing of the kind: its nearest is the hard limit, which is never set
 * below what is used, so that setting it kills nobody; what asks for more then reclaims its own or is killed
 * in its group instead of exhausting the host.
 */
#include "act/change.h"
#include "act/kind.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Kernels before 6.16 reclaim what is above memory.high before the write returns, and the guard must not wait
 * for that: not more than a tenth of what is used at a time. That is also the default. */
#define OF_USED_V2 0.9
/* The hard limit of version 1 leaves what is born while we write. */
#define OF_USED_V1 (1 + 1.0 / 32)

static double limit_of(const char *text)
{
        return !strcmp(text, "max") ? HUGE_VAL : strtod(text, NULL);
}

static int plan(int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e)
{
        double page = (double)sysconf(_SC_PAGESIZE);
        char text[32];

        c->file = unified ? CHANGE_MEMORY_HIGH : CHANGE_MEMORY_LIMIT;
        int r = change_read_in(dir, c->file, c->before);
        if (r < 0)
                return r;
        ssize_t n =
                file_read_at(dir, unified ? "memory.current" : "memory.usage_in_bytes", text, sizeof text);
        if (n < 0)
                return (int)n;
        double used = strtod(text, NULL);
        double least = used * (unified ? OF_USED_V2 : OF_USED_V1);
        double bytes = isnan(w->value) ? least : fmax(w->value / w->parts, least);
        bytes = fmax(page, (unified ? floor(bytes / page) : ceil(bytes / page)) * page);
        if (limit_of(c->before) <= bytes)
                return error_set(e, -EALREADY, "%s is %s already", change_file_name(c->file), c->before);
        snprintf(c->ours, sizeof c->ours, "%.0f", bytes);
        return 0;
}

const struct act_kind act_memory = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "with limited memory",
        .hierarchy = CGROUP_MEMORY,
        .follows = true,
        .plan = plan,
};
