/* Requests made harmless: see request_tame.h. */
#include "wire/request_tame.h"

#include "base/util.h"

#include <errno.h>
#include <math.h>

#define END(text) ((text)[sizeof(text) - 1] = '\0')

#define TTL_MAX_NS (366 * UINT64_C(86400) * NSEC_PER_SEC)

bool request_value_range(uint8_t kind, double *ret_from, double *ret_to)
{
        static const struct {
                double from, to;
        } range[ACTION_KINDS] = {
                [ACTION_WEIGHT] = {1, 10000},
                [ACTION_QUOTA] = {0.01, 4096},
                [ACTION_MEMORY] = {1 << 20, 0x1p50},
                [ACTION_PIDS] = {1, 1 << 22},
                [ACTION_BURY] = {1, 1},
        };

        *ret_from = kind < ACTION_KINDS ? range[kind].from : 0;
        *ret_to = kind < ACTION_KINDS ? range[kind].to : 0;
        return *ret_to > 0;
}

/* NAN is the kind's default. */
static bool is_value(uint8_t kind, double value)
{
        double from, to;

        return isnan(value) || (request_value_range(kind, &from, &to) && value >= from && value <= to);
}

static int check(const struct request *q)
{
        switch ((enum request_verb)q->verb) {
        case REQUEST_TAKE:
                if (q->kind <= ACTION_NONE || q->kind >= ACTION_KINDS || !q->service[0])
                        return -EINVAL;
                return is_value(q->kind, q->value) ? 0 : -ERANGE;
        case REQUEST_UNDO:
                return q->action_id ? 0 : -EINVAL;
        case REQUEST_RELEASE:
        case REQUEST_THAW:
                return q->service[0] ? 0 : -EINVAL;
        case REQUEST_KILL:
                return q->pid > 1 ? 0 : -EINVAL;
        case REQUEST_BREAKER:
                return q->value == 1 || q->value == 0 || q->value == -1 ? 0 : -ERANGE;
        case REQUEST_VERBS:
                break;
        }
        return -EINVAL;
}

bool request_tame(struct request *q, size_t len, int *ret_code)
{
        unsigned char *dry_run = (unsigned char *)&q->dry_run;

        if (len != sizeof *q)
                return false;
        END(q->service);
        END(q->who);
        END(q->reason);
        /* a bool that holds neither 0 nor 1 must not even be read as one */
        *dry_run = *dry_run != 0;
        q->ttl_ns = MIN(q->ttl_ns, TTL_MAX_NS);
        *ret_code = check(q);
        return true;
}

bool answer_tame(struct answer *a, size_t len)
{
        if (len != sizeof *a)
                return false;
        END(a->text);
        a->code = a->code > 0 || a->code < -4095 ? -EIO : a->code;
        return true;
}
