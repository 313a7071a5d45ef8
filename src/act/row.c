/* The rows of actions on the board, and what is told of them. */
#include "act/kind.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct action *take_place(struct actor *a)
{
        struct board *b = a->board;
        struct action *oldest = NULL;

        for (uint32_t k = 1; k < b->action_top; k++) {
                struct action *row = &b->action[k];
                if (row->state == ACTION_FREE)
                        return row;
                if (!action_stands(row) && (!oldest || row->ended_ns < oldest->ended_ns))
                        oldest = row;
        }
        if (b->action_top < BOARD_ACTIONS)
                return &b->action[b->action_top++];
        return oldest;
}

struct action *row_new(struct actor *a, const struct act_order *o, uint64_t now_ns)
{
        const struct act_kind *k = act_kind(o->kind);
        struct action *row = take_place(a);

        if (!row)
                return NULL;
        *row = (struct action){
                .id = a->journal->next_id++,
                .kind = o->kind,
                .state = ACTION_WOULD,
                .service = o->service,
                .finding = o->finding,
                .value = o->value,
                .taken_ns = now_ns,
        };
        uint64_t ttl_ns = o->ttl_ns && k->ttl_ns ? o->ttl_ns : k->ttl_ns;
        row->until_ns = ttl_ns ? now_ns + ttl_ns : 0;
        text_set(row->service_name, sizeof row->service_name, a->board->service[o->service].name);
        text_set(row->who, sizeof row->who, o->who ? o->who : "");
        text_set(row->reason, sizeof row->reason, o->reason ? o->reason : "");
        memcpy(row->measure, o->measure, sizeof row->measure);
        *row_progress(a, row) = (struct act_progress){0};
        return row;
}

struct act_progress *row_progress(struct actor *a, const struct action *row)
{
        return &a->progress[row - a->board->action];
}

uint16_t row_service(struct actor *a, struct action *row)
{
        const struct board *b = a->board;

        if (row->service && row->service < b->service_top &&
                !strcmp(b->service[row->service].name, row->service_name))
                return row->service;
        row->service = 0;
        for (uint16_t k = 1; k < b->service_top && !row->service; k++)
                if (b->service[k].kind && !strcmp(b->service[k].name, row->service_name))
                        row->service = k;
        return row->service;
}

static void tell(struct actor *a, const struct action *row, uint64_t now_ns, const char *what)
{
        struct event e = {.kind = EVENT_ACTION, .time_ns = now_ns, .exit_status = -1, .count = 1};
        const char *kind = action_kind_name(row->kind);

        e.unix_ns = (int64_t)now_ns + clock_wall_offset_ns();
        e.cpu_ns = BOARD_UNKNOWN;
        e.value = row->id;
        /* its name as it was: the service may be gone from the board by now */
        text_set(e.service, sizeof e.service, row->service_name);
        snprintf(e.text, sizeof e.text, "%s %s", kind ? kind : "action", what);
        a->world->emit(a->world->emit_ctx, &e);
}

void row_tell(struct actor *a, const struct action *row, uint64_t now_ns, const char *fmt, ...)
{
        char text[200];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        tell(a, row, now_ns, text);
}

void row_end(
        struct actor *a, struct action *row, enum action_state state, uint64_t now_ns, const char *fmt, ...)
{
        char text[200];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(row->result, sizeof row->result, fmt, ap);
        va_end(ap);
        row->state = (uint8_t)state;
        row->ended_ns = now_ns;
        row_count(a, row, state);
        snprintf(text, sizeof text, "%s: %s", action_state_name(row->state), row->result);
        tell(a, row, now_ns, text);
}

static bool count_in(
        struct action_count *c, const struct action *row, enum action_state state, const char *service)
{
        if (!c->count) {
                *c = (struct action_count){.kind = row->kind, .state = (uint8_t)state};
                text_set(c->service_name, sizeof c->service_name, service);
        }
        if (c->kind != row->kind || c->state != state || strcmp(c->service_name, service) != 0)
                return false;
        c->count++;
        return true;
}

void row_count(struct actor *a, const struct action *row, enum action_state state)
{
        struct action_count *c = a->board->action_count;
        int k = 0;

        while (k < ACTION_COUNTS - ACTION_COUNTS_OTHER && !count_in(&c[k], row, state, row->service_name))
                k++;
        if (k < ACTION_COUNTS - ACTION_COUNTS_OTHER)
                return;
        while (k < ACTION_COUNTS && !count_in(&c[k], row, state, "(other)"))
                k++;
}

void row_due(struct actor *a, uint64_t due_ns)
{
        if (!a->due_ns || due_ns < a->due_ns)
                a->due_ns = due_ns;
}
