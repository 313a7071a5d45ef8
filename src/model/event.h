/* One thing that happened, as it crosses the ring from the guard to its readers: fixed size, names
 * inside, so that it means the same after its service is long gone.
 */
#pragma once

#include "model/board.h"

enum event_kind {
        EVENT_EXIT = 1, /* a death, or `count` like ones of one second */
        EVENT_REAP,     /* a lasting zombie was buried; value = its age in s */
        EVENT_ZOMBIE,   /* a zombie outlived the grace period */
        EVENT_OOM,
        EVENT_START,   /* container started */
        EVENT_STOP,    /* a person stopped it */
        EVENT_DIE,     /* container died; exit_status = exit code << 8 */
        EVENT_RESTART, /* started again by its restart policy, or by a person (text) */
        EVENT_HEALTH_OK,
        EVENT_HEALTH_TIMEOUT,
        EVENT_HEALTH_FAIL,
        EVENT_DEPLOY, /* a new container, image or configuration */
        EVENT_CONFIG,
        EVENT_LIMIT,
        EVENT_ACTION,
        EVENT_FINDING, /* opened (value = severity) or closed (value = -1) */
        EVENT_GAP,     /* count = missed, BOARD_UNKNOWN when not countable */
        EVENT_ENGINE,  /* container engine came, went or changed */
        EVENT_FORK,
        EVENT_EXEC,
        EVENT_NOTIFY, /* somebody was told of an incident, or could not be (text) */
        EVENT_STORE,  /* history went from disk to memory, or back */
        EVENT_KINDS
};

struct event {
        uint64_t time_ns; /* boot time */
        int64_t unix_ns;
        uint16_t kind;
        uint16_t reserved;
        int32_t pid, ppid;
        int32_t exit_status; /* as wait(2); -1 = unknown */
        uint64_t start_ns;
        uint64_t count;  /* >= 1 */
        uint64_t cpu_ns; /* BOARD_UNKNOWN when not known */
        double value;    /* per kind, NAN = none */
        char comm[LIFE_COMM_SIZE];
        char service[BOARD_NAME];
        char text[120];
};

/* "exit", "health_timeout"... as in the JSON of `events`. */
const char *event_kind_name(enum event_kind kind);
