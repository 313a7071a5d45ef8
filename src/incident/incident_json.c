/* An incident as a JSON document, as it is kept, told and answered: see incident.h. */
#include "incident/incident.h"

#include "incident/finding_json.h"
#include "model/names.h"

#include <math.h>

static void time_member(struct json_out *j, const char *key, int64_t unix_ns)
{
        json_out_time(j, key, unix_ns > 0 ? (uint64_t)unix_ns : 0, 0);
}

static void write_worst(const struct finding *f, struct json_out *j)
{
        json_out_object(j, "worst");
        json_out_text(j, "severity", severity_name(f->severity));
        json_out_text(j, "text", f->text);
        json_out_text(j, "remedy", f->remedy);
        evidence_json(f->evidence, MIN(f->evidence_count, (uint32_t)BOARD_EVIDENCE), 0, j);
        json_out_object_end(j);
}

static void write_findings(const struct incident *n, struct json_out *j)
{
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < n->findings; i++) {
                const struct incident_finding *f = &n->finding[i];

                json_out_object(j, NULL);
                finding_json_members(&f->is, 0, j);
                json_out_text(j, "role", f->consequence ? "consequence" : "own");
                if (!f->at_worst && f->worst.text[0])
                        write_worst(&f->worst, j);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

static void write_suspects(const struct incident_account *a, struct json_out *j)
{
        json_out_array(j, "suspects");
        for (uint32_t i = 0; i < a->suspects; i++) {
                const struct suspect *s = &a->suspect[i].is;

                json_out_object(j, NULL);
                json_out_text(j, "service", a->suspect[i].service);
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

static void write_account(const struct incident_account *a, struct json_out *j)
{
        const struct why_answer *w = &a->why;

        json_out_text_or_null(j, "culprit", a->culprit);
        json_out_text_or_null(j, "verdict", w->answer);
        if (w->answer[0])
                json_out_number(j, "confidence", w->confidence);
        else
                json_out_null(j, "confidence");
        evidence_json(w->evidence, w->evidence_count, 0, j);
        why_refuted_json(w, j);
        write_suspects(a, j);
}

const struct incident_unit incident_units[2][USUAL_KINDS] = {
        {{"cpu_ratio", "cores"}, {"load1", "load"}, {"memory_bytes", "bytes"}, {"zombies", "processes"},
                {"tasks", "tasks"}},
        {{"cpu_ratio", "cores"}, {"load1", "load"}, {"memory_used_ratio", "ratio"}, {"zombies", "processes"},
                {"tasks", "tasks"}},
};

static void write_resources(const struct incident *n, bool host, struct json_out *j)
{
        const struct incident_resource *r = host ? n->host : n->service;

        for (uint32_t i = 0; i < USUAL_KINDS; i++) {
                if (isnan(r[i].normal) && isnan(r[i].peak) && isnan(r[i].after))
                        continue;
                json_out_object(j, NULL);
                json_out_text(j, "name", incident_units[host][i].name);
                json_out_text_or_null(j, "service", host ? NULL : n->owner);
                json_out_text(j, "unit", incident_units[host][i].unit);
                json_out_number(j, "normal", r[i].normal);
                json_out_number(j, "peak", r[i].peak);
                json_out_number(j, "after", r[i].after);
                json_out_object_end(j);
        }
}

static void write_timeline(const struct incident *n, struct json_out *j)
{
        json_out_array(j, "timeline");
        for (uint32_t i = 0; i < n->entries; i++) {
                const struct incident_entry *e = &n->entry[i];

                json_out_object(j, NULL);
                time_member(j, "time", e->from_unix_ns);
                time_member(j, "until", e->count > 1 ? e->until_unix_ns : 0);
                json_out_text(j, "kind", e->kind);
                json_out_text_or_null(j, "service", e->service);
                json_out_count(j, "count", e->count);
                json_out_text(j, "text", e->text);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_count(j, "timeline_left_out", n->left_out);
}

void incident_write(const struct incident *n, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_count(j, "id", n->id);
        json_out_text(j, "state", n->open ? "open" : "resolved");
        json_out_text(j, "severity", severity_name(n->severity));
        json_out_text(j, "severity_peak", severity_name(n->severity_peak));
        json_out_text(j, "severity_before", severity_name(n->severity_before));
        time_member(j, "opened_at", n->opened_unix_ns);
        time_member(j, "resolved_at", n->open ? 0 : n->resolved_unix_ns);
        json_out_number(j, "duration", n->lasted);
        json_out_int(j, "reopened", n->reopened);
        json_out_count(j, "merged_into", n->merged_into ? n->merged_into : UINT64_MAX);
        json_out_text(j, "title", n->title);
        json_out_text_or_null(j, "service", n->owner);
        json_out_bool(j, "disk", n->disk);
        json_out_bool(j, "drill", incident_is_drill(n));
        json_out_bool(j, "named", n->named);
        json_out_number(j, "harm", n->rank.harm);
        write_account(&n->said, j);
        json_out_object(j, "worst");
        json_out_text(j, "severity", severity_name(n->rank.severity));
        json_out_int(j, "findings", n->rank.findings);
        if (n->worst)
                write_account(n->worst, j);
        json_out_object_end(j);
        write_findings(n, j);
        json_out_array(j, "resource");
        if (n->owner[0])
                write_resources(n, false, j);
        write_resources(n, true, j);
        json_out_array_end(j);
        write_timeline(n, j);
        json_out_array(j, "actions");
        for (uint32_t i = 0; i < n->actions; i++) {
                json_out_object(j, NULL);
                action_json_members(&n->action[i], 0, j);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_count(j, "actions_left_out", n->actions_left_out);
        json_out_object_end(j);
}
