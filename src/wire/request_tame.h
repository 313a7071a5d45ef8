/* The recorder and the rescue console read what strangers send and may be taken over by it; the guard must
 * not follow. What they ask over the link is made harmless before anything reads it. Who they say is asking
 * is only a label.
 */
#pragma once

#include "model/request.h"

#include <stddef.h>

/* What a value of that kind can mean, in its unit; false when it takes none. */
bool request_value_range(uint8_t kind, double *ret_from, double *ret_to);
/* Ends every text, makes every flag 0 or 1 and every number one that its verb can mean. False: no request at
 * all, and not worth an answer. 0 or why it must be refused goes to *ret_code (negative errno). */
bool request_tame(struct request *q, size_t len, int *ret_code);
/* The same for what the guard answers: the text must end. */
bool answer_tame(struct answer *a, size_t len);
