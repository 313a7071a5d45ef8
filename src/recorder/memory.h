/* What the recorder remembers across restarts: the store behind the book of incidents, the notifications and
 * the events.
 */
#pragma once

#include "config/config.h"
#include "incident/book.h"
#include "recorder/confine.h"
#include "recorder/tell.h"
#include "store/store.h"

struct memory {
        struct store *store;
        struct history *history;
        const struct board *board; /* shared */
        struct ring_reader *reader;
        uint64_t next_incident; /* as remembered */
        /* the disk did not answer at the start: what it remembers comes back when it does */
        bool late;
        uint64_t started_ns;
        struct book *book;
        struct tell *tell;
};

/* The folder, still as root. What is wrong with it is logged; the store says it too. */
void memory_prepare(const struct config *c, const struct confine_user *user);
/* Opens the store as the user it will be written by, lets the history go on behind the events that are
 * stored, and the ring's reader behind those it has read. -ENOMEM. */
int memory_start(struct memory *m, const struct config *c, const struct board *shared, struct history *h,
        struct ring_reader *reader);
/* Hands back what book and policy have put, before their first look; or, when the store could not be opened
 * yet, as soon as it is. Keeps for both from now on. */
void memory_restore(struct memory *m, struct book *b, struct tell *t);
struct tell_keeper memory_tell_keeper(struct memory *m);
/* True for the first minute of a store that is not open yet: which events of the ring are stored already is
 * not known, so they had better stay there, as long as there is room. */
bool memory_leaves_ring(const struct memory *m);
/* Twice a second, after the ring was drained. */
void memory_tick(struct memory *m);
void memory_stop(struct memory *m);
