/* Reading what a report is made from: see records.h. */
#include "report/records.h"

#include "base/util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, SAMPLES = 20000, FEWEST = 3 };

double records_time(json_t *j, const char *key)
{
        double t = units_unix(answer_raw(j, key));

        return t >= 0 && t < 9e9 ? t : NAN;
}

bool records_read(struct records *r, json_t *facts)
{
        char text[RECORDS_NAME];
        json_t *one;
        size_t i;

        *r = (struct records){
                .incident = json_array_get(answer_list(facts, "incidents"), 0),
                .host = answer_at(facts, "host"),
                .history = answer_list(facts, "history"),
                .events = answer_list(facts, "events"),
                .blackbox = answer_list(facts, "blackbox"),
                .now = records_time(facts, "now"),
        };
        if (!json_is_object(r->incident))
                return false;
        r->timeline = answer_list(r->incident, "timeline");
        r->findings = answer_list(r->incident, "findings");
        r->suspects = answer_list(r->incident, "suspects");
        answer_text_or(facts, "sexton", "of unknown version", r->version, sizeof r->version);
        units_count(answer_number(r->incident, "id"), text);
        answer_text_or(r->incident, "id", text, r->id, sizeof r->id);
        answer_text(r->incident, "culprit", r->culprit, sizeof r->culprit);
        answer_text(r->host, "host.name", r->host_name, sizeof r->host_name);
        r->open = strcmp(answer_raw(r->incident, "state"), "resolved") != 0;
        r->opened = records_time(r->incident, "opened_at");
        r->resolved = r->open ? NAN : records_time(r->incident, "resolved_at");
        r->until = isnan(r->resolved) ? r->now : r->resolved;
        r->began = r->opened;
        json_array_foreach(r->findings, i, one)
        {
                double since = records_time(one, "since");
                if (since < r->began && since > r->opened - DAY)
                        r->began = since;
        }
        json_array_foreach(r->timeline, i, one)
        {
                double t = records_time(one, "time");
                if (records_harm(answer_raw(one, "kind")) && t < r->began && t > r->opened - DAY)
                        r->began = t;
        }
        return true;
}

bool records_harm(const char *kind)
{
        static const char *const kinds[] = {"restart", "health_timeout", "oom", "death"};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (!strcmp(kind, kinds[i]))
                        return true;
        return false;
}

/* ---- history ---- */

static void describe(json_t *answer, struct series *s)
{
        char from[48], to[48];
        double points = answer_number(answer, "points");
        size_t n;

        snprintf(s->query, sizeof s->query, "from=%s&to=%s", answer_text(answer, "from", from, sizeof from),
                answer_text(answer, "to", to, sizeof to));
        n = strlen(s->query);
        if (points >= 1 && points < 1e6)
                snprintf(s->query + n, sizeof s->query - n, "&points=%.0f", points);
}

bool records_series(const struct records *r, const char *service, const char *name, struct series *ret)
{
        json_t *one;
        size_t i;

        json_array_foreach(r->history, i, one)
        {
                json_t *of = answer_at(one, "service");
                bool same = service ? json_is_string(of) && !strcmp(json_string_value(of), service) : !of;
                json_t *times = answer_list(one, "times");
                json_t *values = json_object_get(answer_at(one, "series"), name);

                if (!same || !times || !json_is_array(values))
                        continue;
                *ret = (struct series){.times = times, .values = values, .name = name};
                answer_text(one, "service", ret->service, sizeof ret->service);
                ret->count = MIN(MIN(json_array_size(times), json_array_size(values)), (size_t)SAMPLES);
                ret->step = answer_number(one, "step");
                describe(one, ret);
                return true;
        }
        return false;
}

double series_time(const struct series *s, size_t i)
{
        return records_time(json_array_get(s->times, i), "");
}

double series_value(const struct series *s, size_t i)
{
        double v = answer_number(json_array_get(s->values, i), "");

        return isfinite(v) ? v : NAN;
}

static int by_size(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* A median that was measured: the lower one of two in the middle, not the mean of both. */
static double median(double *value, uint32_t count)
{
        if (count < FEWEST)
                return NAN;
        qsort(value, count, sizeof *value, by_size);
        return value[(count - 1) / 2];
}

static double median_between(
        const struct series *s, double from, double to, double *ret_from, double *ret_to, uint32_t *ret_count)
{
        cleanup_free double *value = calloc(s->count + 1, sizeof *value);
        uint32_t n = 0;

        *ret_from = *ret_to = NAN;
        for (size_t i = 0; value && i < s->count; i++) {
                double t = series_time(s, i), v = series_value(s, i);
                if (!(t >= from && t < to) || isnan(v))
                        continue;
                value[n++] = v;
                if (isnan(*ret_from))
                        *ret_from = t;
                *ret_to = t;
        }
        *ret_count = n;
        return value ? median(value, n) : NAN;
}

void records_story(const struct records *r, const struct series *s, struct series_story *ret)
{
        *ret = (struct series_story){.peak = NAN, .peak_time = NAN};
        ret->normal = median_between(
                s, -INFINITY, r->began, &ret->normal_from, &ret->normal_to, &ret->normal_samples);
        ret->after = isnan(r->resolved) ? NAN
                                        : median_between(s, r->resolved, INFINITY, &ret->after_from,
                                                  &ret->after_to, &ret->after_samples);
        for (size_t i = 0; i < s->count; i++) {
                double t = series_time(s, i), v = series_value(s, i);
                if (t >= r->began && t <= r->until && (isnan(ret->peak) || v > ret->peak)) {
                        ret->peak = v;
                        ret->peak_time = isnan(v) ? NAN : t;
                }
        }
}

/* ---- events ---- */

static bool event_is(json_t *e, const char *kind, const char *service)
{
        return !strcmp(answer_raw(e, "kind"), kind) && !strcmp(answer_raw(e, "service"), service);
}

uint64_t records_event(const struct records *r, const char *time, const char *kind, const char *service)
{
        json_t *answer, *one;
        size_t i, k;

        json_array_foreach(r->events, i, answer)
        {
                json_array_foreach(answer_list(answer, "events"), k, one)
                {
                        double id = answer_number(one, "id");
                        if (id >= 1 && id < 1e18 && !strcmp(answer_raw(one, "time"), time) &&
                                event_is(one, kind, service))
                                return (uint64_t)id;
                }
        }
        return 0;
}

double records_events(const struct records *r, const char *kind, const char *service)
{
        json_t *answer, *one;
        double sum = 0;
        size_t i, k;

        json_array_foreach(r->events, i, answer)
        {
                json_array_foreach(answer_list(answer, "events"), k, one)
                {
                        double t = records_time(one, "time"), n = answer_number(one, "data.count");
                        if (event_is(one, kind, service) && t >= r->began && t <= r->until)
                                sum += n >= 1 ? n : 1;
                }
        }
        return sum;
}
