/* Respawn loop: a supervisor inside a service (celery's pool, gunicorn, supervisord) starts a child that
 * soon dies badly, again and again, while the container itself runs on and looks well. The world
 * counts only deaths that were failures: shells and schedulers live of children that end well. Those
 * that fail within milliseconds are left out, too: that is how scripts ask questions (test, grep).
 */
#include "detect/detect.h"
#include "world/view.h"

/* What a person starts by hand in a session may fail as often as it likes. */
static bool supervised(const struct service *s)
{
        return s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER || s->kind == SERVICE_SYSTEMD;
}

static bool counts(const struct detect_config *cfg, uint64_t at_ns, int32_t life_ms, uint64_t now_ns)
{
        double life = life_ms / 1000.0;

        return view_age(at_ns, now_ns) <= cfg->respawn_loop_window && life < cfg->respawn_loop_max_life &&
               life >= cfg->respawn_loop_min_life;
}

static void look(struct detect_run *run)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at;
        int32_t life;
        char window[VIEW_SPAN], span[VIEW_SPAN];

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                uint32_t n = 0;
                double lives = 0;
                uint64_t last = 0;

                if (!supervised(s))
                        continue;
                for (uint32_t k = 0; view_recent_at(&s->respawns, k, &at, &life); k++) {
                        if (!counts(cfg, at, life, now))
                                continue;
                        last = last ? last : at;
                        lives += life / 1000.0;
                        n++;
                }
                /* Deaths all at once are one event (a stop, a kill of the group), no loop. */
                if (n < cfg->respawn_loop_budget || view_age(last, now) > cfg->respawn_loop_window / 4)
                        continue;
                struct finding *f = detect_holds(run, i, 0, SEVERITY_WARNING, cfg->respawn_loop_for);
                if (!f)
                        continue;
                detect_text(f, "In %.70s %.70s fails and is started again: %u times%s in the last %s",
                        s->name, s->respawn_command[0] ? s->respawn_command : "a child", n,
                        n == BOARD_RECENT ? " or more" : "", view_span(cfg->respawn_loop_window, window));
                detect_remedy(f,
                        "Run that command by hand in %.80s to see why it fails (memory, a missing module, a "
                        "crash at start); until "
                        "then let its supervisor wait longer between attempts.",
                        s->name);
                detect_evidence(f, last, n, "deaths", "%u failed children within %s; the last one %s ago", n,
                        window, view_span(view_age(last, now), span));
                detect_evidence(f, 0, lives / n, "s", "each lived %s on average", view_span(lives / n, span));
                if (s->deaths_signalled)
                        detect_evidence(f, 0, (double)s->deaths_signalled, "deaths",
                                "%llu of %llu deaths here were by a signal",
                                (unsigned long long)s->deaths_signalled, (unsigned long long)s->deaths);
        }
}

extern const struct detector detector_respawn_loop;
const struct detector detector_respawn_loop = {
        .name = "respawn_loop",
        .runbook = "respawn-loop",
        .title = "Respawn loop",
        .clear_after = 60,
        .look = look,
};
