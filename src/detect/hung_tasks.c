/* Hung tasks: one and the same task in uninterruptible sleep (D) for minutes. It can't be killed, counts
 * in the load and uses no CPU; most often its disk, network file system or driver doesn't answer.
 */
#include "detect/detect.h"
#include "world/view.h"

static void tell(struct detect_run *run, uint16_t i, const struct service *s)
{
        const struct host *h = &detect_board(run)->host;
        char span[VIEW_SPAN];
        struct finding *f = detect_holds(run, i, 0, SEVERITY_WARNING, 0);

        if (!f)
                return;
        double since = view_age(s->stuck_since_ns, detect_now(run));

        detect_text(f, "%u task%s of %.80s stuck in uninterruptible sleep, among them %.15s (pid %d)",
                s->stuck_tasks, s->stuck_tasks == 1 ? " is" : "s are", s->name, s->stuck_command,
                s->stuck_pid);
        detect_remedy(f,
                "Look at what it waits for (`cat /proc/%d/stack`, `dmesg`): a disk, NFS or a driver that "
                "doesn't answer. A signal won't "
                "end it; a restart of the service waits for it, too.",
                s->stuck_pid);
        detect_evidence(f, 0, s->stuck_tasks, "tasks", "%u in state D longer than %s", s->stuck_tasks,
                view_span(detect_config(run)->hung_tasks_for, span));
        if (isfinite(since))
                detect_evidence(f, s->stuck_since_ns, since, "s",
                        "%.15s (pid %d) has not run for %s: it is one and the same wait", s->stuck_command,
                        s->stuck_pid, view_span(since, span));
        if (view_at_least(h->psi_io, 0))
                detect_evidence(f, 0, h->psi_io, "ratio", "tasks waited for I/O %.0f %% of the last 10 s",
                        h->psi_io * 100);
        detect_evidence(f, 0, h->blocked, "tasks", "%u tasks of the host are blocked", h->blocked);
}

static void look(struct detect_run *run)
{
        const struct board *b = detect_board(run);

        /* Kernel threads count here: a stuck jbd2 or kworker tells of the disk first. */
        for (uint32_t i = 1; i < view_services(b); i++) {
                const struct service *s = &b->service[i];

                /* The tasks of a paused container are in D by intent (the freezer of cgroup v1). */
                if (view_service_used(b, (uint16_t)i) && s->stuck_tasks && s->state != CONTAINER_PAUSED &&
                        !s->is_self)
                        tell(run, (uint16_t)i, s);
        }
}

extern const struct detector detector_hung_tasks;
const struct detector detector_hung_tasks = {
        .name = "hung_tasks",
        .runbook = "hung-tasks",
        .title = "Tasks stuck in D",
        .clear_after = 30,
        .look = look,
};
