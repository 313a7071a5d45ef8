/* Tests of when findings are over: of what happens now and then (time-outs, restarts, kills) nobody can see
 * that it has stopped. Soon after the fix, and without flapping while it goes on.
 */
#include "detect_lab.h"
#include "tap.h"

/* ---- health checks ---- */

static uint16_t checked(struct lab *l, const char *name)
{
        uint16_t i = fake_service(l->b, name, SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        s->has_health_check = true;
        s->state = CONTAINER_RUNNING;
        s->containers = 1;
        s->health_interval_ns = FAKE_S(30);
        s->health_timeout_ns = FAKE_S(10);
        return i;
}

/* Half a minute, then a probe ends. */
static void probe(struct lab *l, uint16_t i, bool times_out)
{
        struct service *s = &l->b->service[i];

        lab_tick(l, 30);
        fake_recent(&s->probe_runs, l->now, times_out ? 10000 : 800);
        if (times_out)
                fake_recent(&s->probe_timeouts, l->now, 0);
}

static void probes_that_go_well_end_it(void)
{
        struct lab *l = lab_new();
        uint16_t i = checked(l, "worker");

        for (int k = 0; k < 8; k++)
                probe(l, i, true);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "health_check", i), "timed out 8 times"));
        probe(l, i, false);
        probe(l, i, false);
        lab_tick(l, 29);
        check(lab_find(l, "health_check", i));
        probe(l, i, false);
        lab_tick(l, 58);
        check(lab_find(l, "health_check", i)); /* for the rest as every finding of it */
        lab_tick(l, 4);
        check(!lab_find(l, "health_check", i)); /* three minutes after the fix, not eleven */
        probe(l, i, true);
        lab_tick(l, 5);
        check(!lab_find(l, "health_check", i)); /* one is none */
        probe(l, i, true);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "health_check", i), "timed out 2 times"));
        lab_done(l);
}

/* One in four for an hour: it is found once, and ends once. */
static void some_that_go_well_do_not(void)
{
        struct lab *l = lab_new();
        uint16_t i = checked(l, "worker");

        for (int k = 0; k < 120; k++)
                probe(l, i, k % 4 == 0);
        check(lab_find(l, "health_check", i));
        check_int(l->events, 1);
        for (int k = 0; k < 3; k++) /* with the three before: as many as twice that */
                probe(l, i, false);
        check(lab_find(l, "health_check", i));
        lab_tick(l, 65);
        check(!lab_find(l, "health_check", i));
        check_int(l->events, 2);
        lab_done(l);
}

/* Each five minutes two in a row, as by a job of cron: the first time may be taken for the last, later ones
 * not. */
static void bursts_are_one_finding(void)
{
        struct lab *l = lab_new();
        uint16_t i = checked(l, "worker");

        for (int k = 0; k < 120; k++)
                probe(l, i, k % 10 < 2);
        check(l->events <= 3);
        check(lab_find(l, "health_check", i));
        lab_done(l);
}

/* Of four containers one times out always: what the others answer in between doesn't end it. */
static void replicas_do_not_answer_for_each_other(void)
{
        struct lab *l = lab_new();
        uint16_t i = checked(l, "web");

        l->b->service[i].containers = 4;
        for (int k = 0; k < 80; k++)
                probe(l, i, k % 4 == 1);
        check(lab_find(l, "health_check", i));
        check_int(l->events, 1);
        for (int k = 0; k < 9; k++) /* two are left of the last round */
                probe(l, i, false);
        check(lab_find(l, "health_check", i));
        probe(l, i, false);
        lab_tick(l, 61);
        check(!lab_find(l, "health_check", i));
        lab_done(l);
}

static void failures_are_no_success(void)
{
        struct lab *l = lab_new();
        uint16_t i = checked(l, "web");

        for (int k = 0; k < 3; k++)
                probe(l, i, true);
        for (int k = 0; k < 8; k++) {
                probe(l, i, false);
                fake_recent(&l->b->service[i].probe_failures, l->now, 1);
        }
        lab_tick(l, 65);
        check(lab_find(l, "health_check", i));
        lab_done(l);
}

static void where_nobody_probes_it_is_over(void)
{
        struct lab *l = lab_new();
        uint16_t off = checked(l, "off"), removed = checked(l, "removed"), stopped = checked(l, "stopped");

        for (uint16_t i = off; i <= stopped; i++)
                for (int k = 0; k < 4; k++) {
                        fake_recent(&l->b->service[i].probe_runs, l->now - FAKE_S(4 - k), 10000);
                        fake_recent(&l->b->service[i].probe_timeouts, l->now - FAKE_S(4 - k), 0);
                }
        lab_tick(l, 1);
        check_int(lab_open(l), 3);
        l->b->service[off].has_health_check = false;
        l->b->service[removed].state = CONTAINER_REMOVED;
        l->b->service[stopped].state = CONTAINER_EXITED;
        lab_tick(l, 65);
        check(!lab_find(l, "health_check", off) && !lab_find(l, "health_check", removed));
        check(lab_find(l, "health_check", stopped)); /* it may come again */
        lab_tick(l, 120);
        check_int(lab_open(l), 0);
        lab_done(l);
}

/* ---- restarts, execs, kills ---- */

/* One more each `pause` s, for `times`. */
static void again(struct lab *l, struct recent *r, double pause, int times)
{
        for (int k = 0; k < times; k++) {
                lab_tick(l, pause);
                fake_recent(r, l->now, 1);
        }
        lab_tick(l, 1);
}

/* The detector's finding is open for so many seconds more, and then isn't. */
static bool ends_after(struct lab *l, const char *detector, uint16_t service, double seconds)
{
        lab_tick(l, seconds - 3);
        bool open = lab_find(l, detector, service) != NULL;
        lab_tick(l, 6);
        return open && !lab_find(l, detector, service);
}

static void restarts_end_by_their_own_pace(void)
{
        struct lab *l = lab_new();
        uint16_t fast = fake_service(l->b, "fast", SERVICE_COMPOSE);
        uint16_t slow = fake_service(l->b, "slow.service", SERVICE_SYSTEMD);
        uint16_t uneven = fake_service(l->b, "uneven", SERVICE_COMPOSE);

        again(l, &l->b->service[fast].restarts, 12, 8);
        check(ends_after(l, "restart_loop", fast, 120 + 30));
        again(l, &l->b->service[slow].restarts, 200, 6);
        check(ends_after(l, "unit_restart_loop", slow, 600 + 30));
        again(l, &l->b->service[uneven].restarts, 10, 4);
        again(l, &l->b->service[uneven].restarts, 110, 1);
        again(l, &l->b->service[uneven].restarts, 10, 4);
        check(ends_after(l, "restart_loop", uneven, 330 + 30));
        check_int(l->events, 6);
        lab_done(l);
}

/* An engine waits 0.1 s, twice as long each time, at most a minute: one finding. */
static void backing_off_is_no_end(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);
        double wait = 0.1;

        l->cfg.restart_loop_window = 20;
        for (int k = 0; k < 60; k++) {
                again(l, &l->b->service[i].restarts, 1 + wait, 1);
                wait = wait < 30 ? 2 * wait : 60;
        }
        check(lab_find(l, "restart_loop", i));
        check(l->events <= 2); /* it may become critical */
        check(ends_after(l, "restart_loop", i, 120 + 30));
        lab_done(l);
}

static void a_loop_that_is_taken_away_is_over(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);

        again(l, &l->b->service[i].restarts, 12, 10);
        l->b->service[i].state = CONTAINER_REMOVED;
        check(ends_after(l, "restart_loop", i, 30));
        lab_done(l);
}

static void execs_end_by_their_own_pace(void)
{
        struct lab *l = lab_new();
        uint16_t fast = fake_service(l->b, "agent", SERVICE_CONTAINER);
        uint16_t slow = fake_service(l->b, "watcher", SERVICE_CONTAINER);

        again(l, &l->b->service[fast].reexecs, 5, 8);
        check(ends_after(l, "exec_loop", fast, 60 + 60));
        again(l, &l->b->service[slow].reexecs, 60, 8);
        check(ends_after(l, "exec_loop", slow, 180 + 60));
        check_int(l->events, 4);
        lab_done(l);
}

static void kills_end_by_their_own_pace(void)
{
        struct lab *l = lab_new();
        uint16_t once = fake_service(l->b, "once", SERVICE_CONTAINER);
        uint16_t often = fake_service(l->b, "often", SERVICE_CONTAINER);
        uint16_t seldom = fake_service(l->b, "seldom", SERVICE_CONTAINER);

        again(l, &l->b->service[once].ooms, 5, 1);
        check(ends_after(l, "oom", once, 600 + 30));
        again(l, &l->b->service[often].ooms, 500, 3);
        check(ends_after(l, "oom", often, 1500 + 30));
        again(l, &l->b->service[seldom].ooms, 1500, 3);
        check(ends_after(l, "oom", seldom, 3600 + 30)); /* the window is the longest there is */
        lab_done(l);
}

static void kills_of_the_host_do_too(void)
{
        struct lab *l = lab_new();

        lab_tick(l, 2);
        l->b->host.oom_kills++;
        lab_tick(l, 1);
        check(ends_after(l, "oom", 0, 600 + 30));
        for (int k = 0; k < 3; k++) {
                l->b->host.oom_kills++;
                lab_tick(l, k < 2 ? 400 : 1);
        }
        check(ends_after(l, "oom", 0, 1200 + 30));
        check_int(l->events, 4);
        lab_done(l);
}

static void all(void)
{
        test(probes_that_go_well_end_it);
        test(some_that_go_well_do_not);
        test(bursts_are_one_finding);
        test(replicas_do_not_answer_for_each_other);
        test(failures_are_no_success);
        test(where_nobody_probes_it_is_over);
        test(restarts_end_by_their_own_pace);
        test(backing_off_is_no_end);
        test(a_loop_that_is_taken_away_is_over);
        test(execs_end_by_their_own_pace);
        test(kills_end_by_their_own_pace);
        test(kills_of_the_host_do_too);
}

int main(void)
{
        return tap_main(all);
}
