/* What the kernel tells of the dead: who holds them, what they were called, what they used. A few are read
 * from /proc, 50 us each; a crowd by one walk of BPF's task iterator, 1 us each, so that twenty thousand
 * which outlive the grace period together don't stop the guard for a second.
 */
#include "guard/guard.h"

#include "source/proc/process.h"

#include <signal.h>
#include <string.h>

enum { ONE_BY_ONE = 128 }; /* announced in one tick and read from /proc */

/* All of them went to the same one, so one look tells for twenty thousand. */
void guard_orphaned(struct guard *g, int32_t pid, uint32_t orphans)
{
        struct proc_stat st = {.ppid = 0};

        for (uint32_t z = g->board->ledger_head; z && orphans; z = g->board->process[z].list_next) {
                if (g->board->process[z].ppid != pid || g->board->process[z].state != PROCESS_ZOMBIE)
                        continue;
                if ((st.ppid <= 0 || st.ppid == pid) &&
                        proc_read_stat(g->proc_fd, g->board->process[z].pid, &st) < 0)
                        st.ppid = 0; /* buried already: its own news are on their way */
                if (st.ppid > 0)
                        world_reparent(&g->world, z, st.ppid);
                orphans--;
        }
}

int32_t guard_exit_code(const struct guard *g, const struct proc_stat *st)
{
        /* without leave to trace it the kernel shows 0 */
        return st->exit_code > 0 || (g->board->sources.root && !st->exit_code) ? st->exit_code : -1;
}

static void set_tracer(struct process *p, int32_t tracer)
{
        p->tracer_pid = tracer;
        p->flags = (uint16_t)(tracer ? p->flags | PROCESS_F_PTRACED : p->flags & ~PROCESS_F_PTRACED);
}

static void read_holder(struct guard *g, int32_t pid)
{
        const uint64_t bit = UINT64_C(1) << (SIGCHLD - 1);
        uint32_t h = world_find(&g->world, pid);
        struct proc_status status;

        if (h && proc_read_status(g->proc_fd, pid, &status) == 0 && !((status.sigcgt | status.sigign) & bit))
                g->board->process[h].flags |= PROCESS_F_HOLDER_IGNORES;
}

void guard_read_zombie(struct guard *g, uint32_t i, bool thoroughly)
{
        struct process *p = &g->board->process[i];
        struct proc_status status;
        struct proc_stat st;
        uint64_t leader_ns;

        if (proc_read_stat(g->proc_fd, p->pid, &st) < 0)
                return;
        world_reparent(&g->world, i, st.ppid);
        p->sid = st.sid;
        memcpy(p->comm, st.comm, sizeof p->comm);
        if (p->state == PROCESS_ZOMBIE && p->exit_status < 0)
                p->exit_status = guard_exit_code(g, &st);
        /* ticks count all threads in steps of 10 ms; schedstat is exact but knows the leader only */
        uint64_t cpu = proc_ticks_to_ns(st.utime_ticks + st.stime_ticks);
        if (proc_read_schedstat(g->proc_fd, p->pid, &leader_ns) == 0)
                cpu = MAX(cpu, leader_ns);
        if (!(p->flags & PROCESS_F_CPU_EXACT))
                p->cpu_ns = cpu;
        if (!thoroughly)
                return;
        if (proc_read_status(g->proc_fd, p->pid, &status) == 0)
                set_tracer(p, status.tracer_pid);
        read_holder(g, st.ppid);
}

/* ---- a crowd ---- */

static void take_in(void *ctx, const struct bpf_task *t)
{
        struct guard *g = ctx;
        uint32_t i = world_find(&g->world, t->pid);
        struct process *p = &g->board->process[i];

        if (!i || p->state != PROCESS_ZOMBIE || p->flags & PROCESS_F_ANNOUNCED)
                return;
        world_reparent(&g->world, i, t->ppid);
        p->sid = t->sid;
        memcpy(p->comm, t->comm, sizeof p->comm);
        if (!(p->flags & PROCESS_F_CPU_EXACT))
                p->cpu_ns = t->cpu_ns;
        set_tracer(p, t->tracer);
}

void guard_announced(struct guard *g, uint32_t i)
{
        const struct process *p = &g->board->process[i];

        if (g->crowd.tick != g->ticks)
                g->crowd = (__typeof__(g->crowd)){.tick = g->ticks};
        if (g->crowd.announced++ == ONE_BY_ONE)
                g->crowd.walked = g->bpf && g->board->sources.bpf_iterator &&
                                  bpf_source_tasks(g->bpf, BPF_TASK_ZOMBIES, take_in, g) >= 0;
        if (!g->crowd.walked || p->exit_status < 0) {
                guard_read_zombie(g, i, true);
        } else if (p->ppid != g->crowd.holder) {
                g->crowd.holder = p->ppid;
                read_holder(g, p->ppid);
        }
}
