/* Loading libmicrohttpd: see mhd.h. */
#include "recorder/mhd.h"

#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

const struct mhd *mhd_load(struct error *e)
{
        static struct mhd functions;
        static const char *const names[] = {
#define F(name) "MHD_" #name,
                MHD_FUNCTIONS(F)
#undef F
        };
        static void *library; /* stays: its code may be on the stack whenever we would close it */

        if (library)
                return &functions;
        void *lib = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
        if (!lib) {
                error_set(e, -ELIBACC, "%s", dlerror());
                return NULL;
        }
        if (library_take(lib, "libmicrohttpd", names, ARRAY_SIZE(names), &functions, e) < 0)
                return NULL;
        library = lib;
        return &functions;
}
