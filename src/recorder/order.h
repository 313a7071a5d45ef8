/* What a person asks to have done, as it stands in the body of POST /sexton/v1/actions: a stranger's JSON
 * made into requests to the guard. Pure.
 *
 *   {"action": "freeze", "service": "shop/worker", "seconds": 600, "reason": "...", "dry_run": true}
 *
 * | action | wants | may have |
 * |---|---|---|
 * | freeze, quarantine | service | seconds |
 * | thaw, stop, restart, release | service | |
 * | limit | service, one at least of cpus, weight, memory (bytes), pids | seconds |
 * | bury | service | force |
 * | undo | id | |
 * | breaker | state: open, close, auto | |
 */
#pragma once

#include "base/error.h"
#include "model/request.h"

#include <stddef.h>

enum { ORDER_PARTS = 4 };

struct order {
        struct request
                part[ORDER_PARTS]; /* one after the other, until one is refused; who asks is left open */
        uint32_t parts;
        bool dry_run;
        char action[12];
};

/* -EINVAL with what is wrong, printable. */
int order_read(const char *body, size_t len, struct order *ret, struct error *e);
