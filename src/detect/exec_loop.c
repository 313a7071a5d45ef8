/* Exec loop: a main process that restarts itself by exec, again and again. Its pid, its container and
 * its restart count stay the same, so nobody else sees it. Execs of a start (an entry point that ends
 * in `exec`) are one each and are left out by counting from the last restart.
 */
#include "detect/detect.h"
#include "world/view.h"

enum { QUIET = 60 }; /* s: no loop is called over sooner */

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at, started;
        char window[VIEW_SPAN];

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                uint32_t n = 0;
                uint64_t last = 0;

                if (!view_recent_at(&s->restarts, 0, &started, NULL))
                        started = 0;
                started = MAX(started, s->deployed_ns);
                for (uint32_t k = 0; view_recent_at(&s->reexecs, k, &at, NULL); k++) {
                        if (view_age(at, now) > cfg->exec_loop_window || at < started)
                                break;
                        last = last ? last : at;
                        n++;
                }
                /* It has come up at last. */
                if (n < cfg->exec_loop_budget ||
                        detect_rests(run, TOLD_BY_KERNEL, &s->reexecs, cfg->exec_loop_window, QUIET))
                        continue;
                struct finding *f = detect_holds(run, i, 0, SEVERITY_WARNING, 0);
                if (!f)
                        continue;
                detect_text(f,
                        "The main process of %.80s restarted itself in place %u times%s in the last %s",
                        s->name, n, n == BOARD_RECENT ? " or more" : "",
                        view_span(cfg->exec_loop_window, window));
                detect_remedy(f,
                        "See what makes %.80s start over (a watcher of files that always change, a signal "
                        "such as SIGHUP, a failing "
                        "configuration); end with an error instead, so that a restart policy can count it.",
                        s->name);
                detect_evidence(f, last, n, "execs",
                        "%u execs by its main process, the pid stays the same; the last one", n);
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
