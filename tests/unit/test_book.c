/* Tests of the book of incidents: what belongs together, how it rises, calms down and comes back, and that a
 * restart loses nothing. Findings are made by the real detectors on made boards, or put there by hand; the
 * test owns the clock.
 */
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

static void told(void *ctx, enum book_change change, uint64_t id, const char *json, size_t len)
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

static void put(void *ctx, uint64_t id, bool open, const char *service, int64_t opened_ms, const char *json,
        size_t len)
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

static void resolved(void *ctx, uint64_t id, uint32_t limit,
        void (*each)(void *to, const char *json, size_t len), void *to)
{
        struct desk *d = ctx;

        for (uint32_t i = d->keeps; i > 0 && limit; i--)
                if (!d->kept[i - 1].open && (!id || d->kept[i - 1].id == id)) {
                        each(to, d->kept[i - 1].json, d->kept[i - 1].len);
                        limit--;
                }
}

static void open_book(struct desk *d)
{
        d->book = book_new(&(struct book_params){.calm = CALM, .reopen = 600}, 1);
        if (!d->book)
                abort();
        book_keep(d->book, &(struct book_keeper){.ctx = d, .put = put, .resolved = resolved});
        check(book_listen(d->book, &(struct book_listener){.ctx = d, .told = told}));
}

static struct desk *desk_of(struct lab *l)
{
        struct desk *d = calloc(1, sizeof *d);

        if (!d)
                abort();
        d->l = l;
        d->offset = OFFSET;
        open_book(d);
        return d;
}

static struct desk *desk_new(void)
{
        return desk_of(lab_new());
}

static void desk_done(struct desk *d)
{
        for (uint32_t i = 0; i < d->keeps; i++)
                free(d->kept[i].json);
        book_free(d->book);
        lab_done(d->l);
        free(d);
}

/* Only the book's second: the board stays as it is. */
static void look(struct desk *d, double seconds)
{
        for (uint64_t end = d->l->now + FAKE_S(seconds); d->l->now < end;) {
                d->l->now += NSEC_PER_SEC;
                d->l->b->updated_ns = d->l->now;
                if (book_due(d->book, d->l->b, d->l->now))
                        book_look(d->book, d->l->b, d->l->now, d->offset);
        }
}

/* Detectors too. */
static void tick(struct desk *d, double seconds)
{
        for (uint64_t end = d->l->now + FAKE_S(seconds); d->l->now < end;) {
                lab_tick(d->l, 1);
                d->l->b->updated_ns = d->l->now;
                if (book_due(d->book, d->l->b, d->l->now))
                        book_look(d->book, d->l->b, d->l->now, d->offset);
        }
}

static void restart(struct desk *d)
{
        book_free(d->book);
        open_book(d);
        for (uint32_t i = 0; i < d->keeps; i++)
                check_int(book_restore(d->book, d->kept[i].json, d->kept[i].len, d->l->now, d->offset), 0);
}

/* A finding by hand: of the first service of that name. */
static struct finding *find(
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

static void over(struct desk *d, struct finding *f)
{
        f->open = false;
        f->closed_ns = d->l->now;
}

static struct incident *get(struct desk *d, uint64_t id)
{
        struct incident *n = NULL;

        check_int(book_get(d->book, id, &n), 0);
        if (!n)
                abort();
        return n;
}

static uint32_t lines(const struct incident *n, const char *kind)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < n->entries; i++)
                count += !strcmp(n->entry[i].kind, kind);
        return count;
}

static bool told_of(const struct desk *d, enum book_change change, uint64_t id)
{
        for (uint32_t i = 0; i < d->tells; i++)
                if (d->told[i].change == change && d->told[i].id == id)
                        return true;
        return false;
}

static struct incident_finding *has(const struct incident *n, const char *detector)
{
        static struct incident_finding none;

        for (uint32_t i = 0; i < n->findings; i++)
                if (!strcmp(n->finding[i].is.detector, detector))
                        return &n->finding[i];
        return &none; /* not open */
}

/* ---- the post-mortem's afternoon ---- */

static struct desk *afternoon(uint16_t *ret_worker, uint16_t *ret_api)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t api = fake_service(b, "odin/api", SERVICE_COMPOSE);
        uint16_t worker = fake_service(b, "odin/celery-worker", SERVICE_COMPOSE);
        struct service *w = &b->service[worker], *a = &b->service[api];
        uint32_t init = fake_process(b, worker, 500, 0, "celery -A app worker");

        b->process[init].flags |= PROCESS_F_INIT;
        w->cpu_ratio = 0.1;
        w->load1 = 0.1;
        a->cpu_ratio = 0.05;
        tick(d, 600); /* an ordinary day */
        check_int(book_open_count(d->book), 0);
        w->has_health_check = w->health_shell = true;
        w->health_timeout_ns = FAKE_S(10);
        w->health_interval_ns = FAKE_S(30);
        w->deployed_ns = d->l->now - FAKE_S(7200);
        for (int k = 0; k < 12; k++) {
                uint32_t sh = fake_process(b, worker, 600 + 2 * k, 0, "/bin/sh -c celery inspect ping");
                uint32_t ping = fake_process(b, worker, 601 + 2 * k, sh, "celery inspect ping");

                b->process[sh].state = PROCESS_BURIED;
                b->process[ping].origin = ORIGIN_HEALTHCHECK;
                fake_dies(b, ping, init, d->l->now - FAKE_S(30 * (12 - k)));
                fake_recent(&w->zombie_births, d->l->now - FAKE_S(30 * (12 - k)), 0);
                fake_recent(&w->probe_timeouts, d->l->now - FAKE_S(30 * (12 - k)), 0);
                fake_recent(&a->restarts, d->l->now - FAKE_S(40 * (12 - k)), 1);
        }
        w->probe_orphans = 4;
        w->probe_cpu_ns = FAKE_S(120);
        w->cpu_ns = FAKE_S(392.8);
        w->cpu_ratio = 1.7;
        w->load1 = 9.8;
        a->cpu_ns = FAKE_S(4.2);
        a->load1 = 0.2;
        b->host.load1 = 10.4;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 0.98;
        *ret_worker = worker;
        *ret_api = api;
        return d;
}

/* It goes on: the loop loops, the probes time out. */
static void storm(struct desk *d, uint16_t worker, uint16_t api, uint32_t times)
{
        for (uint32_t i = 0; i < times; i++) {
                tick(d, 40);
                fake_recent(&d->l->b->service[api].restarts, d->l->now, 1);
                fake_recent(&d->l->b->service[worker].probe_timeouts, d->l->now, 0);
        }
}

static void one_deadly_and_one_small(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8); /* past the 5 min of the saturation */
        check_int(book_open_count(d->book), 2);
        check_int(book_open_of(d->book, SEVERITY_CRITICAL), 1);
        check_int(book_open_of(d->book, SEVERITY_WARNING), 1);
        struct incident *one = get(d, 1), *two = get(d, 2);
        struct incident *deadly = strcmp(one->owner, "odin/celery-worker") ? two : one;
        struct incident *small = deadly == one ? two : one;
        check_str(deadly->owner, "odin/celery-worker");
        check_str(deadly->culprit, "odin/celery-worker");
        check(has(deadly, "zombie_leak")->is.open && has(deadly, "health_check")->is.open);
        check(has(deadly, "saturation")->is.open);
        check_int(deadly->severity, SEVERITY_CRITICAL);
        check(deadly->named);
        check(strstr(deadly->why.answer, "Most likely odin/celery-worker"));
        check(deadly->suspects >= 2);
        check_str(deadly->suspect[0].service, "odin/celery-worker");
        check(deadly->suspect[0].is.score > 0.5 && !deadly->suspect[0].is.refuted);
        check_int(lines(deadly, "opened"), 1);
        check_int(lines(deadly, "deploy"), 1);
        check_int(lines(deadly, "health_timeout"), 1); /* twelve in one line */
        check(lines(deadly, "threshold") >= 1);
        check_near(deadly->service[USUAL_CPU].normal, 0.1, 0.001);
        check_near(deadly->service[USUAL_CPU].peak, 1.7, 0.001);
        check_near(deadly->host[USUAL_LOAD].peak, 10.4, 0.001);
        check_str(small->owner, "odin/api");
        check_int(small->findings, 1);
        check_int(has(small, "restart_loop")->is.severity, SEVERITY_CRITICAL); /* loud */
        check_int(small->severity_peak, SEVERITY_WARNING);                     /* and small */
        check(has(small, "restart_loop")->is.open);
        check_int(small->suspects, 1);
        check(!small->suspect[0].is.refuted);
        check(small->suspect[0].is.score < 0.2);
        incident_free(one);
        incident_free(two);
        desk_done(d);
}

static void resolved_after_the_fix(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);
        struct board *b = d->l->b;

        storm(d, worker, api, 8);
        for (uint16_t s = api; s <= worker; s++) {
                struct service *v = &b->service[s];
                v->held = v->zombies = v->probe_orphans = 0;
                v->cpu_ratio = v->load1 = 0;
                v->restarts = v->probe_timeouts = v->zombie_births = (struct recent){0};
                v->has_health_check = false;
        }
        for (uint32_t i = 1; i < b->process_top; i++)
                b->process[i].state = PROCESS_BURIED;
        b->zombies = b->ledger_head = 0;
        b->host.load1 = 0.3;
        b->host.psi_cpu = 0;
        b->host.cpu_busy_ratio = 0.05;
        tick(d, 30);
        check_int(book_open_count(d->book), 2); /* not yet */
        tick(d, CALM + 120);
        check_int(book_open_count(d->book), 0);
        for (uint64_t id = 1; id <= 2; id++) {
                struct incident *n = get(d, id);
                check(!n->open && n->resolved_unix_ns > n->opened_unix_ns);
                check_int(lines(n, "resolved"), 1);
                check_int(lines(n, "calm"), 1);
                check_near(n->host[USUAL_LOAD].after, 0.3, 0.001);
                check(n->why.answer[0] && strcmp(n->culprit, n->owner) == 0);
                check(told_of(d, BOOK_OPENED, id) && told_of(d, BOOK_RESOLVED, id));
                incident_free(n);
        }
        check_int(d->tells, 4 + told_of(d, BOOK_SEVERITY, 1) + told_of(d, BOOK_SEVERITY, 2));
        desk_done(d);
}

/* ---- one thing at a time ---- */

static void severity_rises_and_falls_only_for_good(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "zombie_leak", s, SEVERITY_WARNING);

        look(d, 1);
        struct incident *n = get(d, 1);
        check_int(n->severity, SEVERITY_WARNING);
        check(n->open && n->opened_unix_ns == (int64_t)d->l->now + d->offset);
        incident_free(n);
        check_int(d->tells, 1);
        f->severity = SEVERITY_CRITICAL;
        look(d, 1);
        check_int(d->tells, 2);
        check_int(d->told[1].change, BOOK_SEVERITY);
        f->severity = SEVERITY_WARNING;
        look(d, CALM - 15);
        n = get(d, 1);
        check_int(n->severity, SEVERITY_CRITICAL);
        incident_free(n);
        f->severity = SEVERITY_CRITICAL; /* it comes back: the wait begins anew */
        look(d, 20);
        f->severity = SEVERITY_WARNING;
        look(d, CALM - 15);
        check_int(d->tells, 2);
        look(d, 30);
        check_int(d->tells, 3);
        n = get(d, 1);
        check_int(n->severity, SEVERITY_WARNING);
        check_int(n->severity_before, SEVERITY_CRITICAL);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_int(lines(n, "severity"), 2);
        incident_free(n);
        desk_done(d);
}

static void flapping_is_one_incident(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);

        for (uint32_t i = 0; i < 40; i++) {
                struct finding *f = find(d, 1, "memory", s, SEVERITY_WARNING);
                f->id = 100 + i; /* each time anew */
                look(d, 5);
                over(d, f);
                look(d, CALM / 2);
                check_int(book_open_count(d->book), 1);
        }
        check_int(d->tells, 1);
        struct incident *n = get(d, 1);
        check_int(n->findings, 1);
        check(n->entries < INCIDENT_ENTRIES);
        incident_free(n);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        check_int(d->tells, 2);
        desk_done(d);
}

static void what_comes_back_reopens(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_CRITICAL);

        look(d, 5);
        over(d, f);
        look(d, 2 * CALM);
        check(told_of(d, BOOK_RESOLVED, 1));
        book_note(d->book, 1, "notified", "told hook", (int64_t)d->l->now + d->offset); /* a little late */
        book_note(d->book, 7, "notified", "told hook", (int64_t)d->l->now + d->offset); /* there is none */
        look(d, 300);
        find(d, 2, "pids", s, SEVERITY_WARNING);
        look(d, 2);
        check_int(book_open_count(d->book), 1);
        check(told_of(d, BOOK_REOPENED, 1));
        struct incident *n = get(d, 1);
        check_int(n->reopened, 1);
        check_int(n->findings, 1);
        check(n->open && n->resolved_unix_ns == 0 && n->severity == SEVERITY_WARNING);
        check_int(n->severity_peak, SEVERITY_CRITICAL);
        check_int(lines(n, "reopened"), 1);
        check_int(lines(n, "notified"), 1);
        check(n->lasted > 300);
        incident_free(n);
        over(d, &d->l->b->finding[2]);
        look(d, 2 * CALM);
        look(d, 700);
        find(d, 3, "pids", s, SEVERITY_WARNING);
        look(d, 2);
        check(told_of(d, BOOK_OPENED, 2)); /* too late: another one */
        desk_done(d);
}

/* The host is loaded; by whom becomes clear later. */
static void the_hosts_goes_to_its_culprit(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t eater = fake_service(b, "eater", SERVICE_CONTAINER);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 1;
        find(d, 1, "saturation", 0, SEVERITY_CRITICAL);
        look(d, 30);
        struct incident *n = get(d, 1);
        check_str(n->owner, "");
        check_str(n->culprit, "");
        incident_free(n);
        /* a defect of its own, harmless as yet */
        find(d, 2, "zombie_leak", eater, SEVERITY_WARNING);
        look(d, 2);
        check_int(book_open_count(d->book), 2);
        b->service[eater].load1 = 8.5;
        b->service[eater].cpu_ratio = 1.9;
        look(d, 60);
        check_int(book_open_count(d->book), 1);
        n = get(d, 1);
        check(!n->open);
        check_int(n->merged_into, 2);
        incident_free(n);
        n = get(d, 2);
        check_int(n->severity, SEVERITY_CRITICAL);
        check_str(n->culprit, "eater");
        check(has(n, "saturation")->is.open);
        check_int(lines(n, "merged"), 1);
        incident_free(n);
        check(told_of(d, BOOK_SEVERITY, 2) && told_of(d, BOOK_RESOLVED, 1));
        desk_done(d);
}

static void an_incident_finds_its_owner(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t build = fake_service(b, "session-5.scope", SERVICE_SESSION);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        find(d, 1, "saturation", 0, SEVERITY_WARNING);
        look(d, 30);
        b->service[build].load1 = 8;
        look(d, 5);
        struct incident *n = get(d, 1);
        check_str(n->owner, ""); /* not convinced so soon */
        incident_free(n);
        look(d, 40);
        n = get(d, 1);
        check_str(n->owner, "session-5.scope");
        check_str(n->culprit, "session-5.scope");
        check_int(lines(n, "suspect"), 1);
        incident_free(n);
        check_int(d->tells, 1);
        desk_done(d);
}

/* `why` would name the leaker, which has all that is wrong; the kernel's kill was not its. */
static void what_nobody_explains_is_nobodys(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t s = fake_service(b, "leaker", SERVICE_CONTAINER);

        b->service[s].held = 50;
        b->service[s].memory_bytes = 1 << 30;
        find(d, 1, "zombie_leak", s, SEVERITY_WARNING);
        find(d, 2, "oom", 0, SEVERITY_WARNING);
        find(d, 3, "unattributed", 0, SEVERITY_WARNING);
        look(d, 60);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 2);
        check_str(n->owner, "");
        check_str(n->culprit, "");
        check_int(n->findings, 2);
        check_int(n->suspects, 0);
        check(strstr(n->why.answer, "oom found") && !strstr(n->why.answer, "leaker"));
        incident_free(n);
        n = get(d, 1);
        check_str(n->culprit, "leaker");
        check_int(n->findings, 1);
        incident_free(n);
        desk_done(d);
}

static void disks_are_nobodys(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t s = fake_service(b, "busy", SERVICE_CONTAINER);

        b->service[s].load1 = 9;
        b->host.load1 = 9;
        b->host.psi_cpu = 0.9;
        find(d, 1, "disk", 0, SEVERITY_WARNING);
        find(d, 2, "disk", 0, SEVERITY_CRITICAL); /* another mount */
        find(d, 3, "saturation", 0, SEVERITY_WARNING);
        look(d, 60);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 1);
        check(n->disk);
        check_int(n->findings, 2);
        check_str(n->culprit, "");
        check_int(n->suspects, 0);
        check(strstr(n->why.answer, "disk found") != NULL);
        incident_free(n);
        n = get(d, 2);
        check_str(n->owner, "busy");
        incident_free(n);
        desk_done(d);
}

static void a_victim_belongs_to_its_culprit(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        uint16_t eater = fake_service(b, "eater", SERVICE_CONTAINER);
        uint16_t victim = fake_service(b, "victim", SERVICE_CONTAINER);

        b->host.load1 = 9;
        b->host.psi_cpu = 0.8;
        b->host.cpu_busy_ratio = 1;
        b->service[eater].load1 = 8.5;
        b->service[eater].cpu_ratio = 1.9;
        fake_recent(&b->service[victim].probe_timeouts, d->l->now, 0);
        find(d, 1, "saturation", 0, SEVERITY_CRITICAL);
        look(d, 5);
        struct finding *hurt = find(d, 2, "health_check", victim, SEVERITY_WARNING);
        find(d, 3, "restart_loop", victim, SEVERITY_WARNING); /* a defect all the same */
        look(d, 5);
        check_int(book_open_count(d->book), 2);
        struct incident *n = get(d, 1);
        check_str(n->owner, "eater");
        check(has(n, "health_check")->consequence);
        check(!strcmp(n->title, "saturation found"));
        incident_free(n);
        n = get(d, 2);
        check_str(n->owner, "victim");
        check_int(n->findings, 1);
        incident_free(n);
        /* the culprit is cured and the victim isn't */
        over(d, &b->finding[1]);
        b->host.load1 = 0.1;
        b->service[eater].load1 = 0;
        b->service[eater].cpu_ratio = 0;
        look(d, 2 * CALM);
        check(told_of(d, BOOK_RESOLVED, 1));
        n = get(d, 2);
        check(has(n, "health_check")->is.open && hurt->open);
        check(!has(n, "health_check")->consequence);
        incident_free(n);
        desk_done(d);
}

/* ---- restarts ---- */

static void a_restart_of_the_recorder_changes_nothing(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8);
        uint32_t tells = d->tells;
        struct incident *before = get(d, 1);
        restart(d);
        tick(d, 30);
        check_int(book_open_count(d->book), 2);
        check_int(d->tells, tells); /* nobody is told twice */
        struct incident *after = get(d, 1);
        check_int(after->findings, before->findings);
        check_str(after->owner, before->owner);
        check(after->opened_unix_ns / 1000000 == before->opened_unix_ns / 1000000);
        check_near(after->service[USUAL_CPU].normal, before->service[USUAL_CPU].normal, 0.001);
        check_near(after->service[USUAL_CPU].peak, before->service[USUAL_CPU].peak, 0.001);
        check_int(after->entries, before->entries);
        for (uint32_t i = 0; i < after->findings; i++)
                check(after->finding[i].is.open);
        incident_free(before);
        incident_free(after);
        desk_done(d);
}

static void a_restart_of_the_guard_is_waited_out(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "memory", s, SEVERITY_WARNING);

        d->l->b->guard_generation = 1;
        look(d, 20);
        d->l->b->guard_generation = 2;
        over(d, f);
        look(d, 2 * CALM); /* the detector wants to see it for a while again */
        check_int(book_open_count(d->book), 1);
        find(d, 2, "memory", s, SEVERITY_WARNING);
        look(d, 20);
        struct incident *n = get(d, 1);
        check_int(n->findings, 1);
        check(n->finding[0].is.open);
        check_int(lines(n, "finding"), 0); /* that it was looked for anew is no news */
        incident_free(n);
        check_int(d->tells, 1);
        /* a whole new board: everything restarted */
        memset(d->l->b->finding, 0, sizeof d->l->b->finding);
        d->l->b->finding_top = 1;
        restart(d);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 1);
        find(d, 1, "memory", s, SEVERITY_WARNING)->id = 1;
        look(d, 20);
        check_int(book_open_count(d->book), 1);
        over(d, &d->l->b->finding[1]);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0); /* an ordinary end */
        find(d, 2, "memory", s, SEVERITY_WARNING);
        restart(d);
        look(d, 5);
        check(told_of(d, BOOK_REOPENED, 1));
        find(d, 3, "pids", fake_service(d->l->b, "other", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 2)); /* numbers go on */
        desk_done(d);
}

static void a_resolved_one_is_found_again(void)
{
        struct desk *d = desk_new();
        char name[32];

        /* more than the shelf holds */
        for (uint32_t i = 0; i < 60; i++) {
                snprintf(name, sizeof name, "service-%u", i);
                over(d, find(d, 1, "pids", fake_service(d->l->b, name, SERVICE_CONTAINER), SEVERITY_INFO));
                d->l->b->finding[1].open = true;
                d->l->b->finding[1].id = 5000 + i;
                look(d, 1);
                over(d, &d->l->b->finding[1]);
                look(d, 1);
        }
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        struct json_out j = json_out_of(16 << 20);
        struct book_query q = {.limit = 1000, .open = true, .resolved = true};
        json_out_array(&j, NULL);
        check_int(book_list(d->book, &q, &j), 60);
        json_out_array_end(&j);
        json_t *list = json_loadb(j.out.buf, j.out.len, 0, NULL);
        check_int(json_array_size(list), 60);
        json_decref(list);
        json_out_done(&j);
        book_free(d->book); /* nothing in memory: the keeper knows */
        open_book(d);
        struct incident *n = get(d, 7);
        check_str(n->owner, "service-6");
        check(!n->open);
        incident_free(n);
        check_int(book_get(d->book, 999, &n), -ENOENT);
        desk_done(d);
}

/* Brought newest first, as a store does, more than there is room for: the newest stay. */
static void the_shelf_keeps_the_newest(void)
{
        struct desk *d = desk_new();
        char json[200], when[CLOCK_RFC3339_SIZE];

        for (int i = 199; i > 0; i--) {
                int64_t at = (int64_t)d->l->now + OFFSET - (int64_t)FAKE_S(10 * (200 - i));
                snprintf(json, sizeof json,
                        "{\"id\":%d,\"state\":\"resolved\",\"service\":\"s\",\"resolved_at\":\"%s\"}", i,
                        clock_rfc3339(at, when));
                check_int(book_restore(d->book, json, strlen(json), d->l->now, OFFSET), 0);
        }
        struct incident *n = get(d, 199), *none;
        incident_free(n);
        incident_free(get(d, 150));
        check_int(book_get(d->book, 100, &none), -ENOENT);
        check_int(book_next_number(d->book), 200);
        book_number_from(d->book, 1000);
        book_number_from(d->book, 7);
        find(d, 1, "pids", fake_service(d->l->b, "t", SERVICE_CONTAINER), SEVERITY_WARNING);
        find(d, 2, "pids", fake_service(d->l->b, "s", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 1000));
        check(told_of(d, BOOK_REOPENED, 199)); /* the last of that service */
        desk_done(d);
}

/* ---- what can go wrong ---- */

/* Every allocation fails in turn: later looks make up for it, and nobody is told twice. */
static void without_memory(void)
{
        if (!FAILING_MALLOC)
                skip("the sanitizer has its own malloc()");
        for (long nth = 0; nth < 60; nth++) {
                struct desk *d = desk_new();
                uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);

                d->l->b->host.load1 = 9;
                d->l->b->host.psi_cpu = 0.8;
                find(d, 1, "zombie_leak", s, SEVERITY_WARNING);
                find(d, 2, "saturation", 0, SEVERITY_WARNING);
                failing_malloc_left = nth;
                look(d, 2);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 2);
                check_int(d->tells, 2);
                over(d, &d->l->b->finding[1]);
                look(d, 2);
                failing_malloc_left = nth / 4;
                look(d, 2 * CALM);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 1);
                check_int(d->tells, 3);
                failing_malloc_left = nth / 4;
                find(d, 3, "pids", s, SEVERITY_WARNING);
                look(d, 2);
                failing_malloc_left = -1;
                look(d, 30);
                check_int(book_open_count(d->book), 2);
                check_int(d->tells, 4);
                desk_done(d);
        }
}

static void hostile_names_stay_themselves(void)
{
        static const char *const names[] = {"\x1b[31mred", "a\xff\xfe", "\"},{\"id\":1",
                "x\xe2\x80\xae"
                "fdp.exe",
                "<b>"};
        struct desk *d = desk_new();

        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
                find(d, i + 1, "pids", fake_service(d->l->b, names[i], SERVICE_CONTAINER), SEVERITY_WARNING);
        char longest[BOARD_NAME];
        memset(longest, 0x80, sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        find(d, 9, "pids", fake_service(d->l->b, longest, SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 30);
        check_int(book_open_count(d->book), 6);
        struct incident *n = get(d, 1);
        check_str(n->owner, "\\x1b[31mred");
        check_str(n->culprit, "\\x1b[31mred");
        check(isfinite(n->host[USUAL_LOAD].peak));
        incident_free(n);
        struct event e = {.kind = EVENT_HEALTH_TIMEOUT, .count = 1, .unix_ns = (int64_t)d->l->now + OFFSET};
        memcpy(e.service, names[0], strlen(names[0]));
        memset(e.text, 0x9b, sizeof e.text - 1);
        book_event(d->book, &e);
        n = get(d, 1);
        check_int(lines(n, "health_timeout"), 1);
        incident_free(n);
        restart(d);
        look(d, 30);
        check_int(book_open_count(d->book), 6); /* each has found its findings again */
        check_int(d->tells, 6);
        n = get(d, 6);
        check(n->finding[0].is.open);
        incident_free(n);
        desk_done(d);
}

static void wall_clock_steps(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_WARNING);

        look(d, 30);
        d->offset -= INT64_C(86400) * (int64_t)NSEC_PER_SEC; /* a day back */
        look(d, 30);
        over(d, f);
        look(d, 20);
        d->offset += INT64_C(30) * 86400 * (int64_t)NSEC_PER_SEC; /* a month ahead */
        look(d, 20);
        check_int(book_open_count(d->book), 1); /* calm is counted by a clock that doesn't step */
        look(d, 60);
        check_int(book_open_count(d->book), 0);
        struct incident *n = get(d, 1);
        check_near(n->lasted, 30 + 30 + 70, 30);
        incident_free(n);
        d->offset -= INT64_C(60) * 86400 * (int64_t)NSEC_PER_SEC; /* resolved in the future, it seems */
        restart(d);
        look(d, 700);
        find(d, 2, "pids", s, SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 2)); /* not reopened for ever */
        desk_done(d);
}

static void only_watched_time_is_calm(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct finding *f = find(d, 1, "pids", s, SEVERITY_WARNING);

        look(d, 5);
        over(d, f);
        look(d, 10);
        d->l->now += FAKE_S(36000); /* suspended */
        look(d, 5);
        check_int(book_open_count(d->book), 1);
        uint64_t silent = d->l->now; /* the guard says nothing */
        for (int i = 0; i < 600; i++) {
                d->l->now += NSEC_PER_SEC;
                d->l->b->updated_ns = silent;
                check(i < 6 || !book_due(d->book, d->l->b, d->l->now));
                book_look(d->book, d->l->b, d->l->now, d->offset);
        }
        check_int(book_open_count(d->book), 1);
        look(d, 2 * CALM);
        check_int(book_open_count(d->book), 0);
        desk_done(d);
}

static void a_long_timeline_keeps_its_landmarks(void)
{
        struct desk *d = desk_new();
        uint16_t s = fake_service(d->l->b, "shop", SERVICE_CONTAINER);
        struct event e = {.kind = EVENT_EXIT, .count = 3, .exit_status = 9, .comm = "sh"};
        struct json_out j = json_out_of(INCIDENT_DOCUMENT);

        strcpy(e.service, "shop");
        find(d, 1, "respawn_loop", s, SEVERITY_WARNING);
        look(d, 5);
        for (uint32_t i = 0; i < 2000; i++) {
                look(d, 400);
                e.unix_ns = (int64_t)d->l->now + OFFSET;
                e.kind = i % 2 ? EVENT_EXIT : EVENT_RESTART;
                book_event(d->book, &e);
                if (i % 100 == 0)
                        book_note(d->book, 1, "notified", "hook", e.unix_ns);
        }
        struct incident *n = get(d, 1);
        uint64_t deaths = 0;
        for (uint32_t i = 0; i < n->entries; i++) {
                deaths += !strcmp(n->entry[i].kind, "death") ? n->entry[i].count : 0;
                check(i == 0 || n->entry[i].from_unix_ns >= n->entry[i - 1].from_unix_ns);
        }
        check_int(n->entries, INCIDENT_ENTRIES);
        check_int(deaths, 3000); /* every one is in some line */
        check_int(n->left_out, 0);
        check_int(lines(n, "opened"), 1);
        incident_write(n, &j);
        check(j.out.len < 64 << 10);
        json_out_done(&j);
        incident_free(n);
        desk_done(d);
}

static void tables_that_are_full(void)
{
        struct desk *d = desk_new();
        struct board *b = d->l->b;
        char name[32];

        for (uint32_t i = 1; i < BOARD_FINDINGS; i++) { /* one incident each */
                snprintf(name, sizeof name, "service-%u", i);
                find(d, i, "pids", fake_service(b, name, SERVICE_CONTAINER), SEVERITY_WARNING);
        }
        look(d, 30);
        check_int(book_open_count(d->book), BOARD_FINDINGS - 1);
        for (uint32_t i = 1; i < BOARD_FINDINGS; i++) /* and all in one */
                find(d, i, "disk", 0, SEVERITY_WARNING)->id = 5000 + i;
        look(d, 3 * CALM);
        check_int(book_open_count(d->book), 1);
        struct incident *n = get(d, BOARD_FINDINGS);
        check_int(n->findings, INCIDENT_FINDINGS);
        incident_free(n);
        /* more than are kept in memory */
        struct book_query q = {.limit = 1000, .resolved = true};
        struct json_out j = json_out_of(16 << 20);
        check_int(
                book_list(d->book, &q, &j), 2 * TOLD); /* the last ones, and the first that were kept here */
        json_out_done(&j);
        desk_done(d);
}

static void documents_that_are_none(void)
{
        static const char *const bad[] = {"", "{", "[]", "7", "{}", "{\"id\":0,\"state\":\"open\"}",
                "{\"id\":-3,\"state\":\"open\"}", "{\"id\":1}", "{\"id\":1,\"state\":\"shut\"}",
                "{\"id\":\"1\",\"state\":\"open\"}", "{\"id\":1,\"id\":2,\"state\":\"open\"}"};
        static const char least[] = "{\"id\":9,\"state\":\"open\"}";
        struct desk *d = desk_new();

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                check_int(book_restore(d->book, bad[i], strlen(bad[i]), d->l->now, OFFSET), -EINVAL);
        check_int(book_restore(d->book, least, sizeof least - 1, d->l->now, OFFSET), 0);
        check_int(book_restore(d->book, least, sizeof least - 1, d->l->now, OFFSET), -EEXIST);
        look(d, 10 * CALM); /* it has nothing, and ends */
        check_int(book_open_count(d->book), 0);
        check(told_of(d, BOOK_RESOLVED, 9));
        find(d, 1, "pids", fake_service(d->l->b, "shop", SERVICE_CONTAINER), SEVERITY_WARNING);
        look(d, 5);
        check(told_of(d, BOOK_OPENED, 10));
        desk_done(d);
}

/* A document written, read and written again is the same. */
static void documents_survive(void)
{
        uint16_t worker, api;
        struct desk *d = afternoon(&worker, &api);

        storm(d, worker, api, 8);
        for (uint64_t id = 1; id <= 2; id++) {
                struct incident *n = get(d, id);
                struct json_out a = json_out_of(INCIDENT_DOCUMENT), b = json_out_of(INCIDENT_DOCUMENT);
                struct incident *again;

                incident_write(n, &a);
                check_int(incident_read(a.out.buf, a.out.len, &again), 0);
                incident_write(again, &b);
                check_int(a.out.len, b.out.len);
                check(a.out.len == b.out.len && !memcmp(a.out.buf, b.out.buf, a.out.len));
                json_out_done(&a);
                json_out_done(&b);
                incident_free(n);
                incident_free(again);
        }
        desk_done(d);
}

static void all(void)
{
        test(one_deadly_and_one_small);
        test(resolved_after_the_fix);
        test(severity_rises_and_falls_only_for_good);
        test(flapping_is_one_incident);
        test(what_comes_back_reopens);
        test(the_hosts_goes_to_its_culprit);
        test(an_incident_finds_its_owner);
        test(what_nobody_explains_is_nobodys);
        test(disks_are_nobodys);
        test(a_victim_belongs_to_its_culprit);
        test(a_restart_of_the_recorder_changes_nothing);
        test(a_restart_of_the_guard_is_waited_out);
        test(a_resolved_one_is_found_again);
        test(the_shelf_keeps_the_newest);
        test(without_memory);
        test(hostile_names_stay_themselves);
        test(wall_clock_steps);
        test(only_watched_time_is_calm);
        test(a_long_timeline_keeps_its_landmarks);
        test(tables_that_are_full);
        test(documents_that_are_none);
        test(documents_survive);
}

int main(void)
{
        return tap_main(all);
}
