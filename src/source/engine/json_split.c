/* Cutting a stream into JSON objects: see json_split.h. Only strings and nesting are looked at; whether
 * an object is well formed is the parser's business.
 */
#include "source/engine/json_split.h"

#include "base/util.h"

#include <errno.h>
#include <string.h>

/* A buffer up to this size is kept between objects: most events and inspections fit. */
enum { SPLIT_KEEP = 4096 };

void json_split_init(
        struct json_split *s, size_t max, void (*object)(void *ctx, const char *text, size_t len), void *ctx)
{
        *s = (struct json_split){.max = max, .object = object, .ctx = ctx};
}

void json_split_done(struct json_split *s)
{
        free(s->buf);
        s->buf = NULL;
        s->len = s->size = 0;
}

static int append(struct json_split *s, char c)
{
        if (s->skipping)
                return 0;
        if (s->len >= s->max) {
                s->skipping = true;
                json_split_done(s);
                return 0;
        }
        if (s->len == s->size) {
                size_t size = s->size ? MIN(s->size * 2, s->max) : MIN((size_t)SPLIT_KEEP, s->max);
                char *grown = realloc(s->buf, size);
                if (!grown)
                        return -ENOMEM;
                s->buf = grown;
                s->size = size;
        }
        s->buf[s->len++] = c;
        return 0;
}

/* An escaped NUL in the key of a label would make the JSON library refuse the whole container, so that a
 * hostile label could hide it: it becomes the replacement character. */
static void replace_nul(struct json_split *s)
{
        if (!s->skipping)
                memcpy(s->buf + s->len - 4, "fffd", 4);
}

static void in_string(struct json_split *s, char c)
{
        if (s->escape == 1) {
                s->escape = c == 'u' ? 2 : 0;
                s->zeros = true;
        } else if (s->escape >= 2) {
                s->zeros = s->zeros && c == '0';
                if (++s->escape == 6) {
                        s->escape = 0;
                        if (s->zeros)
                                replace_nul(s);
                }
        } else if (c == '\\') {
                s->escape = 1;
        } else if (c == '"') {
                s->in_string = false;
        }
}

static void finish(struct json_split *s)
{
        if (s->skipping)
                s->too_large++;
        else
                s->object(s->ctx, s->buf, s->len);
        s->objects++;
        s->skipping = false;
        s->len = 0;
        if (s->size > SPLIT_KEEP)
                json_split_done(s);
}

int json_split_feed(struct json_split *s, const char *data, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                char c = data[i];
                if (s->depth == 0 && c != '{') {
                        if (!strchr(" \t\r\n,[]", c) || c == '\0')
                                return -EPROTO;
                        continue;
                }
                int r = append(s, c);
                if (r < 0)
                        return r;
                if (s->in_string) {
                        in_string(s, c);
                } else if (c == '"') {
                        s->in_string = true;
                        s->escape = 0;
                } else if (c == '{' || c == '[') {
                        s->depth++;
                } else if ((c == '}' || c == ']') && --s->depth == 0) {
                        finish(s);
                }
        }
        return 0;
}
