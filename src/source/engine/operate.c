/* Operations on containers: see operate.h. */
#include "source/engine/operate.h"

#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
        DAEMON_MS = 15000,       /* for the daemon itself, beside the patience with the container */
        PATIENCE_MAX_MS = 600000 /* a container that ignores SIGTERM is killed after that at the latest */
};

static void finish(struct operation *p, int code, const char *text)
{
        struct operate *o = p->of;
        struct engine_operated done = {.number = p->asked.number, .code = code};

        text_printable(done.text, sizeof done.text, text, strlen(text));
        p->asked.number = 0; /* the call stays as it is: the loop may still look at it */
        o->operated(o->ctx, &done);
}

static int on_body(void *ctx, const char *data, size_t len)
{
        return 0;
}

static int on_refused(void *ctx, const char *data, size_t len)
{
        struct operation *p = ctx;
        size_t n = MIN(len, sizeof p->said - 1 - p->said_len);

        memcpy(p->said + p->said_len, data, n);
        p->said_len += n;
        return 0;
}

/* Docker: {"message": "..."}; Podman adds members of its own. */
static void refusal(const struct operation *p, int status, char *buf, size_t size)
{
        json_t *j = json_loadb(p->said, p->said_len, 0, NULL);
        const char *message = json_string_value(json_object_get(j, "message"));

        if (message)
                text_set(buf, size, message);
        else
                snprintf(buf, size, "the container engine answered with HTTP status %d", status);
        json_decref(j);
}

static int code_of(int status)
{
        switch (status) {
        case 404:
                return -ENOENT;
        case 409:
                return -EBUSY;
        default:
                return -EIO;
        }
}

/* 304: it was so already. */
static void on_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct operation *p = ctx;
        char text[200];

        if (result >= 200 && result < 400) {
                finish(p, 0, "");
        } else if (result < 0) {
                finish(p, result,
                        result == -ETIMEDOUT ? "the container engine does not answer; it may still do it"
                                             : e->text);
        } else {
                refusal(p, result, text, sizeof text);
                finish(p, code_of(result), text);
        }
}

static const struct http_call_ops ops = {.body = on_body, .refused = on_refused, .done = on_done};

/* It becomes part of a path: letters of an id or name, and nothing that could lead elsewhere. */
static bool is_container(const char *id)
{
        size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");

        return n > 0 && !id[n];
}

static int begin(struct operation *p)
{
        static const char *const verb[ENGINE_OPERATIONS] = {
                [ENGINE_STOP] = "stop",
                [ENGINE_START] = "start",
                [ENGINE_RESTART] = "restart",
        };
        struct operate *o = p->of;
        const struct engine_operate *a = &p->asked;
        const char *socket = o->socket(o->ctx);
        uint32_t patience = MIN(a->patience_ms, (uint32_t)PATIENCE_MAX_MS);
        char target[192];

        if (a->operation >= ENGINE_OPERATIONS || !verb[a->operation] || !is_container(a->target))
                return -EINVAL;
        if (!socket || !*socket)
                return -ENOTCONN;
        int n = snprintf(target, sizeof target, "/containers/%s/%s", a->target, verb[a->operation]);
        if (a->operation == ENGINE_STOP || a->operation == ENGINE_RESTART)
                snprintf(target + n, sizeof target - (size_t)n, "?t=%u", (patience + 999) / 1000);
        return http_call_send(
                &p->call, o->loop, socket, "POST", target, &ops, p, 0, (int)patience + DAEMON_MS);
}

static struct operation *unused(struct operate *o)
{
        for (size_t i = 0; i < OPERATIONS; i++)
                if (!o->operation[i].asked.number)
                        return &o->operation[i];
        return NULL;
}

static void tell(struct operate *o, uint32_t number, int code, const char *text)
{
        struct engine_operated done = {.number = number, .code = code};

        text_set(done.text, sizeof done.text, text);
        o->operated(o->ctx, &done);
}

static void unit_ended(void *ctx, uint32_t number, int code, const char *text)
{
        tell(ctx, number, code, text);
}

static void ask_systemd(struct operate *o, const struct engine_operate *what)
{
        uint32_t patience = MIN(what->patience_ms, (uint32_t)PATIENCE_MAX_MS);
        struct error e = {0};

        o->units.loop = o->loop;
        o->units.ended = unit_ended;
        o->units.ctx = o;
        if (units_ask(&o->units, what->number, what->operation, what->target, patience + DAEMON_MS, &e) < 0)
                tell(o, what->number, e.code, e.text);
}

void operate_ask(struct operate *o, const struct engine_operate *what)
{
        struct operation *p = unused(o);
        char text[200];

        if (what->unit) {
                ask_systemd(o, what);
                return;
        }
        if (!p) {
                tell(o, what->number, -EBUSY, "too many operations are under way");
                return;
        }
        p->of = o;
        p->asked = *what;
        p->said_len = 0;
        p->asked.target[sizeof p->asked.target - 1] = '\0';
        int r = begin(p);
        if (r == 0)
                return;
        snprintf(text, sizeof text, "%s",
                r == -ENOTCONN ? "no container engine has been reached"
                : r == -EINVAL ? "this can't be asked of the container engine"
                               : strerror(-r));
        finish(p, r, text);
}

void operate_done(struct operate *o)
{
        for (size_t i = 0; i < OPERATIONS; i++) {
                http_call_cancel(&o->operation[i].call);
                o->operation[i].asked.number = 0;
        }
        units_done(&o->units);
}
