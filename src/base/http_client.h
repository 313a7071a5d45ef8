/* A small HTTP client over Unix sockets: one request per connection, a deadline over all of it, a body
 * bounded in memory. http_get() blocks; loop-driven code takes http_connect() and http_reader.h.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

enum { HTTP_BODY_MAX = 64 << 20 }; /* what http_get() accepts: 100,000 zombies are some 60 MB of JSON */

struct http_response {
        int status;
        size_t len;
        char *body; /* len bytes and a NUL; never NULL after success */
};

/* 0 with *ret filled whatever the status, or a negative errno that says who failed: -ENOENT, -ECONNREFUSED
 * (nobody listens there), -EACCES, -ETIMEDOUT, -EPROTO (not HTTP, or cut short), -EFBIG, -ENOMEM. */
int http_get(const char *socket_path, const char *target, int timeout_ms, struct http_response *ret,
        struct error *e);
/* The same with another method and, unless it is NULL, a body of JSON. */
int http_call(const char *socket_path, const char *method, const char *target, const char *body,
        int timeout_ms, struct http_response *ret, struct error *e);
void http_response_done(struct http_response *r);

/* A connected non-blocking stream socket, or a negative errno; -EAGAIN when the listener's queue is full. */
int http_connect(const char *socket_path);
/* Writes the request for target, without a body, into buf: its length, or -ENAMETOOLONG, or -EINVAL when the
 * target holds blanks or control characters. */
int http_request_format(char *buf, size_t size, const char *method, const char *target);
