/* Whose fault it was, who had a part in it, who had not, and what to change. See sections.h. */
#include "report/sections.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

enum { EVIDENCE = 12, SUSPECTS = 16, HYPOTHESES = 24, REMEDIES = 24 };

/* ---- cause ---- */

static void evidence(struct report *r, json_t *list, json_t *finding)
{
        char text[REPORT_TEXT], time[UNITS_SIZE];
        json_t *one;
        size_t i;

        json_array_foreach(list, i, one)
        {
                double t = records_time(one, "time");
                if (i == EVIDENCE)
                        return;
                document_block(r->d, NODE_ITEM, "");
                document_put(r->d, "%s", answer_text_or(one, "text", "?", text, sizeof text));
                if (!isnan(t))
                        document_put(r->d, " (%s UTC)", report_time(t, time));
                if (finding)
                        refs_finding(&r->refs, r->d, &r->k, finding);
                else
                        refs_incident(&r->refs, r->d, &r->k, "evidence");
        }
}

static void finding(struct report *r, json_t *f)
{
        char text[REPORT_TEXT], word[64];

        document_block(r->d, NODE_PARAGRAPH, "");
        document_run(r->d, NODE_SEVERITY, answer_text_or(f, "severity", "info", word, sizeof word));
        document_put(r->d, " ");
        document_run(r->d, NODE_STRONG, answer_text_or(f, "detector", "finding", word, sizeof word));
        document_put(r->d, " in ");
        report_service(r, answer_text(f, "service", text, sizeof text));
        document_put(r->d, ": %s", answer_text_or(f, "text", "-", text, sizeof text));
        if (!strcmp(answer_raw(f, "role"), "consequence"))
                document_put(r->d, " (told as a consequence of the cause)");
        document_put(r->d, ".");
        refs_finding(&r->refs, r->d, &r->k, f);
        evidence(r, answer_list(f, "evidence"), f);
}

static void confidence(struct report *r)
{
        const char *field;
        double c = report_confidence(r, &field);
        char n[UNITS_SIZE];

        document_block(r->d, NODE_PARAGRAPH, "");
        if (!r->k.culprit[0])
                document_put(r->d, "No culprit was named: none of the services stands out enough in what was "
                                   "measured.");
        else if (isnan(c))
                document_put(r->d, "How sure this is was not recorded.");
        else
                document_put(r->d,
                        "Confidence: %s. It comes from this service's share of what was wrong while it was "
                        "wrong "
                        "(CPU, load, memory, zombies, pids). Shares are measured; that they are the cause is "
                        "inferred.",
                        units_percent(c, n));
        refs_incident(&r->refs, r->d, &r->k, r->k.culprit[0] && !isnan(c) ? field : "culprit");
}

void report_cause(struct report *r)
{
        char text[REPORT_TEXT];
        json_t *one;
        size_t i;

        document_block(r->d, NODE_SECTION, "Cause");
        if (*answer_text(r->k.incident, "verdict", text, sizeof text)) {
                document_block(r->d, NODE_QUOTE, "");
                document_put(r->d, "%s", text);
                refs_incident(&r->refs, r->d, &r->k, "verdict");
        }
        if (*answer_text(answer_at(r->k.incident, "worst"), "verdict", text, sizeof text)) {
                document_block(r->d, NODE_PARAGRAPH, "");
                document_put(r->d, "While it was at its worst:");
                document_block(r->d, NODE_QUOTE, "");
                document_put(r->d, "%s", text);
                refs_incident(&r->refs, r->d, &r->k, "worst.verdict");
        }
        confidence(r);
        evidence(r, answer_list(r->k.incident, "evidence"), NULL);
        json_array_foreach(r->k.findings, i, one) finding(r, one);
}

/* ---- others ---- */

static bool is_culprit(const struct report *r, json_t *suspect)
{
        return !strcmp(answer_raw(suspect, "service"), answer_raw(r->k.incident, "culprit"));
}

void report_contributing(struct report *r)
{
        static const struct document_column columns[] = {
                {"Service"}, {"Share of what was wrong", true}, {"Why"}};
        char text[REPORT_TEXT], n[UNITS_SIZE];
        json_t *one, *reason;
        size_t i, k, rows = 0;

        document_block(r->d, NODE_SECTION, "Contributing factors");
        json_array_foreach(r->k.suspects, i, one)
        {
                if (is_culprit(r, one) || answer_true(one, "refuted") || rows == SUSPECTS)
                        continue;
                if (rows++ == 0)
                        document_table(r->d, columns, ARRAY_SIZE(columns));
                document_block(r->d, NODE_ROW, "");
                report_cell(r);
                report_service(r, answer_text(one, "service", text, sizeof text));
                report_cell(r);
                document_put(r->d, "%s", units_percent(answer_number(one, "score"), n));
                report_cell(r);
                json_array_foreach(answer_list(one, "why"), k, reason)
                {
                        if (k < EVIDENCE)
                                document_put(r->d, "%s%s", k ? "; " : "",
                                        answer_text(reason, "", text, sizeof text));
                }
                refs_incident(&r->refs, r->d, &r->k, "suspects");
        }
        if (rows)
                return;
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "No other service had a share worth naming.");
        refs_incident(&r->refs, r->d, &r->k, "suspects");
}

static void refuted_row(
        struct report *r, size_t rows, const char *hypothesis, const char *because, const char *field)
{
        static const struct document_column columns[] = {{"What it looked like"}, {"Why it was ruled out"}};

        if (rows == 0)
                document_table(r->d, columns, ARRAY_SIZE(columns));
        document_block(r->d, NODE_ROW, "");
        report_cell(r);
        document_put(r->d, "%s", hypothesis);
        report_cell(r);
        document_put(r->d, "%s", because);
        refs_incident(&r->refs, r->d, &r->k, field);
}

/* Is the service named in one of the hypotheses already? */
static bool is_told(const struct report *r, const char *service)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(r->k.incident, "refuted"), i, one)
        {
                if (strstr(answer_raw(one, "hypothesis"), service) ||
                        strstr(answer_raw(one, "because"), service))
                        return true;
        }
        return false;
}

void report_refuted(struct report *r)
{
        char text[REPORT_TEXT], because[REPORT_TEXT], service[RECORDS_NAME];
        json_t *one;
        size_t i, rows = 0;

        document_block(r->d, NODE_SECTION, "What was ruled out, and why");
        json_array_foreach(answer_list(r->k.incident, "refuted"), i, one)
        {
                if (rows < HYPOTHESES)
                        refuted_row(r, rows++, answer_text_or(one, "hypothesis", "?", text, sizeof text),
                                answer_text_or(one, "because", "-", because, sizeof because), "refuted");
        }
        json_array_foreach(r->k.suspects, i, one)
        {
                answer_text(one, "service", service, sizeof service);
                if (!answer_true(one, "refuted") || !*service || is_told(r, answer_raw(one, "service")) ||
                        is_culprit(r, one) || rows >= HYPOTHESES)
                        continue;
                snprintf(text, sizeof text, "%s is to blame", service);
                refuted_row(r, rows++, text,
                        answer_text_or(one, "refutation", "its share is too small", because, sizeof because),
                        "suspects");
        }
        if (rows)
                return;
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "Nothing was examined and ruled out.");
}

/* ---- remedies ---- */

static void remedy(struct report *r, const char *text, json_t *finding)
{
        char runbook[64], of[RECORDS_NAME];

        document_block(r->d, NODE_ITEM, "");
        document_put(r->d, "%s", text);
        if (!finding) {
                refs_incident(&r->refs, r->d, &r->k, "remedy");
                return;
        }
        document_put(r->d, " (for ");
        report_service(r, answer_text(finding, "service", of, sizeof of));
        if (*answer_text(finding, "runbook", runbook, sizeof runbook)) {
                document_put(r->d, "; runbook ");
                document_run(r->d, NODE_CODE, runbook);
        }
        document_put(r->d, ")");
        refs_finding(&r->refs, r->d, &r->k, finding);
}

/* The finding that a remedy was taken from. */
static json_t *finding_of(const struct report *r, const char *remedy, size_t before)
{
        json_t *one;
        size_t i;

        json_array_foreach(r->k.findings, i, one)
        {
                if (i < before && !strcmp(answer_raw(one, "remedy"), remedy))
                        return one;
        }
        return NULL;
}

static bool in_list(json_t *list, const char *text)
{
        json_t *one;
        size_t i;

        json_array_foreach(list, i, one)
        {
                if (!strcmp(answer_raw(one, ""), text))
                        return true;
        }
        return false;
}

void report_remedies(struct report *r)
{
        json_t *list = answer_list(r->k.incident, "remedy"), *one;
        char text[REPORT_TEXT];
        size_t i, items = 0;

        document_block(r->d, NODE_SECTION, "Remedies");
        json_array_foreach(list, i, one)
        {
                if (*answer_text(one, "", text, sizeof text) && items++ < REMEDIES)
                        remedy(r, text, finding_of(r, answer_raw(one, ""), SIZE_MAX));
        }
        json_array_foreach(r->k.findings, i, one)
        {
                const char *raw = answer_raw(one, "remedy");
                if (!*raw || in_list(list, raw) || finding_of(r, raw, i) || items >= REMEDIES)
                        continue;
                items++;
                remedy(r, answer_text(one, "remedy", text, sizeof text), one);
        }
        if (items)
                return;
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "None is known.");
}
