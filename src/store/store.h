/* What Sexton remembers across restarts: events and deaths, samples of the host and of every service
 * each 10 s, and documents (incidents, notices, silences), in one SQLite file (WAL) below the data folder.
 *
 * One thread of the store writes; whoever calls the functions below (one thread, the recorder's) never
 * waits for a write. What has not been written yet is kept in memory, within bounds, and every function
 * that reads sees it as well. When the disk is full, gone or refuses, that is all that is left: the store
 * works on in memory, says so (store_status, EVENT_STORE in the history), tries again every few seconds,
 * and writes what it still has as soon as it can. What memory could not keep becomes an EVENT_GAP.
 *
 * The file is bounded by age and size: the oldest hour of events and samples goes first, then the oldest
 * closed documents; open documents go last of all. See docs/store.md.
 *
 * Times are Unix milliseconds. The wall clock may step back and forth: order is kept by number, not time.
 */
#pragma once

#include "base/error.h"
#include "model/board.h"
#include "wire/history.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct store_options {
        const char *folder;       /* of the file history.db; NULL or "" = keep all in memory */
        int64_t retention_ms;     /* what is older is deleted; 0 = no bound */
        uint64_t max_bytes;       /* of the file and its WAL together, at least STORE_MIN_BYTES */
        int64_t (*unix_ms)(void); /* the wall clock */
        uint64_t (*boot_ns)(void);
};

#define STORE_MIN_BYTES (UINT64_C(16) << 20)

/* Makes the folder when only it is missing, and gives it to uid and gid unless they are -1. Called before
 * root is given up. 0 or a negative errno with the error set. */
int store_make_folder(const char *folder, uid_t uid, gid_t gid, struct error *e);

/* Opens the store and starts its thread; waits for the disk some seconds at most. Never fails for the
 * disk's sake: a store that can't be opened works in memory and says why. NULL only without memory for
 * itself. What is opened from now on is opened by the caller's user. */
struct store *store_new(const struct store_options *o);
/* Writes what there is, waiting for at most timeout_ms, and ends the thread. NULL is fine. */
void store_free(struct store *s, int timeout_ms);

/* To be called about twice a second: hands what is due to the thread and takes back what it has done.
 * `h` is where events come from and where the store tells of itself. */
void store_tick(struct store *s, struct history *h);
/* Waits until everything given so far is on disk: for tests and the end. 0, -ETIMEDOUT, or -EIO when the
 * disk does not take it. */
int store_flush(struct store *s, struct history *h, int timeout_ms);

/* -- events -- */

/* The ring outlives its reader. Says which ring `h` is filled from, by a number that is another for each
 * (0 = not known), and up to where: what is committed is remembered with it. */
void store_ring(struct store *s, uint64_t ring, uint64_t next);
/* The first event of that ring that is not stored; 0 when it is another ring. For the start. */
uint64_t store_ring_next(struct store *s, uint64_t ring);
/* The number of the last event stored, 0 when there is none: whoever numbers events goes on behind it. */
uint64_t store_last_event(struct store *s);

/* Zeroes and "" mean "any". */
struct store_query {
        const char *service;
        const char *command;        /* of EVENT_EXIT and the like: the program's name (comm), with * and ? */
        const char *kind;           /* as event_kind_name() says */
        int64_t since_ms, until_ms; /* since <= time < until */
        uint64_t after;             /* number; then the oldest `limit` are shown, else the newest */
        uint32_t limit;
};
struct store_event {
        struct event event; /* start_ns and time_ns are 0 when it comes from the disk */
        uint64_t number;
        int64_t start_ms; /* Unix, 0 = unknown */
        int64_t span_ms;  /* `count` like ones happened within so much before its time */
};
struct store_found {
        uint32_t shown;
        uint32_t matching; /* as far as was counted: to one above the limit on disk */
        bool more;         /* than `limit` match */
        bool cut;          /* the disk could not be read, or not within the time: older ones are missing */
        uint64_t lost;     /* as store_status */
};
/* Shows what matches, oldest first, from disk and from `h`. Without a store (NULL) from h alone. Like deaths
 * and probes of one commit are one row on disk, the number and time of which are the last one's. */
void store_events(struct store *s, const struct history *h, const struct store_query *q,
        void (*fn)(void *ctx, const struct store_event *e), void *ctx, struct store_found *ret);

/* -- samples -- */

/* One row per series: X(NAME, json name, how to join several: MEAN or MAX, of: HOST, SERVICE or BOTH, unit
 * kept on disk). */
#define STORE_SERIES(X)                                                                                      \
        X(LOAD1, "load1", MEAN, BOTH, 0.01)                                                                  \
        X(CPU, "cpu_ratio", MEAN, BOTH, 0.001)                                                               \
        X(CPU_BUSY, "cpu_busy_ratio", MEAN, HOST, 0.001)                                                     \
        X(MEMORY, "memory_bytes", MEAN, BOTH, 65536)                                                         \
        X(MEMORY_USED, "memory_used_ratio", MEAN, HOST, 0.001)                                               \
        X(ZOMBIES, "zombies", MAX, BOTH, 1)                                                                  \
        X(PROCESSES, "processes", MEAN, SERVICE, 1)                                                          \
        X(TASKS, "tasks", MEAN, BOTH, 1)                                                                     \
        X(RESTARTS, "restarts", MAX, SERVICE, 1)                                                             \
        X(PSI_CPU, "psi_cpu", MEAN, BOTH, 0.001)                                                             \
        X(PSI_MEMORY, "psi_memory", MEAN, BOTH, 0.001)                                                       \
        X(PSI_IO, "psi_io", MEAN, BOTH, 0.001)
enum store_series {
#define X(name, json, join, of, unit) STORE_##name,
        STORE_SERIES(X)
#undef X
                STORE_SERIES_COUNT
};
struct store_sample {
        int64_t time_ms;
        float value[STORE_SERIES_COUNT]; /* NAN = unknown */
};

#define STORE_SAMPLE_MS 10000
enum { STORE_POINTS = 2000 };

/* Takes a sample of the host and of every service from the shared board, if one is due. */
void store_sample(struct store *s, const struct board *shared);

/* The series of a service ("" or NULL = the host) from from_ms to to_ms in steps of the same length, at most
 * `points` (1..STORE_POINTS), each step's value in ret[i]; steps without a sample are NAN. *ret_step_ms is at
 * least STORE_SAMPLE_MS. Returns how many points were filled in, or -EINVAL for a wrong span. *ret_cut: the
 * disk could not be read, or not within the time. */
int store_history(struct store *s, const char *service, int64_t from_ms, int64_t to_ms, uint32_t points,
        struct store_sample *ret, int64_t *ret_step_ms, bool *ret_cut);
const char *store_series_name(enum store_series series);
bool store_series_of_host(enum store_series series);
bool store_series_of_service(enum store_series series);

/* -- its state -- */

enum store_state {
        STORE_ON_DISK,
        STORE_IN_MEMORY, /* the disk does not take it now, `text` says why */
        STORE_OFF,       /* no folder was given */
};
struct store_status {
        enum store_state state;
        char path[300]; /* of the file, "" when off */
        char text[300]; /* why it is in memory; what was set aside; "" when all is well */
        uint64_t file_bytes, max_bytes;
        int64_t oldest_ms;       /* 0 = nothing stored */
        uint64_t waiting_events; /* not written yet */
        uint64_t waiting_documents;
        uint64_t lost_events; /* that memory could not keep until the disk took them, since the start */
        uint64_t lost_documents;
        uint64_t commits;
};
void store_status(struct store *s, struct store_status *ret);

/* -- documents --
 *
 * A document is a JSON text with a key, which belongs to the module that writes it: the store reads
 * nothing inside. Kinds are separate; ids are texts of at most STORE_ID bytes. A put replaces what was
 * there. `open` documents are what is still going on: they are not deleted by age.
 *
 * A put is committed (fsync) within a second, except one of STORE_INCIDENT that changes neither `open` nor
 * `service` of one that is stored already: those are gathered for up to 10 s, so that a busy timeline does
 * not wear the disk. Removals and everything else count as changes.
 */
enum store_kind {
        STORE_INCIDENT = 1,
        STORE_NOTICE,  /* a notification that is due, being sent or sent */
        STORE_SILENCE, /* a mute */
        STORE_STATE,   /* small things a module must not forget, such as the next number: never deleted */
        STORE_CAPTURE, /* of the black box: the newest STORE_CAPTURES are kept */
        STORE_KINDS
};

enum { STORE_ID = 63, STORE_JSON_MAX = 512 << 10, STORE_CAPTURES = 64 };

/* Replaces the document; copies everything. service NULL or "" = none. time_ms is what documents are
 * ordered, filtered and aged by (0 = now). -EINVAL for a bad kind or id, -E2BIG above STORE_JSON_MAX,
 * -ENOMEM, -ENOBUFS when the disk has refused for so long that what waits fills its bound and only open
 * documents are left in it. */
int store_document_put(struct store *s, enum store_kind kind, const char *id, bool open, const char *service,
        int64_t time_ms, const char *json, size_t len);
/* Removing what is not there is fine. */
int store_document_remove(struct store *s, enum store_kind kind, const char *id);

/* Is it still to be written, in its newest version? */
bool store_document_waits(struct store *s, enum store_kind kind, const char *id);

struct store_document {
        enum store_kind kind;
        const char *id, *service; /* service "" = none */
        bool open;
        int64_t time_ms;
        const char *json; /* len bytes and a NUL */
        size_t len;
};

/* Zeroes mean "any". NULL as filter: all. */
struct store_filter {
        const char *id;
        const char *service;
        bool only_open, only_closed;
        int64_t from_ms, to_ms; /* from <= time < to */
        uint32_t limit;
};

/* Calls fn for each document that matches, newest time first (the larger id first among equals; numbers
 * compare as numbers), until it returns non-zero; fn must not call the store. Waits for the disk's reads,
 * at most some 500 ms. Returns how many were shown, or -EIO when the disk can't be read: then those in
 * memory have been shown. */
int store_documents(struct store *s, enum store_kind kind, const struct store_filter *filter,
        int (*fn)(void *ctx, const struct store_document *d), void *ctx);
