/* What lets the console answer while everything else starves: a bounded real-time share, locked memory, a
 * heap that is there before it is needed, a place far from the OOM killer.
 */
#pragma once

#include "base/error.h"
#include "model/board.h"

#include <stdbool.h>
#include <stdint.h>

struct reserve {
        bool real_time, locked;
        char why_not[120]; /* of the first that isn't to be had, "" = all are */
        uint64_t window_ns, window_cpu_ns;
};

/* Before anything of libssh is loaded: how the heap behaves. */
void reserve_heap(void);
/* As root, after everything is loaded and mapped: touches and locks it, bounds what can be added. */
void reserve_take(struct reserve *r);
/* The pages of a copy of the board that the next copies will need, with room for growth. */
void reserve_copy(struct board *copy, const struct board *from);
/* Called at each turn of the loop: when more than its share of a second is used up, sleeps for the rest of
 * it. */
void reserve_pace(struct reserve *r);
