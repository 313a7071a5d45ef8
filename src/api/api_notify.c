/* `notify`: the notifiers, how they fare and what waits for them; `silences`. */
#include "api/api.h"

#include "base/clock.h"
#include "model/names.h"
#include "notify/policy.h"

static void time_ms(struct json_out *j, const char *key, int64_t unix_ms)
{
        char text[CLOCK_RFC3339_SIZE];

        json_out_text(j, key, unix_ms ? clock_rfc3339(unix_ms * (int64_t)NSEC_PER_MSEC, text) : NULL);
}

static const char *outcome_name(uint32_t outcome)
{
        return outcome == OUTCOME_DELIVERED ? "delivered" : "failed";
}

static void test(const struct policy_test *t, struct json_out *j)
{
        if (!t->number) {
                json_out_null(j, "test");
                return;
        }
        json_out_object(j, "test");
        json_out_count(j, "id", t->number);
        json_out_bool(j, "done", t->done);
        if (t->done) {
                json_out_text(j, "outcome", outcome_name(t->result.outcome));
                json_out_int(j, "status", t->result.status);
                json_out_text(j, "text", t->result.text);
                json_out_number(j, "seconds", t->result.took_ms / 1e3);
        }
        json_out_object_end(j);
}

static void notifier(const struct policy_notifier *n, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_text(j, "name", n->config.name);
        json_out_text(j, "type", n->config.type);
        json_out_text(j, "state", n->last_error[0] ? "failing" : n->last_delivered_ms ? "ok" : "unused");
        json_out_int(j, "queue", n->queued);
        for (int f = 0; f < FATES; f++)
                json_out_count(j, policy_fate_name((enum policy_fate)f), n->fate[f]);
        time_ms(j, "last_delivered_at", n->last_delivered_ms);
        json_out_text_or_null(j, "last_error", n->last_error);
        time_ms(j, "last_error_at", n->last_error_ms);
        json_out_text(j, "min_severity", severity_name((uint8_t)n->config.min_severity));
        json_out_number(j, "repeat", n->config.repeat);
        json_out_bool(j, "send_resolved", n->config.send_resolved);
        test(&n->test, j);
        json_out_object_end(j);
}

void api_notifiers(const struct policy *p, int64_t now_ms, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_array(j, "notifiers");
        for (uint32_t i = 0; p && i < p->notifiers; i++)
                notifier(&p->notifier[i], j);
        json_out_array_end(j);
        bool quiet = p && policy_is_quiet(p, SEVERITY_INFO, now_ms);
        json_out_bool(j, "quiet", quiet);
        json_out_text(j, "quiet_below", quiet ? severity_name((uint8_t)p->quiet.min_severity) : NULL);
        json_out_int(j, "silences", p ? p->silences : 0);
        json_out_object_end(j);
}

void api_silences(const struct policy *p, uint64_t added, int64_t now_ms, struct json_out *j)
{
        json_out_object(j, NULL);
        if (added)
                json_out_count(j, "id", added);
        json_out_array(j, "silences");
        for (uint32_t i = 0; p && i < p->silences; i++) {
                const struct silence *s = &p->silence[i];
                if (s->until_ms <= now_ms)
                        continue;
                json_out_object(j, NULL);
                json_out_count(j, "id", s->number);
                json_out_bytes(j, "service", s->service, sizeof s->service);
                json_out_bytes(j, "comment", s->comment, sizeof s->comment);
                time_ms(j, "created_at", s->created_ms);
                time_ms(j, "until", s->until_ms);
                json_out_number(j, "remaining", (double)(s->until_ms - now_ms) / 1e3);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_object_end(j);
}
