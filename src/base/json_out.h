/* Writes JSON as a stream: members follow each other into an `out`, whose contents may be sent and
 * consumed at any moment, so that an answer about 100,000 zombies needs no tree of them in memory.
 * Strings are others' bytes: they become valid UTF-8 with control characters visible as \xNN
 * (text_printable). Unknown numbers become null.
 *
 * `key` is NULL for elements of an array; keys are ours and need no escaping.
 */
#pragma once

#include "base/out.h"

#include <stdint.h>

struct json_out {
        struct out out;
        bool comma; /* the next member needs one */
};

static inline struct json_out json_out_of(size_t max)
{
        return (struct json_out){.out = out_of(max)};
}
static inline void json_out_done(struct json_out *j)
{
        out_done(&j->out);
}

void json_out_object(struct json_out *j, const char *key);
void json_out_object_end(struct json_out *j);
void json_out_array(struct json_out *j, const char *key);
void json_out_array_end(struct json_out *j);

void json_out_null(struct json_out *j, const char *key);
void json_out_bool(struct json_out *j, const char *key, bool value);
/* NULL becomes null. */
void json_out_text(struct json_out *j, const char *key, const char *text);
/* What is JSON already. */
void json_out_raw(struct json_out *j, const char *key, const char *json, size_t len);
/* At most size bytes, fewer when a NUL comes before. */
void json_out_bytes(struct json_out *j, const char *key, const char *text, size_t size);
/* "" becomes null. */
void json_out_text_or_null(struct json_out *j, const char *key, const char *text);
void json_out_int(struct json_out *j, const char *key, int64_t value);
/* UINT64_MAX becomes null. */
void json_out_count(struct json_out *j, const char *key, uint64_t value);
/* NAN, infinities and what is nearly one become null. */
void json_out_number(struct json_out *j, const char *key, double value);
/* Nanoseconds as seconds; UINT64_MAX becomes null. */
void json_out_seconds(struct json_out *j, const char *key, uint64_t ns);
/* A boot time as RFC 3339, with clock_wall_offset_ns(); 0 and UINT64_MAX become null. */
void json_out_time(struct json_out *j, const char *key, uint64_t boot_ns, int64_t wall_offset_ns);
