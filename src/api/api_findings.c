/* `findings`, and `incidents`: findings of one service whose times overlap. */
#include "api/api.h"

#include "incident/group.h"

#include <string.h>

void api_finding(const struct api_view *v, const struct finding *f, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_int(j, "id", f->id);
        json_out_bytes(j, "detector", f->detector, sizeof f->detector);
        json_out_text_or_null(j, "service", f->service_name);
        json_out_time(j, "since", f->since_ns, v->wall_offset_ns);
        json_out_text(j, "severity", severity_name(f->severity));
        json_out_bool(j, "open", f->open);
        json_out_time(j, "opened_at", f->opened_ns, v->wall_offset_ns);
        json_out_time(j, "closed_at", f->open ? 0 : f->closed_ns, v->wall_offset_ns);
        json_out_bytes(j, "text", f->text, sizeof f->text);
        json_out_array(j, "evidence");
        for (uint32_t i = 0; i < MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE); i++) {
                const struct evidence *e = &f->evidence[i];
                json_out_object(j, NULL);
                json_out_time(j, "time", e->time_ns, v->wall_offset_ns);
                json_out_bytes(j, "text", e->text, sizeof e->text);
                json_out_number(j, "value", e->value);
                json_out_text_or_null(j, "unit", e->unit);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_bytes(j, "remedy", f->remedy, sizeof f->remedy);
        json_out_bytes(j, "runbook", f->runbook, sizeof f->runbook);
        json_out_object_end(j);
}

void api_findings(const struct api_view *v, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < view_findings(v->board); i++)
                if (v->board->finding[i].id)
                        api_finding(v, &v->board->finding[i], j);
        json_out_array_end(j);
        json_out_object_end(j);
}

static void incident(
        const struct api_view *v, const struct incidents *all, const struct incident *n, struct json_out *j)
{
        const struct finding *title = &v->board->finding[n->title];

        json_out_object(j, NULL);
        json_out_int(j, "id", n->id);
        json_out_text(j, "state", n->open ? "open" : "resolved");
        json_out_text(j, "severity", severity_name(n->severity));
        json_out_time(j, "opened_at", n->opened_ns, v->wall_offset_ns);
        json_out_time(j, "resolved_at", n->open ? 0 : n->closed_ns, v->wall_offset_ns);
        json_out_bytes(j, "title", title->text, sizeof title->text);
        json_out_text_or_null(j, "culprit", title->service_name);
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < n->count; i++)
                api_finding(v, &v->board->finding[all->order[n->first + i]], j);
        json_out_array_end(j);
        /* who is to blame is the question of `why`; nothing acts yet */
        json_out_array(j, "suspects");
        json_out_array_end(j);
        json_out_array(j, "actions");
        json_out_array_end(j);
        json_out_object_end(j);
}

void api_incidents(const struct api_view *v, struct json_out *j)
{
        struct incidents all;

        incident_group(v->board, &all);
        json_out_object(j, NULL);
        json_out_array(j, "incidents");
        for (uint32_t i = 0; i < all.count; i++)
                incident(v, &all, &all.incident[i], j);
        json_out_array_end(j);
        json_out_object_end(j);
}
