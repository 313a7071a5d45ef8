/* Tests of what the guard accepts from those that ask for actions. */
#include "tap.h"
#include "wire/request_tame.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static struct request q;

static int code_of(struct request one)
{
        int code = 1;

        q = one;
        check(request_tame(&q, sizeof q, &code));
        return code;
}

static void everything_is_bounded(void)
{
        int code = 1;

        memset(&q, 'x', sizeof q);
        check(request_tame(&q, sizeof q, &code));
        check_int(code, -EINVAL);
        check_int(strlen(q.service), sizeof q.service - 1);
        check_int(strlen(q.who), sizeof q.who - 1);
        check_int(strlen(q.reason), sizeof q.reason - 1);
        check_int(q.dry_run, 1);
        check(q.ttl_ns <= 366 * UINT64_C(86400000000000));
        check(!request_tame(&q, sizeof q - 1, &code));
        check(!request_tame(&q, 0, &code));
}

static void each_verb_wants_what_is_its_own(void)
{
        check_int(code_of((struct request){.verb = REQUEST_TAKE, .kind = ACTION_FREEZE, .value = NAN}),
                -EINVAL);
        check_int(code_of((struct request){
                          .verb = REQUEST_TAKE, .kind = ACTION_FREEZE, .value = NAN, .service = "a"}),
                0);
        check_int(code_of((struct request){
                          .verb = REQUEST_TAKE, .kind = ACTION_KINDS, .value = NAN, .service = "a"}),
                -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_UNDO}), -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_UNDO, .action_id = 7}), 0);
        check_int(code_of((struct request){.verb = REQUEST_RELEASE}), -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_RELEASE, .service = "a"}), 0);
        check_int(code_of((struct request){.verb = REQUEST_THAW}), -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_THAW, .service = "a"}), 0);
        check_int(code_of((struct request){.verb = REQUEST_KILL, .pid = 1}), -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_KILL, .pid = -1}), -EINVAL);
        check_int(code_of((struct request){.verb = REQUEST_KILL, .pid = 4711}), 0);
        check_int(code_of((struct request){.verb = REQUEST_BREAKER, .value = -1}), 0);
        check_int(code_of((struct request){.verb = REQUEST_BREAKER, .value = NAN}), -ERANGE);
        check_int(code_of((struct request){.verb = REQUEST_VERBS}), -EINVAL);
        check_int(code_of((struct request){0}), -EINVAL);
}

static void values_fit_their_unit(void)
{
        static const struct {
                uint8_t kind;
                double value;
                int code;
        } one[] = {
                {ACTION_QUOTA, 0.5, 0},
                {ACTION_QUOTA, 0, -ERANGE},
                {ACTION_QUOTA, -1, -ERANGE},
                {ACTION_QUOTA, INFINITY, -ERANGE},
                {ACTION_WEIGHT, 10001, -ERANGE},
                {ACTION_MEMORY, 4096, -ERANGE},
                {ACTION_MEMORY, 512 << 20, 0},
                {ACTION_PIDS, 0, -ERANGE},
                {ACTION_PIDS, NAN, 0},
                {ACTION_FREEZE, 1, -ERANGE},
        };

        for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
                check_int(code_of((struct request){.verb = REQUEST_TAKE,
                                  .kind = one[i].kind,
                                  .value = one[i].value,
                                  .service = "a"}),
                        one[i].code);
}

static void answers_end(void)
{
        struct answer a;

        memset(&a, 'x', sizeof a);
        check(answer_tame(&a, sizeof a));
        check_int(strlen(a.text), sizeof a.text - 1);
        check_int(a.code, -EIO);
        a.code = -ENOENT;
        check(answer_tame(&a, sizeof a));
        check_int(a.code, -ENOENT);
        check(!answer_tame(&a, 3));
}

static void all(void)
{
        test(everything_is_bounded);
        test(each_verb_wants_what_is_its_own);
        test(values_fit_their_unit);
        test(answers_end);
}

int main(void)
{
        return tap_main(all);
}
