/* sexton limit: less CPU, memory or tasks for a service. */
#include "cli/act.h"

#include "base/quantity.h"
#include "base/text.h"

#include <string.h>

extern const struct verb verb_limit;

static const struct verb_option options[] = {
        OPTIONS_OF_ACTS,
        OPTION_FOR,
        {"--cpus", "CORES", "so many cores and no more, such as 0.5"},
        {"--weight", "WEIGHT", "its share against others, 1 to 10000; usual is 100"},
        {"--memory", "SIZE", "such as 512m or 2g; on cgroup v1 never below what it uses"},
        {"--pids", "COUNT", "so many tasks and no more"},
};

static const struct quantity_unit no_units[] = {{NULL, 1}};

static const struct {
        const char *option, *member;
        const struct quantity_unit *units;
        const char *wanted;
} limits[] = {
        {"--cpus", "cpus", no_units, "a number of cores such as 0.5"},
        {"--weight", "weight", no_units, "a weight such as 10"},
        {"--memory", "memory", quantity_sizes, "a size such as 512m"},
        {"--pids", "pids", no_units, "a number of tasks"},
};

/* How many there are, or -1 after telling what is wrong. */
static int read_limits(const struct options *o, json_t *order)
{
        char shown[100];
        double value;
        int n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                const char *text = options_get(o, limits[i].option);
                if (!text)
                        continue;
                if (!quantity_read(text, limits[i].units, &value)) {
                        text_printable(shown, sizeof shown, text, strlen(text));
                        fprintf(stderr, "sexton limit: %s: '%s' is not %s\n", limits[i].option, shown,
                                limits[i].wanted);
                        return -1;
                }
                json_object_set_new(order, limits[i].member, json_real(value));
                n++;
        }
        return n;
}

static int run(int argc, char **argv)
{
        struct options o;
        int code = options_parse(&o, &verb_limit, 1, argc, argv), n;

        if (code != OPTIONS_GO_ON)
                return code;
        json_t *order = act_order(&o, "limit", o.arguments ? o.argument[0] : NULL);
        if (!order)
                return EXIT_USAGE;
        n = read_limits(&o, order);
        if (n > 0 && o.arguments)
                return act_send(&o, order);
        if (n >= 0)
                fprintf(stderr, "sexton limit: wants a service and at least one limit, such as: sexton limit "
                                "shop/worker --cpus 0.5\n");
        json_decref(order);
        return EXIT_USAGE;
}

const struct verb verb_limit = {
        .name = "limit",
        .args = "SERVICE",
        .summary = "give a service less CPU, memory or tasks for a while",
        .description = "Each limit is for the whole service; its containers share it. They only ever "
                       "tighten: one that is "
                       "tighter already stays as it is. They end after the time of --for (10 minutes "
                       "without), and go with "
                       "the service: its next container gets them, too. Several are set one after the other, "
                       "up to the "
                       "first that is refused.\n\n"
                       "Limits for good belong into the compose file or the unit.",
        .bad = "a limit was refused or can't be set; those before it stand",
        .examples = "sexton limit shop/worker --cpus 0.5 --memory 512m --for 1h\nHalf a core and 512 MB for "
                    "an hour.\n"
                    "sexton limit shop/batch --weight 10\nThe others first.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
