/* Tests of source/engine/tracker: a recorded stream of events with its inspections, and each way in which
 * the end of a health check can become known.
 */
#include "source/engine/tracker.h"

#include "source/engine/json_split.h"
#include "tap.h"

#define ID      "68d107562d5a4d87d4b7c03186aa891b6d79a62e2a5ae379a0673ae8e0b819de"
#define OTHER   "0b40655d4e6a4d87d4b7c03186aa891b6d79a62e2a5ae379a0673ae8e0b819de"
#define SEC     INT64_C(1000000000)
#define START   (1000 * SEC) /* wall time at which each test begins */
#define TIMEOUT (10 * SEC)

static struct engine_event events[256];
static int event_count, container_count, synced_count;
static struct container last_container;

static void on_event(void *ctx, const struct engine_event *e)
{
        if (event_count < 256)
                events[event_count++] = *e;
}

static void on_container(void *ctx, const struct container *c)
{
        last_container = *c;
        container_count++;
}

static void on_synced(void *ctx)
{
        synced_count++;
}

static const struct tracker_ops ops = {on_event, on_container, on_synced};

/* Boot time equals wall time here. */
static struct tracker_time at(int64_t unix_ns)
{
        return (struct tracker_time){.boot_ns = (uint64_t)unix_ns, .unix_ns = unix_ns};
}

static int count_of(uint8_t kind)
{
        int n = 0;

        for (int i = 0; i < event_count; i++)
                n += events[i].kind == kind;
        return n;
}

static const struct engine_event *last_of(uint8_t kind)
{
        static const struct engine_event none;

        for (int i = event_count - 1; i >= 0; i--)
                if (events[i].kind == kind)
                        return &events[i];
        return &none;
}

static void begin(struct tracker *t)
{
        tracker_init(t, &ops, NULL);
        t->listening_since_unix_ns = START;
        event_count = container_count = synced_count = 0;
}

static struct docker_container inspected(const char *id)
{
        struct docker_container d = {.health_hash = 77};

        strcpy(d.c.id, id);
        strcpy(d.c.name, "c");
        strcpy(d.c.health_command, "probe");
        d.c.state = CONTAINER_RUNNING;
        d.c.health_timeout_ns = TIMEOUT;
        d.c.health_interval_ns = 30 * SEC;
        return d;
}

static void send(struct tracker *t, enum docker_action a, int64_t unix_ns, const char *exec, int32_t code)
{
        struct docker_event e = {
                .action = a, .unix_ns = unix_ns, .exit_code = code, .ran = NAN, .command_hash = 77};

        strcpy(e.container.id, ID);
        strcpy(e.exec_id, exec);
        strcpy(e.command, "probe");
        tracker_event(t, &e, false, at(unix_ns));
}

static bool due(struct tracker *t, int64_t unix_ns)
{
        char id[72];
        uint64_t next;

        return tracker_next_inspection(t, (uint64_t)unix_ns, id, &next);
}

/* A container whose probe has begun at START + 1 s. */
static void begin_probe(struct tracker *t)
{
        struct docker_container d = inspected(ID);

        begin(t);
        send(t, DOCKER_START, START, "", -1);
        check(due(t, START + SEC / 10));
        tracker_inspected(t, &d, at(START + SEC / 10));
        send(t, DOCKER_EXEC_START, START + SEC, "e1", -1);
        check_int(count_of(CONTAINER_EVENT_PROBE_START), 1);
        check(!due(t, START + SEC));
}

static void with_log(struct tracker *t, int64_t start, int64_t end, int32_t code, bool timed_out, int64_t now)
{
        struct docker_container d = inspected(ID);

        d.probe[d.probe_count++] = (struct docker_probe){
                .start_unix_ns = start, .end_unix_ns = end, .exit_code = code, .timed_out = timed_out};
        tracker_inspected(t, &d, at(now));
}

static void probe_in_time(void)
{
        struct tracker t;

        begin_probe(&t);
        send(&t, DOCKER_EXEC_DIE, START + 3 * SEC, "e1", 1);
        const struct engine_event *e = last_of(CONTAINER_EVENT_PROBE_END);
        check_int(e->code, 1);
        check(!e->timed_out);
        check_near(e->value, 2, 1e-9);
        check_str(e->exec_id, "e1");
        check_int(t.runs, 0);
        check(!due(&t, START + 3 * SEC));
        tracker_done(&t);
}

static void probe_killed_at_timeout(void)
{
        struct tracker t;

        begin_probe(&t);
        send(&t, DOCKER_EXEC_DIE, START + SEC + TIMEOUT + SEC / 50, "e1", 127);
        check(last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        check(!due(&t, START + 20 * SEC));
        tracker_done(&t);
}

/* The end seen a moment before the timeout, or late with a code of its own: the log decides. */
static void probe_near_timeout(void)
{
        struct tracker t;

        for (int timed_out = 0; timed_out < 2; timed_out++) {
                int64_t end = START + SEC + TIMEOUT + (timed_out ? 2 * SEC : -SEC / 10);
                begin_probe(&t);
                send(&t, DOCKER_EXEC_DIE, end, "e1", 0);
                check_int(count_of(CONTAINER_EVENT_PROBE_END), 0);
                check(due(&t, end));
                with_log(&t, START + SEC - 1000, end - 1000, 0, timed_out, end + 1000);
                check_int(count_of(CONTAINER_EVENT_PROBE_END), 1);
                check_int(last_of(CONTAINER_EVENT_PROBE_END)->timed_out, timed_out);
                tracker_done(&t);
        }
        /* No word from the log in time: what the code says. */
        begin_probe(&t);
        send(&t, DOCKER_EXEC_DIE, START + SEC + TIMEOUT - 1, "e1", 127);
        tracker_tick(&t, at(START + TIMEOUT + 2 * SEC));
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 0);
        tracker_tick(&t, at(START + TIMEOUT + 4 * SEC));
        check(last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        tracker_done(&t);
}

/* No exec_die ever: a program that cannot be started, or an engine that does not kill. */
static void probe_without_end(void)
{
        struct tracker t;

        begin_probe(&t);
        tracker_tick(&t, at(START + TIMEOUT));
        check(!due(&t, START + TIMEOUT));
        tracker_tick(&t, at(START + TIMEOUT + 3 * SEC));
        check(due(&t, START + TIMEOUT + 3 * SEC));
        with_log(&t, START + SEC, START + SEC + TIMEOUT, -1, true, START + TIMEOUT + 3 * SEC);
        check(last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        check_near(last_of(CONTAINER_EVENT_PROBE_END)->value, 10, 1e-9);
        check_int(t.runs, 0);
        tracker_done(&t);

        begin_probe(&t);
        send(&t, DOCKER_EXEC_START, START + 31 * SEC, "e2", -1);
        check(due(&t, START + 31 * SEC));
        with_log(&t, START + SEC - 5, START + SEC + 5, -1, false, START + 31 * SEC);
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 1);
        check(!last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        check_int(last_of(CONTAINER_EVENT_PROBE_END)->code, -1);
        check_str(last_of(CONTAINER_EVENT_PROBE_END)->exec_id, "e1");
        /* The second one: neither log nor another start; given up. */
        tracker_tick(&t, at(START + 200 * SEC));
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 2);
        check(last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        check(isnan(last_of(CONTAINER_EVENT_PROBE_END)->value));
        tracker_done(&t);

        /* The log is mute: the next start tells how long it took, an interval earlier. */
        begin_probe(&t);
        send(&t, DOCKER_EXEC_START, START + 41 * SEC + 1000, "e2", -1);
        tracker_tick(&t, at(START + 44 * SEC));
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 1);
        check(last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        tracker_done(&t);

        /* We were cut off meanwhile: then nothing is claimed. */
        begin_probe(&t);
        tracker_disconnected(&t);
        tracker_tick(&t, at(START + 200 * SEC));
        check(!last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        tracker_done(&t);
}

static void death_ends_execs(void)
{
        struct tracker t;

        begin_probe(&t);
        send(&t, DOCKER_DIE, START + 5 * SEC, "", 137);
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 1);
        check(!last_of(CONTAINER_EVENT_PROBE_END)->timed_out);
        check_int(events[event_count - 1].kind, CONTAINER_EVENT_DIE);
        check_near(events[event_count - 1].value, 5, 1e-9);
        send(&t, DOCKER_EXEC_DIE, START + 6 * SEC, "e1", 0);
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 1);
        tracker_done(&t);
}

static void exec_before_inspection(void)
{
        struct tracker t;
        struct docker_container d = inspected(ID);

        begin(&t);
        send(&t, DOCKER_EXEC_START, START, "e1", -1);
        send(&t, DOCKER_EXEC_DIE, START + SEC, "e1", 0);
        check_int(event_count, 0);
        check(due(&t, START + SEC));
        tracker_inspected(&t, &d, at(START + 2 * SEC));
        check_int(event_count, 2);
        check_int(events[0].kind, CONTAINER_EVENT_PROBE_START);
        check_int(events[1].kind, CONTAINER_EVENT_PROBE_END);
        /* A person's. */
        d.health_hash = 78;
        tracker_inspected(&t, &d, at(START + 3 * SEC));
        send(&t, DOCKER_EXEC_START, START + 4 * SEC, "e2", -1);
        send(&t, DOCKER_EXEC_DIE, START + 90 * SEC, "e2", 0);
        check_int(count_of(CONTAINER_EVENT_EXEC_START), 1);
        check_int(count_of(CONTAINER_EVENT_EXEC_END), 1);
        check(!last_of(CONTAINER_EVENT_EXEC_END)->timed_out);
        tracker_done(&t);
}

static void too_many_execs(void)
{
        struct tracker t;
        struct docker_container d = inspected(ID);
        char id[8];

        begin(&t);
        d.health_hash = 78;
        send(&t, DOCKER_START, START, "", -1);
        tracker_inspected(&t, &d, at(START));
        for (int i = 0; i < 100; i++) {
                snprintf(id, sizeof id, "x%d", i);
                send(&t, DOCKER_EXEC_START, START + i, id, -1);
        }
        check_int(t.runs, 64);
        check_int(count_of(CONTAINER_EVENT_EXEC_END), 36);
        check_str(last_of(CONTAINER_EVENT_EXEC_END)->exec_id, "x35");
        tracker_done(&t);
}

static void stops_are_told_once(void)
{
        struct tracker t;
        struct docker_event kill = {.action = DOCKER_KILL, .signal = 1, .unix_ns = START, .ran = NAN};

        begin(&t);
        strcpy(kill.container.id, ID);
        send(&t, DOCKER_START, START, "", -1);
        tracker_event(&t, &kill, false, at(START));
        check_int(count_of(CONTAINER_EVENT_STOP), 0); /* SIGHUP */
        kill.signal = 15;
        tracker_event(&t, &kill, false, at(START));
        kill.signal = 9;
        tracker_event(&t, &kill, false, at(START));
        send(&t, DOCKER_DIE, START + 1, "", 137);
        send(&t, DOCKER_STOP, START + 2, "", -1);
        check_int(count_of(CONTAINER_EVENT_STOP), 1);
        send(&t, DOCKER_START, START + 3, "", -1);
        send(&t, DOCKER_STOP, START + 4, "", -1);
        check_int(count_of(CONTAINER_EVENT_STOP), 2);
        tracker_done(&t);
}

static void past_probes(void)
{
        struct tracker t;
        struct container brief = {.state = CONTAINER_RUNNING};
        struct docker_container d = inspected(ID);

        begin(&t);
        strcpy(brief.id, ID);
        d.probe_count = 2;
        d.probe[0] = (struct docker_probe){START - 20 * SEC, START - 10 * SEC, -1, true};
        d.probe[1] = (struct docker_probe){START + 1, START + 2, 0, false}; /* comes as an event */
        tracker_list_begin(&t, true);
        tracker_listed(&t, &brief, at(START));
        tracker_list_end(&t, at(START));
        check_int(synced_count, 0);
        check(due(&t, START));
        tracker_inspected(&t, &d, at(START + 3));
        check_int(synced_count, 1);
        check_int(event_count, 1);
        check(events[0].replayed && events[0].timed_out);
        check_near(events[0].value, 10, 1e-9);
        tracker_inspected(&t, &d, at(START + 4)); /* not again */
        check_int(event_count, 1);
        tracker_done(&t);
}

static void probes_of_podman(void)
{
        struct tracker t;
        struct docker_container d = inspected(ID);
        struct docker_event e = {.action = DOCKER_HEALTH, .unix_ns = START, .ran = NAN};

        begin(&t);
        t.probes_from_log = true;
        strcpy(e.container.id, ID);
        tracker_event(&t, &e, false, at(START));
        check_int(event_count, 0); /* says no health */
        check(due(&t, START + SEC));
        d.probe_count = 2;
        d.probe[0] = (struct docker_probe){START - 5, START - 2, 0, false};
        d.probe[1] = (struct docker_probe){START + 1, START + 1 + TIMEOUT, -1, false};
        tracker_inspected(&t, &d, at(START + SEC));
        check_int(event_count, 2);
        check(events[0].replayed && !events[0].timed_out);
        check(!events[1].replayed && events[1].timed_out);
        /* The next probe: the old ones are not told again. */
        d.probe[0] = d.probe[1];
        d.probe[1] = (struct docker_probe){START + 30 * SEC, START + 31 * SEC, -1, false};
        tracker_inspected(&t, &d, at(START + 32 * SEC));
        check_int(event_count, 3);
        check(!events[2].timed_out);
        check_int(events[2].code, -1);
        tracker_done(&t);
}

static void listings(void)
{
        struct tracker t;
        struct container a = {.state = CONTAINER_RUNNING}, b = {.state = CONTAINER_EXITED};
        struct docker_container d = inspected(ID);
        char id[72];
        uint64_t next;

        begin(&t);
        strcpy(a.id, ID);
        strcpy(b.id, OTHER);
        tracker_list_begin(&t, true);
        tracker_listed(&t, &a, at(START));
        tracker_listed(&t, &b, at(START));
        tracker_list_end(&t, at(START));
        check_int(container_count, 2); /* named before they are inspected */
        check(tracker_next_inspection(&t, START, id, &next));
        check(tracker_next_inspection(&t, START, id, &next));
        check(!tracker_next_inspection(&t, START, id, &next));
        check_int(next, 0);
        tracker_inspected(&t, &d, at(START));
        check_int(synced_count, 0);
        tracker_not_inspected(&t, OTHER, at(START)); /* is sent as far as known */
        check_int(synced_count, 1);
        check_int(container_count, 4);
        check_str(last_container.id, OTHER);
        check(!tracker_next_inspection(&t, START, id, &next));
        check(next == START + 30 * SEC);
        check(tracker_next_inspection(&t, START + 30 * SEC, id, &next));
        tracker_gone(&t, OTHER, at(START + 30 * SEC));
        check_int(count_of(CONTAINER_EVENT_DESTROY), 1);
        check_int(t.count, 1);
        /* Later listings look for differences only. */
        tracker_list_begin(&t, false);
        tracker_listed(&t, &a, at(START + 60 * SEC));
        tracker_list_end(&t, at(START + 60 * SEC));
        check(!due(&t, START + 60 * SEC));
        a.state = CONTAINER_PAUSED;
        tracker_list_begin(&t, false);
        tracker_listed(&t, &a, at(START + 61 * SEC));
        tracker_list_end(&t, at(START + 61 * SEC));
        check(due(&t, START + 61 * SEC));
        tracker_inspected(&t, &d, at(START + 61 * SEC));
        tracker_list_begin(&t, false);
        tracker_list_end(&t, at(START + 62 * SEC));
        check_int(t.count, 0);
        check_int(count_of(CONTAINER_EVENT_DESTROY), 2);
        check_int(synced_count, 1);
        tracker_done(&t);
}

static void too_many_containers(void)
{
        struct tracker t;
        struct container c = {.state = CONTAINER_RUNNING};

        begin(&t);
        tracker_list_begin(&t, true);
        for (int i = 0; i < 3000; i++) {
                snprintf(c.id, sizeof c.id, "%012x", i);
                tracker_listed(&t, &c, at(START));
        }
        check_int(t.count, BOARD_CONTAINERS - 1);
        check_int(t.overflow, 3000 - BOARD_CONTAINERS + 1);
        tracker_list_end(&t, at(START));
        tracker_done(&t);
        check_int(t.count, 0);
}

/* ---- what Docker 20.10 really sent ---- */

static int64_t recorded_now;

static void on_recorded(void *ctx, const char *text, size_t len)
{
        struct tracker *t = ctx;
        struct docker_event e;
        char id[72];
        uint64_t next;

        check_int(docker_event_parse(text, len, &e), 0);
        recorded_now = e.unix_ns;
        tracker_event(t, &e, false, at(e.unix_ns));
        tracker_tick(t, at(e.unix_ns));
        while (tracker_next_inspection(t, (uint64_t)e.unix_ns + SEC, id, &next)) {
                struct docker_container d = inspected(id);
                d.c.health_timeout_ns = (uint64_t)SEC;
                d.c.health_interval_ns = 2 * (uint64_t)SEC;
                struct docker_event health;
                char line[200];
                snprintf(line, sizeof line, "{\"Action\":\"exec_start: %s\",\"id\":\"%s\"}",
                        !strncmp(id, "68d107", 6)   ? "/bin/sh -c sleep 3; true"
                        : !strncmp(id, "185f77", 6) ? "/nope"
                                                    : "/bin/sh -c test -e /ok || true",
                        id);
                check_int(docker_event_parse(line, strlen(line), &health), 0);
                d.health_hash = health.command_hash;
                tracker_inspected(t, &d, at(e.unix_ns));
        }
}

static void recorded(void)
{
        static char text[1 << 17];
        char path[512];
        const char *root = getenv("SEXTON_FIXTURES");
        struct tracker t;
        struct json_split j;
        int timeouts = 0;

        snprintf(path, sizeof path, "%s/docker/events-probes-20.10.jsonl", root ? root : "tests/fixtures");
        FILE *f = fopen(path, "r");
        check(f);
        if (!f)
                return;
        size_t len = fread(text, 1, sizeof text, f);
        fclose(f);
        begin(&t);
        json_split_init(&j, 1 << 20, on_recorded, &t);
        check_int(json_split_feed(&j, text, len), 0);
        json_split_done(&j);
        for (int i = 0; i < event_count; i++)
                timeouts += events[i].kind == CONTAINER_EVENT_PROBE_END && events[i].timed_out;
        check_int(timeouts, 6); /* each probe of `shell`, none of the others */
        check_int(count_of(CONTAINER_EVENT_PROBE_START), 18);
        check_int(count_of(CONTAINER_EVENT_PROBE_END), 18);
        check_int(count_of(CONTAINER_EVENT_EXEC_START), 0);
        check_int(count_of(CONTAINER_EVENT_STOP), 5);
        check_int(count_of(CONTAINER_EVENT_RESTART), 1);
        check_int(count_of(CONTAINER_EVENT_DIE), 13);
        check_int(count_of(CONTAINER_EVENT_DESTROY), 4);
        check_int(t.count, 0);
        check_int(t.runs, 0);
        tracker_done(&t);
}

static void all(void)
{
        test(probe_in_time);
        test(probe_killed_at_timeout);
        test(probe_near_timeout);
        test(probe_without_end);
        test(death_ends_execs);
        test(exec_before_inspection);
        test(too_many_execs);
        test(stops_are_told_once);
        test(past_probes);
        test(probes_of_podman);
        test(listings);
        test(too_many_containers);
        test(recorded);
}

int main(void)
{
        return tap_main(all);
}
