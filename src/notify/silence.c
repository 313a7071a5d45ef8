/* When not to tell: silences and quiet hours. */
#include "notify/policy.h"

#include "base/json_out.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void keep(struct policy *p, const struct silence *s)
{
        struct json_out j = json_out_of(4096);
        char id[24];

        json_out_object(&j, NULL);
        json_out_count(&j, "number", s->number);
        json_out_bytes(&j, "service", s->service, sizeof s->service);
        json_out_bytes(&j, "comment", s->comment, sizeof s->comment);
        json_out_int(&j, "created_ms", s->created_ms);
        json_out_int(&j, "until_ms", s->until_ms);
        json_out_object_end(&j);
        snprintf(id, sizeof id, "%llu", (unsigned long long)s->number);
        if (!j.out.failed)
                p->ops.put(p->ops.ctx, "silence", id, true, "", s->created_ms, j.out.buf, j.out.len);
        json_out_done(&j);
}

int policy_silence(struct policy *p, const char *service, double seconds, const char *comment,
        struct policy_now now, uint64_t *ret, struct error *e)
{
        if (p->silences == POLICY_SILENCES)
                return error_set(e, -ENOSPC, "there are %d silences already; remove one", POLICY_SILENCES);
        struct silence *s = &p->silence[p->silences];
        *s = (struct silence){.number = ++p->next_number,
                .created_ms = now.unix_ms,
                .until_ms = now.unix_ms + (int64_t)(seconds * 1000)};
        if (!text_set(s->service, sizeof s->service, service) ||
                !text_set(s->comment, sizeof s->comment, comment))
                return error_set(e, -ENAMETOOLONG,
                        "the service or the comment is too long: %zu bytes at most", sizeof s->service - 1);
        p->silences++;
        keep(p, s);
        *ret = s->number;
        return 0;
}

static void end(struct policy *p, uint32_t i)
{
        char id[24];

        snprintf(id, sizeof id, "%llu", (unsigned long long)p->silence[i].number);
        p->ops.remove(p->ops.ctx, "silence", id);
        memmove(&p->silence[i], &p->silence[i + 1], (--p->silences - i) * sizeof p->silence[0]);
}

int policy_unsilence(struct policy *p, uint64_t number, struct policy_now now, struct error *e)
{
        for (uint32_t i = 0; i < p->silences; i++)
                if (p->silence[i].number == number) {
                        end(p, i);
                        return 0;
                }
        return error_set(e, -ENOENT, "there is no silence %llu; sexton silence lists them",
                (unsigned long long)number);
}

void silence_expire(struct policy *p, struct policy_now now)
{
        for (uint32_t i = p->silences; i-- > 0;)
                if (p->silence[i].until_ms <= now.unix_ms)
                        end(p, i);
}

int silence_restore(struct policy *p, json_t *j)
{
        const char *service = json_string_value(json_object_get(j, "service"));
        const char *comment = json_string_value(json_object_get(j, "comment"));
        struct silence s = {.number = (uint64_t)json_integer_value(json_object_get(j, "number")),
                .created_ms = json_integer_value(json_object_get(j, "created_ms")),
                .until_ms = json_integer_value(json_object_get(j, "until_ms"))};

        if (!service || !s.number || p->silences == POLICY_SILENCES)
                return -EINVAL;
        text_set(s.service, sizeof s.service, service);
        text_set(s.comment, sizeof s.comment, comment ? comment : "");
        p->silence[p->silences++] = s;
        p->next_number = MAX(p->next_number, s.number);
        return 0;
}

bool policy_is_silenced(const struct policy *p, const char *services, int64_t unix_ms)
{
        char name[128];

        for (const char *s = services; p->silences;) {
                size_t n = strcspn(s, "\n");
                text_copy(name, sizeof name, s, n);
                for (uint32_t i = 0; i < p->silences; i++)
                        if (p->silence[i].until_ms > unix_ms && text_glob(p->silence[i].service, name))
                                return true;
                if (!s[n])
                        break;
                s += n + 1;
        }
        return false;
}

bool policy_is_quiet(const struct policy *p, enum severity severity, int64_t unix_ms)
{
        time_t t = (time_t)(unix_ms / 1000);
        struct tm tm;

        if (p->quiet.from == p->quiet.to || severity >= p->quiet.min_severity || !localtime_r(&t, &tm))
                return false;
        int minute = tm.tm_hour * 60 + tm.tm_min, day = tm.tm_wday;
        bool over_midnight = p->quiet.from > p->quiet.to;
        bool inside = over_midnight ? minute >= p->quiet.from || minute < p->quiet.to
                                    : minute >= p->quiet.from && minute < p->quiet.to;
        /* the morning belongs to the day before, on which they began */
        if (over_midnight && minute < p->quiet.to)
                day = (day + 6) % 7;
        return inside && (p->quiet.days >> day & 1);
}
