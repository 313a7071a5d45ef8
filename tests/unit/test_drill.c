/* Tests of fire drills: which group is one, what is found in it and how soon, that it counts as nobody's
 * trouble, and what the daemon's answers say about each link of the chain.
 */
#include "book_desk.h"
#include "cli/verb.h"
#include "drill/watch.h"
#include "incident/harm.h"
#include "model/drill.h"
#include "world/world.h"

#define NAME  "/sexton-drill-4711"
#define MOUNT "/run/sexton-drill-4711"

/* ---- names ---- */

static void names(void)
{
        char args[200] = "";

        check_int(drill_pid("/sexton-drill-4711", DRILL_GROUP), 4711);
        check_int(drill_pid(MOUNT, DRILL_FOLDER), 4711);
        check_int(drill_pid("/sexton-drill-2147483647", DRILL_GROUP), 0); /* above any pid */
        static const char *const others[] = {"/sexton-drill-", "/sexton-drill-0", "/sexton-drill-04",
                "/sexton-drill-4x", "/sexton-drill-4/5", "/a/sexton-drill-4", "sexton-drill-4",
                "/sexton-drill--4", "/sexton-drill-99999999999", "/", ""};
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                check_int(drill_pid(others[i], DRILL_GROUP), 0);
        for (size_t i = 0; i < DRILL_KINDS; i++) {
                snprintf(args + strlen(args), sizeof args - strlen(args), "%s%s", i ? "|" : "",
                        drill_kinds[i].name);
                check_int(drill_kinds[i].id, i);
                check(drill_kind_find(drill_kinds[i].name) == &drill_kinds[i]);
        }
        check_str(verb_find("drill")->args, args); /* from which the shells complete them */
        check(!drill_kind_find("fire"));
}

/* ---- the world ---- */

static struct world *world;
static struct board *board;

static void ignore(void *ctx, const struct event *e)
{
}

static void begin_world(void)
{
        board = fake_board();
        world = calloc(1, sizeof *world);
        world_init(world, board, ignore, NULL, 100 * NSEC_PER_SEC, 2);
}

static void end_world(void)
{
        free(world);
        fake_board_done(board);
}

static const struct service *enters(const char *path, int32_t pid, double at)
{
        board->updated_ns = FAKE_S(at);
        uint32_t i = world_born(world, pid, 0, FAKE_S(at), FAKE_S(at));

        world_set_cgroup(world, i, world_cgroup(world, path));
        return &board->service[board->process[i].service];
}

static void dies(int32_t pid, int32_t status, double at)
{
        uint32_t i = world_find(world, pid);

        board->updated_ns = FAKE_S(at);
        board->process[i].exit_status = status;
        world_buried(world, i, FAKE_S(at));
}

static void only_a_group_at_the_top_is_one(void)
{
        begin_world();
        const struct service *s = enters(NAME, 10, 100);
        check(s->is_drill && view_is_drill(s, FAKE_S(100)));
        check(!enters("/user.slice/sexton-drill-4711", 11, 100)->is_drill);
        check(!enters("/system.slice/sexton-drill-4711.service", 12, 100)->is_drill);
        check(!enters(NAME "/below", 13, 100)->is_drill);
        check(view_drills(board, FAKE_S(101)));
        check(!view_is_drill(s, FAKE_S(100 + DRILL_LASTS))); /* what lives on is none any more */
        check(!view_drills(board, FAKE_S(100 + DRILL_LASTS)));
        dies(10, 0, 110);
        check(view_is_drill(s, FAKE_S(110)) && !view_drills(board, FAKE_S(110)));
        enters(NAME, 14, 130); /* the same one goes on */
        check_int(s->drill_ns, FAKE_S(100));
        dies(14, 0, 131);
        enters(NAME, 15, 800); /* another one of the same number */
        check_int(s->drill_ns, FAKE_S(800));
        end_world();
}

static void a_drill_plays_a_unit_that_restarts(void)
{
        begin_world();
        for (int k = 0; k < 4; k++) {
                enters(NAME, 20 + k, 100 + k);
                dies(20 + k, 3 << 8, 100.5 + k);
                enters("/plain", 40 + k, 100 + k);
                dies(40 + k, 3 << 8, 100.5 + k);
        }
        const struct service *s = enters(NAME, 30, 105), *plain = enters("/plain", 50, 105);
        check_int(s->restarts.total, 4);
        check_int(s->restarts.value[0], 3);
        check_int(plain->restarts.total, 0);
        end_world();
}

/* ---- findings ---- */

static uint16_t staged(struct lab *l, const char *name)
{
        uint16_t i = fake_service(l->b, name, SERVICE_CGROUP);

        l->b->service[i].is_drill = true;
        l->b->drill_ns = l->b->service[i].drill_ns = l->now;
        l->b->service[i].processes = 1;
        return i;
}

static void leak(struct lab *l, uint16_t service)
{
        uint32_t holder = fake_process(l->b, service, 500, 0, "holder");

        fake_dies(l->b, fake_process(l->b, service, 501, holder, "dead"), holder, l->now);
}

static void a_leak_is_found_as_a_drill(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME);

        l->cfg.zombie_leak_for = 3600;
        leak(l, i);
        lab_tick(l, FAKE_GRACE + DRILL_FOR - 1);
        check_int(lab_open(l), 0);
        lab_tick(l, 2);
        const struct finding *f = lab_find(l, "zombie_leak", i);
        check(f && f->drill);
        check(f && !strncmp(f->text, "Drill: " NAME " holds 1 zombie",
                           strlen("Drill: " NAME " holds 1 zombie")));
        check(f && !strncmp(f->remedy, "A drill, which ends by itself: nothing is to be done.", 53));
        check(strstr(l->last.text, "Drill: "));
        l->b->service[i].processes = 0; /* it is over, whatever is left on the board */
        lab_tick(l, DRILL_CLEAR + 1);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void thresholds_are_those_of_the_configuration(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME);

        l->cfg.zombie_leak_count = 2;
        leak(l, i);
        l->b->service[i].memory_limit_bytes = 100;
        l->b->service[i].memory_bytes = 89;
        l->b->service[i].restarts.total = 0;
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void durations_are_short_and_told(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME), real = fake_service(l->b, "real", SERVICE_CGROUP);

        for (uint16_t k = i; k <= real; k++) {
                l->b->service[k].processes = 1;
                l->b->service[k].memory_limit_bytes = 100;
                l->b->service[k].memory_bytes = 95;
        }
        lab_tick(l, DRILL_FOR + 1);
        check(lab_says(lab_find(l, "memory", i),
                "in a drill 3 s are enough; by the configuration real trouble must last 60 s"));
        check(!lab_find(l, "memory", real));
        lab_tick(l, 60);
        const struct finding *f = lab_find(l, "memory", real);
        check(f && !f->drill && !lab_says(f, "in a drill") && !strncmp(f->text, "real uses", 9));
        lab_done(l);
}

static void what_outlasts_its_drill_is_trouble(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME);

        l->b->service[i].memory_limit_bytes = 100;
        l->b->service[i].memory_bytes = 95;
        lab_tick(l, DRILL_LASTS - 1);
        check(lab_find(l, "memory", i) && lab_find(l, "memory", i)->drill);
        lab_tick(l, 10);
        check(!lab_find(l, "memory", i)); /* it has to last as long as any other */
        lab_tick(l, 60);
        const struct finding *f = lab_find(l, "memory", i);
        check(f && !f->drill && !strncmp(f->text, NAME, strlen(NAME)));
        lab_done(l);
}

static void a_quota_is_saturated_and_not_the_host(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME);
        struct service *s = &l->b->service[i];

        s->runnable = 2;
        s->periods = 100;
        s->throttled_periods = 19;
        lab_tick(l, 20);
        check_int(lab_open(l), 0); /* they hardly wait */
        s->throttled_periods = 90;
        lab_tick(l, DRILL_FOR + 1);
        check(lab_says(lab_find(l, "saturation", i), "Drill: 2 tasks of " NAME) &&
                lab_says(lab_find(l, "saturation", i), "must last 5 min"));
        check(!lab_find(l, "saturation", 0));
        l->b->service[i].processes = 0;
        lab_tick(l, 10);
        s->processes = 1;
        s->psi_cpu = 0.1; /* where groups tell their pressure, that counts */
        lab_tick(l, 20);
        check_int(lab_open(l), 0);
        s->psi_cpu = 0.9;
        l->cfg.saturation_load_warning = 30;
        lab_tick(l, 20);
        check_int(lab_open(l), 0);
        lab_done(l);
}

static void a_drills_mount_is_the_drills(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME);
        struct mount_point *m = l->b->host.mount;

        l->b->host.mounts = 2;
        m[0] = (struct mount_point){.path = MOUNT,
                .size_bytes = DRILL_DISK_BYTES,
                .free_bytes = DRILL_DISK_BYTES / 20,
                .inodes = 16,
                .inodes_free = 1,
                .slope_bytes_per_sec = 1e6};
        m[1] = m[0];
        snprintf(m[1].path, sizeof m[1].path, "/run/sexton-drill-9"); /* of nobody that lives */
        lab_tick(l, 600);
        l->b->service[i].drill_ns = l->now;
        lab_tick(l, DRILL_FOR + 1);
        check(lab_says(lab_find(l, "disk", i), "Drill: " MOUNT " is 95 % full"));
        check_int(lab_open(l), 1);
        l->b->service[i].processes = 0;
        lab_tick(l, 60);
        check_int(lab_open(l), 0);
        lab_done(l);
}

/* ---- nobody's trouble ---- */

static void it_draws_no_suspicion(void)
{
        struct lab *l = lab_new();
        uint16_t i = staged(l, NAME), real = fake_service(l->b, "real", SERVICE_COMPOSE);
        struct suspect s[4];

        l->b->service[i].held = 50;
        l->b->service[i].load1 = 5;
        struct harm h = harm_of(l->b, l->now);
        check_near(h.sum, 0, 1e-9);
        l->b->service[real].held = 1;
        h = harm_of(l->b, l->now);
        check_near(h.total[HARM_ZOMBIES], 1, 1e-9);
        check_near(harm_share(l->b, &h, real, HARM_ZOMBIES, l->now), 1, 1e-9);
        check_int(suspects_rank(l->b, l->now, s, 4), 1);
        check_int(s[0].service, real);
        h = harm_of(l->b, l->now + FAKE_S(DRILL_LASTS));
        check_near(h.total[HARM_ZOMBIES], 51, 1e-9);
        lab_done(l);
}

static void its_incident_is_told_but_not_counted(void)
{
        struct desk *d = desk_new();
        uint16_t i = staged(d->l, NAME);

        leak(d->l, i);
        tick(d, FAKE_GRACE + DRILL_FOR + 3);
        check_int(d->tells, 1);
        check_int(book_open_count(d->book), 0);
        check_int(book_open_of(d->book, SEVERITY_WARNING), 0);
        struct incident *n = get(d, 1);
        check(n->open && incident_is_drill(n));
        check_str(n->said.culprit, NAME);
        check(!strncmp(n->title, "Drill: ", 7) && !strncmp(n->said.why.answer, "Drill: ", 7));
        incident_free(n);
        static const char mark[] = "\"drill\":true"; /* what is kept has no NUL at its end */
        check(d->keeps == 1 && memmem(d->kept[0].json, d->kept[0].len, mark, sizeof mark - 1));
        restart(d);
        check_int(book_open_count(d->book), 0);
        tick(d, 2);
        d->l->b->service[i].processes = 0;
        d->l->b->ledger_head = d->l->b->zombies = 0;
        tick(d, DRILL_CLEAR + DRILL_CALM * 3 + 3); /* a restart makes it patient */
        n = get(d, 1);
        check(!n->open && incident_is_drill(n));
        check(told_of(d, BOOK_RESOLVED, 1));
        incident_free(n);
        desk_done(d);
}

static void real_trouble_beside_it_is_counted(void)
{
        struct desk *d = desk_new();
        uint16_t i = staged(d->l, NAME), real = fake_service(d->l->b, "real", SERVICE_COMPOSE);

        find(d, 1, "zombie_leak", i, SEVERITY_WARNING)->drill = true;
        find(d, 2, "zombie_leak", real, SEVERITY_WARNING);
        look(d, 5);
        check_int(book_open_count(d->book), 1);
        check_int(book_open_of(d->book, SEVERITY_WARNING), 1);
        over(d, &d->l->b->finding[1]);
        over(d, &d->l->b->finding[2]);
        look(d, 20);
        check(told_of(d, BOOK_RESOLVED, 1) !=
                told_of(d, BOOK_RESOLVED, 2)); /* the drill's, long before the calm */
        desk_done(d);
}

/* ---- what answers say ---- */

static json_t *json(const char *text)
{
        json_error_t e;
        json_t *j = json_loads(text, 0, &e);

        if (!j) {
                printf("# %s: %s\n", e.text, text);
                abort();
        }
        return j;
}

static bool judge(struct drill_watch *w, enum drill_phase p, const char *text)
{
        json_t *j = json(text);
        bool over = watch_judge(w, p, j, 1.5);

        json_decref(j);
        return over;
}

static const struct drill_step *last(const struct drill_watch *w)
{
        static const struct drill_step none;

        return w->steps ? &w->step[w->steps - 1] : &none;
}

static struct drill_watch *watching(enum drill_kind_id kind, const char *notify, const char *silences)
{
        struct drill_watch *w = calloc(1, sizeof *w);
        json_t *a = json("{\"grace\":10,\"time\":\"2026-11-24T10:00:00.000Z\"}"), *b = json(notify),
               *c = json(silences);

        watch_init(w, &drill_kinds[kind], NAME, 2, a, b, c);
        json_decref(a);
        json_decref(b);
        json_decref(c);
        return w;
}

#define NOTIFIERS                                                                                            \
        "{\"quiet_below\":null,\"notifiers\":["                                                              \
        "{\"name\":\"hook\",\"type\":\"webhook\",\"min_severity\":\"info\",\"send_resolved\":false},"        \
        "{\"name\":\"am\",\"type\":\"alertmanager\",\"min_severity\":\"warning\",\"send_resolved\":false},"  \
        "{\"name\":\"pager\",\"type\":\"webhook\",\"min_severity\":\"critical\",\"send_resolved\":true}]}"

static void facts(void)
{
        struct drill_watch *w = watching(DRILL_ZOMBIES, "{}", "{}");

        check_near(watch_limit(w, PHASE_FOUND), drill_kinds[DRILL_ZOMBIES].wait + 10, 1e-9);
        check(!judge(w, PHASE_SEEN, "{\"services\":[]}"));
        check(!judge(w, PHASE_SEEN, "{\"services\":[{\"service\":\"/other\"}]}"));
        check_int(w->steps, 0);
        check(judge(w, PHASE_SEEN, "{\"services\":[{\"service\":\"" NAME "\"}]}"));
        check_str(last(w)->name, "seen");
        check_near(last(w)->at, 1.5, 1e-9);
        const char *one = "{\"zombies\":[{\"holder\":{\"service\":\"" NAME "\",\"pid\":5,\"command\":\"h\"}},"
                          "{\"holder\":{\"service\":\"x\"}},{\"holder\":null}]}";
        check(!judge(w, PHASE_LISTED, one));
        check_str(w->why_not, "1 of 2 zombies are listed");
        w->count = 1;
        check(judge(w, PHASE_LISTED, one));
        check_str(last(w)->text, "1 zombies, held by h (pid 5)");
        free(w);
        static const struct {
                enum drill_kind_id kind;
                const char *no, *yes;
        } each[] = {
                {DRILL_RESTART_LOOP, "\"restarts_last_hour\":0", "\"restarts_last_hour\":1"},
                {DRILL_SATURATION, "\"runnable\":1", "\"runnable\":2"},
                {DRILL_MEMORY, "\"memory_bytes\":80,\"memory_limit_bytes\":100",
                        "\"memory_bytes\":95,\"memory_limit_bytes\":100"},
                {DRILL_MEMORY, "\"memory_bytes\":95,\"memory_limit_bytes\":null",
                        "\"memory_bytes\":95,\"memory_limit_bytes\":96"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
                char text[200];
                w = watching(each[i].kind, "{}", "{}");
                snprintf(text, sizeof text, "{\"services\":[{\"service\":\"" NAME "\",%s}]}", each[i].no);
                check(!judge(w, PHASE_LISTED, text) && w->why_not[0]);
                snprintf(text, sizeof text, "{\"services\":[{\"service\":\"" NAME "\",%s}]}", each[i].yes);
                check(judge(w, PHASE_LISTED, text));
                free(w);
        }
        w = watching(DRILL_DISK, "{}", "{}");
        check(!judge(w, PHASE_LISTED, "{\"mounts\":[{\"path\":\"/\",\"size_bytes\":10,\"free_bytes\":0}]}"));
        check(strstr(w->why_not, "isn't among the mounts"));
        check(!judge(w, PHASE_LISTED,
                "{\"mounts\":[{\"path\":\"" MOUNT "\",\"size_bytes\":100,\"free_bytes\":50}]}"));
        check(judge(w, PHASE_LISTED,
                "{\"mounts\":[{\"path\":\"" MOUNT "\",\"size_bytes\":100,\"free_bytes\":5}]}"));
        free(w);
}

#define FINDING(service, detector, open, drill)                                                              \
        "{\"findings\":[{\"service\":\"" service "\",\"detector\":\"" detector "\",\"open\":" open           \
        ",\"drill\":" drill ",\"text\":\"T\",\"evidence\":[{\"text\":\"in a drill 3 s are enough\"}]}]}"

static void findings(void)
{
        struct drill_watch *w = watching(DRILL_MEMORY, "{}", "{}");

        check(!judge(w, PHASE_FOUND, "{\"findings\":[]}"));
        check(!judge(w, PHASE_FOUND, FINDING("x", "memory", "true", "true")));
        check(!judge(w, PHASE_FOUND, FINDING(NAME, "oom", "true", "true")));
        check(!judge(w, PHASE_FOUND, FINDING(NAME, "memory", "false", "true")));
        check(judge(w, PHASE_FOUND, FINDING(NAME, "memory", "true", "true")));
        check_int(w->steps, 2);
        check(w->step[0].state == STEP_DONE && w->step[1].state == STEP_UNTESTED);
        check_str(w->step[1].text, "in a drill 3 s are enough");
        check(!watch_broken(w));
        free(w);
        w = watching(DRILL_MEMORY, "{}", "{}");
        check(judge(w, PHASE_FOUND,
                FINDING(NAME, "memory", "true", "false"))); /* a daemon that knows no drills */
        check(watch_broken(w) && strstr(watch_broken(w)->advice, "older"));
        free(w);
}

#define INCIDENT(culprit, state)                                                                             \
        "{\"incidents\":[{\"id\":9,\"service\":\"x\"},{\"id\":7,\"service\":\"" NAME                         \
        "\",\"severity\":\"warning\",\"state\":\"" state "\",\"culprit\":" culprit "}]}"
#define EVENT(text)                                                                                          \
        "{\"time\":\"2026-11-24T10:00:05.000Z\",\"kind\":\"notify\",\"service\":\"" NAME                     \
        "\",\"text\":\"" text "\"}"

static void incidents_and_telling(void)
{
        struct drill_watch *w = watching(DRILL_ZOMBIES, NOTIFIERS, "{}");

        check(!judge(w, PHASE_INCIDENT, "{\"incidents\":[]}"));
        check(!judge(w, PHASE_INCIDENT, INCIDENT("null", "open")));
        check(strstr(w->why_not, "nobody"));
        check(!judge(w, PHASE_INCIDENT, INCIDENT("\"other\"", "open")));
        check(judge(w, PHASE_INCIDENT, INCIDENT("\"" NAME "\"", "open")));
        check_int(w->incident, 7);
        check_str(last(w)->name, "told pager"); /* not told, and why */
        check(last(w)->state == STEP_UNTESTED && strstr(last(w)->text, "critical or worse"));
        check(!watch_tells_nobody(w, PHASE_TOLD));
        check(!judge(w, PHASE_TOLD, "{\"events\":[]}"));
        /* another drill's, before this one; another reason; a try that is repeated */
        check(!judge(w, PHASE_TOLD,
                "{\"events\":[{\"time\":\"2026-11-24T09:59:00.000Z\",\"kind\":\"notify\",\"service\":\"" NAME
                "\",\"text\":\"am (opened): delivered: HTTP 200\"}," EVENT(
                        "am (resolved): delivered: HTTP "
                        "200") "," EVENT("am (opened): retried, is tried again: HTTP 500") "," EVENT("hook "
                                                                                                     "(opened"
                                                                                                     "): "
                                                                                                     "deliver"
                                                                                                     "ed: "
                                                                                                     "HTTP "
                                                                                                     "204") "]"
                                                                                                            "}"));
        check_str(last(w)->name, "told hook");
        check_str(last(w)->text, "HTTP 204");
        check(judge(w, PHASE_TOLD,
                "{\"events\":[" EVENT("am (opened): retried, is tried again: HTTP 500") "," EVENT(
                        "am (opened): delivered: HTTP 200") "]}"));
        check_str(last(w)->name, "told am");
        check(!watch_broken(w));
        check(!watch_tells_nobody(w, PHASE_TOLD_END)); /* Alertmanager always hears of the end */
        check(!judge(w, PHASE_RESOLVED, INCIDENT("null", "open")));
        check(judge(w, PHASE_RESOLVED, INCIDENT("null", "resolved")));
        check(!judge(w, PHASE_TOLD_END, "{\"events\":[" EVENT("am (opened): delivered: HTTP 200") "]}"));
        check(judge(w, PHASE_TOLD_END, "{\"events\":[" EVENT("am (resolved): failed: HTTP 400") "]}"));
        check(watch_broken(w) && !strcmp(watch_broken(w)->name, "told am"));
        check(strstr(watch_broken(w)->advice, "sexton notify test am"));
        free(w);
}

static void why_nobody_is_told(void)
{
        struct drill_watch *w = watching(DRILL_ZOMBIES, "{\"notifiers\":[]}", "{}");

        judge(w, PHASE_INCIDENT, INCIDENT("\"" NAME "\"", "open"));
        check(watch_tells_nobody(w, PHASE_TOLD));
        check(last(w)->state == STEP_UNTESTED && strstr(last(w)->text, "no notifier is configured"));
        free(w);
        w = watching(
                DRILL_ZOMBIES, NOTIFIERS, "{\"silences\":[{\"service\":\"x\"},{\"service\":\"/sexton-*\"}]}");
        judge(w, PHASE_INCIDENT, INCIDENT("\"" NAME "\"", "open"));
        check(watch_tells_nobody(w, PHASE_TOLD) && strstr(w->step[1].text, "a silence for /sexton-*"));
        free(w);
        w = watching(DRILL_ZOMBIES, NOTIFIERS, "{}");
        strcpy(w->quiet_below, "critical");
        judge(w, PHASE_INCIDENT, INCIDENT("\"" NAME "\"", "open"));
        check(watch_tells_nobody(w, PHASE_TOLD) && strstr(w->step[1].text, "quiet hours"));
        free(w);
}

static void what_is_late(void)
{
        struct drill_watch *w = watching(DRILL_ZOMBIES, NOTIFIERS, "{}");

        judge(w, PHASE_FOUND, "{\"findings\":[]}");
        watch_late(w, PHASE_FOUND, "", 30);
        check_str(watch_broken(w)->name, "found");
        check(strstr(watch_broken(w)->text, "no finding of zombie_leak") &&
                strstr(watch_broken(w)->advice, "--count"));
        watch_late(w, PHASE_SEEN, "the guard has not reported for 9 s", 31);
        check_str(last(w)->text, "the guard has not reported for 9 s");
        judge(w, PHASE_INCIDENT, INCIDENT("\"" NAME "\"", "open"));
        judge(w, PHASE_TOLD, "{\"events\":[" EVENT("am (opened): retried, is tried again: HTTP 500") "]}");
        watch_late(w, PHASE_TOLD, "", 60);
        check_str(w->step[w->steps - 2].text, "nothing was sent");
        check_str(last(w)->name, "told am");
        check_str(last(w)->text, "HTTP 500");
        check(last(w)->state == STEP_FAILED);
        check(watch_tells_nobody(w, PHASE_TOLD_END)); /* nobody knows that it began */
        free(w);
}

static void tests_of_notifiers(void)
{
        struct drill_watch *w = calloc(1, sizeof *w);
        json_t *notify = json(NOTIFIERS), *silences = json("{\"silences\":[{\"service\":\"*\"}]}");

        watch_init(w, &drill_kinds[DRILL_PAGE], NULL, 0, NULL, notify, silences); /* a drill of no service */
        json_decref(notify);
        json_decref(silences);
        check_str(w->silence, "");

        check(!judge(w, PHASE_TESTED,
                "{\"notifiers\":[{\"name\":\"hook\",\"test\":{\"done\":true,\"outcome\":\"delivered\","
                "\"text\":\"HTTP 200\"}},"
                "{\"name\":\"am\",\"test\":{\"done\":false}},{\"name\":\"new\",\"test\":null}]}"));
        check_int(w->steps, 1);
        check(judge(w, PHASE_TESTED,
                "{\"notifiers\":[{\"name\":\"hook\",\"test\":{\"done\":true,\"outcome\":\"delivered\"}},"
                "{\"name\":\"am\",\"test\":{\"done\":true,\"outcome\":\"failed\",\"text\":\"HTTP 404\"}},"
                "{\"name\":\"pager\",\"test\":{\"done\":true,\"outcome\":\"delivered\",\"text\":\"HTTP "
                "202\"}}]}"));
        check_int(w->steps, 3);
        check_str(watch_broken(w)->name, "told am");
        free(w);
}

static void a_hung_engine(void)
{
        struct drill_watch *w = watching(DRILL_ENGINE_HUNG, "{}", "{}");

        check(!judge(w, PHASE_FOLLOWS, "{\"sources\":{\"engine\":\"none\"}}"));
        check(judge(
                w, PHASE_FOLLOWS, "{\"sources\":{\"engine\":\"docker\",\"engine_text\":\"Docker drill\"}}"));
        check(!judge(w, PHASE_NAMED, "{\"services\":[]}"));
        check(judge(w, PHASE_NAMED, "{\"services\":[{\"service\":\"drill-container\"}]}"));
        check(!judge(w, PHASE_HANGS, "{\"sources\":{\"engine\":\"docker\"}}"));
        check(judge(w, PHASE_HANGS, "{\"sources\":{\"engine\":\"unreachable\"}}"));
        w->slowest = 0.004;
        check(judge(w, PHASE_GOES_ON, "{\"services\":[{\"service\":\"drill-container\"}]}"));
        check(strstr(last(w)->text, "within 4 ms"));
        check(!judge(w, PHASE_NOTED, "{\"events\":[{\"text\":\"Docker drill\"}]}"));
        check(judge(w, PHASE_NOTED,
                "{\"events\":[{\"text\":\"it accepts connections but does not answer (3 s)\"}]}"));
        check(judge(w, PHASE_BACK, "{\"sources\":{\"engine\":\"docker\"}}"));
        check(!watch_broken(w));
        free(w);
}

/* Whatever answers, it is coped with. */
static void nonsense(void)
{
        static const char *const answers[] = {"{}",
                "{\"services\":1,\"findings\":{},\"incidents\":[1],\"events\":[null]}",
                "{\"services\":[1,[],{\"service\":{}}],\"zombies\":[{\"holder\":1}],\"mounts\":[{}],"
                "\"notifiers\":[{}]}",
                "{\"incidents\":[{\"service\":\"" NAME "\",\"id\":-1}],\"sources\":[]}",
                "{\"events\":[{\"kind\":\"notify\",\"service\":\"" NAME
                "\",\"time\":1,\"text\":\"hook (opened): \"}]}"};

        for (int kind = 0; kind < DRILL_KINDS; kind++)
                for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                        struct drill_watch *w = watching((enum drill_kind_id)kind, answers[i], answers[i]);
                        struct drill_question q;
                        for (int p = 0; p < PHASES; p++) {
                                watch_question(w, (enum drill_phase)p, &q);
                                check(q.verb && watch_waits_for((enum drill_phase)p));
                                if (p != PHASE_FOUND || w->kind->detector)
                                        judge(w, (enum drill_phase)p, answers[i]);
                                for (uint32_t k = 0; k < w->steps; k++)
                                        check(w->step[k].state != STEP_DONE || p > PHASE_INCIDENT);
                        }
                        free(w);
                }
}

static void steps_are_bounded(void)
{
        struct drill_watch *w = watching(DRILL_ZOMBIES, "{}", "{}");

        for (int i = 0; i < 2 * DRILL_STEPS; i++)
                watch_add(w, STEP_DONE, i, "a step", "number %d", i);
        check_int(w->steps, DRILL_STEPS);
        check_str(last(w)->text, "number 127");
        free(w);
}

static void all(void)
{
        test(names);
        test(only_a_group_at_the_top_is_one);
        test(a_drill_plays_a_unit_that_restarts);
        test(a_leak_is_found_as_a_drill);
        test(thresholds_are_those_of_the_configuration);
        test(durations_are_short_and_told);
        test(what_outlasts_its_drill_is_trouble);
        test(a_quota_is_saturated_and_not_the_host);
        test(a_drills_mount_is_the_drills);
        test(it_draws_no_suspicion);
        test(its_incident_is_told_but_not_counted);
        test(real_trouble_beside_it_is_counted);
        test(facts);
        test(findings);
        test(incidents_and_telling);
        test(why_nobody_is_told);
        test(what_is_late);
        test(tests_of_notifiers);
        test(a_hung_engine);
        test(nonsense);
        test(steps_are_bounded);
}

int main(void)
{
        return tap_main(all);
}
