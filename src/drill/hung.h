/* What the drill of a hung container engine is staged with: a second Sexton with a folder of its own, and a
 * made-up engine that it follows. Belongs to the program that stages a drill (stage.h).
 */
#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

#define HUNG_CONTAINER "drill-container" /* the one that the made-up engine has */

struct hung {
        pid_t engine, daemon; /* 0 = doesn't run */
        int control;          /* of the engine */
};

int hung_begin(struct hung *h, int32_t number, struct error *e);
/* 'h' hangs it, 'r' has it answer again. */
void hung_tell(const struct hung *h, char what);
void hung_end(struct hung *h);
