/* Clocks: see clock.h. */
#include "base/clock.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
        struct timespec t;

        clock_gettime(id, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
        return read_ns(CLOCK_BOOTTIME);
}

uint64_t clock_thread_cpu_ns(void)
{
        return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_mono_to_boot_offset_ns(void)
{
        uint64_t mono = read_ns(CLOCK_MONOTONIC);
        uint64_t boot = read_ns(CLOCK_BOOTTIME);

        /* Without a suspend both are the same clock; reading them one after the other must not
         * pretend an offset of some hundred nanoseconds. */
        return boot - mono < NSEC_PER_MSEC ? 0 : boot - mono;
}

int64_t clock_wall_offset_ns(void)
{
        return (int64_t)(read_ns(CLOCK_REALTIME) - read_ns(CLOCK_BOOTTIME));
}

const char *clock_rfc3339(int64_t unix_ns, char *buf)
{
        time_t sec = (time_t)(unix_ns / (int64_t)NSEC_PER_SEC);
        int ms = (int)(unix_ns % (int64_t)NSEC_PER_SEC / (int64_t)NSEC_PER_MSEC);
        struct tm tm;

        if (ms < 0) {
                ms += 1000;
                sec--;
        }
        gmtime_r(&sec, &tm);
        snprintf(buf, CLOCK_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
        return buf;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ns)
{
        struct tm tm = {0};
        const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        int64_t ns = 0, unit = 100000000;

        if (!p || tm.tm_year < 70 || tm.tm_year > 300) /* beyond, int64 nanoseconds end */
                return false;
        if (*p == '.')
                for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
                        ns += unit * (*p - '0');
        if (strcmp(p, "Z") != 0)
                return false;
        if (__builtin_mul_overflow((int64_t)timegm(&tm), (int64_t)NSEC_PER_SEC, ret_unix_ns))
                return false;
        *ret_unix_ns += ns;
        return true;
}
