/* Who is connected, and who has to go when there are too many: a client that opens hundreds of connections
 * and says nothing, or a letter every other second, must not keep others out until its time is up. Knows
 * sockets by their descriptors, which are somebody else's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
        GUESTS_MAX = 512,
        GUESTS_SPARE = 64, /* so many places are kept free: those who are sent away take a moment */
};

struct guest {
        bool here, served, sent_away;
        int fd;
        uint64_t turn; /* when it came, or had its last answer */
};

struct guests {
        struct guest guest[GUESTS_MAX];
        uint32_t count, leaving; /* leaving: sent away, and still here */
        uint64_t turns;
};

/* Somebody came; NULL when all places are taken. When few are left somebody else is sent away: who came, or
 * had an answer, the longest ago; whoever is being answered may stay longer. */
struct guest *guests_came(struct guests *g, int fd);
/* NULL does nothing. */
void guests_left(struct guests *g, struct guest *who);
/* What it asks for is known; it has had its answer. NULL does nothing. */
void guests_served(struct guests *g, struct guest *who, bool served);
