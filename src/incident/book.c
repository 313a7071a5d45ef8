/* The book: what opens, goes on, calms down and is resolved. See book.h. */
#include "incident/book_state.h"

#include "base/log.h"
#include "base/text.h"
#include "world/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LOOK_EVERY 10.0 /* s, when nothing changes */
#define WATCHED    15.0 /* s: a look that comes later than this has seen nothing of the rest */
#define STALE      5.0  /* s: what a guard that was silent for so long had said is no longer so */
#define PATIENCE   3.0  /* times `calm`, for findings that a restart has to find anew */
#define PUT_EVERY  (60 * NSEC_PER_SEC) /* when only the timeline grew */

/* ---- life ---- */

struct book *book_new(const struct book_params *p, uint64_t first_id)
{
        struct book *b = calloc(1, sizeof *b);

        if (b)
                *b = (struct book){.params = *p, .next_id = MAX(first_id, UINT64_C(1))};
        return b;
}

void book_free(struct book *b)
{
        if (!b)
                return;
        for (uint32_t i = 0; i < b->opens; i++)
                incident_free(b->open[i]);
        for (uint32_t i = 0; i < b->shelved; i++)
                free(b->shelf[i].json);
        free(b->open);
        usual_done(&b->usual);
        free(b);
}

void book_number_from(struct book *b, uint64_t id)
{
        b->next_id = MAX(b->next_id, id);
}

uint64_t book_next_number(const struct book *b)
{
        return b->next_id;
}

void book_configure(struct book *b, const struct book_params *p)
{
        b->params = *p;
}

void book_keep(struct book *b, const struct book_keeper *k)
{
        b->keeper = *k;
}

bool book_listen(struct book *b, const struct book_listener *l)
{
        if (b->listeners == BOOK_LISTENERS)
                return false;
        b->listener[b->listeners++] = *l;
        return true;
}

/* ---- finding one ---- */

uint16_t book_service(const struct look *l, const char *name)
{
        bool escaped = strstr(name, "\\x") != NULL;
        char shown[BOARD_NAME];

        for (uint32_t i = 1; *name && i < view_services(l->b); i++) {
                if (!view_service_used(l->b, (uint16_t)i))
                        continue;
                const char *raw = view_service_name(l->b, (uint16_t)i);
                if (escaped)
                        incident_text(shown, sizeof shown, raw, BOARD_NAME);
                if (!strcmp(escaped ? shown : raw, name))
                        return (uint16_t)i;
        }
        return 0;
}

static bool may_take(const struct incident *n, const char *owner, bool disk)
{
        return n->open && !n->merged_into && n->disk == disk && !strcmp(n->owner, owner);
}

struct incident *book_find_open(const struct book *b, const char *owner, bool disk)
{
        for (uint32_t i = 0; i < b->opens; i++)
                if (may_take(b->open[i], owner, disk))
                        return b->open[i];
        return NULL;
}

static struct incident *by_number(const struct book *b, uint64_t id)
{
        for (uint32_t i = 0; i < b->opens; i++)
                if (b->open[i]->id == id)
                        return b->open[i];
        return NULL;
}

static bool add_open(struct book *b, struct incident *n)
{
        if (b->opens == b->open_size) {
                uint32_t size = b->open_size ? b->open_size * 2 : 8;
                struct incident **p = reallocarray(b->open, size, sizeof(struct incident *));

                if (!p)
                        return false;
                b->open = p;
                b->open_size = size;
        }
        b->open[b->opens++] = n;
        return true;
}

/* ---- the shelf ---- */

static void unshelve(struct book *b, uint32_t at)
{
        b->shelf_bytes -= b->shelf[at].len;
        free(b->shelf[at].json);
        b->shelved--;
        memmove(&b->shelf[at], &b->shelf[at + 1], (b->shelved - at) * sizeof b->shelf[0]);
}

/* Takes `json` over. */
static void shelve(struct book *b, const struct incident *n, char *json, size_t len, int64_t resolved_ns)
{
        bool full = b->shelved == BOOK_SHELF || (b->shelved && b->shelf_bytes + len > BOOK_SHELF_BYTES);

        if (full && resolved_ns < b->shelf[0].resolved_ns) {
                free(json); /* older than what is kept here */
                return;
        }
        while (b->shelved == BOOK_SHELF || (b->shelved && b->shelf_bytes + len > BOOK_SHELF_BYTES))
                unshelve(b, 0);
        uint32_t at = b->shelved++;
        for (; at > 0 && b->shelf[at - 1].resolved_ns > resolved_ns; at--)
                b->shelf[at] = b->shelf[at - 1];
        struct book_shelved *s = &b->shelf[at];

        *s = (struct book_shelved){.id = n->id,
                .disk = n->disk,
                .merged = n->merged_into != 0,
                .resolved_ns = resolved_ns,
                .json = json,
                .len = len};
        text_set(s->owner, sizeof s->owner, n->owner);
        b->shelf_bytes += len;
}

struct incident *book_reopen(struct look *l, const char *owner, bool disk)
{
        struct book *b = l->book;

        for (uint32_t i = b->shelved; i > 0; i--) {
                struct book_shelved *s = &b->shelf[i - 1];
                struct incident *n;
                double ago = (double)((int64_t)l->now_ns - s->resolved_ns) / (double)NSEC_PER_SEC;

                if (s->merged || s->disk != disk || strcmp(s->owner, owner) != 0 || ago > b->params.reopen)
                        continue;
                if (incident_read(s->json, s->len, &n) < 0)
                        return NULL;
                if (!add_open(b, n)) {
                        incident_free(n);
                        return NULL;
                }
                unshelve(b, i - 1);
                n->open = true;
                n->resolved_unix_ns = 0;
                n->lasted += fmax(ago, 0);
                n->reopened++;
                n->severity_before = n->severity;
                n->severity = SEVERITY_INFO;
                incident_say(n, l->unix_ns, "reopened", "", "it is back");
                book_news(n, BOOK_REOPENED);
                return n;
        }
        return NULL;
}

struct incident *book_open(struct look *l, const char *owner, bool disk)
{
        struct incident *n = incident_new();

        if (!n || !add_open(l->book, n)) {
                incident_free(n);
                return NULL;
        }
        n->id = l->book->next_id++;
        n->open = true;
        n->disk = disk;
        n->opened_unix_ns = l->unix_ns;
        text_set(n->owner, sizeof n->owner, owner);
        explain_normal(l, n);
        explain_before(l, n, book_service(l, owner));
        book_news(n, BOOK_OPENED);
        return n;
}

int book_restore(struct book *b, const char *json, size_t len, uint64_t now_ns, int64_t wall_offset_ns)
{
        cleanup_incident struct incident *n = NULL;
        int r = incident_read(json, len, &n);

        if (r < 0)
                return r;
        if (by_number(b, n->id))
                return -EEXIST;
        for (uint32_t i = 0; i < b->shelved; i++)
                if (b->shelf[i].id == n->id)
                        return -EEXIST;
        b->next_id = MAX(b->next_id, n->id + 1);
        if (n->open) {
                n->patient = true;
                if (!add_open(b, n))
                        return -ENOMEM;
                n = NULL;
                return 0;
        }
        char *copy = malloc(len ? len : 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, json, len);
        /* a clock that was set back since must not keep it reopenable for ever */
        int64_t resolved = MIN(n->resolved_unix_ns - wall_offset_ns, (int64_t)now_ns);
        shelve(b, n, copy, len, resolved);
        return 0;
}

/* ---- telling ---- */

static void put(struct book *b, const struct incident *n, const char *json, size_t len)
{
        if (b->keeper.put)
                b->keeper.put(b->keeper.ctx, n->id, n->open, n->owner,
                        n->opened_unix_ns / (int64_t)NSEC_PER_MSEC, json, len);
}

static void tell(struct book *b, struct incident *n, uint64_t now_ns)
{
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        incident_write(n, &j);
        if (j.out.failed) { /* no memory: it stays dirty, and the next look tries again */
                json_out_done(&j);
                return;
        }
        n->put_ns = now_ns;
        uint8_t news = n->news;
        n->dirty = n->urgent = false;
        n->news = 0;
        put(b, n, j.out.buf, j.out.len);
        for (uint32_t k = BOOK_OPENED; k <= BOOK_REOPENED; k++)
                for (uint32_t i = 0; (news & 1u << k) && i < b->listeners; i++)
                        b->listener[i].told(
                                b->listener[i].ctx, (enum book_change)k, n->id, j.out.buf, j.out.len);
        json_out_done(&j);
}

/* Puts what changed, and takes those that are over from the open ones to the shelf. */
static void publish(struct look *l)
{
        struct book *b = l->book;

        for (uint32_t i = 0; i < b->opens;) {
                struct incident *n = b->open[i];

                bool fresh = n->news & (1u << BOOK_OPENED | 1u << BOOK_REOPENED);

                if (fresh && n->open && !book_has_open(n, false)) {
                        i++; /* there was no memory for its finding */
                        continue;
                }
                if (n->dirty && (n->urgent || l->now_ns >= n->put_ns + PUT_EVERY))
                        tell(b, n, l->now_ns);
                if (n->open || n->urgent) {
                        i++;
                        continue;
                }
                struct json_out j = json_out_of(INCIDENT_DOCUMENT);
                incident_write(n, &j);
                if (j.out.failed)
                        json_out_done(&j); /* only the keeper has it then */
                else
                        shelve(b, n, j.out.buf, j.out.len, (int64_t)l->now_ns);
                incident_free(n);
                b->opens--;
                memmove(&b->open[i], &b->open[i + 1], (b->opens - i) * sizeof *b->open);
        }
}

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
        char service[BOARD_NAME];

        incident_text(service, sizeof service, f->service_name, sizeof f->service_name);
        for (int by_id = 1; by_id >= 0; by_id--)
                for (uint32_t i = 0; i < l->book->opens; i++) {
                        struct incident *n = l->book->open[i];

                        for (uint32_t k = 0; n->open && !n->merged_into && k < n->findings; k++) {
                                struct incident_finding *e = &n->finding[k];
                                bool same = !strcmp(e->is.service_name, service) &&
                                            !strncmp(e->is.detector, f->detector, sizeof e->is.detector);

                                if (!same ||
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
        n->severity = severity;
        n->severity_peak = (uint8_t)MAX(n->severity_peak, severity);
        n->below = 0;
}

static void judge(struct look *l, struct incident *n)
{
        uint8_t now = worst(l, n);

        if (!book_has_open(n, false))
                return;
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

static void calm_down(struct look *l, struct incident *n)
{
        double wanted = l->book->params.calm * (n->patient ? PATIENCE : 1);
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
        return d;
}

bool book_due(struct book *b, const struct board *shared, uint64_t now_ns)
{
        double every = LOOK_EVERY;

        if (view_age(shared->updated_ns, now_ns) > STALE)
                return false;
        for (uint32_t i = 0; i < b->opens; i++)
                if (b->open[i]->calm > 0)
                        every = fmin(every, b->params.calm / 5);
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
        follow_restart(&l);
        take_findings(&l);
        assign_again(&l);
        for (uint32_t i = 0; i < b->opens; i++) {
                struct incident *n = b->open[i];

                if (!n->open)
                        continue; /* resolved, and not told yet for want of memory */
                n->lasted += l.passed;
                judge(&l, n);
                explain(&l, n);
                calm_down(&l, n);
        }
        publish(&l);
        b->look_ns = now_ns;
        b->digest = digest(copy);
        b->offset_ns = wall_offset_ns;
}

/* ---- what happened ---- */

/* The host's incident hears of what people and the engine do to any service, not of each death. */
static bool matters_to_host(uint16_t kind)
{
        return kind == EVENT_STOP || kind == EVENT_DEPLOY || kind == EVENT_OOM || kind == EVENT_GAP ||
               kind == EVENT_ENGINE || kind == EVENT_ACTION;
}

static bool hears(const struct incident *n, const char *service, uint16_t kind)
{
        if (!n->open)
                return false;
        if (kind == EVENT_GAP || kind == EVENT_ENGINE)
                return true;
        return incident_concerns(n, service) || (!n->owner[0] && matters_to_host(kind));
}

void book_event(struct book *b, const struct event *e)
{
        char service[BOARD_NAME], text[160], how[VIEW_EXIT];
        const char *kind = event_kind_name((enum event_kind)e->kind);

        if (b->opens == 0 || !kind || e->kind == EVENT_FINDING || e->kind == EVENT_FORK ||
                e->kind == EVENT_EXEC || e->kind == EVENT_ZOMBIE)
                return;
        incident_text(service, sizeof service, e->service, sizeof e->service);
        if (e->kind == EVENT_EXIT) {
                kind = "death";
                snprintf(text, sizeof text, "%.15s died: %s", e->comm,
                        e->exit_status < 0 ? "how is unknown" : view_exit(e->exit_status, how));
        } else {
                snprintf(text, sizeof text, "%.119s", e->text);
        }
        for (uint32_t i = 0; i < b->opens; i++)
                if (hears(b->open[i], service, e->kind))
                        incident_tally(b->open[i], e->unix_ns, kind, service,
                                view_known(e->count) ? MAX(e->count, UINT64_C(1)) : 1, text);
}

/* A line for one that is over already: its document is written anew. */
static void note_shelved(
        struct book *b, struct book_shelved *s, const char *kind, const char *text, int64_t unix_ns)
{
        cleanup_incident struct incident *n = NULL;
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        if (incident_read(s->json, s->len, &n) < 0)
                return;
        incident_tally(n, unix_ns, kind, "", 1, text);
        incident_write(n, &j);
        if (j.out.failed) {
                json_out_done(&j);
                return;
        }
        free(s->json);
        b->shelf_bytes += j.out.len - s->len;
        s->json = j.out.buf;
        s->len = j.out.len;
        put(b, n, s->json, s->len);
}

void book_note(struct book *b, uint64_t id, const char *kind, const char *text, int64_t unix_ns)
{
        struct incident *n = by_number(b, id);

        if (n)
                incident_tally(n, unix_ns, kind, "", 1, text);
        for (uint32_t i = 0; !n && i < b->shelved; i++)
                if (b->shelf[i].id == id)
                        note_shelved(b, &b->shelf[i], kind, text, unix_ns);
}

/* ---- asking ---- */

uint32_t book_open_count(const struct book *b)
{
        return b->opens;
}

uint32_t book_open_of(const struct book *b, enum severity severity)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->opens; i++)
                n += b->open[i]->severity == severity;
        return n;
}

struct listing {
        const struct book *b;
        struct json_out *j;
        uint32_t left;
        uint64_t id;
};

static bool wanted(struct listing *to, uint64_t id)
{
        if (to->left == 0 || (to->id && id != to->id))
                return false;
        to->left--;
        return true;
}

static void list_open(struct listing *to)
{
        const struct incident *before = NULL;

        /* the newest first: numbers grow */
        for (;;) {
                const struct incident *next = NULL;

                for (uint32_t i = 0; i < to->b->opens; i++) {
                        const struct incident *n = to->b->open[i];

                        if ((!before || n->id < before->id) && (!next || n->id > next->id))
                                next = n;
                }
                if (!next)
                        return;
                if (wanted(to, next->id))
                        incident_write(next, to->j);
                before = next;
        }
}

static bool on_shelf(const struct book *b, uint64_t id)
{
        for (uint32_t i = 0; i < b->shelved; i++)
                if (b->shelf[i].id == id)
                        return true;
        return false;
}

/* What a keeper brings comes from a file: it is read and written anew. */
static void list_kept(void *ctx, const char *json, size_t len)
{
        cleanup_incident struct incident *n = NULL;
        struct listing *to = ctx;

        if (to->left == 0 || incident_read(json, len, &n) < 0)
                return;
        if (!n->open && !on_shelf(to->b, n->id) && wanted(to, n->id))
                incident_write(n, to->j);
}

uint32_t book_list(const struct book *b, const struct book_query *q, struct json_out *j)
{
        struct listing to = {.b = b, .j = j, .left = q->limit, .id = q->id};

        if (q->open)
                list_open(&to);
        for (uint32_t i = q->resolved ? b->shelved : 0; i > 0; i--)
                if (wanted(&to, b->shelf[i - 1].id))
                        json_out_raw(j, NULL, b->shelf[i - 1].json, b->shelf[i - 1].len);
        if (q->resolved && to.left && b->keeper.resolved && !(q->id && to.left < q->limit))
                b->keeper.resolved(b->keeper.ctx, q->id, to.left + b->shelved, list_kept, &to);
        return q->limit - to.left;
}

int book_get(const struct book *b, uint64_t id, struct incident **ret)
{
        struct book_query q = {.id = id, .limit = 1, .open = true, .resolved = true};
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);
        int r = book_list(b, &q, &j) ? 0 : -ENOENT;

        if (r == 0)
                r = j.out.failed ? -ENOMEM : incident_read(j.out.buf, j.out.len, ret);
        json_out_done(&j);
        return r;
}
