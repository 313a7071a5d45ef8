/* The answers of the verbs, as JSON of docs/interfaces, and the metrics: pure functions from a snapshot of
 * the board and the history of events to text. HTTP is the recorder's business.
 */
#pragma once

#include "base/error.h"
#include "base/json_out.h"
#include "incident/book.h"
#include "model/blackbox.h"
#include "store/store.h"
#include "wire/history.h"
#include "world/view.h"

/* What an answer is made from. */
struct api_view {
        const struct board *board; /* a snapshot: nobody writes it */
        struct view_index index;
        uint64_t now_ns; /* boot time of the snapshot */
        int64_t wall_offset_ns;
        const struct history *history;   /* may be NULL */
        const struct book *book;         /* may be NULL */
        const struct policy *policy;     /* may be NULL */
        struct store *store;             /* may be NULL */
        const struct blackbox *blackbox; /* shared; may be NULL */
};
int api_view_init(struct api_view *v, const struct board *snapshot, const struct history *history,
        const struct book *book, uint64_t now_ns, int64_t wall_offset_ns);
void api_view_done(struct api_view *v);

/* What was asked behind the "?". */
struct api_query {
        char service[BOARD_NAME]; /* "" = all */
        char kind[32];            /* of events or zombies; "" = all */
        char subject[BOARD_NAME]; /* of why: a service or an incident's number; "" = the host */
        char command[32];         /* of events: the program's name, with * and ?; "" = all */
        int64_t since_unix_ns;    /* 0 = from the oldest; of history: "from" */
        int64_t until_unix_ns;    /* 0 = up to now; of history: "to" */
        uint32_t points;          /* of history; 0 = the default */
        uint64_t after;           /* event number */
        uint32_t limit;           /* 0 = the default of the verb */
        uint64_t id;              /* of an incident; 0 = all */
        char format[12];          /* of a report: "markdown", "html", "json"; "" = markdown */
        char state[12];           /* of incidents: "open", "resolved"; "" = all */
        int32_t holder;           /* of zombies: the pid of who should bury them; 0 = all */
        bool summary;             /* of zombies: only the sums by holder, of which `limit` at most */
};
/* Reads one NAME=VALUE; value NULL when there is no "=". -EINVAL with the error set for an unknown name,
 * a wrong value, or one too long. now_unix_ns is what "since=10m" counts from. */
int api_query_set(
        struct api_query *q, const char *name, const char *value, int64_t now_unix_ns, struct error *e);

void api_status(const struct api_view *v, struct json_out *j);
void api_services(const struct api_view *v, const struct api_query *q, struct json_out *j);
void api_findings(const struct api_view *v, struct json_out *j);
/* -ENOENT with the error set when there is no incident of number q->id. Needs no board. */
int api_incidents(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e);
/* What was captured of incident q->id, or of all when that is 0; without any, why. -ENOENT when there is no
 * such incident. Needs no board. */
int api_blackbox(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e);
/* The report on incident q->id in q->format; as JSON: what it is made from (report/records.h). v->board may
 * be NULL. -EINVAL without q->id, -ENOENT, -ENOMEM with the error set. */
int api_report(const struct api_view *v, const struct api_query *q, struct out *o, struct error *e);
/* -ENOENT with the error set when q->subject is neither a service nor an incident's number. */
int api_why(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e);
/* Needs no board: v->board may be NULL. */
void api_events(const struct api_view *v, const struct api_query *q, struct json_out *j);
/* Series of the host or of a service over time. -EINVAL, -ENOMEM. Needs no board. */
int api_history(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e);

/* What was done and what stands, the newest first, and the breaker: ?service= &id= &limit=. */
void api_actions(const struct api_view *v, const struct api_query *q, struct json_out *j);
/* One row of it as an element of an array. */
void api_action(const struct api_view *v, const struct action *a, struct json_out *j);

struct policy; /* notify/policy.h; NULL = none */
void api_notifiers(const struct policy *p, int64_t now_ms, struct json_out *j);
/* added: the number of the silence that was just made, 0 = none. */
void api_silences(const struct policy *p, uint64_t added, int64_t now_ms, struct json_out *j);

/* The ledger can be long: it comes in pieces. */
struct api_zombies;
struct api_zombies *api_zombies_open(
        const struct api_view *v, const struct api_query *q); /* NULL: no memory */
/* Appends the next 16 KiB or so; false when that was the last. */
bool api_zombies_more(struct api_zombies *z, struct json_out *j);
void api_zombies_close(struct api_zombies *z);

/* One finding, as several answers hold it. */
void api_finding(const struct api_view *v, const struct finding *f, struct json_out *j);

/* Metrics in the Prometheus text format 0.0.4 or as OpenMetrics 1.0. */
void api_metrics(const struct api_view *v, bool openmetrics, struct out *o);
