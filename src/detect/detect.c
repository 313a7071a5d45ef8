/* The frame: how long each condition has held, findings on the board, hysteresis, events. See detect.h.
 * A condition is known by (detector, service, variant) and by the service's name, because entries of
 * services are used again for others.
 */
#include "detect/detect.h"

#include "base/clock.h"
#include "base/text.h"
#include "detect/run.h"
#include "model/drill.h"
#include "world/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A tick that comes later than this (suspend, a stopped guard) has seen nothing of the time between. */
#define TICK_LATE (15 * NSEC_PER_SEC)
/* An engine that is away again within so long was hardly there. */
#define AWAY_AGAIN (300 * NSEC_PER_SEC)
/* A finding falls to a lower severity only when it was below the higher one for so long. */
#define SEVERITY_CALM (30 * NSEC_PER_SEC)

const struct board *detect_board(const struct detect_run *run)
{
        return run->b;
}

const struct detect_config *detect_config(const struct detect_run *run)
{
        return run->cfg;
}

uint64_t detect_now(const struct detect_run *run)
{
        return run->now_ns;
}

uint16_t detect_next(const struct detect_run *run, uint16_t service)
{
        uint32_t top = view_services(run->b);

        for (uint32_t i = service + 1u; i < top; i++) {
                const struct service *s = &run->b->service[i];

                /* what a drill has left on the board is nobody's trouble any more */
                if (view_service_used(run->b, (uint16_t)i) && !s->is_self && s->kind != SERVICE_KERNEL &&
                        (!s->is_drill || s->processes))
                        return (uint16_t)i;
        }
        return 0;
}

bool detect_is_drill(const struct detect_run *run, uint16_t service)
{
        return service && view_is_drill(view_service(run->b, service), run->now_ns);
}

static uint32_t name_hash(const struct board *b, uint16_t service)
{
        return text_hash(service ? view_service_name(b, service) : "");
}

struct detect_memory *detect_memory(struct detect_run *run, uint16_t service)
{
        struct detect_memory *m = &run->s->memory[service < BOARD_SERVICES ? service : 0];
        uint32_t hash = name_hash(run->b, service);

        if (m->name_hash != hash)
                *m = (struct detect_memory){
                        .name_hash = hash,
                        .probe_cores = NAN,
                        .oom_total = view_service(run->b, service)->ooms.total,
                };
        return m;
}

struct detect_host_memory *detect_host_memory(struct detect_run *run)
{
        return &run->s->host;
}

uint32_t detect_recent(const struct recent *r, uint64_t now_ns, double window_sec)
{
        return view_recent(r, now_ns, window_sec);
}

double detect_heard(const struct detect_run *run, enum detect_teller by, uint64_t from_ns, uint64_t to_ns)
{
        const struct detect_state *s = run->s;
        uint64_t from = MAX(from_ns, s->away_from_ns), to = MIN(to_ns, s->away_to_ns);
        double all = view_age(from_ns, to_ns);

        return by == TOLD_BY_ENGINE && to > from ? fmax(all - view_age(from, to), 0) : all;
}

bool detect_rests(const struct detect_run *run, enum detect_teller by, const struct recent *r,
        double window_sec, double least)
{
        uint64_t last, later, at;
        double pause = 0;

        if (!view_recent_at(r, 0, &last, NULL))
                return true;
        later = last;
        for (uint32_t i = 1; view_recent_at(r, i, &at, NULL); i++) {
                if (detect_heard(run, by, at, last) > window_sec)
                        break;
                pause = fmax(pause, detect_heard(run, by, at, later));
                later = at;
        }
        return detect_heard(run, by, last, run->now_ns) > fmax(3 * pause, least);
}

double detect_lasted(const struct finding *f, uint64_t now_ns)
{
        return view_age(f->since_ns, now_ns);
}

/* ---- filling a finding ---- */

/* What is told of a drill says so before anything else. */
static void put_words(char *buf, size_t size, const char *before, const char *fmt, va_list ap)
{
        text_set(buf, size, before);
        size_t n = strlen(buf);
        vsnprintf(buf + n, size - n, fmt, ap);
}

void detect_text(struct finding *f, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        put_words(f->text, sizeof f->text, f->drill ? "Drill: " : "", fmt, ap);
        va_end(ap);
}

void detect_remedy(struct finding *f, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        put_words(f->remedy, sizeof f->remedy,
                f->drill ? "A drill, which ends by itself: nothing is to be done. Were it real: " : "", fmt,
                ap);
        va_end(ap);
}

void detect_evidence(
        struct finding *f, uint64_t time_ns, double value, const char *unit, const char *fmt, ...)
{
        va_list ap;

        if (f->evidence_count >= BOARD_EVIDENCE)
                return;
        struct evidence *e = &f->evidence[f->evidence_count++];

        e->time_ns = time_ns ? time_ns : f->updated_ns;
        e->value = value;
        text_set(e->unit, sizeof e->unit, unit ? unit : "");
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
}

void detect_contributors(
        struct detect_run *run, struct finding *f, enum view_metric metric, const char *unit, uint32_t max)
{
        struct view_top top[BOARD_EVIDENCE];
        uint32_t n = view_top(run->b, metric, top, MIN(max, (uint32_t)BOARD_EVIDENCE));
        char size[VIEW_SPAN];

        for (uint32_t i = 0; i < n; i++) {
                const char *name = view_service_name(run->b, top[i].service);

                if (metric == VIEW_MEMORY || metric == VIEW_GROWTH)
                        detect_evidence(f, 0, top[i].value, unit, "%.70s: %s%s", name,
                                view_bytes(top[i].value, size),
                                metric == VIEW_GROWTH ? " more per second" : "");
                else
                        detect_evidence(f, 0, top[i].value, unit, "%.70s: %.2f %s", name, top[i].value, unit);
        }
}

/* ---- states ---- */

static struct finding *finding_of(const struct detect_run *run, const struct detect_entry *e)
{
        if (e->finding == 0 || e->finding >= BOARD_FINDINGS)
                return NULL;
        struct finding *f = &run->b->finding[e->finding];

        return f->id == e->id ? f : NULL;
}

static void tell(const struct detect_run *run, const struct finding *f, double value)
{
        struct event e = {
                .time_ns = run->now_ns,
                .unix_ns = (int64_t)run->now_ns + clock_wall_offset_ns(),
                .kind = EVENT_FINDING,
                .count = 1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = value,
        };

        if (!run->emit)
                return;
        text_set(e.service, sizeof e.service, f->service_name);
        snprintf(e.text, sizeof e.text, "%.20s%s: %.75s", f->detector, f->open ? "" : " is over", f->text);
        run->emit(run->emit_ctx, &e);
}

static void close_finding(struct detect_run *run, struct finding *f)
{
        f->open = false;
        f->closed_ns = run->now_ns;
        tell(run, f, -1);
}

static void forget(struct detect_run *run, struct detect_entry *e)
{
        struct finding *f = finding_of(run, e);

        if (f && f->open)
                close_finding(run, f);
        *e = (struct detect_entry){};
}

static struct detect_entry *state_of(struct detect_run *run, uint16_t service, uint32_t variant)
{
        struct detect_state *s = run->s;
        struct detect_entry *unused = NULL;
        uint32_t hash = name_hash(run->b, service);

        for (uint32_t i = 0; i < s->top; i++) {
                struct detect_entry *e = &s->entry[i];

                if (!e->used) {
                        unused = unused ? unused : e;
                        continue;
                }
                if (e->detector != run->detector || e->service != service || e->variant != variant)
                        continue;
                if (e->name_hash == hash)
                        return e;
                forget(run, e); /* the entry stands for another service now */
                unused = e;
                break;
        }
        if (!unused && s->top < DETECT_STATES)
                unused = &s->entry[s->top++];
        if (!unused) {
                run->refused++;
                return NULL;
        }
        *unused = (struct detect_entry){
                .used = true,
                .detector = run->detector,
                .service = service,
                .variant = variant,
                .name_hash = hash,
                .since_ns = run->now_ns,
        };
        return unused;
}

/* An unused entry of the board's table, else that of the finding closed longest ago; 0 when all are open. */
static uint32_t take_entry(struct board *b)
{
        uint32_t oldest = 0;

        b->finding_top = MAX(view_findings(b), 1u);
        for (uint32_t i = 1; i < b->finding_top; i++) {
                const struct finding *f = &b->finding[i];

                if (f->id == 0)
                        return i;
                if (!f->open && (!oldest || f->closed_ns < b->finding[oldest].closed_ns))
                        oldest = i;
        }
        if (b->finding_top < BOARD_FINDINGS)
                return b->finding_top++;
        return oldest;
}

static struct finding new_finding(
        const struct detect_run *run, const struct detect_entry *e, enum severity severity)
{
        const struct detector *d = detectors[e->detector];
        struct finding f = {
                .service = e->service,
                .severity = (uint8_t)severity,
                .drill = detect_is_drill(run, e->service),
                .since_ns = e->since_ns,
                .updated_ns = run->now_ns,
        };

        text_set(f.detector, sizeof f.detector, d->name);
        text_set(f.runbook, sizeof f.runbook, d->runbook);
        if (e->service)
                text_set(f.service_name, sizeof f.service_name, view_service_name(run->b, e->service));
        return f;
}

/* It has not lasted long enough: told as such, and by next time forgotten. */
static struct finding *pend(
        struct detect_run *run, const struct detect_entry *e, enum severity severity, double for_sec)
{
        struct board *b = run->b;

        if (b->pendings >= BOARD_PENDING)
                return NULL;
        struct pending *p = &b->pending[b->pendings++];
        *p = (struct pending){.finding = new_finding(run, e, severity), .for_sec = for_sec};
        return &p->finding;
}

static struct finding *open_finding(struct detect_run *run, struct detect_entry *e, enum severity severity)
{
        uint32_t i = take_entry(run->b);

        if (i == 0) {
                run->b->self.overflow_findings += !e->overflowed;
                e->overflowed = true;
                return NULL;
        }
        struct finding *f = &run->b->finding[i];

        *f = new_finding(run, e, severity);
        f->id = ++run->s->next_id;
        f->open = true;
        f->opened_ns = run->now_ns;
        e->finding = i;
        e->id = f->id;
        e->severe_ns = run->now_ns;
        e->announce = true;
        return f;
}

static void set_severity(
        struct detect_run *run, struct detect_entry *e, struct finding *f, enum severity severity)
{
        if (severity >= f->severity)
                e->severe_ns = run->now_ns;
        else if (run->now_ns - e->severe_ns < SEVERITY_CALM)
                return;
        if (severity == f->severity)
                return;
        f->severity = (uint8_t)severity;
        e->severe_ns = run->now_ns;
        e->announce = true;
}

struct finding *detect_holds(
        struct detect_run *run, uint16_t service, uint32_t variant, enum severity severity, double for_sec)
{
        struct detect_entry *e = state_of(run, service, variant);
        bool drill = detect_is_drill(run, service);

        if (!e)
                return NULL;
        struct finding *f = finding_of(run, e);
        if (f && f->drill != drill) { /* what outlasts its drill is trouble, and is found anew */
                forget(run, e);
                return NULL;
        }

        e->last_ns = run->now_ns;
        e->for_sec = for_sec;
        for_sec = drill ? MIN(for_sec, (double)DRILL_FOR) : for_sec;
        if (f && f->open) {
                set_severity(run, e, f, severity);
        } else {
                if (view_age(e->since_ns, run->now_ns) < for_sec)
                        return pend(run, e, severity, for_sec);
                f = open_finding(run, e, severity);
                if (!f)
                        return NULL;
        }
        f->updated_ns = run->now_ns;
        f->evidence_count = 0;
        return f;
}

/* ---- a pass ---- */

/* A guard that starts on a used board: ids go on growing, and what was open is no longer watched. */
static void first_run(struct detect_run *run)
{
        struct board *b = run->b;

        for (uint32_t i = 1; i < view_findings(b); i++) {
                run->s->next_id = MAX(run->s->next_id, b->finding[i].id);
                if (b->finding[i].id && b->finding[i].open)
                        close_finding(run, &b->finding[i]);
        }
}

/* Time that nobody watched counts neither for a condition nor against it. */
static void skip_blind_time(struct detect_run *run)
{
        struct detect_state *s = run->s;

        if (run->now_ns < s->last_run_ns + TICK_LATE)
                return;
        uint64_t blind = run->now_ns - s->last_run_ns - NSEC_PER_SEC;

        for (uint32_t i = 0; i < s->top; i++) {
                struct detect_entry *e = &s->entry[i];

                if (!e->used)
                        continue;
                e->last_ns += blind;
                e->severe_ns += blind;
                if (!e->finding)
                        e->since_ns += blind;
        }
}

/* A drill is found sooner than real trouble would be: by how much is part of what it tells. */
static void tell_haste(const struct detect_entry *e, struct finding *f)
{
        char span[VIEW_SPAN];

        if (f->drill && f->open && e->for_sec > DRILL_FOR)
                detect_evidence(f, 0, e->for_sec, "s",
                        "in a drill %d s are enough; by the configuration real trouble must last %s",
                        DRILL_FOR, view_span(e->for_sec, span));
}

static void follow_engine(struct detect_run *run)
{
        struct detect_state *s = run->s;

        if (run->b->sources.engine != ENGINE_UNREACHABLE)
                return;
        if (s->away_to_ns == 0 || run->now_ns > s->away_to_ns + AWAY_AGAIN)
                s->away_from_ns = run->now_ns;
        s->away_to_ns = run->now_ns;
}

static void settle(struct detect_run *run, struct detect_entry *e)
{
        struct finding *f = finding_of(run, e);
        double quiet = view_age(e->last_ns, run->now_ns);
        double clear_after = e->finding ? detectors[e->detector]->clear_after : 0;

        if (f && f->drill)
                clear_after = MIN(clear_after, (double)DRILL_CLEAR);

        if (e->service && e->name_hash != name_hash(run->b, e->service)) {
                forget(run, e);
                return;
        }
        if (quiet > 0 && quiet >= clear_after) {
                forget(run, e);
                return;
        }
        if (f && e->last_ns == run->now_ns)
                tell_haste(e, f);
        if (f && e->announce)
                tell(run, f, f->severity);
        e->announce = false;
}

void detect_all(struct detect_state *s, struct board *b, const struct detect_config *cfg, uint64_t now_ns,
        void (*emit)(void *ctx, const struct event *e), void *ctx)
{
        struct detect_run run = {.s = s, .b = b, .cfg = cfg, .now_ns = now_ns, .emit = emit, .emit_ctx = ctx};

        if (s->last_run_ns == 0)
                first_run(&run);
        else
                skip_blind_time(&run);
        s->last_run_ns = now_ns;
        b->pendings = 0;
        follow_engine(&run);
        detect_ledger(&run);
        for (size_t i = 0; i < detectors_count; i++) {
                run.detector = (uint8_t)i;
                detectors[i]->look(&run);
        }
        for (uint32_t i = 0; i < s->top; i++)
                if (s->entry[i].used)
                        settle(&run, &s->entry[i]);
        while (s->top && !s->entry[s->top - 1].used)
                s->top--;
        if (run.refused > s->refused)
                b->self.overflow_findings += run.refused - s->refused;
        s->refused = run.refused;
}
