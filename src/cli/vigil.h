/* The supervisor's vigil: it asks whether the guard moves and the recorder answers. It tells the service
 * manager so: READY=1 at the first time, then WATCHDOG=1 and a line of STATUS= as long as both do; feeds the
 * kernel's watchdog as long as the guard moves; and says who hangs for too long, to be started again. It
 * never waits.
 */
#pragma once

#include "base/loop.h"
#include "cli/child.h"
#include "config/config.h"
#include "model/board.h"

struct vigil_told {
        void (*ready)(void *ctx);                      /* called once */
        void (*hung)(void *ctx, enum child_role role); /* end it: it is started again */
        void *ctx;
};

struct vigil {
        struct loop *loop;
        const struct board *board;
        const char *socket; /* where the recorder answers */
        struct vigil_told told;
        uint64_t every_ns, hang_ns;
        int device;        /* the kernel's watchdog, -1 = none */
        uint64_t asked_ns; /* since when an answer is awaited */
        uint64_t moved_ns; /* the board's time when it had moved last */
        struct loop_timer look;
        struct loop_fd question;
        const struct vigil_complaint *complaint; /* NULL while all is well */
        uint64_t complained_ns;                  /* since when; by the clock that stands still in suspend */
        uint32_t complaints;                     /* how often in a row */
        bool is_ready;
};

/* The board and the configuration are kept. */
void vigil_start(struct vigil *v, struct loop *loop, const struct board *board, const struct config *c,
        const struct vigil_told *told);
/* Before everything is stopped; may be called twice. */
void vigil_stop(struct vigil *v);
