/* Loading libmicrohttpd: see mhd.h. */
#include "recorder/mhd.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

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
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                void *f = dlsym(lib, names[i]);
                if (!f) {
                        error_set(e, -ELIBBAD, "libmicrohttpd has no %s", names[i]);
                        dlclose(lib);
                        return NULL;
                }
                memcpy((char *)&functions + i * sizeof f, &f, sizeof f);
        }
        library = lib;
        return &functions;
}
