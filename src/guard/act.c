/* The guard's hand: what act/ needs of the guard, and what others may ask of it. */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/names.h"
#include "wire/board_map.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static bool operate(void *ctx, const struct engine_operate *o)
{
        return guard_ask_operate(ctx, o);
}

/* As many of the dead as there are, not the whole array. */
static bool bury(void *ctx, const struct bury_request *q)
{
        const struct guard *g = ctx;
        size_t len = offsetof(struct bury_request, dead) + q->count * sizeof q->dead[0];

        return send(g->bury_watch.fd, q, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void buried(void *ctx, uint32_t events)
{
        struct guard *g = ctx;
        struct bury_result r;

        board_write_begin(g->board);
        while (recv(g->bury_watch.fd, &r, sizeof r, MSG_DONTWAIT) == sizeof r) {
                r.text[sizeof r.text - 1] = '\0';
                act_buried(&g->actor, &r, clock_boot_ns());
        }
        board_write_end(g->board, clock_boot_ns());
}

static void before(void *ctx, const struct act_about *about, uint64_t now_ns)
{
        guard_blackbox_before(ctx, about, now_ns);
}

static void learn(void *ctx, int32_t pid)
{
        guard_look_at(ctx, pid);
        uint32_t i = world_find(&((struct guard *)ctx)->world, pid);
        if (i)
                guard_resolve(ctx, i);
}

/* ---- time ---- */

static void arm(struct guard *g)
{
        if (g->actor.due_ns)
                loop_arm(&g->loop, &g->act_timer, g->actor.due_ns);
}

static void due(void *ctx, uint64_t now_ns)
{
        struct guard *g = ctx;

        board_write_begin(g->board);
        guard_act_tick(g, now_ns);
        board_write_end(g->board, clock_boot_ns());
}

void guard_act_tick(struct guard *g, uint64_t now_ns)
{
        if (!g->can_act)
                return;
        act_tick(&g->actor, now_ns);
        arm(g);
}

void guard_act_group_seen(struct guard *g)
{
        if (!g->can_act)
                return;
        act_group_seen(&g->actor);
        arm(g);
}

void guard_act_group_emptied(struct guard *g)
{
        if (!g->can_act)
                return;
        act_group_emptied(&g->actor);
        arm(g);
}

void guard_act_start(struct guard *g, int journal_fd, int bury_fd, uint64_t now_ns)
{
        struct act_ops ops = {.before = before, .operate = operate, .bury = bury, .learn = learn, .ctx = g};
        struct journal *j = NULL;
        int r = journal_map(journal_fd, &j);

        if (r < 0) {
                log_error("cannot map the journal of actions (%s): nothing will be done to services",
                        strerror(-r));
                return;
        }
        g->act_timer = (struct loop_timer){.fire = due, .ctx = g};
        g->bury_watch = (struct loop_fd){.fd = bury_fd, .ready = buried, .ctx = g};
        if (bury_fd < 0 || loop_add(&g->loop, &g->bury_watch, EPOLLIN) < 0)
                ops.bury = NULL;
        act_init(&g->actor, &g->world, &g->config, &g->layout, g->proc_fd, j, &ops);
        act_adopt(&g->actor, now_ns);
        atomic_store(&j->guard_pid, getpid());
        g->can_act = true;
        arm(g);
}

void guard_act_stop(struct guard *g)
{
        if (!g->can_act)
                return;
        board_write_begin(g->board);
        act_stop_all(&g->actor, "Sexton stops", clock_boot_ns());
        board_write_end(g->board, clock_boot_ns());
}

/* ---- requests ---- */

enum { SHOWN = 60 }; /* of a name, in an answer */

static uint16_t find_service(const struct board *b, const char *name)
{
        for (uint16_t k = 1; k < b->service_top; k++)
                if (b->service[k].kind && !strcmp(b->service[k].name, name))
                        return k;
        return 0;
}

static int named_service(const struct guard *g, const struct request *q, uint16_t *ret, struct error *e)
{
        *ret = find_service(g->board, q->service);
        return *ret ? 0 : error_set(e, -ENOENT, "no service is called %s", q->service);
}

static int take(
        struct guard *g, const struct request *q, uint64_t now_ns, struct answer *ret, struct error *e)
{
        struct act_order o = {
                .kind = q->kind,
                .dry_run = q->dry_run,
                .by_person = true,
                .value = q->value,
                .ttl_ns = q->ttl_ns,
                .asker_pid = q->asker_pid,
                .who = q->who,
                .reason = q->reason,
        };
        int r = named_service(g, q, &o.service, e);

        if (!r)
                r = act_take(&g->actor, &o, now_ns, &ret->action_id, e);
        if (r < 0)
                return r;
        snprintf(ret->text, sizeof ret->text, "%s of %.*s: %.160s", action_kind_name(q->kind), SHOWN,
                q->service, g->actor.said);
        return 0;
}

static int release(struct guard *g, const struct request *q, bool only_still, const char *why,
        uint64_t now_ns, struct answer *ret, struct error *e)
{
        uint16_t service;
        int r = named_service(g, q, &service, e);

        if (r < 0)
                return r;
        uint32_t n = act_release(&g->actor, service, only_still, q->dry_run ? NULL : why, now_ns);
        if (!n && only_still)
                return error_set(e, -EALREADY, "nothing of Sexton's holds %.*s still", SHOWN, q->service);
        if (!q->dry_run)
                guard_ladder_released(g, service, now_ns);
        snprintf(ret->text, sizeof ret->text, "%u action%s on %.*s %s%s", n, n == 1 ? "" : "s", SHOWN,
                q->service, q->dry_run ? "would be " : "", only_still ? "thawed" : "undone");
        return 0;
}

static int take_back(struct guard *g, const struct request *q, const char *why, uint64_t now_ns,
        struct answer *ret, struct error *e)
{
        const struct action *row = act_find(&g->actor, q->action_id);
        uint16_t service = row ? find_service(g->board, row->service_name) : 0;
        int r = act_undo(&g->actor, q->action_id, q->dry_run ? NULL : why, now_ns, e);

        ret->action_id = q->action_id;
        if (r >= 0 && service && !q->dry_run)
                guard_ladder_released(g, service, now_ns);
        if (r >= 0)
                snprintf(ret->text, sizeof ret->text, "action %u, %s of %.*s, %s", q->action_id,
                        action_kind_name(row->kind), SHOWN, row->service_name,
                        q->dry_run ? "would be undone" : action_state_name(row->state));
        return r;
}

static void force_breaker(struct guard *g, const struct request *q, uint64_t now_ns, struct answer *ret)
{
        const struct breaker *b = &g->board->breaker;

        if (q->dry_run) {
                snprintf(ret->text, sizeof ret->text, "the breaker would be %s; now it is %s%s",
                        q->value > 0   ? "opened"
                        : q->value < 0 ? "automatic"
                                       : "closed",
                        b->open ? "open" : "closed", b->forced < 0 ? "" : ", as a person has it");
                return;
        }
        guard_ladder_breaker(g, (int)q->value, now_ns);
        snprintf(ret->text, sizeof ret->text, "the breaker is %s%s%s%s", b->open ? "open" : "closed",
                b->forced < 0 ? " and automatic" : "", *b->text ? ": " : "", b->text);
}

static int carry_out(
        struct guard *g, const struct request *q, uint64_t now_ns, struct answer *ret, struct error *e)
{
        char why[80];

        if (!g->can_act)
                return error_set(e, -ENOSYS, "the guard has no journal to write down what it changes");
        if (q->expires_ns && now_ns >= q->expires_ns)
                return error_set(e, -ETIME, "it was asked for too long ago, and is not done any more");
        snprintf(why, sizeof why, "asked for by %s", q->who);
        switch ((enum request_verb)q->verb) {
        case REQUEST_TAKE:
                return take(g, q, now_ns, ret, e);
        case REQUEST_UNDO:
                return take_back(g, q, why, now_ns, ret, e);
        case REQUEST_RELEASE:
                return release(g, q, false, why, now_ns, ret, e);
        case REQUEST_THAW:
                return release(g, q, true, why, now_ns, ret, e);
        case REQUEST_KILL:
                return act_kill(&g->actor, q->pid, q->dry_run ? 0 : SIGKILL, q->asker_pid, q->who, now_ns, e);
        case REQUEST_BREAKER:
                force_breaker(g, q, now_ns, ret);
                return 0;
        case REQUEST_VERBS:
                break;
        }
        return error_set(e, -ENOSYS, "this is not known here");
}

void guard_request(struct guard *g, const struct request *q, struct answer *ret)
{
        struct error e = {0};

        ret->code = carry_out(g, q, clock_boot_ns(), ret, &e);
        if (ret->code < 0)
                snprintf(ret->text, sizeof ret->text, "%.239s", e.text);
        if (g->can_act)
                arm(g);
}

void guard_operated(struct guard *g, const struct engine_operated *o)
{
        if (!g->can_act)
                return;
        act_operated(&g->actor, o, clock_boot_ns());
        arm(g);
}
