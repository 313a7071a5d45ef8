/* Health checks that harm: that time out, pile up, fail for good, or cost more than they should. One
 * finding per service that says which; what a timed-out probe leaves behind is the zombie leak's text.
 *
 * Time-outs are over when enough probes in a row went well, long before they leave the window. Enough is more
 * than went well between those that didn't: one in four that times out is not over after three.
 */
#include "detect/detect.h"
#include "world/view.h"

#include <stdio.h>

enum {
        COST_WINDOW = 60, /* s over which the CPU of probes is averaged */
        IN_A_ROW = 3,     /* probes that must go well, at least, in each container of the service */
        STOPPED = 120,    /* s: twice the engine's longest delay between restarts */
};

struct probes {
        const struct service *s;
        uint32_t timeouts, failures, alive, allowed;
        float cores;
        bool times_out, piles_up, fails, costs;
};

/* The board has the total; cores come from windows of a minute. */
static float cost(struct detect_run *run, uint16_t service)
{
        struct detect_memory *m = detect_memory(run, service);
        uint64_t cpu = detect_board(run)->service[service].probe_cpu_ns, now = detect_now(run);

        if (!view_known(cpu))
                return NAN;
        if (m->probe_since_ns == 0 || cpu < m->probe_cpu_ns) {
                m->probe_since_ns = now;
                m->probe_cpu_ns = cpu;
                m->probe_cores = NAN;
        } else if (now - m->probe_since_ns >= COST_WINDOW * NSEC_PER_SEC) {
                m->probe_cores = (float)((double)(cpu - m->probe_cpu_ns) / (double)(now - m->probe_since_ns));
                m->probe_since_ns = now;
                m->probe_cpu_ns = cpu;
        }
        return m->probe_cores;
}

static bool holds(const struct recent *r, uint64_t at_ns)
{
        uint64_t at;

        for (uint32_t i = 0; view_recent_at(r, i, &at, NULL); i++)
                if (at == at_ns)
                        return true;
        return false;
}

/* When the last probe went wrong that is not forgiven because so many went well behind it; 0: none. */
static void forgive(struct detect_run *run, uint16_t service)
{
        const struct service *s = &detect_board(run)->service[service];
        uint32_t row = 0, since = 0, most = 0, enough;
        uint64_t at, last = 0;

        for (uint32_t i = 0; view_recent_at(&s->probe_runs, i, &at, NULL); i++) {
                if (!holds(&s->probe_timeouts, at) && !holds(&s->probe_failures, at)) {
                        row++;
                        continue;
                }
                if (last == 0)
                        since = row;
                else
                        most = MAX(most, row);
                last = MAX(last, at);
                row = 0;
        }
        enough = MIN(MAX(IN_A_ROW * MAX(s->containers, 1u), 2 * most), (uint32_t)BOARD_RECENT);
        if (last == 0) {
                since = row;
                (void)view_recent_at(&s->probe_timeouts, 0, &last, NULL);
        }
        if (since >= enough)
                detect_memory(run, service)->probes_forgiven_ns = last;
}

static uint32_t unforgiven(struct detect_run *run, uint16_t service, const struct recent *r, double window)
{
        uint64_t at, from = detect_memory(run, service)->probes_forgiven_ns;
        uint32_t n = 0;

        for (uint32_t i = 0; view_recent_at(r, i, &at, NULL); i++)
                n += at > from && detect_heard(run, TOLD_BY_ENGINE, at, detect_now(run)) <= window;
        return n;
}

/* Does nobody probe it any more? Between two restarts it looks so too, for a while. */
static bool is_gone(const struct detect_run *run, const struct service *s)
{
        uint64_t at = 0;

        return s->state == CONTAINER_REMOVED ||
               (s->state == CONTAINER_EXITED && view_recent_at(&s->probe_runs, 0, &at, NULL) &&
                       detect_heard(run, TOLD_BY_ENGINE, at, detect_now(run)) > STOPPED);
}

static struct probes probes_of(struct detect_run *run, uint16_t i)
{
        const struct detect_config *cfg = detect_config(run);
        const struct service *s = &detect_board(run)->service[i];
        bool probed = s->has_health_check && !is_gone(run, s);

        forgive(run, i);
        struct probes p = {
                .s = s,
                .timeouts = unforgiven(run, i, &s->probe_timeouts, cfg->health_check_window),
                .failures = unforgiven(run, i, &s->probe_failures, cfg->health_check_window),
                .alive = s->probes_open + s->probe_orphans,
                .cores = cost(run, i),
        };

        /* Each container of a scaled service may have one probe running. */
        p.allowed = (uint32_t)cfg->health_check_pile_up + (s->containers > 1 ? s->containers - 1 : 0);
        /* While it starts, a check may be too early for it: twice as many are needed then. */
        p.times_out =
                probed && p.timeouts >= cfg->health_check_timeouts * (s->health == HEALTH_STARTING ? 2 : 1);
        p.piles_up = p.alive >= p.allowed;
        p.fails = probed && s->health == HEALTH_UNHEALTHY && p.failures >= cfg->health_check_failures;
        p.costs = view_above(p.cores, cfg->health_check_cpu_ratio);
        return p;
}

static void describe(struct finding *f, const struct probes *p)
{
        char what[160] = "", timeout[VIEW_SPAN];
        size_t n = 0;
        double limit = (double)p->s->health_timeout_ns / (double)NSEC_PER_SEC;

        if (p->times_out)
                n += (size_t)snprintf(what + n, sizeof what - n, " timed out %u times%s%s,", p->timeouts,
                        limit > 0 ? " after " : "", limit > 0 ? view_span(limit, timeout) : "");
        if (p->piles_up)
                n += (size_t)snprintf(what + n, sizeof what - n, " left %u process%s alive at once,",
                        p->alive, p->alive == 1 ? "" : "es");
        if (p->costs)
                n += (size_t)snprintf(what + n, sizeof what - n, " costs %.2f cores,", (double)p->cores);
        if (p->fails && !p->times_out)
                n += (size_t)snprintf(
                        what + n, sizeof what - n, " failed %u times and nothing restarts it,", p->failures);
        if (n)
                what[n - 1] = '\0';
        detect_text(f, "The health check of %.80s%s", p->s->name, what);
        if (p->times_out || p->piles_up)
                detect_remedy(f,
                        "Give the health check of %.80s a timeout longer than it takes under load and an "
                        "interval longer "
                        "still, or a cheaper command%s.",
                        p->s->name,
                        p->s->health_shell ? ", in exec form (`test: [\"CMD\", ...]`) so that a time-out "
                                             "ends the command and not "
                                             "only the shell above it"
                                           : "");
        else if (p->costs)
                detect_remedy(f, "Give the health check of %.80s a longer interval or a cheaper command.",
                        p->s->name);
        else
                detect_remedy(f,
                        "See what the check of %.80s says (`docker inspect`, State.Health.Log); being "
                        "unhealthy restarts nothing by "
                        "itself.",
                        p->s->name);
}

static void prove(struct detect_run *run, struct finding *f, const struct probes *p)
{
        const struct service *s = p->s;
        uint64_t at = 0;
        int32_t ms = 0;
        char a[VIEW_SPAN], b[VIEW_SPAN];

        bool deaf = detect_board(run)->sources.engine == ENGINE_UNREACHABLE;
        if (p->timeouts && view_recent_at(&s->probe_timeouts, 0, &at, NULL))
                detect_evidence(f, at, p->timeouts, "time-outs", "%u time-outs in %s %s; the last one %s ago",
                        p->timeouts, deaf ? "the engine's last" : "the last",
                        view_span(detect_config(run)->health_check_window, a),
                        view_span(view_age(at, detect_now(run)), b));
        if (p->failures && view_recent_at(&s->probe_failures, 0, &at, &ms))
                detect_evidence(f, at, p->failures, "failures", "%u failures; the last with exit code %d",
                        p->failures, ms);
        if (view_recent_at(&s->probe_runs, 0, &at, &ms) && ms > 0)
                detect_evidence(f, at, ms / 1000.0, "s", "the last probe took %s", view_span(ms / 1000.0, a));
        if (p->alive)
                detect_evidence(f, 0, p->alive, "processes",
                        "%u probes running, %u processes of past probes alive", s->probes_open,
                        s->probe_orphans);
        if (view_known(s->probe_cpu_ns) && s->probe_cpu_ns)
                detect_evidence(f, 0, (double)s->probe_cpu_ns / 1e9, "CPU s",
                        "probes used %.1f CPU seconds so far", (double)s->probe_cpu_ns / 1e9);
        if (s->health_timeout_ns && s->health_interval_ns)
                detect_evidence(f, 0, NAN, NULL, "%.60s: every %s, timeout %s%s", s->health_command,
                        view_span((double)s->health_interval_ns / 1e9, a),
                        view_span((double)s->health_timeout_ns / 1e9, b),
                        s->health_shell ? ", shell form" : "");
}

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        double cores = detect_board(run)->host.cpus;

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];

                /* A paused container answers no probe; that is what pausing means. */
                if ((!s->has_health_check && s->probe_runs.total == 0) || s->state == CONTAINER_PAUSED)
                        continue;
                struct probes p = probes_of(run, i);
                if (!p.times_out && !p.piles_up && !p.fails && !p.costs)
                        continue;
                bool critical = p.alive >= 4 * p.allowed || (p.costs && view_above(p.cores, cores / 2));
                struct finding *f = detect_holds(run, i, 0, critical ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                        p.times_out || p.fails ? 0 : cfg->health_check_for);
                if (!f)
                        continue;
                describe(f, &p);
                prove(run, f, &p);
        }
}

extern const struct detector detector_health_check;
const struct detector detector_health_check = {
        .name = "health_check",
        .runbook = "health-check",
        .title = "Harmful health check",
        .clear_after = 60,
        .look = look,
};
