/* An action: a reversible step against what harms the host, as it stands on the board. The guard alone
 * takes, undoes and writes them; what is needed to undo one survives the guard in act/journal.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
        BOARD_ACTIONS =
                128, /* full: the oldest that has ended gives way; all standing: a new one is refused */
        ACTION_SERVICE = 128,
        ACTION_MEASURES = 3,
        ACTION_COUNTS = 512,
        ACTION_COUNTS_OTHER = 64, /* of those the last ones are for services that found no place: "(other)" */
};

enum action_kind {
        ACTION_NONE = 0,
        ACTION_WEIGHT, /* lower its share of the CPU; value: the weight of cgroup v2, 1..10000 */
        ACTION_QUOTA,  /* value: cores */
        ACTION_MEMORY, /* memory.high, on v1 the nearest; value: bytes */
        ACTION_PIDS,   /* value: tasks */
        ACTION_FREEZE,
        ACTION_HOLD,       /* frozen between two restarts, for as long as the budget asks */
        ACTION_STOP,       /* SIGTERM, then SIGKILL */
        ACTION_RESTART,    /* of the holder's container or unit */
        ACTION_QUARANTINE, /* stopped, and kept stopped against its restart policy */
        ACTION_BURY,       /* the dead are waited for in their holder's name */
        ACTION_KINDS
};

enum action_state {
        ACTION_FREE = 0, /* entry unused */
        ACTION_WOULD,    /* mode observe, or a dry run: this would have been done */
        ACTION_ASKED,    /* the engine process has been asked, and has not answered yet */
        ACTION_ACTIVE,   /* stands, until until_ns */
        ACTION_DONE,     /* done once; there is nothing to undo */
        ACTION_UNDONE,   /* what was before is back */
        ACTION_FAILED,   /* could not be done, or not be undone: result says why */
        ACTION_REFUSED,  /* must not be done: result says why */
        ACTION_STATES
};

enum action_help { ACTION_HELP_UNKNOWN = 0, ACTION_HELPED, ACTION_HELPED_NOT };

/* A number that the action was to better, before it and after. */
struct action_measure {
        char name[24], unit[12];
        double before, after; /* NAN unknown */
};

struct action {
        uint32_t id;         /* grows over restarts of the guard */
        uint8_t kind;        /* enum action_kind */
        uint8_t state;       /* enum action_state */
        uint8_t helped;      /* enum action_help */
        uint16_t service;    /* index on the board while it means the same service; the name rules */
        uint32_t finding;    /* id of the finding that asked for it, 0 = a person or the breaker */
        uint32_t reasserted; /* how often somebody had reverted it */
        double value;        /* in the kind's unit; NAN none */
        uint64_t taken_ns, until_ns, ended_ns; /* boot time; until 0 = no end of its own */
        char service_name[ACTION_SERVICE];
        char who[48];      /* "ladder", "breaker", "budget", "uid 0", "token", "rescue"... */
        char reason[200];  /* in words, with the evidence */
        char previous[64]; /* what was before, as shown to people */
        char result[160];  /* what became of it, or why not */
        struct action_measure measure[ACTION_MEASURES];
};

/* It was taken and has not ended. */
static inline bool action_stands(const struct action *a)
{
        return a->state == ACTION_ASKED || a->state == ACTION_ACTIVE;
}

/* How often, since all of Sexton started: ACTION_ACTIVE counts what was taken; the other states count what
 * became of it, what was refused and what would have been done. */
struct action_count {
        uint8_t kind, state;
        uint64_t count; /* 0 = unused */
        char service_name[ACTION_SERVICE];
};

const char *action_kind_name(uint8_t kind);   /* "weight", "quota"...; NULL when unknown */
const char *action_kind_unit(uint8_t kind);   /* of its value: "cores"...; "" = it has none */
const char *action_state_name(uint8_t state); /* "would", "asked", "active"... */
/* ACTION_NONE when there is none of that name. */
enum action_kind action_kind_find(const char *name);
