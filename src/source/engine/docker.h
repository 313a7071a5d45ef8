/* What the Docker API says, as our structs: its events, its list and inspection of containers, its version.
 * Podman's compatible API is read by the same functions. Text to struct only: no I/O, no state.
 * All return 0, -EBADMSG (not the JSON we know), or -ENOMEM.
 */
#pragma once

#include "model/engine_msg.h"

#include <stddef.h>

enum docker_action {
        DOCKER_OTHER = 0, /* of no interest here */
        DOCKER_CREATE,
        DOCKER_START,
        DOCKER_DIE,
        DOCKER_STOP,
        DOCKER_KILL,
        DOCKER_RESTART,
        DOCKER_PAUSE,
        DOCKER_UNPAUSE,
        DOCKER_DESTROY,
        DOCKER_OOM,
        DOCKER_UPDATE,
        DOCKER_RENAME,
        DOCKER_HEALTH,
        DOCKER_EXEC_START,
        DOCKER_EXEC_DIE,
};

struct docker_event {
        enum docker_action action;
        int64_t unix_ns;
        int32_t exit_code; /* DIE, EXEC_DIE; -1 when not said */
        int32_t signal;    /* KILL */
        double ran;        /* DIE: seconds, NAN when not said */
        uint8_t health;    /* HEALTH: enum container_health */
        char exec_id[72];
        uint64_t command_hash; /* EXEC_START: of the whole command */
        char command[BOARD_STRING];
        struct container container; /* what an event tells: id, names, image, labels */
};
int docker_event_parse(const char *text, size_t len, struct docker_event *ret);

enum { DOCKER_PROBES = 8 }; /* Docker keeps 5 */

struct docker_probe {
        int64_t start_unix_ns, end_unix_ns;
        int32_t exit_code;
        bool timed_out;
};

struct docker_container {
        struct container c;
        uint64_t health_hash; /* of the whole health command, to compare with docker_event.command_hash */
        int64_t started_unix_ns;
        int32_t stop_signal;
        bool init_by_default; /* whether there is an init is the daemon's default, which is not said */
        uint32_t probe_count;
        struct docker_probe probe[DOCKER_PROBES]; /* the newest of State.Health.Log, oldest first */
};
/* wall_offset_ns: see clock_wall_offset_ns(). */
int docker_inspect_parse(const char *text, size_t len, int64_t wall_offset_ns, struct docker_container *ret);
/* One entry of the list: id, name, image, labels and state. */
int docker_list_item_parse(const char *text, size_t len, struct container *ret);
/* name: "Docker 20.10.24". */
int docker_version_parse(const char *text, size_t len, uint8_t *ret_engine_state, char name[64]);

/* Unix ns of an RFC 3339 time; 0 when it is none, or Go's zero time. */
int64_t docker_time_parse(const char *s);
