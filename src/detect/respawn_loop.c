/* Respawn loop: a supervisor inside a service (celery's pool, gunicorn, supervisord) starts a child that
 * soon dies badly, again and again, while the container itself runs on and looks well. The world
 * counts only deaths that were failures: shells and schedulers live of children that end well. Those
 * that fail within milliseconds are left out, too: that is how scripts ask questions (test, grep).
 */
#include "detect/restarts.h"
#include "world/view.h"

/* What a person starts by hand in a session may fail as often as it likes. */
static bool supervised(const struct service *s)
{
        return s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER || s->kind == SERVICE_SYSTEMD;
}

struct respawns {
        uint32_t counted; /* within the window */
        double lives;     /* s, of the counted ones together */
        uint64_t last_ns;
        double period; /* s; NAN: not by the clock, or the budget says enough */
};

static bool respawns_loop(struct detect_run *run, const struct service *s, struct respawns *ret)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at;
        struct respawns r = {.period = NAN};
        struct recent lasting = {0}; /* those that were no questions of scripts, the oldest first */
        int32_t life_ms;

        for (uint32_t k = BOARD_RECENT; k > 0; k--) {
                if (!view_recent_at(&s->respawns, k - 1, &at, &life_ms) ||
                        life_ms / 1000.0 < cfg->respawn_loop_min_life)
                        continue;
                lasting.at_ns[lasting.total++ % BOARD_RECENT] = at;
                if (view_age(at, now) > cfg->respawn_loop_window ||
                        life_ms / 1000.0 >= cfg->respawn_loop_max_life)
                        continue;
                r.last_ns = at;
                r.lives += life_ms / 1000.0;
                r.counted++;
        }
        /* Deaths all at once are one event (a stop, a kill of the group), no loop. */
        bool by_budget = r.counted >= cfg->respawn_loop_budget &&
                         view_age(r.last_ns, now) <= cfg->respawn_loop_window / 4;
        if (!by_budget)
                r.period = restarts_period(run, TOLD_BY_KERNEL, &lasting);
        if (!isnan(r.period))
                view_recent_at(&lasting, 0, &r.last_ns, NULL);
        *ret = r;
        return by_budget || !isnan(r.period);
}

static void tell(struct detect_run *run, struct finding *f, const struct service *s, const struct respawns *r)
{
        const struct detect_config *cfg = detect_config(run);
        const char *child = s->respawn_command[0] ? s->respawn_command : "a child";
        char window[VIEW_SPAN], span[VIEW_SPAN];

        view_span(view_age(r->last_ns, detect_now(run)), span);
        if (isnan(r->period)) {
                detect_text(f, "In %.70s %.70s fails and is started again: %u times%s in the last %s",
                        s->name, child, r->counted, r->counted == BOARD_RECENT ? " or more" : "",
                        view_span(cfg->respawn_loop_window, window));
                detect_evidence(f, r->last_ns, r->counted, "deaths",
                        "%u failed children within %s; the last one %s ago", r->counted, window, span);
                detect_evidence(f, 0, r->lives / r->counted, "s", "each lived %s on average",
                        view_span(r->lives / r->counted, span));
        } else {
                detect_text(f, "In %.70s %.70s fails and is started again by the clock: every %s", s->name,
                        child, view_span(r->period, window));
                detect_evidence(f, r->last_ns, r->period, "s",
                        "a period: every %s, %.0f times running; the last one %s ago", window,
                        cfg->restart_loop_times, span);
        }
        detect_remedy(f,
                "Run that command by hand in %.80s to see why it fails (memory, a missing module, a crash at "
                "start); until then let its supervisor wait longer between attempts.",
                s->name);
        if (s->deaths_signalled)
                detect_evidence(f, 0, (double)s->deaths_signalled, "deaths",
                        "%llu of %llu deaths here were by a signal", (unsigned long long)s->deaths_signalled,
                        (unsigned long long)s->deaths);
}

static void look(struct detect_run *run)
{
        double lasts = detect_config(run)->respawn_loop_for;
        struct respawns r;

        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                if (!supervised(s) || !respawns_loop(run, s, &r))
                        continue;
                struct finding *f = detect_holds(run, i, 0, SEVERITY_WARNING, isnan(r.period) ? lasts : 0);
                if (f)
                        tell(run, f, s, &r);
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
