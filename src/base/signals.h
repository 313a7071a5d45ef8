/* SIGTERM, SIGINT and SIGHUP as a descriptor in the loop, the same for every process of Sexton. Ctrl-C
 * reaches the whole terminal: only the supervisor heeds SIGINT, the others wait for its word.
 */
#pragma once

#include "base/loop.h"

/* Blocks the three, ignores SIGPIPE, and calls ready(ctx, ...) when one came. 0 or a negative errno. */
int signals_watch(struct loop *l, struct loop_fd *f, void (*ready)(void *ctx, uint32_t events), void *ctx);
void signals_done(struct loop *l, struct loop_fd *f);
/* The next one that came, 0 when there is none. */
int signals_next(const struct loop_fd *f);
