/* A capture comes from shared memory, and what stands in it from everybody who names a process: it is made
 * harmless before anything else reads it.
 */
#pragma once

#include "model/blackbox.h"

/* Ends every text, bounds every count, number and reference, and makes every letter printable. */
void capture_tame(struct capture *c);
