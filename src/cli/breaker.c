/* sexton breaker: opens or closes the breaker, gives it back to itself, or says how it is. */
#include "cli/act.h"

#include "base/units.h"

#include <string.h>

extern const struct verb verb_breaker;

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--dry-run", NULL, "only say what would be done"},
};

static void print(const struct options *o, const struct screen *s, json_t *j)
{
        char text[400], time[80], n[UNITS_SIZE];
        json_t *b = answer_at(j, "breaker");
        bool open = answer_true(b, "open");

        screen_put(s, open ? INK_RED : INK_GREEN, "The breaker is %s", open ? "open" : "closed");
        if (*answer_text(b, "changed_at", time, sizeof time))
                screen_put(s, INK_PLAIN, " since %s", units_time(time, n));
        if (*answer_raw(b, "forced"))
                screen_put(s, INK_PLAIN, ", as a person has it");
        if (*answer_text(b, "text", text, sizeof text))
                screen_put(s, INK_PLAIN, ": %s", text);
        if (*answer_text(b, "service", text, sizeof text))
                screen_put(s, INK_PLAIN, "; it acts on %s", text);
        fputs(".\n", s->out);
}

static int show(const struct options *o)
{
        struct target t;

        target_init(&t, "actions");
        target_add(&t, "limit", "1");
        return client_show(o, &t, print, NULL);
}

static int run(int argc, char **argv)
{
        static const char *const states[] = {"open", "close", "auto"};
        struct options o;
        int code = options_parse(&o, &verb_breaker, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (!o.arguments)
                return show(&o);
        for (size_t i = 0; i < ARRAY_SIZE(states); i++)
                if (!strcmp(o.argument[0], states[i])) {
                        json_t *order = act_order(&o, "breaker", NULL);
                        if (order)
                                json_object_set_new(order, "state", json_string(states[i]));
                        return act_send(&o, order);
                }
        fprintf(stderr, "sexton breaker: wants open, close or auto\n");
        return EXIT_USAGE;
}

const struct verb verb_breaker = {
        .name = "breaker",
        .args = "[open|close|auto]",
        .summary = "act on what overloads the host now, don't, or as configured",
        .description = "The breaker opens by itself when the load says that the host is being lost, and then "
                       "the service "
                       "that has most of it is slowed, frozen, stopped (breaker.steps). Open makes it act "
                       "now, whatever the "
                       "mode of the configuration is; close undoes what it did and keeps it from acting; "
                       "auto gives it back "
                       "to itself. A person's word on it holds for ten minutes. Without an argument it says "
                       "how it is.",
        .examples = "sexton breaker open\nThe host is hardly alive: do something.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
