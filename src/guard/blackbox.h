/* The guard's black box: captures what goes on just before an action and when a finding becomes critical.
 * Part of the guard; nothing is allocated and nothing waited for.
 *
 * What must be seen before the action (figures, contributors, running and blocked tasks with their stacks,
 * the tree, deaths, the kernel's log) is taken at once: two passes over tables in memory, one walk of the
 * kernel's tasks, and reads of /proc for at most BLACKBOX_AT_ONCE_NS. The rest of /proc is read in turns of
 * BLACKBOX_TURN_NS, a millisecond apart.
 */
#pragma once

#include "base/loop.h"
#include "model/blackbox.h"
#include "source/kmsg/kmsg.h"

struct guard;
struct act_about;

#define BLACKBOX_AT_ONCE_NS (500 * NSEC_PER_USEC)
#define BLACKBOX_TURN_NS    (250 * NSEC_PER_USEC)
#define BLACKBOX_SHARE_NS                                                                                    \
        (10 * NSEC_PER_SEC) /* reasons that come so soon share a capture,                                    \
                                if it shows their services */
enum {
        BLACKBOX_BURST = 6,          /* captures in a row... */
        BLACKBOX_EVERY_SEC = 120,    /* ...and then one in so long; more reasons are added to the last */
        BLACKBOX_RANKS = 16,         /* services whose processes are listed */
        BLACKBOX_PICKS = 200,        /* processes that may be listed */
        BLACKBOX_INDEX = 1024,       /* texts of a capture that are found again */
        BLACKBOX_LOG_LINES = 64,     /* of the kernel's log, remembered */
        BLACKBOX_LOG_RECORDS = 200,  /* read of it at a time */
        BLACKBOX_RING_EVENTS = 1024, /* looked through for deaths */
};

struct guard_blackbox {
        struct blackbox *box; /* NULL: there is none */
        const struct blackbox_receipts *receipts;
        struct blackbox_slot *now;  /* under way, NULL = none */
        struct blackbox_slot *last; /* what further reasons are added to */
        uint64_t last_ns, filled_ns;
        double captures;                /* that may be made now */
        uint32_t known[BOARD_FINDINGS]; /* ids of those that are critical and have been captured */
        struct loop_timer timer;
        uint32_t seen; /* processes of the one under way that have been read */
        struct kmsg kmsg;
        struct kmsg_line kmsg_line[BLACKBOX_LOG_LINES];

        /* of the capture under way */
        uint64_t started_ns;                 /* by the clock, whatever time the tick has */
        uint8_t rank[BOARD_SERVICES];        /* 1 = lists first, 0 = not at all */
        uint16_t service[CAPTURE_SERVICES];  /* the board's index */
        uint32_t process[CAPTURE_PROCESSES]; /* the board's index */
        uint32_t pick[BLACKBOX_PICKS];       /* the board's index */
        uint8_t weight[BLACKBOX_PICKS];
        capture_text index[BLACKBOX_INDEX];
};

/* Negative descriptors: captures nothing. */
void guard_blackbox_start(struct guard *g, int box_fd, int receipts_fd);
/* With memory locked and all priorities taken: makes one for nobody, so that what it needs is there. */
void guard_blackbox_rehearse(struct guard *g);
void guard_blackbox_stop(struct guard *g);
/* Once a second, before the detectors: the kernel's log. */
void guard_blackbox_tick(struct guard *g);
/* Once a second, after the detectors and before the ladder. */
void guard_blackbox_findings(struct guard *g, uint64_t now_ns);
/* Something is about to be done to a service. */
void guard_blackbox_before(struct guard *g, const struct act_about *about, uint64_t now_ns);

/* ---- capture.c, capture_tree.c: the contents of g->blackbox.now ---- */

/* All that is taken at once, but for what /proc says of processes. */
void guard_capture(struct guard *g, uint64_t now_ns);
/* Reads processes until `until_ns`; true when all have been read. */
bool guard_capture_read(struct guard *g, uint64_t until_ns);

/* Into the pool, if it isn't filled up to `mark` then: cut at `most` bytes. */
capture_text guard_capture_text(
        struct guard_blackbox *x, const char *text, size_t len, size_t most, uint32_t mark);
/* Up to where the kinds of texts may fill the pool, in the order in which they come. */
enum capture_mark {
        MARK_SERVICES = 3 << 10,
        MARK_TASKS = 12 << 10,
        MARK_PROCESSES = 21 << 10,
        MARK_DEATHS = 24 << 10,
        MARK_LOG = CAPTURE_POOL,
};
/* The index of a service in the capture; CAPTURE_NOBODY when it has no room for more. */
uint8_t guard_capture_service(struct guard *g, uint16_t service);
/* The contributors into x->rank and the capture. */
void guard_capture_rank(struct guard *g);
/* Running and blocked tasks; then processes, with the tree above them. */
void guard_capture_tasks(struct guard *g);
void guard_capture_tree(struct guard *g);
