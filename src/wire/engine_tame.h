/* The engine process reads untrusted text and may be taken over by it; the guard must not follow. What
 * arrives over the link is made harmless before anything reads it.
 */
#pragma once

#include "model/engine_msg.h"

#include <stddef.h>

/* Ends every text, makes every flag 0 or 1 and every enum a known one. False: no message at all. */
bool engine_tame(struct engine_msg *m, size_t len);
