/* Tests of the detectors that look at services: zombies, health checks, loops, OOM, hung tasks, storms;
 * and what must not fire them.
 */
#include "detect_lab.h"
#include "tap.h"

/* The incident's worker: PID 1 = celery, and n dead probes orphaned to it, one per 30 s. */
static uint16_t worker(struct lab *l, int n)
{
        uint16_t i = fake_service(l->b, "odin/celery-worker", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];
        uint32_t init = fake_process(l->b, i, 500, 0, "celery -A app worker");

        s->has_health_check = s->health_shell = true;
        strcpy(s->health_command, "celery -A app inspect ping");
        s->health_interval_ns = FAKE_S(30);
        s->health_timeout_ns = FAKE_S(10);
        l->b->process[init].flags |= PROCESS_F_INIT;
        for (int k = 0; k < n; k++) {
                uint32_t sh = fake_process(l->b, i, 600 + 2 * k, 0, "/bin/sh -c celery -A app inspect ping");
                uint32_t ping = fake_process(l->b, i, 601 + 2 * k, sh, "celery -A app inspect ping");

                l->b->process[sh].state = PROCESS_BURIED;
                l->b->process[ping].origin = ORIGIN_HEALTHCHECK;
                fake_dies(l->b, ping, init, FAKE_T0 - FAKE_S(30 * (n - k)));
                fake_recent(&s->zombie_births, FAKE_T0 - FAKE_S(30 * (n - k)), 0);
        }
        return i;
}

static void zombie_leak_of_probes(void)
{
        struct lab *l = lab_new();
        uint16_t i = worker(l, 12);

        l->b->service[i].pids = 30;
        l->b->service[i].pids_limit = 100000;
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "zombie_leak", i);
        check(lab_says(f, "holds 12 zombies") && lab_says(f, "celery -A app worker (pid 500, PID 1 there)"));
        check(lab_says(f, "what its health check left") && lab_says(f, "12 of 12: origin healthcheck"));
        check(lab_says(f, "12 came to their holder when their parents ended"));
        check(lab_says(f, "limit of 100000 pids is reached"));
        check(lab_says(f, "`init: true`") && lab_says(f, "exec form") && lab_says(f, "longer"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        l->b->service[i].pids_limit = 200; /* two more a minute: an hour and a half */
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        l->b->ledger_head = 0;
        l->b->zombies = 0;
        lab_tick(l, 11);
        check(!lab_find(l, "zombie_leak", i));
        lab_done(l);
}

static void zombie_leak_waits_for_its_age(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "leak", SERVICE_CONTAINER);
        uint32_t parent = fake_process(l->b, i, 50, 0, "keeper");
        uint32_t child = fake_process(l->b, i, 51, parent, "forgotten");

        fake_dies(l->b, child, parent, l->now);
        lab_tick(l, 12);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "zombie_leak", i);
        check(lab_says(f, "holds 1 zombie:") && lab_says(f, "Make keeper wait"));
        check(!lab_says(f, "`init: true`"));
        lab_done(l);
}

static void zombie_leak_of_unknown_age_is_watched_first(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "leak", SERVICE_CONTAINER);
        uint32_t parent = fake_process(l->b, i, 50, 0, "keeper");

        fake_dies(l->b, fake_process(l->b, i, 51, parent, "old"), parent, 0);
        lab_tick(l, 12);
        check_int(lab_open(l), 0);
        lab_tick(l, 3);
        check(lab_says(lab_find(l, "zombie_leak", i), "before Sexton started"));
        lab_done(l);
}

static void zombies_that_are_no_leak(void)
{
        struct lab *l = lab_new();
        uint16_t build = fake_service(l->b, "build", SERVICE_CONTAINER);
        uint16_t ignored = fake_service(l->b, "ignored", SERVICE_CONTAINER);
        uint16_t self = fake_service(l->b, "sexton", SERVICE_SYSTEMD);
        uint32_t make = fake_process(l->b, build, 50, 0, "make");
        uint32_t a = fake_process(l->b, ignored, 60, 0, "a"), s = fake_process(l->b, self, 70, 0, "sexton");

        l->b->service[ignored].ignore_zombies = true;
        l->b->service[self].is_self = true;
        fake_dies(l->b, fake_process(l->b, ignored, 61, a, "z"), a, FAKE_T0 - FAKE_S(900));
        fake_dies(l->b, fake_process(l->b, self, 71, s, "z"), s, FAKE_T0 - FAKE_S(900));
        uint32_t z = fake_process(l->b, build, 51, make, "cc1");
        fake_dies(l->b, z, make, l->now);
        for (int k = 0; k < 60; k++) { /* always some dead ones, none for long */
                l->b->process[z].exit_ns = l->now - FAKE_S(2);
                lab_tick(l, 1);
        }
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void the_holders_service_is_blamed(void)
{
        struct lab *l = lab_new();
        uint16_t victim = fake_service(l->b, "victim", SERVICE_CONTAINER);
        uint16_t holder = fake_service(l->b, "holder", SERVICE_SYSTEMD);
        uint32_t h = fake_process(l->b, holder, 70, 0, "agent");
        uint32_t z = fake_process(l->b, victim, 71, 0, "task");

        fake_dies(l->b, z, h, FAKE_T0 - FAKE_S(60));
        lab_tick(l, 30);
        check(lab_find(l, "zombie_leak", holder));
        check(!lab_find(l, "zombie_leak", victim));
        check(!lab_says(lab_find(l, "zombie_leak", holder), "`init: true`"));
        lab_done(l);
}

static void a_very_long_ledger_is_walked_seldom(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "leak", SERVICE_CONTAINER);
        uint32_t parent = fake_process(l->b, i, 50, 0, "keeper");

        for (int k = 0; k < 40000; k++) {
                struct process *p = &l->b->process[l->b->process_top];

                p->pid = 100 + k;
                p->parent = parent;
                p->service = i;
                p->state = PROCESS_ALIVE;
                fake_dies(l->b, l->b->process_top++, parent, FAKE_T0 - FAKE_S(600));
        }
        lab_tick(l, 30);
        check(l->s->pass >= 3 && l->s->pass <= 4);
        const struct finding *f = lab_find(l, "zombie_leak", i);
        check(lab_says(f, "40000 zombies"));
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        lab_done(l);
}

static void zombie_leader(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "headless", SERVICE_CONTAINER);
        uint32_t p = fake_process(l->b, i, 50, 0, "burner");

        l->b->service[i].cpu_ratio = 0.97;
        l->b->process[p].threads = 3;
        fake_dies(l->b, p, 0, l->now);
        l->b->process[p].state = PROCESS_LEADER;
        l->b->zombies--;
        l->b->leaders++;
        lab_tick(l, 9);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "zombie_leader", i);
        check(lab_says(f, "burner (pid 50) has ended, 2 other threads live on") && lab_says(f, "0.97 cores"));
        check_int(lab_open(l), 1);
        l->b->ledger_head = 0;
        lab_tick(l, 6);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void health_check_times_out(void)
{
        struct lab *l = lab_new();
        uint16_t i = worker(l, 0);
        struct service *s = &l->b->service[i];

        fake_recent(&s->probe_timeouts, l->now, 0);
        lab_tick(l, 5);
        check_int(lab_open(l), 0);
        fake_recent(&s->probe_timeouts, l->now, 0);
        fake_recent(&s->probe_runs, l->now, 10000);
        s->probe_cpu_ns = FAKE_S(4.5);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "health_check", i);
        check(lab_says(f, "timed out 2 times after 10 s") && lab_says(f, "exec form") &&
                lab_says(f, "shell form"));
        check(lab_says(f, "probes used 4.5 CPU seconds"));
        lab_tick(l, 598);
        check(lab_find(l, "health_check", i));
        lab_tick(l, 70);
        check(!lab_find(l, "health_check", i));
        lab_done(l);
}

static void health_check_piles_up_and_costs(void)
{
        struct lab *l = lab_new();
        uint16_t i = worker(l, 0);
        struct service *s = &l->b->service[i];

        s->probes_open = 1;
        s->probe_orphans = 1;
        lab_tick(l, 120);
        check_int(lab_open(l), 0);
        s->probe_orphans = 2;
        lab_tick(l, 15);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "health_check", i), "left 3 processes alive"));
        s->containers = 4; /* scaled: each may have one running */
        lab_tick(l, 61);
        check_int(lab_open(l), 0);
        for (int k = 0; k < 140; k++) {
                s->probe_cpu_ns += FAKE_S(0.5);
                lab_tick(l, 1);
        }
        check(lab_says(lab_find(l, "health_check", i), "costs 0.50 cores"));
        lab_done(l);
}

static void health_checks_that_harm_nobody(void)
{
        struct lab *l = lab_new();
        uint16_t slow = fake_service(l->b, "slow-start", SERVICE_COMPOSE);
        uint16_t paused = fake_service(l->b, "paused", SERVICE_COMPOSE);
        struct service *s = &l->b->service[slow], *p = &l->b->service[paused];

        s->has_health_check = p->has_health_check = true;
        s->health = HEALTH_STARTING;
        p->health = HEALTH_UNHEALTHY;
        p->state = CONTAINER_PAUSED;
        for (int k = 0; k < 3; k++)
                fake_recent(&s->probe_timeouts, l->now + FAKE_S(k), 0);
        for (int k = 0; k < 9; k++) {
                fake_recent(&s->probe_failures, l->now + FAKE_S(k), 1);
                fake_recent(&p->probe_timeouts, l->now + FAKE_S(k), 0);
                fake_recent(&p->probe_failures, l->now + FAKE_S(k), 1);
        }
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        s->health = HEALTH_UNHEALTHY;
        s->probe_timeouts.total = 0;
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "health_check", slow), "failed 9 times and nothing restarts it"));
        lab_done(l);
}

static void restart_loop_by_budget(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        strcpy(s->id, "0123456789abcdef");
        s->state = CONTAINER_RESTARTING;
        fake_recent(&s->restarts, l->now, 1);
        fake_recent(&s->restarts, l->now + FAKE_S(20), 1);
        lab_tick(l, 50);
        check_int(lab_open(l), 0);
        fake_recent(&s->restarts, l->now, 1);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "restart_loop", i);
        check(lab_says(f, "restarts in a loop: 3 times") && lab_says(f, "each after exit code 1"));
        check(lab_says(f, "docker logs --tail 50 0123456789ab`"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        for (int k = 0; k < 7; k++)
                fake_recent(&s->restarts, l->now, 1);
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        lab_tick(l, 140);
        check(f && f->open);
        lab_tick(l, 20); /* quiet for long enough, though the window still has them */
        check(f && !f->open);
        lab_done(l);
}

static void restart_loop_that_slows_down(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        l->cfg.restart_loop_window = 20;
        for (int k = 0; k < 3; k++)
                fake_recent(&s->restarts, l->now - FAKE_S(2 * (3 - k)), 1);
        lab_tick(l, 60);
        const struct finding *f = lab_find(l, "restart_loop", i);
        check(lab_says(f, "3 times in the last 66 s"));
        fake_recent(&s->restarts, l->now, 1);
        lab_tick(l, 60);
        check(lab_says(f, "4 times in the last 126 s") || lab_says(f, "4 times in the last 2 min"));
        lab_tick(l, 280);
        check(f && !f->open);
        fake_recent(&s->restarts, l->now, 1); /* one alone is no loop again */
        lab_tick(l, 5);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void restart_loop_ends_when_stopped_by_a_person(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "odin/api", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        for (int k = 0; k < 4; k++)
                fake_recent(&s->restarts, l->now - FAKE_S(60 * (4 - k)), 1);
        lab_tick(l, 1);
        check_int(lab_open(l), 1);
        s->state = CONTAINER_EXITED;
        lab_tick(l, 40);
        check_int(lab_open(l), 1); /* between two restarts it looks the same */
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void restart_loop_by_the_clock(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "hourly", SERVICE_CONTAINER);
        uint16_t uneven = fake_service(l->b, "uneven", SERVICE_CONTAINER);
        uint16_t job = fake_service(l->b, "job", SERVICE_CONTAINER);
        struct service *s = l->b->service;

        for (int k = 0; k < 2; k++) {
                fake_recent(&s[i].restarts, l->now - FAKE_S(3600 * (2 - k) - 10 * k), 7);
                fake_recent(&s[job].restarts, l->now - FAKE_S(3600 * (2 - k)), 0);
        }
        fake_recent(&s[uneven].restarts, l->now - FAKE_S(9000), 7);
        fake_recent(&s[uneven].restarts, l->now - FAKE_S(8000), 7);
        fake_recent(&s[uneven].restarts, l->now, 7);
        lab_tick(l, 1);
        check_int(lab_open(l), 0);
        fake_recent(&s[i].restarts, l->now, 7);
        fake_recent(&s[job].restarts, l->now, 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "restart_loop", i);
        check(lab_says(f, "every 60 min") && lab_says(f, "each after exit code 7"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        f = lab_find(l, "restart_loop", job);
        check_int(f ? f->severity : -1, SEVERITY_INFO);
        check(!lab_find(l, "restart_loop", uneven));
        lab_tick(l, 3600 * 1.4 - 5);
        check_int(lab_open(l), 2);
        lab_tick(l, 60); /* overdue */
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void a_deploy_that_comes_up_is_no_loop(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "web", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        s->deployed_ns = l->now;
        for (int k = 0; k < 6; k++)
                fake_recent(&s->restarts, l->now + FAKE_S(5 * k), 1);
        lab_tick(l, 120);
        check_int(lab_open(l), 0);
        fake_recent(&s->restarts, l->now, 1); /* it didn't come up after all */
        lab_tick(l, 1);
        check(lab_find(l, "restart_loop", i));
        lab_done(l);
}

static void exit_137_is_named_with_care(void)
{
        struct lab *l = lab_new();
        uint16_t oom = fake_service(l->b, "oom", SERVICE_COMPOSE),
                 killed = fake_service(l->b, "killed", SERVICE_COMPOSE);

        for (int k = 0; k < 4; k++) {
                fake_recent(&l->b->service[oom].restarts, l->now - FAKE_S(60 * (4 - k)), 137);
                fake_recent(&l->b->service[oom].ooms, l->now - FAKE_S(60 * (4 - k)), 0);
                fake_recent(&l->b->service[killed].restarts, l->now - FAKE_S(60 * (4 - k)), 137);
        }
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "restart_loop", oom), "exit code 137 (SIGKILL, out of memory)"));
        check(lab_says(lab_find(l, "restart_loop", oom), "memory limit"));
        check(lab_says(lab_find(l, "restart_loop", killed), "no OOM kill seen"));
        check(lab_says(lab_find(l, "restart_loop", killed), "look for who does it"));
        lab_done(l);
}

static void unit_restart_loop(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "api.service", SERVICE_SYSTEMD);

        for (int k = 0; k < 3; k++)
                fake_recent(&l->b->service[i].restarts, l->now - FAKE_S(k), 203);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "unit_restart_loop", i), "journalctl -u api.service"));
        check_int(lab_open(l), 1);
        lab_done(l);
}

static void respawn_loop(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "pool", SERVICE_COMPOSE),
                 old = fake_service(l->b, "long-lived", SERVICE_COMPOSE);
        struct service *s = &l->b->service[i];

        strcpy(s->respawn_command, "celery worker child");
        for (int k = 0; k < 9; k++)
                fake_recent(&s->respawns, l->now - FAKE_S(9 - k), 800);
        for (int k = 0; k < 20; k++)
                fake_recent(&l->b->service[old].respawns, l->now - FAKE_S(20 - k), 3600 * 1000);
        uint16_t script = fake_service(l->b, "script", SERVICE_COMPOSE),
                 shell = fake_service(l->b, "session-1.scope", SERVICE_SESSION);
        for (int k = 0; k < 30; k++) {
                fake_recent(
                        &l->b->service[script].respawns, l->now - FAKE_S(30 - k), 2); /* grep finds nothing */
                fake_recent(&l->b->service[shell].respawns, l->now - FAKE_S(30 - k), 800);
        }
        lab_tick(l, 30);
        check_int(lab_open(l), 0);
        s = &l->b->service[i];
        fake_recent(&s->respawns, l->now, 1200);
        lab_tick(l, 11);
        check(lab_says(
                lab_find(l, "respawn_loop", i), "celery worker child fails and is started again: 10 times"));
        check_int(lab_open(l), 1);
        lab_done(l);
}

static void exec_loop(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "agent", SERVICE_CONTAINER),
                 starts = fake_service(l->b, "starts", SERVICE_CONTAINER);
        struct service *s = &l->b->service[i], *t = &l->b->service[starts];

        for (int k = 0; k < 4; k++)
                fake_recent(&s->reexecs, l->now - FAKE_S(30 * (4 - k)), 0);
        for (int k = 0; k < 2; k++) /* each start execs from its entry point: that is the restart's doing */
                fake_recent(&t->restarts, l->now - FAKE_S(100 * (2 - k)), 1);
        for (int k = 0; k < 6; k++)
                fake_recent(&t->reexecs, l->now - FAKE_S(200 - 19 * k), 0);
        lab_tick(l, 1);
        check_int(lab_open(l), 0);
        fake_recent(&s->reexecs, l->now, 0);
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "exec_loop", i), "restarted itself in place 5 times"));
        check_int(lab_open(l), 1);
        lab_done(l);
}

/* Once an hour, three times running: far below any budget. */
static void other_loops_by_the_clock(void)
{
        struct lab *l = lab_new();
        uint16_t agent = fake_service(l->b, "agent", SERVICE_CONTAINER),
                 pool = fake_service(l->b, "pool", SERVICE_COMPOSE),
                 new = fake_service(l->b, "new", SERVICE_CONTAINER);
        struct service *s = l->b->service;

        strcpy(s[pool].respawn_command, "sync --all");
        for (int k = 0; k < 3; k++) {
                lab_tick(l, 3600 + 60 * k);
                fake_recent(&s[agent].reexecs, l->now, 0);
                fake_recent(&s[new].reexecs, l->now, 0);
                if (k == 1)
                        s[new].deployed_ns = l->now; /* what it did before doesn't count */
                for (int question = 0; question < 5; question++)
                        fake_recent(&s[pool].respawns, l->now - FAKE_S(90 * question), 2);
                fake_recent(&s[pool].respawns, l->now, 3500 * 1000);
                check_int(lab_open(l), 0);
        }
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "exec_loop", agent);
        check(lab_says(f, "by the clock: every 61 min") || lab_says(f, "by the clock: every 62 min"));
        check_int(f ? f->severity : -1, SEVERITY_INFO);
        f = lab_find(l, "respawn_loop", pool);
        check(lab_says(f, "sync --all fails and is started again by the clock: every 6"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        check_int(lab_open(l), 2);
        lab_tick(l, 3600 * 1.6); /* overdue */
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void oom(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "limited", SERVICE_CONTAINER);
        struct service *s = &l->b->service[i];

        s->memory_bytes = 47 << 20;
        s->memory_limit_bytes = 48 << 20;
        l->cfg.memory_for = 1e5;
        lab_tick(l, 2);
        fake_recent(&s->ooms, l->now, 0);
        l->b->host.oom_kills++;
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "oom", i);
        check(lab_says(f, "1 OOM kill in the last 60 min") && lab_says(f, "47.0 MB of its limit of 48.0 MB"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        for (int k = 0; k < 2; k++)
                fake_recent(&s->ooms, l->now, 0);
        l->b->host.oom_kills += 2;
        lab_tick(l, 30);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        check_int(lab_open(l), 1); /* none of the host's own */
        lab_tick(l, 3640);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void oom_of_the_host(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "big", SERVICE_CONTAINER);

        l->b->service[i].memory_bytes = UINT64_C(3) << 30;
        l->b->host.memory_bytes = UINT64_C(4) << 30;
        l->b->host.memory_available_bytes = UINT64_C(1) << 28;
        l->cfg.memory_for = 1e5;
        lab_tick(l, 20);
        check_int(lab_open(l), 0); /* what was killed before Sexton started is no news */
        l->b->host.oom_kills += 2;
        lab_tick(l, 14);
        check_int(lab_open(l), 0);
        lab_tick(l, 3);
        const struct finding *f = lab_find(l, "oom", 0);
        check(lab_says(f, "killed 2 processes") && lab_says(f, "big: 3.0 GB"));
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        lab_done(l);
}

/* A container killed at its limit and removed at once leaves only the host's count; the host is fine. */
static void oom_of_a_group_that_is_gone(void)
{
        struct lab *l = lab_new();

        l->b->host.memory_bytes = UINT64_C(4) << 30;
        l->b->host.memory_available_bytes = UINT64_C(3) << 30;
        lab_tick(l, 20);
        l->b->host.oom_kills++;
        lab_tick(l, 20);
        const struct finding *f = lab_find(l, "oom", 0);
        check(lab_says(f, "killed 1 process at a memory limit") && lab_says(f, "memory to spare"));
        check_int(f ? f->severity : -1, SEVERITY_WARNING);
        lab_done(l);
}

static void hung_tasks(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "db", SERVICE_CONTAINER),
                 paused = fake_service(l->b, "paused", SERVICE_CONTAINER);
        struct service *s = l->b->service;

        s[i].uninterruptible = 2; /* a busy disk: other waits each time */
        s[paused].stuck_tasks = 5;
        s[paused].state = CONTAINER_PAUSED;
        lab_tick(l, 10);
        check_int(lab_open(l), 0);
        s[i].stuck_tasks = 1;
        s[i].stuck_pid = 77;
        s[i].stuck_since_ns = l->now - FAKE_S(600);
        strcpy(s[i].stuck_command, "postgres");
        lab_tick(l, 1);
        check(lab_says(lab_find(l, "hung_tasks", i), "postgres (pid 77)"));
        check(lab_says(lab_find(l, "hung_tasks", i), "/proc/77/stack"));
        check(lab_says(lab_find(l, "hung_tasks", i), "has not run for 10 min"));
        check_int(lab_open(l), 1);
        lab_done(l);
}

static void fork_storm(void)
{
        struct lab *l = lab_new();
        uint16_t i = fake_service(l->b, "storm", SERVICE_CONTAINER),
                 build = fake_service(l->b, "build", SERVICE_SESSION);

        l->b->service[build].fork_rate = 900; /* 450 per core */
        l->b->service[i].fork_rate = 3000;
        lab_tick(l, 25);
        l->b->service[i].fork_rate = 10; /* a burst */
        lab_tick(l, 1);
        l->b->service[i].fork_rate = 3000;
        lab_tick(l, 30);
        check_int(lab_open(l), 0);
        lab_tick(l, 1);
        const struct finding *f = lab_find(l, "fork_storm", i);
        check(lab_says(f, "starts 3000 processes a second") && lab_says(f, "1500 per core"));
        check_int(lab_open(l), 1);
        l->b->host.tasks = 20000;
        l->b->service[i].threads = 18000;
        lab_tick(l, 1);
        check_int(f ? f->severity : -1, SEVERITY_CRITICAL);
        lab_done(l);
}

static void a_healthy_stack_up_and_down(void)
{
        struct lab *l = lab_new();
        uint16_t s[3];

        for (int k = 0; k < 3; k++) {
                char name[16];
                snprintf(name, sizeof name, "healthy/%d", k);
                s[k] = fake_service(l->b, name, SERVICE_COMPOSE);
                struct service *v = &l->b->service[s[k]];
                v->deployed_ns = l->now;
                v->has_health_check = true;
                v->health = HEALTH_STARTING;
                v->cpu_ratio = 1.2;
                v->fork_rate = 300;
                fake_recent(&v->probe_failures, l->now + FAKE_S(2), 1);
                fake_recent(&v->reexecs, l->now + FAKE_S(1), 0);
        }
        l->b->host.load1 = 5; /* it starts up: busy, but not for long */
        l->b->host.psi_cpu = 0.6;
        l->b->host.cpu_busy_ratio = 1;
        lab_tick(l, 60);
        l->b->host.load1 = 0.5;
        l->b->host.psi_cpu = 0;
        for (int k = 0; k < 3; k++) {
                l->b->service[s[k]].health = HEALTH_HEALTHY;
                l->b->service[s[k]].probes_open = 1;
        }
        lab_tick(l, 300);
        for (int k = 0; k < 3; k++) {
                l->b->service[s[k]].state = CONTAINER_EXITED;
                fake_recent(&l->b->service[s[k]].respawns, l->now, 300000);
        }
        lab_tick(l, 10);
        for (int k = 0; k < 3; k++)
                l->b->service[s[k]].state = CONTAINER_REMOVED;
        lab_tick(l, 60);
        check_int(l->events, 0);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void all(void)
{
        test(zombie_leak_of_probes);
        test(zombie_leak_waits_for_its_age);
        test(zombie_leak_of_unknown_age_is_watched_first);
        test(zombies_that_are_no_leak);
        test(the_holders_service_is_blamed);
        test(a_very_long_ledger_is_walked_seldom);
        test(zombie_leader);
        test(health_check_times_out);
        test(health_check_piles_up_and_costs);
        test(health_checks_that_harm_nobody);
        test(restart_loop_by_budget);
        test(restart_loop_that_slows_down);
        test(restart_loop_ends_when_stopped_by_a_person);
        test(restart_loop_by_the_clock);
        test(a_deploy_that_comes_up_is_no_loop);
        test(exit_137_is_named_with_care);
        test(unit_restart_loop);
        test(respawn_loop);
        test(exec_loop);
        test(other_loops_by_the_clock);
        test(oom);
        test(oom_of_the_host);
        test(oom_of_a_group_that_is_gone);
        test(hung_tasks);
        test(fork_storm);
        test(a_healthy_stack_up_and_down);
}

int main(void)
{
        return tap_main(all);
}
