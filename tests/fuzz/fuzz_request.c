/* Fuzzes the guard's side of the links by which others ask for actions: what comes through must have ended
 * texts, known verbs and kinds, and values that fit their unit.
 */
#include "wire/request_tame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct request *q, int code)
{
        if (!memchr(q->service, 0, sizeof q->service) || !memchr(q->who, 0, sizeof q->who) ||
                !memchr(q->reason, 0, sizeof q->reason))
                abort();
        if (code)
                return;
        if (q->verb < REQUEST_TAKE || q->verb >= REQUEST_VERBS)
                abort();
        if (q->verb == REQUEST_TAKE && (q->kind >= ACTION_KINDS || isinf(q->value)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct request q = {0};
        struct answer a = {0};
        int code = 1;

        memcpy(&q, data, size < sizeof q ? size : sizeof q);
        if (request_tame(&q, size < sizeof q ? sizeof q : size, &code))
                look(&q, code);
        memcpy(&a, data, size < sizeof a ? size : sizeof a);
        if (answer_tame(&a, sizeof a) && (!memchr(a.text, 0, sizeof a.text) || a.code > 0))
                abort();
        return 0;
}
