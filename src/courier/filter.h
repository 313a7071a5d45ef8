/* The system calls that a courier has no business with. Weaker than the recorder's filter: it opens
 * connections, its libraries read files and start threads, and the operator's programs inherit it.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* may_execute: a notifier runs a program. */
int filter_load(bool may_execute, struct error *e);
