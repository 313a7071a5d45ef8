/* The book of incidents: findings that belong together, kept from the moment the first of them opens until
 * all of them have been over for a while, with what happened meanwhile, who is suspected and why. It lives in
 * the recorder, looks at copies of the board, and needs no store: whoever keeps it hands in a keeper.
 *
 * An incident belongs to a service, or to the host as long as no service dominates the harm. What a service
 * does is its own incident, however loud another is. An incident merged into another keeps its number and
 * says `merged_into`.
 *
 * Not thread-safe: one thread calls everything here, and told() and put() are called on it.
 */
#pragma once

#include "base/json_out.h"
#include "model/board.h"
#include "model/event.h"

struct book; /* opaque */

struct book_params {
        double calm;   /* s that every finding must have been over before an incident is resolved */
        double reopen; /* s after which the same trouble is a new incident */
};

/* ---- who is told ---- */

enum book_change {
        BOOK_OPENED,
        BOOK_SEVERITY, /* rose, or fell for good; the document says from what in "severity_before" */
        BOOK_RESOLVED, /* also when merged into another: the document says "merged_into" then */
        BOOK_REOPENED, /* came back before `reopen` was over: the same number again */
};

struct book_listener {
        void *ctx;
        /* json: the incident's document, len bytes, valid during the call. Must not call the book but for
         * book_note(). */
        void (*told)(void *ctx, enum book_change change, uint64_t id, const char *json, size_t len);
};
enum { BOOK_LISTENERS = 4 };

/* ---- who remembers ---- */

struct book_keeper {
        void *ctx;
        /* The incident as it is now, under its number, in place of what was put before. `service` is "" for
         * the host; opened_ms is Unix time. */
        void (*put)(void *ctx, uint64_t id, bool open, const char *service, int64_t opened_ms,
                const char *json, size_t len);
        /* Hands the documents of resolved incidents to `each`, the newest first, at most `limit`; only the
         * one of number `id` unless that is 0. NULL: resolved incidents are only kept in memory. */
        void (*resolved)(void *ctx, uint64_t id, uint32_t limit,
                void (*each)(void *to, const char *json, size_t len), void *to);
};

/* ---- life ---- */

/* NULL when there is no memory. The first incident gets `first_id`, unless a restored one has a larger
 * number. */
struct book *book_new(const struct book_params *p, uint64_t first_id);
void book_free(struct book *b);
/* Numbers to come are at least `id`; and the next one. */
void book_number_from(struct book *b, uint64_t id);
uint64_t book_next_number(const struct book *b);
void book_configure(struct book *b, const struct book_params *p);
void book_keep(struct book *b, const struct book_keeper *k);
/* False when there are BOOK_LISTENERS already. */
bool book_listen(struct book *b, const struct book_listener *l);

/* One document as it was put: an open incident goes on, a resolved one may reopen. Best before the first
 * look; later, what was opened meanwhile for the same service is merged into it. -EINVAL when it is none,
 * -EEXIST for a number known already, -ENOMEM. */
int book_restore(struct book *b, const char *json, size_t len, uint64_t now_ns, int64_t wall_offset_ns);

/* ---- looking ---- */

/* Cheap enough for every second, on the shared board while the guard writes it: true when a copy should be
 * taken and handed to book_look(). */
bool book_due(struct book *b, const struct board *shared, uint64_t now_ns);
/* What is true now: `copy` is a snapshot; neither processes nor strings are needed. */
void book_look(struct book *b, const struct board *copy, uint64_t now_ns, int64_t wall_offset_ns);
/* What happened, in order, as it came over the ring. */
void book_event(struct book *b, const struct event *e);
/* Something others did goes into the timeline: "notified"; also when it was resolved lately.
 * Unknown numbers are left out. */
void book_note(struct book *b, uint64_t id, const char *kind, const char *text, int64_t unix_ns);

/* ---- asking ---- */

/* Drills aren't counted: they are nobody's trouble. */
uint32_t book_open_count(const struct book *b);
/* Open ones of that severity, without drills. */
uint32_t book_open_of(const struct book *b, enum severity severity);

struct book_query {
        uint64_t id; /* 0 = any */
        uint32_t limit;
        bool open, resolved; /* which */
};
/* Their documents as elements of an array: open ones first, then those resolved last. Returns how many. */
uint32_t book_list(const struct book *b, const struct book_query *q, struct json_out *j);
/* The document of an open one, *ret_len bytes; the caller frees it. NULL: there is none, or no memory. */
char *book_document(const struct book *b, uint64_t id, size_t *ret_len);
/* One of them to read, see incident.h; the caller frees it. -ENOENT, -ENOMEM. */
struct incident;
int book_get(const struct book *b, uint64_t id, struct incident **ret);
