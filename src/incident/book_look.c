/* A look at the board: findings that opened, go on, are over; severity; calm and resolution. See book.h. */
#include "incident/book_state.h"

#include "base/text.h"
#include "model/drill.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

#define LOOK_EVERY 10.0 /* s, when nothing changes */
#define WATCHED    15.0 /* s: a look that comes later than this has seen nothing of the rest */
#define STALE      5.0  /* s: what a guard that was silent for so long had said is no longer so */
#define PATIENCE   3.0  /* times `calm`, for findings that a restart has to find anew */

/* ---- findings ---- */

static const struct finding *on_board(const struct look *l, const struct finding *f)
{
        char name[BOARD_NAME];

        for (uint32_t i = 1; i < view_findings(l->b); i++) {
                const struct finding *x = &l->b->finding[i];

                if (x->id != f->id || x->id == 0)
                        continue;
                incident_text(name, sizeof name, x->service_name, sizeof x->service_name);
                return !strcmp(name, f->service_name) ? x : NULL;
        }
        return NULL;
}

static void is_over(struct look *l, struct incident *n, struct incident_finding *f)
{
        f->is.open = false;
        f->is.closed_ns = (uint64_t)MAX(l->unix_ns, INT64_C(1));
        incident_show_worst(f);
        n->dirty = n->urgent = true;
}

/* Findings that are known: what they say now, or that they are over. */
static void refresh(struct look *l, struct incident *n)
{
        for (uint32_t i = 0; i < n->findings; i++) {
                struct incident_finding *f = &n->finding[i];

                if (!f->bound || !f->is.open)
                        continue;
                const struct finding *x = on_board(l, &f->is);
                if (x)
                        incident_take_finding(f, x, l->offset_ns);
                if (x && x->open)
                        continue;
                is_over(l, n, f);
                n->patient = false;
                incident_say(n, l->unix_ns, "finding", f->is.service_name, "%s is over: %s", f->is.detector,
                        f->is.text);
        }
}

/* The entry of an incident that an open finding of the board goes on with: one of that number, else one of
 * the same detector and service that is over, or that a restart has made unknown. */
static struct incident_finding *known(const struct look *l, const struct finding *f, struct incident **ret)
{
        for (int by_id = 1; by_id >= 0; by_id--)
                for (uint32_t i = 0; i < l->book->opens; i++) {
                        struct incident *n = l->book->open[i];

                        for (uint32_t k = 0; n->open && !n->merged_into && k < n->findings; k++) {
                                struct incident_finding *e = &n->finding[k];

                                if (!incident_same_finding(&e->is, f) ||
                                        (by_id ? !e->bound || e->is.id != f->id : e->bound && e->is.open))
                                        continue;
                                *ret = n;
                                return e;
                        }
                }
        return NULL;
}

static void go_on(struct look *l, struct incident *n, struct incident_finding *e, const struct finding *f)
{
        bool again = !e->is.open;

        incident_take_finding(e, f, l->offset_ns);
        if (again && !n->patient)
                incident_say(n, l->unix_ns, "finding", e->is.service_name, "%s again: %s", e->is.detector,
                        e->is.text);
        n->dirty = true;
        n->urgent |= again;
}

static void begin(struct look *l, const struct finding *f)
{
        bool consequence;
        struct incident *n = assign_finding(l, f, &consequence), *other;
        struct incident_finding *e = n ? known(l, f, &other) : NULL;

        if (!n)
                return;
        if (e) { /* it reopened, and knows it */
                go_on(l, other, e, f);
                return;
        }
        e = incident_add_finding(n);
        if (!e)
                return;
        e->consequence = consequence;
        incident_take_finding(e, f, l->offset_ns);
        if (n->news & 1u << BOOK_OPENED && n->findings == 1)
                incident_say(
                        n, l->unix_ns, "opened", e->is.service_name, "%s: %s", e->is.detector, e->is.text);
        else
                incident_say(n, l->unix_ns, "finding", e->is.service_name, "%s%s: %s", e->is.detector,
                        consequence ? " (most likely a consequence)" : "", e->is.text);
        n->dirty = n->urgent = true;
}

static void take_findings(struct look *l)
{
        struct book *b = l->book;

        for (uint32_t i = 0; i < b->opens; i++)
                refresh(l, b->open[i]);
        for (uint32_t i = 1; i < view_findings(l->b); i++) {
                const struct finding *f = &l->b->finding[i];
                struct incident *n = NULL;

                if (f->id == 0 || !f->open)
                        continue;
                struct incident_finding *e = known(l, f, &n);
                if (!e)
                        begin(l, f);
                else if (!e->bound || !e->is.open)
                        go_on(l, n, e, f);
        }
        for (uint32_t i = 0; i < b->opens; i++) {
                struct incident *n = b->open[i];

                for (uint32_t k = 0; k < n->findings; k++)
                        if (n->finding[k].is.open && !n->finding[k].bound)
                                is_over(l, n, &n->finding[k]); /* lost by a restart; it may come back */
        }
}

/* ---- severity, calm ---- */

static bool is_loop(const char *detector)
{
        size_t n = strlen(detector);

        return n > 5 && !strcmp(detector + n - 5, "_loop");
}

/* A loop is loud, and its service is down; deadly it is only with a real part in what is wrong with the host.
 */
static uint8_t severity_of(const struct look *l, const struct finding *f)
{
        uint16_t s = is_loop(f->detector) ? book_service(l, f->service_name) : 0;

        if (s && harm_score(l->b, &l->harm, s, l->now_ns) < BOOK_GUILTY)
                return (uint8_t)MIN(f->severity, (uint8_t)SEVERITY_WARNING);
        return f->severity;
}

static uint8_t worst(const struct look *l, const struct incident *n)
{
        uint8_t s = SEVERITY_INFO;

        for (uint32_t i = 0; i < n->findings; i++)
                if (n->finding[i].is.open)
                        s = (uint8_t)MAX(s, severity_of(l, &n->finding[i].is));
        return s;
}

static void set_severity(struct look *l, struct incident *n, uint8_t severity)
{
        bool fresh = n->news & (1u << BOOK_OPENED | 1u << BOOK_REOPENED);

        if (!fresh) {
                n->severity_before = n->severity;
                incident_say(n, l->unix_ns, "severity", "", "from %s to %s", severity_name(n->severity),
                        severity_name(severity));
                book_news(n, BOOK_SEVERITY);
        }
        n->named &= severity > n->severity;
        n->severity = severity;
        n->severity_peak = (uint8_t)MAX(n->severity_peak, severity);
        n->below = 0;
}

static void judge(struct look *l, struct incident *n)
{
        uint8_t now = worst(l, n);

        if (!book_has_open(n, false))
                return;
        n->severity_now = now;
        if (now > n->severity) {
                set_severity(l, n, now);
        } else if (now == n->severity) {
                n->below = 0;
        } else {
                n->below += l->passed;
                if (n->below >= l->book->params.calm)
                        set_severity(l, n, now);
        }
}

static void resolve(struct look *l, struct incident *n)
{
        char span[VIEW_SPAN];

        n->open = false;
        n->resolved_unix_ns = l->unix_ns;
        explain_after(l, n);
        if (!n->merged_into)
                incident_say(n, l->unix_ns, "resolved", "", "over, after %s", view_span(n->lasted, span));
        /* What victims still have goes on as incidents of their own. */
        for (uint32_t i = 0; i < n->findings; i++)
                if (n->finding[i].is.open)
                        is_over(l, n, &n->finding[i]);
        book_news(n, BOOK_RESOLVED);
}

/* A drill is over when it is over. */
static double calm_of(const struct book *b, const struct incident *n)
{
        return incident_is_drill(n) ? fmin(b->params.calm, DRILL_CALM) : b->params.calm;
}

static void calm_down(struct look *l, struct incident *n)
{
        double wanted = calm_of(l->book, n) * (n->patient ? PATIENCE : 1);
        char span[VIEW_SPAN];

        if (n->merged_into) {
                resolve(l, n);
                return;
        }
        if (book_has_open(n, true)) {
                n->calm = 0;
                return;
        }
        if (n->calm == 0) {
                incident_say(n, l->unix_ns, "calm", "",
                        "all findings are over; resolved when it stays so for %s", view_span(wanted, span));
                n->calm = 1e-9;
        } else {
                n->calm += l->passed;
        }
        if (n->calm >= wanted)
                resolve(l, n);
}

/* ---- looking ---- */

static uint32_t digest(const struct board *b)
{
        uint32_t d = 2166136261u ^ b->guard_generation;

        for (uint32_t i = 1; i < view_findings(b); i++) {
                const struct finding *f = &b->finding[i];

                d = (d ^ f->id) * 16777619u;
                d = (d ^ ((uint32_t)f->severity << 1 | f->open)) * 16777619u;
        }
        for (uint32_t i = 1; i < MIN(b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &b->action[i];

                d = (d ^ a->id) * 16777619u;
                d = (d ^ ((uint32_t)a->state << 3 | a->helped)) * 16777619u;
        }
        return d;
}

bool book_due(struct book *b, const struct board *shared, uint64_t now_ns)
{
        double every = LOOK_EVERY;

        if (view_age(shared->updated_ns, now_ns) > STALE)
                return false;
        for (uint32_t i = 0; i < b->opens; i++)
                if (b->open[i]->calm > 0)
                        every = fmin(every, calm_of(b, b->open[i]) / 5);
        return view_age(b->look_ns, now_ns) >= every || digest(shared) != b->digest;
}

/* A guard that started anew closes all findings and has to find them again. */
static void follow_restart(struct look *l)
{
        struct book *b = l->book;

        if (b->generation && b->generation != l->b->guard_generation)
                for (uint32_t i = 0; i < b->opens; i++) {
                        struct incident *n = b->open[i];

                        if (!book_has_open(n, true))
                                continue;
                        n->patient = true;
                        for (uint32_t k = 0; k < n->findings; k++)
                                n->finding[k].bound = false;
                }
        b->generation = l->b->guard_generation;
}

void book_look(struct book *b, const struct board *copy, uint64_t now_ns, int64_t wall_offset_ns)
{
        if (view_age(copy->updated_ns, now_ns) > STALE)
                return;
        struct look l = {
                .book = b,
                .b = copy,
                .now_ns = now_ns,
                .offset_ns = wall_offset_ns,
                .unix_ns = (int64_t)now_ns + wall_offset_ns,
                .passed = b->look_ns ? fmin(view_age(b->look_ns, now_ns), WATCHED) : 0,
                .harm = harm_of(copy, now_ns),
        };

        if (!b->usual_ns || now_ns >= b->usual_ns + (uint64_t)(LOOK_EVERY * 1e9)) {
                usual_add(&b->usual, copy, now_ns);
                b->usual_ns = now_ns;
        }
        for (uint32_t i = 0; i < b->opens; i++) /* what is opened by this look begins now */
                b->open[i]->lasted += b->open[i]->open ? l.passed : 0;
        follow_restart(&l);
        take_findings(&l);
        assign_again(&l);
        for (uint32_t i = 0; i < b->opens; i++) {
                struct incident *n = b->open[i];

                if (!n->open)
                        continue; /* resolved, and not told yet for want of memory */
                judge(&l, n);
                explain(&l, n);
                acts_look(&l, n);
                calm_down(&l, n);
        }
        for (uint32_t i = 0; i < b->shelved; i++)
                acts_look_shelved(&l, &b->shelf[i]);
        book_publish(&l);
        b->look_ns = now_ns;
        b->digest = digest(copy);
        b->offset_ns = wall_offset_ns;
}
