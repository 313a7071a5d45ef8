/* The store's thread at work: one job, one transaction. A job that failed is written again later as a whole,
 * maybe after its commit came through after all: every row has a key of its own and replaces itself.
 */
#include "store/internal.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- opening ---- */

static void note_file(struct writer *w)
{
        struct stat st;

        w->inode = stat(w->path, &st) == 0 ? st.st_ino : 0;
        w->device = w->inode ? st.st_dev : 0;
}

/* Somebody removed or replaced the file: what is written goes nowhere. */
static bool is_lost(const struct writer *w)
{
        struct stat st;

        return stat(w->path, &st) < 0 || st.st_ino != w->inode || st.st_dev != w->device;
}

static uint64_t size_of(const char *path, const char *suffix)
{
        char name[320];
        struct stat st;

        snprintf(name, sizeof name, "%s%s", path, suffix);
        return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Keeps what can't be read for a person to look at; only the newest such file. */
static bool set_aside(struct writer *w, const char *why)
{
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        char from[320], to[340];
        bool done = true;

        db_close(&w->db);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                snprintf(from, sizeof from, "%s%s", w->path, suffixes[i]);
                snprintf(to, sizeof to, "%s.corrupt%s", w->path, suffixes[i]);
                if (rename(from, to) < 0 && errno != ENOENT)
                        done = false;
        }
        snprintf(w->out.text, sizeof w->out.text, "%.100s was corrupt (%.90s) and %s", w->path, why,
                done ? "set aside as history.db.corrupt; a new one was begun" : "can't be set aside");
        log_error("%s", w->out.text);
        return done;
}

/* Where what is stored ends: who went on with a wrong number would write over it. Each query has a row. */
static int found(struct writer *w, struct error *e)
{
        static const char *const sql[] = {"SELECT max(id) FROM recent", "SELECT max(id) FROM event",
                "SELECT max(value) FROM meta WHERE key = 'last'", "SELECT max(id) FROM sample_recent",
                "SELECT max(value) FROM meta WHERE key = 'ring'",
                "SELECT max(value) FROM meta WHERE key = 'ring_next'"};
        int64_t n[ARRAY_SIZE(sql)];
        struct outcome *o = &w->out;

        for (size_t i = 0; i < ARRAY_SIZE(sql); i++) {
                n[i] = db_number(&w->db, sql[i], INT64_MIN);
                if (n[i] == INT64_MIN)
                        return db_error(&w->db, w->db.q->extended_errcode(w->db.c), "opening", e);
        }
        note_file(w);
        o->opened = true;
        o->generation++;
        o->last_event = (uint64_t)MAX(MAX(n[0], n[1]), MAX(n[2], (int64_t)0));
        o->last_pack = (uint64_t)n[3];
        o->ring = (uint64_t)n[4];
        o->ring_next = (uint64_t)n[5];
        return 0;
}

/* Opens the file and learns what is in it. */
static int open_file(struct writer *w, struct error *e)
{
        int r = db_open(&w->db, w->path, e);

        if (r == 0 && (r = found(w, e)) < 0)
                db_close(&w->db);
        return r;
}

/* What others than the connection's owner tell of it: sizes, the oldest. */
static void measure(struct writer *w)
{
        int64_t hour = db_number(&w->db, "SELECT from_ms FROM hour ORDER BY id LIMIT 1", 0);

        w->out.oldest_ms = hour ? hour : db_number(&w->db, "SELECT time FROM recent ORDER BY id LIMIT 1", 0);
        w->out.file_bytes = size_of(w->path, "") + size_of(w->path, "-wal") + size_of(w->path, "-shm");
}

static void bound(struct writer *w)
{
        /* the WAL may grow to what one transaction needs on top of what starts a checkpoint */
        uint64_t wal = MIN(w->max_bytes / 3, (uint64_t)12 << 20);
        char sql[80];

        snprintf(sql, sizeof sql, "PRAGMA max_page_count = %llu",
                (unsigned long long)((w->max_bytes - wal) / PAGE_BYTES));
        db_run(&w->db, sql);
}

void writer_open(struct writer *w)
{
        struct error e = {0};

        w->out.opened = false;
        w->out.code = open_file(w, &e);
        if (w->out.code == -EUCLEAN) {
                char why[100];
                text_set(why, sizeof why, e.text);
                if (!set_aside(w, why))
                        return;
                w->out.code = open_file(w, &e);
        }
        if (w->out.code < 0) {
                snprintf(w->out.text, sizeof w->out.text, "%.150s: %.140s", w->path, e.text);
                return;
        }
        bound(w);
        measure(w);
}

void writer_close(struct writer *w)
{
        db_close(&w->db);
        w->out.opened = false;
}

/* ---- rows ---- */

struct writing {
        struct db *db;
        sqlite3_stmt *find_name, *add_name, *event, *put, *remove, *sample;
        int64_t day;
};

static int64_t number_of_name(const struct writing *g, const char *text, size_t size, int *r)
{
        const struct sqlite *q = g->db->q;
        int len = (int)strnlen(text, size);
        int64_t id = 0;

        if (!len || *r != SQLITE_OK)
                return 0;
        q->bind_blob(g->find_name, 1, text, len, SQLITE_STATIC);
        int found = q->step(g->find_name);
        if (found == SQLITE_ROW)
                id = q->column_int64(g->find_name, 0);
        q->reset(g->find_name);
        if (id || (found != SQLITE_DONE && found != SQLITE_ROW)) {
                *r = id ? SQLITE_OK : found;
                return id;
        }
        q->bind_blob(g->add_name, 1, text, len, SQLITE_STATIC);
        q->bind_int64(g->add_name, 2, g->day);
        *r = db_step(g->db, g->add_name);
        q->bind_blob(g->find_name, 1, text, len, SQLITE_STATIC);
        if (*r == SQLITE_OK) {
                found = q->step(g->find_name);
                if (found == SQLITE_ROW)
                        id = q->column_int64(g->find_name, 0);
                else
                        *r = found == SQLITE_DONE ? SQLITE_ERROR : found;
        }
        q->reset(g->find_name);
        return id;
}

/* 0 is NULL. */
static void bind_known(const struct writing *g, sqlite3_stmt *st, int at, int64_t value)
{
        if (value)
                g->db->q->bind_int64(st, at, value);
        else
                g->db->q->bind_null(st, at);
}

static int write_row(const struct writing *g, const struct row *x)
{
        const struct sqlite *q = g->db->q;
        const struct event *e = &x->event;
        sqlite3_stmt *st = g->event;
        int r = SQLITE_OK;

        q->bind_int64(st, 1, (int64_t)x->number);
        q->bind_int64(st, 2, e->unix_ns / (int64_t)NSEC_PER_MSEC);
        q->bind_int64(st, 3, e->kind);
        bind_known(g, st, 4, number_of_name(g, e->service, sizeof e->service, &r));
        bind_known(g, st, 5, number_of_name(g, e->comm, sizeof e->comm, &r));
        bind_known(g, st, 6, number_of_name(g, e->text, sizeof e->text, &r));
        bind_known(g, st, 7, e->pid);
        bind_known(g, st, 8, e->ppid);
        q->bind_int64(st, 9, e->exit_status);
        bind_known(g, st, 10, x->start_ms);
        if (e->count == BOARD_UNKNOWN)
                q->bind_null(st, 11);
        else
                q->bind_int64(st, 11, (int64_t)e->count);
        if (e->cpu_ns == BOARD_UNKNOWN)
                q->bind_null(st, 12);
        else
                q->bind_int64(st, 12, (int64_t)e->cpu_ns);
        if (isfinite(e->value))
                q->bind_double(st, 13, e->value);
        else
                q->bind_null(st, 13);
        bind_known(g, st, 14, x->span_ms);
        return r == SQLITE_OK ? db_step(g->db, st) : r;
}

static int write_document(const struct writing *g, const struct waiting *d)
{
        const struct sqlite *q = g->db->q;
        sqlite3_stmt *st = d->removed ? g->remove : g->put;

        q->bind_int64(st, 1, d->kind);
        q->bind_text(st, 2, d->id, -1, SQLITE_STATIC);
        if (!d->removed) {
                q->bind_int64(st, 3, d->open);
                q->bind_text(st, 4, d->service, -1, SQLITE_STATIC);
                q->bind_int64(st, 5, d->time_ms);
                q->bind_blob(st, 6, d->json, (int)d->len, SQLITE_STATIC);
        }
        return db_step(g->db, st);
}

static int write_pack(const struct writing *g, const struct pack *p)
{
        const struct sqlite *q = g->db->q;
        int r = SQLITE_OK;

        q->bind_int64(g->sample, 1, (int64_t)p->id);
        q->bind_int64(g->sample, 2, number_of_name(g, p->service, sizeof p->service, &r));
        q->bind_blob(g->sample, 3, p->data, (int)p->len, SQLITE_STATIC);
        return r == SQLITE_OK ? db_step(g->db, g->sample) : r;
}

static int write_position(const struct writer *w, const struct job *j)
{
        char sql[300];

        if (!j->through)
                return SQLITE_OK;
        int n = snprintf(
                sql, sizeof sql, "REPLACE INTO meta VALUES ('last', %llu);", (unsigned long long)j->through);
        if (j->ring)
                snprintf(sql + n, sizeof sql - (size_t)n,
                        "REPLACE INTO meta VALUES ('ring', %lld); REPLACE INTO meta VALUES ('ring_next', "
                        "%llu)",
                        (long long)j->ring, (unsigned long long)j->ring_next);
        return db_run(&w->db, sql);
}

static int write_all(const struct writer *w, const struct writing *g, const struct job *j)
{
        int r = SQLITE_OK;

        for (uint32_t i = 0; i < j->document_count && r == SQLITE_OK; i++)
                r = write_document(g, j->documents[i]);
        for (uint32_t i = 0; i < j->row_count && r == SQLITE_OK; i++)
                r = write_row(g, &j->rows[i]);
        for (const struct pack *p = j->packs; p != j->packs_end && r == SQLITE_OK; p = p->next)
                r = write_pack(g, p);
        return r == SQLITE_OK ? write_position(w, j) : r;
}

static int write_job(struct writer *w, const struct job *j)
{
        struct db *db = &w->db;
        struct writing g = {
                .db = db,
                .day = w->unix_ms() / 86400000,
                .find_name = db_prepare(db, "SELECT id FROM name WHERE text = ?"),
                .add_name = db_prepare(db, "INSERT INTO name (text, used) VALUES (?, ?)"),
                .event = db_prepare(db,
                        "REPLACE INTO recent (id, time, kind, service, comm, text, pid, ppid, status, start,"
                        " count, cpu, value, span) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
                .put = db_prepare(db, "REPLACE INTO document (kind, id, open, service, time, json) VALUES "
                                      "(?, ?, ?, ?, ?, ?)"),
                .remove = db_prepare(db, "DELETE FROM document WHERE kind = ? AND id = ?"),
                .sample = db_prepare(db, "REPLACE INTO sample_recent (id, service, data) VALUES (?, ?, ?)"),
        };
        bool ready = g.find_name && g.add_name && g.event && g.put && g.remove && g.sample;
        int r = ready ? db_run(db, "BEGIN IMMEDIATE") : db->q->extended_errcode(db->c);

        if (r == SQLITE_OK) {
                r = write_all(w, &g, j);
                if (r == SQLITE_OK)
                        r = db_run(db, "COMMIT");
                if (r != SQLITE_OK)
                        db_run(db, "ROLLBACK");
        } else if (!ready && r == SQLITE_OK) {
                r = SQLITE_NOMEM;
        }
        db_end(db, &g.find_name);
        db_end(db, &g.add_name);
        db_end(db, &g.event);
        db_end(db, &g.put);
        db_end(db, &g.remove);
        db_end(db, &g.sample);
        return r;
}

/* ---- the job ---- */

static int attempt(struct writer *w, const struct job *j)
{
        int r = write_job(w, j);

        if ((r & 0xff) != SQLITE_FULL || !writer_at_bound(w))
                return r;
        return writer_make_room(w) == SQLITE_OK ? write_job(w, j) : r;
}

static void failed(struct writer *w, int r)
{
        struct error e = {0};

        w->out.code = db_error(&w->db, r, w->path, &e);
        snprintf(w->out.text, sizeof w->out.text, "%.290s", e.text);
        if (w->out.code == -ENOSPC)
                snprintf(w->out.text, sizeof w->out.text, "%.250s: the disk is full", w->path);
        w->refused = w->out.code == -ENOSPC || w->out.code == -EBUSY || w->out.code == -ENOMEM;
        if (w->out.code == -EUCLEAN && set_aside(w, e.text))
                writer_open(w);
        else if (!w->refused)
                writer_close(w); /* a new connection knows more: the disk may have come back */
}

void writer_apply(struct writer *w, const struct job *j)
{
        w->out.written = false;
        if (w->db.c && is_lost(w))
                writer_close(w);
        if (!w->db.c) {
                w->out.text[0] = '\0';
                writer_open(w);
        }
        if (!w->db.c || !j)
                return;
        int r = attempt(w, j);
        if (r != SQLITE_OK) {
                failed(w, r);
                /* a new file in place of a corrupt one takes it at once */
                if (w->out.code < 0 || !w->db.c)
                        return;
                r = attempt(w, j);
                if (r != SQLITE_OK) {
                        failed(w, r);
                        w->out.code = w->out.code ? w->out.code : -EIO;
                        return;
                }
        }
        w->out.code = 0;
        w->out.commits++;
        if (w->refused)
                w->out.text[0] = '\0'; /* what stood in the way is over */
        w->refused = false;
        r = writer_keep_house(w, false);
        /* rows that have moved on must not be written once more; those of a file that is set aside must */
        w->out.written = (r & 0xff) != SQLITE_CORRUPT && (r & 0xff) != SQLITE_NOTADB;
        if (r != SQLITE_OK && (r & 0xff) != SQLITE_FULL && (r & 0xff) != SQLITE_BUSY)
                failed(w, r);
        if (w->db.c)
                measure(w);
}
