/* One bounded pass over the ledger of zombies for all detectors: per service, how many it holds, how
 * old the oldest is, where they came from, and an example. Looking at each zombie costs a cache miss
 * or two; so the more there are, the more seldom the pass, and its cost per second stays flat.
 */
#include "detect/run.h"
#include "world/view.h"

enum {
        PER_SECOND = 4096, /* entries looked at per second, on average */
        LOOKUPS = 16,      /* scans of the process table per pass, for holders not met before */
        FORGET = 60,       /* passes after which a holder not found is looked for again */
};

static bool is_pid(const struct process *p, int32_t pid)
{
        return p->pid == pid &&
               (p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER || p->state == PROCESS_ZOMBIE);
}

/* Like view_holder(), with a memory instead of an index: orphans share few holders. */
static uint32_t find_holder(struct detect_run *run, const struct process *p, uint32_t *lookups)
{
        const struct board *b = run->b;
        struct detect_state *s = run->s;
        int32_t pid = (p->flags & PROCESS_F_PTRACED) && p->tracer_pid > 0 ? p->tracer_pid : p->ppid;
        size_t slot = (uint32_t)pid % DETECT_HOLDERS;

        if (p->parent > 0 && p->parent < view_processes(b) && is_pid(&b->process[p->parent], pid))
                return p->parent;
        if (s->holder[slot].pid == pid) {
                uint32_t known = s->holder[slot].process;

                if (known > 0 && known < view_processes(b) && is_pid(&b->process[known], pid))
                        return known;
                if (known == 0 && s->pass - s->holder[slot].pass < FORGET)
                        return 0;
        }
        if (*lookups == 0)
                return 0;
        --*lookups;
        const struct process *found = view_find(b, pid);
        uint32_t process = found ? (uint32_t)(found - b->process) : 0;

        s->holder[slot].pid = pid;
        s->holder[slot].process = process;
        s->holder[slot].pass = s->pass;
        return process;
}

static struct detect_dead *dead_of(struct detect_run *run, uint16_t service)
{
        struct detect_dead *d = &run->s->dead[service < BOARD_SERVICES ? service : 0];

        if (d->pass != run->s->pass)
                *d = (struct detect_dead){.pass = run->s->pass};
        return d;
}

static void add_leader(struct detect_run *run, uint32_t i)
{
        const struct process *p = &run->b->process[i];
        struct detect_dead *d = dead_of(run, p->service);

        d->leaders++;
        d->leaders_undated += p->exit_ns == 0;
        if (d->leader_sample == 0 || (p->exit_ns && (!d->leader_ns || p->exit_ns < d->leader_ns))) {
                d->leader_sample = i;
                d->leader_ns = p->exit_ns;
        }
}

static void add_zombie(struct detect_run *run, uint32_t i, uint32_t *lookups)
{
        const struct board *b = run->b;
        const struct process *p = &b->process[i];

        if (view_age(p->exit_ns, run->now_ns) * (double)NSEC_PER_SEC < (double)b->grace_ns)
                return;
        uint32_t h = find_holder(run, p, lookups);
        const struct process *holder = h ? &b->process[h] : NULL;
        struct detect_dead *d = dead_of(run, holder ? holder->service : p->service);

        d->lasting++;
        d->undated += p->exit_ns == 0;
        d->orphans += view_kind_held(b, p, holder, run->now_ns) == ZOMBIE_ORPHAN;
        d->origin[p->origin < ARRAY_SIZE(d->origin) ? p->origin : 0]++;
        if (d->sample == 0 || (p->exit_ns && (!d->oldest_ns || p->exit_ns < d->oldest_ns))) {
                d->sample = i;
                d->holder = h;
                d->oldest_ns = p->exit_ns;
        }
}

void detect_ledger(struct detect_run *run)
{
        const struct board *b = run->b;
        struct detect_state *s = run->s;
        uint32_t lookups = LOOKUPS, seen = 0, all = b->zombies + b->leaders;

        /* An emptied ledger is told at once. */
        if (run->now_ns < s->next_pass_ns && b->ledger_head)
                return;
        s->pass++;
        for (uint32_t i = b->ledger_head; i > 0 && i < view_processes(b) && seen < BOARD_PROCESSES; seen++) {
                if (b->process[i].state == PROCESS_LEADER)
                        add_leader(run, i);
                else if (b->process[i].state == PROCESS_ZOMBIE)
                        add_zombie(run, i, &lookups);
                i = b->process[i].list_next;
        }
        s->next_pass_ns = run->now_ns + MAX(all, seen) / PER_SECOND * NSEC_PER_SEC;
}

const struct detect_dead *detect_dead(struct detect_run *run, uint16_t service)
{
        const struct detect_dead *d = &run->s->dead[service < BOARD_SERVICES ? service : 0];

        return d->pass == run->s->pass && run->s->pass ? d : NULL;
}
