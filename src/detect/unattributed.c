/* Unattributed: CPU time of the host that no service and no kernel thread was seen to use. The accounts
 * must add up; a lasting rest means that Sexton misses something, and says so.
 */
#include "detect/detect.h"
#include "world/view.h"

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        const struct board *b = detect_board(run);
        const struct host *h = &b->host;

        if (!view_above(h->cpu_unattributed_ratio, cfg->unattributed_ratio))
                return;
        struct finding *f = detect_holds(run, 0, 0, SEVERITY_WARNING, cfg->unattributed_for);
        if (!f)
                return;
        detect_text(f, "%.2f cores are used by nobody Sexton knows: its accounts are incomplete",
                h->cpu_unattributed_ratio);
        if (b->sources.host_pids && b->sources.root)
                detect_remedy(f, "See `sexton doctor` and `sexton status`: lost events and missing sources "
                                 "(BPF gives exact CPU of the short-lived) are told there.");
        else
                detect_remedy(
                        f, "Let Sexton see the whole host: run it as root and in the host's pid namespace.");
        detect_evidence(f, 0, h->cpu_unattributed_ratio, "cores",
                "services %.2f + kernel %.2f + unattributed %.2f cores", h->cpu_services_ratio,
                h->cpu_kernel_ratio, h->cpu_unattributed_ratio);
        detect_evidence(f, 0, h->cpu_busy_ratio * h->cpus, "cores", "the host is %.0f %% busy on %u cores",
                h->cpu_busy_ratio * 100, h->cpus);
        detect_evidence(f, 0, NAN, NULL, "lives and deaths are seen by %s", lifecycle_name(&b->sources));
        if (b->self.events_lost)
                detect_evidence(f, 0, (double)b->self.events_lost, "events", "%llu events were lost so far",
                        (unsigned long long)b->self.events_lost);
}

extern const struct detector detector_unattributed;
const struct detector detector_unattributed = {
        .name = "unattributed",
        .runbook = "unattributed",
        .title = "Unattributed CPU",
        .clear_after = 60,
        .look = look,
};
