/* Births compared with the kernel's count of forks: what two looks miss is walked for, once, rarely, and
 * without a word of a gap; what no walk explains (workers of io_uring, of vhost) is not walked for again.
 */
#include "guard_lab.h"

static uint64_t forks, now;

/* A second as the guard's tick has it: the kernel's count, the events, the comparison. */
static void second_of(uint64_t kernel, uint64_t told)
{
        now += S;
        forks += kernel;
        lab_stat(0, forks);
        guard_sample_host(g, now);
        for (uint64_t i = 0; i < told; i++)
                guard_count_birth(g, 50 * S);
        guard_drain(g, now);
        guard_look_for_unseen(g, now);
}

static void begin(void)
{
        tree_init(&lab_tree);
        forks = 4000;
        now = 100 * S;
        lab_stat(0, forks);
        lab_begin(now);
        g->bpf_since_ns = 10 * S;
        host_sampler_init(&g->host, g->proc_fd, &b->host);
        second_of(0, 0);
}

static void end(void)
{
        check_int(lab_told[EVENT_GAP], 0);
        check_int(b->self.events_lost, 0);
        check(!g->scan_wanted);
        host_sampler_done(&g->host);
        lab_end();
}

/* A process that BPF doesn't tell of; start_ns as the kernel has it. */
static void unseen(int32_t pid, uint64_t start_ns)
{
        lab_put_process(pid, start_ns, 0);
        lab_put_task(pid, start_ns, 0);
}

static void who_is_told_is_not_looked_for(void)
{
        begin();
        for (int i = 0; i < 30; i++)
                second_of(20, 20);
        check_int(lab_walks, 0);
        check_int(g->births, 600);
        end();
}

/* The manager forks, and then its child goes to the group of its unit: a scan may come in between. */
static void one_that_a_scan_met_on_its_way_is_placed_again(void)
{
        begin();
        b->sources.scan = true;
        g->ticks = 1;
        tree_put(&lab_tree, "proc/500/cgroup", "0::/init.scope\n");
        lab_put_process(500, 90 * S, 0);
        guard_scan(g, now);
        uint32_t i = world_find(&g->world, 500);
        check(i);
        check_str(b->service[b->process[i].service].name, "init.scope");
        tree_put(&lab_tree, "proc/500/cgroup", "0::/system.slice/demo.service\n");
        guard_settle(g, clock_boot_ns() + S); /* scans have the real clock */
        check_str(b->service[b->process[i].service].name, "demo.service");
        end();
}

static void a_moments_difference_is_none(void)
{
        begin();
        for (int i = 0; i < 20; i++) {
                second_of(5, 0); /* their events come a second late */
                second_of(0, 5);
        }
        for (int i = 0; i < 20; i++) {
                second_of(0, 3); /* or early, a birth's time being told in steps of 10 ms */
                second_of(3, 0);
        }
        check_int(lab_walks, 0);
        end();
}

static void what_two_looks_miss_is_found(void)
{
        begin();
        unseen(77, 60 * S);
        second_of(4, 3);
        check_int(lab_walks, 0);
        check_int(world_find(&g->world, 77), 0);
        second_of(2, 2);
        check_int(lab_walks, 1);
        uint32_t i = world_find(&g->world, 77);
        check(i > 0);
        check_int(b->process[i].state, PROCESS_ALIVE);
        check_str(b->process[i].comm, "worker");
        check_int(g->births, 6);
        for (int k = 0; k < 10; k++)
                second_of(2, 2);
        check_int(lab_walks, 1);
        end();
}

static void event(enum life_type type, int32_t pid, int32_t ppid, uint64_t start_ns)
{
        lab_life[lab_lives++] = (struct life_event){
                .type = type, .pid = pid, .tid = pid, .ppid = ppid, .start_ns = start_ns, .time_ns = now};
}

/* Of a child of PID 1 no birth is told; its exec counts as one, once, and its own children's are births. */
static void a_child_of_pid_1_tells_of_itself(void)
{
        begin();
        event(LIFE_EXEC, 90, 1, 60 * S);
        event(LIFE_EXEC, 90, 1, 60 * S);
        event(LIFE_FORK, 91, 90, 61 * S);
        event(LIFE_THREAD, 91, 90, 61 * S);
        second_of(3, 0);
        check_int(g->births, 3);
        uint32_t i = world_find(&g->world, 91);
        check(i > 0 && b->process[i].parent == world_find(&g->world, 90));
        for (int k = 0; k < 5; k++)
                second_of(0, 0);
        check_int(lab_walks, 0);
        end();
}

/* A child of PID 1 that only forks is met as the parent of its child. */
static void a_silent_parent_is_met_by_its_child(void)
{
        begin();
        lab_put_process(92, 60 * S, 0);
        event(LIFE_FORK, 93, 92, 61 * S);
        second_of(2, 0);
        check_int(g->births, 2);
        check(world_find(&g->world, 92) > 0);
        for (int k = 0; k < 5; k++)
                second_of(0, 0);
        check_int(lab_walks, 0);
        end();
}

/* The walk was faster than the news: the birth isn't counted again. */
static void a_birth_told_after_the_walk_counts_once(void)
{
        begin();
        unseen(94, 60 * S);
        second_of(1, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        event(LIFE_FORK, 94, 1, 60 * S + MS);
        second_of(0, 0);
        check_int(g->births, 1);
        end();
}

/* Threads of the kernel's that no event tells of, and lives that ended before the walk. */
static void what_no_walk_explains_is_let_be(void)
{
        begin();
        second_of(3, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        for (int i = 0; i < 20; i++)
                second_of(4, 4);
        check_int(lab_walks, 1);
        second_of(1, 0); /* one more, and this one is a process */
        unseen(78, 70 * S);
        second_of(0, 0);
        check_int(lab_walks, 2);
        check(world_find(&g->world, 78) > 0);
        for (int i = 0; i < 20; i++)
                second_of(4, 4);
        check_int(lab_walks, 2);
        end();
}

static void the_younger_than_the_count_belong_to_the_next(void)
{
        begin();
        for (int i = 0; i < 10; i++) {
                second_of(i > 0, 0);
                guard_count_birth(g, clock_boot_ns() + S); /* told now, counted by the kernel later */
        }
        check_int(lab_walks, 0);
        check_int(g->births + g->births_late, 10);
        end();
}

/* A walk meets one that the count holds and one that it doesn't yet: neither makes the next look wrong. */
static void a_walk_meets_younger_ones_too(void)
{
        begin();
        unseen(77, 60 * S);
        unseen(79, clock_boot_ns() + 3600 * S);
        second_of(1, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        check(world_find(&g->world, 77) > 0 && world_find(&g->world, 79) > 0);
        second_of(1, 0);
        for (int i = 0; i < 10; i++)
                second_of(0, 0);
        check_int(lab_walks, 1);
        check_int(g->births, 2);
        end();
}

static void older_ones_are_no_births(void)
{
        begin();
        unseen(80, 5 * S); /* born before BPF watched: the walk meets it, the count never held it */
        second_of(1, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        check(world_find(&g->world, 80) > 0);
        check_int(g->births, 0);
        end();
}

/* One counted twice must not hide one unseen later. */
static void too_many_births_hide_nobody(void)
{
        begin();
        second_of(1, 3);
        second_of(0, 0);
        second_of(0, 0);
        check_int(lab_walks, 0);
        unseen(81, 60 * S);
        second_of(1, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        check(world_find(&g->world, 81) > 0);
        end();
}

static void walks_are_rare(void)
{
        begin();
        lab_walk_burns_ns = 10 * MS; /* 50 s at the share that walks may use */
        for (int i = 0; i < 49; i++)
                second_of(1, 0);
        check_int(lab_walks, 1);
        lab_walk_burns_ns = 0;
        for (int i = 0; i < 600 && lab_walks < 2; i++)
                second_of(1, 0);
        check_int(lab_walks, 2);
        end();
}

static void after_a_loss_counting_begins_anew(void)
{
        begin();
        second_of(2, 2);
        guard_events_lost(g, "bpf", 500, now);
        check(g->scan_wanted);
        check_int(lab_told[EVENT_GAP], 1);
        second_of(500, 0); /* the scan finds what is left of these */
        second_of(1, 1);
        second_of(1, 1);
        check_int(lab_walks, 0);
        unseen(82, 60 * S);
        second_of(1, 0);
        second_of(0, 0);
        check_int(lab_walks, 1);
        check(world_find(&g->world, 82) > 0);
        lab_told[EVENT_GAP] = b->self.events_lost = 0;
        g->scan_wanted = false;
        end();
}

static void without_the_means_nothing_is_looked_for(void)
{
        begin();
        b->sources.bpf_iterator = false;
        for (int i = 0; i < 5; i++)
                second_of(1, 0);
        b->sources.bpf_iterator = true;
        tree_put(&lab_tree, "proc/stat", "cpu  0 0 0 0\n"); /* no word of forks */
        for (int i = 0; i < 5; i++) {
                now += S;
                guard_sample_host(g, now);
                check_int(b->host.forks, (long long)BOARD_UNKNOWN);
                guard_look_for_unseen(g, now);
        }
        g->bpf = NULL;
        for (int i = 0; i < 5; i++)
                second_of(1, 0);
        check_int(lab_walks, 0);
        end();
}

static void all(void)
{
        test(who_is_told_is_not_looked_for);
        test(one_that_a_scan_met_on_its_way_is_placed_again);
        test(a_moments_difference_is_none);
        test(what_two_looks_miss_is_found);
        test(a_child_of_pid_1_tells_of_itself);
        test(a_silent_parent_is_met_by_its_child);
        test(a_birth_told_after_the_walk_counts_once);
        test(what_no_walk_explains_is_let_be);
        test(the_younger_than_the_count_belong_to_the_next);
        test(a_walk_meets_younger_ones_too);
        test(older_ones_are_no_births);
        test(too_many_births_hide_nobody);
        test(walks_are_rare);
        test(after_a_loss_counting_begins_anew);
        test(without_the_means_nothing_is_looked_for);
}

int main(void)
{
        return tap_main(all);
}
