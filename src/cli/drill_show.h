/* What `sexton drill` shows: its plan, each step with its delay as it comes, what it waits for, and the
 * verdict. */
#pragma once

#include "cli/render.h"
#include "drill/watch.h"

struct drill_show {
        struct screen screen;
        bool json;      /* everything at the end, and nothing before */
        bool progress;  /* something is on the line that a terminal shows below the steps */
        uint32_t shown; /* steps told so far */
};

void drill_show_plan(struct drill_show *s, const struct drill_kind *k, const char *service);
/* The steps that have come since, but those left untested: they follow at the end. */
void drill_show_steps(struct drill_show *s, const struct drill_watch *w);
/* On a terminal: what is being waited for. */
void drill_show_waiting(struct drill_show *s, const char *what, double waited, double limit);
void drill_show_verdict(struct drill_show *s, const struct drill_watch *w);
