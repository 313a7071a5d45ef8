/* What all answers share: the view, the query. See api.h. */
#include "api/api.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int api_view_init(struct api_view *v, const struct board *snapshot, const struct history *history,
        const struct book *book, uint64_t now_ns, int64_t wall_offset_ns)
{
        *v = (struct api_view){.board = snapshot,
                .history = history,
                .book = book,
                .now_ns = now_ns,
                .wall_offset_ns = wall_offset_ns};
        return snapshot ? view_index_init(&v->index, snapshot) : 0;
}

void api_view_done(struct api_view *v)
{
        view_index_done(&v->index);
}

/* ---- the query ---- */

static int set_text(char *to, size_t size, const char *value, struct error *e)
{
        if (!text_set(to, size, value))
                return error_set(e, -EINVAL, "too long: %zu bytes at most", size - 1);
        return 0;
}

static int set_number(uint64_t *to, uint64_t max, const char *value, struct error *e)
{
        const char *p = value;
        uint64_t n;

        if (!text_u64(&p, &n) || *p || n > max)
                return error_set(e, -EINVAL, "wants a whole number of at most %llu", (unsigned long long)max);
        *to = n;
        return 0;
}

/* "90s", "10m", "2h", "1d" ago */
static bool ago(const char *text, int64_t now_unix_ns, int64_t *ret_unix_ns)
{
        static const struct {
                char unit;
                uint64_t seconds;
        } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
        const char *p = text;
        uint64_t n;

        if (!text_u64(&p, &n) || n > 100000000)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (p[0] == units[i].unit && p[1] == '\0') {
                        uint64_t seconds = MIN(n * units[i].seconds, (uint64_t)3000000000);
                        *ret_unix_ns = now_unix_ns - (int64_t)(seconds * NSEC_PER_SEC);
                        return true;
                }
        return false;
}

static const char *const states[] = {"open", "resolved", NULL};
static const char *const formats[] = {"markdown", "html", "json", NULL};

static int set_word(char *to, size_t size, const char *value, const char *const *words, const char *wanted,
        struct error *e)
{
        for (; *words; words++)
                if (!strcmp(*words, value))
                        return set_text(to, size, value, e);
        return error_set(e, -EINVAL, "wants %s", wanted);
}

/* Of events or of zombies: who mistypes one must not read that there is none. */
static int set_kind(char *to, size_t size, const char *value, struct error *e)
{
        char known[300] = "";
        size_t n = 0;

        for (int i = 0; i < EVENT_KINDS + ZOMBIE_LEADER + 1; i++) {
                const char *name = i < EVENT_KINDS ? event_kind_name((enum event_kind)i)
                                                   : zombie_kind_name((enum zombie_kind)(i - EVENT_KINDS));
                if (name && !strcmp(name, value))
                        return set_text(to, size, value, e);
                if (name && n < sizeof known)
                        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? " " : "", name);
        }
        return error_set(e, -EINVAL, "wants one of %s", known);
}

static int set_time(int64_t *to, const char *value, int64_t now_unix_ns, struct error *e)
{
        if (clock_parse_rfc3339(value, to) || ago(value, now_unix_ns, to))
                return 0;
        return error_set(e, -EINVAL, "wants a time such as 2026-11-23T21:30:00Z or an age such as 10m");
}

/* Those that are a text or a time and nothing more. */
static const struct plain {
        const char *name;
        size_t offset, size; /* of the text; 0 = a time */
} plain[] = {
#define TEXT(name)                                                                                           \
        {                                                                                                    \
#name, offsetof(struct api_query, name), sizeof(((struct api_query *)NULL)->name)            \
        }
        TEXT(service),
        TEXT(subject),
        TEXT(command),
#undef TEXT
        {"since", offsetof(struct api_query, since_unix_ns), 0},
        {"from", offsetof(struct api_query, since_unix_ns), 0},
        {"until", offsetof(struct api_query, until_unix_ns), 0},
        {"to", offsetof(struct api_query, until_unix_ns), 0},
};

static const struct plain *find_plain(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
                if (!strcmp(plain[i].name, name))
                        return &plain[i];
        return NULL;
}

int api_query_set(
        struct api_query *q, const char *name, const char *value, int64_t now_unix_ns, struct error *e)
{
        uint64_t limit = 0, number = 0;
        int r;

        if (!value)
                value = "";
        const struct plain *p = find_plain(name);
        if (p && p->size) {
                r = set_text((char *)q + p->offset, p->size, value, e);
        } else if (p) {
                int64_t time = 0;
                r = set_time(&time, value, now_unix_ns, e);
                memcpy((char *)q + p->offset, &time, sizeof time);
        } else if (!strcmp(name, "kind")) {
                r = *value ? set_kind(q->kind, sizeof q->kind, value, e) : 0;
        } else if (!strcmp(name, "points")) {
                r = set_number(&number, STORE_POINTS, value, e);
                q->points = (uint32_t)number;
        } else if (!strcmp(name, "after")) {
                r = set_number(&q->after, UINT64_MAX, value, e);
        } else if (!strcmp(name, "id")) {
                r = set_number(&q->id, INT64_MAX, value, e);
                if (r == 0 && q->id == 0)
                        r = error_set(e, -EINVAL, "numbers begin with 1");
        } else if (!strcmp(name, "state")) {
                r = set_word(q->state, sizeof q->state, value, states, "open or resolved", e);
        } else if (!strcmp(name, "format")) {
                r = set_word(q->format, sizeof q->format, value, formats, "markdown, html or json", e);
        } else if (!strcmp(name, "holder")) {
                r = set_number(&number, INT32_MAX, value, e);
                q->holder = (int32_t)number;
        } else if (!strcmp(name, "summary")) {
                r = set_number(&number, 1, value, e);
                q->summary = number;
        } else if (!strcmp(name, "limit")) {
                r = set_number(&limit, BOARD_PROCESSES, value, e);
                q->limit = (uint32_t)limit;
                if (r == 0 && limit == 0)
                        r = error_set(e, -EINVAL, "must be at least 1");
        } else {
                char shown[64];
                text_printable(shown, sizeof shown, name, strlen(name));
                return error_set(e, -EINVAL,
                        "unknown parameter %s; there are service, kind, command, subject, since, until, "
                        "from, to, points, after, id, state, "
                        "format, limit, "
                        "holder and summary",
                        shown);
        }
        if (r < 0)
                error_wrap(e, "%s", name);
        return r;
}
