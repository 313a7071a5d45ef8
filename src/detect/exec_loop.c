/* Exec loop: a main process that restarts itself by exec, again and again. Its pid, its container and
 * its restart count stay the same, so nobody else sees it. Execs of a start (an entry point that ends
 * in `exec`) are one each and are left out by counting from the last restart.
 */
#include "detect/restarts.h"
#include "world/view.h"

enum { QUIET = 60 }; /* s: no loop is called over sooner */

struct execs {
        uint32_t counted; /* within the window */
        uint64_t last_ns;
        double period; /* s; NAN: not by the clock, or the budget says enough */
};

static bool execs_loop(struct detect_run *run, const struct service *s, struct execs *ret)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at, started, first;
        struct execs x = {.period = NAN};

        if (!view_recent_at(&s->reexecs, 0, &x.last_ns, NULL))
                return false;
        if (!view_recent_at(&s->restarts, 0, &started, NULL))
                started = 0;
        started = MAX(started, s->deployed_ns);
        for (uint32_t k = 0; view_recent_at(&s->reexecs, k, &at, NULL); k++) {
                if (view_age(at, now) > cfg->exec_loop_window || at < started)
                        break;
                x.counted++;
        }
        /* Else it has come up at last. */
        bool by_budget = x.counted >= cfg->exec_loop_budget &&
                         !detect_rests(run, TOLD_BY_KERNEL, &s->reexecs, cfg->exec_loop_window, QUIET);
        if (!by_budget && view_recent_at(&s->reexecs, (uint32_t)cfg->restart_loop_times - 1, &first, NULL) &&
                first >= started)
                x.period = restarts_period(run, TOLD_BY_KERNEL, &s->reexecs);
        *ret = x;
        return by_budget || !isnan(x.period);
}

static void tell(struct detect_run *run, struct finding *f, const struct service *s, const struct execs *x)
{
        const struct detect_config *cfg = detect_config(run);
        char span[VIEW_SPAN];

        if (isnan(x->period)) {
                detect_text(f,
                        "The main process of %.80s restarted itself in place %u times%s in the last %s",
                        s->name, x->counted, x->counted == BOARD_RECENT ? " or more" : "",
                        view_span(cfg->exec_loop_window, span));
                detect_evidence(f, x->last_ns, x->counted, "execs",
                        "%u execs by its main process, the pid stays the same; the last one", x->counted);
        } else {
                detect_text(f, "The main process of %.80s restarts itself in place by the clock: every %s",
                        s->name, view_span(x->period, span));
                detect_evidence(f, x->last_ns, x->period, "s",
                        "a period: every %s, %.0f times running, the pid stays the same; the last one", span,
                        cfg->restart_loop_times);
        }
        detect_remedy(f,
                "See what makes %.80s start over (a watcher of files that always change, a signal such as "
                "SIGHUP, a failing configuration); end with an error instead, so that a restart policy can "
                "count it.",
                s->name);
}

static void look(struct detect_run *run)
{
        struct execs x;

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                if (!execs_loop(run, s, &x))
                        continue;
                /* By the clock it may be meant so: a rotation of logs. */
                struct finding *f =
                        detect_holds(run, i, 0, isnan(x.period) ? SEVERITY_WARNING : SEVERITY_INFO, 0);
                if (f)
                        tell(run, f, s, &x);
        }
}

extern const struct detector detector_exec_loop;
const struct detector detector_exec_loop = {
        .name = "exec_loop",
        .runbook = "exec-loop",
        .title = "Exec-in-place loop",
        .clear_after = 60,
        .look = look,
};
