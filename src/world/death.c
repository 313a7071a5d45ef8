/* Deaths: the record of each, the accounts it settles, and the loops it reveals. Like deaths within
 * one second become one event with a count, so that a storm costs a line and not the ring.
 */
#include "base/text.h"
#include "base/util.h"
#include "world/world.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"

static void fill_event(struct world *w, struct event *e, enum event_kind kind, uint16_t service,
        const struct process *p, uint64_t at_ns)
{
        *e = (struct event){
                .time_ns = at_ns,
                .unix_ns = (int64_t)at_ns + clock_wall_offset_ns(),
                .kind = (uint16_t)kind,
                .count = 1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = NAN,
        };
        /* what the engine and the configuration do concerns no service, not even "(other)" */
        if (kind != EVENT_ENGINE && kind != EVENT_CONFIG)
                text_set(e->service, sizeof e->service, w->b->service[service].name);
        if (!p)
                return;
        e->pid = p->pid;
        e->ppid = p->ppid;
        e->exit_status = p->exit_status;
        e->start_ns = p->start_ns;
        e->cpu_ns = p->cpu_ns;
        memcpy(e->comm, p->comm, sizeof e->comm);
}

void world_event(struct world *w, enum event_kind kind, uint16_t service, const struct process *p,
        uint64_t now_ns, double value, const char *text)
{
        struct event e;

        fill_event(w, &e, kind, service, p, now_ns);
        e.value = value;
        text_set(e.text, sizeof e.text, text);
        w->emit(w->emit_ctx, &e);
}

void world_event_of_many(struct world *w, enum event_kind kind, uint16_t service, const struct process *last,
        uint64_t n, uint64_t now_ns, const char *text)
{
        struct event e;

        fill_event(w, &e, kind, service, last, now_ns);
        e.count = n;
        text_set(e.text, sizeof e.text, text);
        w->emit(w->emit_ctx, &e);
}

void world_gap(struct world *w, const char *source, uint64_t from_ns, uint64_t to_ns, uint64_t missed,
        const char *text)
{
        struct board *b = w->b;
        struct gap *g = &b->gap[b->gap_total++ % BOARD_GAPS];
        struct event e;

        *g = (struct gap){.from_ns = from_ns, .to_ns = to_ns, .missed = missed};
        text_set(g->source, sizeof g->source, source);
        text_set(g->text, sizeof g->text, text);
        fill_event(w, &e, EVENT_GAP, 0, NULL, to_ns);
        e.service[0] = '\0';
        e.count = missed;
        text_set(e.text, sizeof e.text, text);
        w->emit(w->emit_ctx, &e);
}

/* ---- aggregation ---- */

#define VARIOUS "(various)"

/* Where the line of such deaths is noted, or where it would be. */
static uint16_t *slot_of(struct world *w, uint16_t service, int32_t status, const char *comm)
{
        uint32_t at = text_hash(comm) ^ service * 2654435761u ^ (uint32_t)status * 40503u;

        for (at ^= at >> 16;; at++) {
                uint16_t *slot = &w->death_slot[at % ARRAY_SIZE(w->death_slot)];
                const struct world_death *d = *slot ? &w->death[*slot - 1] : NULL;
                if (!d || (d->service == service && d->status == status &&
                                  !strncmp(d->comm, comm, sizeof d->comm)))
                        return slot;
        }
}

static struct world_death *new_line(
        struct world *w, uint16_t *slot, const struct process *p, const char *comm)
{
        struct world_death *d = &w->death[w->death_count++];

        *slot = (uint16_t)w->death_count;
        *d = (struct world_death){
                .service = p->service, .status = p->exit_status, .ppid = p->ppid, .start_ns = p->start_ns};
        text_set(d->comm, sizeof d->comm, comm);
        return d;
}

/* The line these deaths are told in: of their kind, or, once there are very many kinds, of their service. */
static struct world_death *line_of(struct world *w, const struct process *p)
{
        uint16_t *slot = slot_of(w, p->service, p->exit_status, p->comm);

        if (*slot)
                return &w->death[*slot - 1];
        if (w->death_count >= WORLD_DEATHS_APART) {
                slot = slot_of(w, p->service, p->exit_status, VARIOUS);
                if (*slot)
                        return &w->death[*slot - 1];
                if (w->death_count < WORLD_DEATHS)
                        return new_line(w, slot, p, VARIOUS);
                world_deaths_flush(w);
                slot = slot_of(w, p->service, p->exit_status, p->comm);
        }
        struct world_death *d = new_line(w, slot, p, p->comm);
        d->command = p->command;
        world_string_ref(w, d->command);
        return d;
}

static void tell(struct world *w, const struct process *p, uint64_t now_ns)
{
        struct world_death *d = line_of(w, p);

        if (!d->count++) {
                d->time_ns = now_ns;
                d->cpu_ns = p->cpu_ns;
        } else if (p->cpu_ns != BOARD_UNKNOWN && d->cpu_ns != BOARD_UNKNOWN) {
                d->cpu_ns += p->cpu_ns;
        }
        d->pid = p->pid;
}

static void tell_line(struct world *w, const struct world_death *d)
{
        struct event e;

        fill_event(w, &e, EVENT_EXIT, d->service, NULL, d->time_ns);
        e.pid = d->pid;
        e.ppid = d->ppid;
        e.exit_status = d->status;
        e.start_ns = d->start_ns;
        e.count = d->count;
        e.cpu_ns = d->cpu_ns;
        memcpy(e.comm, d->comm, sizeof e.comm);
        if (d->command)
                text_set(e.text, sizeof e.text, w->b->string[d->command].text);
        w->emit(w->emit_ctx, &e);
}

void world_deaths_flush(struct world *w)
{
        for (uint32_t i = 0; i < w->death_count; i++) {
                tell_line(w, &w->death[i]);
                world_string_unref(w, w->death[i].command);
        }
        if (w->death_count)
                memset(w->death_slot, 0, sizeof w->death_slot);
        w->death_count = 0;
}

/* ---- loops inside a service ---- */

/* A child that died badly, after a death of the same kind under the same parent, is a respawn. One
 * that ended well is how shells and schedulers work. */
static void note_respawn(struct world *w, const struct process *p, enum origin origin, uint64_t now_ns)
{
        struct service *s = &w->b->service[p->service];
        uint32_t i;

        if (p->exit_status <= 0 || origin == ORIGIN_HEALTHCHECK || origin == ORIGIN_EXEC ||
                p->flags & (PROCESS_F_INIT | PROCESS_F_PRE_EXISTING))
                return;
        for (i = 0; i < WORLD_RESPAWNS; i++)
                if (w->respawn[i].parent == p->ppid && w->respawn[i].service == p->service &&
                        !memcmp(w->respawn[i].comm, p->comm, LIFE_COMM_SIZE))
                        break;
        if (i == WORLD_RESPAWNS) {
                i = w->respawn_next++ % WORLD_RESPAWNS;
                w->respawn[i].parent = p->ppid;
                w->respawn[i].service = p->service;
                memcpy(w->respawn[i].comm, p->comm, LIFE_COMM_SIZE);
                return;
        }
        uint64_t life_ms = (p->exit_ns - MIN(p->start_ns, p->exit_ns)) / NSEC_PER_MSEC;
        recent_push(&s->respawns, now_ns, (int32_t)MIN(life_ms, (uint64_t)INT32_MAX));
        text_set(s->respawn_command, sizeof s->respawn_command,
                p->command ? w->b->string[p->command].text : p->comm);
}

void world_death(struct world *w, const struct process *p, uint64_t now_ns)
{
        struct service *s = &w->b->service[p->service];
        enum origin origin = world_origin(w, (uint32_t)(p - w->b->process));

        s->deaths++;
        if (p->exit_status >= 0 && WIFSIGNALED(p->exit_status))
                s->deaths_signalled++;
        if (p->cpu_ns != BOARD_UNKNOWN) {
                /* what it used before we watched is not this service's account since then */
                if (s->cpu_exited_ns != BOARD_UNKNOWN && !(p->flags & PROCESS_F_PRE_EXISTING))
                        s->cpu_exited_ns += p->cpu_ns;
                if (origin == ORIGIN_HEALTHCHECK)
                        s->probe_cpu_ns += p->cpu_ns;
        }
        if (p->flags & PROCESS_F_KTHREAD)
                return;
        note_respawn(w, p, origin, now_ns);
        tell(w, p, now_ns);
}
