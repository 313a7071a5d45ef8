/* sexton zombies: the ledger, grouped by who should bury the dead, with the remedy under each holder. */
#include "cli/client.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

extern const struct verb verb_zombies;

enum { SHOWN = 20 };

static const char *const kinds[] = {"transient", "unreaped", "orphan", "leader", NULL};

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        OPTIONS_OF_WATCHERS,
        {"--service", "SERVICE", "only those of one service"},
        {"--kind", "KIND", "only transient, unreaped, orphan or leader", kinds},
        {"--all", NULL, "list every one, not only the first 20"},
};

static bool lasting(json_t *zombie)
{
        const char *kind = answer_raw(zombie, "kind");

        return *kind && strcmp(kind, "transient") != 0;
}

static bool any_lasting(json_t *list)
{
        json_t *z;
        size_t i;

        json_array_foreach(list, i, z) if (lasting(z)) return true;
        return false;
}

/* The holder of a by_holder row, as an object or, from other versions, as its pid. */
static double holder_pid(json_t *row)
{
        double pid = answer_number(row, "holder.pid");

        return isnan(pid) ? answer_number(row, "holder") : pid;
}

/* A zombie of that holder that lasts, to quote its reason and remedy; any of its zombies otherwise. */
static json_t *example_of(json_t *zombies, double pid)
{
        json_t *z, *any = NULL;
        size_t i;

        json_array_foreach(zombies, i, z)
        {
                if (answer_number(z, "holder.pid") != pid)
                        continue;
                if (lasting(z))
                        return z;
                any = any ? any : z;
        }
        return any;
}

static void print_holder(const struct screen *s, json_t *row, json_t *zombies)
{
        char service[160], command[300], text[600], n[UNITS_SIZE];
        double pid = holder_pid(row), per_hour = answer_number(row, "per_hour");
        double exhausted = answer_number(row, "exhausted_in"), count = answer_number(row, "count");
        json_t *example = example_of(zombies, pid);
        json_t *holder = json_is_object(answer_at(row, "holder")) ? answer_at(row, "holder")
                                                                  : answer_at(example, "holder");

        answer_text_or(row, "service", "", service, sizeof service);
        if (!*service)
                answer_text_or(holder, "service", "unknown service", service, sizeof service);
        answer_text_or(holder, "command", "?", command, sizeof command);
        screen_put(s, INK_BOLD, "%s", service);
        screen_put(s, example && !lasting(example) ? INK_PLAIN : INK_RED, "  %s zombie%s",
                units_count(count, n), count == 1 ? "" : "s");
        if (!isnan(per_hour))
                screen_put(s, INK_PLAIN, ", %s", units_per_hour(per_hour, n));
        if (!isnan(exhausted))
                screen_put(s, INK_RED, ", pids exhausted in %s", units_duration(exhausted, n));
        screen_put(s, INK_PLAIN, "\n  held by ");
        if (isnan(pid))
                screen_put(s, INK_CYAN, "an unknown process\n");
        else
                screen_put(s, INK_CYAN, "%.0f %s%s\n", pid, command,
                        !answer_true(holder, "is_pid1") ? ""
                        : pid == 1                      ? "  (PID 1 of the host)"
                                                        : "  (PID 1 of its container)");
        if (*answer_text(example, "why", text, sizeof text))
                screen_fold(s, 2, INK_PLAIN, text);
        if (*answer_text(example, "remedy", text, sizeof text)) {
                screen_put(s, INK_GREEN, "  remedy\n");
                screen_fold(s, 4, INK_PLAIN, text);
        }
        fputc('\n', s->out);
}

static void ended(json_t *z, char *buf, size_t size)
{
        char signal[32];
        double code = answer_number(z, "exit_code"), number = answer_number(z, "signal");

        answer_text(z, "signal", signal, sizeof signal);
        if (*signal)
                snprintf(buf, size, "%s", signal);
        else if (!isnan(number))
                snprintf(buf, size, "signal %.0f", number);
        else if (!isnan(code))
                snprintf(buf, size, "exit %.0f", code);
        else
                snprintf(buf, size, "-");
}

static void zombie_row(struct table *t, json_t *z)
{
        char text[300], n[UNITS_SIZE];
        bool leader = !strcmp(answer_raw(z, "kind"), "leader");

        table_cell(t, INK_PLAIN, "%s", units_count(answer_number(z, "pid"), n));
        table_cell(t, INK_PLAIN, "%s", units_duration(answer_number(z, "age"), n));
        table_cell(t,
                leader       ? INK_RED
                : lasting(z) ? INK_YELLOW
                             : INK_DIM,
                "%s", answer_text_or(z, "kind", "-", text, sizeof text));
        table_cell(t, INK_PLAIN, "%s", answer_text_or(z, "service", "-", text, sizeof text));
        table_cell(t, INK_PLAIN, "%s", answer_text_or(z, "origin", "-", text, sizeof text));
        ended(z, text, sizeof text);
        table_cell(t, INK_PLAIN, "%s", text);
        table_cell(t, INK_PLAIN, "%s", units_duration(answer_number(z, "cpu_seconds"), n));
        table_cell(t, INK_PLAIN, "%s", leader ? units_count(answer_number(z, "threads"), n) : "-");
        table_cell(t, INK_PLAIN, "%s", units_count(answer_number(z, "holder.pid"), n));
        table_cell(t, INK_PLAIN, "%s", answer_text_or(z, "command", "?", text, sizeof text));
}

static int rank_of(json_t *z)
{
        if (!strcmp(answer_raw(z, "kind"), "leader"))
                return 0;
        return lasting(z) ? 1 : 2;
}

static void print_zombies(const struct options *o, const struct screen *s, json_t *j)
{
        static const struct column columns[] = {{"PID", .right = true}, {"AGE", .right = true}, {"KIND"},
                {"SERVICE"}, {"ORIGIN"}, {"ENDED"}, {"CPU", .right = true}, {"THREADS", .right = true},
                {"HOLDER", .right = true}, {"COMMAND", .stretch = true}};
        json_t *zombies = answer_list(j, "zombies"), *holders = answer_list(j, "by_holder"), *one;
        size_t count = json_array_size(zombies), i, shown = 0;
        const char *only = options_get(o, "--service");
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));

        if (!count) {
                screen_put(s, INK_GREEN, "No zombies.\n");
                return;
        }
        json_array_foreach(holders, i, one)
        {
                /* Asked for one service, only holders of listed zombies matter. */
                if (only && !example_of(zombies, holder_pid(one)))
                        continue;
                print_holder(s, one, zombies);
        }
        /* A leader still burns CPU: it must not hide behind hundreds of others. */
        for (int rank = 0; rank < 3; rank++) {
                json_array_foreach(zombies, i, one)
                {
                        if (rank_of(one) != rank || (shown >= SHOWN && !options_get(o, "--all")))
                                continue;
                        zombie_row(t, one);
                        shown++;
                }
        }
        table_print(t, s, 0);
        if (count > shown)
                screen_put(s, INK_DIM, "... and %zu more (--all shows them)\n", count - shown);
}

static int exit_of(json_t *j)
{
        return any_lasting(answer_list(j, "zombies")) ? EXIT_BAD : EXIT_DONE;
}

static int once(const struct options *o)
{
        struct target t;

        target_init(&t, "zombies");
        target_add(&t, "service", options_get(o, "--service"));
        target_add(&t, "kind", options_get(o, "--kind"));
        return client_show(o, &t, print_zombies, exit_of);
}

static int run(int argc, char **argv)
{
        struct options o;
        int r = options_parse(&o, &verb_zombies, 0, argc, argv);

        return r == OPTIONS_GO_ON ? client_watch(&o, once) : r;
}

const struct verb verb_zombies = {
        .name = "zombies",
        .args = "",
        .summary = "list the dead that nobody has waited for, who holds them, and the remedy",
        .description =
                "Lists every exited process that its parent hasn't waited for, by holder: the process "
                "that should do so. Under each holder stand the reason and what to change.\n\n"
                "Kinds: transient (younger than the grace period), unreaped (its parent lives and "
                "doesn't wait), orphan (it fell to a PID 1 that doesn't wait), leader (its main thread "
                "is dead while others run: this one does use CPU).\n\n"
                "A zombie uses no CPU and little memory, but a pid. CPU is what it used in its life. "
                "Killing it does nothing; change or restart its holder.",
        .bad = "a zombie is older than the grace period, or is a leader with live threads",
        .examples = "sexton zombies --service shop/worker --all\nEvery zombie of one service.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
