/* The table of notifiers, and what they share: see notifier.h. */
#include "notify/notifier.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

extern const struct notifier notifier_webhook, notifier_alertmanager, notifier_pagerduty, notifier_ntfy,
        notifier_slack, notifier_smtp, notifier_command;

const struct notifier *const notifiers[] = {
        &notifier_webhook,
        &notifier_alertmanager,
        &notifier_pagerduty,
        &notifier_ntfy,
        &notifier_slack,
        &notifier_smtp,
        &notifier_command,
};
const size_t notifiers_count = ARRAY_SIZE(notifiers);

const struct notifier *notifier_find(const char *type)
{
        for (size_t i = 0; i < notifiers_count; i++)
                if (!strcmp(notifiers[i]->name, type))
                        return notifiers[i];
        return NULL;
}

/* ---- requests ---- */

void request_done(struct request *r)
{
        for (uint32_t i = 0; i < r->headers; i++)
                free(r->header[i]);
        json_out_done(&r->body);
        *r = (struct request){0};
}

void request_header(struct request *r, const char *fmt, ...)
{
        va_list ap;
        char *text;

        va_start(ap, fmt);
        int n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0 || r->headers == REQUEST_HEADERS) {
                r->body.out.failed = true;
                if (n >= 0)
                        free(text);
                return;
        }
        /* a line break in what others wrote would begin a header of theirs */
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = ' ';
        r->header[r->headers++] = text;
}

void request_authorize(struct request *r, const struct message *m)
{
        for (const char *p = m->config->headers; *p;) {
                size_t n = strcspn(p, "\n");
                request_header(r, "%.*s", (int)n, p);
                p += n + (p[n] == '\n');
        }
        if (m->secret && !m->config->secret_is_url && !m->config->username[0])
                request_header(r, "Authorization: Bearer %s", m->secret);
}

void request_url(struct request *r, const struct message *m, const char *path)
{
        const char *url = m->config->secret_is_url && m->secret ? m->secret : m->config->url;
        size_t n = strlen(url), end = strlen(path);

        if (end && n >= end && !strcmp(url + n - end, path))
                path = "";
        else if (end && n && url[n - 1] == '/')
                n--;
        snprintf(r->url, sizeof r->url, "%.*s%s", (int)n, url, path);
}

void request_prose(struct request *r, const char *key, const struct out *text)
{
        struct json_out *j = &r->body;
        const char *p = text->buf;

        out_format(&j->out, "%s\"%s\":\"", j->comma ? "," : "", key);
        for (size_t i = 0; i < text->len; i++) {
                if (p[i] == '\n')
                        out_text(&j->out, "\\n");
                else if (p[i] == '"' || p[i] == '\\')
                        out_format(&j->out, "\\%c", p[i]);
                else
                        out_bytes(&j->out, p + i, 1);
        }
        out_text(&j->out, "\"");
        j->out.failed |= text->failed;
        j->comma = true;
}

/* ---- words ---- */

const char *message_member(const struct message *m, const char *key, char *buf, size_t size)
{
        json_t *j = json_object_get(m->incident, key);

        if (json_is_string(j))
                text_printable(buf, size, json_string_value(j), json_string_length(j));
        else
                *buf = '\0';
        return buf;
}

const char *message_time(int64_t unix_ms, char *buf)
{
        return clock_rfc3339(unix_ms * (int64_t)NSEC_PER_MSEC, buf);
}

void message_title(const struct message *m, char *buf, size_t size)
{
        char title[300], service[160], host[80];

        message_member(m, "title", title, sizeof title);
        text_printable(service, sizeof service, m->job->service, strlen(m->job->service));
        text_printable(host, sizeof host, m->job->host, strlen(m->job->host));
        const char *state = m->job->reason == NOTIFY_TEST ? "test"
                            : m->resolved                 ? "resolved"
                                                          : severity_name((uint8_t)m->job->severity);
        if (service[0])
                snprintf(buf, size, "%s: %s (%s on %s)", state, title, service, host);
        else
                snprintf(buf, size, "%s: %s (%s)", state, title, host);
}

static void line(struct out *o, const char *what, const char *text)
{
        if (*text)
                out_format(o, "%s%s\n", what, text);
}

/* Each remedy once: several findings may advise the same. */
static void findings(const struct message *m, struct out *o)
{
        json_t *one, *list = json_object_get(m->incident, "findings");
        char text[300];
        size_t i;

        json_array_foreach(list, i, one)
        {
                json_t *t = json_object_get(one, "text");
                if (i == 5) {
                        out_format(o, "- and %zu more\n", json_array_size(list) - i);
                        break;
                }
                if (!json_is_string(t))
                        continue;
                text_printable(text, sizeof text, json_string_value(t), json_string_length(t));
                line(o, "- ", text);
        }
        one = json_object_get(json_array_get(list, 0), "remedy");
        if (json_is_string(one)) {
                text_printable(text, sizeof text, json_string_value(one), json_string_length(one));
                line(o, "What to do: ", text);
        }
}

void message_text(const struct message *m, struct out *o)
{
        char text[400], when[CLOCK_RFC3339_SIZE];

        message_title(m, text, sizeof text);
        line(o, "", text);
        line(o, "Opened: ", message_time(m->job->opened_ms, when));
        if (m->resolved && m->job->resolved_ms)
                line(o, "Resolved: ", message_time(m->job->resolved_ms, when));
        line(o, "Verdict: ", message_member(m, "verdict", text, sizeof text));
        line(o, "Culprit: ", message_member(m, "culprit", text, sizeof text));
        findings(m, o);
        if (m->job->reason != NOTIFY_TEST)
                out_format(o, "More: sexton why %llu\n", (unsigned long long)m->job->incident);
}
