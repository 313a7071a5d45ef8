/* Processes: born, run, die, are buried. Each entry keeps a counted reference to its birth parent's
 * entry, so that lineage survives the ancestors' death.
 */
#include "base/text.h"
#include "base/util.h"
#include "world/world.h"

#include <math.h>
#include <string.h>

static uint32_t bucket_of(int32_t pid)
{
        return (uint32_t)pid * 2654435761u >> 17; /* Knuth's multiplicative hash, 15 bits */
}

static bool is_present(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER || p->state == PROCESS_ZOMBIE;
}

uint32_t world_find(const struct world *w, int32_t pid)
{
        uint32_t i;

        for (i = w->process_bucket[bucket_of(pid)]; i; i = w->b->process[i].hash_next)
                if (w->b->process[i].pid == pid && is_present(&w->b->process[i]))
                        return i;
        return 0;
}

static void unhash(struct world *w, uint32_t i)
{
        uint32_t *p = &w->process_bucket[bucket_of(w->b->process[i].pid)];

        while (*p && *p != i)
                p = &w->b->process[*p].hash_next;
        if (*p)
                *p = w->b->process[i].hash_next;
        w->b->process[i].hash_next = 0;
}

/* ---- references along the lineage ---- */

static void drop(struct world *w, uint32_t i)
{
        struct board *b = w->b;

        while (i) {
                struct process *p = &b->process[i];
                if (p->refs && --p->refs)
                        return;
                if (p->refs || p->state != PROCESS_BURIED || p->list_prev == UINT32_MAX)
                        return; /* lives, or waits for its CPU: freed by what comes next */
                uint32_t parent = p->parent;
                world_string_unref(w, p->command);
                world_string_unref(w, p->exe);
                memset(p, 0, sizeof *p);
                p->hash_next = w->process_free;
                w->process_free = i;
                i = parent;
        }
}

/* An entry nobody refers to any more: drop() expects a reference to give back. */
static void release(struct world *w, uint32_t i)
{
        if (w->b->process[i].refs)
                return;
        w->b->process[i].refs = 1;
        drop(w, i);
}

/* Cuts the lineage WORLD_LINEAGE generations up, so that a chain of forks that goes on for ever keeps
 * a bounded tail. */
static void bound_lineage(struct world *w, uint32_t i)
{
        uint32_t depth = 0;

        for (; i; i = w->b->process[i].parent)
                if (++depth == WORLD_LINEAGE) {
                        uint32_t up = w->b->process[i].parent;
                        w->b->process[i].parent = 0;
                        drop(w, up);
                        return;
                }
}

/* ---- births ---- */

static uint32_t take_entry(struct world *w)
{
        uint32_t i = w->process_free;

        if (i)
                w->process_free = w->b->process[i].hash_next;
        else if (w->b->process_top < BOARD_PROCESSES)
                i = w->b->process_top++;
        else
                w->b->self.overflow_processes++;
        return i;
}

uint32_t world_born(struct world *w, int32_t pid, int32_t ppid, uint64_t start_ns, uint64_t now_ns)
{
        struct board *b = w->b;
        uint32_t old = world_find(w, pid);

        if (old)
                world_buried(w, old, now_ns); /* the pid is used again, so its last owner is gone */
        uint32_t i = take_entry(w);
        if (!i)
                return 0;
        uint32_t parent = ppid > 0 ? world_find(w, ppid) : 0;
        struct process *p = &b->process[i];
        *p = (struct process){
                .pid = pid,
                .ppid = ppid,
                .start_ns = start_ns,
                .cpu_ns = BOARD_UNKNOWN,
                .exit_status = -1,
                .threads = 1,
                .state = PROCESS_ALIVE,
                .hash_next = w->process_bucket[bucket_of(pid)],
        };
        w->process_bucket[bucket_of(pid)] = i;
        b->service[0].processes++; /* until its place is known */
        b->service[0].threads++;
        if (parent) {
                struct process *q = &b->process[parent];
                p->parent = parent;
                q->refs++;
                p->sid = q->sid;
                p->command = q->command;
                p->exe = q->exe;
                world_string_ref(w, p->command);
                world_string_ref(w, p->exe);
                memcpy(p->comm, q->comm, sizeof p->comm);
                p->flags = q->flags & (PROCESS_F_KTHREAD | PROCESS_F_SELF);
                bound_lineage(w, i);
                if (q->cgroup)
                        world_set_cgroup(w, i, q->cgroup);
                else
                        world_set_service(w, i, q->service);
        }
        b->service[p->service].forks++;
        return i;
}

void world_adopt(struct world *w, uint32_t i, int32_t ppid)
{
        struct process *p = &w->b->process[i];
        uint32_t parent = ppid > 0 ? world_find(w, ppid) : 0;

        if (p->parent || !parent || parent == i || w->b->process[parent].start_ns > p->start_ns)
                return;
        p->parent = parent;
        w->b->process[parent].refs++;
        bound_lineage(w, i);
}

/* ---- life ---- */

void world_set_comm(struct world *w, uint32_t i, const char *comm)
{
        text_copy(w->b->process[i].comm, LIFE_COMM_SIZE, comm, strnlen(comm, LIFE_COMM_SIZE - 1));
}

void world_set_command(struct world *w, uint32_t i, const char *command, const char *exe)
{
        struct process *p = &w->b->process[i];
        uint32_t c = world_string(w, command), e = world_string(w, exe);

        world_string_unref(w, p->command);
        world_string_unref(w, p->exe);
        p->command = c;
        p->exe = e;
}

/* ---- death ---- */

static void ledger_add(struct world *w, uint32_t i)
{
        struct board *b = w->b;
        struct process *p = &b->process[i];

        p->list_next = b->ledger_head;
        p->list_prev = 0;
        if (b->ledger_head)
                b->process[b->ledger_head].list_prev = i;
        b->ledger_head = i;
        w->ledger_changed = true;
}

static void ledger_remove(struct world *w, uint32_t i)
{
        struct board *b = w->b;
        struct process *p = &b->process[i];

        if (p->list_prev)
                b->process[p->list_prev].list_next = p->list_next;
        else
                b->ledger_head = p->list_next;
        if (p->list_next)
                b->process[p->list_next].list_prev = p->list_prev;
        p->list_next = p->list_prev = 0;
        w->ledger_changed = true;
}

void world_exec(struct world *w, uint32_t i, uint64_t now_ns)
{
        struct process *p = &w->b->process[i];
        struct service *s = &w->b->service[p->service];

        if (p->state == PROCESS_LEADER) {
                ledger_remove(w, i);
                w->b->leaders--;
                s->leaders--;
                p->state = PROCESS_ALIVE;
                p->exit_ns = 0;
        }
        /* A main process that replaces itself long after its birth has restarted in place. */
        if (p->flags & PROCESS_F_INIT && now_ns > p->start_ns && now_ns - p->start_ns > NSEC_PER_SEC)
                recent_push(&s->reexecs, now_ns, 0);
        p->flags |= PROCESS_F_EXECED;
        if (p->flags & PROCESS_F_INIT)
                world_container_runs(w, i);
        s->execs++;
        /* What it inherited is no longer true, and nothing is better than its parent's name. */
        world_set_command(w, i, NULL, NULL);
        world_set_comm(w, i, "?");
        p->flags &= (uint16_t)~PROCESS_F_ASKED;
}

static void holder_count(struct world *w, int32_t ppid, int by)
{
        uint32_t h = ppid > 0 ? world_find(w, ppid) : 0;

        /* one that has its holder's pid now never held it */
        if (h && (by > 0 || w->b->process[h].zombies))
                w->b->process[h].zombies += (uint32_t)by;
}

void world_leader(struct world *w, uint32_t i, uint64_t exit_ns)
{
        struct process *p = &w->b->process[i];

        if (p->state != PROCESS_ALIVE)
                return;
        p->state = PROCESS_LEADER;
        p->exit_ns = exit_ns;
        p->origin = (uint8_t)world_origin(w, i);
        w->b->leaders++; /* as for the kernel, its threads include the dead leader's own */
        w->b->service[p->service].leaders++;
        ledger_add(w, i);
}

static void count_delay(struct self_stats *s, uint64_t delay_ns)
{
        static const uint32_t up_to_ms[] = {10, 25, 50, 100, 500, 1000, 5000, 15000};
        size_t k = 0;

        while (k < ARRAY_SIZE(up_to_ms) && delay_ns > up_to_ms[k] * NSEC_PER_MSEC)
                k++;
        s->detection_delay_bucket[k]++;
        s->zombie_delay_ns_sum += delay_ns;
        s->zombie_delay_count++;
}

/* Reparenting has no event of its own: a process's children, the dead too, get another holder when it
 * dies, not when it is buried. */
static void tell_orphans(struct world *w, struct process *p)
{
        uint32_t orphans = p->zombies;

        if (orphans && w->orphaned)
                w->orphaned(w->emit_ctx, p->pid, orphans);
}

void world_zombie(struct world *w, uint32_t i, uint64_t exit_ns, int32_t status, uint64_t now_ns)
{
        struct board *b = w->b;
        struct process *p = &b->process[i];

        if (p->state == PROCESS_ZOMBIE)
                return;
        if (p->state == PROCESS_LEADER) {
                b->leaders--;
                b->service[p->service].leaders--;
                ledger_remove(w, i); /* the newest are first, as zombies */
        }
        ledger_add(w, i);
        if (status >= 0)
                p->exit_status = status;
        world_leave(w, i);
        p->state = PROCESS_ZOMBIE;
        p->exit_ns = exit_ns;
        p->threads = 0;
        p->origin = (uint8_t)world_origin(w, i);
        b->zombies++;
        b->service[p->service].zombies++;
        w->cgroup[p->cgroup].zombies++;
        w->young++;
        holder_count(w, p->ppid, 1);
        w->ledger_changed = true;
        if (exit_ns && now_ns >= exit_ns)
                count_delay(&b->self, now_ns - exit_ns);
        tell_orphans(w, p);
}

void world_reparent(struct world *w, uint32_t i, int32_t ppid)
{
        struct process *p = &w->b->process[i];

        if (p->ppid == ppid)
                return;
        if (p->state == PROCESS_ZOMBIE) {
                holder_count(w, p->ppid, -1);
                holder_count(w, ppid, 1);
                w->ledger_changed = true;
        }
        p->ppid = ppid;
}

/* The death is complete, its record is told, the entry goes unless a descendant points to it. */
static void finish(struct world *w, uint32_t i, uint64_t now_ns)
{
        struct process *p = &w->b->process[i];

        p->list_prev = 0;
        world_death(w, p, now_ns);
        if (w->died)
                w->died(w->emit_ctx, i);
        release(w, i);
}

static void await_cpu(struct world *w, uint32_t i)
{
        struct process *p = &w->b->process[i];

        /* list_prev marks it as awaiting: the list is a queue and needs no way back */
        p->list_prev = UINT32_MAX;
        p->list_next = 0;
        if (w->awaiting_tail)
                w->b->process[w->awaiting_tail].list_next = i;
        else
                w->awaiting_head = i;
        w->awaiting_tail = i;
        w->awaiting++;
}

void world_buried(struct world *w, uint32_t i, uint64_t now_ns)
{
        struct board *b = w->b;
        struct process *p = &b->process[i];
        struct service *s = &b->service[p->service];

        if (!is_present(p))
                return;
        if (w->buried)
                w->buried(w->emit_ctx, i);
        if (p->state == PROCESS_ZOMBIE) {
                ledger_remove(w, i);
                b->zombies--;
                s->zombies--;
                w->cgroup[p->cgroup].zombies--;
                w->young -= !(p->flags & PROCESS_F_ANNOUNCED);
                holder_count(w, p->ppid, -1);
                if (p->flags & PROCESS_F_ANNOUNCED)
                        world_event(w, EVENT_REAP, p->service, p, now_ns,
                                p->exit_ns ? (double)(now_ns - MIN(p->exit_ns, now_ns)) / 1e9 : NAN, "");
        } else if (p->state == PROCESS_LEADER) {
                ledger_remove(w, i);
                b->leaders--;
                s->leaders--;
        }
        if (p->state != PROCESS_ZOMBIE)
                world_leave(w, i);
        p->state = PROCESS_BURIED;
        tell_orphans(w, p);
        if (!p->exit_ns)
                p->exit_ns = now_ns;
        if (w->exact_cpu && !(p->flags & PROCESS_F_KTHREAD)) {
                await_cpu(w, i);
                return;
        }
        unhash(w, i);
        finish(w, i, now_ns);
}

/* Entries whose CPU came stay in the queue until their turn: the queue's order is the time of burial,
 * CPU comes within milliseconds, so the wait is short. */
static void drain_awaiting(struct world *w, uint64_t now_ns, uint64_t max_age_ns)
{
        while (w->awaiting_head) {
                uint32_t i = w->awaiting_head;
                struct process *p = &w->b->process[i];
                bool known = p->flags & PROCESS_F_CPU_EXACT;
                if (!known && now_ns - MIN(p->exit_ns, now_ns) < max_age_ns)
                        break;
                w->awaiting_head = p->list_next;
                if (!w->awaiting_head)
                        w->awaiting_tail = 0;
                p->list_next = 0;
                w->awaiting--;
                unhash(w, i);
                finish(w, i, now_ns);
        }
}

void world_expire(struct world *w, uint64_t now_ns, uint64_t max_age_ns)
{
        drain_awaiting(w, now_ns, max_age_ns);
}

static bool same_birth(const struct process *p, uint64_t start_ns)
{
        uint64_t a = MIN(p->start_ns, start_ns), b = MAX(p->start_ns, start_ns);

        /* /proc counts in ticks of 10 ms, the connector's stamp is a little later than the birth */
        return !start_ns || !p->start_ns || b - a < 30 * NSEC_PER_MSEC;
}

uint32_t world_find_birth(const struct world *w, int32_t pid, uint64_t start_ns)
{
        uint32_t found = 0;

        for (uint32_t i = w->process_bucket[bucket_of(pid)]; i; i = w->b->process[i].hash_next) {
                const struct process *p = &w->b->process[i];
                if (p->pid == pid && same_birth(p, start_ns) && !(p->flags & PROCESS_F_CPU_EXACT))
                        found = i; /* the oldest of equals is the last in the chain */
        }
        return found;
}

void world_freed(struct world *w, const struct life_event *e, uint64_t now_ns)
{
        uint32_t found = world_find_birth(w, e->pid, e->start_ns);

        if (!found)
                return;
        struct process *p = &w->b->process[found];
        p->cpu_ns = e->cpu_ns;
        p->exit_status = e->exit_status;
        p->flags |= PROCESS_F_CPU_EXACT;
        if (e->comm[0])
                world_set_comm(w, found, e->comm);
        if (is_present(p))
                world_buried(w, found, now_ns);
        drain_awaiting(w, now_ns, NSEC_PER_SEC);
}
