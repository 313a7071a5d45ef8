/* Fire drills: which there are, what each stages and within which bounds, and what it can't try. One line of
 * the table in kinds.c and one function in trouble.c make a drill; the steps that are watched are watch.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum drill_kind_id {
        DRILL_ZOMBIES,
        DRILL_RESTART_LOOP,
        DRILL_SATURATION,
        DRILL_MEMORY,
        DRILL_DISK,
        DRILL_ENGINE_HUNG,
        DRILL_PAGE,
        DRILL_KINDS
};

struct drill_kind {
        enum drill_kind_id id;
        const char *name;
        const char *stages;   /* what is done, for a person who has to allow it */
        const char *bounds;   /* why it harms nobody */
        const char *untested; /* which links it leaves out, and why; NULL = none of its own */
        const char *detector; /* what finds it; NULL = nothing is to be found */
        const char *hint;     /* where to look when that finds nothing */
        double wait;          /* s: the finding takes no longer, beyond the grace period where that counts */
        bool in_group;        /* staged in a control group of its own */
};

extern const struct drill_kind drill_kinds[DRILL_KINDS];
/* NULL: there is none of that name. */
const struct drill_kind *drill_kind_find(const char *name);

enum {
        DRILL_HARD_END = 300, /* s: then it is over, whoever still watches */
        DRILL_ZOMBIES_MAX = 50,
        DRILL_ZOMBIES_DEFAULT = 3,
};
