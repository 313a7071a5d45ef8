/* A program of the operator's: without a shell, with the incident on standard input, a bound on its time and
 * on what it says, and nothing of ours but that.
 */
#pragma once

#include "courier/delivery.h"

/* 0 when d->done will be called later. */
int program_start(struct loop *loop, struct delivery *d, struct error *e);
/* Ends it and what it started; d->done is not called any more. */
void program_end(struct delivery *d);
