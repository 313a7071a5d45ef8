/* A request on the event loop: see http_call.h. */
#include "source/engine/http_call.h"

#include "base/clock.h"
#include "base/http_client.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* One wake-up reads so much at most, lest a flood of events keep the loop from everything else. */
enum { READ_SIZE = 16384, READS_MAX = 8 };

static void close_all(struct http_call *c)
{
        loop_remove(c->loop, &c->watch);
        loop_disarm(c->loop, &c->timer);
        close(c->watch.fd);
        c->watch.fd = -1;
        c->active = false;
}

static void finish(struct http_call *c, int result, const char *why)
{
        struct error e = {0};

        if (result < 0)
                error_set(&e, result, "%s: %s", c->socket_path, why);
        close_all(c);
        c->ops->done(c->ctx, c, result, &e);
}

static void on_timer(void *ctx, uint64_t now_ns)
{
        struct http_call *c = ctx;

        if (c->give_up_ns && now_ns >= c->give_up_ns) {
                finish(c, -ETIMEDOUT, "no answer");
                return;
        }
        if (c->give_up_ns)
                loop_arm(c->loop, &c->timer, c->give_up_ns);
        if (!c->answered && c->ops->slow)
                c->ops->slow(c->ctx, c);
}

static int on_body(void *ctx, const char *data, size_t len)
{
        struct http_call *c = ctx;

        if (c->reader.status == 200)
                return c->ops->body(c->ctx, data, len);
        return c->ops->refused ? c->ops->refused(c->ctx, data, len) : 0;
}

/* True when all of it is sent or more must wait; false when the connection is of no use. */
static bool send_request(struct http_call *c)
{
        while (c->sent < c->request_len) {
                ssize_t n = send(c->watch.fd, c->request + c->sent, c->request_len - c->sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN;
                c->sent += (size_t)n;
        }
        return true;
}

/* False when the call has ended. */
static bool read_some(struct http_call *c)
{
        char buf[READ_SIZE];
        ssize_t n = recv(c->watch.fd, buf, sizeof buf, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        int r = http_reader_feed(&c->reader, buf, n > 0 ? (size_t)n : 0);
        if (r < 0) {
                finish(c, r, http_reader_problem(&c->reader));
                return false;
        }
        if (c->reader.status && !c->answered) {
                c->answered = true;
                if (c->ops->answered)
                        c->ops->answered(c->ctx, c);
                if (!c->active) /* cancelled there */
                        return false;
        }
        if (c->reader.complete) {
                finish(c, c->reader.status, "");
                return false;
        }
        return true;
}

static void on_ready(void *ctx, uint32_t events)
{
        struct http_call *c = ctx;

        if (c->sent < c->request_len) {
                if (!send_request(c)) {
                        finish(c, -EPIPE, "the connection was closed before the request was sent");
                        return;
                }
                if (c->sent == c->request_len)
                        loop_modify(c->loop, &c->watch, EPOLLIN);
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                for (int i = 0; i < READS_MAX && read_some(c); i++)
                        ;
}

int http_call_start(struct http_call *c, struct loop *l, const char *socket_path, const char *target,
        const struct http_call_ops *ops, void *ctx, int slow_ms, int give_up_ms)
{
        return http_call_send(c, l, socket_path, "GET", target, ops, ctx, slow_ms, give_up_ms);
}

int http_call_send(struct http_call *c, struct loop *l, const char *socket_path, const char *method,
        const char *target, const struct http_call_ops *ops, void *ctx, int slow_ms, int give_up_ms)
{
        uint64_t now = clock_boot_ns();

        *c = (struct http_call){.loop = l, .ops = ops, .ctx = ctx};
        text_set(c->socket_path, sizeof c->socket_path, socket_path);
        int n = http_request_format(c->request, sizeof c->request, method, target);
        if (n < 0)
                return n;
        c->request_len = (size_t)n;
        int fd = http_connect(socket_path);
        if (fd < 0)
                return fd;
        c->watch = (struct loop_fd){.fd = fd, .ready = on_ready, .ctx = c};
        c->timer = (struct loop_timer){.fire = on_timer, .ctx = c};
        http_reader_init(&c->reader, on_body, c);
        n = loop_add(l, &c->watch, EPOLLIN | EPOLLOUT);
        if (n < 0) {
                close(fd);
                return n;
        }
        c->active = true;
        if (give_up_ms)
                c->give_up_ns = now + (uint64_t)give_up_ms * NSEC_PER_MSEC;
        if (slow_ms)
                loop_arm(l, &c->timer, now + (uint64_t)slow_ms * NSEC_PER_MSEC);
        else if (give_up_ms)
                loop_arm(l, &c->timer, c->give_up_ns);
        return 0;
}

void http_call_cancel(struct http_call *c)
{
        if (c->active)
                close_all(c);
}
