/* HTTP on sockets that somebody else opened: libmicrohttpd inside the process's own loop, without
 * threads. Requests go to recorder/route.h.
 */
#pragma once

#include "base/loop.h"
#include "recorder/guests.h"
#include "recorder/mhd.h"
#include "recorder/route.h"

struct exchange;

struct http {
        const struct mhd *mhd;
        struct MHD_Daemon *daemon;
        struct loop *loop;
        struct loop_fd fd;
        struct loop_timer timer;
        struct route_env *env;
        void (*before)(void *ctx); /* called before each request is answered; may be NULL */
        void *before_ctx;
        bool is_unix;
        unsigned connections;       /* after the last run */
        struct exchange *suspended; /* whose reply is waited for */
        struct guests guests;
};

/* Takes over listen_fd in any case. */
int http_start(struct http *h, const struct mhd *mhd, struct loop *loop, struct route_env *env, int listen_fd,
        bool is_unix, struct error *e);
void http_stop(struct http *h);
