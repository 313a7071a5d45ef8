/* A recorder's day on disk in a minute: the daemon's own store, ticked twice a second as the recorder does
 * it, on a clock that runs as fast as the disk takes what is due. What happens on the host is made up:
 * services whose every figure is another in each sample, deaths, probes, three incidents a day. Prints what
 * the kernel says was written.
 */
#include "base/clock.h"
#include "base/util.h"
#include "store/internal.h"
#include "wire/board_map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TICK_NS   (500 * NSEC_PER_MSEC)
#define MINUTE_NS (60 * NSEC_PER_SEC)
enum {
        WAIT_MS = 60000,
        INCIDENT_EVERY_MIN = 480,
        INCIDENT_MIN = 20,
        INCIDENT_BYTES = 1500 /* a minute more */
};

struct day {
        struct store *store;
        struct history history;
        struct board *board;
        uint32_t services, random;
        char incident[INCIDENT_BYTES * (INCIDENT_MIN + 1)];
};

static uint64_t now_ns = 100 * NSEC_PER_SEC;

static int64_t unix_ms(void)
{
        return INT64_C(1800000000000) + (int64_t)(now_ns / NSEC_PER_MSEC);
}

static uint64_t boot_ns(void)
{
        return now_ns;
}

static void fail(const char *what)
{
        fprintf(stderr, "day: %s\n", what);
        exit(EXIT_FAILURE);
}

/* 0..1 */
static double any(struct day *d)
{
        d->random = d->random * 1664525u + 1013904223u;
        return (double)(d->random >> 8) / (1 << 24);
}

static bool once_in(struct day *d, double seconds)
{
        return any(d) * seconds * NSEC_PER_SEC < (double)TICK_NS;
}

static void live(struct day *d)
{
        struct host *h = &d->board->host;

        h->cpus = 2;
        h->load1 = any(d);
        h->cpu_busy_ratio = any(d) / 2;
        h->memory_bytes = UINT64_C(4) << 30;
        h->memory_available_bytes = (UINT64_C(1) << 30) + (uint64_t)(any(d) * 1e8);
        h->tasks = 300 + (uint64_t)(any(d) * 20);
        h->psi_cpu = any(d) / 10;
        h->psi_memory = h->psi_io = any(d) / 100;
        d->board->service_top = 1 + d->services;
        for (uint32_t i = 1; i <= d->services; i++) {
                struct service *s = &d->board->service[i];
                snprintf(s->name, sizeof s->name, "shop/service-%u", i);
                s->kind = SERVICE_COMPOSE;
                s->load1 = any(d) / 5;
                s->cpu_ratio = any(d) / 5;
                s->memory_bytes = (UINT64_C(100) << 20) + (uint64_t)(any(d) * 1e7);
                s->processes = 3 + (uint32_t)(any(d) * 3);
                s->threads = 10 + (uint32_t)(any(d) * 3);
                s->psi_cpu = any(d) / 20;
                s->psi_memory = 0;
                s->psi_io = any(d) / 100;
        }
        d->board->updated_ns = now_ns;
}

static void happen(struct day *d, enum event_kind kind, uint32_t service, const char *comm, int status)
{
        struct event e = {.kind = (uint16_t)kind,
                .time_ns = now_ns,
                .unix_ns = unix_ms() * (int64_t)NSEC_PER_MSEC,
                .start_ns = now_ns - NSEC_PER_MSEC,
                .pid = (int32_t)(1000 + any(d) * 30000),
                .ppid = 900,
                .exit_status = status,
                .count = 1,
                .cpu_ns = (uint64_t)(any(d) * 1e7),
                .value = NAN};

        snprintf(e.service, sizeof e.service, "shop/service-%u", service);
        snprintf(e.comm, sizeof e.comm, "%s", comm);
        snprintf(e.text, sizeof e.text, "/usr/bin/%s --of %u", comm, service);
        history_add(&d->history, &e);
}

/* Each service: two deaths in 4 s, a death that ended badly each minute, a probe each 30 s; all of them at
 * random. */
static void die(struct day *d)
{
        for (uint32_t i = 1; i <= d->services; i++) {
                if (once_in(d, 4))
                        happen(d, EVENT_EXIT, i, "sleep", 0);
                if (once_in(d, 4))
                        happen(d, EVENT_EXIT, i, "head", 0);
                if (once_in(d, 60))
                        happen(d, EVENT_EXIT, i, "false", 1 << 8);
                if (once_in(d, 30))
                        happen(d, EVENT_HEALTH_OK, i, "", 0);
        }
}

static void trouble(struct day *d, uint64_t minute)
{
        uint64_t age = minute % INCIDENT_EVERY_MIN;
        char id[24];

        if (age > INCIDENT_MIN || minute < INCIDENT_EVERY_MIN)
                return;
        size_t len = INCIDENT_BYTES * (size_t)(age + 1);
        snprintf(id, sizeof id, "%llu", (unsigned long long)(minute / INCIDENT_EVERY_MIN));
        for (size_t i = 0; i < sizeof d->incident; i++)
                d->incident[i] = (char)('a' + (int)(any(d) * 26));
        if (store_document_put(d->store, STORE_INCIDENT, id, age < INCIDENT_MIN, "shop/service-1", unix_ms(),
                    d->incident, MIN(len, sizeof d->incident)) < 0)
                fail("an incident is refused");
}

/* Until the disk has taken what was due: the clock stands. */
static void tick(struct day *d)
{
        do {
                store_sample(d->store, d->board);
                store_tick(d->store, &d->history);
                if (d->store->flying)
                        usleep(200);
        } while (d->store->flying);
}

static uint64_t written(void)
{
        char line[100];
        unsigned long long n = 0;
        FILE *f = fopen("/proc/self/io", "re");

        while (f && fgets(line, sizeof line, f))
                if (sscanf(line, "write_bytes: %llu", &n) == 1)
                        break;
        if (f)
                fclose(f);
        return n;
}

static uint64_t count_rows(struct day *d)
{
        struct db *db = store_reader(d->store);

        return db ? (uint64_t)db_number(db, "SELECT count(*) FROM recent", 0) : 0;
}

int main(int argc, char **argv)
{
        struct store_status st;

        if (argc != 5) {
                fprintf(stderr,
                        "day FOLDER SERVICES HOURS MINUTES\nMINUTES: of which the bytes are told, too\n");
                return 2;
        }
        struct day *d = calloc(1, sizeof *d);
        if (!d || board_map(board_create(), true, &d->board) < 0)
                fail("no memory");
        d->services = (uint32_t)atoi(argv[2]);
        uint64_t begin = now_ns, end = begin + strtoull(argv[3], NULL, 10) * 60 * MINUTE_NS;
        uint64_t first = begin + strtoull(argv[4], NULL, 10) * MINUTE_NS, of_first = 0, minute = 0, rows = 0;
        d->store = store_new(&(struct store_options){.folder = argv[1],
                .retention_ms = INT64_C(30) * 86400000,
                .max_bytes = UINT64_C(512) << 20,
                .unix_ms = unix_ms,
                .boot_ns = boot_ns});
        if (!d->store)
                fail("no memory");
        history_init(&d->history, 1);
        uint64_t before = written();
        for (; now_ns < end; now_ns += TICK_NS) {
                live(d);
                die(d);
                if ((now_ns - begin) / MINUTE_NS != minute)
                        trouble(d, minute = (now_ns - begin) / MINUTE_NS);
                tick(d);
                if (now_ns >= first && !of_first) {
                        of_first = written() - before;
                        rows = count_rows(d);
                }
        }
        if (store_flush(d->store, &d->history, WAIT_MS) < 0)
                fail("the store does not take it");
        store_status(d->store, &st);
        printf("{\"bytes\": %llu, \"first_bytes\": %llu, \"first_rows\": %llu, \"commits\": %llu, "
               "\"file_bytes\": %llu}\n",
                (unsigned long long)(written() - before), (unsigned long long)of_first,
                (unsigned long long)rows, (unsigned long long)st.commits, (unsigned long long)st.file_bytes);
        store_free(d->store, WAIT_MS);
        history_done(&d->history);
        board_unmap(d->board);
        free(d);
        return 0;
}
