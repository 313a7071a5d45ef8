/* What happened: the summary in plain words, and the timeline. See sections.h. */
#include "report/sections.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- summary ---- */

static void summary_what(struct report *r)
{
        const struct records *k = &r->k;
        char began[UNITS_SIZE], opened[UNITS_SIZE], until[UNITS_SIZE], n[UNITS_SIZE], title[REPORT_TEXT];

        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "On ");
        if (k->host_name[0])
                document_run(r->d, NODE_CODE, k->host_name);
        else
                document_put(r->d, "this host");
        document_put(r->d, ", from %s UTC", report_time(k->opened, opened));
        if (k->open)
                document_put(r->d, " and still open when this was written (%s UTC, after %s)",
                        report_time(k->now, until), units_duration(k->now - k->opened, n));
        else
                document_put(r->d, " until %s UTC (%s)", report_time(k->resolved, until),
                        units_duration(k->resolved - k->opened, n));
        answer_text_or(k->incident, "title", "no more is known", title, sizeof title);
        document_put(r->d, ": %s.", title);
        refs_incident(&r->refs, r->d, k, "title");
        if (k->began < k->opened - 1)
                document_put(r->d,
                        " Its first sign is from %s UTC, %s earlier: a condition must hold for a while "
                        "before it counts.",
                        report_time(k->began, began), units_duration(k->opened - k->began, n));
}

static void summary_who(struct report *r)
{
        const char *field;
        double confidence = report_confidence(r, &field);
        char n[UNITS_SIZE];

        document_block(r->d, NODE_PARAGRAPH, "");
        if (!r->k.culprit[0]) {
                document_put(r->d, "No single service could be named as its cause.");
                refs_incident(&r->refs, r->d, &r->k, "culprit");
                return;
        }
        document_put(r->d, confidence >= 0.7   ? "The most likely cause is "
                           : confidence >= 0.4 ? "A likely cause is "
                                               : "A possible cause is ");
        document_run(r->d, NODE_CODE, r->k.culprit);
        if (isnan(confidence)) {
                document_put(r->d, "; how sure that is was not recorded.");
                refs_incident(&r->refs, r->d, &r->k, "culprit");
                return;
        }
        document_put(r->d, ", with a confidence of %s.", units_percent(confidence, n));
        refs_incident(&r->refs, r->d, &r->k, field);
}

/* What the incident itself recorded of the host: for when no history is stored. */
static bool told_recorded(
        struct report *r, const char *name, const char *words, const char *unit, const char *joint)
{
        json_t *one;
        size_t i;
        char n[UNITS_SIZE];

        json_array_foreach(answer_list(r->k.incident, "resource"), i, one)
        {
                double peak = answer_number(one, "peak"), normal = answer_number(one, "normal");

                if (strcmp(answer_raw(one, "name"), name) != 0 || answer_at(one, "service") || !(peak > 0) ||
                        peak < normal * 1.5)
                        continue;
                document_put(r->d, "%s%s rose to %s", joint, words, report_value(peak, unit, n));
                if (!isnan(normal))
                        document_put(r->d, " (before: %s)", report_value(normal, unit, n));
                refs_incident(&r->refs, r->d, &r->k, "resource");
                return true;
        }
        return false;
}

/* The worst of a host's series, beside what was usual. */
static bool told_peak(struct report *r, const char *name, const char *words, const char *unit, bool first)
{
        const char *joint = first ? ": " : ", ";
        struct series s;
        struct series_story story;
        char n[UNITS_SIZE];

        if (!records_series(&r->k, NULL, name, &s))
                return told_recorded(r, name, words, unit, joint);
        records_story(&r->k, &s, &story);
        if (!(story.peak > 0) || (!isnan(story.normal) && story.peak < story.normal * 1.5))
                return false;
        document_put(r->d, "%s%s rose to %s", joint, words, report_value(story.peak, unit, n));
        refs_sample(&r->refs, r->d, &s, story.peak_time, 0, 0);
        if (isnan(story.normal))
                return true;
        document_put(r->d, " (before: %s", report_value(story.normal, unit, n));
        refs_sample(&r->refs, r->d, &s, story.normal_from, story.normal_to, story.normal_samples);
        document_put(r->d, ")");
        return true;
}

static void summary_how_bad(struct report *r)
{
        char word[64];

        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "At its worst it was ");
        document_run(r->d, NODE_SEVERITY, report_severity(r, word, sizeof word));
        bool told = told_peak(r, "load1", "the load average", "", true);
        told |= told_peak(r, "cpu_ratio", "CPU in use", "cores", !told);
        told |= told_peak(r, "memory_used_ratio", "memory in use", "ratio", !told);
        told |= told_peak(r, "zombies", "the number of zombies", "", !told);
        document_put(r->d, ".");
        if (!told && !answer_list(r->k.incident, "resource"))
                document_put(r->d, " How much it cost the host isn't known: there are no samples of it.");
}

static bool ends_trouble(const char *kind)
{
        static const char *const kinds[] = {"action", "restart", "stop", "deploy", "start", "config"};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (!strcmp(kind, kinds[i]))
                        return true;
        return false;
}

/* The last thing somebody did before everything fell quiet; that it helped is a guess. */
static void summary_end(struct report *r)
{
        const struct records *k = &r->k;
        json_t *one, *last = NULL;
        size_t i, at = 0;
        char text[REPORT_TEXT], time[UNITS_SIZE];

        document_block(r->d, NODE_PARAGRAPH, "");
        if (k->open) {
                document_put(r->d, "It is not over: what follows is what is known so far.");
                return;
        }
        json_array_foreach(k->timeline, i, one)
        {
                double t = records_time(one, "time");
                if (ends_trouble(answer_raw(one, "kind")) && t >= k->opened && t <= k->resolved) {
                        last = one;
                        at = i;
                }
        }
        if (isnan(k->resolved))
                document_put(r->d, "It is over; when it ended was not recorded.");
        else
                document_put(r->d,
                        "It was resolved at %s UTC, when all its findings had been over for a while.",
                        report_time(k->resolved, time));
        refs_incident(&r->refs, r->d, k, "resolved_at");
        if (!last) {
                document_put(r->d,
                        " No action, restart or deploy was recorded before that, so what ended it is "
                        "not known.");
                return;
        }
        document_put(r->d, " The last change recorded before that: ");
        answer_text(last, "service", text, sizeof text);
        report_service(r, text);
        answer_text_or(last, "text", "no text", text, sizeof text);
        document_put(r->d, ", %s, at %s UTC", text, report_time(records_time(last, "time"), time));
        refs_timeline(&r->refs, r->d, k, last, at);
        document_put(r->d, ". This order was observed; that the one ended the other was not tested.");
}

void report_summary(struct report *r)
{
        document_block(r->d, NODE_SECTION, "Summary");
        summary_what(r);
        summary_who(r);
        summary_how_bad(r);
        summary_end(r);
}

/* ---- timeline ---- */

enum { ROWS = 200, COMMON_ROWS = 60 };

static bool is_common(const char *kind)
{
        static const char *const kinds[] = {
                "restart", "death", "die", "start", "health_timeout", "health_fail"};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (!strcmp(kind, kinds[i]))
                        return true;
        return false;
}

static void timeline_row(struct report *r, json_t *one, size_t i)
{
        char text[REPORT_TEXT], kind[64], time[UNITS_SIZE], n[UNITS_SIZE];
        double count = answer_number(one, "count"), until = records_time(one, "until");

        document_block(r->d, NODE_ROW, "");
        report_cell(r);
        document_put(r->d, "%s", report_time(records_time(one, "time"), time));
        report_cell(r);
        document_put(r->d, "%s", answer_text_or(one, "kind", "?", kind, sizeof kind));
        report_cell(r);
        report_service(r, answer_text(one, "service", text, sizeof text));
        report_cell(r);
        document_put(r->d, "%s", answer_text_or(one, "text", "no more is known", text, sizeof text));
        if (count > 1) {
                size_t len = strlen(units_count(count, n));
                bool counted = !strncmp(text, n, len) && !strncmp(text + len, " times", 6);

                if (!counted)
                        document_put(r->d, ", %s times", n);
                if (!isnan(until))
                        document_put(r->d, ", until %s", report_time(until, time));
        }
        refs_timeline(&r->refs, r->d, &r->k, one, i);
}

void report_timeline(struct report *r)
{
        static const struct document_column columns[] = {{.title = "Time (UTC)", .narrow = true},
                {.title = "Kind", .narrow = true}, {"Service"}, {"What happened"}};
        double gone = answer_number(r->k.incident, "timeline_left_out");
        size_t i, rows = 0, common = 0, hidden = 0;
        char n[UNITS_SIZE];
        json_t *one;

        document_block(r->d, NODE_SECTION, "Timeline");
        if (!json_array_size(r->k.timeline)) {
                document_block(r->d, NODE_PARAGRAPH, "");
                document_put(r->d, "No timeline was recorded.");
                return;
        }
        document_table(r->d, columns, ARRAY_SIZE(columns));
        json_array_foreach(r->k.timeline, i, one)
        {
                bool is = is_common(answer_raw(one, "kind"));
                if (rows >= ROWS || (is && common >= COMMON_ROWS)) {
                        hidden++;
                        continue;
                }
                common += is;
                rows++;
                timeline_row(r, one, i);
        }
        if (!hidden && !(gone > 0))
                return;
        document_block(r->d, NODE_PARAGRAPH, "");
        if (hidden)
                document_put(r->d, "%zu more lines, mostly of the same kinds, are in the incident's record.",
                        hidden);
        if (gone > 0)
                document_put(r->d, "%s%s lines were not kept.", hidden ? " " : "", units_count(gone, n));
        refs_incident(&r->refs, r->d, &r->k, "timeline");
}

void report_captured(struct report *r)
{
        char command[sizeof r->k.id + 40];

        if (!json_array_size(r->k.blackbox))
                return;
        snprintf(command, sizeof command, "sexton incidents %s --blackbox", r->k.id);
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d,
                "What went on when it became critical, or just before anything was done about it, was "
                "captured (running and blocked tasks, the tree of processes, the last deaths, the "
                "kernel's log): ");
        document_run(r->d, NODE_CODE, command);
        document_put(r->d, ".");
}
