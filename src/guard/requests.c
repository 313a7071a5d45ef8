/* The guard's ends of the links by which others ask for actions: every request is made harmless, answered
 * once and at once, and never waited for.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "wire/board_map.h"
#include "wire/request_tame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* As many are taken at one wake-up; the rest waits in the socket, and behind a full one the asker. */
enum { REQUESTS_PER_WAKE = 16 };

static void answer(struct guard *g, const struct request *q, int code, struct answer *ret)
{
        *ret = (struct answer){.number = q->number};
        if (code < 0) {
                ret->code = code;
                snprintf(ret->text, sizeof ret->text, "%s",
                        code == -ERANGE ? "the value is out of range" : "this request means nothing");
                return;
        }
        guard_request(g, q, ret);
        ret->number = q->number;
}

static void requests_ready(void *ctx, uint32_t events)
{
        struct guard_requests *r = ctx;
        struct guard *g = r->guard;
        struct request q;
        struct answer a;
        int code;

        board_write_begin(g->board);
        for (int k = 0; k < REQUESTS_PER_WAKE; k++) {
                ssize_t n = recv(r->watch.fd, &q, sizeof q, MSG_DONTWAIT | MSG_TRUNC);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                        loop_remove(&g->loop, &r->watch);
                        break;
                }
                if (n < 0)
                        break;
                if (!request_tame(&q, (size_t)n, &code))
                        continue;
                answer(g, &q, code, &a);
                send(r->watch.fd, &a, sizeof a, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        board_write_end(g->board, clock_boot_ns());
}

int guard_requests_start(struct guard *g, const int *fd, size_t count)
{
        int r = 0;

        for (size_t k = 0; k < MIN(count, ARRAY_SIZE(g->requests)) && !r; k++) {
                struct guard_requests *one = &g->requests[k];
                if (fd[k] < 0)
                        continue;
                *one = (struct guard_requests){
                        .watch = {.fd = fd[k], .ready = requests_ready, .ctx = one}, .guard = g};
                r = loop_add(&g->loop, &one->watch, EPOLLIN);
        }
        return r;
}
