/* Loading libsystemd: see systemd.h. */
#include "source/engine/systemd.h"

#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

const struct systemd *systemd_load(struct error *e)
{
        static struct systemd functions;
        static const char *const names[] = {
#define F(name) "sd_bus_" #name,
                SYSTEMD_FUNCTIONS(F)
#undef F
        };
        static bool loaded;

        if (loaded)
                return &functions;
        void *lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
        if (!lib) {
                error_set(e, -ELIBACC, "libsystemd is missing (package libsystemd0): %s", dlerror());
                return NULL;
        }
        if (library_take(lib, "libsystemd", names, ARRAY_SIZE(names), &functions, e) < 0)
                return NULL;
        loaded = true;
        return &functions;
}
