/* Where a process lives: which control group, and so which service. BPF tells the kernel's id of the group
 * with every birth, exec and move, from which the path follows without asking the process; else, and where
 * an id alone doesn't tell, /proc is read for those that still live at the end of the batch.
 */
#include "guard/guard.h"

#include "source/proc/process.h"

#include <errno.h>
#include <string.h>

enum { RESOLVE_READS = 256 }; /* /proc reads per drain */

/* ---- from a path or an id to a group ---- */

static uint32_t group_of_path(struct guard *g, char path[CGROUP_PATH])
{
        char name[BOARD_NAME];
        uint32_t root = 0;

        if (cgroup_classify(path, name, &root) == CGROUP_OWNER_CONTAINER && root < CGROUP_PATH)
                path[root] = '\0'; /* groups inside the container are the container's */
        uint32_t group = world_cgroup(&g->world, path);
        if (!g->world.cgroup[group].processes) {
                guard_group_seen(g, group);
                guard_act_group_seen(g);
        }
        return group;
}

static uint32_t group_of_id(struct guard *g, uint64_t id)
{
        uint32_t group = world_cgroup_by_id(&g->world, id);
        char path[CGROUP_PATH];

        if (group || g->no_paths_of_ids)
                return group;
        int r = cgroup_path_of_id(&g->layout, id, path);
        if (r < 0) {
                /* one that is gone says nothing of the others */
                g->no_paths_of_ids = r != -ESTALE && r != -ENOENT && r != -ENAMETOOLONG;
                return 0;
        }
        group = group_of_path(g, path);
        world_cgroup_has_id(&g->world, group, id);
        return group;
}

static bool is_contained(const struct guard *g, const struct process *p)
{
        uint8_t kind = g->board->service[p->service].kind;

        return kind == SERVICE_COMPOSE || kind == SERVICE_CONTAINER;
}

static void place(struct guard *g, uint32_t i, uint32_t group)
{
        if (g->board->process[i].state == PROCESS_ZOMBIE)
                world_place_zombie(&g->world, i, group);
        else
                world_set_cgroup(&g->world, i, group);
}

bool guard_place_by_id(struct guard *g, uint32_t i, uint64_t id)
{
        const struct process *p = &g->board->process[i];
        const struct world_cgroup *now = &g->world.cgroup[p->cgroup];

        if (!id || p->flags & PROCESS_F_KTHREAD)
                return id;
        if (p->cgroup && now->id == id)
                return true;
        uint32_t group = group_of_id(g, id);
        if (!group || group == p->cgroup)
                return group;
        /* With several hierarchies the id is of one of them. It names containers, whatever the others say; a
         * unit's or a session's group may not be in it, and its processes then are in an ancestor's there. */
        uint8_t kind = g->board->service[g->world.cgroup[group].service].kind;
        if (!cgroup_ids_tell_all(&g->layout) && kind != SERVICE_COMPOSE && kind != SERVICE_CONTAINER &&
                (group == 1 || (p->cgroup && !now->id)))
                return false;
        place(g, i, group);
        return true;
}

void guard_resolve(struct guard *g, uint32_t i)
{
        struct process *p = &g->board->process[i];
        char text[4096], path[CGROUP_PATH];

        if (p->flags & PROCESS_F_KTHREAD || proc_read_cgroup(g->proc_fd, p->pid, text, sizeof text) < 0 ||
                !cgroup_parse(text, path))
                return;
        world_set_cgroup(&g->world, i, group_of_path(g, path));
}

/* ---- queues ---- */

void guard_want_resolve(struct guard *g, uint32_t i)
{
        struct process *p = &g->board->process[i];

        if (p->flags & PROCESS_F_RESOLVE || g->resolve_count == GUARD_QUEUE)
                return; /* when the queue is full, settling catches those that live on */
        p->flags |= PROCESS_F_RESOLVE;
        g->resolve[g->resolve_count++] = i;
}

/* Dead before it could be looked at: who is born in a container never leaves it. */
static void place_by_parent(struct guard *g, uint32_t i)
{
        const struct process *p = &g->board->process[i], *parent = &g->board->process[p->parent];

        if (p->state != PROCESS_FREE && p->parent && !is_contained(g, p) && is_contained(g, parent))
                world_set_cgroup(&g->world, i, parent->cgroup);
}

void guard_resolve_queue(struct guard *g)
{
        for (uint32_t k = 0; k < g->resolve_count; k++) {
                uint32_t i = g->resolve[k];
                struct process *p = &g->board->process[i];
                struct proc_stat st;
                p->flags &= (uint16_t)~PROCESS_F_RESOLVE;
                if (p->state != PROCESS_ALIVE)
                        place_by_parent(g, i);
                if (p->state != PROCESS_ALIVE || k >= RESOLVE_READS)
                        continue;
                if (proc_read_stat(g->proc_fd, p->pid, &st) < 0)
                        continue;
                memcpy(p->comm, st.comm, sizeof p->comm);
                p->sid = st.sid;
                guard_resolve(g, i);
                if (!p->command)
                        guard_ask_command(g, i);
        }
        g->resolve_count = 0;
}

void guard_want_settle(struct guard *g, uint32_t i, uint64_t now_ns)
{
        uint32_t slot = g->settle_head++ % GUARD_QUEUE;

        g->settle[slot].process = i;
        g->settle[slot].pid = g->board->process[i].pid;
        g->settle[slot].born_ns = now_ns;
        if (g->settle_head - g->settle_tail > GUARD_QUEUE)
                g->settle_tail = g->settle_head - GUARD_QUEUE;
}

void guard_settle(struct guard *g, uint64_t now_ns)
{
        while (g->settle_tail != g->settle_head) {
                uint32_t slot = g->settle_tail % GUARD_QUEUE;
                if (now_ns < g->settle[slot].born_ns + NSEC_PER_SEC)
                        break;
                uint32_t i = g->settle[slot].process;
                struct process *p = &g->board->process[i];
                g->settle_tail++;
                if (p->state != PROCESS_ALIVE || p->pid != g->settle[slot].pid ||
                        p->flags & PROCESS_F_SETTLED)
                        continue;
                p->flags |= PROCESS_F_SETTLED;
                guard_resolve(g, i);
                if (!p->command && !(p->flags & PROCESS_F_KTHREAD))
                        guard_ask_command(g, i);
        }
}
