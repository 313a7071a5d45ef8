/* Loading SQLite: see sqlite.h. */
#include "store/sqlite.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

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
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                void *f = dlsym(lib, names[i]);
                if (!f) {
                        error_set(e, -ELIBBAD, "libsqlite3 has no %s", names[i]);
                        dlclose(lib);
                        return NULL;
                }
                memcpy((char *)&functions + i * sizeof f, &f, sizeof f);
        }
        library = lib;
        return &functions;
}
