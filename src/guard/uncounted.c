/* CPU of groups that no CPU counter covers: on cgroup v1 a group may exist in the memory hierarchy
 * alone, and its processes' CPU then hides in the root's. It is summed from the processes: the living
 * by a walk, made only when the root's counter says that there is something to find, and as rarely as its
 * cost asks; the dead by what BPF says at their burial. Between two walks what the root hides is shared out
 * as the last one found it, and the next one settles the difference: sums are exact as of the last walk.
 * How old shares may become: with BPF's iterator a walk follows within 60 s (21 s with 7,000 processes) while
 * the root hides what is worth one, and within 10 minutes while it hides anything at all. Without it the
 * cost alone decides: 4 minutes with 7,000 processes, 23 with 40,000. Where no control groups are to be seen
 * at all, as in a container, every group is one of these, and what nobody can be charged with stays
 * unattributed.
 */
#include "guard/guard.h"

#include "source/proc/process.h"

#define WALK_SHARE    0.0002 /* of a core, for the walks */
#define WORTH_A_WALK  0.01   /* cores hidden in the root group, with BPF's iterator (0.6 us a process) */
#define WORTH_READING 0.05   /* the same without it (7 us a process) */

#define STALE_NS                                                                                             \
        (60 * NSEC_PER_SEC) /* at most between walks by the iterator, 0.04 % of a core with 40,000           \
                             */
#define RENEW_NS  (600 * NSEC_PER_SEC) /* so old shares are renewed for little, too... */
#define LITTLE_NS NSEC_PER_SEC         /* ...but not for less CPU than this since the last walk */

/* Charges what the process used since the last look. Of one that is older than us only that counts: what it
 * used before, maybe in another group, isn't known to be this one's. */
static void charge(struct guard *g, uint32_t i, uint64_t cpu_ns)
{
        const struct process *p = &g->board->process[i];
        __typeof__(&g->uncounted[0]) u = &g->uncounted[i];

        if (u->start_ns != p->start_ns) {
                u->start_ns = p->start_ns;
                u->cpu_ns = p->start_ns < g->board->started_ns ? cpu_ns : 0;
        }
        if (cpu_ns > u->cpu_ns) {
                g->group[p->cgroup].charged_ns += cpu_ns - u->cpu_ns;
                u->cpu_ns = cpu_ns;
        }
}

static bool is_uncounted(const struct guard *g, uint32_t i)
{
        uint32_t k = g->board->process[i].cgroup;

        return k >= guard_first_uncounted(g) && g->group[k].no_cpu &&
               !(g->board->process[i].flags & PROCESS_F_KTHREAD);
}

static void from_iterator(void *ctx, const struct bpf_task *t)
{
        struct guard *g = ctx;
        uint32_t i = world_find(&g->world, t->pid);

        if (i && is_uncounted(g, i))
                charge(g, i, t->cpu_ns);
}

static void walk(struct guard *g)
{
        struct board *b = g->board;
        struct proc_stat st;

        for (uint32_t i = 1; i < b->process_top; i++)
                if (b->process[i].state == PROCESS_ALIVE && is_uncounted(g, i) &&
                        proc_read_stat(g->proc_fd, b->process[i].pid, &st) == 0)
                        charge(g, i, proc_ticks_to_ns(st.utime_ticks + st.stime_ticks));
}

void guard_uncounted_died(struct guard *g, uint32_t i)
{
        if (is_uncounted(g, i) && g->board->process[i].cpu_ns != BOARD_UNKNOWN)
                charge(g, i, g->board->process[i].cpu_ns);
}

/* What its processes used since the last walk, less what was given to it on account. */
static void settle(struct guard_group *s)
{
        uint64_t common = MIN(s->charged_ns, s->given_ns);

        s->delta_ns += s->charged_ns - common;
        s->given_ns -= common; /* too much given: less next time */
        s->charged_ns = 0;
}

static void give_on_account(struct guard_group *s, uint64_t hidden_ns)
{
        uint64_t given = (uint64_t)(s->hidden_share * (double)hidden_ns);

        s->delta_ns += given;
        s->given_ns += given;
}

static void share_out(struct guard *g)
{
        uint64_t all = g->hidden_ns;

        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top; k++)
                if (g->group[k].no_cpu)
                        all = MAX(all, g->group[k].charged_ns);
        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top; k++)
                if (g->group[k].no_cpu)
                        g->group[k].hidden_share = all ? (double)g->group[k].charged_ns / (double)all : 0;
}

static void walk_all(struct guard *g, bool iterator, uint64_t now_ns)
{
        pace_begin(&g->uncounted_pace);
        if (!iterator || bpf_source_tasks(g->bpf, BPF_TASK_ALL, from_iterator, g) < 0)
                walk(g);
        pace_end(&g->uncounted_pace, now_ns);
        share_out(g);
        g->uncounted_begun = true;
        g->hidden_ns = 0;
}

void guard_uncounted(struct guard *g, uint64_t hidden_ns, uint64_t interval_ns, uint64_t now_ns)
{
        bool iterator = g->bpf && g->board->sources.bpf_iterator, any = false;
        uint64_t age_ns = now_ns - g->uncounted_pace.ended_ns;
        uint64_t tasks = g->board->host.tasks == BOARD_UNKNOWN ? 0 : g->board->host.tasks;
        double limit = (iterator ? WORTH_A_WALK : WORTH_READING) * MAX((double)tasks / 1000, 1.0);

        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top && !any; k++)
                any = g->group[k].no_cpu;
        g->hidden_ns = any ? g->hidden_ns + hidden_ns : 0;
        if (!any)
                return;
        bool wanted = !g->uncounted_begun || (double)hidden_ns >= limit * (double)interval_ns ||
                      (age_ns >= RENEW_NS && g->hidden_ns >= LITTLE_NS);
        bool walks = wanted && (pace_is_due(&g->uncounted_pace, WALK_SHARE, now_ns) ||
                                       (iterator && age_ns >= STALE_NS));
        if (walks)
                walk_all(g, iterator, now_ns);
        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top; k++) {
                struct guard_group *s = &g->group[k];
                if (!s->no_cpu)
                        continue;
                s->rate_ns = (uint64_t)(s->hidden_share * (double)hidden_ns);
                if (walks || !g->world.cgroup[k].processes)
                        settle(s);
                else
                        give_on_account(s, hidden_ns);
        }
}
