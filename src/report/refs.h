/* Where a number stands: each record that a report cites has a short label in the text and a row in the
 * appendix, with its time and what to ask to see it.
 */
#pragma once

#include "report/document.h"
#include "report/records.h"

enum { REF_LABEL = 24 };

struct ref {
        char label[REF_LABEL];
        char time[UNITS_SIZE];
        char what[320];
        char source[520];
};

struct refs {
        struct ref *ref;
        uint32_t count, size;
        uint32_t samples, counts;
        bool failed;
};

enum { REFS_MAX = 2000 };

void refs_done(struct refs *r);

/* Each cites a record at the end of the document's current run. */
void refs_incident(struct refs *r, struct document *d, const struct records *k, const char *field);
void refs_finding(struct refs *r, struct document *d, const struct records *k, json_t *finding);
/* A line of the timeline: the stored event if there is one of that time and kind, else the line itself. */
void refs_timeline(struct refs *r, struct document *d, const struct records *k, json_t *entry, size_t index);
/* The label it gets, into buf[REF_LABEL]; the number of the stored event, or 0. */
uint64_t refs_timeline_label(const struct records *k, json_t *entry, size_t index, char *buf);
void refs_status(struct refs *r, struct document *d);
/* A sample, or `samples` of them from `from` to `to` when that isn't 0. */
void refs_sample(
        struct refs *r, struct document *d, const struct series *s, double from, double to, uint32_t samples);
void refs_count(
        struct refs *r, struct document *d, const struct records *k, const char *kind, const char *service);

/* The appendix: a table of all that were cited. */
void refs_table(const struct refs *r, struct document *d);
