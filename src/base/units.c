/* Numbers as people read them: see units.h. */
#include "base/units.h"

#include "base/text.h"
#include "base/util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *units_duration(double s, char *buf)
{
        if (!isfinite(s))
                snprintf(buf, UNITS_SIZE, "-");
        else if (s < 0)
                snprintf(buf, UNITS_SIZE, "0s");
        else if (s < 9.95)
                snprintf(buf, UNITS_SIZE, "%.1fs", s);
        else if (s < 59.5)
                snprintf(buf, UNITS_SIZE, "%.0fs", s);
        else if (s > 1e9)
                snprintf(buf, UNITS_SIZE, "for ever");
        else {
                long n = lround(s);
                if (n < 3600)
                        snprintf(buf, UNITS_SIZE, "%ldm%02lds", n / 60, n % 60);
                else if (n < 86400)
                        snprintf(buf, UNITS_SIZE, "%ldh%02ldm", n / 3600, n % 3600 / 60);
                else
                        snprintf(buf, UNITS_SIZE, "%ldd%ldh", n / 86400, n % 86400 / 3600);
        }
        return buf;
}

const char *units_bytes(double bytes, char *buf)
{
        static const char *const unit[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
        size_t i = 0;

        if (!isfinite(bytes)) {
                snprintf(buf, UNITS_SIZE, "-");
                return buf;
        }
        while (fabs(bytes) >= 1023.5 && i + 1 < ARRAY_SIZE(unit)) {
                bytes /= 1024;
                i++;
        }
        snprintf(buf, UNITS_SIZE, i && fabs(bytes) < 9.95 ? "%.1f %s" : "%.0f %s", bytes, unit[i]);
        return buf;
}

const char *units_percent(double ratio, char *buf)
{
        double p = ratio * 100;

        if (!isfinite(p))
                snprintf(buf, UNITS_SIZE, "-");
        else
                snprintf(buf, UNITS_SIZE, p > 0 && p < 9.95 ? "%.1f %%" : "%.0f %%", p);
        return buf;
}

const char *units_cores(double cores, char *buf)
{
        if (!isfinite(cores))
                snprintf(buf, UNITS_SIZE, "-");
        else
                snprintf(buf, UNITS_SIZE, "%.2f", cores < 0 && cores > -0.005 ? 0 : cores);
        return buf;
}

const char *units_count(double n, char *buf)
{
        if (!isfinite(n))
                snprintf(buf, UNITS_SIZE, "-");
        else if (n == floor(n) && fabs(n) < 1e15)
                snprintf(buf, UNITS_SIZE, "%.0f", n);
        else
                snprintf(buf, UNITS_SIZE, "%.3g", n);
        return buf;
}

const char *units_per_hour(double n, char *buf)
{
        if (!isfinite(n))
                snprintf(buf, UNITS_SIZE, "-");
        else
                snprintf(buf, UNITS_SIZE, n > 0 && n < 9.95 ? "%.1f/h" : "%.0f/h", n);
        return buf;
}

double units_unix(const char *s)
{
        struct tm tm = {0};
        const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
        double part = 0, scale = 0.1;

        if (!rest)
                return NAN;
        if (*rest == '.')
                for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
                        part += scale * (*rest - '0');
        if (strcmp(rest, "Z") != 0)
                return NAN;
        return (double)timegm(&tm) + part;
}

const char *units_time(const char *rfc3339, char *buf)
{
        double when = units_unix(rfc3339);
        struct tm tm, today;
        time_t t, now = time(NULL);

        if (isnan(when)) {
                text_printable(buf, UNITS_SIZE, *rfc3339 ? rfc3339 : "-", *rfc3339 ? strlen(rfc3339) : 1);
                return buf;
        }
        t = (time_t)when;
        localtime_r(&t, &tm);
        localtime_r(&now, &today);
        bool same_day = tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year;
        strftime(buf, UNITS_SIZE, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
        return buf;
}
