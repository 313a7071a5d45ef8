/* Findings as text: see findings.h. */
#include "cli/findings.h"

#include "base/units.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum ink findings_ink(const char *severity)
{
        if (!strcmp(severity, "critical"))
                return INK_RED;
        return !strcmp(severity, "warning") ? INK_YELLOW : INK_CYAN;
}

bool findings_firing(json_t *list)
{
        json_t *f;
        size_t i;

        json_array_foreach(list, i, f)
        {
                const char *severity = answer_raw(f, "severity");
                if (json_is_false(answer_at(f, "open")) || answer_true(f, "drill"))
                        continue;
                if (!strcmp(severity, "warning") || !strcmp(severity, "critical"))
                        return true;
        }
        return false;
}

void findings_print_evidence(const struct screen *s, json_t *list, int indent)
{
        json_t *e;
        size_t i;

        json_array_foreach(list, i, e)
        {
                char line[520];

                /* The text tells its number; value and unit are for programs. */
                answer_text(e, json_is_string(e) ? "" : "text", line, sizeof line);
                screen_fold(s, indent, INK_PLAIN, line);
        }
}

void findings_print_one(const struct screen *s, json_t *f, int indent)
{
        char severity[24], detector[64], service[160], text[600], lasted[UNITS_SIZE];
        double since = units_unix(answer_text(f, "since", text, sizeof text));
        double until = units_unix(answer_text(f, "closed_at", text, sizeof text));

        answer_text_or(f, "severity", "info", severity, sizeof severity);
        answer_text_or(f, "detector", "finding", detector, sizeof detector);
        answer_text_or(f, "service", "the host", service, sizeof service);
        screen_put(s, INK_PLAIN, "%*s", indent, "");
        screen_put(s, findings_ink(severity), "%s", severity);
        screen_put(s, INK_BOLD, "  %s", service);
        screen_put(s, INK_DIM, "  %s", detector);
        if (!isnan(since))
                screen_put(s, INK_DIM, ", %s %s", isnan(until) ? "for" : "over, after",
                        units_duration((isnan(until) ? (double)time(NULL) : until) - since, lasted));
        if (!strcmp(answer_raw(f, "role"), "consequence"))
                screen_put(s, INK_DIM, " (a consequence)");
        screen_put(s, INK_PLAIN, "\n");
        if (*answer_text(f, "text", text, sizeof text))
                screen_fold(s, indent + 2, INK_PLAIN, text);
        findings_print_evidence(s, answer_list(f, "evidence"), indent + 4);
        if (*answer_text(f, "remedy", text, sizeof text)) {
                screen_put(s, INK_PLAIN, "%*s", indent + 2, "");
                screen_put(s, INK_GREEN, "remedy\n");
                screen_fold(s, indent + 4, INK_PLAIN, text);
        }
        if (*answer_text(f, "runbook", text, sizeof text))
                screen_put(s, INK_DIM, "%*srunbook: %s\n", indent + 2, "", text);
}

static bool is_told(json_t *pending)
{
        return answer_number(pending, "lasted") >= answer_number(pending, "for") / 10;
}

static void print_pending(const struct screen *s, json_t *p)
{
        char detector[64], service[160], text[600], lasted[UNITS_SIZE], needed[UNITS_SIZE];

        answer_text_or(p, "detector", "finding", detector, sizeof detector);
        answer_text_or(p, "service", "the host", service, sizeof service);
        screen_put(s, INK_BOLD, "  %s", service);
        screen_put(s, INK_DIM, "  %s, for %s of %s\n", detector,
                units_duration(answer_number(p, "lasted"), lasted),
                units_duration(answer_number(p, "for"), needed));
        if (*answer_text(p, "text", text, sizeof text))
                screen_fold(s, 4, INK_PLAIN, text);
}

void findings_print(const struct screen *s, json_t *list, json_t *pending)
{
        size_t i, told = 0;
        json_t *f;

        json_array_foreach(pending, i, f) told += is_told(f);
        if (json_array_size(list)) {
                screen_put(s, INK_BOLD, "\nFindings\n");
                json_array_foreach(list, i, f) findings_print_one(s, f, 2);
        } else if (told) {
                screen_put(s, INK_YELLOW, "\nNothing has lasted long enough yet to be called wrong.\n");
        } else {
                screen_put(s, INK_GREEN, "\nNothing is wrong that Sexton knows of.\n");
        }
        if (told)
                screen_put(s, INK_BOLD, "\nNot a finding yet\n");
        json_array_foreach(pending, i, f)
        {
                if (is_told(f))
                        print_pending(s, f);
        }
}
