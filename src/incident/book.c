/* The book: its incidents, open and resolved, whom it tells, what it answers. See book.h; looking is in
 * book_look.c. */
#include "incident/book_state.h"

#include "base/log.h"
#include "base/text.h"
#include "world/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PUT_EVERY (60 * NSEC_PER_SEC) /* when only the timeline grew */

/* ---- life ---- */

struct book *book_new(const struct book_params *p, uint64_t first_id)
{
        struct book *b = calloc(1, sizeof *b);

        if (b)
                *b = (struct book){.params = *p, .next_id = first_id ? first_id : 1};
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
                .acting = acts_stand(n),
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
void book_publish(struct look *l)
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
        } else if (e->kind == EVENT_REAP) {
                snprintf(text, sizeof text, "%.15s was waited for at last", e->comm);
        } else {
                snprintf(text, sizeof text, "%.119s", e->text);
        }
        for (uint32_t i = 0; i < b->opens; i++)
                if (hears(b->open[i], service, e->kind))
                        incident_tally(b->open[i], e->unix_ns, kind, service,
                                view_known(e->count) ? MAX(e->count, UINT64_C(1)) : 1, text);
}

void book_rewrite(struct book *b, struct book_shelved *s, const struct incident *n)
{
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        incident_write(n, &j);
        if (j.out.failed) {
                json_out_done(&j);
                return;
        }
        free(s->json);
        b->shelf_bytes += j.out.len - s->len;
        s->json = j.out.buf;
        s->len = j.out.len;
        s->acting = acts_stand(n);
        put(b, n, s->json, s->len);
}

/* A line for one that is over already: its document is written anew. */
static void note_shelved(
        struct book *b, struct book_shelved *s, const char *kind, const char *text, int64_t unix_ns)
{
        cleanup_incident struct incident *n = NULL;

        if (incident_read(s->json, s->len, &n) < 0)
                return;
        incident_tally(n, unix_ns, kind, "", 1, text);
        book_rewrite(b, s, n);
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
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->opens; i++)
                n += !incident_is_drill(b->open[i]);
        return n;
}

uint32_t book_open_of(const struct book *b, enum severity severity)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < b->opens; i++)
                n += b->open[i]->severity == severity && !incident_is_drill(b->open[i]);
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

char *book_document(const struct book *b, uint64_t id, size_t *ret_len)
{
        const struct incident *n = by_number(b, id);
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        if (!n)
                return NULL;
        incident_write(n, &j);
        if (j.out.failed) {
                json_out_done(&j);
                return NULL;
        }
        *ret_len = j.out.len;
        return j.out.buf;
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
