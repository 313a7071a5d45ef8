/* Durations and sizes as people write them: see quantity.h. */
#include "base/quantity.h"

#include "base/util.h"

#include <math.h>
#include <string.h>

/* Largest first, so that value_show() finds the best one. */
const struct quantity_unit quantity_durations[] = {
        {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {NULL, 0}};
const struct quantity_unit quantity_sizes[] = {{"TiB", 1099511627776.0}, {"GiB", 1073741824.0},
        {"MiB", 1048576.0}, {"KiB", 1024.0}, {"B", 1}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3},
        /* as container engines read them */
        {"T", 1099511627776.0}, {"G", 1073741824.0}, {"M", 1048576.0}, {"K", 1024.0}, {"t", 1099511627776.0},
        {"g", 1073741824.0}, {"m", 1048576.0}, {"k", 1024.0}, {NULL, 0}};

static bool digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Decimal number with optional fraction and exponent, always with a point, whatever the locale. */
bool quantity_number(const char **p, double *ret)
{
        const char *s = *p;
        double v = 0, scale = 1;
        int digits = 0, exponent = 0;

        for (; digit(*s); s++, digits++)
                v = v * 10 + (*s - '0');
        if (*s == '.')
                for (s++; digit(*s); s++, digits++) {
                        scale /= 10;
                        v += (*s - '0') * scale;
                }
        if (!digits)
                return false;
        if ((*s == 'e' || *s == 'E') && (digit(s[1]) || ((s[1] == '+' || s[1] == '-') && digit(s[2])))) {
                bool negative = s[1] == '-';
                s += digit(s[1]) ? 1 : 2;
                for (; digit(*s); s++)
                        exponent = MIN(exponent * 10 + (*s - '0'), 400);
                v *= pow(10, negative ? -exponent : exponent);
        }
        if (!isfinite(v))
                return false;
        *p = s;
        *ret = v;
        return true;
}

static const struct quantity_unit *unit_at(const char **p, const struct quantity_unit *units)
{
        size_t n = 0;

        while (((*p)[n] >= 'a' && (*p)[n] <= 'z') || ((*p)[n] >= 'A' && (*p)[n] <= 'Z'))
                n++;
        for (; n && units->name; units++)
                if (strlen(units->name) == n && !strncmp(units->name, *p, n)) {
                        *p += n;
                        return units;
                }
        return NULL;
}

/* "1h30m", "512MiB", "1.5"; a number without a unit stands alone. */
bool quantity_read(const char *text, const struct quantity_unit *units, double *ret)
{
        double sum = 0;

        for (const char *p = text;;) {
                double v;
                if (!quantity_number(&p, &v))
                        return false;
                if (*p == '\0' && sum == 0) {
                        *ret = v;
                        return true;
                }
                while (*p == ' ')
                        p++;
                const struct quantity_unit *u = unit_at(&p, units);
                if (!u)
                        return false;
                sum += v * u->factor;
                if (*p == '\0') {
                        *ret = sum;
                        return true;
                }
        }
}
