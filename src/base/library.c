/* Taking functions from a library: see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int library_take(
        void *lib, const char *what, const char *const *names, size_t count, void *table, struct error *e)
{
        for (size_t i = 0; i < count; i++) {
                void *f = dlsym(lib, names[i]);
                if (!f) {
                        dlclose(lib);
                        return error_set(e, -ELIBBAD, "%s has no %s", what, names[i]);
                }
                memcpy((char *)table + i * sizeof f, &f, sizeof f);
        }
        return 0;
}
