/* Pids: a limit on the number of tasks is nearly reached, a service's own or the host's. Zombies count
 * towards both; then nothing can be started any more, not even a shell to look.
 */
#include "detect/detect.h"
#include "world/view.h"

static enum severity severity(const struct detect_config *cfg, double used)
{
        return used > cfg->pids_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static void look_at_host(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        const struct board *b = detect_board(run);
        uint64_t limit = MIN(b->host.pid_max, b->host.threads_max);
        double used = view_ratio(b->host.tasks, limit);

        if (!view_above(used, cfg->pids_used))
                return;
        struct finding *f = detect_holds(run, 0, 0, severity(cfg, used), cfg->pids_for);
        if (!f)
                return;
        detect_text(f, "The host has %llu tasks of at most %llu: nothing can be started when they run out",
                (unsigned long long)b->host.tasks, (unsigned long long)limit);
        detect_remedy(f,
                "Stop what starts them, give services limits of their own (`pids_limit`, TasksMax=), and "
                "raise kernel.%s if the work needs it.",
                b->host.pid_max <= b->host.threads_max ? "pid_max" : "threads-max");
        detect_evidence(
                f, 0, used, "ratio", "%.0f %% of the limit of %llu", used * 100, (unsigned long long)limit);
        if (b->zombies)
                detect_evidence(f, 0, b->zombies, "zombies", "%u of the tasks are zombies", b->zombies);
        detect_contributors(run, f, VIEW_TASKS, "tasks", 4);
}

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);

        look_at_host(run);
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                double used = view_ratio(s->pids, s->pids_limit);

                if (!view_above(used, cfg->pids_used))
                        continue;
                struct finding *f = detect_holds(run, i, 0, severity(cfg, used), cfg->pids_for);
                if (!f)
                        continue;
                detect_text(f, "%.80s has %llu of at most %llu tasks: then it can start no process or thread",
                        s->name, (unsigned long long)s->pids, (unsigned long long)s->pids_limit);
                detect_remedy(f,
                        s->held * 2 > s->pids ? "Bury the dead of %.80s: its pid limit is filled by zombies; "
                                                "see its zombie leak."
                                              : "See what in %.80s starts so many, or raise its limit "
                                                "(`pids_limit`, TasksMax=).",
                        s->name);
                detect_evidence(f, 0, used, "ratio", "%.0f %% of the limit of %llu", used * 100,
                        (unsigned long long)s->pids_limit);
                detect_evidence(f, 0, s->held, "zombies", "%u of them are zombies", s->held);
                detect_evidence(f, 0, s->threads, "threads", "%u processes with %u threads live",
                        s->processes, s->threads);
        }
}

extern const struct detector detector_pids;
const struct detector detector_pids = {
        .name = "pids",
        .runbook = "pids",
        .title = "Pid limit",
        .clear_after = 30,
        .look = look,
};
