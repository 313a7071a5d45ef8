/* The host and its services at the console: see show.h. */
#include "rescue/show.h"

#include "base/clock.h"
#include "base/units.h"
#include "model/names.h"
#include "world/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_SHOWN = 6, TOP_SERVICES = 40, NAME_LEAST = 16, COLUMNS_OTHER = 56, NAME_MOST = 48 };
#define STALE_SEC 3.0

enum console_exit show_help(struct page *p, const char *name)
{
        for (int v = COMMAND_NONE + 1; v < COMMAND_VERBS; v++) {
                const struct command_form *f = &command_forms[v];
                char form[80];
                if (*name && strcmp(name, f->name) != 0)
                        continue;
                snprintf(form, sizeof form, "%s %s", f->name, f->arguments);
                page_put(p, "  %-40s %s\n", form, f->summary);
                if (*name && f->details)
                        page_fold(p, 4, 0, f->details);
        }
        if (!*name)
                page_put(p, "What acts takes --dry-run too. Names with blanks stand in quotes.\n");
        return CONSOLE_DONE;
}

void show_doubt(const struct show *s)
{
        char n[UNITS_SIZE];
        double age = view_age(s->board->updated_ns, s->now_ns);

        if (s->torn)
                page_put(s->page,
                        "! The guard stopped in the middle of a change: numbers may not fit together.\n");
        if (!s->board->updated_ns)
                page_put(s->page, "! The guard has written nothing yet.\n");
        else if (age > STALE_SEC)
                page_put(s->page, "! The guard last wrote %s ago: this is how things were then.\n",
                        units_duration(age, n));
}

/* ---- services ---- */

/* The busiest first: CPU, then memory; what is gone is left out. */
static double weight(const struct service *s)
{
        double zombies = MIN(s->held + s->leaders, 100u);

        return view_or_zero(s->cpu_ratio) + view_or_zero(s->load1) + 0.01 * zombies +
               (view_known(s->memory_bytes) ? (double)s->memory_bytes / 1e12 : 0);
}

static bool is_shown(const struct board *b, uint32_t i)
{
        const struct service *s = &b->service[i];

        return view_service_used(b, (uint16_t)i) && (s->processes || s->zombies || s->held);
}

static uint32_t rank_services(const struct board *b, uint16_t *rank, uint32_t max)
{
        uint32_t count = 0;

        for (uint32_t i = 0; i < view_services(b); i++) {
                if (!is_shown(b, i))
                        continue;
                double w = weight(&b->service[i]);
                uint32_t at = MIN(count, max - 1);
                if (count == max && w <= weight(&b->service[rank[at]]))
                        continue;
                for (; at > 0 && w > weight(&b->service[rank[at - 1]]); at--)
                        rank[at] = rank[at - 1];
                rank[at] = (uint16_t)i;
                count += count < max;
        }
        return count;
}

static const char *state_of(const struct service *s)
{
        const char *state = container_state_name(s->state), *health = container_health_name(s->health);

        if (health && s->health == HEALTH_UNHEALTHY)
                return health;
        return state ? state : "-";
}

void show_service_rows(const struct show *s, const uint16_t *rank, uint32_t count)
{
        unsigned room = s->width > COLUMNS_OTHER + NAME_LEAST ? s->width - COLUMNS_OTHER : NAME_LEAST;
        unsigned columns = MIN(room, (unsigned)NAME_MOST);
        char name[PAGE_CELL], cores[UNITS_SIZE], load[UNITS_SIZE], memory[UNITS_SIZE];

        page_put(s->page, "%-*s %6s %6s %6s %6s %8s %5s  %s\n", (int)columns, "SERVICE", "TASKS", "ZOMBIE",
                "CORES", "LOAD", "MEMORY", "RST/H", "STATE");
        for (uint32_t i = 0; i < count; i++) {
                const struct service *v = view_service(s->board, rank[i]);
                page_shown_in(name, view_service_name(s->board, rank[i]), columns);
                page_put(s->page, "%s%*s %6u %6u %6s %6s %8s %5u  %s\n", name,
                        (int)(columns - page_columns(name)), "", v->threads, v->zombies,
                        units_cores(v->cpu_ratio, cores), units_cores(v->load1, load),
                        units_bytes(view_known(v->memory_bytes) ? (double)v->memory_bytes : NAN, memory),
                        view_recent(&v->restarts, s->now_ns, 3600), state_of(v));
        }
}

enum console_exit show_services(const struct show *s, const char *service)
{
        static uint16_t rank[BOARD_SERVICES];
        uint32_t count = 0;
        char shown[PAGE_CELL];

        show_doubt(s);
        if (!*service) {
                count = rank_services(s->board, rank, BOARD_SERVICES);
                show_service_rows(s, rank, count);
                return CONSOLE_DONE;
        }
        for (uint32_t i = 0; i < view_services(s->board) && !count; i++)
                if (view_service_used(s->board, (uint16_t)i) &&
                        !strcmp(service, view_service_name(s->board, (uint16_t)i)))
                        rank[count++] = (uint16_t)i;
        if (!count) {
                page_put(s->page, "no service %s; services lists them\n", page_shown(shown, service));
                return CONSOLE_BAD;
        }
        show_service_rows(s, rank, count);
        return CONSOLE_DONE;
}

/* ---- the host ---- */

static void host_rows(const struct show *s)
{
        const struct board *b = s->board;
        const struct host *h = &b->host;
        char name[PAGE_CELL], time[CLOCK_RFC3339_SIZE], up[UNITS_SIZE], cpu[UNITS_SIZE], memory[UNITS_SIZE],
                swap[UNITS_SIZE], psi[3][UNITS_SIZE];
        double used = h->memory_bytes ? 1 - view_ratio(h->memory_available_bytes, h->memory_bytes) : NAN;
        double swapped = h->swap_bytes ? 1 - view_ratio(h->swap_free_bytes, h->swap_bytes) : NAN;

        page_put(s->page, "%s  %s  up %s  load %.2f %.2f %.2f on %u cpus\n", page_shown(name, h->name),
                clock_rfc3339((int64_t)s->now_ns + s->wall_offset_ns, time),
                units_duration((double)s->now_ns / 1e9, up), h->load1, h->load5, h->load15, h->cpus);
        page_put(s->page, "cpu %s  memory %s  swap %s  pressure: cpu %s, memory %s, io %s\n",
                units_percent(h->cpu_busy_ratio, cpu), units_percent(used, memory),
                units_percent(swapped, swap), units_percent(h->psi_cpu, psi[0]),
                units_percent(h->psi_memory, psi[1]), units_percent(h->psi_io, psi[2]));
        page_put(s->page, "tasks %llu, running %u, blocked %u  zombies %u  dead leaders with threads %u\n",
                (unsigned long long)h->tasks, h->runnable, h->blocked, b->zombies, b->leaders);
}

static uint32_t finding_rows(const struct show *s)
{
        const struct board *b = s->board;
        uint32_t shown = 0, open = 0;

        for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_INFO; severity--)
                for (uint32_t i = 0; i < view_findings(b); i++) {
                        const struct finding *f = &b->finding[i];
                        char service[PAGE_CELL], text[PAGE_CELL];
                        if (!f->id || !f->open || f->severity != severity)
                                continue;
                        if (open++ >= FINDINGS_SHOWN)
                                continue;
                        shown++;
                        page_put(s->page, "%s: %s%s%s\n", severity_name(f->severity),
                                page_shown(service, f->service_name), *f->service_name ? ": " : "",
                                page_shown_in(text, f->text,
                                        MAX(s->width, 60u) - MIN(page_columns(service) + 12, 40u)));
                }
        if (open > shown)
                page_put(s->page, "... and %u more findings\n", open - shown);
        return open;
}

enum console_exit show_top(const struct show *s)
{
        uint16_t rank[TOP_SERVICES];

        show_doubt(s);
        host_rows(s);
        finding_rows(s);
        show_action_rows(s, true);
        page_put(s->page, "\n");
        show_service_rows(s, rank, rank_services(s->board, rank, TOP_SERVICES));
        return CONSOLE_DONE;
}
