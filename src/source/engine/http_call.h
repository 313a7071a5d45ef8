/* One request to the container engine on the event loop: never blocks, hands the body on as it comes, says
 * when the answer is slow and when it is given up. A call is embedded in its owner and can be used again.
 */
#pragma once

#include "base/error.h"
#include "base/http_reader.h"
#include "base/loop.h"

struct http_call;

struct http_call_ops {
        /* Bytes of a body with status 200; a negative errno ends the call. Must not cancel any call. */
        int (*body)(void *ctx, const char *data, size_t len);
        /* The same with any other status; may be NULL. */
        int (*refused)(void *ctx, const char *data, size_t len);
        /* The end: result is the HTTP status or a negative errno with its text in e. May start calls. */
        void (*done)(void *ctx, struct http_call *c, int result, const struct error *e);
        /* Headers have come, or NULL. */
        void (*answered)(void *ctx, struct http_call *c);
        /* Nothing came for slow_ms; the call goes on. May be NULL. */
        void (*slow)(void *ctx, struct http_call *c);
};

struct http_call {
        struct loop *loop;
        const struct http_call_ops *ops;
        void *ctx;
        struct loop_fd watch;
        struct loop_timer timer;
        struct http_reader reader;
        uint64_t give_up_ns; /* 0 = never */
        size_t sent, request_len;
        bool active, answered;
        char request[512];
        char socket_path[108];
};

/* A GET. Times 0: not. 0, or a negative errno when it could not even be begun (done is not called then). */
int http_call_start(struct http_call *c, struct loop *l, const char *socket_path, const char *target,
        const struct http_call_ops *ops, void *ctx, int slow_ms, int give_up_ms);
/* The same with another method, and without a body. */
int http_call_send(struct http_call *c, struct loop *l, const char *socket_path, const char *method,
        const char *target, const struct http_call_ops *ops, void *ctx, int slow_ms, int give_up_ms);
/* Ends it without a word. Fine on one that is not active. */
void http_call_cancel(struct http_call *c);
