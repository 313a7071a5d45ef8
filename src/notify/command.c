/* A program of the operator's: gets {"reason","host","notifier","resolved","incident"} on standard input.
 */
#include "notify/notifier.h"

static int make(const struct message *m, struct request *r, struct error *e)
{
        struct json_out *j = &r->body;

        r->kind = REQUEST_COMMAND;
        json_out_object(j, NULL);
        json_out_text(j, "reason", notify_reason_name((enum notify_reason)m->job->reason));
        json_out_text(j, "host", m->job->host);
        json_out_text(j, "notifier", m->config->name);
        json_out_bool(j, "resolved", m->resolved);
        out_text(&j->out, ",\"incident\":");
        out_bytes(&j->out, m->raw, m->raw_len);
        json_out_object_end(j);
        out_text(&j->out, "\n");
        return 0;
}

const struct notifier notifier_command = {.name = "command", .make = make};
