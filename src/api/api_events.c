/* `events`: what happened, from the recorder's history, oldest first. */
#include "api/api.h"

#include "base/clock.h"
#include "model/event.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>

enum { DEFAULT_LIMIT = 1000, LIMIT_MAX = 20000 };

static bool is_death(const struct event *e)
{
        return e->kind == EVENT_EXIT || e->kind == EVENT_REAP || e->kind == EVENT_ZOMBIE ||
               e->kind == EVENT_DIE;
}

static void data(const struct store_event *x, struct json_out *j)
{
        const struct event *e = &x->event;

        json_out_object(j, "data");
        if (e->comm[0])
                json_out_bytes(j, "comm", e->comm, sizeof e->comm);
        if (e->ppid > 0)
                json_out_int(j, "ppid", e->ppid);
        if (x->start_ms > 0)
                json_out_time(j, "start_time", (uint64_t)x->start_ms * NSEC_PER_MSEC, 0);
        if (is_death(e)) {
                if (e->exit_status >= 0 && WIFEXITED(e->exit_status))
                        json_out_int(j, "exit_code", WEXITSTATUS(e->exit_status));
                else if (e->exit_status >= 0)
                        json_out_text(j, "signal", signal_name(WTERMSIG(e->exit_status)));
                json_out_seconds(j, "cpu_seconds", e->cpu_ns);
        }
        if (e->kind == EVENT_GAP)
                json_out_count(j, "missed", e->count);
        else
                json_out_count(j, "count", e->count);
        if (x->span_ms)
                json_out_number(j, "span", (double)x->span_ms / 1000);
        if (isfinite(e->value))
                json_out_number(j, "value", e->value);
        json_out_object_end(j);
}

static void event(void *ctx, const struct store_event *x)
{
        struct json_out *j = ctx;
        const struct event *e = &x->event;

        json_out_object(j, NULL);
        json_out_count(j, "id", x->number);
        json_out_time(j, "time", (uint64_t)MAX(e->unix_ns, (int64_t)0), 0);
        json_out_text(j, "kind", event_kind_name(e->kind));
        json_out_text_or_null(j, "service", e->service);
        if (e->pid > 0)
                json_out_int(j, "pid", e->pid);
        else
                json_out_null(j, "pid");
        json_out_bytes(j, "text", e->text, sizeof e->text);
        data(x, j);
        json_out_object_end(j);
}

void api_events(const struct api_view *v, const struct api_query *q, struct json_out *j)
{
        uint32_t limit = q->limit ? q->limit : DEFAULT_LIMIT;

        limit = MIN(limit, (uint32_t)LIMIT_MAX);
        const struct store_query query = {.service = q->service,
                .command = q->command,
                .kind = q->kind,
                .since_ms = q->since_unix_ns / (int64_t)NSEC_PER_MSEC,
                .until_ms = q->until_unix_ns / (int64_t)NSEC_PER_MSEC,
                .after = q->after,
                .limit = limit};
        struct store_found found;

        json_out_object(j, NULL);
        json_out_array(j, "events");
        store_events(v->store, v->history, &query, event, j, &found);
        json_out_array_end(j);
        json_out_int(j, "matching", found.matching);
        json_out_bool(j, "more", found.more);
        json_out_bool(j, "cut", found.cut);
        json_out_count(j, "lost", v->history ? found.lost : BOARD_UNKNOWN);
        json_out_object_end(j);
}
