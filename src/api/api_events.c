/* `events`: what happened, from the recorder's history, oldest first. */
#include "api/api.h"

#include "model/event.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>

enum { DEFAULT_LIMIT = 1000 };

static bool matches(const struct event *e, uint64_t number, const struct api_query *q)
{
        const char *kind = event_kind_name(e->kind);

        return number > q->after && (!q->since_unix_ns || e->unix_ns >= q->since_unix_ns) &&
               (!q->service[0] || !strcmp(e->service, q->service)) &&
               (!q->kind[0] || (kind && !strcmp(kind, q->kind)));
}

static bool is_death(const struct event *e)
{
        return e->kind == EVENT_EXIT || e->kind == EVENT_REAP || e->kind == EVENT_ZOMBIE ||
               e->kind == EVENT_DIE;
}

static void data(const struct api_view *v, const struct event *e, struct json_out *j)
{
        json_out_object(j, "data");
        if (e->comm[0])
                json_out_bytes(j, "comm", e->comm, sizeof e->comm);
        if (e->ppid > 0)
                json_out_int(j, "ppid", e->ppid);
        if (e->start_ns)
                json_out_time(j, "start_time", e->start_ns, v->wall_offset_ns);
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
        if (isfinite(e->value))
                json_out_number(j, "value", e->value);
        json_out_object_end(j);
}

static void event(const struct api_view *v, const struct event *e, uint64_t number, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_count(j, "id", number);
        json_out_time(j, "time", (uint64_t)MAX(e->unix_ns, (int64_t)0), 0);
        json_out_text(j, "kind", event_kind_name(e->kind));
        json_out_text_or_null(j, "service", e->service);
        if (e->pid > 0)
                json_out_int(j, "pid", e->pid);
        else
                json_out_null(j, "pid");
        json_out_bytes(j, "text", e->text, sizeof e->text);
        data(v, e, j);
        json_out_object_end(j);
}

void api_events(const struct api_view *v, const struct api_query *q, struct json_out *j)
{
        uint32_t limit = q->limit ? q->limit : DEFAULT_LIMIT, matching = 0, skip;
        struct history_walk w = {};
        struct event e;
        uint64_t number;

        /* the newest `limit` of those that match: count first */
        while (v->history && history_next(v->history, &w, &e, &number))
                matching += matches(&e, number, q);
        /* with `after` a reader follows: it wants the next ones, not the newest */
        skip = !q->after && matching > limit ? matching - limit : 0;
        json_out_object(j, NULL);
        json_out_array(j, "events");
        w = (struct history_walk){};
        while (limit && v->history && history_next(v->history, &w, &e, &number)) {
                if (!matches(&e, number, q) || (skip && skip--))
                        continue;
                event(v, &e, number, j);
                limit--;
        }
        json_out_array_end(j);
        json_out_int(j, "matching", matching);
        json_out_count(j, "lost", v->history ? v->history->lost : BOARD_UNKNOWN);
        json_out_object_end(j);
}
