/* Text in the making: see out.h. */
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void out_done(struct out *o)
{
        free(o->buf);
        *o = (struct out){.max = o->max};
}

static bool room(struct out *o, size_t more)
{
        size_t size = o->size ? o->size : 1024;

        if (o->failed || more > o->max - o->len) {
                o->failed = true;
                return false;
        }
        while (size < o->len + more)
                size *= 2;
        if (size == o->size)
                return true;
        char *buf = realloc(o->buf, size);
        if (!buf) {
                o->failed = true;
                return false;
        }
        o->buf = buf;
        o->size = size;
        return true;
}

void out_bytes(struct out *o, const char *p, size_t len)
{
        if (len && room(o, len)) {
                memcpy(o->buf + o->len, p, len);
                o->len += len;
        }
}

void out_text(struct out *o, const char *text)
{
        out_bytes(o, text, strlen(text));
}

void out_format(struct out *o, const char *fmt, ...)
{
        char piece[500];
        va_list ap;

        va_start(ap, fmt);
        int n = vsnprintf(piece, sizeof piece, fmt, ap);
        va_end(ap);
        if (n > 0)
                out_bytes(o, piece, MIN((size_t)n, sizeof piece - 1));
}

void out_consume(struct out *o, size_t n)
{
        memmove(o->buf, o->buf + n, o->len - n);
        o->len -= n;
}
