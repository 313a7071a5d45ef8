/* Loading libcurl: see curl.h. */
#include "courier/curl.h"

#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

const struct curl *curl_load(struct error *e)
{
        static struct curl functions;
        static const char *const names[] = {
#define F(name) "curl_" #name,
                CURL_FUNCTIONS(F)
#undef F
        };
        static bool loaded; /* for good: its code may be on the stack whenever we would close it */

        if (loaded)
                return &functions;
        void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        if (!lib) {
                error_set(e, -ELIBACC, "libcurl is missing (package libcurl4): %s", dlerror());
                return NULL;
        }
        if (library_take(lib, "libcurl", names, ARRAY_SIZE(names), &functions, e) < 0)
                return NULL;
        if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                error_set(e, -ELIBBAD, "libcurl does not start");
                return NULL;
        }
        loaded = true;
        return &functions;
}
