/* Documents: those that wait for the disk, and reading them together with those that are there. */
#include "store/internal.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { JOB_DOCUMENT_BYTES = 1 << 20, JOB_DOCUMENTS = 256 };
#define GATHER_NS (10 * NSEC_PER_SEC)

/* ---- waiting ---- */

static size_t cost(const struct waiting *d)
{
        return sizeof *d + d->len;
}

static void drop(struct store *s, struct waiting **at)
{
        struct waiting *d = *at;

        *at = d->next;
        s->waiting_bytes -= cost(d);
        free(d);
}

/* The newest version that waits. */
static struct waiting **find(struct store *s, enum store_kind kind, const char *id)
{
        struct waiting **p = &s->waiting;

        while (*p && ((*p)->gone || (*p)->kind != kind || strcmp((*p)->id, id) != 0))
                p = &(*p)->next;
        return p;
}

/* Closed documents give way to new ones, the oldest first; open ones don't. */
static bool make_room(struct store *s, size_t more)
{
        while (s->waiting_bytes + more > WAITING_DOCUMENTS_MAX) {
                struct waiting **oldest = NULL;
                for (struct waiting **p = &s->waiting; *p; p = &(*p)->next)
                        if (!(*p)->flying && !(*p)->open && !(*p)->removed && (*p)->kind != STORE_STATE &&
                                (!oldest || (*p)->time_ms < (*oldest)->time_ms))
                                oldest = p;
                if (!oldest)
                        return false;
                drop(s, oldest);
                s->lost_documents++;
        }
        return true;
}

static int number_of(void *ctx, const struct store_document *d)
{
        struct store_document *to = ctx;

        to->open = d->open;
        to->time_ms = 1;
        return 1;
}

/* The timeline of an incident goes on: nothing that must not be lost for some seconds. */
static bool is_urgent(struct store *s, const struct waiting *d, const struct waiting *before)
{
        struct store_document stored = {0};

        if (d->kind != STORE_INCIDENT || d->removed)
                return true;
        if (before)
                return before->open != d->open || before->due_ns <= s->options.boot_ns();
        store_documents(
                s, d->kind, &(struct store_filter){.id = d->id, .service = d->service}, number_of, &stored);
        return !stored.time_ms || stored.open != d->open;
}

static int put(struct store *s, struct waiting *d)
{
        struct waiting **before = find(s, d->kind, d->id), *old = *before;
        size_t freed = old && !old->flying ? cost(old) : 0;

        if (s->state != STORE_ON_DISK && !make_room(s, cost(d) - MIN(freed, cost(d)))) {
                free(d);
                return -ENOBUFS;
        }
        before = find(s, d->kind, d->id);
        old = *before;
        d->due_ns = s->options.boot_ns();
        if (!is_urgent(s, d, old))
                d->due_ns = old && !old->flying ? old->due_ns : d->due_ns + GATHER_NS;
        if (old && old->flying)
                old->gone = true;
        else if (old)
                drop(s, before);
        d->next = s->waiting;
        s->waiting = d;
        s->waiting_bytes += cost(d);
        return 0;
}

static struct waiting *new_waiting(enum store_kind kind, const char *id, size_t len)
{
        struct waiting *d = calloc(1, sizeof *d + len + 1);

        if (!d)
                return NULL;
        d->kind = kind;
        d->len = len;
        text_set(d->id, sizeof d->id, id);
        return d;
}

static bool is_right(enum store_kind kind, const char *id)
{
        return kind >= STORE_INCIDENT && kind < STORE_KINDS && id && *id && strlen(id) <= STORE_ID;
}

int store_document_put(struct store *s, enum store_kind kind, const char *id, bool open, const char *service,
        int64_t time_ms, const char *json, size_t len)
{
        if (!is_right(kind, id))
                return -EINVAL;
        if (len > STORE_JSON_MAX)
                return -E2BIG;
        struct waiting *d = new_waiting(kind, id, len);
        if (!d)
                return -ENOMEM;
        d->open = open;
        d->time_ms = time_ms ? time_ms : s->options.unix_ms();
        text_set(d->service, sizeof d->service, service ? service : "");
        if (len)
                memcpy(d->json, json, len);
        return put(s, d);
}

int store_document_remove(struct store *s, enum store_kind kind, const char *id)
{
        if (!is_right(kind, id))
                return -EINVAL;
        struct waiting *d = new_waiting(kind, id, 0);
        if (!d)
                return -ENOMEM;
        d->removed = true;
        return put(s, d);
}

bool store_document_waits(struct store *s, enum store_kind kind, const char *id)
{
        return *find(s, kind, id) != NULL;
}

/* ---- jobs ---- */

uint64_t documents_due_ns(const struct store *s)
{
        uint64_t due = UINT64_MAX;

        for (const struct waiting *d = s->waiting; d; d = d->next)
                due = MIN(due, d->due_ns);
        return due;
}

int documents_take(struct store *s, struct job *j, uint64_t now_ns, bool all)
{
        size_t bytes = 0;

        j->documents = calloc(JOB_DOCUMENTS, sizeof *j->documents);
        if (!j->documents)
                return -ENOMEM;
        for (struct waiting *d = s->waiting; d && j->document_count < JOB_DOCUMENTS; d = d->next) {
                if (d->due_ns > now_ns && !all)
                        continue;
                if (j->document_count && bytes + d->len > JOB_DOCUMENT_BYTES)
                        continue;
                bytes += d->len;
                d->flying = true;
                j->documents[j->document_count++] = d;
        }
        return 0;
}

void documents_taken(struct store *s, struct job *j, bool written)
{
        for (struct waiting **p = &s->waiting; *p;) {
                bool over = (*p)->gone || ((*p)->flying && written);
                (*p)->flying = false;
                if (over)
                        drop(s, p);
                else
                        p = &(*p)->next;
        }
        free(TAKE_PTR(j->documents));
        j->document_count = 0;
}

void documents_free(struct store *s)
{
        while (s->waiting)
                drop(s, &s->waiting);
}

/* ---- reading ---- */

static bool matches(const struct waiting *d, enum store_kind kind, const struct store_filter *f)
{
        return d->kind == kind && !d->gone && !d->removed && (!f->id || !strcmp(f->id, d->id)) &&
               (!f->service || !strcmp(f->service, d->service)) && (!f->only_open || d->open) &&
               (!f->only_closed || !d->open) && (!f->from_ms || d->time_ms >= f->from_ms) &&
               (!f->to_ms || d->time_ms < f->to_ms);
}

/* Numbers by their value, else as texts. */
static int compare_ids(const char *a, const char *b)
{
        size_t x = strlen(a), y = strlen(b);
        bool numbers = strspn(a, "0123456789") == x && strspn(b, "0123456789") == y;

        return numbers && x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

static bool is_before(const struct store_document *a, const struct store_document *b)
{
        return a->time_ms != b->time_ms ? a->time_ms > b->time_ms : compare_ids(a->id, b->id) > 0;
}

struct shown {
        const struct store_filter *filter;
        int (*fn)(void *ctx, const struct store_document *d);
        void *ctx;
        int count;
        bool over;
};

static void show(struct shown *w, const struct store_document *d)
{
        w->count++;
        w->over = w->fn(w->ctx, d) != 0 || (w->filter->limit && w->count == (int)w->filter->limit);
}

static struct store_document as_document(const struct waiting *d)
{
        return (struct store_document){.kind = d->kind,
                .id = d->id,
                .service = d->service,
                .open = d->open,
                .time_ms = d->time_ms,
                .json = d->json,
                .len = d->len};
}

/* Those that wait and come before `next` (NULL: all); each call goes on behind the one before. */
static void show_waiting(struct store *s, enum store_kind kind, struct shown *w, struct store_document *last,
        const struct store_document *next)
{
        while (!w->over) {
                struct store_document best = {0};
                for (const struct waiting *d = s->waiting; d; d = d->next) {
                        struct store_document one = as_document(d);
                        if (matches(d, kind, w->filter) && (!last->id || is_before(last, &one)) &&
                                (!best.id || is_before(&one, &best)))
                                best = one;
                }
                if (!best.id || (next && is_before(next, &best)))
                        return;
                show(w, &best);
                *last = best;
        }
}

static sqlite3_stmt *select_documents(const struct db *d, enum store_kind kind, const struct store_filter *f)
{
        sqlite3_stmt *st = db_prepare(d,
                "SELECT id, service, open, time, json FROM document WHERE kind = ?1 AND (?2 IS NULL OR id = "
                "?2)"
                " AND (?3 IS NULL OR service = ?3) AND (?4 < 0 OR open = ?4) AND time >= ?5 AND time < ?6"
                " ORDER BY time DESC, length(id) DESC, id DESC");
        const struct sqlite *q = d->q;

        if (!st)
                return NULL;
        q->bind_int64(st, 1, kind);
        if (f->id)
                q->bind_text(st, 2, f->id, -1, SQLITE_STATIC);
        if (f->service)
                q->bind_text(st, 3, f->service, -1, SQLITE_STATIC);
        q->bind_int64(st, 4, f->only_open ? 1 : f->only_closed ? 0 : -1);
        q->bind_int64(st, 5, f->from_ms ? f->from_ms : INT64_MIN);
        q->bind_int64(st, 6, f->to_ms ? f->to_ms : INT64_MAX);
        return st;
}

/* Copies of what SQLite lends until the next step, with a NUL behind the JSON. */
static bool read_document(const struct db *d, sqlite3_stmt *st, enum store_kind kind, struct waiting **ret)
{
        const struct sqlite *q = d->q;
        int id_len = q->column_bytes(st, 0), service_len = q->column_bytes(st, 1),
            len = q->column_bytes(st, 4);
        const char *id = q->column_blob(st, 0), *service = q->column_blob(st, 1),
                   *json = q->column_blob(st, 4);
        struct waiting *w = calloc(1, sizeof *w + (size_t)len + 1);

        if (!w)
                return false;
        w->kind = kind;
        text_copy(w->id, sizeof w->id, id ? id : "", (size_t)id_len);
        text_copy(w->service, sizeof w->service, service ? service : "", (size_t)service_len);
        w->open = q->column_int64(st, 2);
        w->time_ms = q->column_int64(st, 3);
        w->len = (size_t)len;
        if (len)
                memcpy(w->json, json, (size_t)len);
        *ret = w;
        return true;
}

int store_documents(struct store *s, enum store_kind kind, const struct store_filter *filter,
        int (*fn)(void *ctx, const struct store_document *d), void *ctx)
{
        static const struct store_filter any;
        struct shown w = {.filter = filter ? filter : &any, .fn = fn, .ctx = ctx};
        struct store_document last = {0};
        struct db *d = store_reader(s);
        sqlite3_stmt *st = d ? select_documents(d, kind, w.filter) : NULL;
        int r = st ? SQLITE_ROW : s->state != STORE_OFF ? SQLITE_ERROR : SQLITE_DONE;

        while (st && !w.over && (r = d->q->step(st)) == SQLITE_ROW) {
                struct waiting *one = NULL;
                if (!read_document(d, st, kind, &one)) {
                        r = SQLITE_NOMEM;
                        break;
                }
                struct store_document shown = as_document(one);
                if (!*find(s, kind, one->id)) { /* else a newer version waits, or its removal */
                        show_waiting(s, kind, &w, &last, &shown);
                        if (!w.over)
                                show(&w, &shown);
                }
                free(one);
        }
        if (d)
                db_end(d, &st);
        if (!w.over)
                show_waiting(s, kind, &w, &last, NULL);
        if (w.over || r == SQLITE_DONE)
                return w.count;
        return -EIO;
}
