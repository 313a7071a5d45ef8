/* Alertmanager's API v2. An alert is known by its labels, so they stay the same while an incident lasts, but
 * for the severity: when that changes, the alert with the old one is ended in the same request. An open
 * alert ends by itself some while after the next repetition is due: if Sexton is gone, it doesn't stay
 * forever.
 */
#include "notify/notifier.h"

#include "base/clock.h"
#include "model/names.h"

#include <stdio.h>
#include <string.h>

enum { LASTS_REPEATS = 3, LASTS_MIN_S = 180, LASTS_UNREPEATED_S = 86400 };

static void alert(const struct message *m, uint32_t severity, int64_t ends_ms, struct json_out *j)
{
        char number[24], text[600], when[CLOCK_RFC3339_SIZE];
        const struct job *job = m->job;

        snprintf(number, sizeof number, "%llu", (unsigned long long)job->incident);
        json_out_object(j, NULL);
        json_out_object(j, "labels");
        json_out_text(j, "alertname", job->reason == NOTIFY_TEST ? "SextonTest" : "SextonIncident");
        json_out_text(j, "incident", number);
        json_out_text(j, "instance", job->host);
        json_out_text(j, "severity", severity_name((uint8_t)severity));
        if (job->service[0])
                json_out_bytes(j, "service", job->service, sizeof job->service);
        if (json_is_true(json_object_get(m->incident, "drill")))
                json_out_text(j, "drill", "true");
        json_out_object_end(j);
        json_out_object(j, "annotations");
        json_out_text(j, "summary", message_member(m, "title", text, sizeof text));
        if (*message_member(m, "verdict", text, sizeof text))
                json_out_text(j, "description", text);
        if (*message_member(m, "culprit", text, sizeof text))
                json_out_text(j, "culprit", text);
        json_out_object_end(j);
        json_out_text(j, "startsAt", message_time(job->opened_ms, when));
        json_out_text(j, "endsAt", message_time(ends_ms, when));
        json_out_object_end(j);
}

static int make(const struct message *m, struct request *r, struct error *e)
{
        const struct job *job = m->job;
        double lasts = job->repeat > 0 ? job->repeat * LASTS_REPEATS : LASTS_UNREPEATED_S;
        int64_t ends = m->now_ms + (int64_t)((lasts > LASTS_MIN_S ? lasts : LASTS_MIN_S) * 1000);

        request_url(r, m, "/api/v2/alerts");
        request_header(r, "Content-Type: application/json");
        request_authorize(r, m);
        json_out_array(&r->body, NULL);
        if (m->resolved) {
                ends = job->resolved_ms > job->opened_ms ? job->resolved_ms : m->now_ms;
                alert(m, job->severity_before, ends, &r->body);
        } else {
                if (job->severity_before != job->severity)
                        alert(m, job->severity_before, m->now_ms, &r->body);
                alert(m, job->severity, ends, &r->body);
        }
        json_out_array_end(&r->body);
        return 0;
}

const struct notifier notifier_alertmanager = {.name = "alertmanager", .keeps_state = true, .make = make};
