/* Asking the daemon: one request over its Unix socket, with what went wrong said in words a person can act
 * on.
 */
#pragma once

#include "base/answer.h"
#include "base/http_client.h"
#include "cli/options.h"
#include "cli/render.h"

/* "/sexton/v1/VERB?key=value", escaped. */
struct target {
        char text[2048];
        size_t len;
        bool query, too_long;
};
void target_init(struct target *t, const char *verb);
void target_add(struct target *t, const char *key, const char *value); /* NULL value: nothing */

struct reply {
        struct http_response http;
        json_t *json; /* an object */
};
void reply_done(struct reply *r);
#define cleanup_reply cleanup(reply_done)

/* Reads the body as JSON; false when it is no object. */
bool reply_parse(struct reply *r);

/* EXIT_DONE with *ret filled; else the exit code, after telling on standard error. */
int client_ask(const struct options *o, const struct target *t, struct reply *ret);
/* The same for what changes something: method POST or DELETE; body: JSON, or NULL. */
int client_send(const struct options *o, const char *method, const struct target *t, const char *body,
        struct reply *ret);
/* The same for an answer of any kind: its JSON stays NULL. */
int client_fetch(const struct options *o, const char *method, const struct target *t, const char *body,
        struct reply *ret);
/* The same without a word and without a sign of waiting: what went wrong is in `problem`. */
int client_try(const char *path, const char *method, const struct target *t, const char *body, int timeout_ms,
        struct reply *ret, char *problem, size_t size);
/* The answer as it came, or indented and in ASCII when standard output is a terminal. */
void client_print_json(const struct reply *r);

/* Asks and shows the answer: as it came with --json, else by print(). Returns the exit code: that of asking,
 * or what exit_of() makes of the answer; NULL: EXIT_DONE. */
int client_show(const struct options *o, const struct target *t,
        void (*print)(const struct options *o, const struct screen *s, json_t *j), int (*exit_of)(json_t *j));

/* Runs once() again every --interval when --watch was given. Returns once()'s last exit code. */
int client_watch(const struct options *o, int (*once)(const struct options *o));
#define OPTIONS_OF_WATCHERS                                                                                  \
        {"--watch", NULL, "show it again and again"},                                                        \
        {                                                                                                    \
                "--interval", "DURATION", "how often --watch does; default 2s"                               \
        }

/* The socket a verb would ask: --socket, $SEXTON_SOCKET or the default. */
const char *client_socket(const struct options *o);
/* Why the daemon at path couldn't be asked, in words with advice; code as http_get() returns it. */
void client_explain(char *buf, size_t size, const char *path, int code, const struct error *e);
