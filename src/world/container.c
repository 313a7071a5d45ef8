/* Containers: the engine's records and events, and what they mean for services: names learnt late,
 * deploys, restarts by policy or by a person, health checks.
 */
#include "base/text.h"
#include "base/util.h"
#include "world/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
        OOM_TOLD_TWICE_SEC = 10, /* counters are read every few seconds */
        OOM_AHEAD_MAX = 1 << 20,
};

uint32_t world_container_find(const struct world *w, const char *id)
{
        for (uint32_t i = 1; i < w->b->container_top; i++)
                if (!strcmp(w->b->container[i].id, id))
                        return i;
        return 0;
}

static uint32_t find_or_take(struct world *w, const char *id)
{
        struct board *b = w->b;
        uint32_t i = world_container_find(w, id), unused = 0;

        if (i)
                return i;
        for (i = 1; i < b->container_top && !unused; i++)
                if (!b->container[i].id[0])
                        unused = i;
        if (!unused && b->container_top < BOARD_CONTAINERS)
                unused = b->container_top++;
        if (unused) {
                memset(&b->container[unused], 0, sizeof b->container[unused]);
                memset(&w->container[unused], 0, sizeof w->container[unused]);
                text_set(b->container[unused].id, sizeof b->container[unused].id, id);
        }
        return unused;
}

static void service_name(const struct container *c, char name[BOARD_NAME])
{
        if (c->label_name[0])
                text_set(name, BOARD_NAME, c->label_name);
        else if (c->project[0] && c->compose_service[0])
                snprintf(name, BOARD_NAME, "%s/%s", c->project, c->compose_service);
        else if (c->name[0])
                text_set(name, BOARD_NAME, c->name);
        else
                text_copy(name, BOARD_NAME, c->id, 12);
        /* A container must not pass for the kernel, the host or Sexton, whom nobody blames. */
        static const char *const reserved[] = {"kernel", "sexton", "/", "(other)"};
        for (size_t k = 0; k < ARRAY_SIZE(reserved); k++)
                if (!strcmp(name, reserved[k])) {
                        snprintf(name, BOARD_NAME, "%s (container)", reserved[k]);
                        return;
                }
}

static void move_moments(struct recent *to, const struct recent *from)
{
        uint32_t kept = (uint32_t)MIN(from->total, (uint64_t)BOARD_RECENT);

        if (!to->total) {
                *to = *from;
                return;
        }
        for (uint64_t k = from->total - kept; k < from->total; k++)
                recent_push(to, from->at_ns[k % BOARD_RECENT], from->value[k % BOARD_RECENT]);
}

/* What happened in it before its name was known. */
static void move_past(struct service *to, const struct service *from)
{
        static const size_t moments[] = {offsetof(struct service, restarts),
                offsetof(struct service, zombie_births), offsetof(struct service, ooms),
                offsetof(struct service, respawns), offsetof(struct service, reexecs),
                offsetof(struct service, probe_timeouts), offsetof(struct service, probe_failures),
                offsetof(struct service, probe_runs)};

        for (size_t k = 0; k < ARRAY_SIZE(moments); k++)
                move_moments((struct recent *)(void *)((char *)to + moments[k]),
                        (const struct recent *)(const void *)((const char *)from + moments[k]));
        to->cpu_ns += from->cpu_ns;
        if (to->cpu_exited_ns != BOARD_UNKNOWN)
                to->cpu_exited_ns = from->cpu_exited_ns == BOARD_UNKNOWN
                                            ? BOARD_UNKNOWN
                                            : to->cpu_exited_ns + from->cpu_exited_ns;
        to->probe_cpu_ns += from->probe_cpu_ns;
        to->forks += from->forks;
        to->execs += from->execs;
        to->deaths += from->deaths;
        to->deaths_signalled += from->deaths_signalled;
        to->oom_kills += from->oom_kills;
        to->oom_events += from->oom_events;
        to->throttled_ns += from->throttled_ns;
        to->throttled_periods += from->throttled_periods;
        to->periods += from->periods;
        to->restarts_before += from->restarts_before;
        to->probes_open += from->probes_open;
        to->fork_rate += from->fork_rate;
        if (!to->respawn_command[0])
                memcpy(to->respawn_command, from->respawn_command, sizeof to->respawn_command);
        if (from->person_ns > to->person_ns) {
                to->person_ns = from->person_ns;
                to->person_act = from->person_act;
        }
        to->released_ns = MAX(to->released_ns, from->released_ns);
        if (from->first_seen_ns && from->first_seen_ns < to->first_seen_ns)
                to->first_seen_ns = from->first_seen_ns;
}

/* All that belonged to the placeholder belongs to the named service from now on. */
static void move_service(struct world *w, uint16_t from, uint16_t to)
{
        struct board *b = w->b;

        for (uint32_t i = 1; i < b->process_top; i++)
                if (b->process[i].state != PROCESS_FREE && b->process[i].service == from)
                        world_set_service(w, i, to);
        for (uint32_t i = 1; i < w->cgroup_top; i++)
                if (w->cgroup[i].path[0] && w->cgroup[i].service == from)
                        w->cgroup[i].service = to;
        for (uint32_t i = 1; i < b->container_top; i++)
                if (b->container[i].id[0] && b->container[i].service == from)
                        b->container[i].service = to;
        for (uint32_t i = 0; i < WORLD_RESPAWNS; i++)
                if (w->respawn[i].service == from)
                        w->respawn[i].service = to;
        for (uint32_t i = 0; i < w->death_count; i++)
                if (w->death[i].service == from)
                        w->death[i].service = to;
        if (!w->oom_told[to].at_sec)
                w->oom_told[to] = w->oom_told[from];
        w->oom_told[from] = (struct world_oom_told){0};
        move_past(&b->service[to], &b->service[from]);
        if (w->moved)
                w->moved(w->emit_ctx, from, to);
        memset(&b->service[from], 0, sizeof b->service[from]);
        w->ledger_changed = true;
}

static uint16_t name_container(struct world *w, const struct container *c)
{
        char name[BOARD_NAME], short_id[16];
        struct board *b = w->b;
        enum service_kind kind = c->project[0] && c->compose_service[0] ? SERVICE_COMPOSE : SERVICE_CONTAINER;
        uint16_t placeholder = 0;

        service_name(c, name);
        text_copy(short_id, sizeof short_id, c->id, 12);
        for (uint16_t i = 1; i < b->service_top && !placeholder; i++)
                if (b->service[i].kind == SERVICE_CONTAINER && !strcmp(b->service[i].name, short_id))
                        placeholder = i;
        uint16_t service = world_service(w, name, kind);
        if (service)
                b->service[service].kind = (uint8_t)kind;
        if (placeholder && service && placeholder != service)
                move_service(w, placeholder, service);
        return service;
}

/* Once for each: a label that is passed over must not be so in silence. */
static void tell_bad_labels(struct world *w, uint16_t service, uint8_t before, uint8_t bad, uint64_t now_ns)
{
        static const struct {
                enum label_bad bad;
                const char *text;
        } rows[] = {
                {LABEL_BAD_MODE, "label sexton.mode wants observe or enforce; it is passed over"},
                {LABEL_BAD_LADDER, "label sexton.ladder wants steps such as weight,quota,freeze; what isn't "
                                   "one is passed over"},
                {LABEL_BAD_BUDGET,
                        "label sexton.restart-budget wants restarts/span such as 3/1h; it is passed over"},
                {LABEL_BAD_CPU,
                        "label sexton.cpu-max wants a number of cores such as 0.5; it is passed over"},
                {LABEL_BAD_MEMORY, "label sexton.memory-max wants a size such as 512m; it is passed over"},
        };

        for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
                if ((bad & rows[k].bad) && !(before & rows[k].bad))
                        world_event(w, EVENT_CONFIG, service, NULL, now_ns, NAN, rows[k].text);
}

static void person_did(struct service *s, enum person_act act, uint64_t at_ns)
{
        s->person_act = (uint8_t)act;
        s->person_ns = at_ns;
}

/* In what the new container differs from the last one, as far as it is known yet. */
static const char *deploy_of(const struct service *s, const struct container *c)
{
        if (s->image[0] && strcmp(s->image, c->image))
                return "new image";
        if (s->config_hash[0] && c->config_hash[0] && strcmp(s->config_hash, c->config_hash))
                return "new configuration";
        return "new container";
}

static void describe_service(
        struct world *w, uint16_t index, const struct container *c, bool is_new, uint64_t now_ns)
{
        struct board *b = w->b;
        struct service *s = &b->service[index];
        bool other_id = strcmp(s->id, c->id);

        /* Of several containers the service shows a running one: an exited sibling, or the one that a
         * redeploy just replaced, must not hide it. */
        if (other_id && s->id[0] && c->state != CONTAINER_RUNNING && s->state == CONTAINER_RUNNING)
                return;
        if (other_id) {
                /* Replicas take turns in being told of; only one that is new to us was deployed. */
                if (is_new && (c->started_ns > w->started_ns || (s->id[0] && !c->started_ns))) {
                        s->deployed_ns = now_ns;
                        world_event(w, EVENT_DEPLOY, index, NULL, now_ns, NAN, deploy_of(s, c));
                }
                text_set(s->id, sizeof s->id, c->id);
        }
        text_set(s->image, sizeof s->image, c->image);
        text_set(s->image_id, sizeof s->image_id, c->image_id);
        text_set(s->config_hash, sizeof s->config_hash, c->config_hash);
        s->state = c->state;
        s->health = c->health;
        s->policy = c->policy;
        s->has_init = c->init;
        s->has_health_check = c->health_command[0];
        s->health_shell = c->health_shell;
        bool other_check = strcmp(s->health_command, c->health_command);
        text_set(s->health_command, sizeof s->health_command, c->health_command);
        if (other_check)
                world_origins_again(w, index);
        s->health_interval_ns = c->health_interval_ns;
        s->health_timeout_ns = c->health_timeout_ns;
        s->ignore_zombies = c->label_zombies_ignore;
        s->protect = c->label_protect;
        s->autoheal = c->label_autoheal;
        tell_bad_labels(w, index, s->labels.bad, c->labels.bad, now_ns);
        s->labels = c->labels;
        s->containers = 0;
        for (uint32_t i = 1; i < b->container_top; i++)
                if (b->container[i].id[0] && b->container[i].service == index &&
                        b->container[i].state == CONTAINER_RUNNING)
                        s->containers++;
}

void world_container(struct world *w, const struct container *c, uint64_t now_ns)
{
        uint32_t i = find_or_take(w, c->id);

        if (!i)
                return;
        uint16_t service = name_container(w, c);
        w->b->container[i] = *c;
        w->b->container[i].service = service;
        w->container[i].seen_by_sync = true;
        bool is_new = !w->container[i].recorded;
        w->container[i].recorded = true;
        if (is_new && service) {
                uint32_t carried = MIN(w->restarts_carried[service], c->restart_count);

                w->restarts_carried[service] -= carried;
                w->b->service[service].restarts_before +=
                        c->restart_count - MIN(c->restart_count, w->container[i].restarts + carried);
        }
        for (uint32_t g = 1; g < w->cgroup_top; g++)
                if (w->cgroup[g].path[0] && strstr(w->cgroup[g].path, c->id)) {
                        w->cgroup[g].container = (uint16_t)i;
                        if (service && w->cgroup[g].service && w->cgroup[g].service != service)
                                move_service(w, w->cgroup[g].service, service);
                }
        if (service)
                describe_service(w, service, &w->b->container[i], is_new, now_ns);
}

/* The engine's word replaces what was seen. */
static void told_of_return(struct world *w, uint32_t i)
{
        if (w->container[i].returned)
                w->b->service[w->b->container[i].service].returned_ns = 0;
        w->container[i].returned = false;
}

void world_containers_synced(struct world *w, bool begin)
{
        struct board *b = w->b;

        for (uint32_t i = 1; i < b->container_top; i++) {
                if (begin) {
                        w->container[i].seen_by_sync = false;
                } else if (b->container[i].id[0] && !w->container[i].seen_by_sync) {
                        uint16_t s = b->container[i].service;
                        if (s && !strcmp(b->service[s].id, b->container[i].id))
                                b->service[s].state = CONTAINER_REMOVED;
                        told_of_return(w, i);
                        memset(&b->container[i], 0, sizeof b->container[i]);
                }
        }
}

/* ---- events ---- */

/* How many of n kills the other one hasn't told of already. */
static uint64_t oom_news(struct world_oom_told *t, bool by_engine, uint64_t n, uint64_t now_ns)
{
        const uint32_t now_sec = (uint32_t)(now_ns / NSEC_PER_SEC);
        const int32_t told = (int32_t)MIN(n, (uint64_t)OOM_AHEAD_MAX);

        if (now_sec > t->at_sec + OOM_TOLD_TWICE_SEC)
                t->engine_ahead = 0;
        int32_t other = by_engine ? -t->engine_ahead : t->engine_ahead;
        t->at_sec = now_sec;
        t->engine_ahead += by_engine ? told : -told;
        t->engine_ahead = MAX(MIN(t->engine_ahead, (int32_t)OOM_AHEAD_MAX), -(int32_t)OOM_AHEAD_MAX);
        return n - MIN(n, (uint64_t)MAX(other, 0));
}

void world_oom(struct world *w, uint16_t service, bool by_engine, uint64_t n, uint64_t now_ns)
{
        struct service *s = &w->b->service[service];

        n = oom_news(&w->oom_told[service], by_engine, n, now_ns);
        if (!n)
                return;
        s->oom_kills += n;
        for (uint64_t k = 0; k < MIN(n, (uint64_t)BOARD_RECENT); k++)
                recent_push(&s->ooms, now_ns, 0);
        world_event(
                w, EVENT_OOM, service, NULL, now_ns, (double)n, "killed for want of memory inside its limit");
}

static void started(struct world *w, uint32_t i, bool replayed, uint64_t at_ns)
{
        struct world_container *rt = &w->container[i];
        struct container *c = &w->b->container[i];
        struct service *s = &w->b->service[c->service];
        char text[100];

        c->state = s->state = CONTAINER_RUNNING;
        if (!rt->died_ns) {
                world_event(w, EVENT_START, c->service, NULL, at_ns, NAN, "started");
                return;
        }
        bool person = rt->person_stop_ns != 0;
        if (person)
                snprintf(text, sizeof text, "started again by a person");
        else if (rt->recorded && c->policy == RESTART_NO)
                snprintf(text, sizeof text,
                        "started again after exit code %d, by somebody else than its policy", rt->died_code);
        else
                snprintf(text, sizeof text, "restarted by its policy after exit code %d", rt->died_code);
        if (person) {
                person_did(s, PERSON_START, at_ns);
        } else {
                recent_push(&s->restarts, at_ns, rt->died_code);
                rt->restarts++;
                if (replayed && s->restarts_before)
                        s->restarts_before--; /* the engine's count holds it */
        }
        world_event(w, EVENT_RESTART, c->service, NULL, at_ns, rt->died_code, text);
        rt->person_stop_ns = rt->died_ns = 0;
        told_of_return(w, i);
}

void world_container_runs(struct world *w, uint32_t p)
{
        const struct process *init = &w->b->process[p];
        uint16_t i = w->cgroup[init->cgroup].container;
        struct world_container *rt = &w->container[i];
        struct service *s = &w->b->service[w->b->container[i].service];

        /* An exec in the life before may be heard of after its death. */
        if (s == w->b->service || !rt->died_ns || rt->person_stop_ns || init->start_ns <= rt->died_ns)
                return;
        s->returned_ns = init->start_ns;
        s->returned_code = rt->died_code;
        w->returned |= !rt->returned;
        rt->returned = true;
}

static void died(struct world *w, uint32_t i, const struct engine_event *e, uint64_t at_ns)
{
        struct container *c = &w->b->container[i];
        struct service *s = &w->b->service[c->service];
        struct process dead = {.pid = c->init_pid, .exit_status = e->code << 8, .cpu_ns = BOARD_UNKNOWN};
        char text[100];

        w->container[i].died_ns = at_ns;
        w->container[i].died_code = e->code;
        c->exit_code = e->code;
        c->state = CONTAINER_EXITED;
        if (!strcmp(s->id, c->id))
                s->state = CONTAINER_EXITED;
        s->probes_open = 0;
        told_of_return(w, i);
        if (isnan(e->value))
                snprintf(text, sizeof text, "container died, exit code %d", e->code);
        else
                snprintf(text, sizeof text, "container died after %.0f s, exit code %d", e->value, e->code);
        world_event(w, EVENT_DIE, c->service, &dead, at_ns, e->code, text);
}

static void probe_ended(struct world *w, uint32_t i, const struct engine_event *e, uint64_t at_ns)
{
        struct container *c = &w->b->container[i];
        struct service *s = &w->b->service[c->service];
        char text[100];

        if (s->probes_open)
                s->probes_open--;
        recent_push(&s->probe_runs, at_ns, isnan(e->value) ? 0 : (int32_t)(e->value * 1000));
        if (e->timed_out) {
                recent_push(&s->probe_timeouts, at_ns, e->code);
                snprintf(text, sizeof text, "health check timed out after %.1f s",
                        (double)c->health_timeout_ns / 1e9);
                world_event(w, EVENT_HEALTH_TIMEOUT, c->service, NULL, at_ns, e->value, text);
        } else if (e->code) {
                recent_push(&s->probe_failures, at_ns, e->code);
                snprintf(text, sizeof text, "health check failed, exit code %d", e->code);
                world_event(w, EVENT_HEALTH_FAIL, c->service, NULL, at_ns, e->code, text);
        }
}

static void health_changed(struct world *w, uint32_t i, const struct engine_event *e, uint64_t at_ns)
{
        struct container *c = &w->b->container[i];

        c->health = (uint8_t)e->code;
        w->b->service[c->service].health = c->health;
        if (e->code == HEALTH_HEALTHY)
                world_event(w, EVENT_HEALTH_OK, c->service, NULL, at_ns, NAN, "became healthy");
        else if (e->code == HEALTH_UNHEALTHY)
                world_event(w, EVENT_HEALTH_FAIL, c->service, NULL, at_ns, NAN, "became unhealthy");
}

void world_container_event(struct world *w, const struct engine_event *e, uint64_t now_ns)
{
        uint32_t i = find_or_take(w, e->id);
        struct world_container *rt = &w->container[i];

        if (!i)
                return;
        struct container *c = &w->b->container[i];
        /* Its record is still to come, or was lost on the way: until then it goes by its id. */
        if (!c->service && e->kind != CONTAINER_EVENT_DESTROY)
                c->service = name_container(w, c);
        struct service *s = &w->b->service[c->service];
        switch ((enum container_event)e->kind) {
        case CONTAINER_EVENT_START:
                started(w, i, e->replayed, now_ns);
                break;
        case CONTAINER_EVENT_DIE:
                died(w, i, e, now_ns);
                break;
        case CONTAINER_EVENT_STOP:
                rt->person_stop_ns = now_ns;
                told_of_return(w, i);
                person_did(s, PERSON_STOP, now_ns);
                world_event(w, EVENT_STOP, c->service, NULL, now_ns, NAN, "stopped by a person or a tool");
                break;
        case CONTAINER_EVENT_PAUSE:
                c->state = s->state = CONTAINER_PAUSED;
                person_did(s, PERSON_PAUSE, now_ns);
                break;
        case CONTAINER_EVENT_UNPAUSE:
                c->state = s->state = CONTAINER_RUNNING;
                person_did(s, PERSON_UNPAUSE, now_ns);
                break;
        case CONTAINER_EVENT_DESTROY:
                if (!strcmp(s->id, c->id))
                        s->state = CONTAINER_REMOVED;
                told_of_return(w, i);
                memset(c, 0, sizeof *c);
                break;
        case CONTAINER_EVENT_OOM:
                s->oom_events++;
                world_oom(w, c->service, true, 1, now_ns);
                break;
        case CONTAINER_EVENT_HEALTH:
                health_changed(w, i, e, now_ns);
                break;
        case CONTAINER_EVENT_PROBE_START:
                rt->probe_started_ns = now_ns;
                s->probes_open++;
                break;
        case CONTAINER_EVENT_PROBE_END:
                probe_ended(w, i, e, now_ns);
                break;
        case CONTAINER_EVENT_EXEC_START:
                rt->exec_started_ns = now_ns;
                break;
        case CONTAINER_EVENT_UPDATE:
                person_did(s, PERSON_UPDATE, now_ns);
                break;
        case CONTAINER_EVENT_CREATE:
        case CONTAINER_EVENT_RESTART: /* its die and start were counted */
        case CONTAINER_EVENT_RENAME:
        case CONTAINER_EVENT_EXEC_END:
                break; /* a fresh record follows where it matters */
        }
}
