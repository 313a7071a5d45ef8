/* An hour without the container engine, on a clock of the test's own: what the engine's last word left in the
 * world, what detectors make of its silence, and what the book keeps of it.
 *
 * That a session notices a silent, dying or babbling daemon and finds its way back is test_engine_session's,
 * with a fake daemon and for seconds; that all of Sexton bears a real dockerd that hangs is the scenarios'
 * below tests/e2e, for half a minute. Here is the hour.
 */
#include "base/text.h"
#include "book_desk.h"
#include "world/world.h"

#define WORKER "6faa5f1b6ba8632dee023865045077fcf045125e6c5e51e33fec694c862df6a6"
#define API    "7c1d2e3f4a5b632dee023865045077fcf045125e6c5e51e33fec694c862df6a7"

static struct desk *d;
static struct world *w;
static struct board *b;
static uint64_t events[EVENT_KINDS];
static uint32_t init;
static int32_t next_pid;

static void take(void *ctx, const struct event *e)
{
        events[e->kind] += e->count;
        book_event(d->book, e);
}

static struct container record(const char *id, const char *service)
{
        struct container c = {.project = "odin",
                .state = CONTAINER_RUNNING,
                .started_ns = FAKE_T0 - FAKE_S(7200),
                .policy = RESTART_UNLESS_STOPPED,
                .health_interval_ns = FAKE_S(30),
                .health_timeout_ns = FAKE_S(10)};

        text_set(c.id, sizeof c.id, id);
        text_set(c.compose_service, sizeof c.compose_service, service);
        if (!strcmp(service, "worker"))
                strcpy(c.health_command, "celery inspect ping");
        return c;
}

/* As a new connection tells it: all that there is. */
static void connect_engine(void)
{
        struct container worker = record(WORKER, "worker"), api = record(API, "api");

        b->sources.engine = ENGINE_DOCKER;
        world_containers_synced(w, true);
        world_container(w, &worker, d->l->now);
        world_container(w, &api, d->l->now);
        world_containers_synced(w, false);
}

static void says(const char *id, enum container_event kind, int32_t code, bool timed_out)
{
        struct engine_event e = {.kind = (uint8_t)kind, .code = code, .value = 10, .timed_out = timed_out};

        text_set(e.id, sizeof e.id, id);
        world_container_event(w, &e, d->l->now);
}

static void begin(void)
{
        d = desk_new();
        b = d->l->b;
        w = calloc(1, sizeof *w);
        if (!w)
                abort();
        memset(events, 0, sizeof events);
        next_pid = 1000;
        world_init(w, b, take, NULL, d->l->now, FAKE_GRACE);
        connect_engine();
        init = world_born(w, 500, 0, d->l->now, d->l->now);
        world_set_cgroup(w, init, world_cgroup(w, "/docker/" WORKER));
        world_set_command(w, init, "celery -A app worker", "/usr/bin/celery");
        b->process[init].flags |= PROCESS_F_INIT;
}

static void end(void)
{
        desk_done(d);
        free(w);
}

static void pass(double seconds)
{
        for (uint64_t until = d->l->now + FAKE_S(seconds); d->l->now < until;) {
                world_recount(w, d->l->now + NSEC_PER_SEC);
                tick(d, 1);
        }
}

/* A child of the worker that nobody waits for; its entry. */
static uint32_t leaves_one(void)
{
        uint32_t p = world_born(w, ++next_pid, 500, d->l->now, d->l->now);

        world_zombie(w, p, d->l->now, 0, d->l->now);
        return p;
}

static void half_a_minute_of_trouble(void)
{
        pass(10);
        says(API, CONTAINER_EVENT_DIE, 1, false);
        pass(10);
        says(API, CONTAINER_EVENT_START, 0, false);
        says(WORKER, CONTAINER_EVENT_PROBE_START, 0, false);
        pass(10);
        says(WORKER, CONTAINER_EVENT_PROBE_END, 0, true);
        (void)leaves_one();
}

static const char *owner(uint64_t id)
{
        static char text[2][BOARD_NAME];
        struct incident *n = get(d, id);

        text_set(text[id & 1], sizeof text[0], n->open ? n->owner : "over");
        incident_free(n);
        return text[id & 1];
}

static void both_go_on(uint64_t worker)
{
        check_int(book_open_count(d->book), 2);
        check_str(owner(worker), "odin/worker");
        check_str(owner(3 - worker), "odin/api");
}

static void an_hour_without_it(void)
{
        begin();
        for (int k = 0; k < 20; k++)
                half_a_minute_of_trouble();
        uint64_t worker = strcmp(owner(1), "odin/worker") ? 2 : 1;
        both_go_on(worker);
        struct incident *n = get(d, worker);
        check(has(n, "zombie_leak")->is.open && has(n, "health_check")->is.open);
        incident_free(n);
        n = get(d, 3 - worker);
        check(has(n, "restart_loop")->is.open);
        incident_free(n);
        uint32_t tells = d->tells, stays = init;
        uint64_t deploys = events[EVENT_DEPLOY];

        /* The loop is dead at that moment, and nobody starts it; a probe runs, and nobody tells of its end.
         */
        says(API, CONTAINER_EVENT_DIE, 1, false);
        says(WORKER, CONTAINER_EVENT_PROBE_START, 0, false);
        b->sources.engine = ENGINE_UNREACHABLE;
        uint64_t before = events[EVENT_FINDING];
        for (int minute = 0; minute < 60; minute++) {
                uint32_t p = minute % 5 ? 0 : leaves_one();
                pass(60);
                both_go_on(worker);
                check_str(b->service[b->process[stays].service].name, "odin/worker");
                if (p) /* who is born meanwhile is named, too */
                        check_str(b->service[b->process[p].service].name, "odin/worker");
        }
        check_int(d->tells, tells);
        check_int(events[EVENT_FINDING], before);
        n = get(d, worker);
        check(strstr(n->title, "odin/worker holds 32 zombies") != NULL); /* the ledger needs no engine */
        incident_free(n);

        /* It comes back, and goes on where it stopped. */
        connect_engine();
        says(API, CONTAINER_EVENT_START, 0, false);
        says(WORKER, CONTAINER_EVENT_PROBE_END, 0, true);
        for (int k = 0; k < 10; k++)
                half_a_minute_of_trouble();
        both_go_on(worker);
        check_int(d->tells, tells);
        check_int(events[EVENT_DEPLOY], deploys);
        check_int(events[EVENT_FINDING], before);
        end();
}

/* What was mended while nobody could tell is found so when it can be told: not before, and not an hour later.
 */
static void mended_meanwhile(void)
{
        begin();
        for (int k = 0; k < 20; k++)
                half_a_minute_of_trouble();
        both_go_on(strcmp(owner(1), "odin/worker") ? 2 : 1);
        b->sources.engine = ENGINE_UNREACHABLE;
        for (int32_t pid = 1001; pid <= next_pid; pid++)
                world_buried(w, world_find(w, pid), d->l->now);
        pass(3600);
        check_int(book_open_count(d->book), 2); /* nobody knows of the probes, nor of the loop */
        connect_engine();
        for (int k = 0; k < 6; k++) {
                says(WORKER, CONTAINER_EVENT_PROBE_START, 0, false);
                pass(30);
                says(WORKER, CONTAINER_EVENT_PROBE_END, 0, false);
        }
        pass(2 * CALM);
        check_int(book_open_count(d->book), 0);
        check(told_of(d, BOOK_RESOLVED, 1) && told_of(d, BOOK_RESOLVED, 2));
        end();
}

static void all(void)
{
        test(an_hour_without_it);
        test(mended_meanwhile);
}

int main(void)
{
        return tap_main(all);
}
