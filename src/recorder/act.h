/* What people ask to have done: POST /sexton/v1/actions. The guard is asked, and the reply waits for its
 * answer without anybody else waiting.
 */
#pragma once

#include "recorder/route.h"

/* Fills the reply, or leaves it waiting (r->waits) until r->ready() is called. */
void act_apply(struct route_reply *r, const struct route_request *request, const char *who);
