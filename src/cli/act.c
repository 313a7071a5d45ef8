/* The verbs that act on a service, and what they share with others that act: see act.h. */
#include "cli/act.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/render.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* What is followed ends: a container has 10 s to stop, a burial a minute. */
enum { POLL_MS = 150, FOLLOWED_S = 120, SETTLED_S = 2 };

/* ---- the order ---- */

json_t *act_order(const struct options *o, const char *action, const char *service)
{
        const char *reason = options_get(o, "--reason");
        double seconds;

        if (options_duration(o, "--for", 0, &seconds) < 0)
                return NULL;
        json_t *j = json_pack("{s:s, s:s*, s:s*, s:b}", "action", action, "service", service, "reason",
                reason, "dry_run", options_get(o, "--dry-run") != NULL);
        if (!j)
                fprintf(stderr, "sexton %s: the arguments aren't UTF-8\n", o->verb->name);
        else if (options_get(o, "--for"))
                json_object_set_new(j, "seconds", json_real(seconds));
        return j;
}

/* ---- what takes longer ---- */

static bool is(json_t *row, const char *key, const char *value)
{
        return !strcmp(answer_raw(row, key), value);
}

/* Nothing more will happen to it soon. */
static bool has_settled(json_t *row)
{
        if (!answer_true(row, "stands"))
                return true;
        if (is(row, "kind", "freeze"))
                return !is(row, "result", "under way");
        if (is(row, "kind", "quarantine"))
                return is(row, "state", "active") && *answer_raw(row, "result");
        return !is(row, "kind", "stop") && !is(row, "kind", "restart") && !is(row, "kind", "bury");
}

static json_t *unsettled(const struct reply *r)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(r->json, "actions"), i, one) if (!has_settled(one)) return one;
        return NULL;
}

static void show_progress(json_t *row, double seconds)
{
        char service[200];

        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r\033[K%s of %s: %s, %.0f s", answer_raw(row, "kind"),
                        answer_text(row, "service", service, sizeof service),
                        is(row, "state", "asked") ? "asked for" : "under way", seconds);
}

/* The row as it is now; in place of the one that the reply has. */
static int look_again(const struct options *o, json_t *row)
{
        cleanup_reply struct reply now = {0};
        struct target t;
        char id[24];
        json_t *fresh;

        snprintf(id, sizeof id, "%.0f", answer_number(row, "id"));
        target_init(&t, "actions");
        target_add(&t, "id", id);
        int code = client_ask(o, &t, &now);
        if (code != EXIT_DONE)
                return code;
        fresh = json_array_get(answer_list(now.json, "actions"), 0);
        if (!fresh) {
                fprintf(stderr, "sexton %s: action %s is not listed any more\n", o->verb->name, id);
                return EXIT_BAD;
        }
        json_object_update(row, fresh);
        return EXIT_DONE;
}

/* Until nothing more happens soon. *ret_changed: the rows are newer than the answer. */
static int follow(const struct options *o, struct reply *r, bool *ret_changed)
{
        uint64_t began = clock_boot_ns();
        int code = EXIT_DONE;
        bool shown = false;
        json_t *row;

        *ret_changed = false;

        while (code == EXIT_DONE && (row = unsettled(r))) {
                double passed = (double)(clock_boot_ns() - began) / 1e9;
                if (passed > (is(row, "kind", "freeze") ? SETTLED_S : FOLLOWED_S))
                        break;
                if (passed > 1) {
                        show_progress(row, passed);
                        shown = true;
                }
                nanosleep(&(struct timespec){.tv_nsec = POLL_MS * (long)NSEC_PER_MSEC}, NULL);
                code = look_again(o, row);
                *ret_changed = true;
        }
        if (shown && isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        return code;
}

/* ---- what became of it ---- */

static const char *word_for(const char *kind)
{
        static const char *const words[][2] = {{"freeze", "frozen"}, {"stop", "stopped"},
                {"restart", "restarted"}, {"quarantine", "quarantined"}, {"bury", "buried"}};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (!strcmp(words[i][0], kind))
                        return words[i][1];
        return "limited";
}

static void print_row(const struct screen *s, json_t *row)
{
        char service[200], text[400], time[80], n[UNITS_SIZE];
        bool stands = answer_true(row, "stands"),
             bad = is(row, "state", "failed") || is(row, "state", "refused");
        bool ended = stands || is(row, "state", "done");

        screen_put(s, bad ? INK_RED : INK_BOLD, "%s", answer_text(row, "service", service, sizeof service));
        screen_put(s, INK_PLAIN, " %s %s",
                bad                 ? "was not"
                : !has_settled(row) ? "is being"
                : stands            ? "is"
                                    : "was",
                word_for(answer_raw(row, "kind")));
        if (*answer_text(row, "until", time, sizeof time) && ended)
                screen_put(s, INK_PLAIN, " until %s", units_time(time, n));
        if (!isnan(answer_number(row, "remaining")))
                screen_put(s, INK_DIM, " (%s)", units_duration(answer_number(row, "remaining"), n));
        fputc('\n', s->out);
        if (*answer_text(row, "result", text, sizeof text))
                screen_fold(s, 2, bad ? INK_RED : INK_PLAIN, text);
}

static void print_undo(const struct screen *s, json_t *row)
{
        char service[200];

        if (!answer_true(row, "stands"))
                return;
        answer_text(row, "service", service, sizeof service);
        if (is(row, "kind", "freeze"))
                screen_put(s, INK_DIM, "  to undo it: sexton thaw %s\n", service);
        else if (*answer_raw(row, "until"))
                screen_put(
                        s, INK_DIM, "  to undo it: sexton actions --undo %.0f\n", answer_number(row, "id"));
        else
                screen_put(s, INK_DIM, "  it goes on: sexton actions shows how\n");
}

static json_t *row_of(const struct reply *r, json_t *result)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(r->json, "actions"), i,
                one) if (answer_number(one, "id") == answer_number(result, "id")) return one;
        return NULL;
}

static void print_results(const struct screen *s, const struct reply *r)
{
        bool dry_run = answer_true(r->json, "dry_run");
        json_t *one, *row, *last = NULL;
        char text[400];
        size_t i;

        json_array_foreach(answer_list(r->json, "results"), i, one)
        {
                row = row_of(r, one);
                if (row && is(row, "state", "undone"))
                        row = NULL;
                if (row && !is(row, "service", last ? answer_raw(last, "service") : ""))
                        print_row(s, row);
                screen_fold(s, row ? 2 : 0, INK_PLAIN, answer_text(one, "text", text, sizeof text));
                if (row)
                        print_undo(s, row);
                last = row;
        }
        if (dry_run)
                screen_put(s, INK_DIM, "Nothing was changed: this was a dry run.\n");
}

static int outcome(const struct reply *r)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(r->json, "actions"), i,
                one) if (is(one, "state", "failed") || is(one, "state", "refused")) return EXIT_BAD;
        return EXIT_DONE;
}

/* What was followed, as it is now. */
static void print_json(const struct reply *r, bool changed)
{
        if (!changed) {
                client_print_json(r);
                return;
        }
        json_dumpf(r->json, stdout,
                isatty(STDOUT_FILENO) ? JSON_INDENT(2) | JSON_ENSURE_ASCII : (size_t)JSON_COMPACT);
        putchar('\n');
}

int act_send(const struct options *o, json_t *order)
{
        cleanup_reply struct reply r = {0};
        cleanup_free char *body = order ? json_dumps(order, JSON_COMPACT) : NULL;
        enum color_mode color;
        bool changed = false;
        struct screen s;
        struct target t;

        json_decref(order);
        if (!body || options_color(o, &color) < 0)
                return EXIT_USAGE;
        target_init(&t, "actions");
        int code = client_send(o, "POST", &t, body, &r);
        if (code == EXIT_DONE)
                code = follow(o, &r, &changed);
        if (code != EXIT_DONE)
                return code;
        screen_init(&s, stdout, color);
        if (options_get(o, "--json"))
                print_json(&r, changed);
        else
                print_results(&s, &r);
        return outcome(&r);
}

/* ---- the verbs ---- */

static int run(int argc, char **argv)
{
        const struct verb *v = verb_find(argv[0]);
        struct options o;
        int code = options_parse(&o, v, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (!o.arguments) {
                fprintf(stderr, "sexton %s: wants the name of a service; sexton services lists them\n",
                        v->name);
                return EXIT_USAGE;
        }
        json_t *order = act_order(&o, v->name, o.argument[0]);
        if (order && options_get(&o, "--force"))
                json_object_set_new(order, "force", json_true());
        return act_send(&o, order);
}

static const struct verb_option plain_options[] = {OPTIONS_OF_ACTS};
static const struct verb_option timed_options[] = {OPTIONS_OF_ACTS, OPTION_FOR};
static const struct verb_option bury_options[] = {
        OPTIONS_OF_ACTS,
        {"--force", NULL, "also the dead whose status their holder may still want"},
};

#define ACTS(options_)                                                                                       \
        .args = "SERVICE", .options = options_, .options_count = ARRAY_SIZE(options_), .asks_daemon = true,  \
        .bad = "it was refused, can't be done, or failed", .run = run

const struct verb verb_freeze = {
        .name = "freeze",
        .summary = "stop all processes of a service where they are",
        .description =
                "The service uses no CPU any more and keeps its memory and its connections; thawed, it goes "
                "on where it was. It thaws by itself after the time of --for (10 minutes without), when "
                "Sexton stops, and when Sexton dies. A container that is frozen looks unhealthy, and what "
                "restarts unhealthy ones restarts it.",
        .examples = "sexton freeze shop/worker --for 2m --reason 'is it the worker?'\nDoes the host recover "
                    "without it?\n",
        ACTS(timed_options),
};

const struct verb verb_thaw = {
        .name = "thaw",
        .summary = "let a frozen service go on",
        .description =
                "Takes back what Sexton holds a service still by: a freeze, by whoever it was asked for, or "
                "a "
                "hold of its restart budget. Limits stay. For a while (acting.respect) Sexton leaves the "
                "service alone. What docker pause has frozen is docker's to unpause.",
        ACTS(plain_options),
};

const struct verb verb_stop = {
        .name = "stop",
        .summary = "end a service: by its engine or systemd, else SIGTERM, then SIGKILL",
        .description =
                "Asks the container engine or systemd to stop it, so that it stays stopped. If they don't "
                "answer, its processes get SIGTERM and after 10 seconds SIGKILL; then its restart policy may "
                "bring it back, see sexton-quarantine(1). It waits until that has ended.",
        ACTS(plain_options),
};

const struct verb verb_restart = {
        .name = "restart",
        .summary = "restart a container or a unit",
        .description =
                "Asks the container engine or systemd to restart it. If they don't answer, its main process "
                "is ended, and its restart policy brings it back. All zombies of a container end with it.",
        ACTS(plain_options),
};

const struct verb verb_quarantine = {
        .name = "quarantine",
        .summary = "stop a service and keep it stopped, against its restart policy",
        .description =
                "As sexton-stop(1), and whatever brings it back is ended again, until the time of --for (1 "
                "hour "
                "without) is over; then what the engine has stopped is started again. A person's start ends "
                "the quarantine.",
        .examples = "sexton quarantine shop/api --for 1d\nIt crashes at every start; look at it tomorrow.\n",
        ACTS(timed_options),
};

const struct verb verb_bury = {
        .name = "bury",
        .summary = "have the dead of a service waited for, without a restart",
        .description =
                "Makes the process that should wait for its dead children do it, for exactly the dead that "
                "nobody can want the status of; docs/burying.md says which, and when it gives up. What "
                "leaves the dead goes on leaving them: sexton zombies has the cure.",
        ACTS(bury_options),
};

const struct verb verb_release = {
        .name = "release",
        .summary = "undo all that stands on a service, and begin its restart budget anew",
        .description =
                "Everything that Sexton does to the service is undone, whoever asked for it. For a while "
                "(acting.respect) Sexton leaves it alone.",
        ACTS(plain_options),
};
