/* Who is running or stuck now: the load average shared out among services. Each second the runnable
 * and uninterruptible tasks are counted per service and fed into the kernel's own average; the shares
 * are then scaled to the kernel's load1, so that with what is left from before they add up to it. When the
 * kernel says that nobody but us runs, nobody is looked at.
 */
#include "guard/guard.h"

#include "source/proc/process.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

/* A look at all tasks costs 0.6 us a task with BPF's iterator, 7 us without it, and may use this much of a
 * core: 700 tasks are looked at every second, with the iterator. Where there is a load to be shared out it is
 * looked at every 30 s whatever it costs; what next to nothing is made of may wait. */
#define LOOK_SHARE     0.0003
#define WALK_SHARE     0.0014
#define LOOK_RAREST_NS (30 * NSEC_PER_SEC)
#define IDLE_RAREST_NS (120 * NSEC_PER_SEC)
#define DRILL_LOOK_NS  (2 * NSEC_PER_SEC) /* a drill is over in a minute */
#define LITTLE_LOAD    0.5                /* per core */
#define LOST_SIGHT_NS  (5 * NSEC_PER_SEC) /* two looks and so much later a stuck task is another one */

struct active {
        struct guard *g;
        uint64_t now_ns;
};

/* What was in D at each look may have been so a thousand times for a millisecond each: a busy disk does that.
 * One that hasn't given up a CPU since the last look hasn't had one either, and is in the same wait still. */
static void note_stuck(struct active *a, struct service *s, int32_t pid, int32_t tid, uint64_t switches,
        const char comm[LIFE_COMM_SIZE])
{
        struct guard *g = a->g;
        uint64_t lost_ns = 2 * g->active_every_ns + LOST_SIGHT_NS;
        uint32_t slot = GUARD_STUCK;

        for (uint32_t k = 0; k < GUARD_STUCK; k++) {
                bool free = !g->stuck[k].tid || a->now_ns - g->stuck[k].seen_ns > lost_ns;
                if (!free && g->stuck[k].tid == tid) {
                        slot = k;
                        break;
                }
                if (free && slot == GUARD_STUCK)
                        slot = k;
        }
        if (slot == GUARD_STUCK)
                return; /* 256 are stuck already: one more changes no verdict */
        __typeof__(&g->stuck[0]) t = &g->stuck[slot];
        if (t->tid != tid || t->switches != switches || a->now_ns - t->seen_ns > lost_ns) {
                t->tid = tid;
                t->switches = switches;
                t->since_ns = a->now_ns;
        }
        t->seen_ns = a->now_ns;
        if ((double)(a->now_ns - t->since_ns) / 1e9 < g->config.detect.hung_tasks_for)
                return;
        if (!s->stuck_tasks++ || t->since_ns < s->stuck_since_ns) {
                s->stuck_pid = pid;
                s->stuck_since_ns = t->since_ns;
                memcpy(s->stuck_command, comm, LIFE_COMM_SIZE);
        }
}

static struct service *service_of(struct active *a, uint32_t process)
{
        struct board *b = a->g->board;

        return &b->service[process ? b->process[process].service : 0];
}

/* The one who looks runs because it looks. */
static bool counts(const struct active *a, int32_t pid, char state)
{
        return (state == 'R' || state == 'D') && pid != a->g->board->self.guard_pid;
}

static void count(struct service *s, char state)
{
        s->runnable += state == 'R';
        s->uninterruptible += state == 'D';
}

static void from_iterator(void *ctx, const struct bpf_task *t)
{
        struct active *a = ctx;

        if (!counts(a, t->pid, t->state))
                return;
        struct service *s = service_of(a, world_find(&a->g->world, t->pid));
        count(s, t->state);
        if (t->state == 'D')
                note_stuck(a, s, t->pid, t->tid, t->switches, t->comm);
}

static void walk(struct active *a)
{
        struct board *b = a->g->board;
        struct proc_status status;
        struct proc_stat st;

        for (uint32_t i = 1; i < b->process_top; i++) {
                if (b->process[i].state != PROCESS_ALIVE ||
                        proc_read_stat(a->g->proc_fd, b->process[i].pid, &st) < 0 ||
                        !counts(a, st.pid, st.state))
                        continue;
                struct service *s = service_of(a, i);
                count(s, st.state);
                if (st.state == 'D' && proc_read_status(a->g->proc_fd, st.pid, &status) == 0)
                        note_stuck(a, s, st.pid, st.pid, status.switches, st.comm);
        }
}

static void share_load(struct guard *g, double seconds)
{
        struct board *b = g->board;
        double keep1 = exp(-seconds / 60), keep5 = exp(-seconds / 300), sum1, sum5;

        if (!g->last_load_ns) {
                /* The average remembers minutes of which we saw nothing. */
                g->load_before = isnan(b->host.load1) ? 0 : b->host.load1;
                g->load_before5 = isnan(b->host.load5) ? 0 : b->host.load5;
        }
        g->load_before *= keep1;
        g->load_before5 *= keep5;
        sum1 = g->load_before;
        sum5 = g->load_before5;
        for (uint32_t i = 0; i < b->service_top; i++) {
                const struct service *s = &b->service[i];
                double n = s->runnable + s->uninterruptible;
                g->load_sum[i] = g->load_sum[i] * keep1 + n * (1 - keep1);
                g->load_sum5[i] = g->load_sum5[i] * keep5 + n * (1 - keep5);
                sum1 += g->load_sum[i];
                sum5 += g->load_sum5[i];
        }
        b->host.load1_before =
                sum1 > 0.01 && !isnan(b->host.load1) ? b->host.load1 * g->load_before / sum1 : 0;
        for (uint32_t i = 0; i < b->service_top; i++) {
                struct service *s = &b->service[i];
                s->load1 = sum1 > 0.01 && !isnan(b->host.load1) ? b->host.load1 * g->load_sum[i] / sum1 : 0;
                s->load5 = sum5 > 0.01 && !isnan(b->host.load5) ? b->host.load5 * g->load_sum5[i] / sum5 : 0;
        }
}

static uint64_t rarest_ns(const struct host *h, bool drill)
{
        if (drill)
                return DRILL_LOOK_NS;
        bool little = isless(h->load1, LITTLE_LOAD * MAX(h->cpus, 1u)) && !h->blocked;

        return little ? IDLE_RAREST_NS : LOOK_RAREST_NS;
}

void guard_sample_active(struct guard *g, uint64_t now_ns)
{
        struct active a = {.g = g, .now_ns = now_ns};
        struct board *b = g->board;
        bool drill = view_drills(b, now_ns);
        bool quiet = b->host.runnable <= 1 && !b->host.blocked && !drill;
        bool iterator = g->bpf && b->sources.bpf_iterator;
        double seconds = g->last_load_ns ? (double)(now_ns - g->last_load_ns) / 1e9 : 1;

        g->active_every_ns = MIN(pace_interval_ns(&g->active_pace, iterator ? LOOK_SHARE : WALK_SHARE),
                rarest_ns(&b->host, drill));
        if (!quiet && now_ns - g->active_pace.ended_ns + NSEC_PER_SEC / 2 < g->active_every_ns)
                return;
        for (uint32_t i = 0; i < b->service_top; i++) {
                b->service[i].runnable = b->service[i].uninterruptible = 0;
                b->service[i].stuck_tasks = 0;
                b->service[i].stuck_since_ns = 0;
        }
        if (!quiet) {
                pace_begin(&g->active_pace);
                if (!iterator || bpf_source_tasks(g->bpf, BPF_TASK_ACTIVE, from_iterator, &a) < 0)
                        walk(&a);
                pace_end(&g->active_pace, now_ns);
        }
        share_load(g, seconds);
        g->last_load_ns = now_ns;
}
