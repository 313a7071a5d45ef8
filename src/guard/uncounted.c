/* CPU of groups that no CPU counter covers: on cgroup v1 a group may exist in the memory hierarchy
 * alone, and its processes' CPU then hides in the root's. It is summed from the processes: the living
 * by a walk, made only when the root's counter says that there is something to find; the dead by what
 * BPF says at their burial.
 */
#include "guard/guard.h"

#include "source/proc/process.h"

#define WORTH_A_WALK  0.01 /* cores hidden in the root group, with BPF's iterator (0.6 us a process) */
#define WORTH_READING 0.05 /* the same without it (7 us a process) */

/* Charges what the process used since the last look. Of one that is older than us only that counts. */
static void charge(struct guard *g, uint32_t i, uint64_t cpu_ns)
{
        const struct process *p = &g->board->process[i];
        __typeof__(&g->uncounted[0]) u = &g->uncounted[i];

        if (u->start_ns != p->start_ns) {
                u->start_ns = p->start_ns;
                u->cpu_ns = p->flags & PROCESS_F_PRE_EXISTING && !g->uncounted_begun ? cpu_ns : 0;
        }
        if (cpu_ns > u->cpu_ns) {
                g->group[p->cgroup].delta_ns += cpu_ns - u->cpu_ns;
                u->cpu_ns = cpu_ns;
        }
}

static bool is_uncounted(const struct guard *g, uint32_t i)
{
        uint32_t k = g->board->process[i].cgroup;

        return k > 1 && g->group[k].no_cpu;
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

void guard_uncounted(struct guard *g, uint64_t hidden_ns, uint64_t interval_ns)
{
        bool iterator = g->bpf && g->board->sources.bpf_iterator, any = false;
        double limit =
                (iterator ? WORTH_A_WALK : WORTH_READING) * MAX((double)g->board->host.tasks / 1000, 1.0);

        for (uint32_t k = 2; k < g->world.cgroup_top && !any; k++)
                any = g->group[k].no_cpu;
        if (!any || (g->uncounted_begun && (double)hidden_ns < limit * (double)interval_ns))
                return;
        if (!iterator || bpf_source_tasks(g->bpf, BPF_TASK_ALL, from_iterator, g) < 0)
                walk(g);
        g->uncounted_begun = true;
}
