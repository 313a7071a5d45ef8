/* PagerDuty's Events API v2: one incident there for one of ours, by its deduplication key.
 */
#include "notify/notifier.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/names.h"

#include <string.h>

static const char default_url[] = "https://events.pagerduty.com/v2/enqueue";

static void payload(const struct message *m, struct request *r)
{
        struct json_out *j = &r->body;
        char text[600], when[CLOCK_RFC3339_SIZE];

        message_title(m, text, sizeof text);
        json_out_object(j, "payload");
        json_out_text(j, "summary", text);
        json_out_text(j, "source", m->job->host);
        json_out_text(j, "severity", severity_name((uint8_t)m->job->severity));
        json_out_text(j, "timestamp", message_time(m->job->opened_ms, when));
        json_out_text_or_null(j, "component", m->job->service);
        json_out_text(j, "class", "incident");
        json_out_object(j, "custom_details");
        json_out_bool(j, "drill", json_is_true(json_object_get(m->incident, "drill")));
        json_out_text_or_null(j, "culprit", message_member(m, "culprit", text, sizeof text));
        json_out_text_or_null(j, "verdict", message_member(m, "verdict", text, sizeof text));
        struct out prose = out_of(REQUEST_BODY_MAX);
        message_text(m, &prose);
        request_prose(r, "text", &prose);
        out_done(&prose);
        json_out_object_end(j);
        json_out_object_end(j);
}

static int make(const struct message *m, struct request *r, struct error *e)
{
        char key[200];

        if (m->config->url[0])
                request_url(r, m, "");
        else
                text_set(r->url, sizeof r->url, default_url);
        /* the notice's number makes the key of a test its own */
        snprintf(key, sizeof key, "sexton-%s-%s%llu", m->job->host,
                m->job->reason == NOTIFY_TEST ? "test-" : "",
                (unsigned long long)(m->job->reason == NOTIFY_TEST ? m->job->notice : m->job->incident));
        request_header(r, "Content-Type: application/json");
        json_out_object(&r->body, NULL);
        json_out_text(&r->body, "routing_key", m->secret);
        json_out_text(&r->body, "event_action", m->resolved ? "resolve" : "trigger");
        json_out_text(&r->body, "dedup_key", key);
        json_out_text(&r->body, "client", "Sexton");
        if (!m->resolved)
                payload(m, r);
        json_out_object_end(&r->body);
        return 0;
}

static bool accepted(const struct response *r, char *ret)
{
        json_t *j = json_loads(r->body, 0, NULL);
        const char *status = json_string_value(json_object_get(j, "status"));
        const char *why = json_string_value(json_object_get(j, "message"));
        bool good = status && !strcmp(status, "success");

        if (!good)
                snprintf(ret, JOB_TEXT, "PagerDuty doesn't say \"success\": %.150s", why ? why : r->body);
        json_decref(j);
        return good;
}

const struct notifier notifier_pagerduty = {
        .name = "pagerduty", .keeps_state = true, .make = make, .accepted = accepted};
