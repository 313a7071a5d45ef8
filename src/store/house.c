/* The store's housework: once an hour recent rows move to where they are found by service and command; what
 * is too old or too much goes, the oldest first.
 */
#include "store/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
        RECENT_ROWS = 20000, /* move earlier than after an hour: this is read as a whole by each query */
        RECENT_PACKS = 20000,
        HOURS_AT_ONCE =
                2, /* deleted for their age in one go: a clock that is wrong for a while costs little */
        DOCUMENTS_AT_ONCE = 20,
        NAME_DAYS = 2,
        NAMES_MANY = 20000,
        NAMES_AT_ONCE = 20000,
};
#define HOUR_NS       (3600 * NSEC_PER_SEC)
#define WAL_MAX_BYTES ((uint64_t)4 << 20)

static int transaction(struct writer *w, int (*work)(struct writer *w))
{
        int r = db_run(&w->db, "BEGIN IMMEDIATE");

        if (r != SQLITE_OK)
                return r;
        r = work(w);
        if (r == SQLITE_OK)
                r = db_run(&w->db, "COMMIT");
        if (r != SQLITE_OK)
                db_run(&w->db, "ROLLBACK");
        return r;
}

/* ---- an hour ---- */

struct merge {
        struct store_sample *samples; /* SAMPLES_MAX of them */
        uint32_t count;
        int64_t from_ms, to_ms;
};

static void merge_one(void *ctx, const struct store_sample *s)
{
        struct merge *m = ctx;

        if (m->count < SAMPLES_MAX)
                m->samples[m->count++] = *s;
        m->from_ms = m->from_ms ? MIN(m->from_ms, s->time_ms) : s->time_ms;
        m->to_ms = MAX(m->to_ms, s->time_ms);
}

static int put_hour(const struct db *d, sqlite3_stmt *put, int64_t hour, int64_t service, struct merge *m)
{
        struct out o = out_of(1 << 20);
        int r = SQLITE_NOMEM;

        sample_pack(m->samples, m->count, &o);
        m->count = 0;
        if (!o.failed) {
                d->q->bind_int64(put, 1, hour);
                d->q->bind_int64(put, 2, service);
                d->q->bind_blob(put, 3, o.buf, (int)o.len, SQLITE_STATIC);
                r = db_step(d, put);
        }
        out_done(&o);
        return r;
}

/* All packs of a service become one; what can't be read any more is left out. */
static int move_samples(const struct writer *w, int64_t hour, struct merge *m)
{
        const struct db *d = &w->db;
        sqlite3_stmt *all = db_prepare(d, "SELECT service, data FROM sample_recent ORDER BY service, id");
        sqlite3_stmt *put = db_prepare(d, "REPLACE INTO sample (hour, service, data) VALUES (?, ?, ?)");
        int64_t service = -1;
        int r = all && put ? SQLITE_ROW : SQLITE_NOMEM;

        while (r == SQLITE_ROW && (r = d->q->step(all)) == SQLITE_ROW) {
                int64_t next = d->q->column_int64(all, 0);
                if (next != service && m->count) {
                        int done = put_hour(d, put, hour, service, m);
                        if (done != SQLITE_OK) {
                                r = done;
                                break;
                        }
                }
                service = next;
                sample_unpack(d->q->column_blob(all, 1), (size_t)d->q->column_bytes(all, 1), merge_one, m);
        }
        if (r == SQLITE_DONE)
                r = m->count ? put_hour(d, put, hour, service, m) : SQLITE_OK;
        db_end(d, &all);
        db_end(d, &put);
        return r;
}

static int move_hour(struct writer *w)
{
        struct merge m = {.samples = calloc(SAMPLES_MAX, sizeof *m.samples)};
        int64_t hour = db_number(&w->db, "SELECT max(id) FROM hour", -1) + 1;
        char sql[400];

        if (!m.samples)
                return SQLITE_NOMEM;
        int r = hour ? move_samples(w, hour, &m) : SQLITE_IOERR; /* 0: it can't be read */
        free(m.samples);
        snprintf(sql, sizeof sql,
                "INSERT INTO hour SELECT %lld, min(ifnull(min(time), %lld), %lld), max(ifnull(max(time), 0), "
                "%lld),"
                " min(id), max(id) FROM recent",
                (long long)hour, (long long)(m.from_ms ? m.from_ms : INT64_MAX),
                (long long)(m.from_ms ? m.from_ms : INT64_MAX), (long long)m.to_ms);
        if (r == SQLITE_OK)
                r = db_run(&w->db, sql);
        snprintf(sql, sizeof sql,
                "UPDATE name SET used = %lld WHERE used < %lld AND id IN (SELECT service FROM recent UNION"
                " SELECT comm FROM recent UNION SELECT text FROM recent UNION SELECT service FROM "
                "sample_recent)",
                (long long)(w->unix_ms() / 86400000), (long long)(w->unix_ms() / 86400000));
        if (r == SQLITE_OK)
                r = db_run(&w->db, sql);
        if (r == SQLITE_OK)
                r = db_run(&w->db,
                        "REPLACE INTO span SELECT min(id), max(id), min(time), max(time) FROM recent"
                        " GROUP BY id / 512;"
                        "REPLACE INTO event SELECT * FROM recent; DELETE FROM recent;"
                        "DELETE FROM sample_recent");
        return r;
}

/* ---- what goes ---- */

static int drop_oldest_hour(struct writer *w)
{
        return db_run(&w->db,
                "DELETE FROM event WHERE id BETWEEN (SELECT first FROM hour ORDER BY id LIMIT 1) AND"
                " (SELECT last FROM hour ORDER BY id LIMIT 1);"
                "DELETE FROM span WHERE first <= (SELECT last FROM hour ORDER BY id LIMIT 1);"
                "DELETE FROM sample WHERE hour = (SELECT min(id) FROM hour);"
                "DELETE FROM hour WHERE id = (SELECT min(id) FROM hour)");
}

static int drop_documents(struct writer *w, bool open, int64_t before_ms)
{
        char sql[300];

        snprintf(sql, sizeof sql,
                "DELETE FROM document WHERE rowid IN (SELECT rowid FROM document WHERE open = %d AND kind <> "
                "%d"
                " AND time < %lld ORDER BY time LIMIT %d)",
                open, STORE_STATE, (long long)before_ms, DOCUMENTS_AT_ONCE);
        return db_run(&w->db, sql);
}

/* They are large, and tell of moments: the oldest give way to new ones, not to all that the store is for. */
static int drop_captures(struct writer *w)
{
        char sql[200];

        snprintf(sql, sizeof sql,
                "DELETE FROM document WHERE rowid IN (SELECT rowid FROM document WHERE kind = %d"
                " ORDER BY time DESC LIMIT -1 OFFSET %d)",
                STORE_CAPTURE, STORE_CAPTURES);
        return db_run(&w->db, sql);
}

static int drop_recent(struct writer *w)
{
        return db_run(&w->db, "DELETE FROM recent WHERE id <= (SELECT (min(id) + max(id)) / 2 FROM recent);"
                              "DELETE FROM sample_recent WHERE id <= (SELECT (min(id) + max(id)) / 2 FROM"
                              " sample_recent)");
}

static int drop_something(struct writer *w)
{
        int64_t hours = db_number(&w->db, "SELECT count(*) FROM (SELECT 1 FROM hour LIMIT 1)", -1);
        if (hours) /* when it can't be read, nothing newer goes instead */
                return hours > 0 ? drop_oldest_hour(w) : SQLITE_IOERR;
        for (int open = 0; open < 2; open++) {
                if (!open &&
                        db_number(&w->db, "SELECT count(*) FROM (SELECT 1 FROM recent LIMIT 100)", 0) == 100)
                        return drop_recent(w);
                char sql[120];
                snprintf(sql, sizeof sql,
                        "SELECT count(*) FROM (SELECT 1 FROM document WHERE open = %d AND kind"
                        " <> %d LIMIT 1)",
                        open, STORE_STATE);
                if (db_number(&w->db, sql, 0))
                        return drop_documents(w, open, INT64_MAX);
        }
        return SQLITE_FULL;
}

/* Names that nothing refers to any more, found by reading everything: only when there are very many, because
 * somebody makes up new ones all the time. */
static int drop_unused_names(struct writer *w)
{
        char sql[600];

        if (db_number(&w->db, "SELECT max(id) - min(id) FROM name", 0) < NAMES_MANY)
                return SQLITE_OK;
        snprintf(sql, sizeof sql,
                "DELETE FROM name WHERE id IN (SELECT id FROM name EXCEPT SELECT service FROM event EXCEPT"
                " SELECT comm FROM event EXCEPT SELECT text FROM event EXCEPT SELECT service FROM recent "
                "EXCEPT"
                " SELECT comm FROM recent EXCEPT SELECT text FROM recent EXCEPT SELECT service FROM sample "
                "EXCEPT"
                " SELECT service FROM sample_recent LIMIT %d)",
                NAMES_AT_ONCE);
        return db_run(&w->db, sql);
}

static int drop_names(struct writer *w)
{
        char sql[200];

        snprintf(sql, sizeof sql,
                "DELETE FROM name WHERE used < (SELECT min(from_ms) FROM hour) / 86400000 - %d", NAME_DAYS);
        return db_run(&w->db, sql);
}

/* Pages in use, and how many there may be. */
static void pages(const struct writer *w, int64_t *used, int64_t *most)
{
        *used = db_number(&w->db, "PRAGMA page_count", 0) - db_number(&w->db, "PRAGMA freelist_count", 0);
        *most = db_number(&w->db, "PRAGMA max_page_count", INT32_MAX);
}

bool writer_at_bound(const struct writer *w)
{
        int64_t used, most;

        pages(w, &used, &most);
        return used > most - most / 8;
}

/* Several transactions in a row must not pile up. */
static void tame_wal(const struct writer *w)
{
        char wal[320];
        struct stat st;

        snprintf(wal, sizeof wal, "%s-wal", w->path);
        if (stat(wal, &st) == 0 && (uint64_t)st.st_size > MIN(WAL_MAX_BYTES, w->max_bytes / 8))
                w->db.q->wal_checkpoint_v2(w->db.c, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int writer_make_room(struct writer *w)
{
        int r = SQLITE_OK;

        for (int64_t used, most; r == SQLITE_OK;) {
                pages(w, &used, &most);
                if (used < most - most / 6)
                        break;
                r = transaction(w, drop_something);
                if (r == SQLITE_OK)
                        r = transaction(w, drop_unused_names);
                tame_wal(w);
        }
        return r;
}

static int drop_aged(struct writer *w)
{
        int64_t before = w->unix_ms() - w->retention_ms;
        char sql[100];
        int r = SQLITE_OK;

        snprintf(sql, sizeof sql, "SELECT to_ms < %lld FROM hour ORDER BY id LIMIT 1", (long long)before);
        for (int i = 0; i < HOURS_AT_ONCE && r == SQLITE_OK && db_number(&w->db, sql, 0); i++)
                r = transaction(w, drop_oldest_hour);
        return r == SQLITE_OK ? drop_documents(w, false, before) : r;
}

int writer_keep_house(struct writer *w, bool now)
{
        uint64_t at = w->boot_ns();
        int r = SQLITE_OK;

        if (!w->packed_ns)
                w->packed_ns = at;
        bool full = db_number(&w->db, "SELECT count(*) FROM recent", 0) >= RECENT_ROWS ||
                    db_number(&w->db, "SELECT count(*) FROM sample_recent", 0) >= RECENT_PACKS;
        if (now || full || at >= w->packed_ns + HOUR_NS) {
                w->packed_ns = at;
                r = transaction(w, move_hour);
                if (r == SQLITE_OK && w->retention_ms)
                        r = drop_aged(w);
                if (r == SQLITE_OK)
                        r = drop_captures(w);
                if (r == SQLITE_OK)
                        r = drop_names(w);
        }
        if ((r == SQLITE_OK || (r & 0xff) == SQLITE_FULL) && writer_at_bound(w))
                r = writer_make_room(w);
        tame_wal(w);
        return r;
}
