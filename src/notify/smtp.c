/* Mail: headers and a plain text, for libcurl to hand to a mail server.
 */
#include "notify/notifier.h"

#include "base/text.h"

#include <string.h>
#include <time.h>

enum { SUBJECT = 150 };

/* RFC 2047 when it isn't plain ASCII: an encoded word for each piece that fits, of whole characters. */
static void subject(struct out *o, const char *text)
{
        static const char digits[] = "0123456789ABCDEF";
        bool plain = true;

        for (const char *p = text; *p; p++)
                plain &= (unsigned char)*p < 0x80;
        out_text(o, "Subject: ");
        if (plain) {
                out_text(o, text);
                out_text(o, "\r\n");
                return;
        }
        for (const char *p = text; *p;) {
                out_text(o, p == text ? "=?UTF-8?Q?" : "\r\n =?UTF-8?Q?");
                for (int n = 0; *p && (n < 40 || (*p & 0xc0) == 0x80); n++, p++) {
                        unsigned char c = (unsigned char)*p;
                        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
                                out_bytes(o, p, 1);
                        else
                                out_format(o, "=%c%c", digits[c >> 4], digits[c & 15]);
                }
                out_text(o, "?=");
        }
        out_text(o, "\r\n");
}

static void receivers(struct out *o, const char *to)
{
        out_text(o, "To: ");
        for (const char *p = to; *p;) {
                size_t n = strcspn(p, "\n");
                out_bytes(o, p, n);
                p += n + (p[n] == '\n');
                if (*p)
                        out_text(o, ",\r\n ");
        }
        out_text(o, "\r\n");
}

static void body(struct out *o, const struct out *prose)
{
        for (size_t i = 0; i < prose->len; i++) {
                if (prose->buf[i] == '\n')
                        out_text(o, "\r\n");
                else
                        out_bytes(o, prose->buf + i, 1);
        }
}

static int make(const struct message *m, struct request *r, struct error *e)
{
        struct out prose = out_of(REQUEST_BODY_MAX), *o = &r->body.out;
        char title[SUBJECT], date[64];
        time_t now = (time_t)(m->now_ms / 1000);
        struct tm tm;

        r->kind = REQUEST_MAIL;
        request_url(r, m, "");
        message_title(m, title, sizeof title);
        message_text(m, &prose);
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", gmtime_r(&now, &tm));
        out_format(o, "Date: %s\r\nFrom: %s\r\n", date, m->config->from);
        receivers(o, m->config->to);
        subject(o, title);
        out_format(o, "Message-ID: <sexton.%llu.%lld@%s>\r\n", (unsigned long long)m->job->notice,
                (long long)m->job->opened_ms, m->job->host[0] ? m->job->host : "localhost");
        /* mail programs show what belongs together as one conversation */
        out_format(o, "References: <sexton.incident.%llu.%lld@%s>\r\n", (unsigned long long)m->job->incident,
                (long long)m->job->opened_ms, m->job->host[0] ? m->job->host : "localhost");
        out_text(o, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        body(o, &prose);
        r->body.out.failed |= prose.failed;
        out_done(&prose);
        return 0;
}

const struct notifier notifier_smtp = {.name = "smtp", .make = make};
