/* The engine process's end of the connection with the guard. What the guard cannot take at once waits in a
 * bounded queue; what does not fit is counted, and everything known is sent again when there is room.
 */
#pragma once

#include "base/loop.h"
#include "model/engine_msg.h"

struct link_node;

struct link {
        struct loop *loop;
        struct loop_fd watch;
        struct link_node *head, **tail;
        uint32_t queued;
        uint64_t dropped;
        bool lossy; /* something was dropped since the queue was last empty */
        void (*asked)(void *ctx, const struct engine_msg *m);
        void (*recovered)(void *ctx); /* the queue is empty again after a loss */
        void (*closed)(void *ctx);
        void *ctx;
};

/* fd: borrowed. The three functions and ctx are set by the caller before. */
int link_init(struct link *k, struct loop *l, int fd);
void link_done(struct link *k);
void link_send(struct link *k, const struct engine_msg *m);
