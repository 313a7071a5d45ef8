/* sexton drill: stages harmless trouble and watches whether the alarm chain works, link by link. */
#include "cli/client.h"
#include "cli/drill_show.h"

#include "base/clock.h"
#include "base/text.h"
#include "drill/group.h"
#include "drill/hung.h"
#include "drill/stage.h"
#include "drill/watch.h"
#include "model/drill.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

extern const struct verb verb_drill;

#define CGROUPS "/sys/fs/cgroup"

enum {
        ASK_MS = 3000,
        SOON_MS = 20,
        LATER_MS = 200,
        ACT_S = 10, /* for an action to be done, or undone */
        LOOP_S = 3, /* some of its lives */
};
#define SOON_FOR_NS NSEC_PER_SEC

static const struct verb_option options[] = {
        OPTIONS_OF_CLIENTS,
        {"--count", "N", "zombies: how many; default 3, at most 50"},
        {"--wait", "DURATION", "how long to wait for each step; default what it needs"},
        {"--act", NULL, "have the drill's own control group frozen, and thawed again"},
        {"--dry-run", NULL, "only say what would be done"},
};

struct session {
        const struct options *o;
        struct drill_show show;
        struct drill_watch watch;
        struct stage stage;
        uint64_t began_ns; /* when the trouble was there */
        double wait;       /* s; NAN = each step's own */
        bool act;
};

/* ---- signals ---- */

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
        interrupted = sig;
}

static void catch_signals(void)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
        struct sigaction a = {.sa_handler = interrupt};

        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                sigaction(signals[i], &a, NULL);
}

/* ---- asking ---- */

static double now_of(const struct session *s)
{
        return s->began_ns ? (double)(clock_boot_ns() - s->began_ns) / 1e9 : NAN;
}

static int ask(struct session *s, enum drill_phase p, struct reply *ret, char *problem, size_t size)
{
        const char *path = s->stage.socket[0] && s->watch.kind->id == DRILL_ENGINE_HUNG ? s->stage.socket
                                                                                        : client_socket(s->o);
        struct drill_question q;
        struct target t;
        uint64_t before = clock_boot_ns();

        watch_question(&s->watch, p, &q);
        target_init(&t, q.verb);
        if (q.key)
                target_add(&t, q.key, q.value);
        int code = client_try(path, "GET", &t, NULL, ASK_MS, ret, problem, size);
        if (code == EXIT_DONE && !reply_parse(ret)) {
                snprintf(problem, size, "what answers at %.100s is no Sexton: not a JSON object", path);
                code = EXIT_UNREACHABLE;
        }
        s->watch.slowest = fmax(s->watch.slowest, (double)(clock_boot_ns() - before) / 1e9);
        return code;
}

/* Nothing that is staged has gone away before its time. */
static bool is_staged(const struct session *s)
{
        return s->stage.link < 0 || stage_lives(&s->stage);
}

/* One phase, until it is over in one way or the other. True when the next may follow. */
static bool go_through(struct session *s, enum drill_phase p)
{
        double limit = isnan(s->wait) ? watch_limit(&s->watch, p) : s->wait;
        uint64_t from = clock_boot_ns(), end = from + (uint64_t)(limit * 1e9);
        uint32_t before = s->watch.steps;
        char problem[700] = "";

        s->watch.slowest = 0;
        for (bool over = false; !over && !interrupted;) {
                cleanup_reply struct reply r = {0};
                uint64_t now = clock_boot_ns();

                if (ask(s, p, &r, problem, sizeof problem) == EXIT_DONE) {
                        *problem = '\0';
                        over = watch_judge(&s->watch, p, r.json, now_of(s));
                }
                if (!over && !is_staged(s))
                        text_set(problem, sizeof problem,
                                "the process that stages the drill was ended by somebody: run it again");
                if (!over && (now >= end || !is_staged(s))) {
                        watch_late(&s->watch, p, problem, now_of(s));
                        over = true;
                }
                drill_show_steps(&s->show, &s->watch);
                if (over)
                        break;
                drill_show_waiting(&s->show, watch_waits_for(p), (double)(now - from) / 1e9, limit);
                nanosleep(&(struct timespec){.tv_nsec = (now - from < SOON_FOR_NS ? SOON_MS : LATER_MS) *
                                                        (long)NSEC_PER_MSEC},
                        NULL);
        }
        for (uint32_t i = before; i < s->watch.steps; i++)
                if (s->watch.step[i].state == STEP_FAILED)
                        return false;
        return !interrupted;
}

/* ---- acting ---- */

static int order(const struct session *s, const char *action, json_int_t *ret_id, char *problem, size_t size)
{
        cleanup_reply struct reply r = {0};
        char body[200];
        struct target t;

        snprintf(body, sizeof body, "{\"action\":\"%s\",\"service\":\"%s\"%s}", action, s->stage.service,
                ret_id ? ",\"seconds\":60,\"reason\":\"a drill\"" : "");
        target_init(&t, "actions");
        int code = client_try(client_socket(s->o), "POST", &t, body, ASK_MS, &r, problem, size);
        if (code == EXIT_DONE && reply_parse(&r) && ret_id)
                *ret_id = json_integer_value(
                        answer_at(json_array_get(answer_list(r.json, "results"), 0), "id"));
        return code;
}

/* What the kernel itself says of the group. */
static bool becomes_frozen(const struct session *s, bool wanted)
{
        uint64_t end = clock_boot_ns() + ACT_S * NSEC_PER_SEC;
        struct drill_group g;
        bool is = !wanted;

        if (drill_group_open(&g, CGROUPS, s->stage.number, NULL) < 0)
                return false;
        while (is != wanted && clock_boot_ns() < end && !interrupted) {
                is = drill_group_frozen(&g) == 1;
                nanosleep(&(struct timespec){.tv_nsec = SOON_MS * (long)NSEC_PER_MSEC}, NULL);
        }
        drill_group_done(&g);
        return is == wanted;
}

/* A loop may be between two of its lives: then there is nothing to freeze for a moment. */
static int freeze(const struct session *s, json_int_t *ret_id, char *problem, size_t size)
{
        uint64_t end = clock_boot_ns() + LOOP_S * NSEC_PER_SEC;
        int code;

        for (;;) {
                code = order(s, "freeze", ret_id, problem, size);
                if (code == EXIT_DONE || s->watch.kind->id != DRILL_RESTART_LOOP || clock_boot_ns() >= end ||
                        interrupted)
                        return code;
                nanosleep(&(struct timespec){.tv_nsec = LATER_MS * (long)NSEC_PER_MSEC}, NULL);
        }
}

static void act(struct session *s)
{
        char problem[700] = "";
        json_int_t id = 0;
        int code = freeze(s, &id, problem, sizeof problem);

        if (code == EXIT_BAD) { /* the daemon knows better: act_only_in, or nothing to freeze with */
                watch_add(&s->watch, STEP_UNTESTED, NAN, "acted", "%.319s", problem);
                return;
        }
        bool good = code == EXIT_DONE && becomes_frozen(s, true);
        if (good)
                watch_add(&s->watch, STEP_DONE, now_of(s), "acted",
                        "action %lld: the kernel says that it is frozen", (long long)id);
        else
                watch_add(&s->watch, STEP_FAILED, now_of(s), "acted", "%.319s",
                        *problem ? problem : "the kernel doesn't say that it is frozen");
        drill_show_steps(&s->show, &s->watch);
        if (code != EXIT_DONE)
                return;
        *problem = '\0';
        code = order(s, "thaw", NULL, problem, sizeof problem);
        good = code == EXIT_DONE && becomes_frozen(s, false);
        watch_add(&s->watch, good ? STEP_DONE : STEP_FAILED, now_of(s), "undone", "%.319s",
                good       ? "the kernel says that it is thawed"
                : *problem ? problem
                           : "the kernel says that it is frozen still");
        drill_show_steps(&s->show, &s->watch);
}

/* ---- the course of a drill ---- */

static void clean_up(struct session *s)
{
        if (stage_end(&s->stage)) {
                watch_add(&s->watch, STEP_DONE, now_of(s), "cleaned up", "nothing is left");
        } else {
                struct drill_step *t = watch_add(&s->watch, STEP_FAILED, now_of(s), "cleaned up",
                        "what the drill has made can't be removed: %s", s->stage.service);
                text_set(t->advice, sizeof t->advice, "Run the drill again later: it removes what is left.");
        }
        drill_show_steps(&s->show, &s->watch);
}

static bool stage(struct session *s, uint32_t count)
{
        struct stage_want want = {.kind = s->watch.kind, .cgroup_root = CGROUPS, .count = count};
        struct error e = {0};

        s->began_ns = clock_boot_ns();
        if (stage_begin(&s->stage, &want, &e) < 0) {
                watch_add(&s->watch, STEP_FAILED, NAN, "staged", "%.319s", e.text);
                drill_show_steps(&s->show, &s->watch);
                return false;
        }
        s->began_ns = clock_boot_ns();
        watch_add(&s->watch, STEP_DONE, 0, "staged", "%s",
                s->watch.kind->in_group ? s->stage.service : "a second Sexton and its engine");
        drill_show_steps(&s->show, &s->watch);
        return true;
}

static void trouble(struct session *s, uint32_t count)
{
        static const enum drill_phase chain[] = {PHASE_SEEN, PHASE_LISTED, PHASE_FOUND, PHASE_INCIDENT};
        bool good = stage(s, count);

        if (!good)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(chain) && good; i++)
                good = go_through(s, chain[i]);
        if (good && !watch_tells_nobody(&s->watch, PHASE_TOLD))
                go_through(s, PHASE_TOLD);
        if (s->watch.incident && s->act && !interrupted)
                act(s);
        clean_up(s);
        if (s->watch.incident && !interrupted && go_through(s, PHASE_RESOLVED) &&
                !watch_tells_nobody(&s->watch, PHASE_TOLD_END))
                go_through(s, PHASE_TOLD_END);
        watch_add(&s->watch, STEP_UNTESTED, NAN, s->act ? "by itself" : "acted",
                "what Sexton would do about such trouble: it does nothing about a drill%s",
                s->act ? "" : " unless it is asked to (--act)");
}

/* The engine that the daemon follows is only asked after. */
static void look_at_engine(struct session *s, json_t *status)
{
        const char *state = answer_raw(status, "sources.engine");
        char text[200];

        answer_text_or(status, "sources.engine_text", "nothing is known about it", text, sizeof text);
        if (!strcmp(state, "unreachable")) {
                struct drill_step *t = watch_add(&s->watch, STEP_FAILED, NAN, "your engine", "%s", text);
                text_set(t->advice, sizeof t->advice,
                        "The engine of this host doesn't answer now: see its log, and `systemctl status "
                        "docker`.");
        } else if (!strcmp(state, "none")) {
                watch_add(&s->watch, STEP_UNTESTED, NAN, "your engine", "%s", text);
        } else {
                watch_add(&s->watch, STEP_DONE, NAN, "your engine", "%s", text);
        }
        drill_show_steps(&s->show, &s->watch);
}

static void engine_hung(struct session *s, json_t *status)
{
        look_at_engine(s, status);
        if (!stage(s, 0))
                return;
        bool good = go_through(s, PHASE_FOLLOWS) && go_through(s, PHASE_NAMED);
        stage_hang(&s->stage, true);
        good = good && go_through(s, PHASE_HANGS) && go_through(s, PHASE_GOES_ON) &&
               go_through(s, PHASE_NOTED);
        stage_hang(&s->stage, false);
        if (good)
                go_through(s, PHASE_BACK);
        clean_up(s);
        watch_add(&s->watch, STEP_UNTESTED, NAN, "told", "an engine that hangs is an event, and no incident");
}

static void page(struct session *s)
{
        cleanup_reply struct reply r = {0};
        struct target t;
        char problem[700];

        if (!s->watch.notifiers) {
                struct drill_step *step = watch_add(&s->watch, STEP_FAILED, NAN, "told",
                        "nobody is told of anything: no notifier is configured");
                text_set(step->advice, sizeof step->advice,
                        "Add one to `notify:` in sexton.yaml: see docs/notify.md.");
                drill_show_steps(&s->show, &s->watch);
                return;
        }
        s->began_ns = clock_boot_ns();
        target_init(&t, "notify");
        if (client_try(client_socket(s->o), "POST", &t, "{\"test\":null}", ASK_MS, &r, problem,
                    sizeof problem) == EXIT_DONE) {
                go_through(s, PHASE_TESTED);
                return;
        }
        watch_late(&s->watch, PHASE_TESTED, problem, now_of(s));
        drill_show_steps(&s->show, &s->watch);
}

/* ---- the verb ---- */

static int look_first(const struct options *o, const char *verb, struct reply *ret)
{
        struct target t;

        target_init(&t, verb);
        return client_ask(o, &t, ret);
}

static int end_leftovers(struct session *s)
{
        struct error e = {0};
        int n = drill_leftovers_end(CGROUPS, &e);

        if (n < 0) {
                fprintf(stderr, "sexton drill: %s\n", e.text);
                return EXIT_BAD;
        }
        if (n && !s->show.json)
                screen_put(&s->show.screen, INK_YELLOW,
                        "What %d drill%s that %s killed had left is removed.\n", n, n == 1 ? "" : "s",
                        n == 1 ? "was" : "were");
        return EXIT_DONE;
}

static int drill(struct session *s, const struct drill_kind *k, uint32_t count)
{
        cleanup_reply struct reply status = {0}, notify = {0}, silences = {0};
        char service[64];
        int code = look_first(s->o, "status", &status);

        if (code == EXIT_DONE)
                code = look_first(s->o, "notify", &notify);
        if (code == EXIT_DONE)
                code = look_first(s->o, "silences", &silences);
        if (code != EXIT_DONE)
                return code;
        snprintf(service, sizeof service, DRILL_GROUP "%d", getpid());
        watch_init(
                &s->watch, k, k->in_group ? service : NULL, count, status.json, notify.json, silences.json);
        if (k->detector && watch_limit(&s->watch, PHASE_FOUND) > DRILL_HARD_END / 2) {
                fprintf(stderr,
                        "sexton drill: with a grace period of %.0f s (`grace:` in the configuration) this "
                        "would take "
                        "longer than a drill may\n",
                        s->watch.grace);
                return EXIT_BAD;
        }
        drill_show_plan(&s->show, k, s->watch.service);
        code = k->id == DRILL_PAGE ? EXIT_DONE : end_leftovers(s);
        if (code != EXIT_DONE)
                return code;
        catch_signals();
        if (k->id == DRILL_PAGE)
                page(s);
        else if (k->id == DRILL_ENGINE_HUNG)
                engine_hung(s, status.json);
        else
                trouble(s, count);
        if (k->untested)
                watch_add(&s->watch, STEP_UNTESTED, NAN, "left out", "%s", k->untested);
        if (interrupted) {
                fputs(s->show.progress ? "\r\033[K" : "", stderr);
                signal(interrupted, SIG_DFL);
                raise(interrupted);
        }
        drill_show_verdict(&s->show, &s->watch);
        return watch_broken(&s->watch) ? EXIT_BAD : EXIT_DONE;
}

static int run(int argc, char **argv)
{
        struct session s = {.wait = NAN, .stage = {.link = -1}};
        struct options o;
        enum color_mode color;
        uint64_t count;
        int code = options_parse(&o, &verb_drill, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        const struct drill_kind *k = o.arguments ? drill_kind_find(o.argument[0]) : NULL;
        if (!k) {
                fputs("sexton drill: which one? There are", stderr);
                for (size_t i = 0; i < DRILL_KINDS; i++)
                        fprintf(stderr, "%s %s", i ? "," : "", drill_kinds[i].name);
                fputs(".\n", stderr);
                return EXIT_USAGE;
        }
        if (options_color(&o, &color) < 0 || options_duration(&o, "--wait", NAN, &s.wait) < 0 ||
                options_number(&o, "--count", DRILL_ZOMBIES_DEFAULT, 1, DRILL_ZOMBIES_MAX, &count) < 0)
                return EXIT_USAGE;
        s.o = &o;
        s.act = options_get(&o, "--act");
        if (s.act && !k->in_group) {
                fprintf(stderr, "sexton drill: %s makes no control group: there is nothing to act on\n",
                        k->name);
                return EXIT_USAGE;
        }
        s.show.json = options_get(&o, "--json");
        screen_init(&s.show.screen, stdout, color);
        if (options_get(&o, "--dry-run")) {
                s.show.json = false;
                drill_show_plan(&s.show, k, NULL);
                return EXIT_DONE;
        }
        if (k->id != DRILL_PAGE && geteuid() != 0) {
                fprintf(stderr, "sexton drill: staging %s takes root: ask with sudo\n", k->name);
                return EXIT_USAGE;
        }
        return drill(&s, k, (uint32_t)count);
}

const struct verb verb_drill = {
        .name = "drill",
        .args = "zombies|restart-loop|saturation|memory|disk|engine-hung|page",
        .summary = "stage a harmless fire drill, and see whether the alarm chain works and how fast",
        .description =
                "Stages harmless trouble in a control group of its own, watches whether it is seen, listed, "
                "found, "
                "made an incident that names it, told to the notifiers, and told to be over, says how long "
                "each "
                "took, and cleans up. Everything that is told of it begins with \"Drill:\", and it is "
                "counted "
                "neither in metrics nor as an open incident. Nothing is done about it by itself; with --act "
                "its own "
                "group is frozen and thawed again.\n\n"
                "zombies: dead children that nobody waits for. restart-loop: a program that fails and is "
                "started "
                "again. saturation: two busy tasks on a tenth of a core. memory: a control group whose 32 MB "
                "are "
                "nearly used up. disk: a file system of 1 MB that is nearly full. engine-hung: a second "
                "Sexton, "
                "whose made-up container engine stops answering; the one of this host isn't touched. page: a "
                "test of every notifier.\n\n"
                "What was not tested, and why, is said at the end. The drill is bounded in CPU, memory, "
                "tasks and "
                "time. Ctrl-C ends it and cleans up; if it is killed, a helper cleans up, and what is left "
                "when "
                "both are killed is removed by the next drill.",
        .bad = "a link of the chain is broken; which, and what to do, is said",
        .examples = "sexton drill zombies\nIs a leak seen, named and told?\n"
                    "sexton drill page\nDoes everybody hear of it?\n"
                    "sexton drill saturation --dry-run\nWhat would be done?\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
