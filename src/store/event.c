/* Events: from the history into rows, like ones of a job in one; and finding them again. */
#include "store/internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- to the disk ---- */

/* What happens all the time on a healthy host: it may wait for the next minute, and like ones are one row. */
static bool is_routine(const struct event *e)
{
        return e->kind == EVENT_HEALTH_OK || e->kind == EVENT_FORK || e->kind == EVENT_EXEC ||
               (e->kind == EVENT_EXIT && e->exit_status == 0);
}

static bool is_like(const struct event *a, const struct event *b)
{
        return a->kind == b->kind && a->exit_status == b->exit_status &&
               !strncmp(a->comm, b->comm, sizeof a->comm) && !strcmp(a->service, b->service);
}

/* Deaths that are no routine are told apart by the second. */
static bool may_join(const struct event *a, const struct event *b)
{
        return is_like(a, b) && a->count != BOARD_UNKNOWN &&
               (is_routine(a) ||
                       (a->kind == EVENT_EXIT && llabs(a->unix_ns - b->unix_ns) < (int64_t)NSEC_PER_SEC));
}

static uint32_t hash_of(const struct event *e)
{
        return text_hash(e->comm) ^ (text_hash(e->service) * 31) ^ (uint32_t)e->exit_status * 2654435761u ^
               e->kind;
}

/* The newer event stands for all: its number, time and pid. */
static void join(struct row *to, const struct event *e, uint64_t number)
{
        struct event sum = *e;
        int64_t apart = (e->unix_ns - to->event.unix_ns) / (int64_t)NSEC_PER_MSEC;

        sum.count = to->event.count + e->count;
        sum.cpu_ns = to->event.cpu_ns == BOARD_UNKNOWN || e->cpu_ns == BOARD_UNKNOWN
                             ? BOARD_UNKNOWN
                             : to->event.cpu_ns + e->cpu_ns;
        to->span_ms = MAX(to->span_ms + apart, (int64_t)0);
        to->event = sum;
        to->number = number;
}

static int64_t start_of(const struct event *e)
{
        return e->start_ns && e->time_ns
                       ? (e->unix_ns - (int64_t)(e->time_ns - e->start_ns)) / (int64_t)NSEC_PER_MSEC
                       : 0;
}

int events_take(struct store *s, struct job *j, const struct history *h)
{
        enum { SLOTS = 2 * JOB_EVENTS };
        cleanup_free uint16_t *slot = calloc(SLOTS, sizeof *slot);
        struct history_walk w = {0};
        struct event e;
        uint64_t number;

        j->rows = calloc(JOB_EVENTS, sizeof *j->rows);
        if (!slot || !j->rows)
                return -ENOMEM;
        while (history_next_from(h, &w, s->stored + 1, &e, &number)) {
                uint32_t at = hash_of(&e) % SLOTS;
                while (slot[at] && !may_join(&j->rows[slot[at] - 1].event, &e))
                        at = (at + 1) % SLOTS;
                if (slot[at]) {
                        join(&j->rows[slot[at] - 1], &e, number);
                } else {
                        if (j->row_count == JOB_EVENTS)
                                break;
                        j->rows[j->row_count++] =
                                (struct row){.event = e, .number = number, .start_ms = start_of(&e)};
                        slot[at] = (uint16_t)j->row_count;
                }
                j->through = number;
        }
        if (j->through + 1 == h->next_number && s->ring) {
                j->ring = s->ring;
                j->ring_next = s->ring_next;
        }
        return 0;
}

uint64_t events_waiting(const struct store *s, const struct history *h, bool *ret_prompt)
{
        struct history_walk w = {0};
        struct event e;
        uint64_t number;

        *ret_prompt = false;
        while (!*ret_prompt && history_next_from(h, &w, MAX(s->stored, s->looked) + 1, &e, &number))
                *ret_prompt = !is_routine(&e);
        return h->next_number - 1 - MIN(s->stored, h->next_number - 1);
}

/* ---- finding ---- */

static bool matches(const struct event *e, uint64_t number, const struct store_query *q)
{
        const char *kind = event_kind_name(e->kind);
        int64_t ms = e->unix_ns / (int64_t)NSEC_PER_MSEC;

        return number > q->after && (!q->since_ms || ms >= q->since_ms) &&
               (!q->until_ms || ms < q->until_ms) &&
               (!q->service || !*q->service || !strcmp(e->service, q->service)) &&
               (!q->kind || !*q->kind || (kind && !strcmp(kind, q->kind))) &&
               (!q->command || !*q->command || text_glob(q->command, e->comm));
}

/* What of the disk is asked for: `from` <= number <= `to`, and what has moved already up to `to_moved`. */
struct search {
        struct db *db;
        const struct store_query *q;
        uint64_t to, to_moved;
        int64_t kind;
        sqlite3_stmt *event, *recent;
};

static int64_t kind_of(const char *name)
{
        for (int k = 1; k < EVENT_KINDS; k++)
                if (event_kind_name((enum event_kind)k) && !strcmp(event_kind_name((enum event_kind)k), name))
                        return k;
        return -1;
}

/* The condition, with an index chosen by hand: the most telling of command, service and kind. */
static void sql_of(const struct search *x, const char *table, bool newest, char *sql, size_t size)
{
        bool command = x->q->command && *x->q->command, service = x->q->service && *x->q->service;
        bool rare = x->kind && x->kind != EVENT_EXIT && x->kind != EVENT_HEALTH_OK;
        char index[40] = "";

        if (!strcmp(table, "event"))
                snprintf(index, sizeof index, "%s",
                        command   ? "INDEXED BY event_comm"
                        : service ? "INDEXED BY event_service"
                        : rare    ? "INDEXED BY event_kind"
                                  : "NOT INDEXED");
        snprintf(sql, size,
                "SELECT id, time, kind, (SELECT text FROM name WHERE id = service),"
                " (SELECT text FROM name WHERE id = comm), (SELECT text FROM name WHERE id = e.text), pid, "
                "ppid,"
                " status, start, count, cpu, value, span FROM %s e %s WHERE id >= ?1 AND id <= ?2"
                " AND time >= ?3 AND time < ?4%s%s%s%s ORDER BY id %s",
                table, index, service ? " AND service = (SELECT id FROM name WHERE text = ?5)" : "",
                command ? strpbrk(x->q->command, "*?")
                                  ? " AND comm IN (SELECT id FROM name WHERE CAST(text AS TEXT) GLOB ?6)"
                                  : " AND comm = (SELECT id FROM name WHERE text = ?6)"
                        : "",
                x->kind ? " AND kind = ?7" : "", rare ? " AND kind NOT IN (1, 9)" : "",
                newest ? "DESC" : "ASC");
}

/* Brackets mean themselves with us, and a set of letters with SQLite. */
static void bind_pattern(const struct search *x, sqlite3_stmt *st, int at)
{
        char pattern[256];
        size_t n = 0;

        for (const char *p = x->q->command; *p && n < sizeof pattern - 4; p++)
                if (*p == '[')
                        n += (size_t)snprintf(pattern + n, sizeof pattern - n, "[[]");
                else
                        pattern[n++] = *p;
        x->db->q->bind_text(st, at, pattern, (int)n, SQLITE_TRANSIENT);
}

static sqlite3_stmt *ask(const struct search *x, const char *table, uint64_t from, bool newest)
{
        const struct sqlite *f = x->db->q;
        char sql[900];

        sql_of(x, table, newest, sql, sizeof sql);
        sqlite3_stmt *st = db_prepare(x->db, sql);
        if (!st)
                return NULL;
        f->bind_int64(st, 1, (int64_t)from);
        f->bind_int64(st, 2, (int64_t)(!strcmp(table, "event") ? x->to_moved : x->to));
        f->bind_int64(st, 3, x->q->since_ms ? x->q->since_ms : INT64_MIN);
        f->bind_int64(st, 4, x->q->until_ms ? x->q->until_ms : INT64_MAX);
        if (x->q->service && *x->q->service)
                f->bind_blob(st, 5, x->q->service, (int)strlen(x->q->service), SQLITE_STATIC);
        if (x->q->command && *x->q->command) {
                if (strpbrk(x->q->command, "*?"))
                        bind_pattern(x, st, 6);
                else
                        f->bind_blob(st, 6, x->q->command, (int)strlen(x->q->command), SQLITE_STATIC);
        }
        if (x->kind)
                f->bind_int64(st, 7, x->kind);
        return st;
}

static void copy_text(const struct db *d, sqlite3_stmt *st, int column, char *to, size_t size)
{
        int len = d->q->column_bytes(st, column);
        const char *text = d->q->column_blob(st, column);

        text_copy(to, size, text ? text : "", (size_t)len);
}

static void read_row(const struct db *d, sqlite3_stmt *st, struct store_event *ret)
{
        const struct sqlite *q = d->q;
        struct event *e = &ret->event;

        *ret = (struct store_event){.number = (uint64_t)q->column_int64(st, 0)};
        e->unix_ns = q->column_int64(st, 1) * (int64_t)NSEC_PER_MSEC;
        e->kind = (uint16_t)q->column_int64(st, 2);
        copy_text(d, st, 3, e->service, sizeof e->service);
        copy_text(d, st, 4, e->comm, sizeof e->comm);
        copy_text(d, st, 5, e->text, sizeof e->text);
        e->pid = (int32_t)q->column_int64(st, 6);
        e->ppid = (int32_t)q->column_int64(st, 7);
        e->exit_status = (int32_t)q->column_int64(st, 8);
        ret->start_ms = q->column_int64(st, 9);
        e->count = q->column_type(st, 10) == SQLITE_NULL ? BOARD_UNKNOWN : (uint64_t)q->column_int64(st, 10);
        e->cpu_ns = q->column_type(st, 11) == SQLITE_NULL ? BOARD_UNKNOWN : (uint64_t)q->column_int64(st, 11);
        e->value = q->column_type(st, 12) == SQLITE_NULL ? NAN : q->column_double(st, 12);
        ret->span_ms = q->column_int64(st, 13);
}

/* Ids in one table, from the newest on, until `limit` are seen: the last of them is where to begin. */
static int count_back(
        struct search *x, const char *table, uint32_t limit, uint64_t from, uint32_t *count, uint64_t *first)
{
        sqlite3_stmt *st = ask(x, table, from, true);
        int r = st ? SQLITE_ROW : SQLITE_ERROR;

        while (st && *count <= limit && (r = x->db->q->step(st)) == SQLITE_ROW) {
                if (++*count <= limit)
                        *first = (uint64_t)x->db->q->column_int64(st, 0);
        }
        db_end(x->db, &st);
        return r == SQLITE_ROW ? SQLITE_DONE : r;
}

static int show_rows(struct search *x, const char *table, uint64_t from, uint32_t *left,
        void (*fn)(void *ctx, const struct store_event *e), void *ctx, struct store_found *ret)
{
        sqlite3_stmt *st = ask(x, table, from, false);
        int r = st ? SQLITE_ROW : SQLITE_ERROR;
        struct store_event e;

        while (st && *left && (r = x->db->q->step(st)) == SQLITE_ROW) {
                read_row(x->db, st, &e);
                fn(ctx, &e);
                ret->shown++;
                --*left;
        }
        db_end(x->db, &st);
        return r == SQLITE_ROW ? SQLITE_DONE : r;
}

/* The smallest number that may have happened since then: whole hours, and of the first one most rows, are
 * left out without a look. A month later none of them is in memory. */
static uint64_t first_since(const struct db *d, int64_t since_ms)
{
        char sql[300];

        snprintf(sql, sizeof sql,
                "SELECT ifnull((SELECT ifnull((SELECT min(first) FROM span WHERE to_ms >= %lld AND first "
                "BETWEEN"
                " h.first AND h.last), h.first) FROM hour h WHERE to_ms >= %lld AND first > 0 ORDER BY first"
                " LIMIT 1), 0)",
                (long long)since_ms, (long long)since_ms);
        int64_t first = since_ms ? db_number(d, sql, -1) : 1; /* -1: it can't be read */
        if (!first)
                first = db_number(d, "SELECT min(id) FROM recent", 0);
        return first > 0 ? (uint64_t)first : 1;
}

/* The largest number that may have happened before then, of those in hours. */
static uint64_t last_until(const struct db *d, int64_t until_ms, uint64_t to)
{
        char sql[300];

        snprintf(sql, sizeof sql,
                "SELECT ifnull((SELECT ifnull((SELECT max(last) FROM span WHERE from_ms < %lld AND first "
                "BETWEEN"
                " h.first AND h.last), h.last) FROM hour h WHERE from_ms < %lld AND last > 0 ORDER BY last "
                "DESC"
                " LIMIT 1), 0)",
                (long long)until_ms, (long long)until_ms);
        int64_t last = until_ms ? db_number(d, sql, -1) : -1;
        return last >= 0 ? MIN((uint64_t)last, to) : to;
}

/* `limit` of the disk's rows up to x->to, the newest unless `after` says otherwise. */
static void show_stored(struct search *x, uint32_t limit, void (*fn)(void *ctx, const struct store_event *e),
        void *ctx, struct store_found *ret)
{
        uint64_t from = MAX(first_since(x->db, x->q->since_ms), x->q->after + 1), first = from;
        uint32_t count = 0, left = limit;
        int r = SQLITE_DONE;

        x->to_moved = last_until(x->db, x->q->until_ms, x->to);
        if (!x->q->after) {
                first = x->to + 1;
                r = count_back(x, "recent", limit, from, &count, &first);
                if (r == SQLITE_DONE && count <= limit)
                        r = count_back(x, "event", limit, from, &count, &first);
                ret->matching = count;
                ret->more |= count > limit;
                ret->cut |= r != SQLITE_DONE;
        }
        /* each pass has a time of its own */
        db_limit(x->db, clock_boot_ns() + QUERY_MS * NSEC_PER_MSEC);
        if (show_rows(x, "event", first, &left, fn, ctx, ret) != SQLITE_DONE ||
                show_rows(x, "recent", first, &left, fn, ctx, ret) != SQLITE_DONE)
                ret->cut = true;
}

/* What memory has from number `from` on. */
static uint32_t count_kept(const struct history *h, const struct store_query *q, uint64_t from)
{
        struct history_walk w = {0};
        struct event e;
        uint64_t number;
        uint32_t n = 0;

        while (h && history_next_from(h, &w, from, &e, &number))
                n += matches(&e, number, q);
        return n;
}

static void show_kept(const struct history *h, const struct store_query *q, uint64_t from, uint32_t skip,
        uint32_t limit, void (*fn)(void *ctx, const struct store_event *e), void *ctx,
        struct store_found *ret)
{
        struct history_walk w = {0};
        struct store_event one = {0};

        while (h && limit && history_next_from(h, &w, from, &one.event, &one.number)) {
                if (!matches(&one.event, one.number, q) || (skip && skip--))
                        continue;
                one.start_ms = start_of(&one.event);
                fn(ctx, &one);
                ret->shown++;
                limit--;
        }
        if (q->after && h && !limit)
                ret->more = true;
}

static uint64_t oldest_kept(const struct history *h)
{
        return h ? history_first(h) : UINT64_MAX;
}

/* Memory alone is enough when it reaches back as far as is asked for. */
static bool is_kept(const struct history *h, const struct store_query *q, uint32_t in_memory)
{
        struct history_walk w = {0};
        struct event e;
        uint64_t number;

        if (q->after + 1 >= oldest_kept(h) || (!q->after && in_memory >= q->limit))
                return true;
        return q->since_ms && h && history_next(h, &w, &e, &number) &&
               e.unix_ns / (int64_t)NSEC_PER_MSEC < q->since_ms;
}

void store_events(struct store *s, const struct history *h, const struct store_query *query,
        void (*fn)(void *ctx, const struct store_event *e), void *ctx, struct store_found *ret)
{
        struct store_query q = *query;
        uint32_t kept = count_kept(h, &q, 0);
        uint64_t from = 0;

        *ret = (struct store_found){.lost = h ? h->lost : 0};
        if (s)
                ret->lost += s->lost_events;
        struct db *d = s && !is_kept(h, &q, kept) ? store_reader(s) : NULL;
        if (d) {
                /* what is stored comes from the disk, where like ones are one row; the rest from memory */
                struct search x = {
                        .db = d, .q = &q, .to = s->stored, .kind = q.kind && *q.kind ? kind_of(q.kind) : 0};
                from = s->stored + 1;
                kept = count_kept(h, &q, from);
                uint32_t room = q.after ? q.limit : q.limit - MIN(kept, q.limit);
                if (room)
                        show_stored(&x, room, fn, ctx, ret);
        } else if (s && s->state != STORE_OFF && !is_kept(h, &q, kept)) {
                ret->cut = true;
        }
        uint32_t left = q.limit - MIN(ret->shown, q.limit);
        uint32_t skip = !q.after && kept > left ? kept - left : 0;
        ret->matching += kept;
        ret->more |= skip > 0;
        show_kept(h, &q, from, skip, left, fn, ctx, ret);
}
