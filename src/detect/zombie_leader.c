/* Zombie leader: a process whose main thread has ended while others live on. It is shown as a zombie
 * (state Z) but isn't one: its threads may burn CPU and hold its memory, and nobody can bury it.
 */
#include "detect/detect.h"
#include "world/view.h"

static void look(struct detect_run *run)
{
        const struct board *b = detect_board(run);
        double min = detect_config(run)->zombie_leader_for;
        char command[80], span[VIEW_SPAN], remedy[400];

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct detect_dead *d = detect_dead(run, i);

                if (!d || d->leaders == 0 || d->leader_sample >= view_processes(b))
                        continue;
                double age = d->leader_ns ? view_age(d->leader_ns, detect_now(run)) : NAN;
                if (isless(age, min) && d->leaders_undated == 0)
                        continue;
                const struct process *p = &b->process[d->leader_sample];
                const struct service *s = &b->service[i];
                struct finding *f =
                        detect_holds(run, i, 0, SEVERITY_WARNING, isgreaterequal(age, min) ? 0 : min);

                if (!f)
                        continue;
                view_command(b, p, command, sizeof command);
                uint32_t others = p->threads > 1 ? p->threads - 1 : 1;
                detect_text(f, "%.70s: the main thread of %.70s (pid %d) has ended, %u other thread%s on",
                        s->name, command, p->pid, others, others == 1 ? " lives" : "s live");
                view_leak_remedy(&(struct view_leak){.kind = ZOMBIE_LEADER, .service = s, .holder = ""},
                        remedy, sizeof remedy);
                detect_remedy(f, "%s", remedy);
                detect_evidence(f, 0, d->leaders, "processes",
                        "%u with state Z and living threads: not true zombies", d->leaders);
                if (d->leader_ns)
                        detect_evidence(f, d->leader_ns, age, "s", "its main thread ended %s ago",
                                view_span(age, span));
                if (view_at_least(s->cpu_ratio, 0))
                        detect_evidence(
                                f, 0, s->cpu_ratio, "cores", "the service uses %.2f cores", s->cpu_ratio);
        }
}

extern const struct detector detector_zombie_leader;
const struct detector detector_zombie_leader = {
        .name = "zombie_leader",
        .runbook = "zombie-leader",
        .title = "Dead main thread with living others",
        .clear_after = 5,
        .look = look,
};
