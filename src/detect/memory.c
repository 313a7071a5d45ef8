/* Memory: the host's in use (page cache counts as free: MemAvailable), a service near its own limit, and
 * growth that will exhaust either. Each is a variant of one detector.
 */
#include "detect/detect.h"
#include "world/view.h"

#include <stdio.h>

enum variant { USED, GROWS };

/* Growth matters only on the way up: a cache that warms below half of its room exhausts nothing yet. */
#define GROWTH_FROM 0.5

static void look_at_host(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        const struct host *h = &detect_board(run)->host;
        double free = view_ratio(h->memory_available_bytes, h->memory_bytes), used = 1 - free;
        double in = (double)h->memory_available_bytes / h->memory_slope_bytes_per_sec;
        char span[VIEW_SPAN], a[VIEW_SPAN], b[VIEW_SPAN];
        struct finding *f;

        if (isnan(free) || free < 0 || free > 1)
                return;
        if (view_above(used, cfg->memory_used) &&
                (f = detect_holds(run, 0, USED,
                         used > cfg->memory_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                         cfg->memory_for))) {
                detect_text(f,
                        "%.0f %% of the host's memory is in use (page cache not counted): %s of %s available",
                        used * 100, view_bytes((double)h->memory_available_bytes, a),
                        view_bytes((double)h->memory_bytes, b));
                detect_remedy(f, "Give the largest services memory limits (`mem_limit`, MemoryMax=), or the "
                                 "host more memory.");
                detect_evidence(f, 0, used, "ratio", "%.0f %% in use", used * 100);
                if (isgreater(h->psi_memory, 0.01))
                        detect_evidence(f, 0, h->psi_memory, "ratio",
                                "tasks waited for memory %.0f %% of the last 10 s", h->psi_memory * 100);
                detect_contributors(run, f, VIEW_MEMORY, "bytes", 3);
        }
        if (view_above(used, GROWTH_FROM) && view_above(h->memory_slope_bytes_per_sec, 0) &&
                isless(in, cfg->memory_exhausted_in) &&
                (f = detect_holds(run, 0, GROWS, SEVERITY_WARNING, cfg->memory_growth_for))) {
                detect_text(f, "The host's memory is used up in about %s at the pace of the last minutes",
                        view_span(in, span));
                detect_remedy(f, "See which service grows and give it a limit (`mem_limit`, MemoryMax=) "
                                 "before it takes the host with it.");
                detect_evidence(f, 0, h->memory_slope_bytes_per_sec, "B/s",
                        "%s more per second, %s available", view_bytes(h->memory_slope_bytes_per_sec, a),
                        view_bytes((double)h->memory_available_bytes, b));
                detect_contributors(run, f, VIEW_GROWTH, "B/s", 3);
        }
}

static void look_at_service(struct detect_run *run, uint16_t i)
{
        const struct detect_config *cfg = detect_config(run);
        const struct service *s = &detect_board(run)->service[i];
        double used = view_ratio(s->memory_bytes, s->memory_limit_bytes);
        char span[VIEW_SPAN], a[VIEW_SPAN], b[VIEW_SPAN];
        struct finding *f;

        if (isnan(used))
                return;
        double in =
                used < 1 ? (double)(s->memory_limit_bytes - s->memory_bytes) / s->memory_slope_bytes_per_sec
                         : 0;

        view_bytes((double)s->memory_bytes, a);
        view_bytes((double)s->memory_limit_bytes, b);
        if (view_above(used, cfg->memory_service_used) &&
                (f = detect_holds(run, i, USED, SEVERITY_WARNING, cfg->memory_for))) {
                detect_text(f, "%.80s uses %.0f %% of its memory limit: %s of %s", s->name, used * 100, a, b);
                detect_remedy(f,
                        "Raise the memory limit of %.80s or make it use less, before the kernel kills in it.",
                        s->name);
                detect_evidence(f, 0, used, "ratio", "working set %s, limit %s", a, b);
                uint32_t ooms = detect_recent(&s->ooms, detect_now(run), cfg->oom_window);
                if (ooms)
                        detect_evidence(f, 0, ooms, "kills", "%u OOM kills in the last %s", ooms,
                                view_span(cfg->oom_window, span));
        }
        if (view_above(used, GROWTH_FROM) && view_above(s->memory_slope_bytes_per_sec, 0) &&
                isless(in, cfg->memory_exhausted_in) &&
                (f = detect_holds(run, i, GROWS, SEVERITY_WARNING, cfg->memory_growth_for))) {
                detect_text(f,
                        "%.80s reaches its memory limit of %s in about %s at the pace of the last minutes",
                        s->name, b, view_span(in, span));
                detect_remedy(f,
                        "Look for a leak in %.80s; until it is found let workers be replaced in time, or "
                        "raise the limit.",
                        s->name);
                detect_evidence(f, 0, (double)s->memory_bytes, "bytes", "%s now, limit %s", a, b);
                detect_evidence(f, 0, s->memory_slope_bytes_per_sec, "B/s", "%s more per second",
                        view_bytes(s->memory_slope_bytes_per_sec, a));
        }
}

static void look(struct detect_run *run)
{
        look_at_host(run);
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;)
                look_at_service(run, i);
}

extern const struct detector detector_memory;
const struct detector detector_memory = {
        .name = "memory",
        .runbook = "memory",
        .title = "Memory",
        .clear_after = 60,
        .look = look,
};
