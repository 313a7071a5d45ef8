/* The restart budget: who has spent it is held, and what counts as spent. */
#include "ladder_lab.h"

static void a_spent_budget_is_held_until_it_has_room(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);

        for (int k = 0; k < 3; k++) {
                yard_crash(y, i, 1);
                yard_tick(y, 10);
        }
        check_int(y->orders, 0);
        yard_crash(y, i, 1); /* one too many */
        const struct action *a = yard_action(y, i, ACTION_HOLD);
        check_int(a->state, ACTION_ACTIVE);
        check_str(a->who, "budget");
        check(strstr(a->reason,
                      "4 restarts after a crash in the last 60 min, 3 are its budget; exit code 1") ||
                strstr(a->reason,
                        "4 restarts after a crash in the last 1.0 h, 3 are its budget; exit code 1"));
        check_near((double)(a->until_ns - a->taken_ns) / 1e9, 3570, 2); /* until the first is an hour old */
        yard_tick(y, 3560);
        check_int(a->state, ACTION_ACTIVE);
        yard_tick(y, 15);
        check_int(a->state, ACTION_UNDONE);
        check_int(a->helped, ACTION_HELPED);
        for (int k = 0; k < 3; k++) { /* it goes on: two more holds, then it is kept stopped */
                while (!y->frozen[i] && !y->stopped[i]) {
                        yard_crash(y, i, 1);
                        yard_tick(y, 1);
                }
                check_int(yard_has(y, i, ACTION_QUARANTINE), k == 2);
                yard_tick(y, 3600);
        }
        check(yard_has(y, i, ACTION_QUARANTINE));
        yard_done(y);
}

/* It was over while we looked, or its record is late. */
static void one_that_is_gone_just_then_is_held_the_next_time(void)
{
        static const int answers[] = {-ESRCH, -ENOENT, -ESTALE};
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);

        for (int k = 0; k < 3; k++)
                yard_crash(y, i, 1);
        y->answer = answers[0];
        yard_crash(y, i, 1);
        check_int(y->orders, 0);
        y->answer = answers[1];
        yard_tick(y, 2);
        y->answer = answers[2];
        yard_crash(y, i, 1);
        check_int(y->orders, 0);
        y->answer = 0;
        yard_crash(y, i, 1);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_ACTIVE);
        yard_done(y);
}

/* Before the engine has told of the restart. */
static void a_restart_that_is_seen_is_held_at_once(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);
        struct service *s = &y->b->service[i];

        for (int k = 0; k < 3; k++)
                yard_crash(y, i, 1);
        s->state = CONTAINER_EXITED;
        s->returned_ns = y->lab->now;
        s->returned_code = 143;
        ladder_look(y->l, y->lab->now);
        check_int(y->orders, 0);
        s->returned_code = 1;
        ladder_look(y->l, y->lab->now);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_ACTIVE);
        check(strstr(yard_action(y, i, ACTION_HOLD)->reason, "4 restarts after a crash"));
        s->returned_ns = 0;
        s->state = CONTAINER_RUNNING;
        yard_crash(y, i, 1); /* now it has */
        yard_tick(y, 5);
        check_int(yard_count(y, i), 1);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_ACTIVE);
        yard_done(y);
}

static void one_that_is_over_too_soon_to_be_held_is_kept_stopped(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);

        y->b->service[i].state = CONTAINER_EXITED; /* whenever we look */
        for (int k = 0; k < 6; k++) {
                yard_crash(y, i, 1);
                yard_tick(y, 2);
        }
        check_int(yard_count(y, i), 0);
        yard_crash(y, i, 1);
        yard_tick(y, 2);
        check_int(yard_count(y, i), 1);
        check(yard_has(y, i, ACTION_QUARANTINE));
        yard_done(y);
}

/* Its runtime is not done with it, or with another one of the service. */
static void one_that_is_being_made_is_not_held(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);
        uint32_t first = fake_process(y->b, i, 100, 0, "api"), second = fake_process(y->b, i, 200, 0, "api");

        y->b->process[first].flags = PROCESS_F_INIT | PROCESS_F_EXECED;
        y->b->process[second].flags = PROCESS_F_INIT;
        y->b->process[second].start_ns = y->lab->now;
        for (int k = 0; k < 4; k++)
                yard_crash(y, i, 1);
        check_int(y->orders, 0);
        y->b->process[second].flags |= PROCESS_F_EXECED;
        uint32_t stage = fake_process(y->b, i, 300, 0, "runc:[1:CHILD]");
        y->b->process[stage].start_ns = y->lab->now;
        yard_tick(y, 2);
        check_int(y->orders, 0);
        y->b->process[stage].state = PROCESS_BURIED;
        yard_tick(y, 2);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_ACTIVE);
        yard_done(y);
}

/* Many loops at once: whose turn has not come is not kept stopped for it. */
static void one_that_has_to_wait_is_held_when_its_turn_comes(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);

        for (int k = 0; k < 3; k++)
                yard_crash(y, i, 1);
        y->answer = -EAGAIN;
        for (int k = 0; k < 8; k++) {
                yard_crash(y, i, 1);
                yard_tick(y, 2);
        }
        y->answer = 0;
        yard_tick(y, 2);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_ACTIVE);
        check_int(yard_count(y, i), 1);
        yard_done(y);
}

static void one_without_a_policy_is_left_to_whoever_starts_it(void)
{
        struct yard *y = yard_new(MODE_ENFORCE);
        uint16_t i = yard_service(y, "api", 0);

        y->b->service[i].policy = RESTART_NO;
        for (int k = 0; k < 9; k++)
                yard_crash(y, i, 1);
        check_int(y->orders, 0);
        yard_done(y);
}

static void restarts_that_are_no_crash_dont_count(void)
{
        static const int32_t codes[] = {0, 143, 130, 137};

        for (size_t k = 0; k < ARRAY_SIZE(codes); k++) {
                struct yard *y = yard_new(MODE_ENFORCE);
                uint16_t i = yard_service(y, "job", 0);

                for (int n = 0; n < 8; n++) {
                        yard_crash(y, i, codes[k]);
                        yard_tick(y, 15);
                }
                check_int(y->orders, 0);
                if (codes[k] == 137) { /* unless the kernel killed for memory */
                        for (int n = 0; n < 4; n++) {
                                fake_recent(&y->b->service[i].ooms, y->lab->now, 0);
                                yard_crash(y, i, 137);
                                yard_tick(y, 30);
                        }
                        check(yard_has(y, i, ACTION_HOLD));
                }
                yard_done(y);
        }
}

static void a_deploy_or_a_person_begin_the_budget_anew(void)
{
        for (int k = 0; k < 3; k++) {
                uint16_t i;
                struct yard *y = yard_held(&i);
                struct service *s = &y->b->service[i];

                if (k == 0) {
                        s->deployed_ns = y->lab->now + 1;
                } else if (k == 1) {
                        s->person_act = PERSON_START;
                        s->person_ns = y->lab->now + 1;
                } else {
                        yard_released(y, i);
                        yard_undo(y, yard_action(y, i, ACTION_HOLD)->id, "released", y->lab->now);
                }
                yard_tick(y, 2);
                check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_UNDONE);
                for (int n = 0; n < 3; n++) {
                        yard_crash(y, i, 1);
                        yard_tick(y, 2);
                }
                check_int(yard_count(y, i), 1);
                yard_crash(y, i, 1);
                yard_tick(y, 2);
                check_int(yard_count(y, i), k == 2 ? 1 : 2); /* after a release it is left alone */
                yard_done(y);
        }
}

static void a_label_says_the_budget(void)
{
        struct yard *y = yard_new(MODE_OBSERVE);
        uint16_t i = yard_service(y, "api", 0);

        y->b->service[i].labels.restarts = 1;
        y->b->service[i].labels.restarts_window_ns = FAKE_S(600);
        yard_crash(y, i, 1);
        yard_tick(y, 5);
        check_int(y->orders, 0);
        yard_crash(y, i, 1);
        yard_tick(y, 5);
        check_int(yard_action(y, i, ACTION_HOLD)->state, ACTION_WOULD);
        for (int k = 0; k < 8; k++) {
                yard_crash(y, i, 1);
                yard_tick(y, 5);
        }
        check_int(yard_action(y, i, ACTION_QUARANTINE)->state, ACTION_WOULD);
        check_int(y->orders, 2); /* once for each step */
        yard_done(y);
}

static void all(void)
{
        test(a_spent_budget_is_held_until_it_has_room);
        test(one_that_is_gone_just_then_is_held_the_next_time);
        test(a_restart_that_is_seen_is_held_at_once);
        test(one_that_is_over_too_soon_to_be_held_is_kept_stopped);
        test(one_that_is_being_made_is_not_held);
        test(one_that_has_to_wait_is_held_when_its_turn_comes);
        test(one_without_a_policy_is_left_to_whoever_starts_it);
        test(restarts_that_are_no_crash_dont_count);
        test(a_deploy_or_a_person_begin_the_budget_anew);
        test(a_label_says_the_budget);
}

int main(void)
{
        return tap_main(all);
}
