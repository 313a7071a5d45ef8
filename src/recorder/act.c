/* Asking the guard to act, and its answers as JSON: see act.h. */
#include "recorder/act.h"

#include "base/text.h"
#include "recorder/order.h"
#include "wire/board_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SNAPSHOT_TRIES = 50 }; /* 200 us apart: the guard has just written */

/* One request that people wait for. */
struct act {
        struct route_reply *reply;
        struct order order;
        struct answer answer[ORDER_PARTS];
        uint32_t answered; /* parts */
        uint32_t question; /* open at the guard */
};

static int status_of(int code)
{
        switch (-code) {
        case 0:
                return 200;
        case ENOENT:
                return 404;
        case EPERM:
                return 403;
        case EINVAL:
        case ERANGE:
                return 400;
        case EAGAIN:
                return 429;
        case ENOSYS:
        case EIO:
        case ETIME:
                return 503;
        default:
                return 409; /* it is so already, or can't be done to this service on this host */
        }
}

/* ---- "did you mean" ---- */

/* The service that a name with a slip of the hand or without its project was meant to be; NULL: none, or more
 * than one. */
static const char *near_service(const struct board *b, const char *name)
{
        const char *best = NULL;
        size_t least = MAX(strlen(name) / 3, (size_t)1) + 1;
        bool twice = false;

        for (uint16_t k = 1; k < view_services(b); k++) {
                const char *one = view_service_name(b, k), *slash = strrchr(one, '/');
                if (!view_service_used(b, k))
                        continue;
                size_t d = slash && !strcmp(slash + 1, name) ? 0 : text_distance(name, one);
                if (d > least || (d == least && best == NULL))
                        continue;
                twice = d == least;
                least = d;
                best = one;
        }
        return twice ? NULL : best;
}

/* ---- the reply ---- */

static void write_rows(const struct act *x, const struct board *b, struct json_out *j)
{
        struct api_view v = {.board = b,
                .now_ns = x->reply->env->now_ns(),
                .wall_offset_ns = x->reply->env->wall_offset_ns()};

        json_out_array(j, "actions");
        for (uint32_t i = 1; b && i < MIN(b->action_top, (uint32_t)BOARD_ACTIONS); i++)
                for (uint32_t k = 0; k < x->answered; k++)
                        if (b->action[i].state != ACTION_FREE && x->answer[k].action_id &&
                                b->action[i].id == x->answer[k].action_id)
                                api_action(&v, &b->action[i], j);
        json_out_array_end(j);
}

static void write_results(const struct act *x, struct json_out *j)
{
        json_out_text(j, "action", x->order.action);
        json_out_bool(j, "dry_run", x->order.dry_run);
        json_out_array(j, "results");
        for (uint32_t i = 0; i < x->answered; i++) {
                const struct answer *a = &x->answer[i];
                json_out_object(j, NULL);
                json_out_text(j, "kind", action_kind_name(x->order.part[i].kind));
                json_out_bool(j, "done", a->code >= 0);
                json_out_count(j, "id", a->action_id ? a->action_id : BOARD_UNKNOWN);
                json_out_text(j, "text", a->text);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

/* All parts are answered, or one was refused: then it is that one's error, and what came before it is told.
 */
static void reply_answered(struct act *x)
{
        struct route_reply *r = x->reply;
        const struct answer *last = &x->answer[x->answered - 1];
        struct board *b = board_snapshot(r->env->board, BOARD_SERVICES_ONLY, SNAPSHOT_TRIES);
        const char *near = b && last->code == -ENOENT && x->order.part[0].service[0]
                                   ? near_service(b, x->order.part[0].service)
                                   : NULL;
        char text[sizeof last->text + BOARD_NAME + 40];

        if (near && strcmp(near, x->order.part[0].service) != 0)
                snprintf(text, sizeof text, "%s; did you mean %s?", last->text, near);
        else
                snprintf(text, sizeof text, "%s%s", last->text,
                        last->code == -ENOENT && x->order.part[0].service[0]
                                ? "; `sexton services` lists them"
                                : "");
        if (last->code < 0)
                route_reply_error_begin(r, status_of(last->code), text);
        else
                json_out_object(&r->body, NULL);
        write_results(x, &r->body);
        write_rows(x, b, &r->body);
        json_out_object_end(&r->body);
        out_text(&r->body.out, "\n");
        if (b)
                board_snapshot_free(b);
}

static void end(struct act *x)
{
        struct route_reply *r = x->reply;
        bool waited = r->waits;

        free(x);
        r->work = NULL;
        r->waits = false;
        if (waited)
                r->ready(r->ready_ctx);
}

static void ask_next(struct act *x);

static void answered(void *ctx, const struct answer *a)
{
        struct act *x = ctx;

        x->question = 0;
        if (!a) {
                route_reply_error(x->reply, 503,
                        "the guard did not answer within 3 s: it hangs, or is being started again. It will "
                        "not "
                        "do later what it has not begun; sexton actions shows what was done");
                end(x);
                return;
        }
        x->answer[x->answered++] = *a;
        if (a->code >= 0 && x->answered < x->order.parts) {
                ask_next(x);
                return;
        }
        reply_answered(x);
        end(x);
}

static void ask_next(struct act *x)
{
        x->question = guard_link_ask(x->reply->env->link, &x->order.part[x->answered], answered, x);
        if (x->question)
                return;
        route_reply_error(x->reply, 503,
                "the guard takes no more requests now: it hangs, or too many wait for its answer");
        end(x);
}

/* The client is gone, or the recorder ends. */
static void cancel(void *work, struct route_env *env)
{
        struct act *x = work;

        guard_link_forget(env->link, x->question);
        free(x);
}

void act_apply(struct route_reply *r, const struct route_request *request, const char *who)
{
        struct act *x = calloc(1, sizeof *x);
        struct error e = {0};

        if (!x || !r->env->link) {
                route_reply_error(r, 503, x ? "this recorder has no guard to ask" : "there is no memory");
                free(x);
                return;
        }
        if (order_read(request->body, request->body_bytes, &x->order, &e) < 0) {
                route_reply_error(r, 400, "%s", e.text);
                free(x);
                return;
        }
        for (uint32_t i = 0; i < x->order.parts; i++) {
                text_set(x->order.part[i].who, sizeof x->order.part[i].who, who);
                x->order.part[i].asker_pid = request->asker.peer.pid;
        }
        x->reply = r;
        r->work = x;
        r->cancel = cancel;
        ask_next(x);
        r->waits = r->work != NULL;
}
