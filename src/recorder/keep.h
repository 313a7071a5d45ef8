/* Takes what the guard has captured to disk: each whole capture of the black box becomes a document of the
 * store, and when that is written the slot gets its receipt. While the disk takes nothing, captures stay
 * where they are.
 */
#pragma once

#include "model/blackbox.h"
#include "store/store.h"

struct keep {
        const struct blackbox *box; /* NULL: there is none */
        struct blackbox_receipts *receipts;
        uint32_t put[BLACKBOX_SLOTS]; /* the sequence of what was given to the store, 0 = nothing */
        int64_t id[BLACKBOX_SLOTS];   /* of that document */
        uint64_t again_ns;            /* after a failure */
};

/* Maps both; without descriptors (negative) nothing is kept. */
void keep_start(struct keep *k, int box_fd, int receipts_fd);
void keep_stop(struct keep *k);
/* Twice a second. */
void keep_tick(struct keep *k, struct store *s, uint64_t now_ns);
