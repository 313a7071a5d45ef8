/* SQLite, loaded by the one process that keeps a store, like recorder/mhd.h: linked into the binary it
 * would cost every other process memory. The types are the real header's.
 */
#pragma once

#include "base/error.h"

#include <sqlite3.h>

#define SQLITE_FUNCTIONS(F)                                                                                  \
        F(open_v2)                                                                                           \
        F(close)                                                                                             \
        F(exec)                                                                                              \
        F(prepare_v2)                                                                                        \
        F(step)                                                                                              \
        F(reset)                                                                                             \
        F(finalize)                                                                                          \
        F(bind_int64)                                                                                        \
        F(bind_double)                                                                                       \
        F(bind_text)                                                                                         \
        F(bind_blob)                                                                                         \
        F(bind_null)                                                                                         \
        F(column_int64)                                                                                      \
        F(column_double)                                                                                     \
        F(column_blob)                                                                                       \
        F(column_bytes)                                                                                      \
        F(column_type)                                                                                       \
        F(errmsg)                                                                                            \
        F(errstr)                                                                                            \
        F(extended_errcode)                                                                                  \
        F(progress_handler)                                                                                  \
        F(wal_checkpoint_v2)

struct sqlite {
#define F(name) __typeof__(sqlite3_##name) *name;
        SQLITE_FUNCTIONS(F)
#undef F
};

/* The library's functions, loaded once and kept; NULL with the error set. Call it first from one thread. */
const struct sqlite *sqlite_load(struct error *e);
