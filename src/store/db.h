/* One connection to the database, with the few calls that the store makes on it. Internal to store/. What
 * SQLite answers is passed on as it is: SQLITE_OK, SQLITE_FULL...
 */
#pragma once

#include "store/sqlite.h"

#include <stdbool.h>

struct db {
        const struct sqlite *q;
        sqlite3 *c;           /* NULL = closed */
        uint64_t deadline_ns; /* of the running query; 0 = none */
};

enum { SCHEMA_VERSION = 3, PAGE_BYTES = 1024 };

/* Opens for writing and brings the schema up to date; makes the file when there is none. -EUCLEAN when it is
 * corrupt, -EPROTO when a newer Sexton wrote it, -EIO, -ENOSPC, -EACCES...; then it is closed. */
int db_open(struct db *d, const char *path, struct error *e);
/* The same with a schema of an older version, as that version made it: for tests of the migration. */
int db_open_version(struct db *d, const char *path, int version, struct error *e);
/* For reading only. */
int db_open_reader(struct db *d, const char *path);
void db_close(struct db *d);

int db_run(const struct db *d, const char *sql);
/* The first column of the first row; `otherwise` when there is no row or it fails. */
int64_t db_number(const struct db *d, const char *sql, int64_t otherwise);
/* NULL when it fails. Finished with db_end(). */
sqlite3_stmt *db_prepare(const struct db *d, const char *sql);
void db_end(const struct db *d, sqlite3_stmt **st);
/* Runs a statement that gives no rows, and makes it ready again. */
int db_step(const struct db *d, sqlite3_stmt *st);

/* From SQLite's code to an errno, with the text of what SQLite says. */
int db_error(const struct db *d, int code, const char *doing, struct error *e);
/* Queries of this connection end with SQLITE_INTERRUPT after that long. */
void db_limit(struct db *d, uint64_t deadline_ns);
