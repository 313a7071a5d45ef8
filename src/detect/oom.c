/* OOM kills: the kernel ended processes for want of memory, inside a service's own limit or on the
 * whole host. The host's count includes those of services; what no service explains is the host's, if
 * the host was short of memory: else a group with a limit was gone before its counters could be read.
 */
#include "detect/detect.h"
#include "world/view.h"

#define ENOUGH 0.2 /* of the host's memory available: nobody was killed for want of it */
enum {
        SETTLE = 15, /* s: the sources of both counts are read at different moments */
        QUIET = 600, /* s: nobody knows sooner whether what was killed comes to its limit again */
};

/* Grown counts of services since the last pass. */
static uint64_t explained(struct detect_run *run)
{
        uint64_t sum = 0;

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                struct detect_memory *m = detect_memory(run, i);
                uint64_t total = detect_board(run)->service[i].ooms.total;

                sum += total > m->oom_total ? total - m->oom_total : 0;
                m->oom_total = total;
        }
        return sum;
}

static void look_at_host(struct detect_run *run)
{
        struct detect_host_memory *h = detect_host_memory(run);
        uint64_t kills = detect_board(run)->host.oom_kills, now = detect_now(run), known = explained(run);
        char span[VIEW_SPAN];

        if (!view_known(kills))
                return;
        if (!h->oom_known || kills < h->oom_kills) {
                *h = (struct detect_host_memory){.oom_kills = kills, .oom_known = true};
                return;
        }
        if (kills > h->oom_kills) {
                if (h->oom_unexplained)
                        h->oom_pause = fmax(h->oom_pause, view_age(h->oom_ns, now));
                h->oom_ns = now;
                h->oom_host_short = view_ratio(detect_board(run)->host.memory_available_bytes,
                                            detect_board(run)->host.memory_bytes) < ENOUGH;
        }
        h->oom_unexplained += kills - h->oom_kills;
        h->oom_unexplained -= MIN(h->oom_unexplained, known);
        h->oom_kills = kills;
        if (h->oom_unexplained && view_age(h->oom_ns, now) >
                                          fmin(fmax(3 * h->oom_pause, QUIET), detect_config(run)->oom_window))
                h->oom_unexplained = 0;
        if (h->oom_unexplained == 0) {
                h->oom_pause = 0;
                return;
        }
        struct finding *f =
                detect_holds(run, 0, 0, h->oom_host_short ? SEVERITY_CRITICAL : SEVERITY_WARNING, SETTLE);
        if (!f)
                return;
        const char *plural = h->oom_unexplained == 1 ? "" : "es";
        if (h->oom_host_short) {
                detect_text(f,
                        "The kernel killed %llu process%s for want of memory on the host, outside every "
                        "limit that "
                        "Sexton watches",
                        (unsigned long long)h->oom_unexplained, plural);
                detect_remedy(f,
                        "Give the largest services memory limits below what the host has, so that one can't "
                        "take it all; see `sexton services`.");
        } else {
                detect_text(f,
                        "The kernel killed %llu process%s at a memory limit, in a group that was gone before "
                        "it could be "
                        "looked at; the host itself had memory to spare",
                        (unsigned long long)h->oom_unexplained, plural);
                detect_remedy(f, "See `sexton events` for the service that died then, and raise its memory "
                                 "limit or find "
                                 "what it uses the memory for.");
        }
        detect_evidence(f, h->oom_ns, (double)h->oom_unexplained, "kills", "the last one %s ago",
                view_span(view_age(h->oom_ns, now), span));
        detect_contributors(run, f, VIEW_MEMORY, "bytes", 3);
}

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at = 0;
        char span[VIEW_SPAN], used[VIEW_SPAN], limit[VIEW_SPAN];

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                uint32_t n = view_recent(&s->ooms, now, cfg->oom_window);

                if (n == 0 || !view_recent_at(&s->ooms, 0, &at, NULL) ||
                        detect_rests(run, TOLD_BY_KERNEL, &s->ooms, cfg->oom_window, QUIET))
                        continue;
                bool limited = view_known(s->memory_limit_bytes) && s->memory_limit_bytes;
                struct finding *f = detect_holds(
                        run, i, 0, n >= cfg->oom_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING, 0);
                if (!f)
                        continue;
                detect_text(f, "%.80s ran out of memory: %u OOM kill%s in the last %s", s->name, n,
                        n == 1 ? "" : "s", view_span(cfg->oom_window, span));
                detect_remedy(f,
                        limited ? "Raise the memory limit of %.80s, or make it use less (fewer workers, "
                                  "`--max-memory-per-child`, smaller "
                                  "batches); a restart only starts the count again."
                                : "Find what in %.80s uses the memory, and give it a limit of its own so "
                                  "that it doesn't take the host "
                                  "with it.",
                        s->name);
                detect_evidence(f, at, n, "kills", "%u OOM kill%s; the last one %s ago", n, n == 1 ? "" : "s",
                        view_span(view_age(at, now), span));
                if (limited && view_known(s->memory_bytes))
                        detect_evidence(f, 0, (double)s->memory_bytes, "bytes",
                                "it uses %s of its limit of %s now",
                                view_bytes((double)s->memory_bytes, used),
                                view_bytes((double)s->memory_limit_bytes, limit));
                uint32_t timeouts = view_recent(&s->probe_timeouts, now, cfg->oom_window);
                if (timeouts)
                        detect_evidence(f, 0, timeouts, "time-outs",
                                "its health check timed out %u times in the same time", timeouts);
        }
        look_at_host(run);
}

extern const struct detector detector_oom;
const struct detector detector_oom = {
        .name = "oom",
        .runbook = "oom",
        .title = "Out of memory",
        .clear_after = 30,
        .look = look,
};
