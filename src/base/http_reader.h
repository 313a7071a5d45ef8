/* An HTTP/1.1 response as it arrives, in pieces of any size: status, then the body's bytes handed to a
 * function as they come, chunked or not. Holds no buffer; the caller decides what a body may cost.
 */
#pragma once

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

struct http_reader {
        struct http_parser parser;
        int status;    /* 0 until the headers are complete */
        bool complete; /* the whole response has been read */
        /* Takes body bytes; a negative errno ends the reading and is returned by http_reader_feed(). */
        int (*body)(void *ctx, const char *data, size_t len);
        void *ctx;
        int refused; /* what body() returned */
};

void http_reader_init(struct http_reader *r, int (*body)(void *ctx, const char *data, size_t len), void *ctx);
/* len 0 says that the peer has closed. 0, -EPROTO when this is not HTTP or was cut short, or body()'s error.
 * Bytes behind a complete response are ignored. */
int http_reader_feed(struct http_reader *r, const char *data, size_t len);
/* What was wrong, for a person. */
const char *http_reader_problem(const struct http_reader *r);
