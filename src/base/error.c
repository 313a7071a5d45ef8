/* Errors for people: see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *e, int code, const char *fmt, ...)
{
        va_list ap;

        if (!e)
                return code;
        e->code = code;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        return code;
}

int error_wrap(struct error *e, const char *fmt, ...)
{
        char inner[sizeof e->text];
        va_list ap;
        int n;

        if (!e)
                return -EXIT_FAILURE;
        memcpy(inner, e->text, sizeof inner);
        va_start(ap, fmt);
        n = vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof e->text)
                snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", inner);
        return e->code;
}
