/* The courier process: see courier.h. Wiring: the link to the recorder, the deliveries under way, when to
 * end. */
#include "courier/courier.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "base/text.h"
#include "base/trim.h"
#include "courier/filter.h"
#include "courier/program.h"
#include "courier/transfer.h"
#include "recorder/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { DELIVERIES = 64, REMEMBERED = 64 };
#define IDLE_NS       (5 * NSEC_PER_SEC)
#define SEND_AGAIN_NS (100 * NSEC_PER_MSEC)

struct courier {
        const struct config *config;
        struct loop loop;
        struct loop_fd signals, alive, link;
        struct loop_timer idle, bury, flush;
        struct secret secret[CONFIG_NOTIFIERS];
        struct transfers transfers;
        struct delivery *under_way, *dead;
        uint32_t count;
        /* what was done, for a recorder that was restarted and asks again */
        struct result remembered[REMEMBERED];
        uint32_t remembered_at;
        struct result unsent[DELIVERIES]; /* results that didn't fit into the socket */
        uint32_t unsent_count;
        bool worked, leaving;
};

bool delivery_answer(struct delivery *d, const char *data, size_t len)
{
        size_t n = MIN(len, sizeof d->answer - 1 - d->answer_len);

        memcpy(d->answer + d->answer_len, data, n);
        d->answer_len += n;
        d->answer[d->answer_len] = '\0';
        d->answer_read += len;
        return d->answer_read <= ANSWER_READ;
}

/* ---- ending ---- */

static void free_delivery(struct delivery *d)
{
        request_done(&d->request);
        json_decref(d->message.incident);
        free(d->raw);
        free(d);
}

static void bury(void *ctx, uint64_t now_ns)
{
        struct courier *c = ctx;

        while (c->dead) {
                struct delivery *d = c->dead;
                c->dead = d->next;
                free_delivery(d);
        }
}

/* Not freed at once: the loop may hold events for it. */
static void take_out(struct courier *c, struct delivery *d)
{
        for (struct delivery **at = &c->under_way; *at; at = &(*at)->next)
                if (*at == d) {
                        *at = d->next;
                        break;
                }
        c->count--;
        d->next = c->dead;
        c->dead = d;
        loop_arm(&c->loop, &c->bury, clock_boot_ns());
}

static void leave_if_done(struct courier *c)
{
        if (c->leaving && !c->count && !c->unsent_count)
                c->loop.stop = true;
}

static void on_idle(void *ctx, uint64_t now_ns)
{
        struct courier *c = ctx;

        c->leaving = true;
        leave_if_done(c);
}

/* ---- results ---- */

static bool send_result(struct courier *c, const struct result *r)
{
        return send(c->link.fd, r, sizeof *r, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
               (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM && errno != EINTR);
}

static void flush(void *ctx, uint64_t now_ns)
{
        struct courier *c = ctx;

        while (c->unsent_count && send_result(c, &c->unsent[0]))
                memmove(&c->unsent[0], &c->unsent[1], --c->unsent_count * sizeof c->unsent[0]);
        if (c->unsent_count)
                loop_arm(&c->loop, &c->flush, now_ns + SEND_AGAIN_NS);
        leave_if_done(c);
}

static void tell(struct courier *c, const struct result *r)
{
        if (c->unsent_count == 0 && send_result(c, r))
                return;
        if (c->unsent_count < DELIVERIES)
                c->unsent[c->unsent_count++] = *r;
        loop_arm(&c->loop, &c->flush, clock_boot_ns() + SEND_AGAIN_NS);
}

static bool begin(struct courier *c, struct delivery *d, struct error *e);

static void done(struct delivery *d, enum outcome outcome, int status, uint32_t retry_after, const char *text)
{
        struct courier *c = d->ctx;
        struct result r = {.version = JOB_VERSION,
                .outcome = outcome,
                .notice = d->job.notice,
                .attempt = d->job.attempt,
                .status = status,
                .retry_after = retry_after,
                .took_ms = (uint32_t)((clock_boot_ns() - d->started_ns) / NSEC_PER_MSEC)};
        char said[JOB_TEXT];

        /* a test of what keeps its state must not stay there */
        if (outcome == OUTCOME_DELIVERED && d->job.reason == NOTIFY_TEST && d->type->keeps_state &&
                !d->message.resolved) {
                struct error e = {0};
                d->message.resolved = true;
                if (begin(c, d, &e))
                        return;
        }
        text_set(said, sizeof said, text);
        secret_scrub(d->secret, d->config, said, sizeof said);
        text_printable(r.text, sizeof r.text, said, strlen(said));
        if (outcome != OUTCOME_RETRY)
                c->remembered[c->remembered_at++ % REMEMBERED] = r;
        take_out(c, d);
        tell(c, &r);
        loop_arm(&c->loop, &c->idle, clock_boot_ns() + IDLE_NS);
        leave_if_done(c);
}

/* ---- jobs ---- */

/* False: it can't begin. */
static bool begin(struct courier *c, struct delivery *d, struct error *e)
{
        request_done(&d->request);
        d->request.body = json_out_of(REQUEST_BODY_MAX);
        d->message.now_ms =
                (int64_t)(clock_boot_ns() + (uint64_t)clock_wall_offset_ns()) / (int64_t)NSEC_PER_MSEC;
        d->answer_len = d->answer_read = d->sent = 0;
        d->answer[0] = d->problem[0] = '\0';
        if (d->secret->problem.code) {
                *e = d->secret->problem;
                c->leaving = true; /* its successor reads the file anew */
                return false;
        }
        if (d->type->make(&d->message, &d->request, e) < 0)
                return false;
        if (d->request.body.out.failed) {
                error_set(e, -ENOMEM, "the message is too large");
                return false;
        }
        return (d->request.kind == REQUEST_COMMAND ? program_start(&c->loop, d, e)
                                                   : transfer_start(&c->transfers, d, e)) >= 0;
}

static void refuse(struct courier *c, const struct job *j, enum outcome outcome, const char *text)
{
        struct result r = {
                .version = JOB_VERSION, .outcome = outcome, .notice = j->notice, .attempt = j->attempt};

        text_set(r.text, sizeof r.text, text);
        tell(c, &r);
}

/* A recorder that was restarted asks for what is under way, or was done. */
static bool is_known(struct courier *c, const struct job *j)
{
        for (uint32_t i = 0; i < REMEMBERED; i++)
                if (c->remembered[i].notice == j->notice) {
                        tell(c, &c->remembered[i]);
                        return true;
                }
        for (const struct delivery *d = c->under_way; d; d = d->next)
                if (d->job.notice == j->notice)
                        return true;
        return false;
}

static int place_of(const struct config *c, const char *name)
{
        for (uint32_t i = 0; i < c->notify_count; i++)
                if (!strcmp(c->notify[i].name, name))
                        return (int)i;
        return -1;
}

static void take_job(struct courier *c, const struct job *j, const char *json)
{
        int i = place_of(c->config, j->notifier);
        const struct notifier *type = i < 0 ? NULL : notifier_find(c->config->notify[i].type);
        struct error e = {0};

        if (is_known(c, j))
                return;
        if (!type) {
                refuse(c, j, OUTCOME_RETRY, "the courier doesn't know this notifier yet");
                c->leaving = true;
                return;
        }
        struct delivery *d = c->count < DELIVERIES ? calloc(1, sizeof *d) : NULL;
        char *raw = d ? strndup(json, j->json_len) : NULL;
        json_t *incident = raw ? json_loadb(raw, j->json_len, 0, NULL) : NULL;
        if (!json_is_object(incident)) {
                refuse(c, j, raw ? OUTCOME_FINAL : OUTCOME_RETRY,
                        raw ? "the incident is no JSON" : "out of memory");
                json_decref(incident);
                free(raw);
                free(d);
                return;
        }
        *d = (struct delivery){.next = c->under_way,
                .job = *j,
                .config = &c->config->notify[i],
                .secret = &c->secret[i],
                .type = type,
                .raw = raw,
                .started_ns = clock_boot_ns(),
                .ctx = c,
                .done = done};
        d->message = (struct message){.config = d->config,
                .secret = d->secret->value,
                .job = &d->job,
                .incident = incident,
                .raw = raw,
                .raw_len = j->json_len,
                .resolved = j->reason == NOTIFY_RESOLVED};
        c->under_way = d;
        c->count++;
        c->worked = true;
        loop_disarm(&c->loop, &c->idle);
        if (!begin(c, d, &e))
                done(d, OUTCOME_RETRY, 0, 0, e.text);
}

static void on_link(void *ctx, uint32_t events)
{
        struct courier *c = ctx;
        static char packet[sizeof(struct job) + JOB_INCIDENT_MAX] __attribute__((aligned(8)));

        while (!c->leaving) {
                ssize_t n = recv(c->link.fd, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0) {
                        c->loop.stop = true;
                        return;
                }
                struct job j;
                if ((size_t)n > sizeof packet || !job_tame(packet, (size_t)n)) {
                        log_warning("a packet of %zd bytes that is no job", n);
                        continue;
                }
                memcpy(&j, packet, sizeof j);
                take_job(c, &j, packet + sizeof j);
        }
        /* what is left is its successor's */
        loop_remove(&c->loop, &c->link);
        leave_if_done(c);
}

/* ---- life ---- */

static void on_signal(void *ctx, uint32_t events)
{
        struct courier *c = ctx;

        for (int s; (s = signals_next(&c->signals));) {
                if (s == SIGTERM)
                        c->loop.stop = true;
                else if (s == SIGHUP) /* another configuration, other secrets */
                        c->leaving = true;
        }
        if (c->leaving)
                on_link(c, 0);
}

static void on_supervisor(void *ctx, uint32_t events)
{
        struct courier *c = ctx;

        c->loop.stop = true;
}

static bool has_command(const struct config *c)
{
        for (uint32_t i = 0; i < c->notify_count; i++)
                if (!strcmp(c->notify[i].type, "command"))
                        return true;
        return false;
}

/* Nobody may look into this process: it holds secrets. */
static int give_up_root(const struct config *c)
{
        struct confine_user user;
        struct error e = {0};

        confine_user(&user);
        int r = confine_drop(&user, &e);
        if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
                r = error_set(&e, -errno, "not dumpable: %s", strerror(errno));
        if (r == 0)
                r = filter_load(has_command(c), &e);
        if (r < 0)
                log_error("%s", e.text);
        return r;
}

static int watch(struct courier *c, int link_fd, int alive_fd)
{
        int r = loop_init(&c->loop);

        if (r < 0)
                return r;
        fcntl(link_fd, F_SETFD, FD_CLOEXEC);
        fcntl(alive_fd, F_SETFD, FD_CLOEXEC);
        c->idle = (struct loop_timer){.fire = on_idle, .ctx = c};
        c->bury = (struct loop_timer){.fire = bury, .ctx = c};
        c->flush = (struct loop_timer){.fire = flush, .ctx = c};
        c->link = (struct loop_fd){.fd = link_fd, .ready = on_link, .ctx = c};
        c->alive = (struct loop_fd){.fd = alive_fd, .ready = on_supervisor, .ctx = c};
        transfers_init(&c->transfers, &c->loop);
        r = signals_watch(&c->loop, &c->signals, on_signal, c);
        if (r == 0)
                r = loop_add(&c->loop, &c->link, EPOLLIN);
        if (r == 0 && alive_fd >= 0)
                r = loop_add(&c->loop, &c->alive, EPOLLIN);
        return r;
}

static void end_all(struct courier *c)
{
        while (c->under_way) {
                struct delivery *d = c->under_way;
                transfer_end(&c->transfers, d);
                program_end(d);
                take_out(c, d);
        }
        bury(c, 0);
        transfers_done(&c->transfers);
        for (uint32_t i = 0; i < c->config->notify_count; i++)
                secret_done(&c->secret[i]);
        signals_done(&c->loop, &c->signals);
        loop_done(&c->loop);
}

int courier_main(const struct config *config, int link_fd, int alive_fd)
{
        struct courier *c = calloc(1, sizeof *c);
        const struct result ready = {.version = JOB_VERSION, .outcome = OUTCOME_READY};

        if (!c)
                return EXIT_FAILURE;
        mallopt(M_ARENA_MAX, 1);
        mallopt(M_TRIM_THRESHOLD, 64 << 10);
        c->config = config;
        c->signals.fd = c->loop.epoll_fd = -1;
        for (uint32_t i = 0; i < config->notify_count; i++) {
                secret_read(&c->secret[i], &config->notify[i], getenv("CREDENTIALS_DIRECTORY"));
                if (c->secret[i].problem.code)
                        log_warning("notifier %s: %s", config->notify[i].name, c->secret[i].problem.text);
        }
        int r = give_up_root(config);
        if (r == 0)
                r = watch(c, link_fd, alive_fd);
        if (r == 0) {
                tell(c, &ready);
                trim_memory();
                r = loop_run(&c->loop);
        }
        end_all(c);
        free(c);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
