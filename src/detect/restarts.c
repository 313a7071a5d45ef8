/* Loops of restarts, by budget and by period: see restarts.h. The world counts only restarts by a
 * policy (or by systemd), never those by a person, so none are told apart here.
 */
#include "detect/restarts.h"

#include "world/view.h"

#include <stdio.h>

enum {
        GIVEN_UP = 120, /* s: twice the engine's longest delay between restarts */
        QUIET = 120,    /* s: no loop by budget is called over sooner */
};

/* Restarts shortly after a deploy are forgiven when it came up: when none followed later. */
static uint32_t count(struct detect_run *run, const struct service *s)
{
        const struct detect_config *cfg = detect_config(run);
        uint64_t now = detect_now(run), at = 0, grace = (uint64_t)(cfg->restart_loop_deploy_grace * 1e9);
        uint32_t n = view_recent(&s->restarts, now, cfg->restart_loop_window), forgiven = 0;

        if (s->deployed_ns == 0 || !view_recent_at(&s->restarts, 0, &at, NULL) || at > s->deployed_ns + grace)
                return n;
        for (uint32_t i = 0; i < n && view_recent_at(&s->restarts, i, &at, NULL); i++)
                forgiven += at >= s->deployed_ns;
        return n - forgiven;
}

static void find_code(struct detect_run *run, const struct service *s, struct restarts *r)
{
        uint64_t at;
        int32_t one, other;

        r->codes = view_recent(
                &s->restarts, detect_now(run), MAX(r->span, isnan(r->period) ? 0 : r->period * 40));
        for (uint32_t i = 0; i < r->codes && view_recent_at(&s->restarts, i, &at, &one); i++) {
                uint32_t n = 0;

                for (uint32_t k = 0; k < r->codes && view_recent_at(&s->restarts, k, &at, &other); k++)
                        n += one == other;
                if (n > r->code_count) {
                        r->code_count = n;
                        r->code = one;
                }
        }
}

static enum detect_teller teller(const struct service *s)
{
        return s->kind == SERVICE_SYSTEMD ? TOLD_BY_KERNEL : TOLD_BY_ENGINE;
}

double restarts_period(struct detect_run *run, enum detect_teller by, const struct recent *r)
{
        const struct detect_config *cfg = detect_config(run);
        uint32_t gaps = (uint32_t)cfg->restart_loop_times - 1;
        uint64_t newest, oldest, later, earlier;

        if (!view_recent_at(r, 0, &newest, NULL) || !view_recent_at(r, gaps, &oldest, NULL) ||
                oldest >= newest)
                return NAN;
        double mean = view_age(oldest, newest) / gaps;

        if (mean < cfg->restart_loop_min_period || mean > cfg->restart_loop_max_period)
                return NAN;
        for (uint32_t i = 0; i < gaps; i++) {
                if (!view_recent_at(r, i, &later, NULL) || !view_recent_at(r, i + 1, &earlier, NULL) ||
                        earlier > later)
                        return NAN;
                if (fabs(view_age(earlier, later) - mean) > cfg->restart_loop_jitter * mean)
                        return NAN;
        }
        /* One that is overdue has stopped. */
        return detect_heard(run, by, newest, detect_now(run)) <= mean * (1 + 2 * cfg->restart_loop_jitter)
                       ? mean
                       : NAN;
}

/* An engine waits longer and longer between restarts: a loop that was too fast once goes on until it
 * rests, though the window may hold fewer now. */
static void judge_budget(
        struct detect_run *run, uint16_t service, const struct service *s, struct restarts *r)
{
        const struct detect_config *cfg = detect_config(run);
        struct detect_memory *m = detect_memory(run, service);
        uint64_t now = detect_now(run), oldest = 0;
        bool rests;

        r->span = cfg->restart_loop_window;
        r->counted = count(run, s);
        if (r->counted >= 2 && view_recent_at(&s->restarts, r->counted - 1, &oldest, NULL))
                r->gap = view_age(oldest, r->last_ns) / (r->counted - 1);
        rests = detect_rests(run, teller(s), &s->restarts, cfg->restart_loop_window, QUIET);
        r->by_budget = r->counted >= cfg->restart_loop_budget && !rests;
        if (r->by_budget) {
                m->loop_since_ns = m->loop_since_ns ? m->loop_since_ns : oldest;
        } else if (m->loop_since_ns && !rests) {
                r->by_budget = true;
                r->span = view_age(m->loop_since_ns, now);
                r->counted = view_recent(&s->restarts, now, r->span);
        } else {
                m->loop_since_ns = 0;
        }
}

bool restarts_loop(struct detect_run *run, uint16_t service, struct restarts *ret)
{
        const struct detect_config *cfg = detect_config(run);
        const struct service *s = &detect_board(run)->service[service];
        uint64_t now = detect_now(run);
        struct restarts r = {.gap = NAN};

        if (!view_recent_at(&s->restarts, 0, &r.last_ns, NULL))
                return false;
        r.period = restarts_period(run, teller(s), &s->restarts);
        judge_budget(run, service, s, &r);
        /* Taken away; or stopped by a person, or its policy gave up. */
        if (s->state == CONTAINER_REMOVED ||
                (s->state == CONTAINER_EXITED && detect_heard(run, teller(s), r.last_ns, now) > GIVEN_UP))
                return false;
        if (!r.by_budget && isnan(r.period))
                return false;
        find_code(run, s, &r);
        r.ooms = view_recent(&s->ooms, now, MAX(r.span, cfg->restart_loop_window));
        *ret = r;
        return true;
}

enum severity restarts_severity(struct detect_run *run, const struct restarts *r)
{
        /* A job that ends well by the clock may be meant so. */
        if (!r->by_budget && r->code == 0 && r->code_count == r->codes)
                return SEVERITY_INFO;
        return r->counted >= detect_config(run)->restart_loop_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

void restarts_tell(
        struct detect_run *run, struct finding *f, const struct service *s, const struct restarts *r)
{
        char code[48], span[VIEW_SPAN];
        const char *more = r->counted == BOARD_RECENT ? " or more" : "";
        uint64_t at;
        int32_t value;

        if (r->code > 128 && r->code < 160 && signal_name(r->code - 128))
                snprintf(code, sizeof code, "exit code %d (%s%s)", r->code, signal_name(r->code - 128),
                        r->code == 137 ? (r->ooms ? ", out of memory" : ", no OOM kill seen") : "");
        else
                snprintf(code, sizeof code, "exit code %d", r->code);
        if (r->by_budget)
                detect_text(f, "%.80s restarts in a loop: %u times%s in the last %s, %s after %s", s->name,
                        r->counted, more, view_span(r->span, span),
                        r->code_count == r->codes ? "each" : "mostly", code);
        else
                detect_text(f, "%.80s restarts by the clock: every %s, %s after %s", s->name,
                        view_span(r->period, span), r->code_count == r->codes ? "each" : "mostly", code);
        detect_evidence(f, 0, r->counted, "restarts", "%u restarts%s in the last %s", r->counted, more,
                view_span(r->span, span));
        detect_evidence(
                f, r->last_ns, r->code, NULL, "%u of %u times after %s", r->code_count, r->codes, code);
        if (!isnan(r->period))
                detect_evidence(f, 0, r->period, "s", "a period: every %s, %.0f times running",
                        view_span(r->period, span), detect_config(run)->restart_loop_times);
        else if (!isnan(r->gap))
                detect_evidence(
                        f, 0, r->gap, "s", "%s from one to the next on average", view_span(r->gap, span));
        if (r->ooms)
                detect_evidence(f, 0, r->ooms, "kills", "%u OOM kills in the same time", r->ooms);
        for (uint32_t i = 0; i < 3 && view_recent_at(&s->restarts, i, &at, &value); i++)
                detect_evidence(f, at, value, NULL, "restarted after exit code %d", value);
}
