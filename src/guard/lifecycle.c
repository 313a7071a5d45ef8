/* Lives and deaths as the kernel tells them, by BPF or else by the proc connector, drained in batches. Every
 * death is then looked at through a pidfd, which tells the buried, the zombie and the leader with living
 * threads apart and later reports the burial by itself.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/proc/process.h"
#include "wire/board_map.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
        DRAIN_MAX = 1 << 17, /* events per drain: the guard may run real-time and must end */
        ZOMBIE_READS = 512,
        POLL_PER_TICK = 4000, /* zombies without a pidfd looked at per second, 0.7 us each... */
        POLL_TOLD = 500,      /* ...where BPF tells of burials but those in front of PID 1 */
};
/* BPF's word on a burial comes 14-18 ms after it, and hundreds of milliseconds when both the kernel's
 * own threads and we have to fight for the CPU. Waiting is cheap, unless it is for very many. */
#define EXPIRE_NS       NSEC_PER_SEC
#define EXPIRE_CROWD_NS (200 * NSEC_PER_MSEC)
enum { EXPIRE_CROWD = 1 << 14 };

/* So much later it is looked for: a wake-up for each burial would cost more than all else. */
#define CPU_AFTER_NS (100 * NSEC_PER_MSEC)

static int pidfd_open_pid(int32_t pid)
{
        return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* ---- pidfds ---- */

static void unwatch(struct guard *g, uint32_t i)
{
        if (!g->pidfd[i])
                return;
        close(g->pidfd[i] - 1);
        g->pidfd[i] = 0;
        g->pidfds--;
}

static bool keep_watching(struct guard *g, uint32_t i, int fd, uint32_t events)
{
        struct epoll_event e = {.events = events | EPOLLET, .data.u32 = i};

        if (g->pidfds >= g->pidfds_max || epoll_ctl(g->deaths_epoll, EPOLL_CTL_ADD, fd, &e) < 0)
                return false;
        g->pidfd[i] = fd + 1;
        g->pidfds++;
        return true;
}

void guard_unwatch(struct guard *g, uint32_t i)
{
        if (g->pidfd)
                unwatch(g, i);
}

/* Nothing is left of it. A status that was known before is not forgotten for want of a better one. */
static void gone(struct guard *g, uint32_t i, int32_t status, uint64_t time_ns, uint64_t now_ns)
{
        struct process *p = &g->board->process[i];

        if (status >= 0)
                p->exit_status = status;
        p->exit_ns = p->exit_ns ? p->exit_ns : time_ns;
        world_buried(&g->world, i, now_ns);
}

/* No descriptor left, a leader with living threads, an exec by a thread, or another process by now: rare
 * enough to ask /proc. True when it is a zombie. */
static bool is_dead_by_stat(struct guard *g, uint32_t i, uint64_t time_ns)
{
        const struct process *p = &g->board->process[i];
        struct proc_stat st;

        if (proc_read_stat(g->proc_fd, p->pid, &st) < 0 || (st.state != 'Z' && st.state != 'X'))
                return false;
        if (st.threads <= 1)
                return true;
        world_threads(&g->world, i, (int)st.threads - (int)p->threads);
        world_leader(&g->world, i, time_ns);
        return false;
}

bool guard_check_dead(struct guard *g, uint32_t i, int32_t status, uint64_t time_ns, uint64_t now_ns)
{
        struct process *p = &g->board->process[i];
        struct pollfd look = {.events = POLLIN};
        bool own = !g->pidfd[i];

        if (p->state == PROCESS_ZOMBIE && !own)
                return false; /* its own pidfd tells */
        look.fd = own ? pidfd_open_pid(p->pid) : g->pidfd[i] - 1;
        bool buried = look.fd < 0 && errno == ESRCH;
        if (look.fd >= 0)
                poll(&look, 1, 0);
        if (buried || look.revents & POLLHUP) {
                if (own && look.fd >= 0)
                        close(look.fd);
                gone(g, i, status, time_ns, now_ns);
                return true;
        }
        bool dead = look.revents & POLLIN || is_dead_by_stat(g, i, time_ns);
        bool changed = dead || p->state == PROCESS_LEADER;
        if (dead)
                world_zombie(&g->world, i, time_ns, status, now_ns);
        if (own && look.fd >= 0 &&
                (!changed || !keep_watching(g, i, look.fd, dead ? EPOLLHUP : EPOLLIN | EPOLLHUP)))
                close(look.fd);
        return changed;
}

/* ---- events ---- */

/* What BPF says of it beside its birth; the connector says none of this. True when its group is known by it.
 */
static bool describe(struct guard *g, uint32_t i, const struct life_event *e)
{
        struct process *p = &g->board->process[i];

        if (e->sid > 0)
                p->sid = e->sid;
        if (e->comm[0])
                world_set_comm(&g->world, i, e->comm);
        return guard_place_by_id(g, i, e->cgroup_id);
}

static uint32_t born(struct guard *g, const struct life_event *e)
{
        /* a parent that PID 1 gave birth to while BPF wasn't looking */
        if (g->bpf && e->ppid > 0 && !world_find(&g->world, e->ppid))
                guard_look_at(g, e->ppid);
        uint32_t i = world_born(&g->world, e->pid, e->ppid, e->start_ns, e->time_ns);
        if (!i)
                return 0;
        guard_want_settle(g, i, e->time_ns);
        /* Its parent may be on its way into a container in this very batch: then what it inherited is
         * as doubtful as its parent's place is. */
        uint32_t parent = g->board->process[i].parent;
        if (!describe(g, i, e) && (!parent || g->board->process[parent].flags & PROCESS_F_RESOLVE))
                guard_want_resolve(g, i);
        return i;
}

/* /proc counts births in ticks of 10 ms, and the connector's stamp is a little late. */
static bool is_birth_of(const struct process *p, const struct life_event *e)
{
        return MAX(p->start_ns, e->start_ns) - MIN(p->start_ns, e->start_ns) < 30 * NSEC_PER_MSEC;
}

static void on_fork(struct guard *g, const struct life_event *e)
{
        uint32_t i = world_find(&g->world, e->pid);

        if (i) {
                const struct process *p = &g->board->process[i];
                if (is_birth_of(p, e) && p->state == PROCESS_ALIVE) {
                        world_adopt(&g->world, i, e->ppid); /* a scan saw it first */
                        return;
                }
                unwatch(g, i);
        }
        guard_count_birth(g, e->start_ns);
        born(g, e);
}

/* The process that BPF speaks of; maybe one that is buried already. One whose birth BPF wasn't shown is met
 * here; 0 for one that is gone, its pid another's. */
static uint32_t find_or_meet(struct guard *g, const struct life_event *e)
{
        uint32_t i = world_find(&g->world, e->pid);

        if (i && is_birth_of(&g->board->process[i], e))
                return i;
        if (i && g->board->process[i].start_ns > e->start_ns)
                return 0;
        /* Only now: a pid may come back within the tolerance of a birth. */
        i = i ? 0 : world_find_birth(&g->world, e->pid, e->start_ns);
        if (i)
                return i;
        guard_met(g, e->start_ns);
        return born(g, e);
}

static void on_exec(struct guard *g, const struct life_event *e)
{
        uint32_t i = g->bpf ? find_or_meet(g, e) : world_find(&g->world, e->pid);

        if (!i)
                return;
        if (g->board->process[i].state == PROCESS_LEADER)
                unwatch(g, i); /* a thread's exec: it took the dead leader's place */
        world_exec(&g->world, i, e->time_ns);
        if (e->command || e->exe)
                world_set_command(&g->world, i, e->command, e->exe);
        if (g->board->process[i].state == PROCESS_BURIED)
                return;
        if (!describe(g, i, e) || !g->board->process[i].command)
                guard_want_resolve(g, i);
}

static void on_death(struct guard *g, const struct life_event *e)
{
        uint32_t i = g->bpf && (e->tid == e->pid || e->others == LIFE_OTHERS_NONE)
                             ? find_or_meet(g, e)
                             : world_find(&g->world, e->pid);

        if (!i)
                return; /* its birth was lost; the scan that follows a loss finds what is left of it */
        struct process *p = &g->board->process[i];
        if (e->tid == e->pid && e->comm[0])
                world_set_comm(&g->world, i, e->comm);
        if (e->tid != e->pid) {
                world_threads(&g->world, i, -1);
                if (p->state != PROCESS_LEADER && e->others != LIFE_OTHERS_NONE)
                        return; /* a thread of a living process */
        }
        if (e->ppid > 0 && p->ppid != e->ppid)
                world_reparent(&g->world, i, e->ppid);
        if (g->candidates == GUARD_CANDIDATES)
                guard_check_dead(g, i, e->exit_status, e->time_ns, e->time_ns);
        else
                g->candidate[g->candidates++] = (__typeof__(g->candidate[0])){.process = i,
                        .pid = e->pid,
                        .tid = e->tid,
                        .status = e->exit_status,
                        .time_ns = e->time_ns};
}

static void apply(void *ctx, const struct life_event *e)
{
        struct guard *g = ctx;
        uint32_t i;

        g->board->self.events++;
        switch (e->type) {
        case LIFE_FORK:
                on_fork(g, e);
                break;
        case LIFE_THREAD:
                guard_count_birth(g, e->time_ns);
                i = world_find(&g->world, e->pid);
                if (i)
                        world_threads(&g->world, i, 1);
                break;
        case LIFE_EXEC:
                on_exec(g, e);
                break;
        case LIFE_SESSION:
                i = world_find(&g->world, e->pid);
                if (i)
                        g->board->process[i].sid = e->pid;
                break;
        case LIFE_COMM:
                i = world_find(&g->world, e->pid);
                if (i)
                        world_set_comm(&g->world, i, e->comm);
                break;
        case LIFE_EXIT:
                on_death(g, e);
                break;
        case LIFE_FREE:
                i = world_find_birth(&g->world, e->pid, e->start_ns);
                if (i)
                        unwatch(g, i);
                world_freed(&g->world, e, e->time_ns);
                break;
        case LIFE_CGROUP:
                i = world_find(&g->world, e->pid);
                if (i && !guard_place_by_id(g, i, e->cgroup_id))
                        guard_want_resolve(g, i);
                break;
        }
}

void guard_events_lost(struct guard *g, const char *source, uint64_t missed, uint64_t now_ns)
{
        g->board->self.events_lost += missed;
        g->scan_wanted = true;
        g->unseen_begun = false; /* births may be among them */
        world_gap(&g->world, source, g->last_drain_ns, now_ns, missed,
                "events lost; the processes were scanned again");
}

/* BPF tells of a death before the process is a zombie: it gives back its memory first, 82 us a MB. Not so the
 * process that lives on by the exec of a thread. */
static bool is_dying(const struct guard *g, uint32_t i)
{
        struct proc_stat st;

        return g->board->process[i].state == PROCESS_ALIVE &&
               proc_read_stat(g->proc_fd, g->board->process[i].pid, &st) == 0 && st.flags & PROC_FLAG_EXITING;
}

/* A thread other than the leader that is still there: if it is the last one, the leader is no zombie yet. */
static bool is_thread_there(const struct guard *g, int32_t pid, int32_t tid)
{
        char path[48];

        snprintf(path, sizeof path, "%d/task/%d", pid, tid);
        return tid != pid && faccessat(g->proc_fd, path, F_OK, 0) == 0;
}

/* True when the candidate has to be looked at again. */
static bool check_candidate(struct guard *g, uint32_t k, uint64_t now_ns)
{
        uint32_t i = g->candidate[k].process;
        const struct process *p = &g->board->process[i];
        /* Before the look: who is gone by then has told by it. A pidfd tells by itself. */
        bool there =
                p->state == PROCESS_LEADER && !g->pidfd[i] && is_thread_there(g, p->pid, g->candidate[k].tid);

        if (!guard_check_dead(g, i, g->candidate[k].status, g->candidate[k].time_ns, now_ns))
                return is_dying(g, i);
        return there && p->state == PROCESS_LEADER && !g->pidfd[i];
}

static void check_candidates(struct guard *g, uint64_t now_ns)
{
        uint32_t reads = 0, kept = 0;

        for (uint32_t k = 0; k < g->candidates; k++) {
                uint32_t i = g->candidate[k].process;
                uint8_t state = g->board->process[i].state;
                if ((state != PROCESS_ALIVE && state != PROCESS_LEADER) ||
                        g->board->process[i].pid != g->candidate[k].pid)
                        continue; /* seen twice in this batch, or buried in it and its entry another's */
                if (check_candidate(g, k, now_ns))
                        g->candidate[kept++] = g->candidate[k];
                if (g->board->process[i].state == PROCESS_ZOMBIE && reads++ < ZOMBIE_READS)
                        guard_read_zombie(g, i, false);
        }
        g->candidates = kept;
}

static uint64_t drain_interval(const struct guard *g)
{
        return (uint64_t)(g->config.sources.drain_interval * 1e9);
}

static void drain_within(struct guard *g, uint64_t ns)
{
        uint64_t due_ns = clock_boot_ns() + ns;

        if (!g->drain_timer.due_ns || g->drain_timer.due_ns > due_ns)
                loop_arm(&g->loop, &g->drain_timer, due_ns);
}

static void drain_bpf(struct guard *g, uint64_t now_ns)
{
        bpf_source_drain(g->bpf, DRAIN_MAX, apply, g);
        uint64_t lost = bpf_source_lost(g->bpf);
        if (lost != g->bpf_lost)
                guard_events_lost(g, "bpf", lost - g->bpf_lost, now_ns);
        g->bpf_lost = lost;
        /* What came meanwhile wakes nobody; a burial's CPU is in no hurry. */
        if (!bpf_source_sleep(g->bpf))
                drain_within(g, drain_interval(g));
        else if (g->world.awaiting)
                drain_within(g, CPU_AFTER_NS);
}

void guard_drain(struct guard *g, uint64_t now_ns)
{
        if (g->connector.fd >= 0) {
                connector_drain(&g->connector, DRAIN_MAX, apply, g);
                if (g->connector.overrun)
                        guard_events_lost(
                                g, "netlink", connector_take_drops(&g->connector, g->proc_fd), now_ns);
        }
        if (g->bpf)
                drain_bpf(g, now_ns);
        now_ns = clock_boot_ns(); /* what a candidate's state is compared with */
        check_candidates(g, now_ns);
        if (g->candidates)
                drain_within(g, drain_interval(g));
        guard_resolve_queue(g);
        world_expire(&g->world, now_ns, g->world.awaiting > EXPIRE_CROWD ? EXPIRE_CROWD_NS : EXPIRE_NS);
        g->board->self.drains++;
        g->last_drain_ns = now_ns;
}

/* ---- wake-ups ---- */

static void drain_fires(void *ctx, uint64_t now_ns)
{
        struct guard *g = ctx;

        board_write_begin(g->board);
        guard_drain(g, now_ns);
        if (g->scan_wanted)
                guard_scan(g, now_ns);
        guard_ladder_started(g, now_ns);
        board_write_end(g->board, clock_boot_ns());
        if (g->connector.fd >= 0)
                loop_modify(&g->loop, &g->connector_watch, EPOLLIN | EPOLLONESHOT);
}

/* The first event of a batch: let others gather before looking. */
static void connector_ready(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        drain_within(g, drain_interval(g));
}

/* The first event of a batch, too; or a quarter of the ring in less than a round, often ten thousand burials
 * that RCU held back: another round's waiting would lose some. */
static void bpf_ready(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        if (!bpf_source_is_filling(g->bpf)) {
                drain_within(g, drain_interval(g));
                return;
        }
        board_write_begin(g->board);
        guard_drain(g, clock_boot_ns());
        guard_ladder_started(g, clock_boot_ns());
        board_write_end(g->board, clock_boot_ns());
}

static void deaths_fire(void *ctx, uint64_t now_ns)
{
        struct guard *g = ctx;
        struct epoll_event e[256];
        int n;

        board_write_begin(g->board);
        while ((n = epoll_wait(g->deaths_epoll, e, ARRAY_SIZE(e), 0)) > 0)
                for (int k = 0; k < n; k++) {
                        uint32_t i = e[k].data.u32;
                        if (!g->pidfd[i])
                                continue;
                        if (e[k].events & EPOLLHUP) {
                                world_buried(&g->world, i, now_ns);
                        } else if (g->board->process[i].state == PROCESS_LEADER) {
                                world_zombie(&g->world, i, now_ns, -1, now_ns);
                                guard_read_zombie(g, i, false);
                        }
                }
        board_write_end(g->board, clock_boot_ns());
        loop_modify(&g->loop, &g->deaths_watch, EPOLLIN | EPOLLONESHOT);
}

static void deaths_ready(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        loop_arm(&g->loop, &g->deaths_timer, clock_boot_ns() + drain_interval(g));
}

/* ---- once a second ---- */

/* Those whose command line nobody could tell yet: a scan's thousands, or questions that did not fit. */
static void ask_rest(struct guard *g)
{
        struct board *b = g->board;
        uint32_t asked = 0;

        for (uint32_t k = 0; k < MIN(b->process_top, (uint32_t)GUARD_QUEUE) && asked < GUARD_ASKS; k++) {
                if (++g->ask_position >= b->process_top)
                        g->ask_position = 1;
                const struct process *p = &b->process[g->ask_position];
                if (p->state != PROCESS_ALIVE || p->command ||
                        p->flags & (PROCESS_F_KTHREAD | PROCESS_F_ASKED))
                        continue;
                if (!guard_ask_command(g, g->ask_position))
                        break;
                asked++;
        }
}

/* Zombies that no pidfd watches (too many, or a kernel without the hang-up): a rolling look. */
static void poll_unwatched(struct guard *g, uint64_t now_ns)
{
        struct board *b = g->board;
        uint32_t looked = 0, most = g->bpf ? POLL_TOLD : POLL_PER_TICK;

        if (g->pidfds == b->zombies + b->leaders && b->sources.pidfd_hup)
                return;
        if (!g->poll_position || b->process[g->poll_position].state != PROCESS_ZOMBIE)
                g->poll_position = b->ledger_head;
        while (g->poll_position && looked++ < most) {
                uint32_t i = g->poll_position;
                g->poll_position = b->process[i].list_next;
                if ((!g->pidfd[i] || !b->sources.pidfd_hup) && kill(b->process[i].pid, 0) < 0 &&
                        errno == ESRCH)
                        world_buried(&g->world, i, now_ns);
        }
}

void guard_lifecycle_tick(struct guard *g, uint64_t now_ns)
{
        guard_settle(g, now_ns);
        poll_unwatched(g, now_ns);
        ask_rest(g);
}

/* ---- start and stop ---- */

/* Does this kernel (6.9 and later) hang up a zombie's pidfd when it is reaped? */
static bool probe_hang_up(void)
{
        struct pollfd look = {.events = POLLIN};
        pid_t pid = fork();

        if (pid < 0)
                return false;
        if (!pid)
                _exit(0);
        look.fd = pidfd_open_pid(pid);
        if (look.fd >= 0)
                poll(&look, 1, 1000);
        waitpid(pid, NULL, 0);
        look.revents = 0;
        if (look.fd >= 0) {
                poll(&look, 1, 0);
                close(look.fd);
        }
        return look.revents & POLLHUP;
}

static void ignore_task(void *ctx, const struct bpf_task *t)
{
        /* only whether the iterator works is asked */
}

static void start_bpf(struct guard *g)
{
        struct sources *s = &g->board->sources;
        struct bpf_options o = {.cgroup_v1 = g->layout.version == 1 || g->layout.version == 3};
        struct error e = {0};

        if (!g->config.sources.bpf)
                text_set(s->why_not_bpf, sizeof s->why_not_bpf, "switched off in the configuration");
        else if (bpf_source_open(&o, &g->bpf, &e) < 0)
                text_set(s->why_not_bpf, sizeof s->why_not_bpf, e.text);
        if (g->bpf && !s->host_pids) {
                bpf_source_free(g->bpf);
                g->bpf = NULL;
                text_set(s->why_not_bpf, sizeof s->why_not_bpf,
                        "it tells the host's pids, and this is a pid namespace with others");
        }
        s->bpf = g->bpf != NULL;
        g->bpf_since_ns = clock_boot_ns();
        s->bpf_iterator = g->bpf && bpf_source_tasks(g->bpf, BPF_TASK_ZOMBIES, ignore_task, NULL) >= 0;
        g->world.exact_cpu = s->bpf;
}

/* Only where BPF can't be: two sources that tell the same cost the watched twice. */
static void start_connector(struct guard *g)
{
        struct sources *s = &g->board->sources;
        struct error e = {0};

        g->connector.fd = -1;
        if (!g->config.sources.netlink)
                text_set(s->why_not_netlink, sizeof s->why_not_netlink, "switched off in the configuration");
        else if (g->bpf)
                text_set(s->why_not_netlink, sizeof s->why_not_netlink, "not needed, BPF tells the same");
        else if (connector_open(&g->connector, &e) < 0)
                text_set(s->why_not_netlink, sizeof s->why_not_netlink, e.text);
        s->netlink = g->connector.fd >= 0;
}

int guard_lifecycle_start(struct guard *g)
{
        struct rlimit limit;
        int r;

        g->pidfd = mmap(NULL, BOARD_PROCESSES * sizeof *g->pidfd, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (g->pidfd == MAP_FAILED)
                return -errno;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
                uint64_t max = MIN(limit.rlim_cur, (rlim_t)BOARD_PROCESSES);
                g->pidfds_max = (uint32_t)(max > 2 * GUARD_FD_RESERVE ? max - GUARD_FD_RESERVE : max / 2);
        }
        g->board->sources.pidfd = g->config.sources.pidfd;
        if (!g->config.sources.pidfd)
                g->pidfds_max = 0;
        g->board->sources.pidfd_hup = g->config.sources.pidfd && probe_hang_up();
        start_bpf(g);
        start_connector(g);
        g->board->sources.scan = !g->board->sources.netlink && !g->board->sources.bpf;

        g->deaths_epoll = epoll_create1(EPOLL_CLOEXEC);
        if (g->deaths_epoll < 0)
                return -errno;
        g->deaths_watch = (struct loop_fd){.fd = g->deaths_epoll, .ready = deaths_ready, .ctx = g};
        r = loop_add(&g->loop, &g->deaths_watch, EPOLLIN | EPOLLONESHOT);
        if (r < 0)
                return r;
        g->deaths_timer = (struct loop_timer){.fire = deaths_fire, .ctx = g};
        g->drain_timer = (struct loop_timer){.fire = drain_fires, .ctx = g};
        g->connector_watch = (struct loop_fd){.fd = g->connector.fd, .ready = connector_ready, .ctx = g};
        g->bpf_watch = (struct loop_fd){.ready = bpf_ready, .ctx = g};
        if (g->bpf) {
                g->bpf_watch.fd = bpf_source_fd(g->bpf);
                r = loop_add(&g->loop, &g->bpf_watch, EPOLLIN | EPOLLET);
                if (r < 0)
                        return r;
        }
        if (g->connector.fd >= 0)
                return loop_add(&g->loop, &g->connector_watch, EPOLLIN | EPOLLONESHOT);
        return 0;
}

void guard_lifecycle_stop(struct guard *g)
{
        connector_close(&g->connector);
        bpf_source_free(g->bpf);
        g->bpf = NULL;
        for (uint32_t i = 0; i < g->board->process_top; i++)
                unwatch(g, i);
        close(g->deaths_epoll);
        munmap(g->pidfd, BOARD_PROCESSES * sizeof *g->pidfd);
}
