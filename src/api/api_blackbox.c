/* `blackbox`: what was captured of an incident, from the shared memory and from the store; or why nothing
 * was. */
#include "api/api.h"

#include "api/capture_json.h"
#include "base/answer.h"
#include "base/clock.h"
#include "incident/incident.h"
#include "wire/blackbox_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CAPTURES = 64, UNASKED = 10, CAPTURE_DOCUMENT = STORE_JSON_MAX };

/* Signs and steps that belong to an incident come some time before it is opened and after it is over. */
#define BEFORE_NS (120 * (int64_t)NSEC_PER_SEC)
#define AFTER_NS  (60 * (int64_t)NSEC_PER_SEC)
/* A reason may be added to a capture so long after that began. */
#define ADDED_MS (INT64_C(600) * 1000)

struct found {
        int64_t id;
        char *json;
        size_t len;
};

struct search {
        const struct incident *incident; /* NULL: all captures */
        int64_t from_ns, to_ns;
        struct found found[CAPTURES]; /* the newest first */
        uint32_t count;
        bool no_memory;
};

/* ---- does it belong to the incident? ---- */

static bool is_of_finding(const struct incident *n, json_t *reason, const char *service)
{
        const char *what = answer_raw(reason, "what");

        for (uint32_t i = 0; i < n->findings; i++)
                if (!strcmp(n->finding[i].is.detector, what) &&
                        !strcmp(n->finding[i].is.service_name, service))
                        return true;
        return false;
}

/* Done to a service that takes part; or because of one of its findings, whose numbers begin anew only with
 * all of Sexton. */
static bool is_of_action(const struct incident *n, json_t *reason, const char *service)
{
        json_int_t finding = json_integer_value(answer_at(reason, "finding"));

        if (*service && (incident_concerns(n, service) || !strcmp(n->said.culprit, service) ||
                                (n->worst && !strcmp(n->worst->culprit, service))))
                return true;
        for (uint32_t i = 0; i < n->findings && finding; i++)
                if (n->finding[i].is.id == finding)
                        return true;
        return false;
}

static bool belongs(const struct search *s, json_t *capture)
{
        json_t *reason;
        size_t i;

        json_array_foreach(answer_list(capture, "reasons"), i, reason)
        {
                const char *service = answer_raw(reason, "service");
                int64_t at;
                if (!s->incident)
                        return true;
                if (!clock_parse_rfc3339(answer_raw(reason, "time"), &at) || at < s->from_ns || at > s->to_ns)
                        continue;
                bool action = !strcmp(answer_raw(reason, "cause"), "action");
                if (action ? is_of_action(s->incident, reason, service)
                           : is_of_finding(s->incident, reason, service))
                        return true;
        }
        return false;
}

/* ---- finding them ---- */

static void keep(struct search *s, const char *json, size_t len)
{
        json_t *capture = json_loadb(json, len, 0, NULL);
        int64_t id = json_integer_value(answer_at(capture, "id"));
        bool is_wanted = capture && belongs(s, capture);
        uint32_t at = 0;

        json_decref(capture);
        if (!is_wanted)
                return;
        while (at < s->count && s->found[at].id > id)
                at++;
        if ((at < s->count && s->found[at].id == id) || at == CAPTURES)
                return; /* the shared memory's is as new or newer, and was taken first */
        char *copy = malloc(len ? len : 1);
        if (!copy) {
                s->no_memory = true;
                return;
        }
        memcpy(copy, json, len);
        if (s->count == CAPTURES)
                free(s->found[--s->count].json);
        memmove(&s->found[at + 1], &s->found[at], (s->count - at) * sizeof s->found[0]);
        s->found[at] = (struct found){.id = id, .json = copy, .len = len};
        s->count++;
}

static void look_into_memory(struct search *s, const struct blackbox *box)
{
        struct capture *c = box ? malloc(sizeof *c) : NULL;
        uint32_t sequence;

        s->no_memory |= box && !c;
        for (uint32_t i = 0; c && i < BLACKBOX_SLOTS; i++) {
                struct json_out j = json_out_of(CAPTURE_DOCUMENT);
                if (!blackbox_read(box, i, c, &sequence))
                        continue;
                capture_json(c, &j);
                if (!j.out.failed)
                        keep(s, j.out.buf, j.out.len);
                s->no_memory |= j.out.failed;
                json_out_done(&j);
        }
        free(c);
}

static int stored(void *ctx, const struct store_document *d)
{
        keep(ctx, d->json, d->len);
        return 0;
}

static int64_t ms(int64_t ns)
{
        return ns / (int64_t)NSEC_PER_MSEC;
}

/* 0, or -EIO when the disk can't be read. */
static int look(struct search *s, const struct api_view *v)
{
        struct store_filter f = {.limit = CAPTURES};

        look_into_memory(s, v->blackbox);
        if (s->incident) {
                f.from_ms = ms(s->from_ns) - ADDED_MS;
                f.to_ms = ms(s->to_ns) + 1;
        }
        int r = v->store ? store_documents(v->store, STORE_CAPTURE, &f, stored, s) : 0;
        return MIN(r, 0);
}

/* ---- the answer ---- */

static void why_none(const struct api_view *v, const struct search *s, int disk, char *text, size_t size)
{
        const struct incident *n = s->incident;
        uint64_t given_up = v->blackbox ? v->blackbox->given_up : 0;

        if (s->no_memory)
                snprintf(text, size, "there is no memory for them now");
        else if (disk < 0)
                snprintf(text, size, "the disk can't be read now");
        else if (!v->blackbox)
                snprintf(text, size, "there is no black box in this process");
        else if (!n)
                snprintf(text, size, "nothing has become critical and nothing has been done so far");
        else if (n->merged_into)
                snprintf(text, size, "it became part of incident %" PRIu64 ": ask for that one",
                        n->merged_into);
        else if (n->severity_peak < SEVERITY_CRITICAL)
                snprintf(text, size,
                        "it never was critical, and nothing was done to its services: only then is anything "
                        "captured");
        else
                snprintf(text, size,
                        "what was captured of it is not kept any more, or it became critical while Sexton "
                        "was "
                        "not running; %" PRIu64 " captures gave way before they were on disk",
                        given_up);
}

static void answer(const struct api_view *v, struct search *s, uint32_t limit, int disk, struct json_out *j)
{
        char text[200];

        json_out_object(j, NULL);
        if (s->incident)
                json_out_int(j, "incident", (int64_t)s->incident->id);
        else
                json_out_null(j, "incident");
        json_out_array(j, "captures");
        for (uint32_t i = MIN(s->count, limit); i-- > 0;)
                json_out_raw(j, NULL, s->found[i].json, s->found[i].len);
        json_out_array_end(j);
        json_out_int(j, "captures_left_out", s->count - MIN(s->count, limit));
        if (!s->count)
                why_none(v, s, disk, text, sizeof text);
        json_out_text(j, "why_none", s->count ? NULL : text);
        json_out_count(j, "given_up", v->blackbox ? v->blackbox->given_up : BOARD_UNKNOWN);
        json_out_object_end(j);
}

int api_blackbox(const struct api_view *v, const struct api_query *q, struct json_out *j, struct error *e)
{
        cleanup_incident struct incident *n = NULL;
        struct search s = {0};
        int r = q->id ? v->book ? book_get(v->book, q->id, &n) : -ENOENT : 0;

        if (r == -ENOENT)
                return error_set(e, r, "there is no incident %" PRIu64, q->id);
        if (r < 0)
                return error_set(e, r, "incident %" PRIu64 " can't be read: %s", q->id, strerror(-r));
        if (n) {
                int64_t now = (int64_t)v->now_ns + v->wall_offset_ns;
                s.incident = n;
                s.from_ns = n->opened_unix_ns - BEFORE_NS;
                s.to_ns = (n->open ? MAX(now, n->opened_unix_ns) : n->resolved_unix_ns) + AFTER_NS;
        }
        int disk = look(&s, v);
        answer(v, &s, q->limit ? q->limit : n ? CAPTURES : UNASKED, disk, j);
        while (s.count)
                free(s.found[--s.count].json);
        return 0;
}
