/* ntfy: a push message to a topic, published as JSON to the server's root.
 */
#include "notify/notifier.h"

static int priority(const struct message *m)
{
        static const int of[] = {[SEVERITY_INFO] = 2, [SEVERITY_WARNING] = 4, [SEVERITY_CRITICAL] = 5};

        return m->resolved || m->job->reason == NOTIFY_TEST ? 3 : of[m->job->severity];
}

static int make(const struct message *m, struct request *r, struct error *e)
{
        struct out prose = out_of(REQUEST_BODY_MAX);
        char title[400];

        request_url(r, m, "/");
        request_header(r, "Content-Type: application/json");
        request_authorize(r, m);
        message_title(m, title, sizeof title);
        message_text(m, &prose);
        json_out_object(&r->body, NULL);
        json_out_text(&r->body, "topic", m->config->topic);
        json_out_text(&r->body, "title", title);
        request_prose(r, "message", &prose);
        json_out_int(&r->body, "priority", priority(m));
        json_out_array(&r->body, "tags");
        json_out_text(&r->body, NULL, m->resolved ? "white_check_mark" : "rotating_light");
        json_out_array_end(&r->body);
        json_out_object_end(&r->body);
        out_done(&prose);
        return 0;
}

/* A proxy's login page is a success too: ntfy answers with the message it has published. */
static bool accepted(const struct response *r, char *ret)
{
        json_t *j = json_loads(r->body, 0, NULL);
        const char *why = json_string_value(json_object_get(j, "error"));
        bool good = json_is_string(json_object_get(j, "id")) && !why;

        if (!good)
                snprintf(ret, JOB_TEXT, "no answer of ntfy: %.150s", why ? why : r->body);
        json_decref(j);
        return good;
}

const struct notifier notifier_ntfy = {.name = "ntfy", .make = make, .accepted = accepted};
