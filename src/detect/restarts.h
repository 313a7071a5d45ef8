/* What restart_loop (containers) and unit_restart_loop (systemd units) have in common: a loop is too
 * many restarts within a window, or restarts by the clock; and the clock for loops of other kinds.
 */
#pragma once

#include "detect/detect.h"

struct restarts {
        uint32_t counted; /* within `span`, those of a deploy that came up left out */
        double span;      /* s: the window, or since the loop began when it has slowed down */
        bool by_budget;
        double period; /* s between restarts by the clock; NAN = none */
        double gap;    /* s, mean distance of the counted ones; NAN unknown */
        uint64_t last_ns;
        int32_t code;               /* the most frequent exit code before a restart */
        uint32_t code_count, codes; /* how often; how many were compared */
        uint32_t ooms;              /* OOM kills within the window */
};

/* The last `times` moments at like distances, none of them overdue: their mean distance in s. NAN when they
 * are not like. */
double restarts_period(struct detect_run *run, enum detect_teller by, const struct recent *r);
/* True when it is a loop that still goes on. */
bool restarts_loop(struct detect_run *run, uint16_t service, struct restarts *ret);
/* The finding's text and evidence; the remedy is the caller's. */
void restarts_tell(
        struct detect_run *run, struct finding *f, const struct service *s, const struct restarts *r);
enum severity restarts_severity(struct detect_run *run, const struct restarts *r);
