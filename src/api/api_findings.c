/* `findings`, and `incidents`: findings of one service whose times overlap. */
#include "api/api.h"

#include "incident/group.h"
#include "incident/why.h"

#include <string.h>

enum { SUSPECTS = 8 };

void api_evidence(const struct api_view *v, const struct evidence *e, uint32_t count, struct json_out *j)
{
        json_out_array(j, "evidence");
        for (; count; e++, count--) {
                json_out_object(j, NULL);
                json_out_time(j, "time", e->time_ns, v->wall_offset_ns);
                json_out_bytes(j, "text", e->text, sizeof e->text);
                json_out_number(j, "value", e->value);
                json_out_text_or_null(j, "unit", e->unit);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

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
        api_evidence(v, f->evidence, MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE), j);
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

/* A service's own trouble is its own; that of the host is whose `why` says, while it lasts. */
static void culprit(
        const struct api_view *v, const struct incident *n, const struct finding *title, struct json_out *j)
{
        struct why_answer why;

        if (title->service_name[0] || !n->open) {
                json_out_text_or_null(j, "culprit", title->service_name);
                return;
        }
        why_host(v->board, v->now_ns, &why);
        json_out_text_or_null(j, "culprit", why.has_culprit ? why.culprit_name : NULL);
}

static void suspects(const struct api_view *v, const struct incident *n, struct json_out *j)
{
        struct suspect all[SUSPECTS];
        uint32_t count = n->open ? suspects_rank(v->board, v->now_ns, all, SUSPECTS) : 0;

        json_out_array(j, "suspects");
        for (uint32_t i = 0; i < count; i++) {
                const struct suspect *s = &all[i];
                json_out_object(j, NULL);
                json_out_text(j, "service", view_service_name(v->board, s->service));
                json_out_number(j, "score", s->score);
                json_out_array(j, "why");
                for (uint32_t k = 0; k < MIN(s->reasons, (uint32_t)SUSPECT_REASONS); k++)
                        json_out_text(j, NULL, s->reason[k]);
                json_out_array_end(j);
                json_out_bool(j, "refuted", s->refuted);
                json_out_text_or_null(j, "refutation", s->refuted ? s->refutation : NULL);
                json_out_object_end(j);
        }
        json_out_array_end(j);
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
        culprit(v, n, title, j);
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < n->count; i++)
                api_finding(v, &v->board->finding[all->order[n->first + i]], j);
        json_out_array_end(j);
        suspects(v, n, j);
        json_out_array(j, "actions"); /* nothing acts yet */
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
