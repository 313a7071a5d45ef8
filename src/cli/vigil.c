/* Watching over guard and recorder: see vigil.h. */
#include "cli/vigil.h"

#include "base/clock.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/service_manager.h"
#include "model/names.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BEFORE_READY_NS (20 * NSEC_PER_MSEC)
#define ANSWER_NS       (5 * NSEC_PER_SEC) /* an overloaded host may keep the recorder waiting */
#define AGAIN_NS        NSEC_PER_SEC
#define STATUS_EVERY_NS (30 * NSEC_PER_SEC) /* where there is no watchdog */

static void look_again(struct vigil *v, uint64_t after_ns)
{
        loop_arm(v->loop, &v->look, clock_boot_ns() + after_ns);
}

static void tell_state(const struct vigil *v, bool first)
{
        const struct board *b = v->board;
        uint32_t open = 0;

        for (uint32_t i = 1; i < MIN(b->finding_top, (uint32_t)BOARD_FINDINGS); i++)
                open += b->finding[i].id && b->finding[i].open;
        service_manager_tell("%s=1\nSTATUS=Watching by %s: %u zombies, %u findings%s",
                first ? "READY" : "WATCHDOG", lifecycle_name(&b->sources), b->zombies, open,
                open ? "; see: sexton why" : "");
}

static void question_end(struct vigil *v)
{
        if (v->question.fd < 0)
                return;
        loop_remove(v->loop, &v->question);
        close(TAKE_FD(v->question.fd));
}

static void not_well(struct vigil *v, const char *why)
{
        if (!v->is_ready) {
                look_again(v, BEFORE_READY_NS);
                return;
        }
        if (v->complaint != why) {
                log_warning("%s", why);
                service_manager_tell("STATUS=Hanging: %s", why);
        }
        v->complaint = why;
        look_again(v, MIN(AGAIN_NS, v->every_ns / 4));
}

/* The recorder has answered; the guard has to have moved since the last time. */
static void answered(struct vigil *v)
{
        uint64_t moved_ns = __atomic_load_n(&v->board->updated_ns, __ATOMIC_RELAXED);
        bool first = !v->is_ready;

        if (moved_ns == v->moved_ns) {
                not_well(v, "the guard doesn't report");
                return;
        }
        v->moved_ns = moved_ns;
        v->complaint = NULL;
        v->is_ready = true;
        tell_state(v, first);
        if (first)
                v->ready(v->ctx);
        /* soon after the start it knows better by what it watches */
        if (v->every_ns)
                look_again(v, first ? MIN(AGAIN_NS, v->every_ns) : v->every_ns);
        else
                loop_disarm(v->loop, &v->look); /* nobody wants to know again */
}

/* Any answer in HTTP will do, also that there are too many connections: it isn't hung. */
static void question_readable(void *ctx, uint32_t events)
{
        struct vigil *v = ctx;
        char start[9];
        ssize_t n = recv(v->question.fd, start, sizeof start, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        question_end(v);
        if (n == (ssize_t)sizeof start && !memcmp(start, "HTTP/1.", 7))
                answered(v);
        else
                not_well(v, "the recorder breaks off its answers");
}

static int ask(struct vigil *v)
{
        char request[256];
        int n = http_request_format(request, sizeof request, "/-/healthy");
        cleanup_close int fd = n < 0 ? n : http_connect(v->socket);

        if (fd < 0)
                return fd;
        if (send(fd, request, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
                return -EAGAIN;
        v->question.fd = fd;
        n = loop_add(v->loop, &v->question, EPOLLIN);
        if (n < 0) {
                v->question.fd = -1;
                return n;
        }
        TAKE_FD(fd);
        return 0;
}

static void look(void *ctx, uint64_t now_ns)
{
        struct vigil *v = ctx;

        if (v->question.fd >= 0) {
                question_end(v);
                not_well(v, "the recorder doesn't answer");
                return;
        }
        if (!v->is_ready && !__atomic_load_n(&v->board->updated_ns, __ATOMIC_RELAXED)) {
                look_again(v, BEFORE_READY_NS);
                return;
        }
        if (ask(v) < 0)
                not_well(v, "the recorder can't be reached");
        else
                look_again(v, v->is_ready ? MIN(ANSWER_NS, v->every_ns / 2) : ANSWER_NS);
}

void vigil_start(struct vigil *v, struct loop *loop, const struct board *board, const char *socket,
        void (*ready)(void *ctx), void *ctx)
{
        uint64_t watchdog_ns = service_manager_watchdog_ns();

        *v = (struct vigil){.loop = loop,
                .board = board,
                .socket = socket,
                .ready = ready,
                .ctx = ctx,
                .every_ns = watchdog_ns                 ? watchdog_ns / 2
                            : service_manager_present() ? STATUS_EVERY_NS
                                                        : 0,
                .look = {.fire = look, .ctx = v},
                .question = {.fd = -1, .ready = question_readable, .ctx = v}};
        look_again(v, BEFORE_READY_NS);
}

void vigil_stop(struct vigil *v)
{
        if (!v->loop)
                return;
        question_end(v);
        loop_disarm(v->loop, &v->look);
        v->loop = NULL;
}
