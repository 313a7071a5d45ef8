/* sexton incidents: findings that belong together, open ones first; or one of them, whole. */
#include "cli/blackbox.h"
#include "cli/client.h"
#include "cli/findings.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>
#include <time.h>

extern const struct verb verb_incidents;

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--all", NULL, "tell each of them whole"},
        {"--limit", "N", "at most so many; default 50"},
        {"--blackbox", NULL, "show what was captured when it became critical or something was done about it"},
};

static bool is_open(json_t *incident)
{
        return strcmp(answer_raw(incident, "state"), "resolved") != 0;
}

static bool any_open(json_t *list)
{
        json_t *one;
        size_t i;

        json_array_foreach(list, i, one) if (is_open(one) && !answer_true(one, "drill")) return true;
        return false;
}

static void print_suspects(const struct screen *s, json_t *list)
{
        char service[160], n[UNITS_SIZE], text[400];
        json_t *one, *reason;
        size_t i, k;

        json_array_foreach(list, i, one)
        {
                bool refuted = answer_true(one, "refuted");
                screen_put(s, refuted ? INK_DIM : INK_PLAIN, "    %s %s  %s\n",
                        refuted ? "ruled out" : "suspect",
                        answer_text_or(one, "service", "?", service, sizeof service),
                        units_percent(answer_number(one, "score"), n));
                json_array_foreach(answer_list(one, "why"), k, reason)
                        screen_fold(s, 6, INK_PLAIN, answer_text(reason, "", text, sizeof text));
        }
}

static const char *amount(double value, const char *unit, char *buf)
{
        if (!strcmp(unit, "bytes"))
                return units_bytes(value, buf);
        if (!strcmp(unit, "ratio"))
                return units_percent(value, buf);
        return !strcmp(unit, "cores") || !strcmp(unit, "load") ? units_cores(value, buf)
                                                               : units_count(value, buf);
}

static void print_resources(const struct screen *s, json_t *list)
{
        static const struct column columns[] = {{.title = ""}, {.title = "OF", .stretch = true},
                {.title = "NORMAL", .right = true}, {.title = "PEAK", .right = true},
                {.title = "AFTER", .right = true}};
        static const struct {
                const char *key, *shown;
        } names[] = {{"cpu_ratio", "CPU, cores"}, {"load1", "load"}, {"memory_bytes", "memory"},
                {"memory_used_ratio", "memory in use"}, {"zombies", "zombies held"}, {"tasks", "tasks"}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        char of[160], name[64], n[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (!t || !json_array_size(list))
                return;
        json_array_foreach(list, i, one)
        {
                const char *unit = answer_raw(one, "unit");

                answer_text_or(one, "name", "?", name, sizeof name);
                for (size_t k = 0; k < ARRAY_SIZE(names); k++)
                        if (!strcmp(name, names[k].key))
                                text_set(name, sizeof name, names[k].shown);
                table_cell(t, INK_PLAIN, "%s", name);
                table_cell(t, INK_PLAIN, "%s", answer_text_or(one, "service", "the host", of, sizeof of));
                table_cell(t, INK_PLAIN, "%s", amount(answer_number(one, "normal"), unit, n));
                table_cell(t, INK_BOLD, "%s", amount(answer_number(one, "peak"), unit, n));
                table_cell(t, INK_PLAIN, "%s", amount(answer_number(one, "after"), unit, n));
        }
        screen_put(s, INK_BOLD, "\n  Resources\n");
        table_print(t, s, 4);
}

static void print_timeline(const struct screen *s, json_t *j)
{
        static const struct column columns[] = {
                {.title = "TIME"}, {.title = "WHAT"}, {.title = "OF"}, {.title = "", .stretch = true}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        char time[80], when[UNITS_SIZE], kind[32], of[160], text[400];
        double left_out = answer_number(j, "timeline_left_out");
        json_t *list = answer_list(j, "timeline"), *one;
        size_t i;

        if (!t || !json_array_size(list))
                return;
        json_array_foreach(list, i, one)
        {
                table_cell(t, INK_DIM, "%s", units_time(answer_text(one, "time", time, sizeof time), when));
                table_cell(t, INK_PLAIN, "%s", answer_text_or(one, "kind", "?", kind, sizeof kind));
                table_cell(t, INK_PLAIN, "%s", answer_text(one, "service", of, sizeof of));
                table_cell(t, INK_PLAIN, "%s", answer_text(one, "text", text, sizeof text));
        }
        screen_put(s, INK_BOLD, "\n  Timeline\n");
        table_print(t, s, 4);
        if (left_out > 0)
                screen_put(s, INK_DIM, "    (%.0f more are left out)\n", left_out);
}

static void print_strings(const struct screen *s, const char *title, json_t *list)
{
        char text[800];
        json_t *one;
        size_t i;

        if (json_array_size(list))
                screen_put(s, INK_BOLD, "\n  %s\n", title);
        json_array_foreach(list, i, one)
                screen_fold(s, 4, INK_PLAIN, answer_text(one, "", text, sizeof text));
}

static void print_refuted(const struct screen *s, json_t *list)
{
        char text[600];
        json_t *one;
        size_t i;

        if (json_array_size(list))
                screen_put(s, INK_BOLD, "\n  Ruled out\n");
        json_array_foreach(list, i, one)
        {
                screen_fold(s, 4, INK_CYAN, answer_text_or(one, "hypothesis", "?", text, sizeof text));
                screen_fold(s, 6, INK_PLAIN, answer_text(one, "because", text, sizeof text));
        }
}

static void print_head(const struct screen *s, json_t *j)
{
        char severity[24], peak[24], culprit[160], time[80], from[UNITS_SIZE], to[UNITS_SIZE];
        double id = answer_number(j, "id"), merged = answer_number(j, "merged_into");

        answer_text_or(j, "severity", "info", severity, sizeof severity);
        if (isnan(id))
                screen_put(s, INK_BOLD, "?  ");
        else
                screen_put(s, INK_BOLD, "%.0f  ", id);
        screen_put(s, is_open(j) ? findings_ink(severity) : INK_DIM, "%s %s",
                is_open(j) ? "open" : "resolved", severity);
        if (*answer_text(j, "severity_peak", peak, sizeof peak) && strcmp(peak, severity) != 0)
                screen_put(s, INK_DIM, " (was %s)", peak);
        units_time(answer_text(j, "opened_at", time, sizeof time), from);
        screen_put(s, INK_DIM, "  since %s", from);
        if (!is_open(j))
                screen_put(s, INK_DIM, " until %s",
                        units_time(answer_text(j, "resolved_at", time, sizeof time), to));
        if (!isnan(answer_number(j, "duration")))
                screen_put(s, INK_DIM, ", %s", units_duration(answer_number(j, "duration"), to));
        if (*answer_text(j, "culprit", culprit, sizeof culprit))
                screen_put(s, INK_PLAIN, "  %s", culprit);
        if (!isnan(merged))
                screen_put(s, INK_DIM, "  (part of incident %.0f)", merged);
        fputc('\n', s->out);
}

/* In a list: what, and what it is made of. */
static void print_short(const struct screen *s, json_t *j)
{
        char text[600], detector[64], service[160];
        json_t *one;
        size_t i;

        print_head(s, j);
        if (*answer_text(j, "title", text, sizeof text))
                screen_fold(s, 2, INK_PLAIN, text);
        if (!is_open(j))
                return;
        json_array_foreach(answer_list(j, "findings"), i, one)
        {
                if (json_is_false(answer_at(one, "open")))
                        continue;
                answer_text_or(one, "severity", "info", text, sizeof text);
                screen_put(s, findings_ink(text), "    %s", text);
                screen_put(s, INK_PLAIN, "  %s", answer_text_or(one, "detector", "finding", detector, 64));
                screen_put(s, INK_DIM, "  %s\n", answer_text_or(one, "service", "the host", service, 160));
        }
        one = json_array_get(answer_list(j, "remedy"), 0);
        if (one && *answer_text(one, "", text, sizeof text)) {
                screen_put(s, INK_GREEN, "  remedy\n");
                screen_fold(s, 4, INK_PLAIN, text);
        }
}

static void print_done(const struct screen *s, json_t *list)
{
        char kind[40], service[160], text[400], time[80], n[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (json_array_size(list))
                screen_put(s, INK_BOLD, "\n  What was done\n");
        json_array_foreach(list, i, one)
        {
                answer_text(one, "taken_at", time, sizeof time);
                screen_put(s, INK_DIM, "    %s  ", units_time(time, n));
                screen_put(s, INK_PLAIN, "%s of %s", answer_text(one, "kind", kind, sizeof kind),
                        answer_text(one, "service", service, sizeof service));
                screen_put(s, INK_DIM, " by %s", answer_text(one, "who", text, sizeof text));
                screen_put(s, answer_true(one, "stands") ? INK_YELLOW : INK_PLAIN, ": %s",
                        answer_text(one, "state", text, sizeof text));
                if (answer_at(one, "helped"))
                        screen_put(
                                s, INK_PLAIN, ", %s", answer_true(one, "helped") ? "helped" : "didn't help");
                fputc('\n', s->out);
                answer_text(one, *answer_raw(one, "result") ? "result" : "reason", text, sizeof text);
                if (*text)
                        screen_fold(s, 6, INK_DIM, text);
        }
}

static void print_whole(const struct screen *s, json_t *j)
{
        char text[2000];
        json_t *one;
        size_t i;

        print_head(s, j);
        if (*answer_text(j, "verdict", text, sizeof text))
                screen_fold(s, 2, INK_BOLD, text);
        else if (*answer_text(j, "title", text, sizeof text))
                screen_fold(s, 2, INK_PLAIN, text);
        if (*answer_text(answer_at(j, "worst"), "verdict", text, sizeof text)) {
                screen_put(s, INK_BOLD, "\n  At its worst\n");
                screen_fold(s, 4, INK_PLAIN, text);
        }
        if (json_array_size(answer_list(j, "findings")))
                screen_put(s, INK_BOLD, "\n  Findings\n");
        json_array_foreach(answer_list(j, "findings"), i, one) findings_print_one(s, one, 4);
        if (json_array_size(answer_list(j, "suspects")))
                screen_put(s, INK_BOLD, "\n  Suspects\n");
        print_suspects(s, answer_list(j, "suspects"));
        print_refuted(s, answer_list(j, "refuted"));
        print_resources(s, answer_list(j, "resource"));
        print_done(s, answer_list(j, "actions"));
        print_timeline(s, j);
        print_strings(s, "What to change", answer_list(j, "remedy"));
}

static int show_blackbox(const struct options *o, enum color_mode color)
{
        cleanup_reply struct reply r = {0};
        struct screen s;
        struct target t;

        target_init(&t, "blackbox");
        target_add(&t, "id", o->arguments ? o->argument[0] : NULL);
        target_add(&t, "limit", options_get(o, "--limit"));
        int code = client_ask(o, &t, &r);
        if (code != EXIT_DONE)
                return code;
        code = json_array_size(answer_list(r.json, "captures")) ? EXIT_DONE : EXIT_BAD;
        if (options_get(o, "--json")) {
                client_print_json(&r);
                return code;
        }
        screen_init(&s, stdout, color);
        blackbox_print(&s, r.json, options_get(o, "--all"));
        return code;
}

static int run(int argc, char **argv)
{
        cleanup_reply struct reply r = {0};
        struct options o;
        struct screen s;
        struct target t;
        enum color_mode color;
        json_t *one;
        size_t i;
        int code = options_parse(&o, &verb_incidents, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (options_color(&o, &color) < 0)
                return EXIT_USAGE;
        if (options_get(&o, "--blackbox"))
                return show_blackbox(&o, color);
        bool whole = o.arguments || options_get(&o, "--all");
        target_init(&t, "incidents");
        target_add(&t, "id", o.arguments ? o.argument[0] : NULL);
        target_add(&t, "limit", options_get(&o, "--limit"));
        code = client_ask(&o, &t, &r);
        if (code != EXIT_DONE)
                return code;
        json_t *list = answer_list(r.json, "incidents");
        code = any_open(list) ? EXIT_BAD : EXIT_DONE;
        if (options_get(&o, "--json")) {
                client_print_json(&r);
                return code;
        }
        screen_init(&s, stdout, color);
        if (!json_array_size(list))
                screen_put(&s, INK_GREEN, "No incidents.\n");
        /* open ones come first */
        json_array_foreach(list, i, one)
        {
                if (i > 0 && whole)
                        fputc('\n', s.out);
                (whole ? print_whole : print_short)(&s, one);
        }
        return code;
}

const struct verb verb_incidents = {
        .name = "incidents",
        .args = "[INCIDENT]",
        .summary = "list the incidents, or tell all of one: findings that belong together",
        .description =
                "Lists the open incidents, then those resolved last. An incident is what belongs together: "
                "the "
                "findings of one culprit, on itself, on the host and on its victims, from the first until "
                "all of "
                "them have been over for a while. With its number, one is told whole: the verdict, findings "
                "with "
                "their evidence, suspects, what was ruled out, resources as they are normally, at worst and "
                "afterwards, the timeline, and what to change.\n\n"
                "Numbers grow and are never used again. Trouble that comes back soon reopens its "
                "incident.\n\n"
                "When a finding becomes critical, and just before anything is done to a service, the guard "
                "captures what goes on: figures and pressure, who contributes, running and blocked tasks "
                "with "
                "their kernel stacks, the tree of processes, the last deaths, the kernel's log. --blackbox "
                "shows what was captured of an incident, or without a number the last captures of all.",
        .bad = "an incident is open that is no drill; with --blackbox: nothing was captured",
        .examples = "sexton incidents\nWhat is wrong, and what was lately?\n"
                    "sexton incidents 7\nAll that is known of one.\n"
                    "sexton incidents 7 --blackbox\nWhat went on when it became critical.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
