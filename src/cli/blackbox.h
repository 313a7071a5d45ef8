/* The black box for people: what was captured when something became critical or was acted on. */
#pragma once

#include "base/answer.h"
#include "cli/render.h"

/* The answer of /sexton/v1/blackbox: when and why each capture was taken, and the first of them whole; all of
 * them when `all`. */
void blackbox_print(const struct screen *s, json_t *answer, bool all);
