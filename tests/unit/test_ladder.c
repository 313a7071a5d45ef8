/* Tests of the ladder: who is acted on, which step, how long it is given, whether it helped, when it is
 * taken back; the breaker; a person's word; labels. Driven through the real detectors on a made host.
 */
#include "ladder/internal.h"
#include "ladder_lab.h"

/* A storm beside a small honest service, with durations of minutes shortened to seconds. */
static struct yard *storm(enum mode mode, uint16_t *ret_hog, uint16_t *ret_decoy)
{
        struct yard *y = yard_new(mode);

        y->cfg.detect.saturation_for = 10;
        y->cfg.ladder.breaker_enabled = 0;
        yard_configure(y);
        *ret_hog = yard_service(y, "hog", 0);
        *ret_decoy = yard_service(y, "decoy", 0.3);
        yard_tick(y, 30);
        y->want[*ret_hog] = 40;
        return y;
}

/* Until the service has an action of that kind; false after a while. */
static bool until(struct yard *y, uint16_t service, enum action_kind kind, double at_most)
{
        for (double t = 0; t < at_most && !yard_has(y, service, kind); t++)
                yard_tick(y, 1);
        return yard_has(y, service, kind);
}

static void a_storm_is_slowed_and_judged_by_idle_time(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        check(until(y, hog, ACTION_WEIGHT, 60));
        const struct action *weight = yard_action(y, hog, ACTION_WEIGHT);
        check_int(weight->state, ACTION_ACTIVE);
        check_str(weight->who, "ladder");
        check(strstr(weight->reason, "saturation: Load"));
        check(weight->finding);
        check(weight->until_ns > y->lab->now + FAKE_S(800));
        check(weight->measure[0].before > 5);
        check(until(y, hog, ACTION_QUOTA, 15)); /* a lower weight changes nothing that the host can show */
        check_int(weight->helped, ACTION_HELPED_NOT);
        const struct action *quota = yard_action(y, hog, ACTION_QUOTA);
        check_near(quota->value, 0.5, 0.001);
        check(strstr(quota->reason, "weight didn't help"));
        check_near((double)(quota->taken_ns - weight->taken_ns) / 1e9, 10, 1.1);
        yard_tick(y, 30); /* there is idle time, though pressure and queue are as before */
        check_int(quota->helped, ACTION_HELPED);
        check(!yard_has(y, hog, ACTION_FREEZE));
        check_int(yard_count(y, decoy), 0);
        yard_done(y);
}

static void steps_are_taken_back_from_above_after_calm(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        strcpy(y->cfg.ladder.rule_saturation, "weight\nfreeze");
        yard_configure(y);
        check(until(y, hog, ACTION_FREEZE, 60));
        const struct action *freeze = yard_action(y, hog, ACTION_FREEZE);
        const struct action *weight = yard_action(y, hog, ACTION_WEIGHT);
        y->want[hog] = 0.1; /* whatever it was, it would be over */
        for (int t = 0; t < 200 && freeze->state == ACTION_ACTIVE; t++)
                yard_tick(y, 1);
        check_int(freeze->state, ACTION_UNDONE);
        check_int(freeze->helped, ACTION_HELPED);
        check_int(weight->state, ACTION_ACTIVE);
        check_near((double)(freeze->ended_ns - freeze->taken_ns) / 1e9, 64, 8);
        yard_tick(y, 62);
        check_int(weight->state, ACTION_UNDONE);
        yard_tick(y, 200);
        check_int(yard_count(y, hog), 2);
        yard_done(y);
}

static void frozen_at_once_when_the_table_says_so(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        strcpy(y->cfg.ladder.rule_saturation, "freeze");
        yard_configure(y);
        while (!lab_find(y->lab, "saturation", 0))
                yard_tick(y, 1);
        check(yard_has(y, hog, ACTION_FREEZE)); /* within the tick in which the finding opened */
        yard_done(y);
}

static void relapses_start_with_what_helped_and_last_longer(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);
        uint32_t stops = 0, freezes = 0;

        strcpy(y->cfg.ladder.rule_saturation, "weight\nfreeze\nstop");
        yard_configure(y);
        yard_tick(y, 3600);
        uint64_t gap = 0, last = 0;
        for (uint32_t i = 0; i < y->orders; i++) {
                const struct yard_order *o = &y->order[i];
                check_int(o->o.service, hog);
                stops += o->o.kind == ACTION_STOP;
                if (o->o.kind != ACTION_FREEZE)
                        continue;
                freezes++;
                if (last && freezes > 2)
                        check(o->at_ns - last > gap);
                gap = last ? o->at_ns - last : 0;
                last = o->at_ns;
        }
        check(freezes >= 2 && freezes <= 4);
        check_int(stops, 1); /* frozen in vain often enough */
        yard_done(y);
}

static void observe_says_the_same_and_touches_nothing(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_OBSERVE, &hog, &decoy);

        yard_tick(y, 300);
        check_int(yard_action(y, hog, ACTION_WEIGHT)->state, ACTION_WOULD);
        check_int(yard_action(y, hog, ACTION_QUOTA)->state, ACTION_WOULD);
        check(strstr(yard_action(y, hog, ACTION_QUOTA)->reason, "if weight had not helped"));
        check_int(yard_action(y, hog, ACTION_FREEZE)->state, ACTION_WOULD);
        check(!yard_has(y, hog, ACTION_STOP));
        check_int(y->orders, 3); /* once for each step */
        check_int(y->undone, 0);
        check_int(yard_action(y, hog, ACTION_FREEZE)->helped, ACTION_HELP_UNKNOWN);
        y->b->service[hog].labels.mode = 2; /* the label of one container */
        yard_tick(y, 5);
        check_int(yard_action(y, hog, ACTION_WEIGHT)->state, ACTION_ACTIVE);
        yard_done(y);
}

static void labels_and_lists_are_kept(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);
        struct service *s = &y->b->service[hog];

        s->protect = true;
        yard_tick(y, 60);
        check_int(y->orders, 0);
        s->protect = false;
        s->labels.mode = 1;
        yard_tick(y, 2);
        check_int(yard_action(y, hog, ACTION_WEIGHT)->state, ACTION_WOULD);
        s->labels.mode = 0;
        strcpy(y->cfg.act_only_in[0], "other-*");
        y->cfg.act_only_in_count = 1;
        yard_configure(y);
        uint32_t before = y->orders;
        yard_tick(y, 60);
        check_int(y->orders, before);
        strcpy(y->cfg.act_only_in[0], "ho?");
        yard_configure(y);
        s->labels.has_steps = true;
        s->labels.steps = 1 << ACTION_QUOTA;
        s->labels.cpu_max_millicores = 250;
        yard_tick(y, 60);
        check_near(yard_action(y, hog, ACTION_QUOTA)->value, 0.25, 0);
        check_int(yard_count(y, hog), before + 1);
        yard_done(y);
}

static void autoheal_is_not_provoked_by_freezing(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        strcpy(y->cfg.ladder.rule_saturation, "weight\nfreeze");
        yard_configure(y);
        y->b->service[hog].autoheal = true;
        yard_tick(y, 120);
        check(yard_has(y, hog, ACTION_WEIGHT));
        check(!yard_has(y, hog, ACTION_FREEZE));
        strcpy(y->cfg.ladder.rule_saturation, "freeze"); /* nothing else */
        y->b->service[hog].person_act = PERSON_START;
        y->b->service[hog].person_ns = y->lab->now + 1;
        yard_configure(y);
        yard_tick(y, 30);
        check(yard_has(y, hog, ACTION_FREEZE));
        yard_done(y);
}

static void a_persons_word_ends_it(void)
{
        static const struct {
                enum person_act act;
                bool respected;
        } words[] = {
                {PERSON_UNPAUSE, true}, {PERSON_UPDATE, true}, {PERSON_START, false}, {PERSON_STOP, false}};

        for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
                uint16_t hog, decoy;
                struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

                strcpy(y->cfg.ladder.rule_saturation, "freeze");
                yard_configure(y);
                check(until(y, hog, ACTION_FREEZE, 60));
                y->b->service[hog].person_act = (uint8_t)words[k].act;
                y->b->service[hog].person_ns = y->lab->now + 1;
                yard_tick(y, 1);
                check_int(yard_action(y, hog, ACTION_FREEZE)->state, ACTION_UNDONE);
                check(strstr(y->undo_why, "a person"));
                yard_tick(y, 600);
                check_int(yard_count(y, hog) == 1, words[k].respected);
                yard_tick(y, 1800);
                check(yard_count(y, hog) > 1);
                yard_done(y);
        }
}

static void released_and_paused_services_are_left_alone(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        y->b->service[hog].state = CONTAINER_PAUSED;
        yard_tick(y, 60);
        check_int(y->orders, 0);
        y->b->service[hog].state = CONTAINER_RUNNING;
        yard_tick(y, 60);
        check(y->orders > 0);
        uint32_t before = y->orders;
        yard_released(y, hog);
        yard_tick(y, 1700);
        check_int(y->orders, before);
        yard_tick(y, 200);
        check(y->orders > before);
        yard_done(y);
}

static void nobody_is_blamed_when_nobody_has_most(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);

        y->cfg.detect.saturation_for = 10;
        y->cfg.ladder.breaker_for = 10;
        yard_configure(y);
        for (int i = 0; i < 6; i++) {
                char name[16];
                snprintf(name, sizeof name, "one-%d", i);
                yard_service(y, name, 10);
        }
        yard_tick(y, 300);
        check(lab_find(y->lab, "saturation", 0));
        check(y->l->breaker.open);
        check_int(y->orders, 0);
        yard_done(y);
}

static void what_must_not_be_touched_is_tried_once_in_a_while(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        y->untouchable[hog] = true;
        yard_tick(y, 400);
        check_int(y->orders, 0);
        y->untouchable[hog] = false;
        yard_tick(y, 100); /* blocked for ten minutes */
        check_int(y->orders, 0);
        yard_tick(y, 300);
        check(y->orders > 0);
        yard_done(y);
}

static void the_hand_may_fail(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        y->answer = -EAGAIN;
        yard_tick(y, 60);
        check_int(y->orders, 0);
        y->answer = -ENOTSUP; /* none of the steps */
        yard_tick(y, 60);
        y->answer = 0;
        yard_tick(y, 60);
        check_int(y->orders, 0); /* all were tried */
        yard_done(y);
}

static void a_persons_action_keeps_the_ladder_away(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);
        struct action *a = yard_new_row(y);

        *a = (struct action){.id = 1000, .kind = ACTION_WEIGHT, .state = ACTION_ACTIVE, .service = hog};
        strcpy(a->service_name, "hog");
        strcpy(a->who, "uid 0");
        yard_tick(y, 120);
        check_int(y->orders, 0);
        a->state = ACTION_UNDONE;
        yard_tick(y, 5);
        check_int(y->orders, 1);
        yard_done(y);
}

/* ---- the breaker ---- */

static void the_breaker_opens_acts_and_closes(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t decoy = yard_service(y, "decoy", 0.3), hog = yard_service(y, "hog", 0);

        y->cfg.ladder.breaker_for = 10;
        strcpy(y->cfg.ladder.breaker_steps, "freeze");
        yard_configure(y);
        yard_tick(y, 60);
        check(!y->l->breaker.open);
        y->want[hog] = 40;
        yard_tick(y, 30);
        check(y->l->breaker.open);
        check_int(y->l->breaker.service, hog);
        check(strstr(y->tell_text, "the breaker opens: load"));
        const struct action *a = yard_action(y, hog, ACTION_FREEZE);
        check(!strcmp(a->who, "breaker") && a->finding == 0);
        y->want[hog] = 0;
        yard_tick(y, 120);
        check(!y->l->breaker.open);
        check(strstr(y->tell_text, "the breaker closes"));
        check_int(yard_action(y, hog, ACTION_FREEZE)->state, ACTION_UNDONE);
        check_int(yard_count(y, decoy), 0);
        yard_done(y);
}

static void the_breaker_never_flaps(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t hog = yard_service(y, "hog", 40);

        y->cfg.ladder.breaker_for = 10;
        strcpy(y->cfg.ladder.breaker_steps, "freeze");
        strcpy(y->cfg.ladder.rule_saturation, "");
        yard_configure(y);
        yard_tick(y, 3600);
        check(y->l->breaker.opened >= 2);
        check(y->l->breaker.opened <= 8);
        check(yard_count(y, hog) <= 8);
        uint32_t opened = y->l->breaker.opened;
        yard_tick(y, 3600);
        check(y->l->breaker.opened - opened <= 8);
        yard_done(y);
}

static void a_person_works_the_breaker(void)
{
        struct yard *y = yard_new(MODE_OBSERVE);
        uint16_t hog = yard_service(y, "hog", 4);

        y->cfg.ladder.breaker_load_per_core = 100;
        yard_configure(y);
        yard_tick(y, 30);
        ladder_breaker_force(y->l, 1, y->lab->now);
        yard_tick(y, 5);
        check(yard_has(y, hog, ACTION_QUOTA));
        check_int(yard_action(y, hog, ACTION_QUOTA)->state, ACTION_ACTIVE); /* asked for, whatever the mode */
        ladder_breaker_force(y->l, 0, y->lab->now);
        check_int(yard_action(y, hog, ACTION_QUOTA)->state, ACTION_UNDONE);
        yard_tick(y, 30);
        check(!y->l->breaker.open);
        ladder_breaker_force(y->l, -1, y->lab->now);
        check_int(y->l->breaker.forced, -1);
        yard_done(y);
}

/* ---- zombies, forks ---- */

static void zombies_are_left_until_they_matter(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "worker", 0);
        uint32_t holder = fake_process(y->b, i, 100, 0, "celery");

        for (int32_t k = 0; k < 20; k++)
                fake_dies(y->b, fake_process(y->b, i, 200 + k, holder, "probe"), holder, y->lab->now);
        yard_tick(y, 60);
        check(lab_find(y->lab, "zombie_leak", i));
        check_int(y->orders, 0);
        y->b->service[i].pids = 22;
        y->b->service[i].pids_limit = 25;
        yard_tick(y, 2);
        check(yard_has(y, i, ACTION_RESTART));
        yard_tick(y, 600);
        check_int(yard_count(y, i), 1); /* it didn't help; not again for half an hour */
        yard_tick(y, 3000);
        check(yard_count(y, i) >= 2 && yard_count(y, i) <= 3);
        yard_done(y);
}

static void bury_only_where_the_label_says_so(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "worker", 0);
        uint32_t holder = fake_process(y->b, i, 100, 0, "celery");

        y->b->service[i].labels.bury = true;
        fake_dies(y->b, fake_process(y->b, i, 200, holder, "probe"), holder, y->lab->now);
        yard_tick(y, 60);
        check(yard_has(y, i, ACTION_BURY));
        yard_done(y);
}

static void a_fork_storm_is_the_services_own(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "bomb", 0), other = yard_service(y, "other", 1);

        y->b->service[i].fork_rate = 3000;
        y->b->service[i].pids = 500;
        y->b->service[i].pids_limit = BOARD_UNKNOWN;
        yard_tick(y, 33);
        const struct action *a = yard_action(y, i, ACTION_PIDS);
        check_near(a->value, 500, 0);
        yard_tick(y, 6);
        check(yard_has(y, i, ACTION_FREEZE));
        y->b->service[i].fork_rate = 0;
        yard_tick(y, 16);
        check_int(yard_action(y, i, ACTION_FREEZE)->helped, ACTION_HELPED);
        check_int(yard_count(y, other), 0);
        yard_done(y);
}

static void every_detector_has_a_row_in_the_table(void)
{
        for (size_t i = 0; i < detectors_count; i++)
                check(plan_rule(detectors[i]->name) != LADDER_RULE_COUNT);
        check_int(detectors_count, RULE_breaker);
}

static void nothing_is_done_about_a_drill(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "/sexton-drill-4711", 0), real = yard_service(y, "real", 0);

        y->b->service[i].is_drill = true;
        y->b->service[i].drill_ns = y->lab->now;
        y->b->service[i].processes = y->b->service[real].processes = 1;
        y->b->service[i].fork_rate = y->b->service[real].fork_rate = 5000;
        yard_tick(y, 120);
        check(lab_find(y->lab, "fork_storm", i) && lab_find(y->lab, "fork_storm", real));
        check_int(yard_count(y, i), 0);
        check(yard_count(y, real) > 0);
        yard_done(y);
}

/* ---- guards that are killed ---- */

static void a_new_guard_leaves_alone_who_was_released(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        check(until(y, hog, ACTION_WEIGHT, 60));
        yard_undo(y, yard_action(y, hog, ACTION_WEIGHT)->id, "released", y->lab->now);
        yard_released(y, hog);
        uint32_t before = y->orders;
        yard_guard_killed(y);
        yard_tick(y, 1700);
        check_int(y->orders, before);
        yard_tick(y, 200);
        check(y->orders > before);
        yard_done(y);

        uint16_t i;
        y = yard_held(&i);
        yard_undo(y, yard_action(y, i, ACTION_HOLD)->id, "released", y->lab->now);
        yard_released(y, i);
        yard_guard_killed(y);
        yard_tick(y, 1805); /* it is respected no more, and its old restarts don't count */
        yard_crash(y, i, 1);
        yard_tick(y, 5);
        check_int(yard_count(y, i), 1);
        yard_done(y);
}

static void a_new_guard_knows_what_helped(void)
{
        uint16_t hog, decoy;
        struct yard *y = storm(MODE_ENFORCE, &hog, &decoy);

        strcpy(y->cfg.ladder.rule_saturation, "weight\nfreeze");
        yard_configure(y);
        check(until(y, hog, ACTION_FREEZE, 90));
        uint32_t first = yard_action(y, hog, ACTION_FREEZE)->id;
        uint64_t lasted_ns = 0;
        for (int t = 0; t < 900 && yard_action(y, hog, ACTION_FREEZE)->state == ACTION_ACTIVE; t++)
                yard_tick(y, 1);
        lasted_ns =
                yard_action(y, hog, ACTION_FREEZE)->until_ns - yard_action(y, hog, ACTION_FREEZE)->taken_ns;
        check_int(yard_action(y, hog, ACTION_FREEZE)->helped, ACTION_HELPED);
        yard_guard_killed(y);
        uint32_t weights = 0;
        for (uint32_t k = 0; k < y->orders; k++)
                weights += y->order[k].o.kind == ACTION_WEIGHT;
        for (int t = 0; t < 300 && yard_action(y, hog, ACTION_FREEZE)->id == first; t++)
                yard_tick(y, 1);
        const struct action *again = yard_action(y, hog, ACTION_FREEZE);
        check(again->id != first);
        check(again->until_ns - again->taken_ns > lasted_ns); /* a relapse lasts longer */
        for (uint32_t k = 0; k < y->orders; k++)
                weights -= y->order[k].o.kind == ACTION_WEIGHT;
        check_int(weights, 0); /* nor does it begin with the weight again */
        yard_done(y);
}

static void a_new_guard_keeps_the_breaker_as_it_was(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t hog = yard_service(y, "hog", 40);

        y->cfg.ladder.breaker_for = 10;
        y->cfg.ladder.rule_saturation[0] = '\0';
        yard_configure(y);
        ladder_breaker_force(y->l, 0, y->lab->now);
        yard_tick(y, 100);
        yard_guard_killed(y);
        check_int(y->l->breaker.forced, 0);
        yard_tick(y, 450);
        check(!y->l->breaker.open && !yard_count(y, hog)); /* for ten minutes a person's word holds */
        yard_tick(y, 150);
        check(y->l->breaker.open && yard_count(y, hog) > 0);
        uint32_t opened = y->l->breaker.opened;
        yard_guard_killed(y);
        check(y->l->breaker.open);
        check_int(y->l->breaker.forced, -1);
        yard_tick(y, 2);
        check_int(y->l->breaker.opened, opened);
        yard_done(y);
}

static void a_new_guard_acts_no_more_often(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);

        y->cfg.actions.max_per_minute = 2;
        yard_configure(y);
        for (int k = 0; k < 4; k++) {
                char name[16];
                snprintf(name, sizeof name, "loop-%d", k);
                uint16_t i = yard_service(y, name, 0);
                for (int n = 0; n < 4; n++)
                        fake_recent(&y->b->service[i].restarts, y->lab->now, 1);
        }
        for (int k = 0; k < 20; k++) {
                yard_tick(y, 1);
                yard_guard_killed(y);
        }
        check_int(y->orders, 2);
        yard_tick(y, 130); /* those that stand are gone on with first */
        check_int(y->orders, 4);
        yard_done(y);
}

static void all(void)
{
        test(nothing_is_done_about_a_drill);
        test(every_detector_has_a_row_in_the_table);
        test(a_storm_is_slowed_and_judged_by_idle_time);
        test(steps_are_taken_back_from_above_after_calm);
        test(frozen_at_once_when_the_table_says_so);
        test(relapses_start_with_what_helped_and_last_longer);
        test(observe_says_the_same_and_touches_nothing);
        test(labels_and_lists_are_kept);
        test(autoheal_is_not_provoked_by_freezing);
        test(a_persons_word_ends_it);
        test(released_and_paused_services_are_left_alone);
        test(nobody_is_blamed_when_nobody_has_most);
        test(what_must_not_be_touched_is_tried_once_in_a_while);
        test(the_hand_may_fail);
        test(a_persons_action_keeps_the_ladder_away);
        test(the_breaker_opens_acts_and_closes);
        test(the_breaker_never_flaps);
        test(a_person_works_the_breaker);
        test(zombies_are_left_until_they_matter);
        test(bury_only_where_the_label_says_so);
        test(a_fork_storm_is_the_services_own);
        test(a_new_guard_leaves_alone_who_was_released);
        test(a_new_guard_knows_what_helped);
        test(a_new_guard_keeps_the_breaker_as_it_was);
        test(a_new_guard_acts_no_more_often);
}

int main(void)
{
        return tap_main(all);
}
