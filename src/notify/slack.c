/* Slack's incoming webhook, and what understands the same (Mattermost, Rocket.Chat).
 */
#include "notify/notifier.h"

#include <string.h>

/* Slack's markup begins with these three; the rest is plain. */
static void escape(struct out *o, const char *s, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (s[i] == '&')
                        out_text(o, "&amp;");
                else if (s[i] == '<')
                        out_text(o, "&lt;");
                else if (s[i] == '>')
                        out_text(o, "&gt;");
                else
                        out_bytes(o, s + i, 1);
        }
}

static int make(const struct message *m, struct request *r, struct error *e)
{
        struct out prose = out_of(REQUEST_BODY_MAX), safe = out_of(REQUEST_BODY_MAX);

        request_url(r, m, "");
        request_header(r, "Content-Type: application/json");
        message_text(m, &prose);
        if (prose.buf)
                escape(&safe, prose.buf, prose.len);
        json_out_object(&r->body, NULL);
        request_prose(r, "text", &safe);
        json_out_object_end(&r->body);
        r->body.out.failed |= prose.failed || safe.failed;
        out_done(&prose);
        out_done(&safe);
        return 0;
}

/* Slack says "ok"; some errors come with status 200 ("no_service"). */
static bool accepted(const struct response *r, char *ret)
{
        if (!strcmp(r->body, "ok") || !*r->body || strstr(r->body, "\"ok\":true"))
                return true;
        snprintf(ret, JOB_TEXT, "Slack doesn't say \"ok\" but: %.150s", r->body);
        return false;
}

const struct notifier notifier_slack = {.name = "slack", .make = make, .accepted = accepted};
