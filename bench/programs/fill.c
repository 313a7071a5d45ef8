/* Fills a store up to its bound with a month of deaths, hour by hour on a clock of its own, by the daemon's
 * own store. Deaths are badly ended and apart, so that each is a row. Prints as JSON how many there are.
 */
#include "base/clock.h"
#include "base/util.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SERVICES = 20, COMMANDS = 50, DAYS = 30, WAIT_MS = 120000, AT_ONCE = 1000 };

static int64_t now_ms;
static uint64_t now_ns = NSEC_PER_SEC;

static int64_t unix_ms(void)
{
        return now_ms;
}

static uint64_t boot_ns(void)
{
        return now_ns;
}

/* One death a second or more often; every 100,000th is of a command that nothing else is called. */
static struct event death(uint64_t n)
{
        uint32_t kind = (uint32_t)(n * 2654435761u >> 8) % (SERVICES * COMMANDS);
        struct event e = {.kind = EVENT_EXIT,
                .time_ns = now_ns,
                .start_ns = now_ns - NSEC_PER_MSEC,
                .unix_ns = now_ms * (int64_t)NSEC_PER_MSEC,
                .count = 1,
                .exit_status = (int)(1 + n % 3) << 8,
                .pid = (int32_t)(1000 + n % 4000000),
                .ppid = 1000,
                .cpu_ns = 1000000 + n,
                .value = NAN};

        snprintf(e.service, sizeof e.service, "shop/service-%u", kind % SERVICES);
        snprintf(e.comm, sizeof e.comm, "worker-%u", kind / SERVICES);
        snprintf(e.text, sizeof e.text, "/usr/bin/worker --queue %u", kind);
        if (n % 100000 == 777) {
                snprintf(e.service, sizeof e.service, "rare/once-%u", (uint32_t)(n / 100000));
                snprintf(e.comm, sizeof e.comm, "once-%u", (uint32_t)(n / 100000));
        }
        return e;
}

static void fail(const char *what)
{
        fprintf(stderr, "fill: %s\n", what);
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
        struct store_status st;
        struct history h;

        if (argc != 4) {
                fprintf(stderr, "fill FOLDER MAX_BYTES DEATHS\n");
                return 2;
        }
        uint64_t deaths = strtoull(argv[3], NULL, 10);
        int64_t end_ms = (int64_t)time(NULL) * 1000, begin_ms = end_ms - INT64_C(86400000) * DAYS;
        now_ms = begin_ms;
        struct store *s = store_new(&(struct store_options){.folder = argv[1],
                .max_bytes = strtoull(argv[2], NULL, 10),
                .unix_ms = unix_ms,
                .boot_ns = boot_ns});
        if (!s)
                fail("no memory");
        history_init(&h, 1);
        for (uint64_t n = 0; n < deaths; n++) {
                int64_t at_ms =
                        begin_ms + (int64_t)((double)(end_ms - begin_ms) * ((double)n / (double)deaths));
                now_ns += (uint64_t)(at_ms - now_ms) * NSEC_PER_MSEC;
                now_ms = at_ms;
                struct event e = death(n);
                history_add(&h, &e);
                if (n % AT_ONCE == AT_ONCE - 1 && store_flush(s, &h, WAIT_MS) < 0)
                        fail("the store does not take it");
        }
        if (store_flush(s, &h, WAIT_MS) < 0)
                fail("the store does not take it");
        store_status(s, &st);
        printf("{\"file_bytes\": %llu, \"oldest_ms\": %lld}\n", (unsigned long long)st.file_bytes,
                (long long)st.oldest_ms);
        store_free(s, WAIT_MS);
        history_done(&h);
        return 0;
}
