/* Watching over guard and recorder: see vigil.h. */
#include "cli/vigil.h"

#include "base/clock.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/service_manager.h"
#include "model/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BEFORE_READY_NS (20 * NSEC_PER_MSEC)
#define ANSWER_NS       (5 * NSEC_PER_SEC) /* an overloaded host may keep the recorder waiting */
#define AGAIN_NS        NSEC_PER_SEC
#define SETTLED_NS      (2 * NSEC_PER_SEC) /* a guard that hears nothing reports once a second */
#define EVERY_NS        (10 * NSEC_PER_SEC) /* the longest between two looks; watchdogs bite after 30 s or more */

enum { COMPLAINTS = 4 }; /* at least, before somebody hangs: we may have been stopped ourselves */

static const struct vigil_complaint {
        const char *text;
        enum child_role who;
} guard_silent = {"the guard doesn't report", CHILD_GUARD},
  recorder_breaks_off = {"the recorder breaks off its answers", CHILD_RECORDER},
  recorder_silent = {"the recorder doesn't answer", CHILD_RECORDER},
  recorder_unreachable = {"the recorder can't be reached", CHILD_RECORDER};

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

static void not_well(struct vigil *v, const struct vigil_complaint *why)
{
        uint64_t now_ns = clock_boot_ns() - clock_mono_to_boot_offset_ns();

        if (!v->is_ready) {
                look_again(v, BEFORE_READY_NS);
                return;
        }
        if (!v->complaint || v->complaint->who != why->who) {
                log_warning("%s", why->text);
                service_manager_tell("STATUS=Hanging: %s", why->text);
                v->complained_ns = now_ns;
                v->complaints = 0;
        }
        v->complaint = why;
        if (++v->complaints >= COMPLAINTS && now_ns - v->complained_ns >= v->hang_ns) {
                v->complaint = NULL; /* its successor has as long */
                v->told.hung(v->told.ctx, why->who);
        }
        look_again(v, MIN(AGAIN_NS, v->every_ns / 4));
}

static bool guard_moved(struct vigil *v)
{
        uint64_t moved_ns = __atomic_load_n(&v->board->updated_ns, __ATOMIC_RELAXED);

        if (moved_ns == v->moved_ns)
                return false;
        v->moved_ns = moved_ns;
        if (v->device >= 0 && write(v->device, "", 1) != 1)
                log_warning("the kernel's watchdog isn't fed: %s", strerror(errno));
        return true;
}

/* The recorder has answered; the guard has to have moved since the last time. */
static void answered(struct vigil *v)
{
        bool first = !v->is_ready;

        if (!guard_moved(v)) {
                not_well(v, &guard_silent);
                return;
        }
        if (v->complaint)
                log_info("%s: no longer", v->complaint->text);
        v->complaint = NULL;
        v->is_ready = true;
        tell_state(v, first);
        if (first)
                v->told.ready(v->told.ctx);
        /* soon after the start it knows better by what it watches */
        look_again(v, first ? MIN(SETTLED_NS, v->every_ns) : v->every_ns);
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
                not_well(v, &recorder_breaks_off);
}

static int ask(struct vigil *v)
{
        char request[256];
        int n = http_request_format(request, sizeof request, "GET", "/-/healthy");
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
                guard_moved(v); /* the kernel's watchdog is about the guard alone */
                not_well(v, &recorder_silent);
                return;
        }
        if (!v->is_ready && !__atomic_load_n(&v->board->updated_ns, __ATOMIC_RELAXED)) {
                look_again(v, BEFORE_READY_NS);
                return;
        }
        if (ask(v) < 0)
                not_well(v, &recorder_unreachable);
        else
                look_again(v, v->is_ready ? MIN(ANSWER_NS, v->every_ns / 2) : ANSWER_NS);
}

static int open_device(const char *path)
{
        int fd = *path ? open(path, O_WRONLY | O_CLOEXEC) : -1;

        if (*path && fd < 0)
                log_error("watchdog.device: cannot open %s: %s; the host isn't reset when Sexton hangs", path,
                        strerror(errno));
        return fd;
}

void vigil_start(struct vigil *v, struct loop *loop, const struct board *board, const struct config *c,
        const struct vigil_told *told)
{
        uint64_t watchdog_ns = service_manager_watchdog_ns();

        *v = (struct vigil){.loop = loop,
                .board = board,
                .socket = c->socket,
                .told = *told,
                .every_ns = EVERY_NS,
                .hang_ns = (uint64_t)(c->watchdog.hang * 1e9),
                .device = open_device(c->watchdog.device),
                .look = {.fire = look, .ctx = v},
                .question = {.fd = -1, .ready = question_readable, .ctx = v}};
        if (watchdog_ns)
                v->every_ns = MIN(v->every_ns, watchdog_ns / 2);
        look_again(v, BEFORE_READY_NS);
}

void vigil_stop(struct vigil *v)
{
        if (!v->loop)
                return;
        question_end(v);
        loop_disarm(v->loop, &v->look);
        v->loop = NULL;
        if (v->device < 0)
                return;
        /* "V" is how a watchdog learns that it is no longer wanted */
        if (write(v->device, "V", 1) != 1)
                log_warning("the kernel's watchdog can't be told to stop: %s", strerror(errno));
        close(TAKE_FD(v->device));
}
