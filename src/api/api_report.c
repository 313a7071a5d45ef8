/* What a report is made from: the incident, and of its time the host, the history and the events that count.
 * Each part is the answer that anybody else gets, so that a reader can ask for the same again.
 */
#include "api/api.h"

#include "base/clock.h"
#include "base/text.h"
#include "report/records.h"
#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS = 2000, PART_MAX = 8 << 20, POINTS = 360, SERVICES = 4, CAPTURES = 8 };
#define AROUND_LEAST 1800.0 /* s of history before and after it, for what is usual */
#define AROUND_MOST  21600.0

/* What was written as JSON becomes a member; what can't be, null. */
static bool take(json_t *root, const char *key, struct json_out *part, bool append)
{
        json_t *value = part->out.failed ? NULL : json_loadb(part->out.buf, part->out.len, 0, NULL);

        json_out_done(part);
        if (!value)
                return false;
        if (append)
                return json_array_append_new(json_object_get(root, key), value) == 0;
        return json_object_set_new(root, key, value) == 0;
}

static bool take_status(const struct api_view *v, json_t *root)
{
        struct json_out part = json_out_of(PART_MAX);

        api_status(v, &part);
        return take(root, "host", &part, false);
}

/* By kind, so that a flood of one leaves the others whole. */
static bool take_events(const struct api_view *v, json_t *root, const struct records *k)
{
        static const enum event_kind kinds[] = {EVENT_RESTART, EVENT_HEALTH_TIMEOUT, EVENT_HEALTH_FAIL,
                EVENT_OOM, EVENT_DEPLOY, EVENT_DIE, EVENT_START, EVENT_STOP, EVENT_CONFIG, EVENT_ACTION,
                EVENT_GAP};

        if (json_object_set_new(root, "events", json_array()) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct api_query q = {.limit = EVENTS,
                        .since_unix_ns = isnan(k->began) ? 0 : (int64_t)(k->began * 1e9),
                        .until_unix_ns = isnan(k->until) ? 0 : (int64_t)((k->until + 1) * 1e9)};
                struct json_out part = json_out_of(PART_MAX);

                snprintf(q.kind, sizeof q.kind, "%s", event_kind_name(kinds[i]));
                api_events(v, &q, &part);
                if (!take(root, "events", &part, true))
                        return false;
        }
        return true;
}

/* A store that can't be read gives no history: the report says so. */
static bool take_history(const struct api_view *v, json_t *root, const struct records *k, const char *service)
{
        double around = fmin(fmax(k->until - k->began, AROUND_LEAST), AROUND_MOST);
        struct json_out part = json_out_of(PART_MAX);
        struct api_query q = {
                .since_unix_ns = (int64_t)(fmax(k->began - around, 1) * 1e9),
                .until_unix_ns = (int64_t)(fmin(k->until + around, fmax(k->now, k->until)) * 1e9),
                .points = POINTS,
        };
        struct error e = {0};

        text_set(q.service, sizeof q.service, service);
        if (api_history(v, &q, &part, &e) < 0) {
                json_out_done(&part);
                return true;
        }
        json_t *list = json_object_get(root, "history");
        return take(root, "history", &part, true) &&
               json_object_set_new(
                       json_array_get(list, json_array_size(list) - 1), "points", json_integer(POINTS)) == 0;
}

/* The host, the culprit, and others that have findings. */
static bool take_histories(const struct api_view *v, json_t *root, const struct records *k)
{
        const char *taken[SERVICES] = {"", answer_raw(k->incident, "culprit")};
        uint32_t n = taken[1][0] ? 2 : 1;
        json_t *one;
        size_t i;

        if (isnan(k->began) || isnan(k->until) || !v->store)
                return true;
        json_array_foreach(k->findings, i, one)
        {
                const char *service = answer_raw(one, "service");
                bool is = false;
                for (uint32_t s = 0; s < n; s++)
                        is |= !strcmp(taken[s], service);
                if (!is && n < SERVICES)
                        taken[n++] = service;
        }
        if (json_object_set_new(root, "history", json_array()) < 0)
                return false;
        for (uint32_t s = 0; s < n; s++)
                if (!take_history(v, root, k, taken[s]))
                        return false;
        return true;
}

/* Only that there is something: it is long, and `incidents --blackbox` shows it. */
static bool take_captures(const struct api_view *v, uint64_t id, json_t *root)
{
        struct api_query q = {.id = id, .limit = CAPTURES};
        struct json_out part = json_out_of(PART_MAX);
        json_t *list = json_array(), *answer, *one;
        struct error e = {0};
        size_t i;

        answer = api_blackbox(v, &q, &part, &e) == 0 && !part.out.failed
                         ? json_loadb(part.out.buf, part.out.len, 0, NULL)
                         : NULL;
        json_out_done(&part);
        json_array_foreach(answer_list(answer, "captures"), i, one)
                json_array_append_new(list, json_pack("{s:O, s:O}", "id", json_object_get(one, "id"),
                                                    "captured_at", json_object_get(one, "captured_at")));
        json_decref(answer);
        return json_object_set_new(root, "blackbox", list) == 0;
}

static int facts(const struct api_view *v, const struct api_query *q, json_t **ret, struct error *e)
{
        struct api_query which = {.id = q->id};
        struct json_out part = json_out_of(PART_MAX);
        char now[CLOCK_RFC3339_SIZE];
        struct records k;

        if (!q->id)
                return error_set(e, -EINVAL, "id: which incident? `sexton incidents` lists them");
        int r = api_incidents(v, &which, &part, e);
        json_t *root = r == 0 && !part.out.failed ? json_loadb(part.out.buf, part.out.len, 0, NULL) : NULL;
        json_out_done(&part);
        if (r < 0)
                return r;
        clock_rfc3339((int64_t)v->now_ns + v->wall_offset_ns, now);
        if (root && json_object_set_new(root, "sexton", json_string(SEXTON_VERSION)) == 0 &&
                json_object_set_new(root, "now", json_string(now)) == 0 && records_read(&k, root) &&
                (!v->board || take_status(v, root)) && take_events(v, root, &k) &&
                take_histories(v, root, &k) && take_captures(v, q->id, root)) {
                *ret = root;
                return 0;
        }
        json_decref(root);
        return error_set(e, -ENOMEM, "there is no memory for the report");
}

static int dump(const char *piece, size_t size, void *o)
{
        out_bytes(o, piece, size);
        return 0;
}

int api_report(const struct api_view *v, const struct api_query *q, struct out *o, struct error *e)
{
        struct document d;
        json_t *root = NULL;
        int n = facts(v, q, &root, e);

        if (n < 0)
                return n;
        if (!strcmp(q->format, "json")) {
                json_dump_callback(root, dump, o, JSON_COMPACT);
                json_decref(root);
                return 0;
        }
        n = report_build(root, &d, e);
        json_decref(root);
        if (n == 0)
                (strcmp(q->format, "html") ? report_markdown : report_html)(&d, o);
        document_done(&d);
        return n;
}
