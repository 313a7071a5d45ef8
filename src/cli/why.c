/* sexton why: the answer in plain words, what it rests on, what was ruled out, what to change. */
#include "cli/client.h"
#include "cli/findings.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

extern const struct verb verb_why;

static const struct verb_option options[] = {OPTIONS_OF_CLIENTS};

static void print_strings(const struct screen *s, json_t *list, int indent, enum ink ink)
{
        char text[800];
        json_t *one;
        size_t i;

        json_array_foreach(list, i, one)
        {
                screen_put(s, INK_PLAIN, "%*s", indent - 2, "");
                screen_put(s, ink, "- ");
                answer_text(one, json_is_string(one) ? "" : "text", text, sizeof text);
                /* The first line stands behind the dash. */
                screen_fold_behind(s, indent, INK_PLAIN, text);
        }
}

static void print_why(const struct options *o, const struct screen *s, json_t *j)
{
        char text[2000], other[600], n[UNITS_SIZE];
        double confidence = answer_number(j, "confidence");
        json_t *list, *one;
        size_t i;

        if (*answer_text(j, "question", text, sizeof text))
                screen_fold(s, 0, INK_DIM, text);
        if (*answer_text(j, "answer", text, sizeof text))
                screen_fold(s, 0, INK_BOLD, text);
        if (*answer_text(j, "culprit", text, sizeof text)) {
                screen_put(s, INK_PLAIN, "\nculprit     ");
                screen_put(s, INK_RED, "%s", text);
                answer_text(j, "confidence", other, sizeof other);
                if (*other)
                        screen_put(s, INK_PLAIN, "  (confidence: %s)", other);
                else if (!isnan(confidence))
                        screen_put(s, INK_PLAIN, "  (confidence %s)", units_percent(confidence, n));
                fputc('\n', s->out);
        }
        list = answer_list(j, "evidence");
        if (json_array_size(list)) {
                screen_put(s, INK_BOLD, "\nEvidence\n");
                findings_print_evidence(s, list, 2);
        }
        list = answer_list(j, "refuted");
        if (json_array_size(list))
                screen_put(s, INK_BOLD, "\nRuled out\n");
        json_array_foreach(list, i, one)
        {
                answer_text_or(one, "hypothesis", "?", text, sizeof text);
                screen_fold(s, 2, INK_CYAN, text);
                if (*answer_text(one, "because", other, sizeof other))
                        screen_fold(s, 4, INK_PLAIN, other);
        }
        list = answer_list(j, "remedy");
        if (json_array_size(list)) {
                screen_put(s, INK_BOLD, "\nWhat to change\n");
                print_strings(s, list, 4, INK_GREEN);
        }
}

/* Something is wrong when somebody is to blame, or there is something to change. */
static int exit_of(json_t *j)
{
        return *answer_raw(j, "culprit") || json_array_size(answer_list(j, "remedy")) ? EXIT_BAD : EXIT_DONE;
}

static int run(int argc, char **argv)
{
        struct options o;
        struct target t;
        int code = options_parse(&o, &verb_why, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        target_init(&t, "why");
        target_add(&t, "subject", o.arguments ? o.argument[0] : NULL);
        return client_show(&o, &t, print_why, exit_of);
}

const struct verb verb_why = {
        .name = "why",
        .args = "[SERVICE|INCIDENT]",
        .summary = "say in plain words what is wrong, who causes it, and what to change",
        .description =
                "Answers what is wrong with the host, with one service, or in one incident: who contributes "
                "how much, on what evidence, what looks guilty and isn't, and what to change. Suspects are "
                "ranked by what they cost the host, not by how loud they are or by who changed last.\n\n"
                "The answer may be that none of the services is to blame.",
        .bad = "something is wrong",
        .examples = "sexton why\nWhat is wrong with this host?\n"
                    "sexton why shop/worker\nWhat is wrong with this service?\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
