/* Zombie leak: a service whose processes don't bury their dead. Counted at the holder, because only
 * the holder (or its end) can bury them; told with where the dead came from, because that decides the
 * remedy.
 */
#include "detect/detect.h"
#include "model/drill.h"
#include "world/view.h"

#include <stdio.h>

/* Fewer births than this give no pace to foretell an exhausted pid limit from. */
enum { PACE = 5 };

struct leak {
        const struct service *s;
        const struct detect_dead *d;
        const struct process *holder; /* of the example; NULL = not on the board */
        enum origin origin;           /* of most of them */
        enum zombie_kind kind;        /* of most of them */
        double per_hour, exhausted_in;
        uint64_t limit;
        char command[64];
};

/* The service's own limit, else what the host has left. */
static void foretell(const struct board *b, struct leak *l, uint64_t now_ns)
{
        uint64_t host_limit = MIN(b->host.pid_max, b->host.threads_max);

        l->per_hour = view_per_hour(&l->s->zombie_births, now_ns);
        l->exhausted_in = view_exhausted_in(l->s, now_ns);
        l->limit = l->s->pids_limit;
        if (!isnan(l->exhausted_in) || view_recent(&l->s->zombie_births, now_ns, 3600) < 2 ||
                !view_known(host_limit) || host_limit <= b->host.tasks)
                return;
        l->limit = host_limit;
        l->exhausted_in = (double)(host_limit - b->host.tasks) * 3600 / l->per_hour;
}

static struct leak leak_of(struct detect_run *run, uint16_t service, const struct detect_dead *d)
{
        const struct board *b = detect_board(run);
        struct leak l = {.s = view_service(b, service), .d = d, .origin = ORIGIN_UNKNOWN};

        for (uint32_t o = 1; o < ARRAY_SIZE(d->origin); o++)
                if (d->origin[o] > d->origin[l.origin] || (l.origin == ORIGIN_UNKNOWN && d->origin[o]))
                        l.origin = (enum origin)o;
        l.kind = 2 * d->orphans >= d->lasting ? ZOMBIE_ORPHAN : ZOMBIE_UNREAPED;
        if (d->holder && d->holder < view_processes(b)) {
                l.holder = &b->process[d->holder];
                view_command(b, l.holder, l.command, sizeof l.command);
        }
        foretell(b, &l, detect_now(run));
        return l;
}

static void describe(struct detect_run *run, struct finding *f, const struct leak *l)
{
        const char *name = l->s->name, *plural = l->d->lasting == 1 ? "" : "s";
        char remedy[sizeof f->remedy];
        bool traced = l->d->sample && (detect_board(run)->process[l->d->sample].flags & PROCESS_F_PTRACED);

        if (l->holder)
                detect_text(f, "%.60s holds %u zombie%s: %.60s (pid %d%s) doesn't wait for them%s", name,
                        l->d->lasting, plural, l->command, l->holder->pid,
                        view_is_pid1(l->holder) ? ", PID 1 there" : "",
                        l->origin == ORIGIN_HEALTHCHECK ? "; most are what its health check left"
                        : l->origin == ORIGIN_EXEC      ? "; most were born of commands executed from outside"
                                                        : "");
        else
                detect_text(f, "%.100s has %u zombie%s that nobody waits for", name, l->d->lasting, plural);
        view_leak_remedy(&(struct view_leak){.kind = l->kind,
                                 .origin = l->origin,
                                 .traced = traced,
                                 .holder_pid = l->holder ? l->holder->pid : 0,
                                 .service = l->s,
                                 .holder = l->command},
                remedy, sizeof remedy);
        detect_remedy(f, "%s", remedy);
}

static void prove(struct detect_run *run, struct finding *f, const struct leak *l)
{
        const struct board *b = detect_board(run);
        const struct detect_dead *d = l->d;
        uint64_t now = detect_now(run);
        char span[VIEW_SPAN], command[80];
        const struct process *sample = &b->process[d->sample < view_processes(b) ? d->sample : 0];

        detect_evidence(f, 0, d->lasting, "zombies", "%u held, older than the grace period", d->lasting);
        view_command(b, sample, command, sizeof command);
        if (d->oldest_ns)
                detect_evidence(f, d->oldest_ns, view_age(d->oldest_ns, now), "s",
                        "the oldest, %.60s (pid %d), died %s ago", command, sample->pid,
                        view_span(view_age(d->oldest_ns, now), span));
        else
                detect_evidence(f, 0, NAN, NULL, "%.70s (pid %d) was dead before Sexton started", command,
                        sample->pid);
        if (d->orphans)
                detect_evidence(f, 0, d->orphans, "zombies",
                        "%u came to their holder when their parents ended", d->orphans);
        if (l->origin != ORIGIN_UNKNOWN)
                detect_evidence(f, 0, d->origin[l->origin], "zombies", "%u of %u: origin %s",
                        d->origin[l->origin], d->lasting, origin_name((uint8_t)l->origin));
        if (!isnan(l->exhausted_in))
                detect_evidence(f, 0, l->per_hour, "per hour",
                        "%.0f more per hour: the limit of %llu pids is reached in about %s", l->per_hour,
                        (unsigned long long)l->limit, view_span(l->exhausted_in, span));
        uint32_t timeouts = detect_recent(&l->s->probe_timeouts, now, 3600);
        if (timeouts && l->origin == ORIGIN_HEALTHCHECK)
                detect_evidence(f, 0, timeouts, "time-outs",
                        "its health check timed out %u times in the last hour%s", timeouts,
                        timeouts == BOARD_RECENT ? ", or more" : "");
}

static void look(struct detect_run *run)
{
        const struct board *b = detect_board(run);
        const struct detect_config *cfg = detect_config(run);
        double grace = (double)b->grace_ns / (double)NSEC_PER_SEC;

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct detect_dead *d = detect_dead(run, i);

                if (!d || d->lasting < cfg->zombie_leak_count || b->service[i].ignore_zombies)
                        continue;
                double drill = MIN(cfg->zombie_leak_for, (double)DRILL_FOR);
                double min_age = grace + (detect_is_drill(run, i) ? drill : cfg->zombie_leak_for);
                bool dated = d->oldest_ns != 0;
                if (dated && d->undated == 0 && view_age(d->oldest_ns, detect_now(run)) < min_age)
                        continue;
                /* A death that nobody saw has no age: it must be looked at for that long instead. */
                bool old = dated && view_age(d->oldest_ns, detect_now(run)) >= min_age;
                struct leak l = leak_of(run, i, d);
                bool pace = view_recent(&l.s->zombie_births, detect_now(run), 3600) >= PACE;
                bool critical = d->lasting >= cfg->zombie_leak_critical_count ||
                                (pace && isless(l.exhausted_in, cfg->zombie_leak_critical_exhausted_in));
                struct finding *f = detect_holds(
                        run, i, 0, critical ? SEVERITY_CRITICAL : SEVERITY_WARNING, old ? 0 : min_age);
                if (!f)
                        continue;
                describe(run, f, &l);
                prove(run, f, &l);
        }
}

extern const struct detector detector_zombie_leak;
const struct detector detector_zombie_leak = {
        .name = "zombie_leak",
        .runbook = "zombie-leak",
        .title = "Zombie leak",
        .clear_after = 10,
        .look = look,
};
