/* sexton events: what happened, oldest first; with --follow also what happens from now on. */
#include "cli/client.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>
#include <time.h>

extern const struct verb verb_events;

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--since", "TIME", "an age such as 10m, or a time such as 2026-11-23T21:30:00Z"},
        {"--service", "SERVICE", "only those of one service"},
        {"--command", "NAME", "only of programs of that name, as ps -o comm shows it; * and ? stand for any"},
        {"--until", "TIME", "only what happened before"},
        {"--kind", "KIND", "only one kind: exit, oom, restart, health_timeout, finding, gap..."},
        {"--limit", "N", "the newest N; default 1000"},
        {"--follow", NULL, "go on showing what happens"},
        {"--interval", "DURATION", "how often --follow asks; default 1s"},
};

static enum ink kind_ink(const char *kind)
{
        static const struct {
                const char *kind;
                enum ink ink;
        } inks[] = {{"oom", INK_RED}, {"finding", INK_RED}, {"zombie", INK_RED}, {"die", INK_YELLOW},
                {"restart", INK_YELLOW}, {"health_timeout", INK_YELLOW}, {"health_fail", INK_YELLOW},
                {"gap", INK_YELLOW}, {"deploy", INK_CYAN}, {"start", INK_GREEN}, {"health_ok", INK_GREEN}};

        for (size_t i = 0; i < ARRAY_SIZE(inks); i++)
                if (!strcmp(kind, inks[i].kind))
                        return inks[i].ink;
        return INK_PLAIN;
}

static void event_row(struct table *t, json_t *e)
{
        char text[300], time[80], shown[UNITS_SIZE];

        table_cell(t, INK_DIM, "%s", units_time(answer_text(e, "time", time, sizeof time), shown));
        answer_text_or(e, "kind", "?", text, sizeof text);
        table_cell(t, kind_ink(text), "%s", text);
        table_cell(t, INK_BOLD, "%s", answer_text_or(e, "service", "-", text, sizeof text));
        double pid = answer_number(e, "pid");
        table_cell(t, INK_DIM, "%s", pid > 0 ? units_count(pid, shown) : "-");
        table_cell(t, INK_PLAIN, "%s", answer_text_or(e, "text", "-", text, sizeof text));
}

static void print_events(const struct screen *s, json_t *list)
{
        static const struct column columns[] = {
                {"TIME"}, {"KIND"}, {"SERVICE"}, {"PID", .right = true}, {"TEXT", .stretch = true}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        json_t *e;
        size_t i;

        json_array_foreach(list, i, e) event_row(t, e);
        table_print(t, s, 0);
}

/* Lines of a stream can't know the width of those to come: fixed columns instead of a table. */
static void print_stream(const struct screen *s, json_t *list)
{
        char kind[40], service[160], text[300], time[80], shown[UNITS_SIZE];
        json_t *e;
        size_t i;

        json_array_foreach(list, i, e)
        {
                answer_text_or(e, "kind", "?", kind, sizeof kind);
                answer_text_or(e, "service", "-", service, sizeof service);
                units_time(answer_text(e, "time", time, sizeof time), shown);
                screen_put(s, INK_DIM, "%s  ", shown);
                screen_put(s, kind_ink(kind), "%-14s  ", kind);
                screen_put(s, INK_BOLD, "%s", service);
                fprintf(s->out, "%*s  ", MAX(24 - render_columns(service), 0), "");
                screen_put(s, INK_PLAIN, "%s\n", answer_text(e, "text", text, sizeof text));
        }
}

/* The highest number seen; 0 when the daemon numbers nothing. */
static uint64_t last_id(json_t *list, uint64_t before)
{
        size_t n = json_array_size(list);
        double id = n ? answer_number(json_array_get(list, n - 1), "id") : NAN;

        return isnan(id) || id < 0 || id > 1e18 ? before : (uint64_t)id;
}

static void target_of(const struct options *o, struct target *t, uint64_t after)
{
        char number[24];

        target_init(t, "events");
        target_add(t, "service", options_get(o, "--service"));
        target_add(t, "kind", options_get(o, "--kind"));
        target_add(t, "command", options_get(o, "--command"));
        target_add(t, "until", options_get(o, "--until"));
        if (after) {
                snprintf(number, sizeof number, "%llu", (unsigned long long)after);
                target_add(t, "after", number);
        } else {
                target_add(t, "since", options_get(o, "--since"));
                target_add(t, "limit", options_get(o, "--limit"));
        }
}

static int follow(const struct options *o, const struct screen *s, double interval)
{
        uint64_t after = 0;

        for (;;) {
                cleanup_reply struct reply r = {0};
                struct target t;

                target_of(o, &t, after);
                int code = client_ask(o, &t, &r);
                if (code != EXIT_DONE)
                        return code;
                json_t *list = answer_list(r.json, "events");
                if (options_get(o, "--json")) {
                        json_t *e;
                        size_t i;
                        json_array_foreach(list, i, e)
                        {
                                json_dumpf(e, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
                                putchar('\n');
                        }
                } else {
                        print_stream(s, list);
                }
                after = last_id(list, after);
                if (fflush(stdout) != 0)
                        return EXIT_BAD;
                nanosleep(&(struct timespec){.tv_sec = (time_t)interval,
                                  .tv_nsec = (long)((interval - (double)(time_t)interval) * 1e9)},
                        NULL);
        }
}

static int run(int argc, char **argv)
{
        cleanup_reply struct reply r = {0};
        struct options o;
        struct screen s;
        struct target t;
        enum color_mode color;
        double interval;
        uint64_t limit;
        int code = options_parse(&o, &verb_events, 0, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (options_color(&o, &color) < 0 || options_duration(&o, "--interval", 1, &interval) < 0 ||
                options_number(&o, "--limit", 1000, 1, 100000, &limit) < 0)
                return EXIT_USAGE;
        screen_init(&s, stdout, color);
        if (options_get(&o, "--follow"))
                return follow(&o, &s, MAX(interval, 0.1));
        target_of(&o, &t, 0);
        code = client_ask(&o, &t, &r);
        if (code != EXIT_DONE)
                return code;
        if (options_get(&o, "--json")) {
                client_print_json(&r);
                return EXIT_DONE;
        }
        json_t *list = answer_list(r.json, "events");
        print_events(&s, list);
        double matching = answer_number(r.json, "matching"), lost = answer_number(r.json, "lost");
        if (!json_array_size(list))
                screen_put(&s, INK_PLAIN, "Nothing happened.\n");
        else if (json_is_true(answer_at(r.json, "more")))
                screen_put(&s, INK_DIM, "... the newest %zu (--limit shows more)\n", json_array_size(list));
        else if (matching > (double)json_array_size(list))
                screen_put(&s, INK_DIM, "... the newest %zu of %.0f (--limit shows more)\n",
                        json_array_size(list), matching);
        if (json_is_true(answer_at(r.json, "cut")))
                screen_put(&s, INK_YELLOW, "the disk did not give everything: older ones may be missing\n");
        if (lost > 0)
                screen_put(&s, INK_YELLOW, "%.0f events were lost\n", lost);
        return EXIT_DONE;
}

const struct verb verb_events = {
        .name = "events",
        .args = "",
        .summary = "show what happened: deaths, restarts, probes, findings, gaps",
        .description =
                "Shows what happened on the host, oldest first: processes that died or were buried, OOM "
                "kills, containers that started, died or were restarted, health checks, deploys, findings "
                "that opened or closed, and gaps in what Sexton saw. It reads back as far as history is kept "
                "(the "
                "keys store.retention and store.max_size); there, like deaths of a minute that ended well "
                "are one line "
                "with a count.\n\n"
                "With --follow it goes on until it is interrupted; with --json as well, one object a line.",
        .examples = "sexton events --since 10m --kind restart\nWhat restarted in the last ten minutes?\n"
                    "sexton events --since 30d --kind exit --command celery\nEvery death of a program in a "
                    "month.\n"
                    "sexton events --follow --service shop/worker\nWatch one service.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
