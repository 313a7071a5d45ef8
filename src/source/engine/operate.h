/* What the guard has decided to have done by others: stopping, starting, restarting containers
 * through the engine's API, and units through the service manager. Asked for and awaited on the loop: a
 * daemon that hangs keeps nobody waiting, and is given up after a while.
 */
#pragma once

#include "source/engine/http_call.h"
#include "source/engine/units.h"

#include "model/engine_msg.h"

enum { OPERATIONS = 32 };

struct operation {
        struct operate *of;
        struct engine_operate asked; /* number 0: entry unused */
        struct http_call call;
        char said[512]; /* the engine's error, as far as it fits */
        size_t said_len;
};

struct operate {
        struct loop *loop;
        /* Where the engine's API is; "" or NULL when it has never been reached. */
        const char *(*socket)(void *ctx);
        /* The end of each operation, once. */
        void (*operated)(void *ctx, const struct engine_operated *o);
        void *ctx;
        struct operation operation[OPERATIONS];
        struct units units;
};

/* Loop, functions and ctx are set by the caller before, and units.address by tests. */
void operate_ask(struct operate *o, const struct engine_operate *what);
/* What is under way is forgotten: the daemons may still do it. */
void operate_done(struct operate *o);
