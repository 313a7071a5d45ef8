/* Tests of what the book of incidents knows of actions: which belong to an incident, what became of them,
 * also after the incident, and over restarts.
 */
#include "book_desk.h"

/* An action by hand, on the board. */
static struct action *act(struct desk *d, uint32_t i, uint8_t kind, const char *service, uint32_t finding)
{
        struct action *a = &d->l->b->action[i];

        *a = (struct action){.id = 500 + i,
                .kind = kind,
                .state = ACTION_ACTIVE,
                .finding = finding,
                .value = kind == ACTION_QUOTA ? 0.5 : NAN,
                .taken_ns = d->l->now,
                .until_ns = d->l->now + FAKE_S(600),
                .measure = {{.name = "load", .unit = "load", .before = 8, .after = NAN}}};
        snprintf(a->service_name, sizeof a->service_name, "%s", service);
        snprintf(a->who, sizeof a->who, "%s", finding ? "ladder" : "root");
        snprintf(a->reason, sizeof a->reason, "because \033[2J");
        snprintf(a->previous, sizeof a->previous, "freezer.state THAWED");
        d->l->b->action_top = MAX(d->l->b->action_top, i + 1);
        return a;
}

static void end(struct desk *d, struct action *a, uint8_t state, const char *result)
{
        a->state = state;
        a->ended_ns = d->l->now;
        snprintf(a->result, sizeof a->result, "%s", result);
}

/* One incident of `shop`, number 1, open. */
static struct desk *trouble(struct finding **ret)
{
        struct desk *d = desk_new();

        *ret = find(d, 1, "memory", fake_service(d->l->b, "shop", SERVICE_CONTAINER), SEVERITY_WARNING);
        fake_service(d->l->b, "other", SERVICE_CONTAINER);
        act(d, 1, ACTION_FREEZE, "shop", 0); /* before it */
        d->l->now += FAKE_S(5);
        look(d, 3);
        check_int(book_open_count(d->book), 1);
        return d;
}

static void which_belong(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);
        struct incident *n;

        act(d, 2, ACTION_QUOTA, "shop", f->id);
        act(d, 3, ACTION_FREEZE, "shop", 0);
        act(d, 4, ACTION_FREEZE, "other", 0);
        act(d, 5, ACTION_WEIGHT, "shop", f->id)->state = ACTION_WOULD;
        act(d, 6, ACTION_FREEZE, "other", f->id); /* whatever it is on: this is what asked for it */
        look(d, 2);
        n = get(d, 1);
        check_int(n->actions, 4);
        check_int(n->action[0].id, 502);
        check_int(n->action[1].id, 503);
        check_int(n->action[2].id, 505);
        check_int(n->action[3].id, 506);
        check_str(n->action[0].reason, "because \\x1b[2J");
        check_near(n->action[0].value, 0.5, 0);
        check_int(n->action[0].taken_ns / 1000000, (d->l->now - FAKE_S(2) + (uint64_t)OFFSET) / 1000000);
        incident_free(n);
        desk_done(d);
}

static void what_becomes_of_them(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);
        struct action *a = act(d, 2, ACTION_QUOTA, "shop", f->id);
        struct incident *n;

        look(d, 2);
        uint64_t puts = d->puts;
        look(d, 5);
        check_int(d->puts, puts); /* nothing new */
        a->helped = ACTION_HELPED;
        a->measure[0].after = 2;
        end(d, a, ACTION_UNDONE, "its time is over");
        look(d, 2);
        check(d->puts > puts);
        n = get(d, 1);
        check_int(n->actions, 1);
        check_int(n->action[0].state, ACTION_UNDONE);
        check_int(n->action[0].helped, ACTION_HELPED);
        check_near(n->action[0].measure[0].after, 2, 0);
        check_str(n->action[0].result, "its time is over");
        incident_free(n);
        /* its row is used again for another */
        act(d, 2, ACTION_STOP, "shop", 0)->id = 900;
        look(d, 2);
        n = get(d, 1);
        check_int(n->actions, 2);
        check_int(n->action[0].state, ACTION_UNDONE);
        incident_free(n);
        desk_done(d);
}

static void also_after_the_incident(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);
        struct action *a = act(d, 2, ACTION_QUARANTINE, "shop", f->id);
        struct incident *n;

        look(d, 2);
        over(d, f);
        look(d, 2 * CALM);
        check(told_of(d, BOOK_RESOLVED, 1));
        uint32_t tells = d->tells;
        end(d, a, ACTION_UNDONE, "asked for by root");
        look(d, 2);
        n = get(d, 1);
        check_int(n->action[0].state, ACTION_UNDONE);
        check_str(n->action[0].result, "asked for by root");
        incident_free(n);
        check_int(d->tells, tells); /* that is for the record only */
        uint64_t puts = d->puts;
        look(d, 60);
        check_int(d->puts, puts);
        desk_done(d);
}

static void over_restarts(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);
        struct incident *n;

        act(d, 2, ACTION_QUOTA, "shop", f->id);
        look(d, 2);
        restart(d);
        look(d, 2);
        n = get(d, 1);
        check_int(n->actions, 1);
        check_int(n->action[0].state, ACTION_ACTIVE);
        check_near(n->action[0].measure[0].before, 8, 0);
        check(isnan(n->action[0].measure[0].after));
        incident_free(n);
        /* all of Sexton: another board */
        memset(d->l->b->action, 0, sizeof d->l->b->action);
        d->l->b->action_top = 1;
        restart(d);
        look(d, 2);
        n = get(d, 1);
        check_int(n->action[0].state, ACTION_UNDONE);
        check(strstr(n->action[0].result, "Sexton ended meanwhile"));
        incident_free(n);
        desk_done(d);
}

static void too_many(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);
        struct incident *n;

        for (uint32_t i = 2; i < 2 + INCIDENT_ACTIONS + 6; i++) {
                struct action *a = act(d, i, ACTION_FREEZE, "shop", f->id);
                if (i > 2)
                        end(d, a, ACTION_UNDONE, "over");
                look(d, 1);
        }
        n = get(d, 1);
        check_int(n->actions, INCIDENT_ACTIONS);
        check_int(n->actions_left_out, 6);
        check_int(n->action[0].id, 502); /* it stands */
        check_int(n->action[INCIDENT_ACTIONS - 1].id, 500 + 2 + INCIDENT_ACTIONS + 5);
        incident_free(n);
        desk_done(d);
}

static void as_a_document(void)
{
        struct finding *f;
        struct desk *d = trouble(&f);

        act(d, 2, ACTION_QUOTA, "shop", f->id)->helped = ACTION_HELPED_NOT;
        end(d, act(d, 3, ACTION_BURY, "shop", 0), ACTION_FAILED, "because");
        act(d, 4, ACTION_MEMORY, "shop", f->id)->reasserted = 3;
        look(d, 2);
        struct incident *n = get(d, 1), *again;
        struct json_out a = json_out_of(INCIDENT_DOCUMENT), b = json_out_of(INCIDENT_DOCUMENT);
        incident_write(n, &a);
        check_int(incident_read(a.out.buf, a.out.len, &again), 0);
        check_int(again->actions, 3);
        incident_write(again, &b);
        check(a.out.len == b.out.len && !memcmp(a.out.buf, b.out.buf, a.out.len));
        json_t *j = json_loadb(a.out.buf, a.out.len, 0, NULL);
        json_t *first = json_array_get(json_object_get(j, "actions"), 0);
        check_str(json_string_value(json_object_get(first, "kind")), "quota");
        check_str(json_string_value(json_object_get(first, "unit")), "cores");
        check(json_is_true(json_object_get(first, "stands")) &&
                json_is_false(json_object_get(first, "helped")));
        json_decref(j);
        json_out_done(&a);
        json_out_done(&b);
        incident_free(n);
        incident_free(again);
        desk_done(d);
}

static void all(void)
{
        test(which_belong);
        test(what_becomes_of_them);
        test(also_after_the_incident);
        test(over_restarts);
        test(too_many);
        test(as_a_document);
}

int main(void)
{
        return tap_main(all);
}
