/* The engine process's memory of containers: which there are, what must be inspected again, which execs
 * are running and whether each is a health check or a person's; turns the engine's events into ours.
 * No I/O: events and inspections come in, messages go out through tracker_ops, time is a parameter.
 */
#pragma once

#include "source/engine/docker.h"

struct tracked;

struct tracker_ops {
        void (*event)(void *ctx, const struct engine_event *e);
        void (*container)(void *ctx, const struct container *c);
        /* All containers of the last listing have been sent; those not sent are gone. */
        void (*synced)(void *ctx);
};

enum { TRACKER_BUCKETS = 256 };

struct tracker {
        const struct tracker_ops *ops;
        void *ctx;
        struct tracked *bucket[TRACKER_BUCKETS];
        uint32_t count;
        uint32_t listing; /* number of the last listing */
        bool syncing;
        uint32_t overflow; /* containers not taken because there are too many */
        uint32_t runs;     /* execs not yet told to have ended */
        /* Health checks that began before are known from the engine's log only. */
        int64_t listening_since_unix_ns;
        /* The engine's events name no single execs (Podman 4): probes are read from the health log, at the
         * inspection that each health_status event brings. */
        bool probes_from_log;
};

void tracker_init(struct tracker *t, const struct tracker_ops *ops, void *ctx);
void tracker_done(struct tracker *t);

/* The two clocks of one moment. */
struct tracker_time {
        uint64_t boot_ns;
        int64_t unix_ns;
};

void tracker_event(struct tracker *t, const struct docker_event *e, bool replayed, struct tracker_time now);

/* A listing: begin, every container of it, end. When `resync`, all are inspected and then ops->synced is
 * called; else only those that are new or whose state is another than we think, and the gone are told as
 * destroyed. */
void tracker_list_begin(struct tracker *t, bool resync);
void tracker_listed(struct tracker *t, const struct container *brief, struct tracker_time now);
void tracker_list_end(struct tracker *t, struct tracker_time now);

/* The container whose inspection is due the longest; it counts as under way until one of the three below.
 * False when none is due; then *ret_due_ns says when the next one is (0 = none known). */
bool tracker_next_inspection(struct tracker *t, uint64_t now_ns, char ret_id[72], uint64_t *ret_due_ns);
void tracker_inspected(struct tracker *t, const struct docker_container *d, struct tracker_time now);
void tracker_gone(struct tracker *t, const char *id, struct tracker_time now);
void tracker_not_inspected(struct tracker *t, const char *id, struct tracker_time now);

/* The stream of events was lost: ends of running execs may have been missed, no inspection is under way. */
void tracker_disconnected(struct tracker *t);

/* Decides about health checks that should have ended. Call it once a second while t->runs. */
void tracker_tick(struct tracker *t, struct tracker_time now);
