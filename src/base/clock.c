/* Clocks: see clock.h. */
#include "base/clock.h"

#include "base/util.h"

#include <stdio.h>
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
