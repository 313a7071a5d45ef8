/* Restart loop of a systemd unit: `Restart=` starts it again and again. Its thresholds are those of
 * restart_loop. A drill plays a unit.
 */
#include "detect/restarts.h"
#include "world/view.h"

static void look(struct detect_run *run)
{
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                struct restarts r;

                if ((s->kind != SERVICE_SYSTEMD && !s->is_drill) || !restarts_loop(run, i, &r))
                        continue;
                struct finding *f = detect_holds(run, i, 0, restarts_severity(run, &r), 0);
                if (!f)
                        continue;
                restarts_tell(run, f, s, &r);
                if (r.ooms)
                        detect_remedy(f,
                                "%.80s is killed for memory: raise its MemoryMax= or make it use less.",
                                s->name);
                else
                        detect_remedy(f,
                                "Read why it ends (`journalctl -u %.80s -n 50`) and correct it; until then "
                                "`systemctl stop` it, or "
                                "let systemd give up (StartLimitBurst=, StartLimitIntervalSec=, a longer "
                                "RestartSec=).",
                                s->name);
        }
}

extern const struct detector detector_unit_restart_loop;
const struct detector detector_unit_restart_loop = {
        .name = "unit_restart_loop",
        .runbook = "unit-restart-loop",
        .title = "Unit restart loop",
        .clear_after = 30,
        .look = look,
};
