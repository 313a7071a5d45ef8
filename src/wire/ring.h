/* The event ring: the guard appends, any number of readers follow, each with its own position. The
 * writer never waits and never looks at readers; a reader that is too slow learns how many events it
 * lost. Lives in a memfd of its own.
 */
#pragma once

#include "model/event.h"

#define RING_EVENTS 4096u /* a power of two; 4,096 x 336 B */

struct ring {
        uint64_t written; /* events ever appended */
        struct {
                uint64_t number; /* 1-based number of the event in this slot; 0 while being written */
                struct event event;
        } slot[RING_EVENTS];
};

struct ring_reader {
        const struct ring *ring;
        uint64_t next; /* number of the next event to read, 1-based */
        uint64_t lost; /* events overwritten before this reader came by */
};

int ring_create(void);
int ring_map(int fd, bool writable, struct ring **ret_ring);
void ring_unmap(struct ring *r);

void ring_append(struct ring *r, const struct event *e);

/* Starts at the oldest event still there. */
void ring_reader_init(struct ring_reader *rd, const struct ring *r);
/* Next event into *ret; false when there is none. Grows rd->lost when some were overwritten. */
bool ring_read(struct ring_reader *rd, struct event *ret);
