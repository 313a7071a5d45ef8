/* What it cost: services, resources before, during and after, and charts. See sections.h. */
#include "report/sections.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERVICES = 24, ROWS = 40 };

/* What is measured, as history and incidents call it. */
enum measure { LOAD, CPU, MEMORY_USED, MEMORY, ZOMBIES, TASKS, PSI_CPU, PSI_MEMORY, PSI_IO };

static const struct quantity {
        const char *name, *words, *unit;
        enum chart_unit chart;
} quantities[] = {
        [LOAD] = {"load1", "load average, 1 min", "", CHART_COUNT},
        [CPU] = {"cpu_ratio", "CPU in use", "cores", CHART_CORES},
        [MEMORY_USED] = {"memory_used_ratio", "memory in use", "ratio", CHART_RATIO},
        [MEMORY] = {"memory_bytes", "memory", "bytes", CHART_BYTES},
        [ZOMBIES] = {"zombies", "zombies", "", CHART_COUNT},
        [TASKS] = {"tasks", "tasks", "", CHART_COUNT},
        [PSI_CPU] = {"psi_cpu", "CPU pressure", "ratio", CHART_RATIO},
        [PSI_MEMORY] = {"psi_memory", "memory pressure", "ratio", CHART_RATIO},
        [PSI_IO] = {"psi_io", "I/O pressure", "ratio", CHART_RATIO},
};

static const struct quantity *quantity(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(quantities); i++)
                if (!strcmp(quantities[i].name, name))
                        return &quantities[i];
        return NULL;
}

/* ---- services ---- */

struct affected {
        const char *name[SERVICES]; /* of the records */
        size_t count;
};

static void affects(struct affected *a, const char *service)
{
        for (size_t i = 0; i < a->count; i++)
                if (!strcmp(a->name[i], service))
                        return;
        if (*service && a->count < SERVICES)
                a->name[a->count++] = service;
}

static void find_affected(const struct report *r, struct affected *a)
{
        json_t *one;
        size_t i;

        affects(a, answer_raw(r->k.incident, "culprit"));
        affects(a, answer_raw(r->k.incident, "service"));
        json_array_foreach(r->k.findings, i, one) affects(a, answer_raw(one, "service"));
        json_array_foreach(r->k.timeline, i, one)
        {
                if (records_harm(answer_raw(one, "kind")))
                        affects(a, answer_raw(one, "service"));
        }
}

static size_t findings_of(const struct report *r, const char *service)
{
        size_t i, n = 0;
        json_t *one;

        json_array_foreach(r->k.findings, i, one) n += !strcmp(answer_raw(one, "service"), service);
        return n;
}

/* From the stored events, or from the timeline when there are none. */
static void count_cell(struct report *r, const char *kind, const char *service)
{
        double sum = 0, n;
        char text[UNITS_SIZE];
        json_t *one;
        size_t i;

        report_cell(r);
        if (r->k.events) {
                sum = records_events(&r->k, kind, service);
                document_put(r->d, "%s", units_count(sum, text));
                if (sum > 0)
                        refs_count(&r->refs, r->d, &r->k, kind, service);
                return;
        }
        json_array_foreach(r->k.timeline, i, one)
        {
                if (strcmp(answer_raw(one, "kind"), kind) != 0 ||
                        strcmp(answer_raw(one, "service"), service) != 0)
                        continue;
                n = answer_number(one, "count");
                sum += n >= 1 ? n : 1;
        }
        document_put(r->d, "%s", units_count(sum, text));
        if (sum > 0)
                refs_incident(&r->refs, r->d, &r->k, "timeline");
}

static void peak_cell(struct report *r, const char *service, enum measure m)
{
        struct series s;
        struct series_story story = {.peak = NAN};
        char n[UNITS_SIZE];

        report_cell(r);
        if (records_series(&r->k, service, quantities[m].name, &s))
                records_story(&r->k, &s, &story);
        document_put(r->d, "%s", report_value(story.peak, quantities[m].unit, n));
        if (!isnan(story.peak))
                refs_sample(&r->refs, r->d, &s, story.peak_time, 0, 0);
}

void report_impact(struct report *r)
{
        static const struct document_column columns[] = {{"Service"}, {"Findings", true}, {"Restarts", true},
                {"Probes timed out", true}, {"OOM kills", true}, {"CPU at most, cores", true},
                {"Memory at most", true}};
        struct affected a = {0};

        document_block(r->d, NODE_SECTION, "Impact");
        find_affected(r, &a);
        if (!a.count) {
                document_block(r->d, NODE_PARAGRAPH, "");
                document_put(r->d, "No service was named in it.");
                return;
        }
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(
                r->d, "Services that took part, and what was counted between the first sign and the end:");
        document_table(r->d, columns, ARRAY_SIZE(columns));
        for (size_t i = 0; i < a.count; i++) {
                document_block(r->d, NODE_ROW, "");
                report_cell(r);
                report_service(r, a.name[i]);
                report_cell(r);
                document_put(r->d, "%zu", findings_of(r, a.name[i]));
                count_cell(r, "restart", a.name[i]);
                count_cell(r, "health_timeout", a.name[i]);
                count_cell(r, "oom", a.name[i]);
                peak_cell(r, a.name[i], CPU);
                peak_cell(r, a.name[i], MEMORY);
        }
}

/* ---- resources ---- */

static bool recorded(const struct report *r, const char *service, const char *name)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(r->k.incident, "resource"), i, one)
        {
                if (!strcmp(answer_raw(one, "name"), name) && !strcmp(answer_raw(one, "service"), service))
                        return true;
        }
        return false;
}

static void begin_row(struct report *r, size_t row, const char *service, const char *words)
{
        static const struct document_column columns[] = {
                {"Of"}, {"What"}, {"Before", true}, {"At its worst", true}, {"After", true}};

        if (row == 0)
                document_table(r->d, columns, ARRAY_SIZE(columns));
        document_block(r->d, NODE_ROW, "");
        report_cell(r);
        report_service(r, service);
        report_cell(r);
        document_put(r->d, "%s", words);
}

/* What the incident itself recorded while it watched. */
static void recorded_row(struct report *r, size_t row, json_t *one)
{
        static const char *const times[] = {"normal", "peak", "after"};
        char service[RECORDS_NAME], name[64], unit[32], n[UNITS_SIZE];
        const struct quantity *q = quantity(answer_raw(one, "name"));

        answer_text_or(one, "name", "?", name, sizeof name);
        answer_text_or(one, "unit", "", unit, sizeof unit);
        begin_row(r, row, answer_text(one, "service", service, sizeof service), q ? q->words : name);
        for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
                double v = answer_number(one, times[i]);
                report_cell(r);
                document_put(r->d, "%s", report_value(v, q ? q->unit : unit, n));
                if (!isnan(v))
                        refs_incident(&r->refs, r->d, &r->k, "resource");
        }
}

static void measured_row(struct report *r, size_t row, const struct series *s, const struct quantity *q)
{
        struct series_story story;
        char n[UNITS_SIZE];

        records_story(&r->k, s, &story);
        begin_row(r, row, s->service, q->words);
        report_cell(r);
        document_put(r->d, "%s", report_value(story.normal, q->unit, n));
        if (!isnan(story.normal))
                refs_sample(&r->refs, r->d, s, story.normal_from, story.normal_to, story.normal_samples);
        report_cell(r);
        document_put(r->d, "%s", report_value(story.peak, q->unit, n));
        if (!isnan(story.peak))
                refs_sample(&r->refs, r->d, s, story.peak_time, 0, 0);
        report_cell(r);
        document_put(r->d, "%s", report_value(story.after, q->unit, n));
        if (!isnan(story.after))
                refs_sample(&r->refs, r->d, s, story.after_from, story.after_to, story.after_samples);
}

static bool knows_anything(const struct report *r, const struct series *s)
{
        struct series_story story;

        records_story(&r->k, s, &story);
        return !isnan(story.peak) && (story.peak > 0 || story.normal > 0);
}

static size_t measured_rows(struct report *r, const char *service, size_t rows)
{
        struct series s;

        for (size_t i = 0; i < ARRAY_SIZE(quantities) && rows < ROWS; i++)
                if (!recorded(r, service ? service : "", quantities[i].name) &&
                        records_series(&r->k, service, quantities[i].name, &s) && knows_anything(r, &s))
                        measured_row(r, rows++, &s, &quantities[i]);
        return rows;
}

void report_resources(struct report *r)
{
        const char *culprit = answer_raw(r->k.incident, "culprit");
        json_t *one;
        size_t i, rows = 0;

        document_block(r->d, NODE_SECTION, "Resources before, at the worst, and after");
        json_array_foreach(answer_list(r->k.incident, "resource"), i, one)
        {
                if (rows < ROWS)
                        recorded_row(r, rows++, one);
        }
        rows = measured_rows(r, NULL, rows);
        if (*culprit)
                rows = measured_rows(r, culprit, rows);
        if (rows)
                return;
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d, "No samples of this time are stored.");
}

/* ---- charts ---- */

static bool worth_a_mark(const char *kind)
{
        static const char *const kinds[] = {
                "opened", "reopened", "resolved", "severity", "deploy", "oom", "action", "config", "stop"};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (!strcmp(kind, kinds[i]))
                        return true;
        return false;
}

static void add_marks(const struct report *r, struct chart *c)
{
        char kind[24], text[100];
        json_t *one;
        size_t i;

        json_array_foreach(r->k.timeline, i, one)
        {
                double t = records_time(one, "time");
                char label[REF_LABEL];

                if (isnan(t) || c->marks == CHART_MARKS || !worth_a_mark(answer_raw(one, "kind")))
                        continue;
                refs_timeline_label(&r->k, one, i, label);
                c->mark[c->marks].time = t;
                text_set(c->mark[c->marks].label, sizeof c->mark[0].label, label);
                answer_text(one, "kind", kind, sizeof kind);
                snprintf(c->mark[c->marks].text, sizeof c->mark[0].text, "%s: %s", kind,
                        answer_text(one, "text", text, sizeof text));
                c->marks++;
        }
}

/* Points in order of time only: what stands still or goes back is left out. */
static bool begin_chart(const struct report *r, struct chart *c, const struct series *s)
{
        uint32_t n = (uint32_t)MIN(s->count, (size_t)CHART_POINTS);

        *c = (struct chart){.from = r->k.began, .to = r->k.resolved, .level = NAN};
        c->time = calloc(n + 1, sizeof *c->time);
        for (uint32_t i = 0; c->time && i < n; i++) {
                double t = series_time(s, i);
                if (!isnan(t) && (!c->points || t > c->time[c->points - 1]))
                        c->time[c->points++] = t;
        }
        return c->time && c->points > 1;
}

static bool add_line(struct chart *c, const struct series *s, const char *words)
{
        struct chart_line *l = &c->line[c->lines];
        bool known = false;
        uint32_t at = 0;

        l->value = calloc(c->points, sizeof *l->value);
        if (!l->value)
                return false;
        text_set(l->name, sizeof l->name, words);
        c->lines++;
        for (uint32_t i = 0; i < c->points; i++)
                l->value[i] = NAN;
        for (size_t i = 0; i < s->count && at < c->points; i++) {
                double t = series_time(s, i);
                if (t >= c->time[at]) {
                        l->value[at] = t > c->time[at] ? NAN : series_value(s, i);
                        known |= l->value[at] > 0;
                        at++;
                }
        }
        return known;
}

static bool knows(const struct chart *c, uint32_t i)
{
        for (uint32_t k = 0; k < c->lines; k++)
                if (!isnan(c->line[k].value[i]))
                        return true;
        return false;
}

/* Before the incident, what nothing is known of is not drawn: Sexton or this service began later. */
static void leave_out_unknown(struct chart *c)
{
        uint32_t n = 0;

        while (n + 2 < c->points && !knows(c, n) && !(c->time[n + 1] > c->from))
                n++;
        c->points -= n;
        memmove(c->time, c->time + n, c->points * sizeof *c->time);
        for (uint32_t k = 0; k < c->lines; k++)
                memmove(c->line[k].value, c->line[k].value + n, c->points * sizeof(double));
}

/* What is known of those measures, from `first` to `last`, as lines of one chart. */
static void draw(
        struct report *r, const char *service, const char *title, enum measure first, enum measure last)
{
        struct chart c = {0};
        struct series s;
        bool known = false;

        for (enum measure m = first; m <= last && c.lines < CHART_LINES; m++) {
                if (!records_series(&r->k, service, quantities[m].name, &s))
                        continue;
                if (!c.time && !begin_chart(r, &c, &s))
                        break;
                c.unit = quantities[m].chart;
                known |= add_line(&c, &s, quantities[m].words);
        }
        if (!known) {
                chart_done(&c);
                return;
        }
        leave_out_unknown(&c);
        if (!service && (first == LOAD || first == CPU)) {
                c.level = answer_number(r->k.host, "host.cpus");
                c.level_name = "cores of this host";
        }
        snprintf(c.title, sizeof c.title, "%.100s: %s", service ? service : "The host", title);
        add_marks(r, &c);
        document_chart(r->d, &c);
}

void report_charts(struct report *r)
{
        const char *culprit = answer_raw(r->k.incident, "culprit");
        uint32_t before = r->d->charts;

        document_block(r->d, NODE_SECTION, "Charts");
        draw(r, NULL, "load average, 1 min", LOAD, LOAD);
        draw(r, NULL, "CPU in use, cores", CPU, CPU);
        draw(r, NULL, "share of time that tasks waited", PSI_CPU, PSI_IO);
        draw(r, NULL, "memory in use", MEMORY_USED, MEMORY_USED);
        draw(r, NULL, "zombies", ZOMBIES, ZOMBIES);
        if (*culprit) {
                draw(r, culprit, "CPU in use, cores", CPU, CPU);
                draw(r, culprit, "memory", MEMORY, MEMORY);
                draw(r, culprit, "zombies", ZOMBIES, ZOMBIES);
        }
        document_block(r->d, NODE_PARAGRAPH, "");
        if (r->d->charts == before)
                document_put(r->d, "There are no samples to draw.");
        else
                document_put(r->d, "Shaded: from the first sign to the end of the incident. Dotted lines "
                                   "carry the labels "
                                   "of the timeline. Where a line breaks nothing is known.");
}
