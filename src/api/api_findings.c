/* `findings`, and `incidents`: findings of one service whose times overlap. */
#include "api/api.h"

#include "incident/group.h"

#include <string.h>

void api_finding(const struct api_view *v, const struct finding *f, struct json_out *j)
{
        json_object(j, NULL);
        json_int(j, "id", f->id);
        json_bytes(j, "detector", f->detector, sizeof f->detector);
        json_text_or_null(j, "service", f->service_name);
        json_time(j, "since", f->since_ns, v->wall_offset_ns);
        json_text(j, "severity", severity_name(f->severity));
        json_bool(j, "open", f->open);
        json_time(j, "opened_at", f->opened_ns, v->wall_offset_ns);
        json_time(j, "closed_at", f->open ? 0 : f->closed_ns, v->wall_offset_ns);
        json_bytes(j, "text", f->text, sizeof f->text);
        json_array(j, "evidence");
        for (uint32_t i = 0; i < MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE); i++) {
                const struct evidence *e = &f->evidence[i];
                json_object(j, NULL);
                json_time(j, "time", e->time_ns, v->wall_offset_ns);
                json_bytes(j, "text", e->text, sizeof e->text);
                json_number(j, "value", e->value);
                json_text_or_null(j, "unit", e->unit);
                json_object_end(j);
        }
        json_array_end(j);
        json_bytes(j, "remedy", f->remedy, sizeof f->remedy);
        json_bytes(j, "runbook", f->runbook, sizeof f->runbook);
        json_object_end(j);
}

void api_findings(const struct api_view *v, struct json_out *j)
{
        json_object(j, NULL);
        json_array(j, "findings");
        for (uint32_t i = 0; i < view_findings(v->board); i++)
                if (v->board->finding[i].id)
                        api_finding(v, &v->board->finding[i], j);
        json_array_end(j);
        json_object_end(j);
}

static void incident(
        const struct api_view *v, const struct incidents *all, const struct incident *n, struct json_out *j)
{
        const struct finding *title = &v->board->finding[n->title];

        json_object(j, NULL);
        json_int(j, "id", n->id);
        json_text(j, "state", n->open ? "open" : "resolved");
        json_text(j, "severity", severity_name(n->severity));
        json_time(j, "opened_at", n->opened_ns, v->wall_offset_ns);
        json_time(j, "resolved_at", n->open ? 0 : n->closed_ns, v->wall_offset_ns);
        json_bytes(j, "title", title->text, sizeof title->text);
        json_text_or_null(j, "culprit", title->service_name);
        json_array(j, "findings");
        for (uint32_t i = 0; i < n->count; i++)
                api_finding(v, &v->board->finding[all->order[n->first + i]], j);
        json_array_end(j);
        /* who is to blame is the question of `why`; nothing acts yet */
        json_array(j, "suspects");
        json_array_end(j);
        json_array(j, "actions");
        json_array_end(j);
        json_object_end(j);
}

void api_incidents(const struct api_view *v, struct json_out *j)
{
        struct incidents all;

        incident_group(v->board, &all);
        json_object(j, NULL);
        json_array(j, "incidents");
        for (uint32_t i = 0; i < all.count; i++)
                incident(v, &all, &all.incident[i], j);
        json_array_end(j);
        json_object_end(j);
}
