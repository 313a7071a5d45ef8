/* The ladder: what is to be done about findings, to whom, and when it is enough. Pure: it reads the board,
 * the configuration and the clock, and its decisions leave through the functions of struct ladder_ops; it
 * allocates nothing and does no I/O, so that a test can be its host for a year in a second.
 *
 * Trouble (a finding, the breaker, a spent restart budget) opens a case against its one culprit. A case
 * takes the least step first, gives it time, measures, and takes the next one only while the trouble is
 * there. When it has been over for a while the steps are taken back from above. What came back soon after is
 * answered with the step that helped, for twice as long. A person's word ends a case.
 */
#pragma once

#include "config/config.h"
#include "model/board.h"

enum { LADDER_CASES = 32, LADDER_PLAN = 8, LADDER_TAKEN = 64 };

/* What a case may be about: the detectors, and what no finding is needed for. */
enum ladder_rule {
#define R(detector, steps, prose) RULE_##detector,
        LADDER_RULES(R)
#undef R
                RULE_breaker,
        LADDER_RULE_COUNT
};

struct ladder_order {
        enum action_kind kind;
        uint16_t service;
        bool would;      /* only say it */
        double value;    /* in the kind's unit; NAN = none */
        uint64_t ttl_ns; /* 0 = the kind's own */
        uint32_t finding;
        const char *who; /* "ladder", "breaker", "budget" */
        char reason[200];
        struct action_measure measure[ACTION_MEASURES];
};

/* All may be called while ladder_look() runs, none may call back into the ladder. */
struct ladder_ops {
        /* 0 and the id of the action's row; -EPERM must not be touched, -EAGAIN not now, -EALREADY somebody
         * did it before, -ESRCH, -ENOENT, -ESTALE nothing of it lives now, or its group went meanwhile,
         * -ENOTSUP not possible here, anything else: failed. */
        int (*take)(void *ctx, const struct ladder_order *o, uint64_t now_ns, uint32_t *ret_id);
        void (*undo)(void *ctx, uint32_t id, const char *why, uint64_t now_ns);
        /* What became of the trouble that the action was to better. */
        void (*judge)(void *ctx, uint32_t id, const struct action_measure *m, enum action_help helped);
        void (*tell)(void *ctx, uint16_t service, const char *text, uint64_t now_ns);
        void *ctx;
};

struct ladder_plan {
        uint8_t count;
        uint8_t kind[LADDER_PLAN]; /* enum action_kind */
};

/* An action of a case that stands, or would. */
struct ladder_step {
        uint8_t at; /* place in the plan */
        uint8_t kind;
        bool judged;
        uint32_t id;
        uint64_t taken_ns;
        struct action_measure measure[ACTION_MEASURES];
};

struct ladder_case {
        bool used, observing;
        uint8_t rule; /* enum ladder_rule */
        uint16_t service;
        uint32_t name_hash; /* of the service: entries are used again for others */
        uint32_t finding;   /* id, 0 = none */
        struct ladder_plan plan;
        uint8_t next;     /* place in the plan of what comes next */
        uint8_t standing; /* steps that stand, the highest last */
        struct ladder_step step[LADDER_PLAN];
        uint64_t began_ns, troubled_ns; /* the latter: when there was trouble last */
        uint64_t calm_ns; /* since when there is none, or the last step was taken back; 0 = trouble */
        /* Of a budget, the service's restarts: when it was acted on last, and at the last look. */
        uint64_t restarts, restarts_seen;
        uint8_t missed; /* lives too short to be held */
        bool excused;   /* the present one doesn't count as such: it was held, or its turn had not come */
};

/* What is remembered of a service between cases. */
struct ladder_memory {
        uint32_t name_hash;
        uint8_t relapses;
        uint8_t helped;          /* enum action_kind of the step that helped last */
        uint8_t holds;           /* of restarts, that ended in another crash */
        uint64_t ended_ns;       /* the last case in which something was done */
        uint64_t respect_ns;     /* until then it is left alone: a person has said so */
        uint64_t blocked_ns;     /* until then: it could not be touched */
        uint64_t ours_ns;        /* until then a stop or start told by the engine is our own doing */
        uint64_t budget_from_ns; /* restarts before count no more */
        uint64_t restarted_ns;   /* for its zombies */
};

struct ladder {
        const struct board *board;
        struct ladder_ops ops;
        enum mode mode;
        struct ladder_config cfg;
        double per_minute; /* actions */
        struct detect_config detect;
        char only_in[CONFIG_GLOBS][128];
        uint32_t only_in_count;
        struct ladder_plan plan[LADDER_RULE_COUNT];

        struct ladder_case cases[LADDER_CASES];
        struct ladder_memory memory[BOARD_SERVICES];
        uint64_t taken_ns[LADDER_TAKEN]; /* a ring of the last ones */
        uint32_t taken;
        uint64_t last_ns; /* of the last look at the host */

        /* load.c */
        double running, blocked, busy; /* smoothed over seconds; NAN = not known yet */
        uint16_t suspect;
        uint32_t suspect_hash;
        uint64_t suspect_ns; /* since when it is the suspect */

        /* breaker.c; goes to the board */
        struct breaker breaker;
        uint64_t breaker_since_ns, breaker_calm_ns;
        uint64_t breaker_opened_ns[8]; /* a ring of the last times */
};

/* What a guard that is gone has left on the board is remembered: how fast it acted, the breaker and a
 * person's word on it, and, once a service is looked at, what was done to it and what people said. */
void ladder_init(struct ladder *l, const struct board *b, const struct ladder_ops *ops);
/* At the start and whenever the configuration has changed. */
void ladder_configure(struct ladder *l, const struct config *c);
/* Once a second, after the detectors; also at once when a container has started. Times that go back or
 * jump are survived. */
void ladder_look(struct ladder *l, uint64_t now_ns);
/* A person has taken back what stood on the service: it is left alone for a while, its budget is new. The
 * actions themselves have been undone already. */
void ladder_released(struct ladder *l, uint16_t service, uint64_t now_ns);
/* 1 open and act now, 0 closed, -1 automatic. */
void ladder_breaker_force(struct ladder *l, int value, uint64_t now_ns);
/* Everything was undone: the guard ends, or its mode has changed. */
void ladder_forget(struct ladder *l, uint64_t now_ns);
