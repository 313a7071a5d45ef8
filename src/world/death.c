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

static void tell(struct world *w, const struct process *p, uint64_t now_ns)
{
        struct world_death *d = NULL;

        for (uint32_t i = 0; i < w->death_count && !d; i++)
                if (w->death[i].service == p->service && w->death[i].status == p->exit_status &&
                        !memcmp(w->death[i].comm, p->comm, LIFE_COMM_SIZE))
                        d = &w->death[i];
        if (d) {
                d->event.count++;
                d->event.pid = p->pid;
                if (p->cpu_ns != BOARD_UNKNOWN && d->event.cpu_ns != BOARD_UNKNOWN)
                        d->event.cpu_ns += p->cpu_ns;
                return;
        }
        if (w->death_count == WORLD_DEATHS)
                world_deaths_flush(w, now_ns);
        d = &w->death[w->death_count++];
        d->service = p->service;
        d->status = p->exit_status;
        memcpy(d->comm, p->comm, LIFE_COMM_SIZE);
        fill_event(w, &d->event, EVENT_EXIT, p->service, p, now_ns);
        if (p->command)
                text_set(d->event.text, sizeof d->event.text, w->b->string[p->command].text);
}

void world_deaths_flush(struct world *w, uint64_t now_ns)
{
        for (uint32_t i = 0; i < w->death_count; i++)
                w->emit(w->emit_ctx, &w->death[i].event);
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
