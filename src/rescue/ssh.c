/* Loading libssh: see ssh.h. */
#include "rescue/ssh.h"

#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

const struct ssh *ssh_load(struct error *e)
{
        static struct ssh functions;
        static const char *const names[] = {
#define F(name) "ssh_" #name,
                SSH_FUNCTIONS(F)
#undef F
        };
        static bool loaded;

        if (loaded)
                return &functions;
        void *lib = dlopen("libssh.so.4", RTLD_NOW | RTLD_LOCAL);
        if (!lib) {
                error_set(e, -ELIBACC, "libssh is missing (package libssh-4): %s", dlerror());
                return NULL;
        }
        if (library_take(lib, "libssh", names, ARRAY_SIZE(names), &functions, e) < 0)
                return NULL;
        if (functions.init() != SSH_OK) {
                error_set(e, -ELIBBAD, "libssh does not start");
                return NULL;
        }
        functions.set_log_level(SSH_LOG_NOLOG);
        loaded = true;
        return &functions;
}
