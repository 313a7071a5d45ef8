/* Loading SQLite: see sqlite.h. */
#include "store/sqlite.h"

#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

const struct sqlite *sqlite_load(struct error *e)
{
        static struct sqlite functions;
        static const char *const names[] = {
#define F(name) "sqlite3_" #name,
                SQLITE_FUNCTIONS(F)
#undef F
        };
        static void *library; /* stays: other threads may be in it */

        if (library)
                return &functions;
        void *lib = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
        if (!lib) {
                error_set(e, -ELIBACC, "%s", dlerror());
                return NULL;
        }
        if (library_take(lib, "libsqlite3", names, ARRAY_SIZE(names), &functions, e) < 0)
                return NULL;
        library = lib;
        return &functions;
}
