/* Findings as JSON: see finding_json.h. */
#include "incident/finding_json.h"

#include "base/util.h"
#include "model/names.h"

void evidence_json(const struct evidence *e, uint32_t count, int64_t wall_offset_ns, struct json_out *j)
{
        json_out_array(j, "evidence");
        for (; count; e++, count--) {
                json_out_object(j, NULL);
                json_out_time(j, "time", e->time_ns, wall_offset_ns);
                json_out_bytes(j, "text", e->text, sizeof e->text);
                json_out_number(j, "value", e->value);
                json_out_text_or_null(j, "unit", e->unit);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

void finding_json_members(const struct finding *f, int64_t wall_offset_ns, struct json_out *j)
{
        json_out_int(j, "id", f->id);
        json_out_bytes(j, "detector", f->detector, sizeof f->detector);
        json_out_text_or_null(j, "service", f->service_name);
        json_out_time(j, "since", f->since_ns, wall_offset_ns);
        json_out_text(j, "severity", severity_name(f->severity));
        json_out_bool(j, "open", f->open);
        json_out_bool(j, "drill", f->drill);
        json_out_time(j, "opened_at", f->opened_ns, wall_offset_ns);
        json_out_time(j, "closed_at", f->open ? 0 : f->closed_ns, wall_offset_ns);
        json_out_bytes(j, "text", f->text, sizeof f->text);
        evidence_json(f->evidence, MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE), wall_offset_ns, j);
        json_out_bytes(j, "remedy", f->remedy, sizeof f->remedy);
        json_out_bytes(j, "runbook", f->runbook, sizeof f->runbook);
}

static void write_measures(const struct action *a, struct json_out *j)
{
        json_out_array(j, "measures");
        for (int i = 0; i < ACTION_MEASURES; i++) {
                const struct action_measure *m = &a->measure[i];

                if (!m->name[0])
                        continue;
                json_out_object(j, NULL);
                json_out_bytes(j, "name", m->name, sizeof m->name);
                json_out_bytes(j, "unit", m->unit, sizeof m->unit);
                json_out_number(j, "before", m->before);
                json_out_number(j, "after", m->after);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

void action_json_members(const struct action *a, int64_t wall_offset_ns, struct json_out *j)
{
        json_out_int(j, "id", a->id);
        json_out_text(j, "kind", action_kind_name(a->kind));
        json_out_text(j, "state", action_state_name(a->state));
        json_out_bool(j, "stands", action_stands(a));
        if (a->helped == ACTION_HELP_UNKNOWN)
                json_out_null(j, "helped");
        else
                json_out_bool(j, "helped", a->helped == ACTION_HELPED);
        json_out_bytes(j, "service", a->service_name, sizeof a->service_name);
        json_out_count(j, "finding", a->finding ? a->finding : BOARD_UNKNOWN);
        json_out_int(j, "reasserted", a->reasserted);
        json_out_number(j, "value", a->value);
        json_out_text_or_null(j, "unit", action_kind_unit(a->kind));
        json_out_time(j, "taken_at", a->taken_ns, wall_offset_ns);
        json_out_time(j, "until", a->until_ns, wall_offset_ns);
        json_out_time(j, "ended_at", a->ended_ns, wall_offset_ns);
        json_out_bytes(j, "who", a->who, sizeof a->who);
        json_out_text_or_null(j, "reason", a->reason);
        json_out_text_or_null(j, "previous", a->previous);
        json_out_text_or_null(j, "result", a->result);
        write_measures(a, j);
}

void why_refuted_json(const struct why_answer *w, struct json_out *j)
{
        json_out_array(j, "refuted");
        for (uint32_t i = 0; i < MIN(w->refuted_count, (uint32_t)WHY_REFUTED); i++) {
                json_out_object(j, NULL);
                json_out_text(j, "hypothesis", w->refuted[i].hypothesis);
                json_out_text(j, "because", w->refuted[i].because);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_array(j, "remedy");
        for (uint32_t i = 0; i < MIN(w->remedy_count, (uint32_t)WHY_REMEDIES); i++)
                json_out_text(j, NULL, w->remedy[i]);
        json_out_array_end(j);
}
