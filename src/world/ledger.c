/* The ledger: every process that is dead and not buried, who holds it, where it came from; the ones
 * that outlive the grace period are announced and counted against their holder's service.
 */
#include "base/util.h"
#include "world/world.h"

#include <stdio.h>
#include <string.h>

/* Does the command line of an exec root equal the container's health check? Both may have been cut. */
static bool is_health_command(const struct world *w, const struct process *p)
{
        const char *health = w->b->service[p->service].health_command;

        if (!p->command || !health[0])
                return false;
        size_t n = strnlen(health, BOARD_STRING - 8);
        return !strncmp(w->b->string[p->command].text, health, n);
}

/* Nobody could read its command line before it died, and the engine tells of no command that a person
 * had it execute then: where there is a health check, it was that. */
static bool is_likely_health_check(const struct world *w, const struct process *root)
{
        const struct world_container *rt = &w->container[w->cgroup[root->cgroup].container];

        return !root->command && w->b->service[root->service].has_health_check &&
               (root->start_ns > rt->exec_started_ns + NSEC_PER_SEC ||
                       rt->exec_started_ns > root->start_ns + 2 * NSEC_PER_SEC);
}

static enum origin origin_of_root(const struct world *w, const struct process *root)
{
        if (root->flags & PROCESS_F_HEALTHCHECK || is_health_command(w, root) ||
                is_likely_health_check(w, root))
                return ORIGIN_HEALTHCHECK;
        return ORIGIN_EXEC;
}

/* Only a session left: its leader is dead, so it was no worker of the container's PID 1. */
static enum origin origin_by_session(const struct world *w, const struct process *p)
{
        const struct service *s = &w->b->service[p->service];
        uint32_t leader = p->sid > 0 ? world_find(w, p->sid) : 0;

        if (s->kind != SERVICE_COMPOSE && s->kind != SERVICE_CONTAINER)
                return ORIGIN_UNKNOWN;
        if (leader && w->b->process[leader].flags & PROCESS_F_INIT)
                return ORIGIN_TASK;
        if (leader && &w->b->process[leader] == p)
                return ORIGIN_UNKNOWN; /* it made a session of its own */
        if (p->sid > 0 && (!leader || w->b->process[leader].state == PROCESS_ZOMBIE))
                return s->has_health_check ? ORIGIN_HEALTHCHECK : ORIGIN_EXEC;
        return ORIGIN_UNKNOWN;
}

enum origin world_origin(const struct world *w, uint32_t i)
{
        const struct process *p = &w->b->process[i];
        uint8_t kind = w->b->service[p->service].kind;
        bool contained = kind == SERVICE_COMPOSE || kind == SERVICE_CONTAINER;
        const struct process *q = p;

        for (uint32_t depth = 0; depth < WORLD_LINEAGE; depth++) {
                if (q->flags & PROCESS_F_EXEC_ROOT)
                        return origin_of_root(w, q);
                if (q->flags & PROCESS_F_INIT)
                        return ORIGIN_TASK;
                /* The parent that a scan found may be a foster one; the session is from birth. */
                if (contained && q->flags & PROCESS_F_PRE_EXISTING) {
                        enum origin o = origin_by_session(w, q);
                        if (o != ORIGIN_UNKNOWN)
                                return o;
                }
                if (!q->parent || w->b->process[q->parent].service != p->service)
                        break;
                q = &w->b->process[q->parent];
        }
        if (!contained)
                return p->flags & PROCESS_F_PRE_EXISTING ? ORIGIN_UNKNOWN : ORIGIN_TASK;
        return origin_by_session(w, p);
}

void world_origins_again(struct world *w, uint16_t service)
{
        for (uint32_t i = w->b->ledger_head; i; i = w->b->process[i].list_next)
                if (w->b->process[i].service == service)
                        w->b->process[i].origin = (uint8_t)world_origin(w, i);
}

void world_entered(struct world *w, uint32_t i, bool is_init)
{
        struct process *p = &w->b->process[i];
        struct container *c = &w->b->container[w->cgroup[p->cgroup].container];
        struct world_container *rt = &w->container[w->cgroup[p->cgroup].container];

        if (is_init) {
                p->flags |= PROCESS_F_INIT;
                p->flags &= (uint16_t) ~(PROCESS_F_EXEC_ROOT | PROCESS_F_HEALTHCHECK);
                if (p->flags & PROCESS_F_EXECED)
                        world_container_runs(w, i);
                return;
        }
        p->flags |= PROCESS_F_EXEC_ROOT;
        /* The command line may not be known (yet): then the engine's word on what it started last,
         * which is at most a second old when the process appears. */
        if (c->id[0] && rt->probe_started_ns && rt->probe_started_ns >= rt->exec_started_ns &&
                p->start_ns < rt->probe_started_ns + NSEC_PER_SEC &&
                p->start_ns + 2 * NSEC_PER_SEC > rt->probe_started_ns)
                p->flags |= PROCESS_F_HEALTHCHECK;
}

/* ---- once a second ---- */

/* So many are told one by one in a second. Of the others those become one event that follow each other and
 * have one holder: twenty thousand at once would overwrite in the ring what nobody has read yet. */
enum { TOLD_SINGLY = 64 };

struct announced {
        uint32_t told, last;
        uint64_t more;
};

static void tell_announced(struct world *w, uint32_t i, uint64_t n, uint64_t now_ns)
{
        const struct process *p = &w->b->process[i];
        uint32_t h = world_find(w, p->ppid);
        char text[100], how_many[32] = "";

        if (n > 1)
                snprintf(how_many, sizeof how_many, "%llu more ", (unsigned long long)n);
        snprintf(text, sizeof text, "%soutlived the grace period, held by pid %d (%.15s)", how_many, p->ppid,
                h ? w->b->process[h].comm : "?");
        world_event_of_many(w, EVENT_ZOMBIE, p->service, p, n, now_ns, text);
}

static void tell_more(struct world *w, struct announced *a, uint64_t now_ns)
{
        if (a->more)
                tell_announced(w, a->last, a->more, now_ns);
        a->more = 0;
}

static void announce(struct world *w, uint32_t i, struct announced *a, uint64_t now_ns)
{
        struct process *p = &w->b->process[i];

        p->flags |= PROCESS_F_ANNOUNCED;
        w->young--;
        if (w->announced)
                w->announced(w->emit_ctx, i);
        uint32_t h = world_find(w, p->ppid);
        uint16_t holder = h ? w->b->process[h].service : p->service;
        p->origin = (uint8_t)world_origin(w, i);
        if (!(p->flags & PROCESS_F_PRE_EXISTING))
                recent_push(&w->b->service[holder].zombie_births, p->exit_ns, 0);
        if (a->told++ < TOLD_SINGLY) {
                tell_announced(w, i, 1, now_ns);
                return;
        }
        const struct process *last = &w->b->process[a->last];
        if (a->more && (last->service != p->service || last->ppid != p->ppid))
                tell_more(w, a, now_ns);
        a->more++;
        a->last = i;
}

/* The list is ordered by discovery, and a scan may find old ones late: the walk goes on until it has
 * met all that were not announced yet. */
static bool announce_young(struct world *w, uint64_t now_ns)
{
        struct board *b = w->b;
        struct announced a = {0};
        uint32_t left = w->young;

        for (uint32_t i = b->ledger_head; i && left; i = b->process[i].list_next) {
                const struct process *p = &b->process[i];
                if (p->state != PROCESS_ZOMBIE || p->flags & PROCESS_F_ANNOUNCED)
                        continue;
                left--;
                if (now_ns - MIN(p->exit_ns, now_ns) >= b->grace_ns)
                        announce(w, i, &a, now_ns);
        }
        tell_more(w, &a, now_ns);
        return a.told > 0;
}

void world_recount(struct world *w, uint64_t now_ns)
{
        struct board *b = w->b;

        if (announce_young(w, now_ns))
                w->ledger_changed = true;
        if (!w->ledger_changed)
                return;
        w->ledger_changed = false;
        for (uint32_t s = 0; s < b->service_top; s++)
                b->service[s].held = 0;
        for (uint32_t i = b->ledger_head; i; i = b->process[i].list_next) {
                const struct process *p = &b->process[i];
                if (p->state != PROCESS_ZOMBIE || !(p->flags & PROCESS_F_ANNOUNCED))
                        continue;
                uint32_t h = world_find(w, p->ppid);
                b->service[h ? b->process[h].service : p->service].held++;
        }
}

void world_count_probes(struct world *w)
{
        struct board *b = w->b;
        bool any = false;

        for (uint32_t s = 1; s < b->service_top; s++) {
                b->service[s].probe_orphans = 0;
                any = any || b->service[s].has_health_check;
        }
        if (!any)
                return;
        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                const struct process *root = p;
                if (p->state != PROCESS_ALIVE || !b->service[p->service].has_health_check)
                        continue;
                for (uint32_t depth = 0; depth < WORLD_LINEAGE && !(root->flags & PROCESS_F_EXEC_ROOT);
                        depth++)
                        root = &b->process[root->parent];
                if (root != p && root->flags & PROCESS_F_EXEC_ROOT && root->state != PROCESS_ALIVE &&
                        origin_of_root(w, root) == ORIGIN_HEALTHCHECK)
                        b->service[p->service].probe_orphans++;
        }
}
