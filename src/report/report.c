/* The order of a report's parts, its head, and the words they share: see report.h. */
#include "report/report.h"

#include "base/clock.h"
#include "base/text.h"
#include "report/sections.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---- */

const char *report_time(double unix_s, char *buf)
{
        char stamp[CLOCK_RFC3339_SIZE];

        if (!(fabs(unix_s) < 9e9)) {
                text_set(buf, UNITS_SIZE, "an unknown time");
                return buf;
        }
        clock_rfc3339((int64_t)floor(unix_s) * (int64_t)NSEC_PER_SEC, stamp);
        snprintf(buf, UNITS_SIZE, "%.10s %.8s", stamp, stamp + 11);
        return buf;
}

void report_cell(struct report *r)
{
        document_block(r->d, NODE_CELL, "");
}

void report_service(struct report *r, const char *service)
{
        if (*service)
                document_run(r->d, NODE_CODE, service);
        else
                document_put(r->d, "the host");
}

const char *report_value(double value, const char *unit, char *buf)
{
        char n[UNITS_SIZE];

        if (!isfinite(value))
                text_set(buf, UNITS_SIZE, "unknown");
        else if (!strcmp(unit, "bytes"))
                units_bytes(value, buf);
        else if (!strcmp(unit, "ratio"))
                units_percent(value, buf);
        else if (!strcmp(unit, "cores"))
                units_cores(value, buf);
        else if (!strcmp(unit, "s"))
                units_duration(value, buf);
        else
                snprintf(buf, UNITS_SIZE, "%.20s%s%.16s", units_count(value, n), *unit ? " " : "", unit);
        return buf;
}

const char *report_severity(const struct report *r, char *buf, size_t size)
{
        if (!*answer_text(r->k.incident, "severity_peak", buf, size))
                answer_text_or(r->k.incident, "severity", "unknown", buf, size);
        return buf;
}

double report_confidence(const struct report *r, const char **ret_field)
{
        double c = answer_number(r->k.incident, "confidence");
        json_t *one;
        size_t i;

        *ret_field = "confidence";
        json_array_foreach(r->k.suspects, i, one)
        {
                if (!isnan(c) ||
                        strcmp(answer_raw(one, "service"), answer_raw(r->k.incident, "culprit")) != 0)
                        continue;
                *ret_field = "suspects";
                c = answer_number(one, "score");
        }
        return c >= 0 && c <= 1 ? c : NAN;
}

/* ---- head ---- */

static void fact_time(struct report *r, const char *label, double unix_s)
{
        char time[UNITS_SIZE];

        if (isnan(unix_s))
                return;
        document_block(r->d, NODE_FACT, label);
        document_put(r->d, "%s UTC", report_time(unix_s, time));
}

static void head_facts(struct report *r)
{
        const struct records *k = &r->k;
        char text[REPORT_TEXT], n[UNITS_SIZE];

        document_block(r->d, NODE_FACT, "State");
        document_put(r->d, k->open ? "still open" : "resolved");
        document_block(r->d, NODE_FACT, "Severity at its worst");
        document_run(r->d, NODE_SEVERITY, report_severity(r, text, sizeof text));
        document_block(r->d, NODE_FACT, "Likely culprit");
        if (k->culprit[0])
                document_run(r->d, NODE_CODE, k->culprit);
        else
                document_put(r->d, "none named");
        fact_time(r, "Opened", k->opened);
        fact_time(r, "Resolved", k->resolved);
        document_block(r->d, NODE_FACT, k->open ? "Lasting for" : "Lasted");
        document_put(r->d, "%s", units_duration(k->until - k->opened, n));
}

void report_head(struct report *r)
{
        char text[REPORT_TEXT], title[REPORT_TEXT + 300];

        answer_text_or(r->k.incident, "title", "an incident", text, sizeof text);
        snprintf(title, sizeof title, "Incident %s: %s", r->k.id, text);
        document_block(r->d, NODE_TITLE, title);
        head_facts(r);
}

/* ---- the whole ---- */

int report_build(json_t *facts, struct document *ret, struct error *e)
{
        static void (*const parts[])(struct report *) = {
                report_head,
                report_summary,
                report_timeline,
                report_captured,
                report_cause,
                report_contributing,
                report_impact,
                report_resources,
                report_charts,
                report_refuted,
                report_remedies,
                report_unknown,
                report_sources,
        };
        struct report r = {.d = ret};

        document_init(ret);
        if (!records_read(&r.k, facts))
                return error_set(e, -EINVAL, "there is no incident in these records");
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                parts[i](&r);
        refs_done(&r.refs);
        return ret->failed ? error_set(e, -ENOMEM, "there is no memory for the report") : 0;
}

int report_write(const char *facts, size_t len, enum report_format format, struct out *o, struct error *e)
{
        json_error_t syntax;
        struct document d;
        json_t *j = json_loadb(facts, len, JSON_ALLOW_NUL, &syntax);

        if (!j)
                return error_set(
                        e, -EINVAL, "the records are no JSON: line %d: %s", syntax.line, syntax.text);
        int n = report_build(j, &d, e);
        if (n == 0) {
                (format == REPORT_HTML ? report_html : report_markdown)(&d, o);
                if (o->failed)
                        n = error_set(e, -ENOMEM, "there is no memory for the report");
        }
        document_done(&d);
        json_decref(j);
        return n;
}
