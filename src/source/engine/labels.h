/* The labels by which a container tells the ladder what may be done to it: sexton.mode, .ladder,
 * .restart-budget, .cpu-max, .memory-max, .bury. Whoever started the container wrote them, so each is
 * bounded; one that can't be understood is left out and marked in `bad`.
 */
#pragma once

#include "model/board.h"

/* get() returns the text of a label, or NULL when it isn't there. */
void labels_read(struct labels *ret, const char *(*get)(const void *ctx, const char *name), const void *ctx);
/* There, and not "false", "no", "off" or "0"; text may be NULL. */
bool labels_on(const char *text);
