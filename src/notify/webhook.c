/* A generic webhook: POSTs the incident as `sexton incidents --json` lists it. Why it is sent stands in
 * headers, so that the body is the documented object and nothing else.
 */
#include "notify/notifier.h"

static int make(const struct message *m, struct request *r, struct error *e)
{
        request_url(r, m, "");
        request_header(r, "Content-Type: application/json");
        request_header(r, "X-Sexton-Reason: %s", notify_reason_name((enum notify_reason)m->job->reason));
        request_header(r, "X-Sexton-Host: %s", m->job->host);
        /* the same for every attempt of one notice: a receiver can tell a repetition */
        request_header(r, "X-Sexton-Notice: %llu", (unsigned long long)m->job->notice);
        request_authorize(r, m);
        out_bytes(&r->body.out, m->raw, m->raw_len);
        return 0;
}

const struct notifier notifier_webhook = {.name = "webhook", .make = make};
