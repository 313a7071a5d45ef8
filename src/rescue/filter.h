/* The rescue console's filter of system calls: it has everything open, and only listens, reads and answers.
 */
#pragma once

#include "base/error.h"

/* For good. */
int filter_console(struct error *e);
