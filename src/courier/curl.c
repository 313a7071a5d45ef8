/* Loading libcurl: see curl.h. */
#include "courier/curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

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
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                void *f = dlsym(lib, names[i]);
                if (!f) {
                        error_set(e, -ELIBBAD, "libcurl has no %s", names[i]);
                        dlclose(lib);
                        return NULL;
                }
                memcpy((char *)&functions + i * sizeof f, &f, sizeof f);
        }
        if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                error_set(e, -ELIBBAD, "libcurl does not start");
                return NULL;
        }
        loaded = true;
        return &functions;
}
