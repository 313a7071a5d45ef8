/* `actions`: what Sexton did to services, what of it stands and until when, and the breaker. */
#include "api/api.h"

#include "incident/finding_json.h"

#include <string.h>

enum { SHOWN = BOARD_ACTIONS };

void api_action(const struct api_view *v, const struct action *a, struct json_out *j)
{
        json_out_object(j, NULL);
        action_json_members(a, v->wall_offset_ns, j);
        if (action_stands(a) && a->until_ns)
                json_out_number(j, "remaining",
                        (double)(a->until_ns - MIN(v->now_ns, a->until_ns)) / (double)NSEC_PER_SEC);
        else
                json_out_null(j, "remaining");
        json_out_object_end(j);
}

static void write_breaker(const struct api_view *v, struct json_out *j)
{
        const struct breaker *b = &v->board->breaker;

        json_out_object(j, "breaker");
        json_out_bool(j, "open", b->open);
        json_out_text(j, "forced", b->forced < 0 ? NULL : b->forced ? "open" : "closed");
        json_out_int(j, "opened", b->opened);
        json_out_time(j, "changed_at", b->changed_ns, v->wall_offset_ns);
        json_out_text(j, "service", b->service ? view_service_name(v->board, b->service) : NULL);
        json_out_text_or_null(j, "text", b->text);
        json_out_object_end(j);
}

static bool is_wanted(const struct action *a, const struct api_query *q)
{
        return a->state != ACTION_FREE && (!q->id || a->id == q->id) &&
               (!q->service[0] || !strcmp(a->service_name, q->service));
}

/* The newest of those below `under` that are asked for. */
static const struct action *next_of(const struct board *b, const struct api_query *q, uint64_t under)
{
        const struct action *best = NULL;

        for (uint32_t i = 1; i < MIN(b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &b->action[i];
                if (is_wanted(a, q) && a->id < under && (!best || a->id > best->id))
                        best = a;
        }
        return best;
}

void api_actions(const struct api_view *v, const struct api_query *q, struct json_out *j)
{
        uint32_t left = q->limit ? q->limit : SHOWN;
        uint64_t under = UINT64_MAX;

        json_out_object(j, NULL);
        json_out_array(j, "actions");
        for (const struct action *a; left && (a = next_of(v->board, q, under)); left--) {
                api_action(v, a, j);
                under = a->id;
        }
        json_out_array_end(j);
        write_breaker(v, j);
        json_out_object_end(j);
}
