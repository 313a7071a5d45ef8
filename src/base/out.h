/* Text in the making: a buffer that grows up to a bound. A failed append (no memory, bound reached)
 * sticks, so that whoever builds checks once, at the end.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>

struct out {
        char *buf; /* not NUL-terminated */
        size_t len, size, max;
        bool failed;
};

static inline struct out out_of(size_t max)
{
        return (struct out){.max = max};
}
void out_done(struct out *o);
void out_bytes(struct out *o, const char *p, size_t len);
void out_text(struct out *o, const char *text);
/* A formatted piece of at most 500 bytes. */
void out_format(struct out *o, const char *fmt, ...) printf_like(2, 3);
/* Forgets the first n bytes. */
void out_consume(struct out *o, size_t n);
