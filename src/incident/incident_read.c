/* Reading an incident's document back: see incident.h. The document is ours, but it comes from a file that
 * others may have written or a disk may have spoilt: everything is optional, bounded and checked.
 */
#include "incident/incident.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/names.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static void take_text(json_t *j, const char *key, char *to, size_t size)
{
        json_t *s = json_object_get(j, key);

        if (json_is_string(s))
                text_printable(to, size, json_string_value(s), json_string_length(s));
}

static double take_number(json_t *j, const char *key)
{
        json_t *n = json_object_get(j, key);

        return json_is_number(n) && isfinite(json_number_value(n)) ? json_number_value(n) : NAN;
}

/* Whole numbers, 0 when missing, negative or no number. */
static uint64_t take_count(json_t *j, const char *key)
{
        json_t *n = json_object_get(j, key);

        return json_is_integer(n) && json_integer_value(n) > 0 ? (uint64_t)json_integer_value(n) : 0;
}

static int64_t take_time(json_t *j, const char *key)
{
        json_t *s = json_object_get(j, key);
        int64_t unix_ns;

        return json_is_string(s) && clock_parse_rfc3339(json_string_value(s), &unix_ns) ? unix_ns : 0;
}

static uint8_t take_severity(json_t *j, const char *key)
{
        const char *name = json_string_value(json_object_get(j, key));

        for (uint8_t s = SEVERITY_INFO; name && s <= SEVERITY_CRITICAL; s++)
                if (!strcmp(name, severity_name(s)))
                        return s;
        return SEVERITY_INFO;
}

static bool is(json_t *j, const char *key, const char *value)
{
        const char *text = json_string_value(json_object_get(j, key));

        return text && !strcmp(text, value);
}

static uint32_t read_evidence(json_t *j, struct evidence *e, uint32_t max)
{
        json_t *list = json_object_get(j, "evidence"), *one;
        uint32_t n = 0;
        size_t i;

        json_array_foreach(list, i, one)
        {
                if (n == max)
                        break;
                e[n] = (struct evidence){
                        .value = take_number(one, "value"), .time_ns = (uint64_t)take_time(one, "time")};
                take_text(one, "text", e[n].text, sizeof e[n].text);
                take_text(one, "unit", e[n].unit, sizeof e[n].unit);
                n++;
        }
        return n;
}

static int read_findings(json_t *j, struct incident *n)
{
        json_t *one;
        size_t i;

        json_array_foreach(json_object_get(j, "findings"), i, one)
        {
                if (n->findings == INCIDENT_FINDINGS)
                        break;
                struct incident_finding *f = incident_add_finding(n);

                if (!f)
                        return -ENOMEM;
                f->consequence = is(one, "role", "consequence");
                f->is.id = (uint32_t)MIN(take_count(one, "id"), (uint64_t)UINT32_MAX);
                f->is.open = json_is_true(json_object_get(one, "open"));
                f->is.drill = json_is_true(json_object_get(one, "drill"));
                f->is.severity = take_severity(one, "severity");
                f->is.since_ns = (uint64_t)take_time(one, "since");
                f->is.opened_ns = (uint64_t)take_time(one, "opened_at");
                f->is.closed_ns = (uint64_t)take_time(one, "closed_at");
                take_text(one, "detector", f->is.detector, sizeof f->is.detector);
                take_text(one, "service", f->is.service_name, sizeof f->is.service_name);
                take_text(one, "text", f->is.text, sizeof f->is.text);
                take_text(one, "remedy", f->is.remedy, sizeof f->is.remedy);
                take_text(one, "runbook", f->is.runbook, sizeof f->is.runbook);
                f->is.evidence_count = read_evidence(one, f->is.evidence, BOARD_EVIDENCE);
                f->worst = f->is;
                json_t *worst = json_object_get(one, "worst");
                f->at_worst = !json_is_object(worst);
                if (f->at_worst)
                        continue;
                f->worst.severity = take_severity(worst, "severity");
                take_text(worst, "text", f->worst.text, sizeof f->worst.text);
                take_text(worst, "remedy", f->worst.remedy, sizeof f->worst.remedy);
                f->worst.evidence_count = read_evidence(worst, f->worst.evidence, BOARD_EVIDENCE);
        }
        return 0;
}

static void read_suspects(json_t *j, struct incident_account *a)
{
        json_t *one, *reason;
        size_t i, k;

        json_array_foreach(json_object_get(j, "suspects"), i, one)
        {
                if (a->suspects == INCIDENT_SUSPECTS)
                        break;
                struct incident_suspect *s = &a->suspect[a->suspects++];

                take_text(one, "service", s->service, sizeof s->service);
                s->is.score = fmax(take_number(one, "score"), 0);
                s->is.refuted = json_is_true(json_object_get(one, "refuted"));
                take_text(one, "refutation", s->is.refutation, sizeof s->is.refutation);
                json_array_foreach(json_object_get(one, "why"), k, reason)
                {
                        if (s->is.reasons == SUSPECT_REASONS || !json_is_string(reason))
                                break;
                        char *to = s->is.reason[s->is.reasons++];
                        text_printable(to, sizeof s->is.reason[0], json_string_value(reason),
                                json_string_length(reason));
                }
        }
}

static void read_account(json_t *j, struct incident_account *a)
{
        struct why_answer *w = &a->why;
        json_t *one;
        size_t i;

        take_text(j, "culprit", a->culprit, sizeof a->culprit);
        read_suspects(j, a);
        take_text(j, "verdict", w->answer, sizeof w->answer);
        w->confidence = fmax(take_number(j, "confidence"), 0);
        w->evidence_count = read_evidence(j, w->evidence, WHY_EVIDENCE);
        json_array_foreach(json_object_get(j, "refuted"), i, one)
        {
                if (w->refuted_count == WHY_REFUTED)
                        break;
                take_text(one, "hypothesis", w->refuted[w->refuted_count].hypothesis,
                        sizeof w->refuted[0].hypothesis);
                take_text(one, "because", w->refuted[w->refuted_count].because, sizeof w->refuted[0].because);
                w->refuted_count++;
        }
        json_array_foreach(json_object_get(j, "remedy"), i, one)
        {
                if (w->remedy_count == WHY_REMEDIES || !json_is_string(one))
                        break;
                text_printable(w->remedy[w->remedy_count++], sizeof w->remedy[0], json_string_value(one),
                        json_string_length(one));
        }
}

/* Documents of before there was this member say what was said last. */
static int read_worst(json_t *j, struct incident *n)
{
        json_t *worst = json_object_get(j, "worst");
        size_t findings = json_array_size(json_object_get(j, "findings"));

        n->rank =
                (struct incident_rank){.severity = n->severity_peak, .harm = fmax(take_number(j, "harm"), 0)};
        n->rank.findings = (uint32_t)MIN(findings, (size_t)INCIDENT_FINDINGS);
        if (!json_is_object(worst))
                return 0;
        n->rank.severity = take_severity(worst, "severity");
        n->rank.findings = (uint32_t)MIN(take_count(worst, "findings"), (uint64_t)INCIDENT_FINDINGS);
        if (!json_is_array(json_object_get(worst, "suspects")))
                return 0;
        n->worst = calloc(1, sizeof *n->worst);
        if (!n->worst)
                return -ENOMEM;
        read_account(worst, n->worst);
        return 0;
}

static void read_resources(json_t *j, struct incident *n)
{
        json_t *one;
        size_t i;

        json_array_foreach(json_object_get(j, "resource"), i, one)
        {
                bool host = !json_is_string(json_object_get(one, "service"));
                const char *name = json_string_value(json_object_get(one, "name"));

                for (uint32_t k = 0; name && k < USUAL_KINDS; k++)
                        if (!strcmp(name, incident_units[host][k].name))
                                (host ? n->host : n->service)[k] =
                                        (struct incident_resource){take_number(one, "normal"),
                                                take_number(one, "peak"), take_number(one, "after")};
        }
}

static int read_timeline(json_t *j, struct incident *n)
{
        json_t *one;
        size_t i;

        json_array_foreach(json_object_get(j, "timeline"), i, one)
        {
                if (n->entries == INCIDENT_ENTRIES)
                        break;
                struct incident_entry *e = incident_place(n, take_time(one, "time"));

                if (!e)
                        return -ENOMEM;
                e->count = MAX(take_count(one, "count"), UINT64_C(1));
                e->until_unix_ns = MAX(take_time(one, "until"), e->from_unix_ns);
                take_text(one, "kind", e->kind, sizeof e->kind);
                take_text(one, "service", e->service, sizeof e->service);
                take_text(one, "text", e->text, sizeof e->text);
        }
        n->left_out = take_count(j, "timeline_left_out");
        return 0;
}

static uint8_t read_state(json_t *j)
{
        for (uint8_t s = ACTION_FREE + 1; s < ACTION_STATES; s++)
                if (is(j, "state", action_state_name(s)))
                        return s;
        return ACTION_FREE;
}

static void read_measures(json_t *j, struct action *a)
{
        json_t *one;
        size_t i;

        json_array_foreach(json_object_get(j, "measures"), i, one)
        {
                if (i == ACTION_MEASURES)
                        break;
                a->measure[i].before = take_number(one, "before");
                a->measure[i].after = take_number(one, "after");
                take_text(one, "name", a->measure[i].name, sizeof a->measure[i].name);
                take_text(one, "unit", a->measure[i].unit, sizeof a->measure[i].unit);
        }
}

static uint32_t take_id(json_t *j, const char *key)
{
        return (uint32_t)MIN(take_count(j, key), (uint64_t)UINT32_MAX);
}

static void read_action(json_t *j, struct action *a)
{
        const char *kind = json_string_value(json_object_get(j, "kind"));
        json_t *helped = json_object_get(j, "helped");

        *a = (struct action){.state = read_state(j), .value = take_number(j, "value")};
        a->id = take_id(j, "id");
        a->kind = kind ? (uint8_t)action_kind_find(kind) : ACTION_NONE;
        if (json_is_boolean(helped))
                a->helped = json_is_true(helped) ? ACTION_HELPED : ACTION_HELPED_NOT;
        a->finding = take_id(j, "finding");
        a->reasserted = take_id(j, "reasserted");
        a->taken_ns = (uint64_t)MAX(take_time(j, "taken_at"), INT64_C(0));
        a->until_ns = (uint64_t)MAX(take_time(j, "until"), INT64_C(0));
        a->ended_ns = (uint64_t)MAX(take_time(j, "ended_at"), INT64_C(0));
        take_text(j, "service", a->service_name, sizeof a->service_name);
        take_text(j, "who", a->who, sizeof a->who);
        take_text(j, "reason", a->reason, sizeof a->reason);
        take_text(j, "previous", a->previous, sizeof a->previous);
        take_text(j, "result", a->result, sizeof a->result);
        read_measures(j, a);
}

static void read_actions(json_t *j, struct incident *n)
{
        struct action a;
        json_t *one;
        size_t i;

        json_array_foreach(json_object_get(j, "actions"), i, one)
        {
                read_action(one, &a);
                if (a.kind != ACTION_NONE && a.state != ACTION_FREE && n->actions < INCIDENT_ACTIONS)
                        incident_add_action(n, &a);
        }
        n->actions_left_out = take_count(j, "actions_left_out");
}

static int read_parts(json_t *j, struct incident *n)
{
        n->id = take_count(j, "id");
        if (!n->id || !(is(j, "state", "open") || is(j, "state", "resolved")))
                return -EINVAL;
        n->open = is(j, "state", "open");
        n->severity = take_severity(j, "severity");
        n->severity_peak = (uint8_t)MAX(take_severity(j, "severity_peak"), n->severity);
        n->severity_before = take_severity(j, "severity_before");
        n->opened_unix_ns = take_time(j, "opened_at");
        n->resolved_unix_ns = take_time(j, "resolved_at");
        n->lasted = fmax(take_number(j, "duration"), 0);
        n->reopened = (uint32_t)MIN(take_count(j, "reopened"), (uint64_t)UINT32_MAX);
        n->merged_into = take_count(j, "merged_into");
        take_text(j, "title", n->title, sizeof n->title);
        take_text(j, "service", n->owner, sizeof n->owner);
        n->disk = !n->owner[0] && json_is_true(json_object_get(j, "disk"));
        n->named = json_is_true(json_object_get(j, "named"));
        read_account(j, &n->said);
        read_resources(j, n);
        read_actions(j, n);
        int r = read_worst(j, n);
        r = r < 0 ? r : read_findings(j, n);
        return r < 0 ? r : read_timeline(j, n);
}

int incident_read(const char *json, size_t len, struct incident **ret)
{
        cleanup_incident struct incident *n = NULL;
        int r = -EINVAL;

        if (len > INCIDENT_DOCUMENT)
                return -EINVAL;
        json_error_t e;
        json_t *j = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

        if (!j)
                return json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
        n = incident_new();
        r = n ? read_parts(j, n) : -ENOMEM;
        json_decref(j);
        if (r < 0)
                return r;
        n->dirty = false;
        *ret = TAKE_PTR(n);
        return 0;
}
