/* What the engine process tells the guard, and what the guard asks of it, over one SOCK_SEQPACKET
 * pair: fixed-size structs, one per message, both ends from the same binary (version checked once by
 * size). Neither side ever blocks on it: a full socket drops the message and counts it.
 */
#pragma once

#include "model/board.h"

enum engine_msg_type {
        /* engine -> guard */
        ENGINE_MSG_STATE = 1, /* state, text */
        ENGINE_MSG_CONTAINER, /* container: whole record, new or changed */
        ENGINE_MSG_EVENT,     /* event */
        ENGINE_MSG_COMMAND,   /* command line and exe of (pid, start) as asked */
        ENGINE_MSG_SYNCED,    /* after (re)connecting every known container has been sent; those not sent are
                                 gone */
        /* guard -> engine */
        ENGINE_MSG_ASK_COMMAND, /* pid, start_ns: read /proc/PID/cmdline and exe, which may block on the
                                   target */
        ENGINE_MSG_ASK_ALL,     /* the guard has started (again): tell state and every container */
        ENGINE_MSG_ASK_OPERATE, /* operate: do this to that container or unit */
        /* engine -> guard */
        ENGINE_MSG_OPERATED, /* operated: how it went; once for each ASK_OPERATE, or never if the process died
                              */
};

/* What the container engine or the service manager is asked to do. The guard has decided that it may be done:
 * the engine process only passes it on, and answers when it is over, refused or given up. */
enum engine_operation {
        ENGINE_STOP = 1, /* SIGTERM, after `patience_ms` SIGKILL; a restart policy does not bring it back */
        ENGINE_START,
        ENGINE_RESTART, /* stop as above, then start */
        ENGINE_OPERATIONS
};

struct engine_operate {
        uint32_t number;   /* the guard's own: comes back in the answer */
        uint8_t operation; /* enum engine_operation */
        bool unit;         /* of systemd, not a container */
        uint32_t patience_ms;
        char target[BOARD_NAME]; /* a container's id (64 hex digits), or "NAME.service" */
};

struct engine_operated {
        uint32_t number;
        int32_t code; /* 0; else negative errno: -ENOENT no such, -ETIMEDOUT no answer, -ENOTCONN not reached
                       */
        char text[160]; /* why it failed, in the engine's words; "" when it did not */
};

enum container_event {
        CONTAINER_EVENT_CREATE = 1,
        CONTAINER_EVENT_START,
        CONTAINER_EVENT_DIE,  /* code = exit code, value = seconds it ran when the engine says so, else NAN */
        CONTAINER_EVENT_STOP, /* a person's stop or kill */
        CONTAINER_EVENT_RESTART, /* a person's restart */
        CONTAINER_EVENT_PAUSE,
        CONTAINER_EVENT_UNPAUSE,
        CONTAINER_EVENT_DESTROY,
        CONTAINER_EVENT_OOM,
        CONTAINER_EVENT_UPDATE,
        CONTAINER_EVENT_RENAME,
        CONTAINER_EVENT_HEALTH,      /* code = enum container_health */
        CONTAINER_EVENT_PROBE_START, /* health check started; exec_id */
        CONTAINER_EVENT_PROBE_END,   /* code = exit code, value = seconds, timed_out */
        CONTAINER_EVENT_EXEC_START,  /* a person's exec; exec_id, command */
        CONTAINER_EVENT_EXEC_END,
};

struct engine_event {
        uint8_t kind; /* enum container_event */
        bool timed_out;
        bool replayed; /* happened before we listened; told by the engine's history */
        int32_t code;
        int64_t unix_ns;
        double value;
        char id[72];
        char exec_id[72];
        char command[BOARD_STRING];
};

struct engine_command {
        int32_t pid;
        uint64_t start_ns;
        char command[LIFE_COMMAND_SIZE]; /* "" could not be read */
        char exe[LIFE_EXE_SIZE];
};

struct engine_msg {
        uint32_t type; /* enum engine_msg_type */
        union {
                struct {
                        uint8_t state; /* enum engine_state */
                        char text[120];
                } state;
                struct container container;
                struct engine_event event;
                struct engine_command command;
                struct engine_operate operate;
                struct engine_operated operated;
        };
};
