/* Fork storm: a service starts processes at a rate that is work in itself. A build machine starts
 * thousands in bursts; so the rate is per core, far above a build's, and must last.
 */
#include "detect/detect.h"
#include "world/view.h"

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        const struct board *b = detect_board(run);
        double limit = cfg->fork_storm_rate * b->host.cpus;
        double full = view_ratio(b->host.tasks, MIN(b->host.pid_max, b->host.threads_max));
        char cpu[VIEW_SPAN];

        if (b->host.cpus == 0)
                return;
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &b->service[i];

                if (!view_above(s->fork_rate, limit))
                        continue;
                /* A bomb is a storm whose processes stay. */
                bool bomb = view_above(full, 0.5) && 2 * (uint64_t)s->threads > b->host.tasks;
                struct finding *f = detect_holds(
                        run, i, 0, bomb ? SEVERITY_CRITICAL : SEVERITY_WARNING, cfg->fork_storm_for);
                if (!f)
                        continue;
                detect_text(f, "%.80s starts %.0f processes a second%s", s->name, s->fork_rate,
                        bomb ? ", and they stay: a fork bomb" : "");
                detect_remedy(f,
                        "See what %.80s starts (`sexton events`) and let it do that in fewer processes; a "
                        "pid limit (`pids_limit`, "
                        "TasksMax=) keeps it from filling the host.",
                        s->name);
                detect_evidence(f, 0, s->fork_rate, "per second", "%.0f forks per second, %.0f per core",
                        s->fork_rate, s->fork_rate / b->host.cpus);
                detect_evidence(f, 0, s->processes, "processes", "%u processes live in it", s->processes);
                if (view_at_least(s->cpu_ratio, 0))
                        detect_evidence(f, 0, s->cpu_ratio, "cores", "it uses %.2f cores", s->cpu_ratio);
                if (view_known(s->cpu_exited_ns) && s->cpu_exited_ns)
                        detect_evidence(f, 0, (double)s->cpu_exited_ns / 1e9, "CPU s",
                                "its dead processes used %s of CPU time",
                                view_span((double)s->cpu_exited_ns / 1e9, cpu));
        }
}

extern const struct detector detector_fork_storm;
const struct detector detector_fork_storm = {
        .name = "fork_storm",
        .runbook = "fork-storm",
        .title = "Fork storm",
        .clear_after = 30,
        .look = look,
};
