/* sexton silence: for a while, nobody is told of incidents of a service. */
#include "cli/client.h"
#include "cli/render.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

extern const struct verb verb_silence;

enum { DOUBT_MS = 2000 };

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--comment", "TEXT", "why; shown in the list"},
        {"--remove", "ID", "end a silence now"},
};

static void print(const struct options *o, const struct reply *r, enum color_mode color)
{
        static const struct column columns[] = {
                {"ID"}, {"SERVICE"}, {"REMAINING", true}, {"UNTIL"}, {"COMMENT", false, true}};
        cleanup_table struct table *table = table_new(columns, ARRAY_SIZE(columns));
        char text[200], time[80], n[UNITS_SIZE];
        struct screen s;
        json_t *one;
        size_t i;

        if (options_get(o, "--json")) {
                client_print_json(r);
                return;
        }
        screen_init(&s, stdout, color);
        json_array_foreach(answer_list(r->json, "silences"), i, one)
        {
                table_cell(table, INK_BOLD, "%.0f", answer_number(one, "id"));
                table_cell(table, INK_PLAIN, "%s", answer_text(one, "service", text, sizeof text));
                table_cell(table, INK_PLAIN, "%s", units_duration(answer_number(one, "remaining"), n));
                table_cell(
                        table, INK_PLAIN, "%s", units_time(answer_text(one, "until", time, sizeof time), n));
                table_cell(table, INK_PLAIN, "%s", answer_text(one, "comment", text, sizeof text));
        }
        if (table_rows(table))
                table_print(table, &s, 0);
        else
                puts("Nothing is silenced.");
}

/* "2h" in seconds, by the same reader as every duration of an option. */
static int read_seconds(const char *text, double *ret)
{
        static const struct verb_option option = {"DURATION", "DURATION", NULL};
        const struct verb v = {.name = "silence", .options = &option, .options_count = 1};
        struct options o = {.verb = &v};

        o.value[0] = text;
        return options_duration(&o, "DURATION", 0, ret);
}

static char *make_body(const struct options *o)
{
        const char *comment = options_get(o, "--comment");
        double seconds;

        if (read_seconds(o->argument[1], &seconds) < 0)
                return NULL;
        json_t *j = json_pack("{s:s, s:f, s:s}", "service", o->argument[0], "seconds", seconds, "comment",
                comment ? comment : "");
        char *body = j ? json_dumps(j, JSON_COMPACT) : NULL;
        if (!body)
                fprintf(stderr, "sexton silence: the arguments aren't UTF-8\n");
        json_decref(j);
        return body;
}

/* Who isn't there, or not yet, can be silenced. But it may be a slip of the pen. */
static void doubt(const struct options *o)
{
        cleanup_reply struct reply r = {0};
        struct target t;
        char problem[200];
        json_t *one;
        size_t i;

        target_init(&t, "services");
        if (client_try(client_socket(o), "GET", &t, NULL, DOUBT_MS, &r, problem, sizeof problem) !=
                        EXIT_DONE ||
                !reply_parse(&r))
                return;
        json_array_foreach(answer_list(r.json, "services"), i, one)
        {
                if (text_glob(o->argument[0], answer_raw(one, "service")))
                        return;
        }
        fprintf(stderr,
                "sexton silence: no service is called %s now (sexton services --all names them); the silence "
                "stands all the same\n",
                o->argument[0]);
}

static int run(int argc, char **argv)
{
        cleanup_reply struct reply r = {0};
        cleanup_free char *body = NULL;
        enum color_mode color;
        struct options o;
        struct target t;
        int code = options_parse(&o, &verb_silence, 2, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        const char *remove = options_get(&o, "--remove");
        if (options_color(&o, &color) < 0)
                return EXIT_USAGE;
        if (o.arguments == 1 || (remove && o.arguments)) {
                fprintf(stderr, "sexton silence: wants a service and a duration, such as: sexton silence "
                                "odin/worker 2h\n");
                return EXIT_USAGE;
        }
        if (o.arguments && !(body = make_body(&o)))
                return EXIT_USAGE;
        target_init(&t, "silences");
        target_add(&t, "id", remove);
        code = client_send(&o, remove ? "DELETE" : body ? "POST" : "GET", &t, body, &r);
        if (code != EXIT_DONE)
                return code;
        print(&o, &r, color);
        if (body)
                doubt(&o);
        return EXIT_DONE;
}

const struct verb verb_silence = {
        .name = "silence",
        .args = "[SERVICE DURATION]",
        .summary = "tell nobody of a service's incidents for a while",
        .description =
                "For DURATION (90s, 10m, 2h, 1d) nobody is told of incidents that SERVICE has part in, as "
                "culprit "
                "or by a finding; it may be a pattern with * and ?. They are still recorded and shown. What "
                "is "
                "still open when the silence ends is told then. Without arguments the silences are "
                "listed.\n\n"
                "An end is passed on all the same to Alertmanager and PagerDuty, which would go on alarming "
                "without it.",
        .examples =
                "sexton silence 'odin/*' 2h --comment 'moving the database'\nNo messages while one works.\n"
                "sexton silence --remove 1795469400000001\nThat was quick.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
