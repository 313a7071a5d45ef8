/* The guard's frame: start-up in the order that loses nothing (subscribe, then scan), the loop, the
 * second's tick, reload and stop.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "model/names.h"
#include "source/proc/process.h"
#include "wire/board_map.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void emit(void *ctx, const struct event *e)
{
        struct guard *g = ctx;

        ring_append(g->ring, e);
}

static void process_entered(void *ctx, uint32_t i)
{
        struct guard *g = ctx;
        struct proc_status status;

        if (proc_read_status(g->proc_fd, g->board->process[i].pid, &status) == 0 && status.ns_depth > 1)
                world_entered(&g->world, i, status.ns_pid == 1);
}

static void zombie_announced(void *ctx, uint32_t i)
{
        guard_announced(ctx, i);
}

static void group_emptied(void *ctx, uint32_t k)
{
        guard_group_emptied(ctx, k);
}

static void service_moved(void *ctx, uint16_t from, uint16_t to)
{
        guard_service_moved(ctx, from, to);
}

static void process_orphaned(void *ctx, int32_t pid, uint32_t zombies)
{
        guard_orphaned(ctx, pid, zombies);
}

static void process_buried(void *ctx, uint32_t i)
{
        guard_unwatch(ctx, i);
}

static void process_died(void *ctx, uint32_t i)
{
        guard_uncounted_died(ctx, i);
}

/* ---- ticks ---- */

/* The supervisor writes the pids of its children on the board, again whenever it starts one. */
static void learn_family(struct guard *g)
{
        struct self_stats *s = &g->board->self;

        s->supervisor_pid = g->board->family_pid[0];
        s->guard_pid = getpid();
        s->engine_pid = g->board->family_pid[2];
        s->recorder_pid = g->board->family_pid[3];
        s->courier_pid = g->board->family_pid[4];
        s->rescue_pid = g->board->family_pid[7];
        s->rescue_real_time =
                s->rescue_pid && sched_getscheduler(s->rescue_pid) == (SCHED_FIFO | SCHED_RESET_ON_FORK);
        for (size_t k = 0; k < ARRAY_SIZE(g->world.self_pid); k++) {
                int32_t pid = k == 1 ? s->guard_pid : g->board->family_pid[k];
                if (g->world.self_pid[k] == pid)
                        continue;
                g->world.self_pid[k] = pid;
                uint32_t i = world_find(&g->world, pid);
                if (i) {
                        g->board->process[i].flags |= PROCESS_F_SELF;
                        world_set_service(&g->world, i, g->world.self_service);
                }
        }
}

static void tell_lateness(struct guard *g)
{
        struct self_stats *s = &g->board->self;

        _Static_assert(sizeof s->wake_delay_bucket == sizeof g->loop.late.bucket, "the same bounds");
        memcpy(s->wake_delay_bucket, g->loop.late.bucket, sizeof s->wake_delay_bucket);
        s->wake_delay_ns_sum = g->loop.late.sum_ns;
        s->wake_delay_ns_max = g->loop.late.max_ns;
}

static void tick(void *ctx, uint64_t now_ns)
{
        struct guard *g = ctx;

        board_write_begin(g->board);
        learn_family(g);
        tell_lateness(g);
        guard_reserve_again(g, now_ns);
        guard_sample_host(g, now_ns); /* its count of forks first: every one of them is then in the ring */
        guard_drain(g, now_ns);
        guard_look_for_unseen(g, now_ns);
        if (g->scan_wanted || (g->board->sources.scan && now_ns >= g->scan_due_ns)) {
                guard_scan(g, now_ns);
                g->scan_due_ns = now_ns + (uint64_t)(g->config.sources.scan_interval * 1e9);
        }
        guard_lifecycle_tick(g, now_ns);
        guard_sample_tick(g, now_ns);
        world_recount(&g->world, now_ns);
        world_deaths_flush(&g->world);
        guard_blackbox_tick(g);
        detect_all(&g->detect, g->board, &g->config.detect, now_ns, emit, g);
        guard_blackbox_findings(g, now_ns);
        guard_ladder_tick(g, now_ns);
        guard_act_tick(g, now_ns);
        board_write_end(g->board, clock_boot_ns());
        loop_arm(&g->loop, &g->tick_timer, now_ns + NSEC_PER_SEC);
}

/* ---- signals and the supervisor ---- */

static void reload(struct guard *g)
{
        struct config c;

        if (pread(g->config_fd, &c, sizeof c, 0) != sizeof c)
                return;
        g->config.detect = c.detect;
        g->config.mode = c.mode;
        g->config.actions = c.actions;
        memcpy(g->config.act_only_in, c.act_only_in, sizeof c.act_only_in);
        g->config.act_only_in_count = c.act_only_in_count;
        g->config.ladder = c.ladder;
        guard_ladder_configure(g);
        g->board->grace_ns = (uint64_t)(c.grace * 1e9);
        world_event(&g->world, EVENT_CONFIG, 0, NULL, clock_boot_ns(), 0, "configuration reloaded");
}

static void signalled(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        for (int s; (s = signals_next(&g->signal_watch));) {
                if (s == SIGHUP)
                        reload(g);
                else if (s == SIGTERM)
                        g->loop.stop = true;
        }
}

static void supervisor_gone(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        g->loop.stop = true;
}

/* ---- start ---- */

/* Without it the kernel shows exit codes of 0 and no programs of others' processes. A container's root has
 * not got it unless it was given. */
static bool may_see_everybody(void)
{
        return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_PTRACE);
}

static void look_around(struct guard *g)
{
        struct sources *s = &g->board->sources;

        s->root = may_see_everybody();
        s->cgroup_version = g->layout.version;
        s->host_cgroups = g->layout.version != 0;
        s->host_pids = proc_has_host_pids(g->proc_fd) != 0;
}

static int start(struct guard *g, const struct guard_fds *fd)
{
        uint64_t now_ns = clock_boot_ns();
        int r;

        g->proc_fd = file_open_root(g->config.proc_root);
        if (g->proc_fd < 0) {
                log_error("cannot open %s: %s", g->config.proc_root, strerror(-g->proc_fd));
                return g->proc_fd;
        }
        r = loop_init(&g->loop);
        if (r < 0)
                return r;
        cgroup_init(&g->layout, g->config.cgroup_root); /* none: said by status */
        board_write_begin(g->board);
        world_init(&g->world, g->board, emit, g, now_ns, g->config.grace);
        g->world.entered = process_entered;
        g->world.announced = zombie_announced;
        g->world.emptied = group_emptied;
        g->world.moved = service_moved;
        g->world.died = process_died;
        g->world.buried = process_buried;
        g->world.orphaned = process_orphaned;
        look_around(g);
        learn_family(g);
        r = signals_watch(&g->loop, &g->signal_watch, signalled, g);
        if (!r)
                r = guard_engine_start(g, fd->engine);
        if (!r)
                r = guard_lifecycle_start(g);
        if (r < 0)
                return r;
        guard_scan(g, now_ns);
        guard_sample_start(g);
        guard_blackbox_start(g, fd->blackbox, fd->receipts);
        guard_act_start(g, fd->journal, fd->bury, now_ns);
        guard_ladder_start(g);
        board_write_end(g->board, clock_boot_ns());
        g->tick_timer = (struct loop_timer){.fire = tick, .ctx = g};
        loop_arm(&g->loop, &g->tick_timer, clock_boot_ns() + NSEC_PER_SEC);
        return 0;
}

int guard_main(const struct config *c, const struct guard_fds *fd)
{
        static const char *const layouts[] = {"none", "v1", "v2", "hybrid"};
        /* Far too big for a stack, and mostly never touched. */
        struct guard *g = mmap(
                NULL, sizeof *g, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        int r;

        if (g == MAP_FAILED)
                return EXIT_FAILURE;
        g->config = *c;
        g->config_fd = fd->config;
        r = board_map(fd->board, true, &g->board);
        if (!r)
                r = ring_map(fd->ring, true, &g->ring);
        if (r < 0) {
                log_error("cannot map the board: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        r = start(g, fd);
        if (r < 0) {
                log_error("cannot start: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        r = guard_requests_start(g, (const int[]){fd->requests, fd->rescue}, 2);
        if (r < 0)
                log_error("nobody can ask for actions: %s", strerror(-r));
        g->alive_watch = (struct loop_fd){.fd = fd->alive, .ready = supervisor_gone, .ctx = g};
        loop_add(&g->loop, &g->alive_watch, EPOLLIN);
        guard_reserve(g);
        guard_blackbox_rehearse(g);
        log_info("watching by %s, cgroup %s, %u processes, %u zombies", lifecycle_name(&g->board->sources),
                layouts[MIN(g->layout.version, 3)], g->board->process_top - 1, g->board->zombies);
        r = loop_run(&g->loop);
        guard_act_stop(g);
        guard_blackbox_stop(g);
        world_deaths_flush(&g->world); /* of the second that was running */
        guard_sample_stop(g);
        guard_lifecycle_stop(g);
        cgroup_done(&g->layout);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
