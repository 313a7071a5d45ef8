/* JSON as a stream: see json_out.h. */
#include "base/json_out.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Longer strings do not occur: the longest is an answer of `why`, 600 bytes. */
enum { STRING_MAX = 1024 };

static void begin(struct json_out *j, const char *key)
{
        if (j->comma)
                out_bytes(&j->out, ",", 1);
        j->comma = true;
        if (key) {
                out_bytes(&j->out, "\"", 1);
                out_text(&j->out, key);
                out_bytes(&j->out, "\":", 2);
        }
}

static void open_with(struct json_out *j, const char *key, const char *bracket)
{
        begin(j, key);
        out_bytes(&j->out, bracket, 1);
        j->comma = false;
}

static void close_with(struct json_out *j, const char *bracket)
{
        out_bytes(&j->out, bracket, 1);
        j->comma = true;
}

void json_out_object(struct json_out *j, const char *key)
{
        open_with(j, key, "{");
}

void json_out_object_end(struct json_out *j)
{
        close_with(j, "}");
}

void json_out_array(struct json_out *j, const char *key)
{
        open_with(j, key, "[");
}

void json_out_array_end(struct json_out *j)
{
        close_with(j, "]");
}

void json_out_raw(struct json_out *j, const char *key, const char *json, size_t len)
{
        begin(j, key);
        out_bytes(&j->out, json, len);
}

void json_out_null(struct json_out *j, const char *key)
{
        begin(j, key);
        out_bytes(&j->out, "null", 4);
}

void json_out_bool(struct json_out *j, const char *key, bool value)
{
        begin(j, key);
        out_text(&j->out, value ? "true" : "false");
}

void json_out_bytes(struct json_out *j, const char *key, const char *text, size_t size)
{
        /* each byte becomes at most the four of \xNN */
        char safe[4 * STRING_MAX + 8];
        size_t n = text_printable(safe, sizeof safe, text, strnlen(text, MIN(size, (size_t)STRING_MAX)));

        begin(j, key);
        out_bytes(&j->out, "\"", 1);
        for (size_t i = 0; i < n;) {
                size_t run = i;
                while (run < n && safe[run] != '"' && safe[run] != '\\')
                        run++;
                out_bytes(&j->out, safe + i, run - i);
                if (run < n) {
                        out_bytes(&j->out, "\\", 1);
                        out_bytes(&j->out, safe + run, 1);
                        run++;
                }
                i = run;
        }
        out_bytes(&j->out, "\"", 1);
}

void json_out_text(struct json_out *j, const char *key, const char *text)
{
        if (text)
                json_out_bytes(j, key, text, STRING_MAX);
        else
                json_out_null(j, key);
}

void json_out_text_or_null(struct json_out *j, const char *key, const char *text)
{
        json_out_text(j, key, text && *text ? text : NULL);
}

void json_out_int(struct json_out *j, const char *key, int64_t value)
{
        begin(j, key);
        out_format(&j->out, "%" PRId64, value);
}

void json_out_count(struct json_out *j, const char *key, uint64_t value)
{
        if (value == UINT64_MAX) {
                json_out_null(j, key);
                return;
        }
        begin(j, key);
        out_format(&j->out, "%" PRIu64, value);
}

/* Rounded, the largest ones of all would be too large for those who read them. */
#define NUMBER_MAX 1e308

void json_out_number(struct json_out *j, const char *key, double value)
{
        if (!isfinite(value) || fabs(value) > NUMBER_MAX) {
                json_out_null(j, key);
                return;
        }
        begin(j, key);
        out_format(&j->out, "%.10g", value);
}

void json_out_seconds(struct json_out *j, const char *key, uint64_t ns)
{
        if (ns == UINT64_MAX) {
                json_out_null(j, key);
                return;
        }
        begin(j, key);
        out_format(&j->out, "%" PRIu64 ".%06" PRIu64, ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

void json_out_time(struct json_out *j, const char *key, uint64_t boot_ns, int64_t wall_offset_ns)
{
        char text[CLOCK_RFC3339_SIZE];
        int64_t unix_ns;

        if (boot_ns == 0 || boot_ns > INT64_MAX ||
                __builtin_add_overflow((int64_t)boot_ns, wall_offset_ns, &unix_ns)) {
                json_out_null(j, key);
                return;
        }
        begin(j, key);
        out_format(&j->out, "\"%s\"", clock_rfc3339(unix_ns, text));
}
