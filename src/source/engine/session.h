/* The conversation with the container engine's daemon: finding its socket, following its events, listing and
 * inspecting its containers, noticing that it hangs, and coming back after it was away.
 */
#pragma once

#include "config/config.h"
#include "source/engine/http_call.h"
#include "source/engine/json_split.h"
#include "source/engine/tracker.h"

enum session_phase {
        SESSION_LOOKING, /* no connection; a timer runs until the next look */
        SESSION_ASKING,  /* /version is under way */
        SESSION_LISTENING,
};

enum { SESSION_INSPECTIONS = 2, SESSION_RECENT = 256, SESSION_PATH = 108 };

struct session_inspection {
        struct session *session;
        struct http_call call;
        struct json_split split;
        char id[72];
        bool got;
};

struct session {
        struct loop *loop;
        const struct config *config;
        void (*send)(void *ctx, const struct engine_msg *m);
        void *ctx;
        int proc_fd; /* borrowed */
        const char *const
                *paths; /* where to look when neither configuration nor $DOCKER_HOST says; NULL ends */

        enum session_phase phase;
        char path[SESSION_PATH];
        uint32_t candidate;   /* paths[] tried first */
        bool known;           /* a daemon answered once */
        uint8_t engine;       /* ENGINE_DOCKER or ENGINE_PODMAN when known */
        char name[64];        /* "Docker 20.10.24" */
        uint8_t told_state;   /* enum engine_state + 1 as last told, 0 nothing yet */
        uint8_t logged_state; /* the same for the log, where a guard that starts again is no news */
        char told_text[120];
        uint64_t backoff_ns, heard_ns, listed_ns;
        int64_t connected_unix_ns, resume_unix_ns; /* resume: from when events are asked for after a cut */
        uint64_t recent[SESSION_RECENT];           /* hashes of events, to know those told twice */
        uint32_t recent_next;
        uint64_t bad_events;
        bool versioned, list_again, list_resync, stream_spoke;

        struct tracker tracker;
        struct http_call version, events, list, ping;
        struct json_split version_split, events_split, list_split;
        struct session_inspection inspection[SESSION_INSPECTIONS];
        struct loop_timer retry, beat, work;
};

/* send is called with each message for the guard; it must not block. */
void session_init(struct session *s, struct loop *l, const struct config *c, int proc_fd,
        void (*send)(void *ctx, const struct engine_msg *m), void *ctx);
void session_start(struct session *s);
void session_done(struct session *s);
/* Messages were lost: tells state and all containers again. */
void session_resend(struct session *s);
