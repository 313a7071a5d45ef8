/* The CPU accounts of services: what counters say, what the root group hides of groups without one, shared
 * out between two walks and settled by the next, kernel threads, and what the root has to give back.
 */
#include "guard_lab.h"

#define COUNTED "/system.slice/counted.service"
#define HIDDEN  "/system.slice/hidden.service"
#define OTHER   "/system.slice/other.service"

#define OLD   (20 * S) /* born before we began */
#define YOUNG (200 * S)

static bool no_root_counter, no_groups;
static uint64_t now, root_ns, counted_ns, kernel_ns;

static void write_counters(void)
{
        char text[64];

        lab_stat(root_ns, 1000);
        if (!no_root_counter && !no_groups)
                lab_put("cgroup/cpuacct/cpuacct.usage", root_ns);
        if (!no_groups)
                lab_put("cgroup/cpuacct" COUNTED "/cpuacct.usage", counted_ns);
        snprintf(text, sizeof text, "%" PRIu64 " 0 1\n", kernel_ns);
        tree_put(&lab_tree, "proc/2/schedstat", text);
}

static uint32_t process(int32_t pid, const char *group, uint64_t start_ns)
{
        uint32_t i = world_born(&g->world, pid, 0, start_ns, now);

        world_set_cgroup(&g->world, i, world_cgroup(&g->world, group));
        return i;
}

static void start(void)
{
        guard_sample_start(g);
        now = g->last_sample_ns;
        g->ticks = 10;
        g->audit_due_ns = g->disks_due_ns = g->self_due_ns = UINT64_MAX;
}

/* Kernel threads have used 5,000 s before we began, the root group 9,000. */
static void begin(void)
{
        tree_init(&lab_tree);
        now = 100 * S;
        root_ns = 9000 * S;
        counted_ns = 0;
        kernel_ns = 5000 * S;
        write_counters();
        static const char *const groups[] = {HIDDEN, OTHER, COUNTED};
        for (size_t k = 0; k < ARRAY_SIZE(groups) && !no_groups; k++) {
                char name[80];
                snprintf(name, sizeof name, "cgroup/memory%s/memory.usage_in_bytes", groups[k]);
                tree_put(&lab_tree, name, "4096\n");
        }
        lab_begin(now);
        uint32_t kthread = process(2, "/", 1 * S);
        b->process[kthread].flags |= PROCESS_F_KTHREAD;
        world_set_service(&g->world, kthread, g->world.kernel_service);
        process(10, COUNTED, OLD);
        process(20, HIDDEN, YOUNG);
        process(30, OTHER, YOUNG);
}

static void end(void)
{
        guard_sample_stop(g);
        lab_end();
}

/* Five seconds in which the whole host used `root`, the counted service its part of that. */
static void five_seconds(uint64_t root, uint64_t counted)
{
        now += 5 * S;
        root_ns += root;
        counted_ns += counted;
        write_counters();
        guard_sample_host(g, now);
        guard_sample_tick(g, now);
        b->updated_ns = now;
}

static const struct service *lab_service(const char *group)
{
        return &b->service[g->world.cgroup[world_cgroup_find(&g->world, group)].service];
}

static uint64_t used_by(const char *group)
{
        return lab_service(group)->cpu_ns;
}

static double ratio_of(const char *group)
{
        return lab_service(group)->cpu_ratio;
}

static uint64_t used_by_all(void)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < b->service_top; i++)
                sum += b->service[i].cpu_ns;
        return sum;
}

/* No walk before it is due by its age alone. */
static void walks_are_dear(void)
{
        g->uncounted_pace.cost_ns = 1000 * S;
}

static void walks_are_cheap(void)
{
        g->uncounted_pace.cost_ns = 0;
}

static void counters_are_shared_out(void)
{
        begin();
        start();
        five_seconds(3 * S, 2 * S);
        check_int(used_by(COUNTED), 2 * S);
        check_int(used_by("/"), 1 * S); /* and not a nanosecond of it owed for what was before us */
        check_int(g->root_debt_ns, 0);
        check_near(ratio_of(COUNTED), 0.4, 1e-9);
        check_near(ratio_of("/"), 0.2, 1e-9);
        check_near(b->host.cpu_services_ratio, 0.6, 1e-9);
        check_near(b->host.cpu_unattributed_ratio, 0, 1e-9);
        end();
}

static void kernel_threads_are_taken_from_the_root(void)
{
        begin();
        start();
        kernel_ns += 1 * S;
        five_seconds(3 * S, 0);
        check_int(b->service[g->world.kernel_service].cpu_ns, 1 * S);
        check_int(used_by("/"), 2 * S);
        check_int(used_by_all(), 3 * S);
        /* not read: the last pace is assumed, and settled later */
        g->kernel_pace.cost_ns = 3600 * S;
        kernel_ns += 2 * S;
        five_seconds(3 * S, 0);
        check_int(b->service[g->world.kernel_service].cpu_ns, 2 * S);
        g->kernel_pace.cost_ns = 0;
        five_seconds(3 * S, 0);
        check_int(b->service[g->world.kernel_service].cpu_ns, 3 * S);
        check_int(used_by_all(), 9 * S);
        end();
}

static void a_walk_finds_what_the_root_hides(void)
{
        begin();
        process(19, HIDDEN, OLD);
        lab_put_task(19, OLD, 700 * S); /* before us: nobody's */
        lab_put_task(30, YOUNG, 0);
        start();
        check_int(lab_walks, 1);
        walks_are_cheap();
        lab_put_task(19, OLD, 702 * S);
        lab_put_task(20, YOUNG, 1 * S);
        five_seconds(5 * S, 1 * S);
        check_int(lab_walks, 2);
        check_int(used_by(HIDDEN), 3 * S);
        check_int(used_by(OTHER), 0);
        check_int(used_by(COUNTED), 1 * S);
        check_int(used_by("/"), 1 * S);
        check_near(ratio_of(HIDDEN), 0.6, 1e-9);
        end();
}

static void shares_carry_over_and_are_settled(void)
{
        begin();
        start();
        walks_are_cheap();
        lab_put_task(20, YOUNG, 3 * S);
        lab_put_task(30, YOUNG, 1 * S);
        five_seconds(4 * S, 0);
        check_int(used_by(HIDDEN), 3 * S);
        walks_are_dear();
        five_seconds(4 * S, 0);
        check_int(lab_walks, 2);
        check_int(used_by(HIDDEN), 6 * S);
        check_int(used_by(OTHER), 2 * S);
        check_near(ratio_of(HIDDEN), 0.6, 1e-9);
        /* it was the other one's: it gets its due at once, and the root what no longer is anybody's */
        walks_are_cheap();
        lab_put_task(30, YOUNG, 9 * S);
        five_seconds(4 * S, 0);
        check_int(lab_walks, 3);
        check_int(used_by(OTHER), 9 * S);
        check_int(used_by(HIDDEN), 6 * S);
        check_int(used_by_all(), 15 * S);
        check_int(g->root_debt_ns, 3 * S); /* which the other has too much */
        /* and which is made good of what that uses next */
        lab_put_task(20, YOUNG, 7 * S);
        five_seconds(4 * S, 0);
        check_int(used_by(HIDDEN), 7 * S);
        check_int(used_by("/"), 0);
        check_int(used_by_all(), 16 * S);
        check_int(g->root_debt_ns, 0);
        end();
}

static void the_dead_are_charged_once(void)
{
        begin();
        start();
        walks_are_cheap();
        lab_put_task(20, YOUNG, 2 * S);
        five_seconds(2 * S, 0);
        check_int(used_by(HIDDEN), 2 * S);
        uint32_t i = world_find(&g->world, 20);
        b->process[i].cpu_ns = 5 * S;
        b->process[i].flags |= PROCESS_F_CPU_EXACT;
        world_buried(&g->world, i, now);
        lab_tasks = 0;
        five_seconds(3 * S, 0);
        check_int(used_by(HIDDEN), 5 * S);
        five_seconds(0, 0);
        check_int(used_by(HIDDEN), 5 * S);
        check_int(used_by_all(), 5 * S);
        end();
}

/* The root gives back what it was given, and no more. */
static void the_roots_debt_is_what_it_was_given(void)
{
        begin();
        start();
        lab_put_task(20, YOUNG, 0);
        walks_are_dear();
        five_seconds(2 * S, 0);
        check_int(used_by("/"), 2 * S);
        walks_are_cheap();
        lab_put_task(20, YOUNG, 50 * S); /* such as one that used it in another group */
        five_seconds(1 * S, 0);
        check_int(used_by(HIDDEN), 50 * S);
        check_int(g->root_debt_ns, 2 * S);
        five_seconds(1 * S, 0);
        check_int(g->root_debt_ns, 1 * S);
        check_int(used_by("/"), 2 * S);
        five_seconds(3 * S, 0);
        check_int(g->root_debt_ns, 0);
        check_int(used_by("/"), 4 * S);
        end();
}

static void a_root_without_a_counter_owes_nothing(void)
{
        no_root_counter = true;
        begin();
        start();
        walks_are_cheap();
        for (uint64_t i = 1; i <= 5; i++) {
                kernel_ns += 1 * S;
                lab_put_task(20, YOUNG, i * S);
                five_seconds(2 * S, 1 * S);
        }
        check_int(g->root_debt_ns, 0);
        check_int(used_by("/"), 0);
        check_int(used_by(COUNTED), 5 * S);
        check_int(b->service[g->world.kernel_service].cpu_ns, 5 * S);
        no_root_counter = false;
        end();
}

/* In a container that sees no groups but its own: processes are summed up, and what nobody is known to have
 * used is nobody's. */
static void without_groups_processes_are_summed_up(void)
{
        no_groups = true;
        begin();
        check_int(g->layout.version, 0);
        process(40, "/", YOUNG);
        start();
        walks_are_cheap();
        for (uint64_t i = 1; i <= 4; i++) {
                kernel_ns += 1 * S;
                lab_put_task(10, OLD, (700 + i) * S); /* before us: nobody's */
                lab_put_task(20, YOUNG, i * 2 * S);
                lab_put_task(40, YOUNG, i * S);
                five_seconds(6 * S, 0);
        }
        check_int(used_by(COUNTED), 3 * S); /* since the first look that saw it */
        check_int(used_by(HIDDEN), 8 * S);
        check_int(used_by("/"), 4 * S);
        check_int(b->service[g->world.kernel_service].cpu_ns, 4 * S);
        check_near(ratio_of(HIDDEN), 0.4, 1e-9);
        check_near(ratio_of("/"), 0.2, 1e-9);
        check_near(b->host.cpu_services_ratio, 0.8, 1e-9);
        check_near(b->host.cpu_unattributed_ratio, 0.2, 1e-9);
        /* between two walks, on account; settled by the next */
        walks_are_dear();
        kernel_ns += 1 * S;
        five_seconds(6 * S, 0);
        check_int(used_by(HIDDEN), 10 * S);
        walks_are_cheap();
        lab_put_task(20, YOUNG, 9 * S);
        five_seconds(6 * S, 0);
        check_int(used_by(HIDDEN), 10 * S); /* a second too much, given back by getting nothing */
        lab_put_task(20, YOUNG, 12 * S);
        five_seconds(6 * S, 0);
        check_int(used_by(HIDDEN), 12 * S);
        no_groups = false;
        end();
}

/* A container starts again at the same path: what it was given on account is not given once more. */
static void a_path_used_again_keeps_its_account(void)
{
        begin();
        start();
        walks_are_cheap();
        lab_put_task(20, YOUNG, 4 * S);
        five_seconds(4 * S, 0);
        walks_are_dear();
        five_seconds(4 * S, 0);
        check_int(used_by(HIDDEN), 8 * S);
        uint32_t i = world_find(&g->world, 20), group = b->process[i].cgroup;
        b->process[i].cpu_ns = 8 * S;
        world_buried(&g->world, i, now);
        lab_tasks = 0;
        guard_group_seen(g, group); /* as a birth in an empty group does */
        process(22, HIDDEN, YOUNG + S);
        five_seconds(0, 0);
        check_int(used_by(HIDDEN), 8 * S);
        check_int(used_by_all(), 8 * S);
        walks_are_cheap();
        lab_put_task(22, YOUNG + S, 2 * S);
        five_seconds(3 * S, 0);
        five_seconds(0, 0);
        check_int(used_by(HIDDEN), 10 * S);
        check_int(used_by("/"), 1 * S);
        end();
}

static void who_moves_in_brings_no_past(void)
{
        begin();
        start();
        walks_are_cheap();
        process(40, COUNTED, OLD); /* older than us: counted by its group until now */
        lab_put_task(40, OLD, 300 * S);
        five_seconds(1 * S, 1 * S);
        world_set_cgroup(&g->world, world_find(&g->world, 40), world_cgroup_find(&g->world, HIDDEN));
        five_seconds(1 * S, 0);
        check_int(used_by(HIDDEN), 0);
        lab_put_task(40, OLD, 301 * S);
        five_seconds(1 * S, 0);
        check_int(used_by(HIDDEN), 1 * S);
        check_int(used_by_all(), 3 * S);
        end();
}

/* However dear a walk is: while the root hides what is worth one, within a minute. */
static void shares_grow_no_older_than_a_minute(void)
{
        begin();
        start();
        lab_put_task(20, YOUNG, 1 * S);
        for (uint32_t i = 0; i < 11; i++) {
                walks_are_dear();
                five_seconds(1 * S, 0);
        }
        check_int(lab_walks, 1);
        five_seconds(1 * S, 0);
        check_int(lab_walks, 2);
        check_int(used_by(HIDDEN), 1 * S);
        end();
}

/* Too little to be worth a walk at once, as on a host of very many processes; but it adds up. */
static void little_is_looked_for_after_minutes(void)
{
        begin();
        start();
        for (uint32_t i = 0; i < 119; i++) {
                lab_put_task(20, YOUNG, (i + 1) * 20 * MS);
                five_seconds(20 * MS, 0);
        }
        check_int(lab_walks, 1);
        five_seconds(20 * MS, 0);
        check_int(lab_walks, 2);
        check_int(used_by(HIDDEN), 119 * 20 * MS);
        for (uint32_t i = 0; i < 200; i++)
                five_seconds(0, 0);
        check_int(lab_walks, 2);
        end();
}

static void without_the_iterator_the_cost_decides(void)
{
        begin();
        b->sources.bpf_iterator = false;
        lab_put_process(20, YOUNG, 0); /* no ticks used */
        start();
        check(g->uncounted_begun);
        for (uint32_t i = 0; i < 100; i++) {
                walks_are_dear();
                five_seconds(1 * S, 0);
        }
        check_int(lab_walks, 0);
        check(now - g->uncounted_pace.ended_ns >= 500 * S);
        walks_are_cheap();
        five_seconds(1 * S, 0);
        check_int(g->uncounted_pace.ended_ns, now);
        end();
}

static uint64_t kills_after(const char *oom_control)
{
        tree_put(&lab_tree, "cgroup/memory" COUNTED "/memory.oom_control", oom_control);
        five_seconds(1 * S, 0);
        return lab_service(COUNTED)->ooms.total;
}

static void counters_of_a_group_that_goes_are_no_kills(void)
{
        static const char none[] = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n";
        static const char two[] = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";

        begin();
        tree_put(&lab_tree, "cgroup/memory" COUNTED "/memory.oom_control", none);
        start();
        check_int(kills_after(none), 0);
        check_int(kills_after("\n"), 0);
        check_int(kills_after(two), 2);
        end();
}

static void all(void)
{
        test(counters_are_shared_out);
        test(kernel_threads_are_taken_from_the_root);
        test(a_walk_finds_what_the_root_hides);
        test(shares_carry_over_and_are_settled);
        test(the_dead_are_charged_once);
        test(the_roots_debt_is_what_it_was_given);
        test(a_root_without_a_counter_owes_nothing);
        test(without_groups_processes_are_summed_up);
        test(a_path_used_again_keeps_its_account);
        test(who_moves_in_brings_no_past);
        test(shares_grow_no_older_than_a_minute);
        test(little_is_looked_for_after_minutes);
        test(without_the_iterator_the_cost_decides);
        test(counters_of_a_group_that_goes_are_no_kills);
}

int main(void)
{
        return tap_main(all);
}
