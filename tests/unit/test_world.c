/* The world by itself, on a clock of the test's own: births and deaths, the ledger and who holds it, CPU
 * that comes late, tables that don't grow, and what the engine says of containers.
 */
#include "world_lab.h"

/* ---- births ---- */

static void births_inherit(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10), c = born(11, 10, 101 * S);
        check_int(b->process[c].service, b->process[a].service);
        check_int(b->process[c].command, b->process[a].command);
        check_int(b->string[b->process[a].command].refs, 2);
        check_int(b->service[b->process[a].service].processes, 2);
        check_int(b->process[c].exit_status, -1);
        world_exec(w, c, 102 * S);
        check_int(b->process[c].command, 0);
        check_int(b->string[b->process[a].command].refs, 1);
        end();
}

static uint32_t threads_of_all(void)
{
        uint32_t sum = 0;

        for (uint32_t i = 0; i < b->service_top; i++)
                sum += b->service[i].threads;
        return sum;
}

/* The audit compares this sum with the kernel's: nobody may be missing from it or be in it twice. */
static void everybody_is_counted_once(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10), c = born(11, 10, 101 * S);
        uint32_t stray = born(12, 0, 101 * S);
        check_int(b->service[0].threads, 1);
        check_int(b->service[0].processes, 1);
        check_int(threads_of_all(), 3);
        world_threads(w, stray, 4);
        check_int(b->service[0].threads, 5);
        world_set_cgroup(w, stray, world_cgroup(w, "/system.slice/b.service"));
        check_int(b->service[0].threads, 0);
        check_int(b->service[0].processes, 0);
        check_int(threads_of_all(), 7);
        world_zombie(w, c, 102 * S, 0, 102 * S);
        check_int(threads_of_all() + b->zombies, 7);
        world_buried(w, c, 103 * S);
        world_buried(w, stray, 103 * S);
        world_buried(w, a, 103 * S);
        check_int(threads_of_all(), 0);
        check_int(b->service[0].processes, 0);
        end();
}

static void lineage_is_kept_and_bounded(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10);
        uint32_t m = born(11, 10, 101 * S), c = born(12, 11, 102 * S);
        world_buried(w, m, 103 * S);
        check_int(b->process[c].parent, m);
        check_int(b->process[m].parent, a);
        check_int(b->process[m].state, PROCESS_BURIED);
        world_buried(w, c, 103 * S);
        check_int(b->process[m].state, PROCESS_FREE);
        check_int(b->process[a].refs, 0);
        for (int32_t k = 0; k < 100000; k++) {
                int32_t pid = 1000 + k % 20000;
                born(pid, k ? 1000 + (k - 1) % 20000 : 10, 104 * S);
                if (k)
                        world_buried(w, world_find(w, 1000 + (k - 1) % 20000), 104 * S);
        }
        check(b->process_top < 3 * WORLD_LINEAGE);
        check_int(b->service[b->process[a].service].processes, 2);
        end();
}

static void a_pid_used_again_buries(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10);
        uint16_t s = b->process[a].service;
        world_zombie(w, born(11, 10, 101 * S), 102 * S, 256, 102 * S);
        check_int(b->process[a].zombies, 1);
        uint32_t again = born(11, 10, 103 * S);
        check_int(world_find(w, 11), again);
        check_int(b->zombies, 0);
        check_int(b->process[a].zombies, 0);
        check_int(b->service[s].zombies, 0);
        check_int(b->service[s].processes, 2);
        end();
}

/* ---- the ledger ---- */

static void note_orphans(void *ctx, int32_t pid, uint32_t n)
{
        orphans += n;
        for (uint32_t i = b->ledger_head; i; i = b->process[i].list_next)
                if (b->process[i].ppid == pid)
                        world_reparent(w, i, 10);
}

static void zombies_are_counted(void)
{
        begin();
        w->orphaned = note_orphans;
        uint32_t a = root_in("/system.slice/a.service", 10), m = born(11, 10, 101 * S),
                 z = born(12, 11, 101 * S);
        uint16_t s = b->process[a].service;
        world_zombie(w, z, 102 * S, 9, 102 * S + 20 * MS);
        check_int(b->zombies, 1);
        check_int(b->service[s].zombies, 1);
        check_int(b->service[s].processes, 2);
        check_int(b->process[m].zombies, 1);
        check(world_cgroup_has_zombies(w, b->process[z].cgroup));
        check_int(b->self.detection_delay_bucket[1], 1);
        world_zombie(w, m, 103 * S, 0, 103 * S); /* unburied itself, and yet no holder any more */
        check_int(orphans, 1);
        check_int(b->process[z].ppid, 10);
        check_int(b->process[a].zombies, 2);
        world_recount(w, 103 * S);
        check_int(b->service[s].held, 0);
        world_recount(w, 106 * S);
        check_int(b->service[s].held, 2);
        check_int(told[EVENT_ZOMBIE], 2);
        check_int(w->young, 0);
        world_buried(w, m, 107 * S);
        world_buried(w, z, 107 * S);
        check_int(told[EVENT_REAP], 2);
        check_int(b->zombies + b->ledger_head, 0);
        check_int(b->process[a].zombies, 0);
        check(!world_cgroup_has_zombies(w, b->process[a].cgroup));
        world_recount(w, 108 * S);
        check_int(b->service[s].held, 0);
        end();
}

static void another_with_the_holders_pid(void)
{
        begin();
        root_in("/system.slice/a.service", 10);
        uint32_t m = born(11, 10, 101 * S), z = born(12, 11, 101 * S);
        world_zombie(w, z, 102 * S, 0, 102 * S);
        world_buried(w, m, 103 * S);
        uint32_t other = born(11, 10, 104 * S);
        world_buried(w, z, 105 * S);
        check_int(b->process[other].zombies, 0);
        end();
}

static void leaders(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10), l = born(11, 10, 101 * S);
        struct service *s = &b->service[b->process[a].service];
        world_threads(w, l, 1);
        world_leader(w, l, 102 * S);
        check_int(b->leaders, 1);
        check_int(s->leaders, 1);
        check_int(s->processes, 2);
        check_int(s->threads, 3);
        check_int(b->process[a].zombies, 0);
        uint32_t z = born(12, 10, 102 * S);
        world_zombie(w, z, 102 * S, 0, 102 * S);
        world_recount(w, 110 * S);
        check_int(told[EVENT_ZOMBIE], 1);
        world_zombie(w, l, 111 * S, -1, 111 * S);
        check_int(b->leaders + s->leaders, 0);
        check_int(s->processes, 1);
        check_int(s->threads, 1);
        check_int(b->process[l].exit_status, -1);
        world_threads(w, l, 1); /* late news of the dead */
        check_int(s->threads, 1);
        world_recount(w, 120 * S); /* though one that was announced before lay in front of it */
        check_int(told[EVENT_ZOMBIE], 2);
        check_int(s->held, 2);
        end();
}

static void exec_by_a_thread(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10), l = born(11, 10, 101 * S);
        struct service *s = &b->service[b->process[a].service];
        world_threads(w, l, 1);
        world_leader(w, l, 102 * S);
        check_int(b->leaders + s->leaders, 2);
        world_exec(w, l, 103 * S);
        check_int(b->process[l].state, PROCESS_ALIVE);
        check_int(b->process[l].exit_ns, 0);
        check_int(b->leaders + s->leaders, 0);
        check_int(b->ledger_head, 0);
        check_int(s->processes, 2);
        end();
}

static void old_found_late_hides_no_young(void)
{
        begin();
        root_in("/system.slice/a.service", 10);
        world_zombie(w, born(11, 10, 101 * S), 102 * S, 0, 102 * S);
        world_zombie(w, born(12, 10, 50 * S), 0, -1, 102 * S);
        world_recount(w, 103 * S);
        check_int(told[EVENT_ZOMBIE], 1);
        world_recount(w, 105 * S);
        check_int(told[EVENT_ZOMBIE], 2);
        end();
}

static void a_crowd_is_told_in_few_words(void)
{
        begin();
        root_in("/system.slice/a.service", 10);
        root_in("/system.slice/b.service", 20);
        for (int i = 0; i < 500; i++)
                world_zombie(w, born(1000 + i, i < 200 ? 10 : 20, 101 * S), 102 * S, 0, 102 * S);
        world_recount(w, 105 * S);
        check_int(told[EVENT_ZOMBIE], 64 + 2);
        /* the ledger's newest come first: 64 and 236 of the one, then 200 of the other */
        check_int(last.count, 200);
        check_str(last.text, "200 more outlived the grace period, held by pid 10 (main)");
        check_int(last.pid, 1000);
        world_recount(w, 106 * S);
        check_int(told[EVENT_ZOMBIE], 64 + 2);
        end();
}

/* ---- CPU that comes late ---- */

static void cpu_comes_late(void)
{
        begin();
        w->exact_cpu = true;
        uint32_t a = root_in("/system.slice/a.service", 10);
        struct service *s = &b->service[b->process[a].service];
        uint32_t c[4];
        for (int32_t k = 0; k < 4; k++)
                c[k] = born(11 + k, 10, 101 * S);
        world_buried(w, c[0], 102 * S);
        world_buried(w, c[1], 102 * S);
        check_int(w->awaiting, 2);
        check_int(world_find(w, 11), 0);
        freed(12, 101 * S, 7 * MS, 102 * S); /* out of order */
        check_int(s->deaths, 0);
        freed(11, 101 * S, 5 * MS, 102 * S);
        check_int(s->deaths, 2);
        check_int(s->cpu_exited_ns, 12 * MS);
        freed(13, 101 * S, 3 * MS, 102 * S); /* before the guard saw the burial */
        check_int(s->deaths, 3);
        check_int(world_find(w, 13), 0);
        world_buried(w, c[3], 102 * S); /* never */
        world_expire(w, 102 * S + 500 * MS, S);
        check_int(w->awaiting, 1);
        world_expire(w, 103 * S, S);
        check_int(w->awaiting, 0);
        check_int(s->deaths, 4);
        check_int(s->cpu_exited_ns, 15 * MS);
        check_int(b->process[a].refs, 0);
        check_int(s->processes, 1);
        end();
}

static void churn_grows_nothing(void)
{
        begin();
        w->exact_cpu = true;
        uint32_t a = root_in("/system.slice/a.service", 10);
        char command[32];
        uint32_t processes = 0, strings = 0;
        for (int32_t k = 0; k < 1000000; k++) {
                int32_t pid = 100 + k % 30000;
                uint64_t at = 200 * S + (uint64_t)k * 25000;
                uint32_t i = born(pid, 10, at);
                snprintf(command, sizeof command, "job %d", k);
                world_set_command(w, i, command, "/bin/job");
                if (k % 3 == 0)
                        world_zombie(w, i, at, 0, at);
                world_buried(w, i, at);
                if (k % 7)
                        freed(pid, at, MS, at + 10000);
                else
                        world_expire(w, at + S, S);
                if (k == 1000) {
                        processes = b->process_top;
                        strings = b->string_top;
                }
        }
        world_expire(w, 1000 * S, S);
        world_deaths_flush(w);
        check_int(b->process_top, processes);
        check_int(b->string_top, strings);
        check_int(b->process[a].refs, 0);
        check_int(b->service[b->process[a].service].deaths, 1000000);
        check_int(b->service[b->process[a].service].processes, 1);
        for (uint32_t k = 1; k < b->string_top; k++)
                check_int(b->string[k].refs, k == b->process[a].command || k == b->process[a].exe);
        end();
}

/* ---- full tables ---- */

static void full_tables(void)
{
        char text[64];

        begin();
        for (int k = 0; k < BOARD_STRINGS + 5; k++) {
                snprintf(text, sizeof text, "command %d", k);
                world_string(w, text);
        }
        check_int(b->self.overflow_strings, 6); /* entry 0 is nobody's */
        check_int(world_string(w, "yet another"), 0);
        for (int k = 0; k < BOARD_SERVICES + 5; k++) {
                snprintf(text, sizeof text, "service %d", k);
                world_service(w, text, SERVICE_SYSTEMD);
        }
        check(b->self.overflow_services > 0);
        check_int(world_service(w, "yet another", SERVICE_SYSTEMD), 0);
        uint64_t before = b->self.overflow_services;
        for (int k = 0; k < WORLD_CGROUPS; k++) {
                snprintf(text, sizeof text, "/x.slice/%d", k);
                world_cgroup(w, text);
        }
        check_int(world_cgroup(w, "/x.slice/last"), 1);
        check(b->self.overflow_services > before);
        for (int32_t pid = 1; pid < BOARD_PROCESSES; pid++)
                check(born(pid, 0, 101 * S));
        check_int(born(BOARD_PROCESSES + 1, 0, 101 * S), 0);
        check_int(b->self.overflow_processes, 1);
        end();
}

static void old_services_give_way(void)
{
        char text[64];

        begin();
        uint32_t a = root_in("/system.slice/a.service", 10);
        for (int k = 0; k < BOARD_SERVICES; k++) {
                snprintf(text, sizeof text, "service %d", k);
                world_service(w, text, SERVICE_CONTAINER);
        }
        check_int(world_service(w, "new", SERVICE_CONTAINER), 0);
        b->updated_ns += 4000 * S;
        uint64_t before = b->self.overflow_services;
        check(world_service(w, "new", SERVICE_CONTAINER) != 0);
        check(world_service(w, "newer", SERVICE_CONTAINER) != 0);
        check_int(b->self.overflow_services, before);
        check_str(b->service[b->process[a].service].name, "a.service");
        check_str(b->service[w->kernel_service].name, "kernel");
        check_str(b->service[w->self_service].name, "sexton");
        end();
}

/* ---- containers ---- */

static struct container record(void)
{
        return (struct container){.id = ID,
                .name = "worker",
                .project = "shop",
                .compose_service = "worker",
                .state = CONTAINER_RUNNING,
                .started_ns = 50 * S,
                .policy = RESTART_ALWAYS};
}

static void says(enum container_event kind, int32_t code, uint64_t at)
{
        struct engine_event e = {.kind = (uint8_t)kind, .code = code, .id = ID, .value = NAN};

        world_container_event(w, &e, at);
}

static void named_late(void)
{
        begin();
        uint32_t a = root_in("/docker/" ID, 10), z = born(11, 10, 101 * S);
        uint16_t was = b->process[a].service;
        check_str(b->service[was].name, "6faa5f1b6ba8");
        world_zombie(w, z, 102 * S, 0, 102 * S);
        b->service[was].cpu_ns = 5 * S;
        b->service[was].cpu_exited_ns = BOARD_UNKNOWN;
        struct container c = record();
        world_container(w, &c, 103 * S);
        struct service *s = &b->service[b->process[a].service];
        check_str(s->name, "shop/worker");
        check_int(s->kind, SERVICE_COMPOSE);
        check_int(s->processes, 1);
        check_int(s->zombies, 1);
        check_int(s->cpu_ns, 5 * S);
        check(s->cpu_exited_ns == BOARD_UNKNOWN);
        check_int(b->process[z].service, b->process[a].service);
        end();
}

/* The engine was not to be reached for hours. */
static void a_late_name_has_its_past(void)
{
        begin();
        uint32_t a = root_in("/docker/" ID, 10);
        uint16_t was = b->process[a].service;
        struct service *s = &b->service[was];
        for (int k = 0; k < 3; k++) {
                recent_push(&s->zombie_births, (101 + (uint64_t)k) * S, k);
                uint32_t dead = born(20 + k, 10, 103 * S);
                world_set_comm(w, dead, "child");
                b->process[dead].exit_status = 1 << 8;
                b->process[dead].exit_ns = 104 * S;
                world_buried(w, dead, 104 * S);
        }
        check_int(s->respawns.total, 2);
        world_oom(w, was, false, 2, 104 * S);
        struct container c = record();
        world_container(w, &c, 105 * S);
        s = &b->service[b->process[a].service];
        check_str(s->name, "shop/worker");
        check_int(s->zombie_births.total, 3);
        check_int(s->zombie_births.at_ns[2], 103 * S);
        check_int(s->respawns.total, 2);
        check_int(s->ooms.total, 2);
        says(CONTAINER_EVENT_OOM, 0, 106 * S); /* the engine's word on what the counter told of */
        check_int(s->ooms.total, 2);
        world_deaths_flush(w);
        check_str(last.service, "shop/worker");
        uint32_t dead = born(30, 10, 106 * S); /* the loop goes on */
        world_set_comm(w, dead, "child");
        b->process[dead].exit_status = 1 << 8;
        world_buried(w, dead, 107 * S);
        check_int(s->respawns.total, 3);
        /* another container of the same service, told of late, too: its moments follow */
        char other[80] = "/docker/" ID;
        other[8] = '7';
        uint32_t second = root_in(other, 40);
        recent_push(&b->service[b->process[second].service].zombie_births, 110 * S, 9);
        c.id[0] = '7';
        world_container(w, &c, 111 * S);
        check_int(s->zombie_births.total, 4);
        check_int(s->zombie_births.value[3], 9);
        end();
}

/* A guard that has just started hears of what happens before it has been told of all containers. */
static void events_before_the_record(void)
{
        begin();
        uint32_t services = b->service_top;
        says(CONTAINER_EVENT_DESTROY, 0, 101 * S);
        check_int(b->service_top, services);
        says(CONTAINER_EVENT_DIE, 3, 101 * S);
        says(CONTAINER_EVENT_START, 0, 102 * S);
        check_str(last.service, "6faa5f1b6ba8");
        check_int(last.kind, EVENT_RESTART);
        check_int(b->service[0].restarts.total, 0);
        check_int(b->service[0].state, CONTAINER_UNKNOWN);
        uint32_t a = root_in("/docker/" ID, 10);
        check_str(b->service[b->process[a].service].name, "6faa5f1b6ba8");
        check_int(b->service[b->process[a].service].restarts.total, 1);
        struct container c = record();
        c.restart_count = 5;
        world_container(w, &c, 103 * S);
        struct service *s = &b->service[b->process[a].service];
        check_str(s->name, "shop/worker");
        check_int(s->restarts.total, 1);
        check_int(s->restarts.value[0], 3);
        check_int(s->restarts.total + s->restarts_before, 5);
        check_int(s->state, CONTAINER_RUNNING);
        end();
}

static void restarts(void)
{
        begin();
        struct container c = record();
        c.restart_count = 4;
        world_container(w, &c, 101 * S);
        struct service *s = &b->service[world_service(w, "shop/worker", SERVICE_COMPOSE)];
        check_int(s->restarts_before, 4);
        check_int(s->restarts.total, 0);
        says(CONTAINER_EVENT_DIE, 1, 102 * S);
        says(CONTAINER_EVENT_START, 0, 103 * S);
        check_int(s->restarts.total, 1);
        check_int(s->restarts.value[0], 1);
        c.restart_count = 5;
        world_container(w, &c, 103 * S); /* told once more, counted once */
        check_int(s->restarts.total + s->restarts_before, 5);
        says(CONTAINER_EVENT_STOP, 0, 104 * S);
        says(CONTAINER_EVENT_DIE, 0, 104 * S);
        says(CONTAINER_EVENT_START, 0, 105 * S);
        check_int(s->restarts.total, 1);
        check_int(told[EVENT_RESTART], 2);
        check_str(last.text, "started again by a person");
        says(CONTAINER_EVENT_DIE, 1, 106 * S);
        says(CONTAINER_EVENT_START, 0, 107 * S);
        check_str(last.text, "restarted by its policy after exit code 1");
        c.policy = RESTART_NO;
        world_container(w, &c, 108 * S);
        says(CONTAINER_EVENT_DIE, 1, 109 * S);
        says(CONTAINER_EVENT_START, 0, 110 * S);
        check_str(last.text, "started again after exit code 1, by somebody else than its policy");
        end();
}

/* Its main process is seen to run again before the engine says so: whichever comes first of its place and its
 * program. */
static void a_restart_is_seen_before_it_is_told(void)
{
        begin();
        struct container c = record();
        world_container(w, &c, 101 * S);
        struct service *s = &b->service[world_service(w, "shop/worker", SERVICE_COMPOSE)];
        uint32_t p = born(10, 1, 101 * S);
        world_set_cgroup(w, p, world_cgroup(w, "/docker/" ID));
        world_entered(w, p, true);
        world_exec(w, p, 101 * S);
        check_int(s->returned_ns, 0); /* it was started, and had not died before */
        for (int k = 0; k < 2; k++) {
                says(CONTAINER_EVENT_DIE, 3, (110 + 10 * k) * S);
                world_exec(w, p, (109 + 10 * k) * S);
                check(!w->returned); /* in the life before, and heard of late */
                world_buried(w, p, (110 + 10 * k) * S);
                p = born(11 + k, 1, (112 + 10 * k) * S);
                if (k)
                        world_exec(w, p, (112 + 10 * k) * S);
                world_set_cgroup(w, p, world_cgroup(w, "/docker/" ID));
                check_int(s->returned_ns, 0);
                world_entered(w, p, true);
                check(k || !w->returned); /* it is the runtime's so far */
                if (!k)
                        world_exec(w, p, 112 * S);
                check(w->returned);
                check_int(s->returned_ns, (112 + 10 * k) * S);
                check_int(s->returned_code, 3);
                w->returned = false;
                world_exec(w, p, (113 + 10 * k) * S);
                check(!w->returned); /* once is enough */
                says(CONTAINER_EVENT_START, 0, (113 + 10 * k) * S);
                check_int(s->returned_ns, 0);
                check_int(s->restarts.total, 1 + k);
        }
        says(CONTAINER_EVENT_STOP, 0, 130 * S);
        says(CONTAINER_EVENT_DIE, 137, 130 * S);
        p = born(20, 1, 131 * S);
        world_set_cgroup(w, p, world_cgroup(w, "/docker/" ID));
        world_entered(w, p, true);
        world_exec(w, p, 131 * S);
        check(!w->returned); /* a person will have started it */
        end();
}

/* What the engine tells of one replica says nothing of the other's return. */
static void replicas_return_by_themselves(void)
{
        static const char other[] = "7faa5f1b6ba8632dee023865045077fcf045125e6c5e51e33fec694c862df6a6";
        struct engine_event e = {.code = 1, .value = NAN};

        begin();
        struct container c = record();
        world_container(w, &c, 101 * S);
        strcpy(c.id, other);
        world_container(w, &c, 101 * S);
        struct service *s = &b->service[world_service(w, "shop/worker", SERVICE_COMPOSE)];
        says(CONTAINER_EVENT_DIE, 1, 110 * S);
        uint32_t p = born(11, 1, 112 * S);
        world_set_cgroup(w, p, world_cgroup(w, "/docker/" ID));
        world_entered(w, p, true);
        world_exec(w, p, 112 * S);
        check_int(s->returned_ns, 112 * S);
        e.kind = CONTAINER_EVENT_DIE;
        strcpy(e.id, other);
        world_container_event(w, &e, 113 * S);
        check_int(s->returned_ns, 112 * S);
        e.kind = CONTAINER_EVENT_DESTROY;
        world_container_event(w, &e, 114 * S);
        check_int(s->returned_ns, 112 * S);
        says(CONTAINER_EVENT_DIE, 1, 115 * S);
        check_int(s->returned_ns, 0);
        end();
}

/* What happened to a service is known to the next guard, too; what it is, and how much of it there is, is
 * found anew. */
static void a_new_guard_knows_the_past(void)
{
        begin();
        struct container c = record();
        uint32_t p = root_in("/docker/" ID, 10);
        world_container(w, &c, 101 * S);
        uint16_t i = b->process[p].service;
        struct service *s = &b->service[i];
        for (int k = 0; k < 3; k++) {
                says(CONTAINER_EVENT_DIE, 1, (110 + 10 * k) * S);
                says(CONTAINER_EVENT_START, 0, (111 + 10 * k) * S);
        }
        world_oom(w, i, true, 2, 140 * S);
        says(CONTAINER_EVENT_PROBE_END, 1, 141 * S);
        s->person_act = PERSON_START;
        s->held = 7;
        strcpy(b->service[world_service(w, "half", SERVICE_COMPOSE)].name, "half");
        memset(b->service[world_service(w, "half", SERVICE_COMPOSE)].name, 'x', BOARD_NAME); /* torn */
        uint32_t services = b->service_top;

        memset(told, 0, sizeof told);
        memset(w, 0, sizeof *w);
        world_init(w, b, take, NULL, 200 * S, 2);
        check_int(b->service_top, services);
        check_int(world_service(w, "shop/worker", SERVICE_COMPOSE), i);
        check_int(s->restarts.total, 3);
        check_int(s->restarts.at_ns[2], 131 * S);
        check_int(s->ooms.total, 2);
        check_int(s->probe_failures.total + s->probe_runs.total, 2);
        check_int(s->person_act, PERSON_START);
        check_int(s->processes + s->held + s->containers + s->state + s->cpu_ns + s->oom_kills, 0);
        check(s->memory_bytes == BOARD_UNKNOWN);
        check_str(b->service[w->kernel_service].name, "kernel");
        check(b->service[w->self_service].is_self);
        for (uint32_t k = 1; k < b->service_top; k++)
                check(b->service[k].name[0] != 'x');

        p = root_in("/docker/" ID, 10);
        c.restart_count = 5; /* two while nobody looked */
        world_container(w, &c, 201 * S);
        check_int(b->process[p].service, i);
        check_int(s->restarts.total + s->restarts_before, 5);
        check_int(told[EVENT_DEPLOY], 0);
        says(CONTAINER_EVENT_DIE, 1, 210 * S);
        says(CONTAINER_EVENT_START, 0, 211 * S);
        check_int(s->restarts.total + s->restarts_before, 6);
        check_int(s->restarts.total, 4);
        end();
}

static void replicas_are_no_deploy(void)
{
        begin();
        struct container c = record(), d = record();
        strcpy(c.image, "worker:1");
        strcpy(d.image, "worker:1");
        d.id[0] = '7';
        for (int k = 0; k < 3; k++) {
                world_container(w, &c, 101 * S);
                world_container(w, &d, 101 * S);
        }
        check_int(told[EVENT_DEPLOY], 0);
        d.id[0] = '8';
        d.started_ns = 150 * S;
        world_container(w, &d, 151 * S);
        check_int(told[EVENT_DEPLOY], 1);
        check_str(last.text, "new container");
        strcpy(d.config_hash, "c0ffee");
        d.id[0] = '9';
        world_container(w, &d, 152 * S); /* the first one with a hash */
        check_str(last.text, "new container");
        strcpy(d.config_hash, "decade");
        d.id[0] = 'a';
        world_container(w, &d, 153 * S);
        check_str(last.text, "new configuration");
        strcpy(d.image, "worker:2");
        d.id[0] = 'b';
        world_container(w, &d, 154 * S);
        check_str(last.text, "new image");
        check_int(told[EVENT_DEPLOY], 4);
        struct service *s = &b->service[world_service(w, "shop/worker", SERVICE_COMPOSE)];
        check_str(s->config_hash, "decade");
        end();
}

static void oom_and_probes(void)
{
        begin();
        struct container c = record();
        c.health_timeout_ns = 10 * S;
        world_container(w, &c, 101 * S);
        uint16_t k = world_service(w, "shop/worker", SERVICE_COMPOSE);
        struct service *s = &b->service[k];
        says(CONTAINER_EVENT_OOM, 0, 102 * S);
        world_oom(w, k, false, 1, 106 * S);
        check_int(s->oom_kills, 1);
        /* one after the other, each told by the counter first */
        world_oom(w, k, false, 1, 107 * S);
        world_oom(w, k, false, 2, 107 * S + 500 * MS);
        check_int(s->oom_kills, 4);
        for (int i = 0; i < 3; i++)
                says(CONTAINER_EVENT_OOM, 0, 108 * S);
        check_int(s->oom_kills, 4);
        says(CONTAINER_EVENT_OOM, 0, 108 * S);
        world_oom(w, k, false, 3, 109 * S);
        check_int(s->oom_kills, 7);
        /* long after the engine's the counter tells of another one */
        says(CONTAINER_EVENT_OOM, 0, 120 * S);
        world_oom(w, k, false, 1, 131 * S);
        check_int(s->oom_kills, 9);
        says(CONTAINER_EVENT_PROBE_START, 0, 120 * S);
        check_int(s->probes_open, 1);
        struct engine_event e = {.kind = CONTAINER_EVENT_PROBE_END, .timed_out = true, .value = 10, .id = ID};
        world_container_event(w, &e, 130 * S);
        check_int(s->probes_open, 0);
        check_int(s->probe_timeouts.total, 1);
        check_int(s->probe_runs.value[0], 10000);
        says(CONTAINER_EVENT_PROBE_END, 1, 131 * S);
        check_int(s->probes_open, 0);
        check_int(s->probe_failures.total, 1);
        end();
}

static void units_restart(void)
{
        begin();
        uint32_t a = root_in("/system.slice/a.service", 10);
        struct service *s = &b->service[b->process[a].service];
        b->updated_ns = 110 * S;
        b->process[a].exit_status = 3 << 8;
        w->exact_cpu = true; /* the death's record may still wait when the next one is born */
        world_buried(w, a, 110 * S);
        b->updated_ns = 110 * S + 100 * MS;
        root_in("/system.slice/a.service", 20);
        check_int(s->restarts.total, 1);
        check_int(s->restarts.value[0], 3);
        b->process[world_find(w, 20)].exit_status = 0;
        world_buried(w, world_find(w, 20), 111 * S);
        root_in("/system.slice/a.service", 30);
        check_int(s->restarts.total, 1);
        end();
}

static void gaps_and_the_engine(void)
{
        begin();
        for (uint64_t k = 0; k < BOARD_GAPS + 3; k++)
                world_gap(w, "netlink", 100 * S, 101 * S, k, "lost");
        check_int(b->gap_total, BOARD_GAPS + 3);
        check_int(b->gap[2].missed, BOARD_GAPS + 2);
        check_int(last.count, BOARD_GAPS + 2);
        check_str(last.service, "");
        world_event(w, EVENT_ENGINE, 0, NULL, 102 * S, NAN, "gone");
        check_str(last.service, "");
        world_event(w, EVENT_START, 0, NULL, 102 * S, NAN, "started");
        check_str(last.service, "(other)");
        end();
}

static void all(void)
{
        test(births_inherit);
        test(everybody_is_counted_once);
        test(lineage_is_kept_and_bounded);
        test(a_pid_used_again_buries);
        test(zombies_are_counted);
        test(another_with_the_holders_pid);
        test(leaders);
        test(exec_by_a_thread);
        test(old_found_late_hides_no_young);
        test(a_crowd_is_told_in_few_words);
        test(cpu_comes_late);
        test(churn_grows_nothing);
        test(full_tables);
        test(old_services_give_way);
        test(named_late);
        test(a_late_name_has_its_past);
        test(events_before_the_record);
        test(restarts);
        test(a_restart_is_seen_before_it_is_told);
        test(replicas_return_by_themselves);
        test(a_new_guard_knows_the_past);
        test(replicas_are_no_deploy);
        test(oom_and_probes);
        test(units_restart);
        test(gaps_and_the_engine);
}

int main(void)
{
        return tap_main(all);
}
