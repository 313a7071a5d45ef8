/* What a report is made from, one JSON object, and where each of its numbers stands:
 *   {"sexton": version, "now": time, "incidents": [the one that is told of], "host": answer of status,
 *    "history": [answers of history], "events": [answers of events, one for each kind],
 *    "blackbox": [what was captured, each only by its "id" and "captured_at"]}
 * All but the incident may be missing or null. Nothing in it is trusted: what is of another type or out of
 * bounds counts as missing.
 */
#pragma once

#include "base/answer.h"
#include "base/units.h"

#include <stdint.h>

enum { RECORDS_NAME = 200 };

struct records {
        json_t *incident, *host, *history, *events, *blackbox; /* borrowed; NULL = none */
        json_t *timeline, *findings, *suspects;                /* of the incident; NULL = none */
        char version[32], id[32], culprit[RECORDS_NAME], host_name[RECORDS_NAME];
        bool open;
        /* Unix seconds, NAN = unknown. */
        double now, opened, resolved;
        double began; /* the earliest sign in findings and timeline, at most a day before it was opened */
        double until; /* resolved, or now */
};

/* False when there is no incident in it. */
bool records_read(struct records *r, json_t *facts);

/* A time of the records as Unix seconds, NAN when it is none or out of this age (1970 to 2255). */
double records_time(json_t *j, const char *key);

/* Events that are harm by themselves; others stand in a timeline because something changed. */
bool records_harm(const char *kind);

/* ---- history ---- */

/* One series over its times, from one answer of history. `service` NULL = the host. */
struct series {
        json_t *times, *values; /* borrowed */
        char service[RECORDS_NAME];
        const char *name; /* static */
        size_t count;
        double step;
        char query[200]; /* what asks for the answer that it stands in, behind the service */
};
bool records_series(const struct records *r, const char *service, const char *name, struct series *ret);
double series_time(const struct series *s, size_t i);
double series_value(const struct series *s, size_t i);

/* What a series was usually, at its worst and afterwards. NAN where fewer than three samples are known. */
struct series_story {
        double normal, normal_from, normal_to; /* median before it began */
        double peak, peak_time;                /* from its beginning to its end */
        double after, after_from, after_to;    /* median of what follows the resolution */
        uint32_t normal_samples, after_samples;
};
void records_story(const struct records *r, const struct series *s, struct series_story *ret);

/* ---- events ---- */

/* The number of the stored event that has this time, kind and service ("" = the host); 0 when none has. */
uint64_t records_event(const struct records *r, const char *time, const char *kind, const char *service);
/* Events of that kind and service between its beginning and its end, like ones counted. */
double records_events(const struct records *r, const char *kind, const char *service);
