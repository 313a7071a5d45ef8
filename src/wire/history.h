/* The recorder's memory of events: what came over the ring, oldest forgotten first. Events are kept
 * without their padding in chunks of memory taken when needed, so that it costs what has happened and
 * not what could. Bounded by number and by bytes.
 */
#pragma once

#include "wire/ring.h"

enum { HISTORY_EVENTS = 20000, HISTORY_BYTES = 3 << 20 };

struct history_chunk;

struct history {
        struct history_chunk *oldest, *newest;
        uint64_t next_number; /* of the next event; numbers are never used again */
        uint32_t events;
        size_t bytes;
        uint64_t lost;                                  /* as told by ring readers */
        void (*told)(void *ctx, const struct event *e); /* of each event that comes; NULL = nobody */
        void *told_ctx;
};

/* first_number: larger than any that a predecessor gave out, so that whoever follows by number does not
 * wait for ever after a restart; Unix milliseconds do. */
void history_init(struct history *h, uint64_t first_number);
void history_done(struct history *h);

/* False when there is no memory: the event is counted as lost. */
bool history_add(struct history *h, const struct event *e);
/* Takes all that is in the ring; events overwritten before become one EVENT_GAP. Returns how many came. */
uint32_t history_drain(struct history *h, struct ring_reader *rd, uint64_t now_ns, int64_t wall_offset_ns);

/* Walks from the oldest on: start with {}. The event's number goes to *ret_number. False at the end. The
 * history must not change meanwhile. */
struct history_walk {
        const struct history_chunk *chunk;
        size_t at;
        uint64_t number;
        bool begun;
};
bool history_next(const struct history *h, struct history_walk *w, struct event *ret, uint64_t *ret_number);
/* The same from the event of that number on; whole chunks are left out without a look. */
bool history_next_from(const struct history *h, struct history_walk *w, uint64_t number, struct event *ret,
        uint64_t *ret_number);
/* The number of the oldest event that is kept, next_number when there is none. */
uint64_t history_first(const struct history *h);
