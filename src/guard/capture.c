/* What a capture holds of the host as a whole: figures, contributors, deaths, the kernel's log. All of it
 * from memory. See blackbox.h.
 */
#include "guard/blackbox.h"

#include "base/text.h"
#include "guard/guard.h"
#include "world/view.h"

#include <string.h>

enum {
        TOP = 3,            /* of each kind of contribution */
        DEATHS_OF_ANY = 20, /* the rest of the table is for those that ended badly */
};

/* ---- texts ---- */

static uint32_t hash_of(const char *text, size_t len)
{
        uint32_t h = 2166136261u;

        for (size_t i = 0; i < len; i++)
                h = (h ^ (unsigned char)text[i]) * 16777619u;
        return h;
}

capture_text guard_capture_text(
        struct guard_blackbox *x, const char *text, size_t len, size_t most, uint32_t mark)
{
        struct capture *c = &x->now->capture;

        len = strnlen(text, MIN(len, most));
        if (!len)
                return 0;
        uint32_t at = hash_of(text, len), probes = 0;
        for (; probes < BLACKBOX_INDEX && x->index[at % BLACKBOX_INDEX]; probes++, at++) {
                const char *known = c->pool + x->index[at % BLACKBOX_INDEX];
                if (!strncmp(known, text, len) && known[len] == '\0')
                        return x->index[at % BLACKBOX_INDEX];
        }
        if (c->pool_used + len + 1 > mark || probes == BLACKBOX_INDEX) {
                c->texts_left_out++;
                return 0;
        }
        capture_text begin = (capture_text)c->pool_used;
        memcpy(c->pool + begin, text, len);
        c->pool[begin + len] = '\0';
        c->pool_used += (uint32_t)len + 1;
        x->index[at % BLACKBOX_INDEX] = begin;
        return begin;
}

/* ---- the host ---- */

static void take_host(const struct board *b, struct capture *c)
{
        const struct host *h = &b->host;

        c->host = (struct capture_host){
                .cpus = h->cpus,
                .runnable = h->runnable,
                .blocked = h->blocked,
                .zombies = b->zombies,
                .tasks = h->tasks,
                .pid_max = h->pid_max,
                .load1 = h->load1,
                .load5 = h->load5,
                .load15 = h->load15,
                .cpu_busy_ratio = h->cpu_busy_ratio,
                .cpu_services_ratio = h->cpu_services_ratio,
                .cpu_kernel_ratio = h->cpu_kernel_ratio,
                .cpu_unattributed_ratio = h->cpu_unattributed_ratio,
                .memory_bytes = h->memory_bytes,
                .memory_available_bytes = h->memory_available_bytes,
                .swap_bytes = h->swap_bytes,
                .swap_free_bytes = h->swap_free_bytes,
                .oom_kills = h->oom_kills,
                .psi_cpu = h->psi_cpu,
                .psi_memory = h->psi_memory,
                .psi_memory_full = h->psi_memory_full,
                .psi_io = h->psi_io,
                .psi_io_full = h->psi_io_full,
        };
}

/* ---- services ---- */

static void take_service(struct guard *g, uint16_t service)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        const struct service *s = &g->board->service[service];

        x->service[c->services] = service;
        c->service[c->services++] = (struct capture_service){
                .name = guard_capture_text(x, s->name, sizeof s->name, sizeof s->name, MARK_SERVICES),
                .kind = s->kind,
                .processes = s->processes,
                .threads = s->threads,
                .zombies = s->zombies,
                .held = s->held,
                .runnable = s->runnable,
                .uninterruptible = s->uninterruptible,
                .stuck = s->stuck_tasks,
                .cpu_ratio = s->cpu_ratio,
                .load1 = s->load1,
                .fork_rate = s->fork_rate,
                .memory_slope = s->memory_slope_bytes_per_sec,
                .memory_bytes = s->memory_bytes,
                .memory_limit_bytes = s->memory_limit_bytes,
                .pids = s->pids,
                .pids_limit = s->pids_limit,
                .psi_cpu = s->psi_cpu,
                .psi_memory = s->psi_memory,
                .psi_io = s->psi_io,
        };
}

uint8_t guard_capture_service(struct guard *g, uint16_t service)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;

        for (uint8_t i = 0; i < c->services; i++)
                if (x->service[i] == service)
                        return i;
        if (c->services == CAPTURE_SERVICES)
                return CAPTURE_NOBODY;
        take_service(g, service);
        return (uint8_t)(c->services - 1);
}

static void rank(struct guard *g, uint16_t service, bool is_about)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;

        if (!x->rank[service]) {
                if (c->services == BLACKBOX_RANKS)
                        return;
                take_service(g, service);
                x->rank[service] = (uint8_t)c->services;
        }
        struct capture_service *s = &c->service[x->rank[service] - 1];
        s->is_about |= is_about;
        s->contributes |= !is_about;
}

/* Those whose dead nobody buries: their holders don't show in any other figure. */
static void rank_holders(struct guard *g)
{
        const struct board *b = g->board;
        uint16_t top[TOP] = {0};

        for (uint32_t i = 1; i < view_services(b); i++) {
                uint16_t one = (uint16_t)i;
                for (int k = 0; k < TOP && one; k++)
                        if (b->service[one].held > (top[k] ? b->service[top[k]].held : 0)) {
                                uint16_t less = top[k];
                                top[k] = one;
                                one = less;
                        }
        }
        for (int k = 0; k < TOP && top[k]; k++)
                rank(g, top[k], false);
}

void guard_capture_rank(struct guard *g)
{
        static const enum view_metric metrics[] = {
                VIEW_LOAD, VIEW_CPU, VIEW_STUCK, VIEW_MEMORY, VIEW_TASKS, VIEW_GROWTH, VIEW_FORKS};
        const struct board *b = g->board;
        const struct capture *c = &g->blackbox.now->capture;
        struct view_top top[TOP];

        memset(g->blackbox.rank, 0, sizeof g->blackbox.rank);
        for (uint32_t i = 0; i < c->reasons; i++)
                for (uint32_t k = 1; c->reason[i].service[0] && k < view_services(b); k++)
                        if (view_service_used(b, (uint16_t)k) &&
                                !strcmp(b->service[k].name, c->reason[i].service))
                                rank(g, (uint16_t)k, true);
        rank_holders(g);
        for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
                uint32_t n = view_top(b, metrics[m], top, TOP);
                for (uint32_t i = 0; i < n; i++)
                        rank(g, top[i].service, false);
        }
}

/* ---- deaths ---- */

static void take_deaths(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        const struct ring *r = g->ring;

        world_deaths_flush(&g->world); /* those of the second that runs */
        uint64_t oldest = r->written - MIN(r->written, (uint64_t)BLACKBOX_RING_EVENTS);
        for (uint64_t n = r->written; n > oldest && c->deaths < CAPTURE_DEATHS; n--) {
                const struct event *e = &r->slot[n % RING_EVENTS].event;
                if (r->slot[n % RING_EVENTS].number != n || e->kind != EVENT_EXIT)
                        continue;
                if (c->deaths >= DEATHS_OF_ANY && e->exit_status == 0)
                        continue;
                c->death[c->deaths++] = (struct capture_death){
                        .time_ns = e->time_ns,
                        .start_ns = e->start_ns,
                        .count = e->count,
                        .cpu_ns = e->cpu_ns,
                        .pid = e->pid,
                        .ppid = e->ppid,
                        .exit_status = e->exit_status,
                        .comm = guard_capture_text(x, e->comm, sizeof e->comm, sizeof e->comm, MARK_DEATHS),
                        .command =
                                guard_capture_text(x, e->text, sizeof e->text, CAPTURE_COMMAND, MARK_DEATHS),
                        .service = guard_capture_text(
                                x, e->service, sizeof e->service, sizeof e->service, MARK_DEATHS),
                };
        }
}

/* ---- the kernel's log ---- */

/* The newest first into the pool, so that the oldest are left out when it is full. */
static void take_log(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        struct kmsg *k = &x->kmsg;

        kmsg_read(k, BLACKBOX_LOG_RECORDS);
        c->log_error = k->fd < 0 ? k->why_not : 0;
        for (uint64_t i = k->total; i > kmsg_first(k, CAPTURE_LOG); i--) {
                const struct kmsg_line *line = &k->line[(i - 1) % k->lines];
                capture_text text =
                        guard_capture_text(x, line->text, sizeof line->text, sizeof line->text, MARK_LOG);
                if (!text && line->text[0])
                        break;
                c->line[c->lines++] = (struct capture_line){
                        .boot_usec = line->boot_usec,
                        .sequence = line->sequence,
                        .level = line->level,
                        .text = text,
                };
        }
}

void guard_capture(struct guard *g, uint64_t now_ns)
{
        struct guard_blackbox *x = &g->blackbox;

        memset(x->index, 0, sizeof x->index);
        x->now->capture.pool_used = 1; /* the empty text */
        x->seen = 0;
        take_host(g->board, &x->now->capture);
        guard_capture_rank(g);
        guard_capture_tasks(g);
        guard_capture_tree(g);
        take_deaths(g);
        take_log(g);
}
