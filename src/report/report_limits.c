/* What this report doesn't know, and where its numbers stand. See sections.h. */
#include "report/sections.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>

enum { GAPS = 12 };

static void item(struct report *r)
{
        document_block(r->d, NODE_ITEM, "");
}

static void gaps(struct report *r)
{
        json_t *list = answer_list(r->k.host, "gaps"), *one;
        char from[UNITS_SIZE], to[UNITS_SIZE], source[64], n[UNITS_SIZE];
        size_t i, told = 0;

        json_array_foreach(list, i, one)
        {
                double start = records_time(one, "from"), end = records_time(one, "to");
                double missed = answer_number(one, "missed");

                if (end < r->k.began || start > r->k.until || told++ >= GAPS)
                        continue;
                item(r);
                document_put(r->d, "From %s to %s UTC the source ", report_time(start, from),
                        report_time(end, to));
                document_run(r->d, NODE_CODE, answer_text_or(one, "source", "?", source, sizeof source));
                if (isnan(missed))
                        document_put(r->d, " lost an unknown number of events.");
                else
                        document_put(r->d, " lost %s events.", units_count(missed, n));
                refs_status(&r->refs, r->d);
        }
}

static void events(struct report *r)
{
        double lost = NAN;
        char n[UNITS_SIZE], m[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (!r->k.events) {
                item(r);
                document_put(
                        r->d, "No stored events of this time could be read; counts come from the timeline.");
                return;
        }
        json_array_foreach(r->k.events, i, one)
        {
                double matching = answer_number(one, "matching");
                double told = (double)json_array_size(answer_list(one, "events"));

                lost = fmax(lost, answer_number(one, "lost"));
                if (!(matching > told))
                        continue;
                item(r);
                document_put(r->d, "Of %s events of one kind only the newest %s were counted.",
                        units_count(matching, n), units_count(told, m));
        }
        if (!(lost > 0))
                return;
        item(r);
        document_put(r->d,
                "%s events were lost between guard and recorder since the recorder started; counts may be "
                "too "
                "small.",
                units_count(lost, n));
}

static void samples(struct report *r)
{
        struct series s;
        struct series_story story;
        char step[UNITS_SIZE];
        size_t unknown = 0;

        if (!records_series(&r->k, NULL, "load1", &s) && !records_series(&r->k, NULL, "cpu_ratio", &s)) {
                item(r);
                document_put(r->d, "No samples of the host from this time are stored: what it cost the host "
                                   "can't be told from history.");
                return;
        }
        records_story(&r->k, &s, &story);
        for (size_t i = 0; i < s.count; i++) {
                double t = series_time(&s, i);
                unknown += t >= r->k.began && t <= r->k.until && isnan(series_value(&s, i));
        }
        if (isnan(story.normal)) {
                item(r);
                document_put(r->d,
                        "What is usual on this host is not known: fewer than three samples from before "
                        "the first sign are stored.");
        }
        if (unknown) {
                item(r);
                document_put(r->d, "%zu of its samples during the incident are missing.", unknown);
        }
        if (!r->k.open && isnan(story.after)) {
                item(r);
                document_put(r->d,
                        "How it was afterwards is not known yet: fewer than three samples follow the "
                        "end.");
        }
        if (s.step > 0) {
                item(r);
                document_put(r->d, "Each sample stands for %s; what was shorter shows only in part.",
                        units_duration(s.step, step));
        }
}

void report_unknown(struct report *r)
{
        double unattributed = answer_number(r->k.host, "unattributed.cpu_ratio");
        char n[UNITS_SIZE];

        document_block(r->d, NODE_SECTION, "What is not known");
        if (!r->k.culprit[0]) {
                item(r);
                document_put(r->d, "Who caused it.");
        }
        if (r->k.open) {
                item(r);
                document_put(r->d, "How it ends: it is open, and any number here may still grow.");
        }
        if (isnan(r->k.opened)) {
                item(r);
                document_put(r->d, "When it began: no time is recorded.");
        }
        samples(r);
        events(r);
        gaps(r);
        if (unattributed > 0.05) {
                item(r);
                document_put(r->d, "CPU time of %s cores belongs to no service that is known.",
                        units_cores(unattributed, n));
                refs_status(&r->refs, r->d);
        }
        item(r);
        document_put(r->d,
                "Sexton sees what the kernel and the container engine tell. What the programs were "
                "asked to do, and by whom, is not in its records.");
        item(r);
        document_put(r->d,
                "That one thing came after another proves no cause. Nothing here was reproduced; a "
                "change is proven only when the trouble stays away longer than its usual period.");
}

void report_sources(struct report *r)
{
        char now[UNITS_SIZE], command[80];

        document_block(r->d, NODE_SECTION, "Where the numbers come from");
        document_block(r->d, NODE_PARAGRAPH, "");
        document_put(r->d,
                "Written at %s UTC by Sexton %s from the records below. Durations are differences of two "
                "times "
                "given here. Any of them can be asked for again, as long as it is stored: ",
                report_time(r->k.now, now), r->k.version);
        document_run(r->d, NODE_CODE,
                "curl --unix-socket /run/sexton/sexton.sock 'http://localhost/sexton/v1/...'");
        document_put(r->d, "; all that this was made from: ");
        snprintf(command, sizeof command, "sexton report %s --json", r->k.id);
        document_run(r->d, NODE_CODE, command);
        document_put(r->d, ".");
        refs_table(&r->refs, r->d);
}
