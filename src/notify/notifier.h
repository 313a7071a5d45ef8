/* Notifiers: ways to tell a person, one file each. A notifier turns an incident and the reason for telling
 * into a request, and reads the answer where its far side says "no" in other ways than by the status. It does
 * no input or output itself: sending is the courier's.
 */
#pragma once

#include "base/error.h"
#include "base/json_out.h"
#include "config/config.h"
#include "notify/job.h"

#include <jansson.h>

enum { REQUEST_HEADERS = 16, REQUEST_BODY_MAX = 256 << 10 };

/* What to tell. */
struct message {
        const struct notify_config *config;
        const char *secret; /* NULL = none */
        const struct job *job;
        json_t *incident; /* an object */
        const char *raw;  /* its text, raw_len bytes */
        size_t raw_len;
        bool resolved;
        int64_t now_ms; /* Unix time */
};

enum request_kind { REQUEST_HTTP, REQUEST_MAIL, REQUEST_COMMAND };

/* What to send. Everything is owned by it. */
struct request {
        enum request_kind kind;
        char url[512];
        char *header[REQUEST_HEADERS]; /* "Name: value" */
        uint32_t headers;
        struct json_out body; /* of HTTP, the mail, or a program's standard input */
};
void request_done(struct request *r);
void request_header(struct request *r, const char *fmt, ...) printf_like(2, 3);
/* The headers of the configuration, and its token as bearer. */
void request_authorize(struct request *r, const struct message *m);
/* The configured url, or the secret when that holds it, with `path` behind it unless it ends so. */
void request_url(struct request *r, const struct message *m, const char *path);
/* A member of several lines, already printable (json_out shows line breaks as \x0a). */
void request_prose(struct request *r, const char *key, const struct out *text);

struct response {
        int status;
        const char *body; /* NUL-terminated, cut */
};

struct notifier {
        const char *name;
        bool keeps_state; /* its far side keeps what it was told until it hears of the end */
        int (*make)(const struct message *m, struct request *ret, struct error *e);
        /* Only asked about an answer with a status of success: false when it is none, with the reason in
         * ret[JOB_TEXT]. NULL: the status says all. */
        bool (*accepted)(const struct response *r, char *ret);
};

extern const struct notifier *const notifiers[];
extern const size_t notifiers_count;
const struct notifier *notifier_find(const char *type);

/* ---- words of an incident, for those who tell in prose; printable ---- */

/* "critical: TITLE (odin/worker on vm)" */
void message_title(const struct message *m, char *buf, size_t size);
/* The incident in a few lines of plain text. */
void message_text(const struct message *m, struct out *o);
/* A member of the incident, "" when it is missing. */
const char *message_member(const struct message *m, const char *key, char *buf, size_t size);
/* "2026-11-24T01:00:00.000Z" */
const char *message_time(int64_t unix_ms, char *buf);
