/* sexton actions: what was done to services, what of it stands, and how to take one back. */
#include "cli/act.h"

#include "base/units.h"

#include <math.h>
#include <string.h>

extern const struct verb verb_actions;

enum { SHOWN = 20 };

static const struct verb_option options[] = {
        OPTIONS_OF_ACTS,
        OPTIONS_OF_WATCHERS,
        {"--service", "SERVICE", "only those on it"},
        {"--all", NULL, "all that are remembered, not only the newest and what stands"},
        {"--undo", "ACTION", "take this one back, by its number"},
};

static void value_cell(struct table *t, json_t *a)
{
        double value = answer_number(a, "value");
        char n[UNITS_SIZE], unit[40];

        if (isnan(value) || !*answer_text(a, "unit", unit, sizeof unit))
                table_cell(t, INK_PLAIN, "-");
        else if (!strcmp(unit, "bytes"))
                table_cell(t, INK_PLAIN, "%s", units_bytes(value, n));
        else
                table_cell(t, INK_PLAIN, "%.4g %s", value, unit);
}

static enum ink ink_of(json_t *a)
{
        const char *state = answer_raw(a, "state");

        if (answer_true(a, "stands"))
                return INK_YELLOW;
        return !strcmp(state, "failed") || !strcmp(state, "refused") ? INK_RED : INK_PLAIN;
}

static void add_row(struct table *t, json_t *a)
{
        bool stands = answer_true(a, "stands");
        char text[400], time[80], n[UNITS_SIZE];
        json_t *helped = answer_at(a, "helped");

        table_cell(t, INK_BOLD, "%.0f", answer_number(a, "id"));
        table_cell(t, INK_PLAIN, "%s", answer_text(a, "kind", text, sizeof text));
        table_cell(t, INK_PLAIN, "%s", answer_text(a, "service", text, sizeof text));
        table_cell(t, ink_of(a), "%s", answer_text(a, "state", text, sizeof text));
        value_cell(t, a);
        answer_text(a, "taken_at", time, sizeof time);
        table_cell(t, INK_PLAIN, "%s", units_time(time, n));
        answer_text(a, stands ? "until" : "ended_at", time, sizeof time);
        table_cell(t, INK_PLAIN, "%s%s", stands && *time ? "until " : "", *time ? units_time(time, n) : "-");
        table_cell(t, json_is_true(helped) ? INK_GREEN : INK_PLAIN, "%s",
                json_is_true(helped)    ? "helped"
                : json_is_false(helped) ? "didn't"
                                        : "-");
        table_cell(t, INK_PLAIN, "%s", answer_text(a, "who", text, sizeof text));
        answer_text(a, *answer_raw(a, "result") ? "result" : "reason", text, sizeof text);
        table_cell(t, INK_DIM, "%s", text);
}

static void print(const struct options *o, const struct screen *s, json_t *j)
{
        static const struct column columns[] = {{"ID", true}, {"ACTION"}, {"SERVICE"}, {"STATE"},
                {"VALUE", true}, {"TAKEN"}, {"ENDS"}, {"HELPED"}, {"BY"},
                {"WHY, OR WHAT BECAME OF IT", false, true}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        json_t *list = answer_list(j, "actions"), *one;
        char text[400];
        size_t i, left_out = 0;

        json_array_foreach(list, i, one)
        {
                if (i < SHOWN || answer_true(one, "stands") || options_get(o, "--all"))
                        add_row(t, one);
                else
                        left_out++;
        }
        if (table_rows(t))
                table_print(t, s, 0);
        else
                screen_put(s, INK_PLAIN, "Nothing has been done%s.\n",
                        options_get(o, "--service") ? " to it" : "");
        if (left_out)
                screen_put(s, INK_DIM, "... and %zu older ones (--all shows them)\n", left_out);
        if (answer_true(j, "breaker.open"))
                screen_put(s, INK_RED, "The breaker is open: %s\n",
                        answer_text(j, "breaker.text", text, sizeof text));
}

static int list(const struct options *o)
{
        struct target t;

        target_init(&t, "actions");
        target_add(&t, "service", options_get(o, "--service"));
        return client_show(o, &t, print, NULL);
}

static int undo(const struct options *o)
{
        uint64_t id;

        if (options_number(o, "--undo", 0, 1, UINT32_MAX, &id) < 0)
                return EXIT_USAGE;
        json_t *order = act_order(o, "undo", NULL);
        if (order)
                json_object_set_new(order, "id", json_integer((json_int_t)id));
        return act_send(o, order);
}

static int run(int argc, char **argv)
{
        struct options o;
        int code = options_parse(&o, &verb_actions, 0, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        return options_get(&o, "--undo") ? undo(&o) : client_watch(&o, list);
}

const struct verb verb_actions = {
        .name = "actions",
        .args = "",
        .summary = "list what was done to services and what stands, or take one back",
        .description = "Lists what Sexton did, by itself or because a person asked for it, the newest first: "
                       "what stands and "
                       "until when, what became of the rest, and whether it helped. In mode observe it lists "
                       "what would have "
                       "been done (state would).\n\n"
                       "With --undo one is taken back before its time; what was before is put back exactly.",
        .bad = "with --undo: it can't be taken back",
        .examples = "sexton actions --undo 12\nThat was not it.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
