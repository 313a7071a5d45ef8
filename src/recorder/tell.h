/* Telling people, in the recorder: what the book of incidents says goes through the policy to the courier,
 * and what became of it into the timeline, the events and the log.
 */
#pragma once

#include "base/loop.h"
#include "config/config.h"
#include "incident/book.h"
#include "notify/policy.h"
#include "wire/history.h"

/* Where documents are kept; all NULL: nowhere. */
struct tell_keeper {
        void *ctx;
        void (*put)(void *ctx, const char *kind, const char *id, bool open, const char *service,
                int64_t time_ms, const char *json, size_t len);
        void (*remove)(void *ctx, const char *kind, const char *id);
};

struct tell {
        struct policy policy;
        struct tell_keeper keeper;
        struct loop *loop;
        struct loop_fd link; /* to the courier; fd -1 = there is none */
        struct loop_timer timer;
        struct book *book;
        struct history *history;
        char packet[sizeof(struct job) + JOB_INCIDENT_MAX];
};

/* t: zero-filled. link_fd may be -1. Listens to the book. */
int tell_start(struct tell *t, struct loop *loop, int link_fd, const struct config *c, struct book *book,
        struct history *history, const struct tell_keeper *keeper);
/* An incident from before the restart, open or resolved lately: what the notifiers don't know of it is told.
 */
void tell_restore_incident(struct tell *t, const char *json, size_t len);
void tell_stop(struct tell *t);
void tell_configure(struct tell *t, const struct config *c);
/* Something changed: looks at what is due in the loop's next turn. */
void tell_poke(void *t);
struct policy_now tell_now(void);
