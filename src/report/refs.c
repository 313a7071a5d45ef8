/* Citing records: see refs.h. */
#include "report/refs.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void refs_done(struct refs *r)
{
        free(r->ref);
        *r = (struct refs){0};
}

/* Percent-encodes all but what is harmless in a query. */
static void encode(char *dst, size_t size, const char *src)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/:";
        size_t n = 0;

        for (; *src && n + 4 < size; src++)
                if (strchr(plain, *src))
                        dst[n++] = *src;
                else
                        n += (size_t)snprintf(dst + n, 4, "%%%02X", (unsigned)(unsigned char)*src);
        dst[n] = '\0';
}

static const char *stamp(double unix_s, char *buf)
{
        if (!(fabs(unix_s) < 9e9))
                text_set(buf, CLOCK_RFC3339_SIZE, "");
        else
                clock_rfc3339((int64_t)llround(unix_s * 1000) * (int64_t)NSEC_PER_MSEC, buf);
        return buf;
}

static struct ref *find(struct refs *r, const char *source, const char *what)
{
        for (uint32_t i = 0; i < r->count; i++)
                if (!strcmp(r->ref[i].source, source) && !strcmp(r->ref[i].what, what))
                        return &r->ref[i];
        return NULL;
}

static void cite(struct refs *r, struct document *d, const struct ref *one, unsigned *numbered, char letter)
{
        struct ref *there = find(r, one->source, one->what);

        if (!there && r->count == r->size && r->size < REFS_MAX && !r->failed) {
                uint32_t size = r->size ? r->size * 2 : 64;
                struct ref *grown = realloc(r->ref, size * sizeof *grown);

                r->failed = !grown;
                if (grown) {
                        r->ref = grown;
                        r->size = size;
                }
        }
        if (!there && r->count < r->size) {
                there = &r->ref[r->count++];
                *there = *one;
                if (numbered)
                        snprintf(there->label, sizeof there->label, "%c%u", letter, ++*numbered);
        }
        if (there)
                document_run(d, NODE_REF, there->label);
        d->failed |= r->failed;
}

/* ---- kinds of records ---- */

void refs_incident(struct refs *r, struct document *d, const struct records *k, const char *field)
{
        struct ref one = {0};

        snprintf(one.label, sizeof one.label, "I.%.20s", field);
        answer_text(k->incident, "opened_at", one.time, sizeof one.time);
        snprintf(one.what, sizeof one.what, "the incident's %s", field);
        snprintf(one.source, sizeof one.source, "incidents?id=%s -> .incidents[0].%s", k->id, field);
        cite(r, d, &one, NULL, 0);
}

void refs_finding(struct refs *r, struct document *d, const struct records *k, json_t *finding)
{
        char detector[64], service[RECORDS_NAME];
        struct ref one = {0};
        double id = answer_number(finding, "id");

        if (!(id >= 0 && id < 1e15))
                return;
        snprintf(one.label, sizeof one.label, "F%.0f", id);
        answer_text(finding, "opened_at", one.time, sizeof one.time);
        answer_text_or(finding, "detector", "?", detector, sizeof detector);
        answer_text_or(finding, "service", "the host", service, sizeof service);
        snprintf(one.what, sizeof one.what, "finding %.60s of %.200s, with its evidence", detector, service);
        snprintf(one.source, sizeof one.source, "incidents?id=%s -> .incidents[0].findings[] of id %.0f",
                k->id, id);
        cite(r, d, &one, NULL, 0);
}

uint64_t refs_timeline_label(const struct records *k, json_t *entry, size_t index, char *buf)
{
        uint64_t event = records_event(
                k, answer_raw(entry, "time"), answer_raw(entry, "kind"), answer_raw(entry, "service"));

        if (event)
                snprintf(buf, REF_LABEL, "E%llu", (unsigned long long)event);
        else
                snprintf(buf, REF_LABEL, "T%zu", index + 1);
        return event;
}

void refs_timeline(struct refs *r, struct document *d, const struct records *k, json_t *entry, size_t index)
{
        char kind[48];
        struct ref one = {0};
        uint64_t event = refs_timeline_label(k, entry, index, one.label);

        answer_text(entry, "time", one.time, sizeof one.time);
        answer_text_or(entry, "kind", "?", kind, sizeof kind);
        if (event) {
                snprintf(one.what, sizeof one.what, "event %s", kind);
                snprintf(one.source, sizeof one.source, "events?after=%llu&limit=1",
                        (unsigned long long)event - 1);
        } else {
                snprintf(one.what, sizeof one.what, "timeline: %s", kind);
                snprintf(one.source, sizeof one.source, "incidents?id=%s -> .incidents[0].timeline[%zu]",
                        k->id, index);
        }
        cite(r, d, &one, NULL, 0);
}

void refs_status(struct refs *r, struct document *d)
{
        struct ref one = {
                .label = "H", .what = "the host as it was when this was written", .source = "status"};

        cite(r, d, &one, NULL, 0);
}

void refs_sample(
        struct refs *r, struct document *d, const struct series *s, double from, double to, uint32_t samples)
{
        char first[CLOCK_RFC3339_SIZE], last[CLOCK_RFC3339_SIZE], service[300];
        struct ref one = {0};

        encode(service, sizeof service, s->service);
        stamp(from, first);
        stamp(samples ? to : from, last);
        text_set(one.time, sizeof one.time, first);
        if (samples)
                snprintf(one.what, sizeof one.what, "%s of %.120s: median of %u samples until %s", s->name,
                        s->service[0] ? s->service : "the host", samples, last);
        else
                snprintf(one.what, sizeof one.what, "%s of %.120s at that time", s->name,
                        s->service[0] ? s->service : "the host");
        snprintf(one.source, sizeof one.source, "history?%s%.299s%s%.190s", service[0] ? "service=" : "",
                service, service[0] ? "&" : "", s->query);
        cite(r, d, &one, &r->samples, 'S');
}

void refs_count(
        struct refs *r, struct document *d, const struct records *k, const char *kind, const char *service)
{
        char first[CLOCK_RFC3339_SIZE], name[300];
        struct ref one = {0};

        encode(name, sizeof name, service);
        stamp(k->began, first);
        text_set(one.time, sizeof one.time, first);
        snprintf(one.what, sizeof one.what, "number of %s events of %.120s during the incident", kind,
                service[0] ? service : "the host");
        snprintf(one.source, sizeof one.source, "events?service=%.299s&kind=%.32s&since=%.30s", name, kind,
                first);
        cite(r, d, &one, &r->counts, 'C');
}

/* ---- the appendix ---- */

void refs_table(const struct refs *r, struct document *d)
{
        static const struct document_column columns[] = {
                {.title = "Record"}, {.title = "Time (UTC)", .narrow = true}, {"What"}, {"Ask the recorder"}};
        char text[600];

        document_table(d, columns, ARRAY_SIZE(columns));
        for (uint32_t i = 0; i < r->count; i++) {
                const struct ref *one = &r->ref[i];

                document_block(d, NODE_ROW, "");
                document_block(d, NODE_CELL, "");
                document_run(d, NODE_ANCHOR, one->label);
                document_block(d, NODE_CELL, "");
                document_run(d, NODE_PLAIN, one->time);
                document_block(d, NODE_CELL, "");
                document_run(d, NODE_PLAIN, one->what);
                document_block(d, NODE_CELL, "");
                snprintf(text, sizeof text, "/sexton/v1/%s", one->source);
                document_run(d, NODE_CODE, text);
        }
}
