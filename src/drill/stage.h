/* Staging a drill: a process of its own, out of reach of the terminal's signals, that makes the trouble, ends
 * it when it is told to, when who watches is gone (also killed), or after DRILL_HARD_END, and removes all
 * that was made.
 */
#pragma once

#include "base/error.h"
#include "drill/drill.h"

#include <sys/types.h>

struct stage_want {
        const struct drill_kind *kind;
        const char *cgroup_root;
        uint32_t count; /* zombies */
};

struct stage {
        const struct drill_kind *kind;
        const char *cgroup_root;
        int32_t number;   /* names the group and the folder */
        char service[64]; /* what Sexton calls it */
        char socket[64];  /* engine-hung: of the second Sexton */
        pid_t pid;
        int link;
};

/* 0 when the trouble is there. It belongs to the calling process, which is called DRILL_COMM from then on. */
int stage_begin(struct stage *s, const struct stage_want *w, struct error *e);
/* engine-hung: the made-up engine stops answering, or answers again. */
void stage_hang(const struct stage *s, bool hang);
/* False when somebody has ended the process that stages it, or its time is over. */
bool stage_lives(const struct stage *s);
/* Ends it; true when nothing is left. */
bool stage_end(struct stage *s);
