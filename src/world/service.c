/* Services and cgroups: which cgroup a process lives in, which service that cgroup is, and the counts
 * of the living. Names come from the cgroup's path at once; the container engine's names follow.
 */
#include "base/text.h"
#include "base/util.h"
#include "model/drill.h"
#include "source/cgroup/cgroup.h"
#include "world/world.h"

#include <math.h>
#include <string.h>

#define RECLAIM_AGE_NS   (3600 * NSEC_PER_SEC)
#define RECLAIM_PAUSE_NS (60 * NSEC_PER_SEC)

void recent_push(struct recent *r, uint64_t at_ns, int32_t value)
{
        uint32_t i = (uint32_t)(r->total % BOARD_RECENT);

        r->at_ns[i] = at_ns;
        r->value[i] = value;
        r->total++;
}

/* ---- services ---- */

static void service_clear(struct service *s)
{
        memset(s, 0, sizeof *s);
        s->memory_bytes = s->memory_limit_bytes = s->pids = s->pids_limit = BOARD_UNKNOWN;
        s->memory_slope_bytes_per_sec = NAN;
        s->psi_cpu = s->psi_memory = s->psi_io = NAN;
}

void world_services_carry(struct world *w)
{
        for (uint32_t i = 1; i < w->b->service_top; i++) {
                struct service *s = &w->b->service[i], before = *s;

                service_clear(s);
                before.id[sizeof before.id - 1] = before.image[sizeof before.image - 1] =
                        before.respawn_command[sizeof before.respawn_command - 1] = '\0';
                if (!before.name[0] || !memchr(before.name, '\0', sizeof before.name) || before.is_self ||
                        !before.kind || before.kind > SERVICE_CGROUP)
                        continue;
                memcpy(s->name, before.name, sizeof s->name);
                text_set(s->id, sizeof s->id, before.id);
                text_set(s->image, sizeof s->image, before.image);
                s->kind = before.kind;
                s->person_act = before.person_act;
                s->person_ns = before.person_ns;
                s->released_ns = before.released_ns;
                s->first_seen_ns = before.first_seen_ns;
                s->last_seen_ns = before.last_seen_ns;
                s->deployed_ns = before.deployed_ns;
                s->died_ns = before.died_ns;
                s->died_status = before.died_status;
                s->restarts = before.restarts;
                s->ooms = before.ooms;
                s->respawns = before.respawns;
                s->reexecs = before.reexecs;
                text_set(s->respawn_command, sizeof s->respawn_command, before.respawn_command);
                s->probe_timeouts = before.probe_timeouts;
                s->probe_failures = before.probe_failures;
                s->probe_runs = before.probe_runs;
                w->restarts_carried[i] = (uint32_t)MIN(before.restarts.total, (uint64_t)UINT32_MAX);
        }
}

/* The table is full of what was once: a container or a transient unit a day makes thousands in a year.
 * Those that nothing refers to and that nobody has seen for a while give way, all at once. */
static uint32_t reclaim(struct world *w)
{
        static bool used[BOARD_SERVICES];
        struct board *b = w->b;
        uint32_t freed = 0;

        if (w->reclaimed_ns && b->updated_ns - w->reclaimed_ns < RECLAIM_PAUSE_NS)
                return 0;
        w->reclaimed_ns = b->updated_ns;
        memset(used, 0, sizeof used);
        for (uint32_t i = 1; i < b->process_top; i++)
                used[b->process[i].service] |= b->process[i].state != PROCESS_FREE;
        for (uint32_t i = 1; i < w->cgroup_top; i++)
                used[w->cgroup[i].service] = true;
        for (uint32_t i = 1; i < b->container_top; i++)
                used[b->container[i].service] = true;
        for (uint32_t i = 0; i < BOARD_FINDINGS; i++)
                used[b->finding[i].service] = true;
        for (uint32_t i = 1; i < b->service_top; i++) {
                const struct service *s = &b->service[i];
                uint64_t seen_ns = MAX(s->first_seen_ns, s->last_seen_ns);
                if (used[i] || s->kind == SERVICE_KERNEL || s->kind == SERVICE_HOST || s->is_self ||
                        b->updated_ns - MIN(seen_ns, b->updated_ns) < RECLAIM_AGE_NS)
                        continue;
                memset(&b->service[i], 0, sizeof b->service[i]);
                freed = freed ? freed : i;
        }
        return freed;
}

uint16_t world_service(struct world *w, const char *name, enum service_kind kind)
{
        struct board *b = w->b;
        uint32_t unused = 0;

        for (uint32_t i = 1; i < b->service_top; i++) {
                if (!b->service[i].kind)
                        unused = unused ? unused : i;
                else if (!strcmp(b->service[i].name, name))
                        return (uint16_t)i;
        }
        if (!unused && b->service_top < BOARD_SERVICES)
                unused = b->service_top++;
        if (!unused)
                unused = reclaim(w);
        if (!unused) {
                b->self.overflow_services++;
                return 0;
        }
        struct service *s = &b->service[unused];
        service_clear(s);
        text_set(s->name, sizeof s->name, name);
        s->kind = (uint8_t)kind;
        s->is_drill = kind == SERVICE_CGROUP && drill_pid(name, DRILL_GROUP);
        s->first_seen_ns = b->updated_ns;
        return (uint16_t)unused;
}

static bool is_living(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER;
}

/* Adds (by = 1) or takes (by = -1) a process with its threads to or from its service's counts. */
static void service_count(struct world *w, const struct process *p, int by)
{
        struct service *s = &w->b->service[p->service];

        if (is_living(p)) {
                s->processes += (uint32_t)by;
                s->threads += (uint32_t)by * p->threads;
        }
        if (p->state == PROCESS_LEADER)
                s->leaders += (uint32_t)by;
        if (p->state == PROCESS_ZOMBIE)
                s->zombies += (uint32_t)by;
}

/* A drill plays a unit. */
static bool is_unit(const struct service *s)
{
        return s->kind == SERVICE_SYSTEMD || s->is_drill;
}

/* A unit whose last process died badly and that is populated again has been restarted by systemd. */
static void note_unit_restart(struct service *s, uint64_t now_ns)
{
        if (is_unit(s) && s->processes == 1 && s->died_ns && s->died_status > 0 &&
                now_ns - MIN(s->died_ns, now_ns) < 300 * NSEC_PER_SEC) {
                recent_push(&s->restarts, now_ns, s->died_status >> 8 & 0xff);
                s->died_ns = 0;
        }
}

static void note_drill(struct board *b, struct service *s)
{
        uint64_t unseen = b->updated_ns - MIN(s->last_seen_ns, b->updated_ns);

        if (s->is_drill && s->processes == 1 && (!s->drill_ns || unseen > DRILL_PAUSE * NSEC_PER_SEC))
                b->drill_ns = s->drill_ns = b->updated_ns;
}

void world_set_service(struct world *w, uint32_t i, uint16_t service)
{
        struct process *p = &w->b->process[i];

        if (p->flags & PROCESS_F_KTHREAD)
                service = w->kernel_service;
        else if (p->flags & PROCESS_F_SELF)
                service = w->self_service;
        service_count(w, p, -1);
        p->service = service;
        service_count(w, p, 1);
        note_drill(w->b, &w->b->service[service]);
        w->b->service[service].last_seen_ns = w->b->updated_ns;
        note_unit_restart(&w->b->service[service], w->b->updated_ns);
}

void world_threads(struct world *w, uint32_t i, int by)
{
        struct process *p = &w->b->process[i];

        if (!is_living(p) || (by < 0 && p->threads <= (uint32_t)-by))
                return;
        p->threads += (uint32_t)by;
        w->b->service[p->service].threads += (uint32_t)by;
}

/* ---- cgroups ---- */

static uint32_t cgroup_bucket(const char *path)
{
        return text_hash(path) % (WORLD_BUCKETS / 16);
}

static uint16_t name_service(struct world *w, struct world_cgroup *g)
{
        char name[BOARD_NAME];
        uint32_t root_len = 0;

        switch (cgroup_classify(g->path, name, &root_len)) {
        case CGROUP_OWNER_ROOT:
                return world_service(w, "/", SERVICE_HOST);
        case CGROUP_OWNER_CONTAINER:
                g->container = (uint16_t)world_container_find(w, name);
                if (g->container && w->b->container[g->container].service)
                        return w->b->container[g->container].service;
                /* until the engine tells its name: the short id, as `docker ps` shows it */
                name[12] = '\0';
                return world_service(w, name, SERVICE_CONTAINER);
        case CGROUP_OWNER_UNIT:
                return world_service(w, name, SERVICE_SYSTEMD);
        case CGROUP_OWNER_SESSION:
                return world_service(w, name, SERVICE_SESSION);
        case CGROUP_OWNER_OTHER:
                break;
        }
        return world_service(w, name, SERVICE_CGROUP);
}

uint32_t world_cgroup_find(const struct world *w, const char *path)
{
        uint32_t i;

        for (i = w->cgroup_bucket[cgroup_bucket(path)]; i; i = w->cgroup[i].hash_next)
                if (!strcmp(w->cgroup[i].path, path))
                        return i;
        return 0;
}

uint32_t world_cgroup(struct world *w, const char *path)
{
        uint32_t h = cgroup_bucket(path), i = world_cgroup_find(w, path), unused = 0;

        if (i)
                return i;
        for (i = 1; i < w->cgroup_top && !unused; i++)
                if (!w->cgroup[i].path[0])
                        unused = i;
        if (!unused && w->cgroup_top < WORLD_CGROUPS)
                unused = w->cgroup_top++;
        if (!unused) {
                w->b->self.overflow_services++;
                return 1; /* full: its processes count as the host's */
        }
        struct world_cgroup *g = &w->cgroup[unused];
        *g = (struct world_cgroup){.hash_next = w->cgroup_bucket[h]};
        w->cgroup_bucket[h] = unused;
        text_set(g->path, sizeof g->path, path);
        g->service = name_service(w, g);
        return unused;
}

static uint32_t id_place(uint64_t id)
{
        return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) % WORLD_IDS;
}

uint32_t world_cgroup_by_id(const struct world *w, uint64_t id)
{
        uint32_t k = id_place(id);

        return id && w->cgroup_of_id[k].id == id ? w->cgroup_of_id[k].cgroup : 0;
}

void world_cgroup_has_id(struct world *w, uint32_t cgroup, uint64_t id)
{
        uint32_t k = id_place(id);

        if (id) {
                w->cgroup_of_id[k].id = id;
                w->cgroup_of_id[k].cgroup = cgroup;
        }
}

void world_cgroup_forget(struct world *w, uint32_t cgroup)
{
        struct world_cgroup *g = &w->cgroup[cgroup];
        uint32_t *p = &w->cgroup_bucket[cgroup_bucket(g->path)];

        while (*p && *p != cgroup)
                p = &w->cgroup[*p].hash_next;
        if (*p)
                *p = g->hash_next;
        for (uint32_t k = 0; k < WORLD_IDS; k++)
                if (w->cgroup_of_id[k].cgroup == cgroup)
                        w->cgroup_of_id[k].id = 0;
        memset(g, 0, sizeof *g);
}

bool world_cgroup_has_zombies(const struct world *w, uint32_t cgroup)
{
        return w->cgroup[cgroup].zombies;
}

void world_place_zombie(struct world *w, uint32_t i, uint32_t cgroup)
{
        struct process *p = &w->b->process[i];

        w->cgroup[p->cgroup].zombies--;
        w->cgroup[cgroup].zombies++;
        p->cgroup = cgroup;
        world_set_service(w, i, w->cgroup[cgroup].service);
}

static void group_leave(struct world *w, uint32_t cgroup)
{
        struct world_cgroup *g = &w->cgroup[cgroup];

        if (!g->processes || --g->processes)
                return;
        g->empty_since_ns = w->b->updated_ns;
        if (w->emptied)
                w->emptied(w->emit_ctx, cgroup);
}

void world_leave(struct world *w, uint32_t i)
{
        struct process *p = &w->b->process[i];

        if (!is_living(p))
                return;
        service_count(w, p, -1);
        if (p->state == PROCESS_LEADER)
                w->b->service[p->service].leaders++; /* the caller takes it out with its own count */
        struct service *s = &w->b->service[p->service];
        if (is_unit(s) && !s->processes) {
                s->died_ns = w->b->updated_ns;
                s->died_status = p->exit_status;
        }
        if (p->cgroup)
                group_leave(w, p->cgroup);
}

static bool in_container(const struct world *w, const struct process *p, uint16_t container)
{
        return p->cgroup && w->cgroup[p->cgroup].container == container;
}

void world_set_cgroup(struct world *w, uint32_t i, uint32_t cgroup)
{
        struct process *p = &w->b->process[i];
        struct world_cgroup *g = &w->cgroup[cgroup];

        if (p->cgroup == cgroup || !cgroup)
                return;
        if (p->cgroup && is_living(p))
                group_leave(w, p->cgroup);
        if (p->state == PROCESS_ZOMBIE) {
                w->cgroup[p->cgroup].zombies--;
                g->zombies++;
        }
        p->cgroup = cgroup;
        if (is_living(p)) {
                g->processes++;
                g->empty_since_ns = 0;
                if (!g->born_seen && g->processes == 1 && !(p->flags & PROCESS_F_PRE_EXISTING))
                        g->born_seen = true;
        }
        world_set_service(w, i, g->service);
        if (w->b->service[g->service].kind != SERVICE_COMPOSE &&
                w->b->service[g->service].kind != SERVICE_CONTAINER)
                return;
        /* Born outside, living inside: the container's PID 1, or an exec into it. */
        const struct process *parent = &w->b->process[p->parent];
        if (p->parent && in_container(w, parent, g->container) && parent->service == p->service)
                return;
        if (w->entered)
                w->entered(w->emit_ctx, i);
}
