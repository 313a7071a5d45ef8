/* A book of incidents on a desk, for its tests: beside a lab of detectors, with a clock of the test's own, it
 * looks once a second, is restarted from what it put, and remembers whom it told.
 */
#pragma once

#include "base/clock.h"
#include "detect_lab.h"
#include "failing_malloc.h"
#include "incident/book.h"
#include "incident/incident.h"
#include "tap.h"

#include <errno.h>
#include <jansson.h>

#define OFFSET (INT64_C(1795469400000000000) - (int64_t)FAKE_T0)
#define CALM   60

enum { TOLD = 64 };

/* A book beside a lab: it looks once a second, is restarted from what it put, and remembers whom it told. */
struct desk {
        struct lab *l;
        struct book *book;
        int64_t offset;
        struct {
                enum book_change change;
                uint64_t id;
        } told[TOLD];
        uint32_t tells;
        struct {
                uint64_t id;
                bool open;
                char *json;
                size_t len;
        } kept[TOLD];
        uint32_t keeps;
        uint64_t puts;
};

static inline void told(void *ctx, enum book_change change, uint64_t id, const char *json, size_t len)
{
        struct desk *d = ctx;
        long left = failing_malloc_left;

        failing_malloc_left = -1;
        json_t *j = json_loadb(json, len, 0, NULL);
        failing_malloc_left = left;
        check(j && (uint64_t)json_integer_value(json_object_get(j, "id")) == id);
        json_decref(j);
        if (d->tells < TOLD) {
                d->told[d->tells].change = change;
                d->told[d->tells++].id = id;
        }
}

static inline void put(void *ctx, uint64_t id, bool open, const char *service, int64_t opened_ms,
        const char *json, size_t len)
{
        struct desk *d = ctx;
        uint32_t i = 0;

        check(opened_ms >= 0);
        d->puts++;
        while (i < d->keeps && d->kept[i].id != id)
                i++;
        if (i == TOLD)
                return;
        if (i == d->keeps)
                d->keeps++;
        free(d->kept[i].json);
        d->kept[i].id = id;
        d->kept[i].open = open;
        d->kept[i].json = malloc(len);
        d->kept[i].len = len;
        if (d->kept[i].json)
                memcpy(d->kept[i].json, json, len);
}

static inline void resolved(void *ctx, uint64_t id, uint32_t limit,
        void (*each)(void *to, const char *json, size_t len), void *to)
{
        struct desk *d = ctx;

        for (uint32_t i = d->keeps; i > 0 && limit; i--)
                if (!d->kept[i - 1].open && (!id || d->kept[i - 1].id == id)) {
                        each(to, d->kept[i - 1].json, d->kept[i - 1].len);
                        limit--;
                }
}

static inline void open_book(struct desk *d)
{
        d->book = book_new(&(struct book_params){.calm = CALM, .reopen = 600}, 1);
        if (!d->book)
                abort();
        book_keep(d->book, &(struct book_keeper){.ctx = d, .put = put, .resolved = resolved});
        check(book_listen(d->book, &(struct book_listener){.ctx = d, .told = told}));
}

static inline struct desk *desk_of(struct lab *l)
{
        struct desk *d = calloc(1, sizeof *d);

        if (!d)
                abort();
        d->l = l;
        d->offset = OFFSET;
        open_book(d);
        return d;
}

static inline struct desk *desk_new(void)
{
        return desk_of(lab_new());
}

static inline void desk_done(struct desk *d)
{
        for (uint32_t i = 0; i < d->keeps; i++)
                free(d->kept[i].json);
        book_free(d->book);
        lab_done(d->l);
        free(d);
}

/* Only the book's second: the board stays as it is. */
static inline void look(struct desk *d, double seconds)
{
        for (uint64_t end = d->l->now + FAKE_S(seconds); d->l->now < end;) {
                d->l->now += NSEC_PER_SEC;
                d->l->b->updated_ns = d->l->now;
                if (book_due(d->book, d->l->b, d->l->now))
                        book_look(d->book, d->l->b, d->l->now, d->offset);
        }
}

/* Detectors too. */
static inline void tick(struct desk *d, double seconds)
{
        for (uint64_t end = d->l->now + FAKE_S(seconds); d->l->now < end;) {
                lab_tick(d->l, 1);
                d->l->b->updated_ns = d->l->now;
                if (book_due(d->book, d->l->b, d->l->now))
                        book_look(d->book, d->l->b, d->l->now, d->offset);
        }
}

static inline void restart(struct desk *d)
{
        book_free(d->book);
        open_book(d);
        for (uint32_t i = 0; i < d->keeps; i++)
                check_int(book_restore(d->book, d->kept[i].json, d->kept[i].len, d->l->now, d->offset), 0);
}

/* A finding by hand: of the first service of that name. */
static inline struct finding *find(
        struct desk *d, uint32_t i, const char *detector, uint16_t service, enum severity s)
{
        struct finding *f = &d->l->b->finding[i];

        *f = (struct finding){.id = 1000 + i,
                .service = service,
                .severity = (uint8_t)s,
                .open = true,
                .since_ns = d->l->now,
                .opened_ns = d->l->now,
                .updated_ns = d->l->now};
        snprintf(f->detector, sizeof f->detector, "%s", detector);
        snprintf(f->text, sizeof f->text, "%s found", detector);
        snprintf(f->remedy, sizeof f->remedy, "mend %s", detector);
        if (service)
                memcpy(f->service_name, d->l->b->service[service].name, sizeof f->service_name);
        d->l->b->finding_top = MAX(d->l->b->finding_top, i + 1);
        return f;
}

static inline void over(struct desk *d, struct finding *f)
{
        f->open = false;
        f->closed_ns = d->l->now;
}

static inline struct incident *get(struct desk *d, uint64_t id)
{
        struct incident *n = NULL;

        check_int(book_get(d->book, id, &n), 0);
        if (!n)
                abort();
        return n;
}

static inline uint32_t lines(const struct incident *n, const char *kind)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < n->entries; i++)
                count += !strcmp(n->entry[i].kind, kind);
        return count;
}

static inline bool told_of(const struct desk *d, enum book_change change, uint64_t id)
{
        for (uint32_t i = 0; i < d->tells; i++)
                if (d->told[i].change == change && d->told[i].id == id)
                        return true;
        return false;
}

static inline struct incident_finding *has(const struct incident *n, const char *detector)
{
        static struct incident_finding none;

        for (uint32_t i = 0; i < n->findings; i++)
                if (!strcmp(n->finding[i].is.detector, detector))
                        return &n->finding[i];
        return &none; /* not open */
}

/* ---- the post-mortem's afternoon ---- */

static inline struct desk *afternoon(uint16_t *ret_worker, uint16_t *ret_api)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t api = fake_service(b, "odin/api", SERVICE_COMPOSE);
        uint16_t worker = fake_service(b, "odin/celery-worker", SERVICE_COMPOSE);
        uint32_t init = fake_process(b, worker, 500, 0, "celery -A app worker");

        b->service[worker].cpu_ratio = b->service[worker].load1 = 0.1;
        b->service[api].cpu_ratio = 0.05;
        tick(d, 600); /* an ordinary day */
        check_int(book_open_count(d->book), 0);
        lab_afternoon(d->l, worker, init, api);
        b->service[worker].deployed_ns = d->l->now - FAKE_S(7200);
        *ret_worker = worker;
        *ret_api = api;
        return d;
}

/* It goes on: the loop loops, the probes time out. */
static inline void storm(struct desk *d, uint16_t worker, uint16_t api, uint32_t times)
{
        for (uint32_t i = 0; i < times; i++) {
                tick(d, 40);
                fake_recent(&d->l->b->service[api].restarts, d->l->now, 1);
                fake_recent(&d->l->b->service[worker].probe_timeouts, d->l->now, 0);
        }
}
