/* Zombies, causes, deaths, actions and the kernel's log at the console: see show.h. */
#include "rescue/show.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "incident/why.h"
#include "model/names.h"
#include "world/view.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
        HOLDERS = 64,
        HOLDERS_SHOWN = 12,
        ZOMBIES_SHOWN = 40,
        DEATHS_SHOWN = 40,
        DMESG_SHOWN = 40,
        TIME_OF_DAY = 11
};

/* ---- zombies ---- */

struct holder {
        int32_t pid;
        uint32_t count, example; /* of lasting zombies; one of them */
};

static bool is_dead(const struct process *p)
{
        return p->state == PROCESS_ZOMBIE || p->state == PROCESS_LEADER;
}

static int32_t holder_pid(const struct process *p)
{
        return (p->flags & PROCESS_F_PTRACED) && p->tracer_pid > 0 ? p->tracer_pid : p->ppid;
}

static bool is_lasting(const struct show *s, const struct process *p)
{
        return p->state == PROCESS_LEADER ||
               view_age(p->exit_ns, s->now_ns) * 1e9 >= (double)s->board->grace_ns;
}

/* Calls each() for the ledger's entries until it says false. */
static void ledger(const struct show *s, bool (*each)(void *ctx, uint32_t i), void *ctx)
{
        const struct board *b = s->board;
        uint32_t steps = view_processes(b);

        for (uint32_t i = b->ledger_head; i && i < view_processes(b) && steps--; i = b->process[i].list_next)
                if (is_dead(&b->process[i]) && !each(ctx, i))
                        return;
}

struct dead_list {
        const struct show *s;
        const char *service;
        struct holder holder[HOLDERS];
        uint32_t holders, lasting, shown;
        bool want_lasting;
};

static bool is_asked_for(const struct dead_list *l, const struct process *p)
{
        const struct board *b = l->s->board;

        if (!*l->service || !strcmp(l->service, view_service_name(b, p->service)))
                return true;
        const struct process *h = view_holder(b, NULL, p);
        return h && !strcmp(l->service, view_service_name(b, h->service));
}

static bool count_holder(void *ctx, uint32_t i)
{
        struct dead_list *l = ctx;
        const struct process *p = &l->s->board->process[i];
        int32_t pid = holder_pid(p);
        uint32_t at = 0;

        if (!is_lasting(l->s, p))
                return true;
        while (at < l->holders && l->holder[at].pid != pid)
                at++;
        /* the holder's service counts as well as its own, and is the same for all that it holds */
        if (at == l->holders && (!is_asked_for(l, p) || at == HOLDERS))
                return true;
        if (at == l->holders)
                l->holder[l->holders++] = (struct holder){.pid = pid, .example = i};
        l->holder[at].count++;
        l->lasting++;
        /* the one with the most comes first */
        for (; at > 0 && l->holder[at].count > l->holder[at - 1].count; at--) {
                struct holder h = l->holder[at];
                l->holder[at] = l->holder[at - 1];
                l->holder[at - 1] = h;
        }
        return true;
}

static void show_holder(const struct show *s, const struct holder *h)
{
        const struct board *b = s->board;
        const struct process *example = &b->process[h->example], *p = view_holder(b, NULL, example);
        char service[PAGE_CELL], command[PAGE_CELL], raw[BOARD_STRING], text[600];

        page_put(s->page, "%s: %u zombie%s, held by %d %s\n",
                page_shown(service, view_service_name(b, p ? p->service : example->service)), h->count,
                h->count == 1 ? "" : "s", h->pid,
                p ? page_shown_in(command, view_command(b, p, raw, sizeof raw), 60) : "(not known)");
        view_why(b, NULL, example, s->now_ns, text, sizeof text);
        page_fold(s->page, 2, s->width, text);
        view_remedy(b, NULL, example, s->now_ns, text, sizeof text);
        page_put(s->page, "  remedy:\n");
        page_fold(s->page, 4, s->width, text);
}

static bool show_zombie(void *ctx, uint32_t i)
{
        struct dead_list *l = ctx;
        const struct show *s = l->s;
        const struct board *b = s->board;
        const struct process *p = &b->process[i];
        char age[UNITS_SIZE], service[PAGE_CELL], command[PAGE_CELL], raw[BOARD_STRING], end[VIEW_EXIT];

        if (is_lasting(s, p) != l->want_lasting || !is_asked_for(l, p))
                return true;
        page_put(s->page, "%7d %7s %-9s %7d  %s  %s  (%s)\n", p->pid,
                units_duration(view_age(p->exit_ns, s->now_ns), age),
                zombie_kind_name(view_kind(b, NULL, p, s->now_ns)), holder_pid(p),
                page_shown_in(service, view_service_name(b, p->service), 32),
                page_shown_in(command, view_command(b, p, raw, sizeof raw), 48),
                p->state == PROCESS_LEADER ? "its threads live" : view_exit(p->exit_status, end));
        return ++l->shown < ZOMBIES_SHOWN;
}

enum console_exit show_zombies(const struct show *s, const char *service)
{
        static struct dead_list l;

        l = (struct dead_list){.s = s, .service = service};
        show_doubt(s);
        ledger(s, count_holder, &l);
        for (uint32_t i = 0; i < MIN(l.holders, (uint32_t)HOLDERS_SHOWN); i++)
                show_holder(s, &l.holder[i]);
        if (l.holders > HOLDERS_SHOWN)
                page_put(s->page, "... and %u%s more holders\n", l.holders - HOLDERS_SHOWN,
                        l.holders == HOLDERS ? " or" : "");
        if (s->board->ledger_head)
                page_put(s->page, "%7s %7s %-9s %7s  %s\n", "PID", "AGE", "KIND", "HOLDER",
                        "SERVICE  COMMAND  (END)");
        for (int lasting = 1; lasting >= 0 && l.shown < ZOMBIES_SHOWN; lasting--) {
                l.want_lasting = lasting;
                ledger(s, show_zombie, &l);
        }
        if (l.shown == ZOMBIES_SHOWN)
                page_put(s->page, "... the rest of %u is not shown\n", s->board->zombies + s->board->leaders);
        if (!l.shown)
                page_put(s->page, "No zombies.\n");
        return l.lasting ? CONSOLE_BAD : CONSOLE_DONE;
}

/* ---- why ---- */

enum console_exit show_why(const struct show *s, const char *service)
{
        static struct why_answer a;
        char shown[PAGE_CELL], n[UNITS_SIZE];

        show_doubt(s);
        if (*service && why_service(s->board, service, s->now_ns, &a) < 0) {
                page_put(s->page, "no service %s; services lists them\n", page_shown(shown, service));
                return CONSOLE_BAD;
        }
        if (!*service)
                why_host(s->board, s->now_ns, &a);
        page_fold(s->page, 0, s->width, a.answer);
        if (a.has_culprit)
                page_put(s->page, "culprit: %s  (confidence %s)\n", page_shown(shown, a.culprit_name),
                        units_percent(a.confidence, n));
        for (uint32_t i = 0; i < MIN(a.evidence_count, (uint32_t)WHY_EVIDENCE); i++)
                page_fold(s->page, 2, s->width, a.evidence[i].text);
        if (a.refuted_count)
                page_put(s->page, "ruled out:\n");
        for (uint32_t i = 0; i < MIN(a.refuted_count, (uint32_t)WHY_REFUTED); i++) {
                page_fold(s->page, 2, s->width, a.refuted[i].hypothesis);
                page_fold(s->page, 4, s->width, a.refuted[i].because);
        }
        if (a.remedy_count)
                page_put(s->page, "what to change:\n");
        for (uint32_t i = 0; i < MIN(a.remedy_count, (uint32_t)WHY_REMEDIES); i++)
                page_fold(s->page, 2, s->width, a.remedy[i]);
        return a.has_culprit || a.remedy_count ? CONSOLE_BAD : CONSOLE_DONE;
}

/* ---- what happened ---- */

/* "21:30:00Z" */
static const char *time_of_day(int64_t unix_ns, char buf[CLOCK_RFC3339_SIZE])
{
        clock_rfc3339(unix_ns, buf);
        memmove(buf, buf + TIME_OF_DAY, 8);
        memcpy(buf + 8, "Z", 2);
        return buf;
}

static void show_event(const struct show *s, const struct event *e)
{
        char time[CLOCK_RFC3339_SIZE], service[PAGE_CELL], comm[PAGE_CELL], text[PAGE_CELL],
                raw[sizeof e->text + 1], end[VIEW_EXIT];

        text_copy(raw, sizeof raw, e->text, strnlen(e->text, sizeof e->text));
        page_put(s->page, "%s %-14s %s", time_of_day(e->unix_ns, time),
                event_kind_name((enum event_kind)e->kind), page_shown(service, e->service));
        if (e->pid > 0) {
                char name[LIFE_COMM_SIZE + 1];
                text_copy(name, sizeof name, e->comm, strnlen(e->comm, sizeof e->comm));
                page_put(s->page, "  %d %s", e->pid, page_shown(comm, name));
        }
        if ((e->kind == EVENT_EXIT || e->kind == EVENT_DIE) && e->exit_status >= 0)
                page_put(s->page, "  %s", view_exit(e->exit_status, end));
        if (e->count > 1 && e->count != BOARD_UNKNOWN)
                page_put(s->page, "  %llu times", (unsigned long long)e->count);
        page_put(s->page, "%s%s\n", *raw ? "  " : "", page_shown(text, raw));
}

enum console_exit show_deaths(const struct show *s, uint64_t count)
{
        struct ring_reader r;
        struct event e;
        uint64_t wanted = count ? count : DEATHS_SHOWN;

        ring_reader_init(&r, s->ring);
        uint64_t written = __atomic_load_n(&s->ring->written, __ATOMIC_ACQUIRE);
        if (written > wanted && r.next + wanted <= written)
                r.next = written - wanted + 1;
        while (ring_read(&r, &e))
                show_event(s, &e);
        if (!written)
                page_put(s->page, "Nothing yet.\n");
        return CONSOLE_DONE;
}

/* ---- actions ---- */

static void show_action(const struct show *s, const struct action *a)
{
        char service[PAGE_CELL], who[PAGE_CELL], text[PAGE_CELL], span[UNITS_SIZE];
        const char *kind = action_kind_name(a->kind);

        page_put(s->page, "%u: %s %s: %s", a->id, kind ? kind : "?", page_shown(service, a->service_name),
                action_state_name(a->state));
        if (action_stands(a) && a->until_ns > s->now_ns)
                page_put(s->page, ", for another %s",
                        units_duration((double)(a->until_ns - s->now_ns) / 1e9, span));
        page_put(s->page, ", by %s %s ago\n", page_shown(who, a->who),
                units_duration(view_age(a->taken_ns, s->now_ns), span));
        if (*a->reason)
                page_put(s->page, "   %s\n", page_shown(text, a->reason));
        if (*a->result)
                page_put(s->page, "   %s\n", page_shown(text, a->result));
}

uint32_t show_action_rows(const struct show *s, bool standing)
{
        const struct board *b = s->board;
        uint32_t count = 0;

        for (uint32_t i = 0; i < MIN(b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &b->action[i];
                if (a->state == ACTION_FREE || (standing && !action_stands(a)))
                        continue;
                show_action(s, a);
                count++;
        }
        return count;
}

enum console_exit show_actions(const struct show *s)
{
        show_doubt(s);
        if (!show_action_rows(s, false))
                page_put(s->page, "Nothing has been done.\n");
        return CONSOLE_DONE;
}

enum console_exit show_dmesg(const struct kmsg *k, uint64_t count, struct page *p)
{
        if (k->fd < 0) {
                page_put(p, "The kernel's log can't be read: %s.\n", strerror(k->why_not));
                return CONSOLE_BAD;
        }
        uint64_t i = kmsg_first(k, count ? count : DMESG_SHOWN);
        if (i == k->total)
                page_put(p, "The kernel's log is empty.\n");
        for (; i < k->total; i++) {
                const struct kmsg_line *line = &k->line[i % k->lines];
                page_put(p, "[%6llu.%06llu] %s%s\n", (unsigned long long)(line->boot_usec / 1000000),
                        (unsigned long long)(line->boot_usec % 1000000), line->level <= 3 ? "! " : "",
                        line->text);
        }
        return CONSOLE_DONE;
}
