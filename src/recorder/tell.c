/* The recorder's part in telling people: see tell.h. */
#include "recorder/tell.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct policy_now tell_now(void)
{
        uint64_t boot = clock_boot_ns();

        return (struct policy_now){.boot_ns = boot,
                .unix_ms = ((int64_t)boot + clock_wall_offset_ns()) / (int64_t)NSEC_PER_MSEC};
}

/* ---- what the policy asks for ---- */

static void put(void *ctx, const char *kind, const char *id, bool open, const char *service, int64_t time_ms,
        const char *json, size_t len)
{
        struct tell *t = ctx;

        if (t->keeper.put)
                t->keeper.put(t->keeper.ctx, kind, id, open, service, time_ms, json, len);
}

static void forget(void *ctx, const char *kind, const char *id)
{
        struct tell *t = ctx;

        if (t->keeper.remove)
                t->keeper.remove(t->keeper.ctx, kind, id);
}

static bool send_job(void *ctx, const struct job *j, const char *json)
{
        struct tell *t = ctx;
        size_t len = sizeof *j + j->json_len;

        if (t->link.fd < 0 || j->json_len > JOB_INCIDENT_MAX)
                return false;
        memcpy(t->packet, j, sizeof *j);
        memcpy(t->packet + sizeof *j, json, j->json_len);
        return send(t->link.fd, t->packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void report(void *ctx, const struct policy_report *r)
{
        struct tell *t = ctx;
        struct event e = {.time_ns = clock_boot_ns(),
                .kind = EVENT_NOTIFY,
                .count = 1,
                .exit_status = -1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = NAN};
        char text[500];
        bool trying = r->fate == FATE_RETRIED;

        if (trying && r->job->attempt > 1)
                return; /* once is enough */
        e.unix_ns = (int64_t)e.time_ns + clock_wall_offset_ns();
        snprintf(text, sizeof text, "%s (%s): %s%s: %s", r->job->notifier,
                notify_reason_name((enum notify_reason)r->job->reason), policy_fate_name(r->fate),
                trying ? ", is tried again" : "", r->text);
        text_set(e.text, sizeof e.text, text);
        text_set(e.service, sizeof e.service, r->job->service);
        history_add(t->history, &e);
        if (r->fate == FATE_DELIVERED)
                log_info("incident %llu: %s", (unsigned long long)r->job->incident, text);
        else
                log_warning("incident %llu: %s", (unsigned long long)r->job->incident, text);
        if (t->book && !trying)
                book_note(t->book, r->job->incident, r->fate == FATE_DELIVERED ? "notified" : "not_notified",
                        text, e.unix_ns);
}

static char *present(void *ctx, uint64_t id, size_t *ret_len)
{
        struct tell *t = ctx;

        return t->book ? book_document(t->book, id, ret_len) : NULL;
}

/* ---- what happens ---- */

static void tick(void *ctx, uint64_t now_ns)
{
        struct tell *t = ctx;

        loop_arm(t->loop, &t->timer, policy_tick(&t->policy, tell_now()));
}

void tell_poke(void *ctx)
{
        struct tell *t = ctx;

        loop_arm(t->loop, &t->timer, clock_boot_ns());
}

static void on_incident(void *ctx, enum book_change change, uint64_t id, const char *json, size_t len)
{
        struct tell *t = ctx;
        int r = policy_see(&t->policy, json, len, tell_now());

        if (r < 0)
                log_error("incident %llu cannot be told: %s", (unsigned long long)id, strerror(-r));
        tell_poke(t);
}

static void on_link(void *ctx, uint32_t events)
{
        struct tell *t = ctx;
        struct result r;

        for (;;) {
                ssize_t n = recv(t->link.fd, &r, sizeof r, MSG_DONTWAIT | MSG_TRUNC);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0) {
                        loop_remove(t->loop, &t->link);
                        t->link.fd = -1;
                        break;
                }
                if (result_tame(&r, (size_t)n))
                        policy_result(&t->policy, &r, tell_now());
                else
                        log_warning("a packet of %zd bytes that is no result of the courier", n);
        }
        tell_poke(t);
}

/* ---- life ---- */

int tell_start(struct tell *t, struct loop *loop, int link_fd, const struct config *c, struct book *book,
        struct history *history, const struct tell_keeper *keeper)
{
        const struct policy_ops ops = {.ctx = t,
                .put = put,
                .remove = forget,
                .send = send_job,
                .report = report,
                .present = present};
        char host[64] = "";
        int r = 0;

        t->loop = loop;
        t->book = book;
        t->history = history;
        t->keeper = keeper ? *keeper : (struct tell_keeper){0};
        t->timer = (struct loop_timer){.fire = tick, .ctx = t};
        t->link = (struct loop_fd){.fd = link_fd, .ready = on_link, .ctx = t};
        gethostname(host, sizeof host - 1);
        policy_init(&t->policy, &ops, host, tell_now());
        policy_configure(&t->policy, c, tell_now());
        if (link_fd >= 0)
                r = loop_add(loop, &t->link, EPOLLIN);
        if (r == 0 && book && !book_listen(book, &(struct book_listener){.ctx = t, .told = on_incident}))
                r = -ENOSPC;
        if (r == 0)
                tell_poke(t);
        return r;
}

void tell_restore_incident(struct tell *t, const char *json, size_t len)
{
        policy_see(&t->policy, json, len, tell_now());
}

void tell_stop(struct tell *t)
{
        if (!t->loop)
                return;
        if (t->link.fd >= 0)
                loop_remove(t->loop, &t->link);
        loop_disarm(t->loop, &t->timer);
        policy_done(&t->policy);
}

void tell_configure(struct tell *t, const struct config *c)
{
        policy_configure(&t->policy, c, tell_now());
        tell_poke(t);
}
