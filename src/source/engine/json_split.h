/* Cuts a body that holds one JSON object, a stream of them, or an array of them, into its objects, however
 * the bytes arrive. So neither the endless event stream nor a long list is ever in memory as a whole, and
 * one bound holds for each object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_split {
        char *buf;
        size_t len, size, max;
        uint64_t objects, too_large; /* handed over; skipped because longer than max */
        int depth;
        uint8_t escape; /* 0 none, 1 behind a backslash, 2..5 digits of \uXXXX seen + 2 */
        bool in_string, zeros, skipping;
        /* Gets one object; text may be changed and is gone afterwards. */
        void (*object)(void *ctx, const char *text, size_t len);
        void *ctx;
};

void json_split_init(
        struct json_split *s, size_t max, void (*object)(void *ctx, const char *text, size_t len), void *ctx);
void json_split_done(struct json_split *s);
/* 0, -EPROTO when there is something else than objects, -ENOMEM. */
int json_split_feed(struct json_split *s, const char *data, size_t len);
