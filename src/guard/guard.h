/* The guard process: the one that sees. It drains the kernel's events in batches, keeps the world,
 * samples the host, runs the detectors, and writes the board and the ring. It never waits for disk,
 * network or another process, and after start-up it allocates nothing.
 */
#pragma once

#include "act/act.h"
#include "base/loop.h"
#include "config/config.h"
#include "detect/detect.h"
#include "guard/blackbox.h"
#include "guard/pace.h"
#include "ladder/ladder.h"
#include "model/request.h"
#include "source/bpf/bpf.h"
#include "source/cgroup/cgroup.h"
#include "source/netlink/connector.h"
#include "source/proc/host.h"
#include "source/proc/process.h"
#include "wire/ring.h"
#include "world/world.h"

enum {
        GUARD_QUEUE = 4096, /* births and execs to look at again; the oldest give way */
        GUARD_CANDIDATES = 1 << 16,
        GUARD_STUCK = 256,       /* tasks in D whose time is taken */
        GUARD_ASKS = 64,         /* command lines asked for per second of those that a scan found */
        GUARD_ASKERS = 2,        /* the recorder and the rescue console */
        GUARD_FD_RESERVE = 1024, /* descriptors kept for everything but pidfds */
};

struct guard_group {
        struct cgroup_watch watch;
        bool open, sampled, no_cpu;
        uint64_t last_cpu_ns, delta_ns; /* delta: used since the last account */
        /* without a counter: what its processes used since the last walk; what it was given on account; its
         * part of what the root hides, and what that is of the last interval */
        uint64_t charged_ns, given_ns, rate_ns;
        double hidden_share;
        uint64_t last_throttled_ns, last_throttled_periods, last_periods, last_oom_kills;
};

struct guard_slope {
        uint64_t last_bytes;
        double smooth;
        uint32_t samples;
};

struct guard {
        struct config config;
        int config_fd;
        struct loop loop;
        struct board *board;
        struct ring *ring;
        struct world world;
        int proc_fd;

        /* lifecycle.c */
        struct connector connector;
        struct bpf_source *bpf;
        struct loop_fd connector_watch, deaths_watch, bpf_watch;
        struct loop_timer drain_timer, deaths_timer;
        int deaths_epoll; /* pidfds of zombies and leaders, nested in the loop */
        int32_t *pidfd;   /* by process index; 0 = none, else descriptor + 1 */
        uint32_t pidfds, pidfds_max;
        uint64_t last_drain_ns;
        uint32_t candidates;
        struct {
                uint32_t process;
                int32_t pid, tid, status;
                uint64_t time_ns;
        } candidate[GUARD_CANDIDATES];
        uint32_t resolve_count, resolve[GUARD_QUEUE];
        uint32_t settle_head, settle_tail;
        struct {
                uint32_t process;
                int32_t pid;
                uint64_t born_ns;
        } settle[GUARD_QUEUE];
        uint32_t poll_position;
        uint64_t bpf_lost;

        /* zombie.c: those announced in this tick */
        struct {
                uint64_t tick;
                uint32_t announced;
                int32_t holder; /* read last */
                bool walked;
        } crowd;

        /* place.c */
        bool no_paths_of_ids;

        /* unseen.c */
        uint64_t births, births_late, host_read_ns, bpf_since_ns;
        struct pace unseen_pace;
        int64_t unseen_before, unseen_explained;
        bool unseen_begun;

        /* scan.c */
        uint64_t scan_due_ns, audit_due_ns;
        uint64_t audit_right_ns;  /* when the ledger was last known to be right; 0: not yet */
        int64_t audit_difference; /* of the counts, when the ledger was last compared one by one */
        int64_t audit_seen;       /* without BPF: at the last look */
        uint32_t audit_differs;   /* looks in a row at which the counts differed */
        struct pace audit_pace;
        bool scan_wanted;

        /* sample.c */
        struct cgroup_layout layout;
        struct host_sampler host;
        struct guard_group group[WORLD_CGROUPS];
        struct loop_timer tick_timer;
        uint64_t oom_kills_before;
        struct pace active_pace;
        uint64_t ticks, last_sample_ns, last_load_ns, active_every_ns, disks_due_ns, self_due_ns;
        struct pace kernel_pace;
        double root_rate, kernel_rate;            /* cores, when kernel threads were read last */
        uint64_t kernel_read_ns, kernel_given_ns; /* when; given on account since */
        /* by the root group, not known to be others'; given to it, found to be others', not taken back yet */
        uint64_t root_counted_ns, root_debt_ns;
        uint64_t kernel_cpu_ns, host_irq_ns, host_tasks_ns, last_host_busy_ns, self_cpu_ns;
        double load_sum[BOARD_SERVICES], load_sum5[BOARD_SERVICES];
        double load_before, load_before5; /* of the average when we began to look */
        uint64_t last_forks[BOARD_SERVICES];
        struct guard_slope slope[BOARD_SERVICES];
        struct {
                int32_t tid;
                uint64_t switches, since_ns, seen_ns;
        } stuck[GUARD_STUCK];
        struct loop_fd psi_watch[3];

        /* uncounted.c */
        bool uncounted_begun;
        struct pace uncounted_pace;
        uint64_t hidden_ns; /* in the root group since the last walk */
        struct {
                uint64_t start_ns, cpu_ns; /* whose, and how much of it has been charged */
        } uncounted[BOARD_PROCESSES];

        /* engine_link.c */
        struct loop_fd engine_watch;
        uint32_t ask_position;

        /* requests.c */
        struct guard_requests {
                struct loop_fd watch;
                struct guard *guard;
        } requests[GUARD_ASKERS];

        /* act.c */
        bool can_act;
        struct actor actor;
        struct loop_timer act_timer;
        struct loop_fd bury_watch; /* results of the process that buries */

        /* ladder.c */
        struct ladder ladder;
        bool container_started; /* since the ladder looked last */

        struct guard_blackbox blackbox;

        struct loop_fd signal_watch, alive_watch;
        uint64_t demoted_ns; /* reserve.c */
        struct detect_state detect;
};

struct guard_fds {
        int config, board, ring;
        int engine;             /* the link to the engine process */
        int requests;           /* what the recorder asks for: model/request.h */
        int bury;               /* to the process that buries: act/bury_child.h */
        int journal;            /* of actions: act/journal.h */
        int rescue;             /* and the rescue console */
        int blackbox, receipts; /* model/blackbox.h */
        int alive;              /* ends when the supervisor is gone */
};

/* Runs until SIGTERM or until fd->alive ends. Returns the exit code. */
int guard_main(const struct config *c, const struct guard_fds *fd);

/* ---- reserve.c ---- */
/* Takes what keeps the guard awake and alive while the host starves, and says on the board what it got. */
void guard_reserve(struct guard *g);
/* Once a second: takes back a real-time share that it had to give up. */
void guard_reserve_again(struct guard *g, uint64_t now_ns);

/* ---- lifecycle.c ---- */
int guard_lifecycle_start(struct guard *g);
void guard_lifecycle_stop(struct guard *g);
/* Takes in everything the kernel has to say now. The caller holds the board for writing. */
void guard_drain(struct guard *g, uint64_t now_ns);
/* Looks at a process that may be dead: buried, zombie, leader, or none of these. True when it changed. */
bool guard_check_dead(struct guard *g, uint32_t process, int32_t status, uint64_t time_ns, uint64_t now_ns);
/* Once a second: aged births, zombies without a pidfd. */
void guard_lifecycle_tick(struct guard *g, uint64_t now_ns);
/* Nothing is left of it: lets go of its pidfd. */
void guard_unwatch(struct guard *g, uint32_t process);
void guard_events_lost(struct guard *g, const char *source, uint64_t missed, uint64_t now_ns);

/* ---- zombie.c ---- */
/* What /proc says of a zombie: parent, session, CPU, name; thoroughly: tracer and what its holder waits for.
 */
void guard_read_zombie(struct guard *g, uint32_t process, bool thoroughly);
/* It outlived the grace period: reads it thoroughly, once for all where a crowd does. */
void guard_announced(struct guard *g, uint32_t process);
/* The status that /proc tells, -1 where it tells none to us. */
int32_t guard_exit_code(const struct guard *g, const struct proc_stat *st);
/* A process died that held dead ones: reads who holds them now. */
void guard_orphaned(struct guard *g, int32_t pid, uint32_t orphans);

/* ---- place.c ---- */
/* Reads the cgroup of a living process and moves it there. */
void guard_resolve(struct guard *g, uint32_t process);
/* Puts it where the kernel's id of a group says; false when that alone doesn't tell. */
bool guard_place_by_id(struct guard *g, uint32_t process, uint64_t cgroup_id);
/* To be resolved at the end of the batch, if it still lives then. */
void guard_want_resolve(struct guard *g, uint32_t process);
void guard_resolve_queue(struct guard *g);
/* A birth: where it lives is read again after a second. */
void guard_want_settle(struct guard *g, uint32_t process, uint64_t now_ns);
void guard_settle(struct guard *g, uint64_t now_ns);

/* ---- unseen.c ---- */
/* A birth was told, a thread's too. */
void guard_count_birth(struct guard *g, uint64_t start_ns);
/* A process was found that no birth had told of. */
void guard_met(struct guard *g, uint64_t start_ns);
/* Once a second, after a drain: compares births with the kernel's own count of forks, and looks for those
 * that BPF was not shown. */
void guard_look_for_unseen(struct guard *g, uint64_t now_ns);

/* ---- scan.c ---- */
/* Makes the world agree with what /proc says of one process. */
void guard_look_at(struct guard *g, int32_t pid);
/* Walks all processes and makes the world agree. */
void guard_scan(struct guard *g, uint64_t now_ns);
/* Proves the ledger against the kernel without walking /proc; corrects it with a recorded gap. Returns the
 * time until it should be proven again. */
uint64_t guard_audit(struct guard *g, uint64_t now_ns);

/* ---- sample.c, active.c ---- */
void guard_sample_start(struct guard *g);
void guard_sample_stop(struct guard *g);
/* Once a second: the host's figures; then, events taken in, the rest. */
void guard_sample_host(struct guard *g, uint64_t now_ns);
void guard_sample_tick(struct guard *g, uint64_t now_ns);
/* A process entered the group: watch it, afresh when it was removed and made again. */
void guard_group_seen(struct guard *g, uint32_t cgroup);
/* The last process of the group died: take its CPU before the counter vanishes. */
void guard_group_emptied(struct guard *g, uint32_t cgroup);
void guard_sample_active(struct guard *g, uint64_t now_ns);
/* A service goes by another name from now on: its share of the load, its forks and its growth do, too. */
void guard_service_moved(struct guard *g, uint16_t from, uint16_t to);

/* ---- uncounted.c ---- */
/* Charges the CPU of processes whose group has no counter; hidden_ns is what the root used of its own. */
void guard_uncounted(struct guard *g, uint64_t hidden_ns, uint64_t interval_ns, uint64_t now_ns);
void guard_uncounted_died(struct guard *g, uint32_t process);
/* The first group that may have no counter: not the root, which has one where there are any. */
static inline uint32_t guard_first_uncounted(const struct guard *g)
{
        return g->layout.version ? 2 : 1;
}

/* ---- engine_link.c ---- */
int guard_engine_start(struct guard *g, int engine_fd);
/* Has the command line of a living process read; false when the link is full. */
bool guard_ask_command(struct guard *g, uint32_t process);
/* Has something done to a container or a unit, whose end guard_operated() is told; false when the link is
 * full or there is no engine process. */
bool guard_ask_operate(struct guard *g, const struct engine_operate *o);

/* ---- requests.c ---- */
int guard_requests_start(struct guard *g, const int *fd, size_t count);

/* ---- act.c ---- */
/* After the first scan: takes over what an earlier guard did. Without a journal nothing is ever done. */
void guard_act_start(struct guard *g, int journal_fd, int bury_fd, uint64_t now_ns);
/* Once a second. */
void guard_act_tick(struct guard *g, uint64_t now_ns);
/* Undoes everything. */
void guard_act_stop(struct guard *g);
/* A group came to life. */
void guard_act_group_seen(struct guard *g);
/* The last of a group has died. */
void guard_act_group_emptied(struct guard *g);

/* ---- ladder.c ---- */
void guard_ladder_start(struct guard *g);
/* The configuration has changed. */
void guard_ladder_configure(struct guard *g);
/* Once a second, after the detectors and before the hand. */
void guard_ladder_tick(struct guard *g, uint64_t now_ns);
/* If containers have started: one that has spent its restarts is held before it can crash again. */
void guard_ladder_started(struct guard *g, uint64_t now_ns);
/* A person has undone what stood on a service. */
void guard_ladder_released(struct guard *g, uint16_t service, uint64_t now_ns);
void guard_ladder_breaker(struct guard *g, int value, uint64_t now_ns);

/* ---- act.c ---- */
/* What the recorder or the rescue console asks for, made harmless before; *ret is empty but for its number.
 */
void guard_request(struct guard *g, const struct request *q, struct answer *ret);
/* The engine process has done what guard_ask_operate() asked for, or not. */
void guard_operated(struct guard *g, const struct engine_operated *o);
