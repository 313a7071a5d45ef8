/* A connection to the database: see db.h. The schema is made and migrated here, step by step: a new file goes
 * through all of them, so that both ways lead to the same place.
 */
#include "store/db.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* `recent` takes rows in the order they come, without indexes; once an hour they move to `event`, which has
 * them: to keep indexes up to date each minute would wear the disk ten times as much. The same holds for
 * samples. `name` holds every text once. */
static const char *const steps[SCHEMA_VERSION] = {
        /* 0 -> 1 */
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE name (id INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE, used INTEGER NOT NULL);"
        "CREATE TABLE recent (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " service INTEGER, comm INTEGER, text INTEGER, pid INTEGER, ppid INTEGER, status INTEGER,"
        " start INTEGER, count INTEGER, cpu INTEGER, value REAL);"
        "CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " service INTEGER, comm INTEGER, text INTEGER, pid INTEGER, ppid INTEGER, status INTEGER,"
        " start INTEGER, count INTEGER, cpu INTEGER, value REAL);"
        "CREATE INDEX event_service ON event (service);"
        "CREATE INDEX event_comm ON event (comm);"
        "CREATE TABLE hour (id INTEGER PRIMARY KEY, from_ms INTEGER, to_ms INTEGER, first INTEGER,"
        " last INTEGER);"
        "CREATE TABLE sample_recent (id INTEGER PRIMARY KEY, service INTEGER NOT NULL, data BLOB NOT NULL);"
        "CREATE TABLE sample (hour INTEGER, service INTEGER, data BLOB NOT NULL, PRIMARY KEY (hour, service))"
        " WITHOUT ROWID;"
        "CREATE TABLE document (kind INTEGER, id TEXT, open INTEGER NOT NULL, service TEXT NOT NULL,"
        " time INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (kind, id));"
        "CREATE INDEX document_time ON document (kind, time);",
        /* 1 -> 2: like events of a minute in one row; kinds that are rare found at once */
        "ALTER TABLE recent ADD COLUMN span INTEGER;"
        "ALTER TABLE event ADD COLUMN span INTEGER;"
        "CREATE INDEX event_kind ON event (kind) WHERE kind NOT IN (1, 9);",
        /* 2 -> 3: from which row to which to read for a time of day; hours from before have none */
        "CREATE TABLE span (first INTEGER PRIMARY KEY, last INTEGER, from_ms INTEGER, to_ms INTEGER);",
};

int db_run(const struct db *d, const char *sql)
{
        return d->q->exec(d->c, sql, NULL, NULL, NULL);
}

sqlite3_stmt *db_prepare(const struct db *d, const char *sql)
{
        sqlite3_stmt *st = NULL;

        return d->q->prepare_v2(d->c, sql, -1, &st, NULL) == SQLITE_OK ? st : NULL;
}

void db_end(const struct db *d, sqlite3_stmt **st)
{
        d->q->finalize(*st); /* NULL is fine */
        *st = NULL;
}

int db_step(const struct db *d, sqlite3_stmt *st)
{
        int r = d->q->step(st);

        d->q->reset(st);
        return r == SQLITE_DONE || r == SQLITE_ROW ? SQLITE_OK : r;
}

int64_t db_number(const struct db *d, const char *sql, int64_t otherwise)
{
        sqlite3_stmt *st = db_prepare(d, sql);

        if (st && d->q->step(st) == SQLITE_ROW)
                otherwise = d->q->column_int64(st, 0);
        db_end(d, &st);
        return otherwise;
}

int db_error(const struct db *d, int code, const char *doing, struct error *e)
{
        static const struct {
                int code, error;
        } map[] = {{SQLITE_CORRUPT, -EUCLEAN}, {SQLITE_NOTADB, -EUCLEAN}, {SQLITE_FULL, -ENOSPC},
                {SQLITE_NOMEM, -ENOMEM}, {SQLITE_PERM, -EACCES}, {SQLITE_READONLY, -EROFS},
                {SQLITE_CANTOPEN, -EACCES}, {SQLITE_BUSY, -EBUSY}, {SQLITE_INTERRUPT, -ETIME}};
        int error = -EIO;

        for (size_t i = 0; i < ARRAY_SIZE(map); i++)
                if (map[i].code == (code & 0xff))
                        error = map[i].error;
        /* the connection's text is more telling, unless something else came after it, such as a rollback */
        bool is_last = d->c && (d->q->extended_errcode(d->c) & 0xff) == (code & 0xff);
        return error_set(e, error, "%s: %s", doing, is_last ? d->q->errmsg(d->c) : d->q->errstr(code));
}

void db_close(struct db *d)
{
        if (d->c)
                d->q->close(d->c);
        d->c = NULL;
}

/* Each step and the number of its version are one transaction. */
static int migrate(const struct db *d, int from, int to)
{
        char version[64];
        int r = SQLITE_OK;

        for (int v = from; v < to && r == SQLITE_OK; v++) {
                snprintf(version, sizeof version, "PRAGMA user_version = %d", v + 1);
                r = db_run(d, "BEGIN IMMEDIATE");
                if (r == SQLITE_OK)
                        r = db_run(d, steps[v]);
                if (r == SQLITE_OK)
                        r = db_run(d, version);
                if (r == SQLITE_OK)
                        r = db_run(d, "COMMIT");
                if (r != SQLITE_OK)
                        db_run(d, "ROLLBACK");
        }
        return r;
}

static int set_up(const struct db *d, int to, struct error *e)
{
        /* the page size before the first table; WAL needs it fixed. Most pages are written again and again
         * before an hour is over: the fewer checkpoints, the less goes to the disk. */
        static const char *const pragmas[] = {"PRAGMA page_size = 1024", "PRAGMA cache_size = -384",
                "PRAGMA temp_store = MEMORY", "PRAGMA secure_delete = OFF", "PRAGMA busy_timeout = 2000",
                "PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 4000",
                "PRAGMA journal_size_limit = 4194304"};
        int r = SQLITE_OK;

        for (size_t i = 0; i < ARRAY_SIZE(pragmas) && r == SQLITE_OK; i++)
                r = db_run(d, pragmas[i]);
        int64_t version = r == SQLITE_OK ? db_number(d, "PRAGMA user_version", -1) : -1;
        if (r == SQLITE_OK && version < 0)
                r = d->q->extended_errcode(d->c);
        if (r != SQLITE_OK)
                return db_error(d, r, "opening", e);
        if (version > SCHEMA_VERSION)
                return error_set(e, -EPROTO,
                        "a newer Sexton wrote it (version %lld, this one knows %d); it is left untouched",
                        (long long)version, SCHEMA_VERSION);
        r = db_run(d, "PRAGMA journal_mode = WAL");
        if (r == SQLITE_OK)
                r = migrate(d, (int)version, to);
        /* a torn file often shows only when it is read: one look at each table's root */
        if (r == SQLITE_OK)
                r = db_run(d,
                        "SELECT max(id) FROM recent; SELECT max(id) FROM event; SELECT max(id) FROM hour;"
                        "SELECT max(rowid) FROM document; SELECT max(id) FROM name;"
                        "SELECT max(id) FROM sample_recent; SELECT max(hour) FROM sample;"
                        "SELECT count(*) FROM meta");
        return r == SQLITE_OK ? 0 : db_error(d, r, "opening", e);
}

int db_open_version(struct db *d, const char *path, int version, struct error *e)
{
        int r = d->q->open_v2(path, &d->c,
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                NULL);

        r = r == SQLITE_OK ? set_up(d, version, e) : db_error(d, r, "opening", e);
        if (r < 0)
                db_close(d);
        return r;
}

int db_open(struct db *d, const char *path, struct error *e)
{
        return db_open_version(d, path, SCHEMA_VERSION, e);
}

static int is_late(void *ctx)
{
        const struct db *d = ctx;

        return d->deadline_ns && clock_boot_ns() > d->deadline_ns;
}

int db_open_reader(struct db *d, const char *path)
{
        int r = d->q->open_v2(
                path, &d->c, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

        if (r == SQLITE_OK)
                r = db_run(d, "PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY");
        if (r == SQLITE_OK)
                d->q->progress_handler(d->c, 2000, is_late, d);
        else
                db_close(d);
        return r == SQLITE_OK ? 0 : -EIO;
}

void db_limit(struct db *d, uint64_t deadline_ns)
{
        d->deadline_ns = deadline_ns;
}
