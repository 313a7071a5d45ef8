/* What a crowd costs the guard: looks at running tasks whose pace follows their cost and the load, audits
 * that grow rarer before the first one of a crowd, and zombies that outlive the grace period together, taken
 * in by one walk.
 */
#include "guard_lab.h"

static uint64_t now;

static void begin(unsigned wanted)
{
        tree_init(&lab_tree);
        now = 100 * S;
        lab_stat(0, 0);
        lab_begin(now);
        lab_wanted = wanted;
        g->ticks = 1;
        g->world.announced = NULL;
        b->host.load1 = b->host.load5 = 0;
}

/* ---- who runs ---- */

static uint32_t looks_in(uint32_t seconds)
{
        uint32_t before = lab_walks;

        for (uint32_t i = 0; i < seconds; i++) {
                now += S;
                guard_sample_active(g, now);
        }
        return lab_walks - before;
}

static uint32_t service_with(int32_t pid, char state)
{
        uint32_t i = world_born(&g->world, pid, 0, 50 * S, 50 * S);

        world_set_cgroup(&g->world, i, world_cgroup(&g->world, "/system.slice/busy.service"));
        lab_put_task(pid, 50 * S, 0);
        lab_task[lab_tasks - 1].state = state;
        return b->process[i].service;
}

static void looks_follow_cost_and_load(void)
{
        begin(BPF_TASK_ACTIVE);
        uint32_t s = service_with(500, 'R');
        b->host.runnable = 3;
        check(looks_in(10) >= 9); /* cheap: every second */
        check_int(b->service[s].runnable, 1);
        lab_walk_burns_ns = 25 * MS; /* as forty thousand tasks do: 83 s at the share */
        b->host.load1 = 0.2;
        looks_in(1);
        uint32_t idle = looks_in(830);
        check(idle >= 8);
        check(idle <= 11);
        b->host.load1 = 3; /* somebody's load is to be told */
        uint32_t loaded = looks_in(300);
        check(loaded >= 9);
        check(loaded <= 11);
        b->host.load1 = 0.2;
        b->host.blocked = 1; /* the average doesn't tell of it yet */
        check(looks_in(60) >= 1);
        b->host.blocked = 0;
        b->host.runnable = 1; /* nobody but us */
        check_int(looks_in(200), 0);
        check_int(b->service[s].runnable, 0);
        lab_end();
}

static void shares_make_up_the_load(void)
{
        begin(BPF_TASK_ACTIVE);
        uint32_t s = service_with(500, 'D');
        b->host.runnable = 2;
        b->host.load1 = b->host.load5 = 0.01;
        looks_in(1);
        b->host.load1 = b->host.load5 = 1;
        looks_in(300);
        check_int(b->service[s].uninterruptible, 1);
        check(b->service[s].load1 > 0.95);
        check(b->service[s].load1 + b->host.load1_before <= 1.0001);
        lab_end();
}

static void a_share_goes_along_with_the_name(void)
{
        begin(BPF_TASK_ACTIVE);
        uint16_t s = (uint16_t)service_with(500, 'R'),
                 named = world_service(&g->world, "shop/worker", SERVICE_COMPOSE);
        b->host.runnable = 2;
        b->host.load1 = b->host.load5 = 1;
        looks_in(300);
        check(b->service[s].load1 > 0.95);
        g->last_forks[s] = 1000;
        guard_service_moved(g, s, named);
        world_set_service(&g->world, world_find(&g->world, 500), named);
        check_int(g->last_forks[named], 1000);
        check_int(g->last_forks[s], 0);
        looks_in(1);
        check(b->service[named].load1 > 0.95);
        check_near(b->service[s].load1, 0, 1e-9);
        lab_end();
}

/* The disk is busy, so that it is in D whenever one looks; but it has run in between. */
static void who_waits_anew_is_not_stuck(void)
{
        begin(BPF_TASK_ACTIVE);
        g->config.detect.hung_tasks_for = 120;
        uint32_t s = service_with(500, 'D');
        b->host.blocked = 1;
        for (uint32_t i = 0; i < 300; i++) {
                lab_task[0].switches++;
                looks_in(1);
                check_int(b->service[s].stuck_tasks, 0);
        }
        uint64_t since = now;
        looks_in(119);
        check_int(b->service[s].stuck_tasks, 0);
        service_with(600, 'D'); /* a second one, which waits less long */
        looks_in(1);
        check_int(b->service[s].stuck_tasks, 1);
        looks_in(130);
        check_int(b->service[s].stuck_tasks, 2);
        check_int(b->service[s].stuck_pid, 500);
        check_int(b->service[s].stuck_since_ns, since);
        lab_task[0].switches++;
        looks_in(1);
        check_int(b->service[s].stuck_tasks, 1);
        check_int(b->service[s].stuck_pid, 600);
        lab_task[1].state = 'S';
        looks_in(1);
        check_int(b->service[s].stuck_tasks, 0);
        check_int(b->service[s].stuck_since_ns, 0);
        lab_end();
}

static void put_waiting(int32_t pid, uint32_t voluntary)
{
        char name[64], text[200];

        snprintf(name, sizeof name, "proc/%d/stat", pid);
        snprintf(text, sizeof text, "%d (dd) D 1 %d %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\n", pid, pid,
                pid);
        tree_put(&lab_tree, name, text);
        snprintf(name, sizeof name, "proc/%d/status", pid);
        snprintf(text, sizeof text,
                "Name:\tdd\nTgid:\t%d\nvoluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t7\n", pid,
                voluntary);
        tree_put(&lab_tree, name, text);
}

static void nor_without_the_iterator(void)
{
        begin(BPF_TASK_ACTIVE);
        b->sources.bpf_iterator = false;
        g->config.detect.hung_tasks_for = 5;
        uint32_t s = service_with(500, 'D');
        b->host.blocked = 1;
        for (uint32_t i = 0; i < 20; i++) {
                put_waiting(500, i);
                looks_in(1);
        }
        check_int(b->service[s].uninterruptible, 1);
        check_int(b->service[s].stuck_tasks, 0);
        looks_in(5);
        check_int(b->service[s].stuck_tasks, 1);
        check_int(b->service[s].stuck_pid, 500);
        lab_end();
}

/* ---- the dead ---- */

static void announced(void *ctx, uint32_t i)
{
        guard_announced(ctx, i);
}

static void a_crowd_is_read_by_one_walk(void)
{
        enum { CROWD = 400 };

        begin(BPF_TASK_ZOMBIES);
        g->world.announced = announced;
        world_born(&g->world, 10, 0, 50 * S, 50 * S);
        lab_put_process(10, 50 * S, 0);
        tree_put(&lab_tree, "proc/10/status",
                "Name:\tworker\nTgid:\t10\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n");
        for (int32_t k = 0; k < CROWD; k++) {
                world_zombie(
                        &g->world, world_born(&g->world, 1000 + k, 9, 101 * S, 101 * S), 102 * S, 0, 102 * S);
                lab_put_task(1000 + k, 101 * S, 7 * MS);
                lab_task[lab_tasks - 1].ppid = 10; /* another one's by now */
                lab_task[lab_tasks - 1].sid = 4;
                snprintf(lab_task[lab_tasks - 1].comm, LIFE_COMM_SIZE, "dead%d", k);
        }
        lab_task[3].tracer = 77;
        world_recount(&g->world, 105 * S);
        check_int(lab_walks, 1);
        uint32_t i = world_find(&g->world, 1000); /* the oldest is announced last */
        check_int(b->process[i].ppid, 10);
        check_int(b->process[i].sid, 4);
        check_int(b->process[i].cpu_ns, 7 * MS);
        check_str(b->process[i].comm, "dead0");
        check_int(b->process[i].flags & PROCESS_F_PTRACED, 0);
        i = world_find(&g->world, 1003);
        check_int(b->process[i].tracer_pid, 77);
        check(b->process[i].flags & PROCESS_F_PTRACED);
        check(b->process[world_find(&g->world, 10)].flags & PROCESS_F_HOLDER_IGNORES);
        g->ticks++;
        world_zombie(&g->world, world_born(&g->world, 3000, 10, 106 * S, 106 * S), 107 * S, 0, 107 * S);
        world_recount(&g->world, 110 * S);
        check_int(lab_walks, 1); /* few: from /proc */
        check_int(g->world.young, 0);
        lab_end();
}

/* ---- audits ---- */

static void a_crowd_is_audited_as_rarely_as_it_costs(void)
{
        begin(BPF_TASK_ZOMBIES);
        tree_put(&lab_tree, "proc/loadavg", "0.00 0.00 0.00 1/0 77\n"); /* the count is right */
        b->host.tasks = 100;
        uint32_t before = lab_walks;
        for (int i = 0; i < 20; i++)
                guard_audit(g, now += 9 * S);
        check_int(lab_walks - before, 3); /* in 180 s: a minute apart */
        b->host.tasks = 40000;            /* 40 ms at the least, 400 s at the share */
        before = lab_walks;
        for (int i = 0; i < 35; i++)
                guard_audit(g, now += 9 * S);
        check_int(lab_walks - before, 0);
        for (int i = 0; i < 10; i++)
                guard_audit(g, now += 9 * S);
        check_int(lab_walks - before, 1);
        lab_end();
}

static void all(void)
{
        test(looks_follow_cost_and_load);
        test(shares_make_up_the_load);
        test(a_share_goes_along_with_the_name);
        test(who_waits_anew_is_not_stuck);
        test(nor_without_the_iterator);
        test(a_crowd_is_read_by_one_walk);
        test(a_crowd_is_audited_as_rarely_as_it_costs);
}

int main(void)
{
        return tap_main(all);
}
