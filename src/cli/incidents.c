/* sexton incidents: findings that belong together, open ones first. */
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
        {"--all", NULL, "show resolved ones with their findings too"},
};

static bool is_open(json_t *incident)
{
        return strcmp(answer_raw(incident, "state"), "resolved") != 0;
}

static bool any_open(json_t *list)
{
        json_t *one;
        size_t i;

        json_array_foreach(list, i, one) if (is_open(one)) return true;
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
                screen_put(s, refuted ? INK_DIM : INK_BOLD, "  %s %s  %s\n",
                        refuted ? "ruled out" : "suspect",
                        answer_text_or(one, "service", "?", service, sizeof service),
                        units_percent(answer_number(one, "score"), n));
                json_array_foreach(answer_list(one, "why"), k, reason)
                        screen_fold(s, 4, INK_PLAIN, answer_text(reason, "", text, sizeof text));
        }
}

static void print_incident(const struct screen *s, json_t *j, bool findings)
{
        char id[32], severity[24], title[400], culprit[160], time[80], from[UNITS_SIZE], to[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (isnan(answer_number(j, "id")))
                answer_text_or(j, "id", "?", id, sizeof id);
        else
                snprintf(id, sizeof id, "%.0f", answer_number(j, "id"));
        answer_text_or(j, "severity", "info", severity, sizeof severity);
        screen_put(s, INK_BOLD, "%s  ", id);
        screen_put(s, is_open(j) ? findings_ink(severity) : INK_DIM, "%s %s",
                is_open(j) ? "open" : "resolved", severity);
        units_time(answer_text(j, "opened_at", time, sizeof time), from);
        screen_put(s, INK_DIM, "  since %s", from);
        if (!is_open(j))
                screen_put(s, INK_DIM, " until %s",
                        units_time(answer_text(j, "resolved_at", time, sizeof time), to));
        if (*answer_text(j, "culprit", culprit, sizeof culprit))
                screen_put(s, INK_PLAIN, "  %s", culprit);
        fputc('\n', s->out);
        if (*answer_text(j, "title", title, sizeof title))
                screen_fold(s, 2, INK_PLAIN, title);
        if (findings) {
                json_array_foreach(answer_list(j, "findings"), i, one) findings_print_one(s, one, 2);
                print_suspects(s, answer_list(j, "suspects"));
        }
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
        int code = options_parse(&o, &verb_incidents, 0, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (options_color(&o, &color) < 0)
                return EXIT_USAGE;
        target_init(&t, "incidents");
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
        json_array_foreach(list, i, one) if (is_open(one)) print_incident(&s, one, true);
        json_array_foreach(list, i, one) if (!is_open(one))
                print_incident(&s, one, options_get(&o, "--all") != NULL);
        return code;
}

const struct verb verb_incidents = {
        .name = "incidents",
        .args = "",
        .summary = "list the incidents: findings that belong together",
        .description =
                "Lists the open incidents with their findings, evidence and remedies, then those that are "
                "resolved. What caused one is the question of sexton why.",
        .bad = "an incident is open",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
