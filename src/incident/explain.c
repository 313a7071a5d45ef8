/* What an incident says of itself: title, culprit, suspects and verdict from `why` while something is wrong,
 * its resources beside how they usually are, thresholds as they are crossed, and what went before it.
 */
#include "incident/book_state.h"

#include "base/text.h"
#include "world/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LATE_DEPLOY (24 * 3600.0) /* s: as suspects.c looks back */
/* What was said when things were worst gives way to what is said when they are nearly as bad. */
#define STILL_BAD 0.75
/* The share of a kind of harm from which somebody is named who doesn't have most of it. */
#define PART 0.35

/* ---- resources ---- */

struct steps {
        double step[6]; /* ascending; 0 ends */
};

/* What a person notices when it is crossed. */
static const struct steps zombie_steps = {{1, 10, 100, 1000, 10000}};
static const struct steps load_steps = {{1, 2, 4, 8, 16}};
static const struct steps memory_steps = {{0.8, 0.9, 0.95}};

static uint32_t level(const struct steps *s, double value)
{
        uint32_t n = 0;

        while (n < ARRAY_SIZE(s->step) && s->step[n] > 0 && isgreaterequal(value, s->step[n]))
                n++;
        return n;
}

static void crossed(struct look *l, struct incident *n, const struct steps *s, double before, double now,
        double scale, const char *service, double shown)
{
        uint32_t at = level(s, now / scale);
        char text[80];

        if (at == 0 || at <= level(s, before / scale))
                return;
        if (s == &zombie_steps)
                snprintf(text, sizeof text, "holds %.0f zombie%s", shown, shown < 1.5 ? "" : "s");
        else if (s == &load_steps)
                snprintf(text, sizeof text, "load %.1f, above %.0f per core", shown, s->step[at - 1]);
        else
                snprintf(text, sizeof text, "%.0f %% of memory in use", shown);
        incident_say(n, l->unix_ns, "threshold", service, "%s", text);
}

static void thresholds(
        struct look *l, struct incident *n, bool host, uint32_t kind, double before, double now)
{
        if (host && kind == USUAL_LOAD && l->b->host.cpus)
                crossed(l, n, &load_steps, before, now, l->b->host.cpus, "", now);
        else if (host && kind == USUAL_MEMORY)
                crossed(l, n, &memory_steps, before, now, 1, "", now * 100);
        else if (!host && kind == USUAL_ZOMBIES)
                crossed(l, n, &zombie_steps, before, now, 1, n->owner, now);
}

static void peaks(struct look *l, struct incident *n, uint16_t service)
{
        for (int host = 0; host < 2; host++)
                for (uint32_t k = 0; k < USUAL_KINDS; k++) {
                        struct incident_resource *r = host ? &n->host[k] : &n->service[k];
                        double now = host || service ? usual_now(l->b, host ? 0 : service, k) : NAN;

                        if (!isfinite(now) || islessequal(now, r->peak))
                                continue;
                        thresholds(l, n, host, k, r->peak, now);
                        r->peak = now;
                }
}

void explain_normal(struct look *l, struct incident *n)
{
        uint16_t s = book_service(l, n->owner);

        for (uint32_t k = 0; k < USUAL_KINDS; k++) {
                if (s)
                        n->service[k] =
                                (struct incident_resource){usual_of(&l->book->usual, l->b, s, k), NAN, NAN};
                if (isnan(n->host[k].normal))
                        n->host[k].normal = usual_of(&l->book->usual, l->b, 0, k);
        }
}

void explain_after(struct look *l, struct incident *n)
{
        uint16_t s = book_service(l, n->owner);

        for (uint32_t k = 0; k < USUAL_KINDS; k++) {
                n->service[k].after = s ? usual_now(l->b, s, k) : NAN;
                n->host[k].after = usual_now(l->b, 0, k);
        }
}

/* ---- what went before ---- */

static void tell_recent(struct look *l, struct incident *n, uint16_t service, const struct recent *r,
        const char *kind, const char *text)
{
        uint32_t count = view_recent(r, l->now_ns, 3600);
        uint64_t at;

        for (uint32_t i = count; i > 0; i--)
                if (view_recent_at(r, i - 1, &at, NULL))
                        incident_tally(n, (int64_t)at + l->offset_ns, kind, view_service_name(l->b, service),
                                1, text);
}

void explain_before(struct look *l, struct incident *n, uint16_t service)
{
        const struct service *s = view_service(l->b, service);
        char age[VIEW_SPAN];

        if (!service)
                return;
        if (s->deployed_ns && view_age(s->deployed_ns, l->now_ns) <= LATE_DEPLOY)
                incident_tally(n, (int64_t)s->deployed_ns + l->offset_ns, "deploy",
                        view_service_name(l->b, service), 1, "deployed");
        tell_recent(l, n, service, &s->restarts, "restart", "restarted");
        tell_recent(l, n, service, &s->probe_timeouts, "health_timeout", "health check timed out");
        tell_recent(l, n, service, &s->ooms, "oom", "killed for want of memory");
        if (s->died_ns && view_age(s->died_ns, l->now_ns) < 3600) {
                char how[VIEW_EXIT], text[100];

                snprintf(text, sizeof text, "its last process died %s before: %s",
                        view_span(view_age(s->died_ns, l->now_ns), age), view_exit(s->died_status, how));
                incident_tally(n, (int64_t)s->died_ns + l->offset_ns, "death",
                        view_service_name(l->b, service), 1, text);
        }
}

/* ---- the verdict ---- */

static void ask_host(struct look *l)
{
        if (l->has_why)
                return;
        l->has_why = true;
        why_host(l->b, l->now_ns, &l->why);
        l->suspects = suspects_rank(l->b, l->now_ns, l->suspect, INCIDENT_SUSPECTS);
}

static void printable(char *text, size_t size)
{
        char copy[sizeof((struct why_answer *)NULL)->answer];

        text_copy(copy, sizeof copy, text, strnlen(text, size));
        text_printable(text, size, copy, strlen(copy));
}

/* Takes an answer over: its texts printable, its times Unix's. */
static void take_why(struct look *l, struct incident *n, const struct why_answer *from)
{
        struct why_answer *w = &n->said.why;

        *w = *from;
        printable(w->question, sizeof w->question);
        printable(w->answer, sizeof w->answer);
        for (uint32_t i = 0; i < w->evidence_count; i++) {
                struct evidence *e = &w->evidence[i];

                e->time_ns = e->time_ns ? (uint64_t)MAX((int64_t)e->time_ns + l->offset_ns, INT64_C(0)) : 0;
                printable(e->text, sizeof e->text);
        }
        for (uint32_t i = 0; i < w->refuted_count; i++) {
                printable(w->refuted[i].hypothesis, sizeof w->refuted[i].hypothesis);
                printable(w->refuted[i].because, sizeof w->refuted[i].because);
        }
        for (uint32_t i = 0; i < w->remedy_count; i++)
                printable(w->remedy[i], sizeof w->remedy[i]);
}

static void take_suspect(struct look *l, struct incident *n, const struct suspect *from)
{
        struct incident_suspect *to = &n->said.suspect[n->said.suspects++];

        *to = (struct incident_suspect){.is = *from};
        incident_text(to->service, sizeof to->service, view_service_name(l->b, from->service), BOARD_NAME);
        for (uint32_t i = 0; i < MIN(to->is.reasons, (uint32_t)SUSPECT_REASONS); i++)
                printable(to->is.reason[i], sizeof to->is.reason[i]);
        printable(to->is.refutation, sizeof to->is.refutation);
}

/* The host's trouble: all suspects. */
static void host_suspects(struct look *l, struct incident *n)
{
        n->said.suspects = 0;
        for (uint32_t i = 0; i < l->suspects; i++)
                take_suspect(l, n, &l->suspect[i]);
}

/* A defect of a service that doesn't hurt the host: there is one suspect, for what its findings say. */
static void own_suspect(struct look *l, struct incident *n, uint16_t service)
{
        struct suspect s = {.service = service, .score = harm_score(l->b, &l->harm, service, l->now_ns)};

        for (uint32_t i = 0; i < n->findings && s.reasons < SUSPECT_REASONS; i++)
                if (n->finding[i].is.open)
                        snprintf(s.reason[s.reasons++], sizeof s.reason[0], "%.159s", n->finding[i].is.text);
        n->said.suspects = 0;
        take_suspect(l, n, &s);
}

/* What the findings alone say: of a disk, and of a service that is no longer on the board. */
static void from_findings(struct incident *n)
{
        struct why_answer *w = &n->said.why;

        *w = (struct why_answer){.confidence = 0.9};
        for (uint32_t i = 0; i < n->findings; i++) {
                const struct finding *f = &n->finding[i].is;
                size_t len = strlen(w->answer);

                if (!f->open)
                        continue;
                snprintf(w->answer + len, sizeof w->answer - len, "%s%s.", len ? " " : "", f->text);
                for (uint32_t k = 0; k < f->evidence_count && w->evidence_count < WHY_EVIDENCE; k++)
                        w->evidence[w->evidence_count++] = f->evidence[k];
                if (f->remedy[0] && w->remedy_count < WHY_REMEDIES)
                        text_set(w->remedy[w->remedy_count++], sizeof w->remedy[0], f->remedy);
        }
}

/* The host's trouble, as nobody's yet: `why` is asked only about kinds of harm that services have parts in,
 * and the one it names is told only with a part in those. */
static void host_verdict(struct look *l, struct incident *n)
{
        double share = -1;

        ask_host(l);
        for (uint32_t i = 0; i < n->findings; i++) {
                enum harm_kind kind =
                        n->finding[i].is.open ? assign_harm(n->finding[i].is.detector) : HARM_KINDS;

                if (kind == HARM_KINDS || l->harm.weight[kind] <= 0)
                        continue;
                share = fmax(share,
                        l->why.has_culprit ? harm_share(l->b, &l->harm, l->why.culprit, kind, l->now_ns) : 1);
        }
        n->said.culprit[0] = '\0';
        if (share < PART) {
                from_findings(n);
                n->said.suspects = 0;
                return;
        }
        take_why(l, n, &l->why);
        if (l->why.has_culprit)
                incident_text(n->said.culprit, sizeof n->said.culprit, l->why.culprit_name, BOARD_NAME);
        host_suspects(l, n);
}

static void verdict(struct look *l, struct incident *n, uint16_t service)
{
        char culprit[BOARD_NAME] = "";
        struct why_answer own;

        if (n->disk) {
                from_findings(n);
                return;
        }
        if (!n->owner[0]) {
                host_verdict(l, n);
                return;
        }
        ask_host(l);
        if (l->why.has_culprit)
                incident_text(culprit, sizeof culprit, l->why.culprit_name, BOARD_NAME);
        text_set(n->said.culprit, sizeof n->said.culprit, n->owner);
        if (!strcmp(culprit, n->owner)) {
                n->named = true;
                take_why(l, n, &l->why);
                host_suspects(l, n);
        } else if (n->named) {
                return; /* what was found while things were worst stays */
        } else if (service && why_service(l->b, view_service_name(l->b, service), l->now_ns, &own) == 0) {
                take_why(l, n, &own);
                own_suspect(l, n, service);
        } else {
                from_findings(n);
        }
}

/* The worst finding: of those open, or when all are over, of all. */
static void title(struct incident *n, bool open)
{
        const struct incident_finding *best = NULL;

        for (uint32_t i = 0; i < n->findings; i++) {
                const struct incident_finding *f = &n->finding[i];

                if (open && !f->is.open)
                        continue;
                if (!best || f->consequence < best->consequence ||
                        (f->consequence == best->consequence && f->is.severity > best->is.severity))
                        best = f;
        }
        if (best)
                text_set(n->title, sizeof n->title, best->is.text);
}

/* ---- at its worst ---- */

static struct incident_rank rank_of(const struct look *l, const struct incident *n, uint16_t service)
{
        struct incident_rank r = {.severity = n->severity_now, .harm = l->harm.sum};

        for (uint32_t i = 0; i < n->findings; i++)
                r.findings += n->finding[i].is.open && !n->finding[i].consequence;
        if (n->owner[0])
                r.harm *= service ? harm_score(l->b, &l->harm, service, l->now_ns) : 0;
        return r;
}

/* As bad as it ever was? */
static bool is_worst(const struct incident *n, const struct incident_rank *r)
{
        bool grows = false;

        if (r->severity != n->rank.severity)
                return r->severity > n->rank.severity;
        if (r->findings != n->rank.findings)
                return r->findings > n->rank.findings;
        for (uint32_t i = 0; i < n->findings; i++)
                grows |= n->finding[i].is.open && n->finding[i].at_worst;
        return r->harm > n->rank.harm || (grows && r->harm >= STILL_BAD * n->rank.harm);
}

/* Before something else is said. False: there is no memory to keep what was said. */
static bool keep_said(struct look *l, struct incident *n, uint16_t service)
{
        struct incident_rank r = rank_of(l, n, service);

        if (is_worst(n, &r)) {
                if (r.severity == n->rank.severity && r.findings == n->rank.findings)
                        r.harm = fmax(r.harm, n->rank.harm);
                n->rank = r;
                free(TAKE_PTR(n->worst));
                return true;
        }
        if (n->worst)
                return true;
        n->worst = malloc(sizeof *n->worst);
        if (n->worst)
                *n->worst = n->said;
        return n->worst != NULL;
}

/* All is over, but for what victims have: what it was is what counts. */
static void say_worst(struct incident *n)
{
        if (n->worst)
                n->said = *n->worst;
        free(TAKE_PTR(n->worst));
        title(n, false);
}

void explain(struct look *l, struct incident *n)
{
        uint16_t service = book_service(l, n->owner);

        if (book_has_open(n, false))
                peaks(l, n, service);
        for (uint32_t i = 0; i < n->findings; i++)
                n->dirty |= n->finding[i].is.open && n->finding[i].grew;
        if (!book_has_open(n, true)) {
                say_worst(n);
                return;
        }
        title(n, true);
        if (keep_said(l, n, service))
                verdict(l, n, service);
}
