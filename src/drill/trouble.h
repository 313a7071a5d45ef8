/* The trouble of a drill: processes in its control group that leave zombies, fail, are busy, fill memory or a
 * mount. Belongs to the program that stages a drill (stage.h) and dies with it.
 */
#pragma once

#include "base/error.h"
#include "drill/drill.h"
#include "drill/group.h"

struct trouble {
        const struct drill_kind *kind;
        const struct drill_group *group;
        int32_t number; /* of the drill */
        uint32_t count; /* zombies */
        pid_t life;     /* restart-loop: the one that lives now, 0 = none */
        uint64_t next_ns;
};

/* Whether this host can bear and stage it. */
int trouble_check(const struct drill_kind *k, const struct drill_group *g, struct error *e);
int trouble_begin(struct trouble *t, struct error *e);
/* What a program that fails does, executed anew as the verb TROUBLE_LIFE: doesn't return. */
#define TROUBLE_LIFE "drill-life"
void trouble_live(void) __attribute__((noreturn));
/* A child of the caller has ended. */
void trouble_ended(struct trouble *t, pid_t pid, uint64_t now_ns);
/* Goes on with what is due; returns the time of what comes next, 0 = nothing. */
uint64_t trouble_go_on(struct trouble *t, uint64_t now_ns);
