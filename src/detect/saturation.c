/* Saturation: more work than the machine can do. Load alone misleads (it counts waiting for disks, and
 * some tasks that harm nobody), pressure alone flickers: both must hold. Where the kernel has no PSI,
 * busy CPUs or blocked tasks stand in for it.
 */
#include "detect/detect.h"
#include "model/drill.h"
#include "world/view.h"

#include <stdio.h>

struct pressure {
        const char *what; /* "CPU", "memory", "I/O" */
        double value;     /* NAN: no PSI here */
};

static struct pressure strongest(const struct host *h)
{
        struct pressure p = {"CPU", h->psi_cpu};

        if (isnan(p.value) || isgreater(h->psi_memory, p.value))
                p = isnan(h->psi_memory) ? p : (struct pressure){"memory", h->psi_memory};
        if (isnan(p.value) || isgreater(h->psi_io, p.value))
                p = isnan(h->psi_io) ? p : (struct pressure){"I/O", h->psi_io};
        return p;
}

static bool pressed(const struct host *h, const struct pressure *p, double limit)
{
        if (!isnan(p->value))
                return p->value >= limit;
        return view_above(h->cpu_busy_ratio, 0.9) || h->blocked > h->cpus;
}

/* A drill must not burden the host: it asks more of its own quota than that can give. */
static void look_at_drill(struct detect_run *run, uint16_t i)
{
        const struct detect_config *cfg = detect_config(run);
        const struct service *s = &detect_board(run)->service[i];
        double per_core = s->runnable / DRILL_CORES, waits = s->psi_cpu;

        if (isnan(waits)) /* version 1 of control groups tells no pressure */
                waits = view_ratio(s->throttled_periods, s->periods);
        if (!view_above(per_core, cfg->saturation_load_warning) || !view_at_least(waits, cfg->saturation_psi))
                return;
        struct finding *f = detect_holds(run, i, 0, SEVERITY_WARNING, cfg->saturation_for);
        if (!f)
                return;
        detect_text(f, "%u tasks of %.80s want the CPU, and it may use %.1f of a core", s->runnable, s->name,
                DRILL_CORES);
        detect_remedy(
                f, "Limit the CPU of who has most of the load (`cpus:` in compose, CPUQuota= in a unit).");
        detect_evidence(f, 0, s->runnable, "tasks", "%u runnable tasks, %.0f per core of its quota",
                s->runnable, per_core);
        detect_evidence(f, 0, waits, "ratio", "they wait %.0f %% of the time", waits * 100);
}

static void look_at_host(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        const struct host *h = &detect_board(run)->host;
        struct pressure p = strongest(h);
        struct view_top top[1];
        char span[VIEW_SPAN], share[64];

        if (h->cpus == 0)
                return;
        double per_core = h->load1 / h->cpus;

        if (!view_above(per_core, cfg->saturation_load_warning) || !pressed(h, &p, cfg->saturation_psi))
                return;
        struct finding *f = detect_holds(run, 0, 0,
                per_core > cfg->saturation_load_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING,
                cfg->saturation_for);
        if (!f)
                return;
        if (isnan(p.value))
                snprintf(share, sizeof share, "(pressure unknown)");
        else
                snprintf(share, sizeof share, "and %s pressure %.0f %%", p.what, p.value * 100);
        uint32_t n = view_top(detect_board(run), VIEW_LOAD, top, 1);
        detect_text(f, "Load %.1f on %u cores %s for %s%s%.80s", h->load1, h->cpus, share,
                view_span(detect_lasted(f, detect_now(run)), span), n ? "; most of it is " : "",
                n ? view_service_name(detect_board(run), top[0].service) : "");
        if (n)
                detect_remedy(f,
                        "Look at %.80s first (`sexton why`): limit its CPU (`cpus:` in compose, CPUQuota= in "
                        "a unit), lower its "
                        "concurrency, or stop it for a while and see whether the load falls.",
                        view_service_name(detect_board(run), top[0].service));
        else
                detect_remedy(
                        f, "See `sexton services` for what runs; no service's share of the load is known.");
        detect_evidence(f, 0, h->load1, "load", "load %.1f / %.1f / %.1f, %.1f per core", h->load1, h->load5,
                h->load15, per_core);
        if (!isnan(p.value))
                detect_evidence(f, 0, p.value, "ratio", "tasks waited for %s %.0f %% of the last 10 s",
                        p.what, p.value * 100);
        detect_contributors(run, f, VIEW_LOAD, "of load", 2);
        detect_contributors(run, f, VIEW_CPU, "cores", 2);
}

static void look(struct detect_run *run)
{
        look_at_host(run);
        if (!view_drills(detect_board(run), detect_now(run)))
                return;
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;)
                if (detect_is_drill(run, i))
                        look_at_drill(run, i);
}

extern const struct detector detector_saturation;
const struct detector detector_saturation = {
        .name = "saturation",
        .runbook = "saturation",
        .title = "Saturation",
        .clear_after = 60,
        .look = look,
};
