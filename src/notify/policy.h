/* Whom to tell what and when: one notice for each incident, notifier and change of severity, and one at the
 * end; repetitions; quiet hours and silences; retries. Pure: it owns neither time, nor sockets, nor disk. All
 * it remembers goes out as documents, and comes back in after a restart; what it is told of an incident may
 * be told any number of times, because it compares with what it has said.
 */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "notify/job.h"

struct json_t; /* of jansson */

enum {
        POLICY_QUEUE = 64,   /* notices waiting for one notifier */
        POLICY_TRACKS = 256, /* incidents followed */
        POLICY_SILENCES = 64,
        POLICY_SERVICES = 16, /* of an incident that a silence can match */
};

struct policy_now {
        uint64_t boot_ns; /* decides about retries: never steps */
        int64_t unix_ms;  /* decides about silences and quiet hours: as people mean them */
};

enum policy_fate { FATE_DELIVERED, FATE_RETRIED, FATE_FAILED, FATE_DROPPED, FATES };
const char *policy_fate_name(enum policy_fate f);

/* What became of a notice, for events and timelines. */
struct policy_report {
        const struct job *job;
        enum policy_fate fate;
        const char *text; /* printable */
};

struct policy_ops {
        void *ctx;
        /* Documents: kinds "notice" and "silence". */
        void (*put)(void *ctx, const char *kind, const char *id, bool open, const char *service,
                int64_t time_ms, const char *json, size_t len);
        void (*remove)(void *ctx, const char *kind, const char *id);
        /* False: not now (socket full); it is offered again. */
        bool (*send)(void *ctx, const struct job *j, const char *json);
        void (*report)(void *ctx, const struct policy_report *r);
        /* The document of an incident as it is now, *ret_len bytes, for what is told without news of it; the
         * caller frees it. NULL when there is none. */
        char *(*present)(void *ctx, uint64_t id, size_t *ret_len);
};

struct notice {
        struct notice *next;
        struct job job;
        char *json;
        uint64_t due_ns, sent_ns; /* sent 0 = not on its way */
        int64_t created_ms;
};

struct policy_test {
        uint64_t number; /* 0 = never tested */
        bool done;
        struct result result;
};

struct policy_notifier {
        struct notify_config config;
        bool keeps_state;
        struct notice *queue;
        uint32_t queued;
        uint64_t fate[FATES];
        char last_error[JOB_TEXT];
        int64_t last_error_ms, last_delivered_ms;
        struct policy_test test;
};

struct silence {
        uint64_t number;
        char service[128]; /* pattern */
        char comment[160];
        int64_t created_ms, until_ms;
};

struct track; /* an incident and what was told of it */

struct policy {
        struct policy_ops ops;
        char host[64];
        struct policy_notifier notifier[CONFIG_NOTIFIERS];
        uint32_t notifiers;
        struct {
                int from, to; /* minutes of the day; equal = none */
                uint8_t days; /* bit 0 = Sunday */
                enum severity min_severity;
        } quiet;
        struct track *track[POLICY_TRACKS];
        uint32_t tracks;
        struct silence silence[POLICY_SILENCES];
        uint32_t silences;
        uint64_t next_number;
        uint64_t random;
};

/* p: zero-filled. Its tables are large and mostly empty: nothing is written that needn't be. */
void policy_init(struct policy *p, const struct policy_ops *ops, const char *host, struct policy_now now);
void policy_done(struct policy *p);
/* Also after a reload: what waits for a notifier that is gone is dropped. */
void policy_configure(struct policy *p, const struct config *c, struct policy_now now);

/* An incident as it is now: the document of `incidents`. -EINVAL when it is none, -ENOMEM. */
int policy_see(struct policy *p, const char *json, size_t len, struct policy_now now);

/* A document from before the restart, of kind "notice" or "silence"; before the first policy_see(). */
int policy_restore(struct policy *p, const char *kind, const char *json, size_t len, struct policy_now now);

/* Sends what is due. Returns the boot time to be called again at, at most a minute ahead. */
uint64_t policy_tick(struct policy *p, struct policy_now now);
void policy_result(struct policy *p, const struct result *r, struct policy_now now);

/* Sends a test to the notifier called `name`, NULL: to all. -ENOENT, -EAGAIN when one couldn't be sent. */
int policy_test(struct policy *p, const char *name, struct policy_now now, struct error *e);

/* The silence's number goes to *ret. -ENOSPC. */
int policy_silence(struct policy *p, const char *service, double seconds, const char *comment,
        struct policy_now now, uint64_t *ret, struct error *e);
int policy_unsilence(struct policy *p, uint64_t number, struct policy_now now, struct error *e);

/* ---- its parts ---- */

bool policy_is_quiet(const struct policy *p, enum severity severity, int64_t unix_ms);
/* services: lines. */
bool policy_is_silenced(const struct policy *p, const char *services, int64_t unix_ms);
void silence_expire(struct policy *p, struct policy_now now);
int silence_restore(struct policy *p, struct json_t *j);

/* Puts a notice at the end of a queue, and into a document. */
void queue_add(
        struct policy *p, uint32_t notifier, const struct job *j, const char *json, struct policy_now now);
void queue_drop_all(struct policy *p, uint32_t notifier);
uint64_t queue_send(struct policy *p, struct policy_now now);
bool queue_holds(const struct policy *p, uint32_t notifier, uint64_t incident);
int queue_restore(struct policy *p, struct json_t *j, struct policy_now now);
int policy_notifier_find(const struct policy *p, const char *name); /* -1: none */
