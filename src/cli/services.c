/* sexton services: what each service is and costs, the one that matters most on top. */
#include "cli/client.h"

#include "base/units.h"

#include <math.h>
#include <string.h>

extern const struct verb verb_services;

static const char *const sorts[] = {
        "trouble", "cpu", "load", "memory", "processes", "zombies", "restarts", "name", NULL};

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        OPTIONS_OF_WATCHERS,
        {"--sort", "BY", "trouble (default), cpu, load, memory, processes, zombies, restarts or name", sorts},
        {"--all", NULL, "show services without processes too"},
};

static const char *const sort_paths[] = {
        NULL, "cpu_ratio", "load", "memory_bytes", "processes", "zombies", "restarts_last_hour", NULL};

struct ranked {
        json_t *service;
        double rank;
};

static double known(json_t *j, const char *path)
{
        double n = answer_number(j, path);

        return isnan(n) ? 0 : n;
}

/* Weights that put what a person should look at first on top: who is ill, who holds the dead, who
 * restarts, then who costs. One busy core weighs as much as one restart in the last hour. */
static double trouble(json_t *j)
{
        double rank = known(j, "cpu_ratio") + known(j, "load") + known(j, "memory_bytes") / 1e12;

        if (!strcmp(answer_raw(j, "health"), "unhealthy"))
                rank += 100;
        if (!strcmp(answer_raw(j, "state"), "restarting"))
                rank += 50;
        rank += 10 * fmin(known(j, "zombies"), 100) + fmin(known(j, "restarts_last_hour"), 100);
        return rank + fmin(known(j, "health_checks.timeouts"), 50);
}

static int by_rank(const void *a, const void *b)
{
        const struct ranked *x = a, *y = b;

        if (x->rank != y->rank)
                return x->rank < y->rank ? 1 : -1;
        return strcmp(answer_raw(x->service, "service"), answer_raw(y->service, "service"));
}

static void service_row(struct table *t, json_t *j)
{
        char text[160], n[UNITS_SIZE];
        double zombies = answer_number(j, "zombies"), restarts = answer_number(j, "restarts_last_hour");

        table_cell(t, INK_BOLD, "%s", answer_text_or(j, "service", "?", text, sizeof text));
        table_cell(t, INK_DIM, "%s", answer_text_or(j, "kind", "-", text, sizeof text));
        answer_text_or(j, "state", "-", text, sizeof text);
        table_cell(t, !strcmp(text, "running") || !strcmp(text, "-") ? INK_PLAIN : INK_YELLOW, "%s", text);
        answer_text_or(j, "health", "-", text, sizeof text);
        table_cell(t,
                !strcmp(text, "unhealthy") ? INK_RED
                : !strcmp(text, "healthy") ? INK_GREEN
                                           : INK_PLAIN,
                "%s", text);
        table_cell(t, INK_PLAIN, "%s", units_count(answer_number(j, "processes"), n));
        table_cell(t, zombies > 0 ? INK_RED : INK_PLAIN, "%s", units_count(zombies, n));
        table_cell(t, INK_PLAIN, "%s", units_cores(answer_number(j, "cpu_ratio"), n));
        table_cell(t, INK_PLAIN, "%s", units_duration(answer_number(j, "cpu_seconds"), n));
        table_cell(t, INK_PLAIN, "%s", units_cores(answer_number(j, "load"), n));
        table_cell(t, INK_PLAIN, "%s", units_bytes(answer_number(j, "memory_bytes"), n));
        units_count(answer_number(j, "restarts"), n);
        if (restarts > 0)
                table_cell(t, INK_YELLOW, "%s (%.0f/h)", n, restarts);
        else
                table_cell(t, INK_PLAIN, "%s", n);
        units_count(answer_number(j, "health_checks.timeouts"), n);
        table_cell(t, strcmp(n, "0") != 0 && strcmp(n, "-") != 0 ? INK_YELLOW : INK_PLAIN, "%s", n);
}

static int print_services(const struct options *o, const struct screen *s, json_t *j, size_t sort)
{
        static const struct column columns[] = {{"SERVICE", .stretch = true}, {"KIND"}, {"STATE"}, {"HEALTH"},
                {"PROCS", .right = true}, {"ZOMBIES", .right = true}, {"CORES", .right = true},
                {"CPU TIME", .right = true}, {"LOAD", .right = true}, {"MEMORY", .right = true},
                {"RESTARTS", .right = true}, {"PROBE TIMEOUTS", .right = true}};
        json_t *list = answer_list(j, "services"), *service;
        size_t count = 0, hidden = 0, i;
        cleanup_free struct ranked *ranked = calloc(json_array_size(list) + 1, sizeof *ranked);
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        char n[UNITS_SIZE];

        if (!ranked || !t) {
                fputs("sexton services: out of memory\n", stderr);
                return EXIT_BAD;
        }
        json_array_foreach(list, i, service)
        {
                bool gone = answer_number(service, "processes") == 0 &&
                            !(answer_number(service, "zombies") > 0) &&
                            !(answer_number(service, "restarts_last_hour") > 0);
                if (gone && !options_get(o, "--all") && !o->arguments) {
                        hidden++;
                        continue;
                }
                double rank = sort == 0          ? trouble(service)
                              : sort_paths[sort] ? known(service, sort_paths[sort])
                                                 : 0;
                ranked[count++] = (struct ranked){service, rank};
        }
        qsort(ranked, count, sizeof *ranked, by_rank);
        for (i = 0; i < count; i++)
                service_row(t, ranked[i].service);
        table_print(t, s, 0);
        if (!count)
                screen_put(s, INK_PLAIN, "No service%s.\n", o->arguments ? " of that name" : "");
        if (hidden)
                screen_put(s, INK_DIM, "... and %zu without processes (--all shows them)\n", hidden);
        double rest = answer_number(j, "unattributed.cpu_ratio");
        if (!o->arguments && !isnan(rest))
                screen_put(s, rest > 0.3 ? INK_YELLOW : INK_DIM, "unattributed CPU: %s cores\n",
                        units_cores(rest, n));
        return o->arguments && !count ? EXIT_BAD : EXIT_DONE;
}

static int once(const struct options *o)
{
        cleanup_reply struct reply r = {0};
        const char *by = options_get(o, "--sort");
        struct screen s;
        struct target t;
        enum color_mode color;
        size_t sort = 0;

        if (options_color(o, &color) < 0)
                return EXIT_USAGE;
        while (by && sorts[sort] && strcmp(by, sorts[sort]) != 0)
                sort++;
        if (!sorts[sort]) {
                fprintf(stderr, "sexton services: --sort: one of %s\n",
                        options[ARRAY_SIZE(options) - 2].help);
                return EXIT_USAGE;
        }
        target_init(&t, "services");
        target_add(&t, "service", o->arguments ? o->argument[0] : NULL);
        int code = client_ask(o, &t, &r);
        if (code != EXIT_DONE)
                return code;
        if (options_get(o, "--json")) {
                client_print_json(&r);
                return o->arguments && !json_array_size(answer_list(r.json, "services")) ? EXIT_BAD
                                                                                         : EXIT_DONE;
        }
        screen_init(&s, stdout, color);
        return print_services(o, &s, r.json, sort);
}

static int run(int argc, char **argv)
{
        struct options o;
        int r = options_parse(&o, &verb_services, 1, argc, argv);

        return r == OPTIONS_GO_ON ? client_watch(&o, once) : r;
}

const struct verb verb_services = {
        .name = "services",
        .args = "[SERVICE]",
        .summary = "list the services: what they are, what they cost, how they are",
        .description =
                "Lists every service: compose services, containers, systemd units, sessions and control "
                "groups. Each process of the host belongs to exactly one. Those in trouble stand first: "
                "unhealthy, holding zombies, restarting, then those that cost most.\n\n"
                "CORES is the CPU used now (2.00 = two cores busy), CPU TIME all it used since Sexton "
                "watches, by the dead too; LOAD is its share of the load average.",
        .bad = "a SERVICE was named and there is none of that name",
        .examples = "sexton services --sort cpu\nWho uses the CPU?\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
