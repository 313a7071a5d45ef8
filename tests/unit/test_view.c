/* Tests of world/view: the kind of a zombie, its holder and lineage, rates, and garbage indices. */
#include "fake_board.h"
#include "tap.h"
#include "world/view.h"

#define NOW FAKE_T0

/* A worker's PID 1, a shell of a probe below nobody known, and the probe's command below that. */
struct cast {
        struct board *b;
        uint16_t worker;
        uint32_t init, shell, probe;
};

static struct cast incident(void)
{
        struct cast c = {.b = fake_board()};

        c.worker = fake_service(c.b, "odin/celery-worker", SERVICE_COMPOSE);
        c.b->service[c.worker].health_shell = true;
        c.init = fake_process(c.b, c.worker, 500, 0, "celery -A app worker");
        c.b->process[c.init].flags |= PROCESS_F_INIT;
        c.shell = fake_process(c.b, c.worker, 600, 0, "/bin/sh -c celery inspect ping");
        c.probe = fake_process(c.b, c.worker, 601, c.shell, "celery inspect ping");
        c.b->process[c.probe].origin = ORIGIN_HEALTHCHECK;
        c.b->process[c.shell].state = PROCESS_BURIED;
        fake_dies(c.b, c.probe, c.init, NOW - FAKE_S(60));
        return c;
}

static void kinds(void)
{
        struct cast c = incident();
        struct process *p = &c.b->process[c.probe];

        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        check_int(view_zombie_kind(c.b, p, p->exit_ns + FAKE_S(FAKE_GRACE - 1)), ZOMBIE_TRANSIENT);
        p->exit_ns = 0;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        p->parent = 0;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        p->parent = c.init;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_UNREAPED);
        p->parent = c.shell; /* a subreaper that is no PID 1 */
        c.b->process[c.init].flags = 0;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        p->ppid = 4242; /* nobody */
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_UNREAPED);
        p->state = PROCESS_LEADER;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_LEADER);
        fake_board_done(c.b);
}

static void kinds_of_a_single_scan(void)
{
        struct cast c = incident();
        struct process *p = &c.b->process[c.probe];

        p->flags |= PROCESS_F_PRE_EXISTING;
        p->origin = ORIGIN_UNKNOWN;
        p->parent = c.init; /* as a scan sees it */
        c.b->process[c.init].sid = 500;
        p->sid = 500;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_UNREAPED);
        p->sid = 600;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        p->sid = 0;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_UNREAPED);
        p->origin = ORIGIN_EXEC;
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_ORPHAN);
        fake_board_done(c.b);
}

static void holders(void)
{
        struct cast c = incident();
        struct process *p = &c.b->process[c.probe];
        struct view_index ix = {};

        check_int(view_index_init(&ix, c.b), 0);
        check(view_holder(c.b, NULL, p) == &c.b->process[c.init]);
        check(view_holder(c.b, &ix, p) == &c.b->process[c.init]);
        check(!view_find_in(c.b, &ix, 600)); /* buried */
        check(!view_find_in(c.b, &ix, 0));
        check(view_find_in(c.b, &ix, 601) == p);
        p->flags |= PROCESS_F_PTRACED;
        p->tracer_pid = 700;
        check(!view_holder(c.b, &ix, p));
        view_index_done(&ix);
        uint32_t tracer = fake_process(c.b, c.worker, 700, 0, "strace");
        check(view_holder(c.b, NULL, p) == &c.b->process[tracer]);
        check_int(view_zombie_kind(c.b, p, NOW), ZOMBIE_UNREAPED);
        fake_board_done(c.b);
}

static void index_of_many(void)
{
        struct board *b = fake_board();
        struct view_index ix = {};
        int wrong = 0;

        for (int i = 0; i < 5000; i++) {
                struct process *p = &b->process[b->process_top++];
                p->pid = 3 + i * 7;
                p->state = PROCESS_ALIVE;
        }
        check_int(view_index_init(&ix, b), 0);
        for (int i = 0; i < 35000; i++) {
                const struct process *p = view_find_in(b, &ix, 3 + i);
                wrong += (p != NULL) != (i % 7 == 0) || (p && p->pid != 3 + i);
        }
        check_int(wrong, 0);
        view_index_done(&ix);
        fake_board_done(b);
}

static void words(void)
{
        struct cast c = incident();
        struct process *p = &c.b->process[c.probe];
        char text[400];

        check_str(view_command(c.b, p, text, sizeof text), "celery inspect ping");
        view_why(c.b, NULL, p, NOW, text, sizeof text);
        check(strstr(text, "a health check") && strstr(text, "celery -A app worker (pid 500), PID 1 there"));
        view_remedy(c.b, NULL, p, NOW, text, sizeof text);
        check(strstr(text, "`init: true`") && strstr(text, "exec form") && strstr(text, "timeout longer"));
        check(strstr(text, "odin/celery-worker"));
        c.b->service[c.worker].has_init = true;
        view_remedy(c.b, NULL, p, NOW, text, sizeof text);
        check(!strstr(text, "`init: true`"));
        p->parent = c.init;
        view_remedy(c.b, NULL, p, NOW, text, sizeof text);
        check(strstr(text, "Make celery -A app worker wait"));
        /* restarting the host's PID 1 is no advice */
        c.b->process[c.init].pid = p->ppid = 1;
        view_remedy(c.b, NULL, p, NOW, text, sizeof text);
        check(strstr(text, "The host's PID 1, celery -A app worker, buries nobody"));
        check(strstr(text, "journalctl -b _PID=1") && strstr(text, "waitpid -1") && !strstr(text, "estart"));
        c.b->process[c.init].pid = p->ppid = 500;
        p->state = PROCESS_LEADER;
        p->threads = 4;
        view_why(c.b, NULL, p, NOW, text, sizeof text);
        check(strstr(text, "3 other threads live on"));
        fake_board_done(c.b);
}

static void lineage(void)
{
        struct cast c = incident();
        const struct process *out[8];

        check_int(view_lineage(c.b, &c.b->process[c.probe], out, 8), 1);
        check(out[0] == &c.b->process[c.shell]);
        c.b->process[c.shell].parent = c.probe; /* a circle */
        check_int(view_lineage(c.b, &c.b->process[c.probe], out, 8), 8);
        fake_board_done(c.b);
}

static void garbage(void)
{
        struct cast c = incident();
        struct process *p = &c.b->process[c.probe];
        char text[200];

        c.b->process_top = UINT32_MAX;
        c.b->service_top = UINT32_MAX;
        c.b->string_top = UINT32_MAX;
        p->parent = UINT32_MAX;
        p->service = UINT16_MAX;
        p->command = UINT32_MAX;
        p->exe = UINT32_MAX - 1;
        memset(p->comm, 'x', sizeof p->comm);
        check(!view_parent(c.b, p));
        check_int(strlen(view_command(c.b, p, text, sizeof text)), sizeof p->comm);
        check_str(view_exe(c.b, p, text, sizeof text), "");
        check_str(view_service_name(c.b, p->service), "(other)");
        view_why(c.b, NULL, p, NOW, text, 10);
        check_int(strlen(text), 9);
        p->parent = c.probe; /* its own parent */
        check(!view_parent(c.b, p));
        c.b->string_top = 2;
        memset(c.b->string[1].text, 'y', sizeof c.b->string[1].text);
        p->command = 1;
        check_int(strlen(view_command(c.b, p, text, sizeof text)), BOARD_STRING);
        fake_board_done(c.b);
}

static void unknown_numbers(void)
{
        check(!view_above(NAN, 0));
        check(!view_above(1, NAN));
        check(!view_at_least(NAN, -1));
        check(view_above(2, 1));
        check(isnan(view_ratio(BOARD_UNKNOWN, 5)));
        check(isnan(view_ratio(5, BOARD_UNKNOWN)));
        check(isnan(view_ratio(5, 0)));
        check_near(view_ratio(1, 4), 0.25, 0);
        check_near(view_age(NOW + 5, NOW), 0, 0);
        check(isinf(view_age(0, NOW)));
}

static void rates(void)
{
        struct service s = {.pids = 100, .pids_limit = 512};
        uint64_t at;
        int32_t value;

        check(!view_recent_at(&s.zombie_births, 0, &at, &value));
        check(isnan(view_exhausted_in(&s, NOW)));
        for (int i = 0; i < 40; i++)
                fake_recent(&s.zombie_births, NOW - FAKE_S(30 * (39 - i)), i);
        check(view_recent_at(&s.zombie_births, 0, &at, &value));
        check_int(value, 39);
        check(!view_recent_at(&s.zombie_births, BOARD_RECENT, &at, &value));
        check_int(view_recent(&s.zombie_births, NOW, 95), 4);
        check_int(view_recent(&s.zombie_births, NOW, 1e9), BOARD_RECENT);
        check_near(view_per_hour(&s.zombie_births, NOW), 120, 0.01);
        check_near(view_exhausted_in(&s, NOW), 412 * 30, 1);
        s.pids_limit = BOARD_UNKNOWN;
        check(isnan(view_exhausted_in(&s, NOW)));
}

static void spans(void)
{
        char buf[VIEW_SPAN], e[VIEW_EXIT];

        check_str(view_span(1.25, buf), "1.2 s");
        check_str(view_span(90, buf), "90 s");
        check_str(view_span(600, buf), "10 min");
        check_str(view_span(3600 * 3.5, buf), "3.5 h");
        check_str(view_span(86400 * 4, buf), "4 days");
        check_str(view_span(NAN, buf), "an unknown time");
        check_str(view_bytes(1536, buf), "1.5 KB");
        check_str(view_bytes(NAN, buf), "unknown");
        check_str(view_exit(1 << 8, e), "exit code 1");
        check_str(view_exit(9, e), "SIGKILL");
        check_str(view_exit(0x7e, e), "signal 126");
}

static void all(void)
{
        test(kinds);
        test(kinds_of_a_single_scan);
        test(holders);
        test(index_of_many);
        test(words);
        test(lineage);
        test(garbage);
        test(unknown_numbers);
        test(rates);
        test(spans);
}

int main(void)
{
        return tap_main(all);
}
