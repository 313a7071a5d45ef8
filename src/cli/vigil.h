/* The supervisor's vigil: it asks whether the guard moves and the recorder answers, and tells the service
 * manager so: READY=1 at the first time, then WATCHDOG=1 and a line of STATUS= as long as both do. When one
 * hangs the manager hears nothing more, and starts everything anew. It never waits.
 */
#pragma once

#include "base/loop.h"
#include "model/board.h"

struct vigil {
        struct loop *loop;
        const struct board *board;
        const char *socket; /* where the recorder answers */
        void (*ready)(void *ctx);
        void *ctx;
        uint64_t every_ns; /* 0: nobody wants to know after ready() */
        uint64_t asked_ns; /* since when an answer is awaited */
        uint64_t moved_ns; /* the board's time when it had moved last */
        struct loop_timer look;
        struct loop_fd question;
        const char *complaint; /* a constant; NULL while all is well */
        bool is_ready;
};

/* The board and the socket's path are kept. ready(ctx) is called once. */
void vigil_start(struct vigil *v, struct loop *loop, const struct board *board, const char *socket,
        void (*ready)(void *ctx), void *ctx);
/* Before everything is stopped; may be called twice. */
void vigil_stop(struct vigil *v);
