/* Requests that change something: see change.h. */
#include "recorder/change.h"

#include "base/text.h"
#include "recorder/act.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define SILENCE_MAX_S (366 * 86400.0)

static struct policy_now now_of(const struct route_reply *r)
{
        return (struct policy_now){.boot_ns = r->view.now_ns,
                .unix_ms = ((int64_t)r->view.now_ns + r->view.wall_offset_ns) / (int64_t)NSEC_PER_MSEC};
}

static void poke(struct route_env *env)
{
        if (env->poke)
                env->poke(env->poke_ctx);
}

/* The body as an object with no other members than these; NULL after an error was made of the reply. */
static json_t *read_body(
        struct route_reply *r, const struct route_request *request, const char *const *members)
{
        json_error_t e;
        json_t *j = request->body ? json_loadb(request->body, request->body_bytes, JSON_REJECT_DUPLICATES, &e)
                                  : NULL;
        const char *key;
        json_t *value;

        if (!json_is_object(j)) {
                json_decref(j);
                route_reply_error(r, 400, "the body must be a JSON object");
                return NULL;
        }
        json_object_foreach(j, key, value)
        {
                bool known = false;
                for (const char *const *m = members; *m; m++)
                        known |= !strcmp(*m, key);
                if (!known) {
                        char shown[80];
                        text_printable(shown, sizeof shown, key, strlen(key));
                        route_reply_error(r, 400, "unknown member %s in the body", shown);
                        json_decref(j);
                        return NULL;
                }
        }
        return j;
}

static bool has_policy(struct route_reply *r)
{
        if (!r->env->policy)
                route_reply_error(r, 503, "this recorder tells nobody");
        return r->env->policy != NULL;
}

static bool is_text(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        return false;
        return true;
}

static void notify_test(struct route_reply *r, const struct route_request *request, const char *who)
{
        static const char *const members[] = {"test", NULL};
        struct error e = {0};
        json_t *j = has_policy(r) ? read_body(r, request, members) : NULL;

        if (!j)
                return;
        json_t *name = json_object_get(j, "test");
        if (!name || (!json_is_string(name) && !json_is_null(name)))
                route_reply_error(r, 400, "test: wants the name of a notifier, or null for all");
        else if (policy_test(r->env->policy, json_string_value(name), now_of(r), &e) < 0)
                route_reply_error(r, e.code == -ENOENT ? 404 : 503, "%s", e.text);
        else
                api_notifiers(r->env->policy, now_of(r).unix_ms, &r->body);
        json_decref(j);
        poke(r->env);
}

static void silence(struct route_reply *r, const struct route_request *request, const char *who)
{
        static const char *const members[] = {"service", "seconds", "comment", NULL};
        struct error e = {0};
        uint64_t id = 0;
        json_t *j = has_policy(r) ? read_body(r, request, members) : NULL;

        if (!j)
                return;
        const char *service = json_string_value(json_object_get(j, "service"));
        const char *comment = json_string_value(json_object_get(j, "comment"));
        json_t *seconds = json_object_get(j, "seconds");
        double s = json_number_value(seconds);
        if (!service || !*service || !is_text(service) || (comment && !is_text(comment)))
                route_reply_error(r, 400, "service: wants the name of a service, or a pattern with * and ?");
        else if (!json_is_number(seconds) || !(s >= 1 && s <= SILENCE_MAX_S))
                route_reply_error(r, 400, "seconds: wants a number from 1 to a year");
        else if (policy_silence(r->env->policy, service, s, comment ? comment : "", now_of(r), &id, &e) < 0)
                route_reply_error(r, e.code == -ENOSPC ? 409 : 400, "%s", e.text);
        else
                api_silences(r->env->policy, id, now_of(r).unix_ms, &r->body);
        json_decref(j);
        poke(r->env);
}

static void unsilence(struct route_reply *r, const struct route_request *request, const char *who)
{
        const char *id =
                request->args == 1 && !strcmp(request->arg[0].name, "id") ? request->arg[0].value : NULL;
        struct error e = {0};
        uint64_t n;

        if (!has_policy(r))
                return;
        if (!id || !text_u64(&id, &n) || *id)
                route_reply_error(r, 400, "wants ?id= with the number of a silence");
        else if (policy_unsilence(r->env->policy, n, now_of(r), &e) < 0)
                route_reply_error(r, 404, "%s", e.text);
        else
                api_silences(r->env->policy, 0, now_of(r).unix_ms, &r->body);
        poke(r->env);
}

const struct change changes[] = {
        {"POST", "/sexton/v1/notify", "sends a test ({\"test\": NAME or null})", notify_test},
        {"POST", "/sexton/v1/silences", "silences ({\"service\", \"seconds\", \"comment\"})", silence},
        {"POST", "/sexton/v1/actions", "acts ({\"action\", \"service\", ...}), see docs/actions.md",
                act_apply},
        {"DELETE", "/sexton/v1/silences", "ends a silence (?id=)", unsilence},
};
const size_t changes_count = ARRAY_SIZE(changes);

const struct change *change_find(const char *method, const char *path)
{
        for (size_t i = 0; i < changes_count; i++)
                if (!strcmp(changes[i].path, path) && !strcmp(changes[i].method, method))
                        return &changes[i];
        return NULL;
}

const char *change_allowed(const char *path)
{
        bool post = change_find("POST", path), delete = change_find("DELETE", path);

        return post && delete ? "GET, HEAD, POST, DELETE" : post ? "GET, HEAD, POST" : "GET, HEAD";
}
