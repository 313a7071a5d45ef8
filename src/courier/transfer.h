/* HTTP and mail by libcurl, as many at a time as there are jobs, in the courier's loop.
 */
#pragma once

#include "courier/curl.h"
#include "courier/delivery.h"

enum { TRANSFER_SOCKETS = 128 };

struct transfers {
        const struct curl *curl;
        void *multi; /* NULL until something was sent */
        struct loop *loop;
        struct loop_timer timer;
        struct transfer_socket {
                struct loop_fd fd;
                struct transfers *of;
                bool used;
        } socket[TRANSFER_SOCKETS];
};

void transfers_init(struct transfers *t, struct loop *loop);
void transfers_done(struct transfers *t);
/* 0 when d->done will be called later. */
int transfer_start(struct transfers *t, struct delivery *d, struct error *e);
/* Takes it out; d->done is not called any more. */
void transfer_end(struct transfers *t, struct delivery *d);
