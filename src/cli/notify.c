/* sexton notify: who is told of incidents, how that goes, and a test of it. */
#include "cli/client.h"
#include "cli/render.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>
#include <time.h>

extern const struct verb verb_notify;

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
};

enum { POLL_MS = 100, TEST_WAIT_S = 330 };

static json_t *notifiers_of(const struct reply *r)
{
        return answer_list(r->json, "notifiers");
}

/* ---- listing ---- */

static void add_row(struct table *t, json_t *n)
{
        char text[300], when[UNITS_SIZE], time[80];
        bool failing = !strcmp(answer_raw(n, "state"), "failing");

        table_cell(t, INK_BOLD, "%s", answer_text(n, "name", text, sizeof text));
        table_cell(t, INK_PLAIN, "%s", answer_text(n, "type", text, sizeof text));
        table_cell(t, failing ? INK_RED : INK_PLAIN, "%s", answer_text(n, "state", text, sizeof text));
        table_cell(t, INK_PLAIN, "%.0f", answer_number(n, "queue"));
        table_cell(t, INK_PLAIN, "%.0f", answer_number(n, "delivered"));
        table_cell(t, INK_PLAIN, "%.0f", answer_number(n, "failed") + answer_number(n, "dropped"));
        answer_text(n, "last_delivered_at", time, sizeof time);
        table_cell(t, INK_PLAIN, "%s", *time ? units_time(time, when) : "-");
        table_cell(t, INK_RED, "%s", answer_text(n, "last_error", text, sizeof text));
}

static int list(const struct options *o)
{
        static const struct column columns[] = {{"NAME"}, {"TYPE"}, {"STATE"}, {"QUEUE", true},
                {"TOLD", true}, {"LOST", true}, {"LAST TOLD"}, {"LAST ERROR", false, true}};
        cleanup_reply struct reply r = {0};
        cleanup_table struct table *table = table_new(columns, ARRAY_SIZE(columns));
        enum color_mode color;
        struct screen s;
        struct target t;
        json_t *one;
        bool failing = false;
        size_t i;

        if (options_color(o, &color) < 0)
                return EXIT_USAGE;
        target_init(&t, "notify");
        int code = client_ask(o, &t, &r);
        if (code != EXIT_DONE)
                return code;
        json_array_foreach(notifiers_of(&r), i, one)
        {
                failing |= !strcmp(answer_raw(one, "state"), "failing");
                add_row(table, one);
        }
        screen_init(&s, stdout, color);
        if (options_get(o, "--json"))
                client_print_json(&r);
        else if (!table_rows(table))
                puts("Nobody is told: no notifier is configured. See docs/notify.md, or sexton.yaml(5).");
        else
                table_print(table, &s, 0);
        return failing ? EXIT_BAD : EXIT_DONE;
}

/* ---- testing ---- */

static bool wanted(json_t *n, const char *name)
{
        return !name || !strcmp(answer_raw(n, "name"), name);
}

static bool all_done(const struct reply *r, const char *name)
{
        json_t *one;
        size_t i;

        json_array_foreach(notifiers_of(r), i,
                one) if (wanted(one, name) && !answer_true(one, "test.done")) return false;
        return true;
}

static int print_results(const struct options *o, const struct reply *r, const char *name)
{
        enum color_mode color;
        struct screen s;
        char text[400], who[80];
        int code = EXIT_DONE;
        json_t *one;
        size_t i;

        if (options_color(o, &color) < 0)
                return EXIT_USAGE;
        screen_init(&s, stdout, color);
        json_array_foreach(notifiers_of(r), i, one)
        {
                bool done = answer_true(one, "test.done");
                bool good = done && !strcmp(answer_raw(one, "test.outcome"), "delivered");
                if (!wanted(one, name))
                        continue;
                if (!good)
                        code = EXIT_BAD;
                if (options_get(o, "--json"))
                        continue;
                screen_put(&s, good ? INK_GREEN : INK_RED, "%-9s",
                        good   ? "delivered"
                        : done ? "failed"
                               : "no answer");
                screen_put(&s, INK_BOLD, "  %s", answer_text(one, "name", who, sizeof who));
                answer_text(one, "test.text", text, sizeof text);
                screen_put(&s, INK_PLAIN, "  %s", done ? text : "the courier doesn't answer");
                if (done)
                        screen_put(&s, INK_DIM, "  (%.0f ms)", answer_number(one, "test.seconds") * 1000);
                fputc('\n', s.out);
        }
        if (options_get(o, "--json"))
                client_print_json(r);
        return code;
}

static int test(const struct options *o, const char *name)
{
        cleanup_reply struct reply r = {0};
        cleanup_free char *body = NULL;
        struct target t;
        json_t *j = name ? json_pack("{s:s}", "test", name) : json_pack("{s:n}", "test");

        if (j)
                body = json_dumps(j, JSON_COMPACT);
        json_decref(j);
        if (!body) {
                fprintf(stderr, "sexton notify: the name isn't UTF-8\n");
                return EXIT_USAGE;
        }
        target_init(&t, "notify");
        int code = client_send(o, "POST", &t, body, &r);
        uint64_t end = clock_boot_ns() + TEST_WAIT_S * NSEC_PER_SEC; /* above the longest timeout there is */
        while (code == EXIT_DONE && !all_done(&r, name) && clock_boot_ns() < end) {
                nanosleep(&(struct timespec){.tv_nsec = POLL_MS * (long)NSEC_PER_MSEC}, NULL);
                reply_done(&r);
                code = client_ask(o, &t, &r);
        }
        return code == EXIT_DONE ? print_results(o, &r, name) : code;
}

static int run(int argc, char **argv)
{
        struct options o;
        int code = options_parse(&o, &verb_notify, 2, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (!o.arguments)
                return list(&o);
        if (strcmp(o.argument[0], "test") != 0) {
                fprintf(stderr,
                        "sexton notify: the only word possible here is test; see: sexton notify --help\n");
                return EXIT_USAGE;
        }
        return test(&o, o.arguments > 1 ? o.argument[1] : NULL);
}

const struct verb verb_notify = {
        .name = "notify",
        .args = "[test [NAME]]",
        .summary = "list who is told of incidents and how that goes, or send a test",
        .description =
                "Lists the notifiers of the configuration: whether what was sent last arrived, how many "
                "notices "
                "wait, how many were delivered or lost, and what went wrong last.\n\n"
                "sexton notify test sends a test through the same path as a real notice, to all or to the "
                "one "
                "called NAME, and tells what each far side answered. It isn't held back by quiet hours or "
                "silences, and isn't tried again.",
        .bad = "a notifier fails, or a test did",
        .examples = "sexton notify test\nDoes everybody hear of it?\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
