/* Questions to the guard: see guard_link.h. */
#include "recorder/guard_link.h"

#include "base/clock.h"
#include "base/util.h"
#include "wire/request_tame.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

/* The guard begins in that time or not at all; a little later nobody expects an answer any more. */
#define BEGUN_NS    (2500 * NSEC_PER_MSEC)
#define ANSWERED_NS (3000 * NSEC_PER_MSEC)

static void arm(struct guard_link *l)
{
        uint64_t due_ns = 0;

        for (size_t k = 0; k < GUARD_LINK_QUESTIONS; k++)
                if (l->question[k].number && (!due_ns || l->question[k].due_ns < due_ns))
                        due_ns = l->question[k].due_ns;
        if (due_ns)
                loop_arm(l->loop, &l->timer, due_ns);
        else
                loop_disarm(l->loop, &l->timer);
}

static struct guard_link_question *find(struct guard_link *l, uint32_t number)
{
        for (size_t k = 0; k < GUARD_LINK_QUESTIONS; k++)
                if (l->question[k].number == number)
                        return &l->question[k];
        return NULL;
}

static void tell(struct guard_link_question *q, const struct answer *a)
{
        struct guard_link_question was = *q;

        *q = (struct guard_link_question){0}; /* first: it may ask the next one */
        was.answered(was.ctx, a);
}

static void late(void *ctx, uint64_t now_ns)
{
        struct guard_link *l = ctx;

        for (size_t k = 0; k < GUARD_LINK_QUESTIONS; k++)
                if (l->question[k].number && now_ns >= l->question[k].due_ns)
                        tell(&l->question[k], NULL);
        arm(l);
}

static void ready(void *ctx, uint32_t events)
{
        struct guard_link *l = ctx;
        struct answer a;
        ssize_t n;

        while ((n = recv(l->fd.fd, &a, sizeof a, MSG_DONTWAIT | MSG_TRUNC)) > 0) {
                struct guard_link_question *q =
                        answer_tame(&a, (size_t)n) && a.number ? find(l, a.number) : NULL;
                if (q)
                        tell(q, &a);
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
                guard_link_stop(l);
        else
                arm(l);
}

int guard_link_start(struct guard_link *l, struct loop *loop, int fd)
{
        *l = (struct guard_link){.loop = loop, .fd = {.fd = fd, .ready = ready, .ctx = l}};
        l->timer = (struct loop_timer){.fire = late, .ctx = l};
        /* the socket outlives the recorder: answers to an earlier one must not be taken for ours */
        if (getrandom(&l->next_number, sizeof l->next_number, GRND_NONBLOCK) < 0)
                l->next_number = (uint32_t)(clock_boot_ns() >> 10);
        return fd < 0 ? 0 : loop_add(loop, &l->fd, EPOLLIN);
}

void guard_link_stop(struct guard_link *l)
{
        if (l->fd.fd >= 0)
                loop_remove(l->loop, &l->fd);
        l->fd.fd = -1;
}

uint32_t guard_link_ask(
        struct guard_link *l, const struct request *request, guard_link_answered answered, void *ctx)
{
        struct guard_link_question *q = find(l, 0);
        struct request copy = *request;
        uint64_t now_ns = clock_boot_ns();

        if (!q || l->fd.fd < 0)
                return 0;
        do
                copy.number = ++l->next_number;
        while (!copy.number || find(l, copy.number));
        copy.expires_ns = now_ns + BEGUN_NS;
        if (send(l->fd.fd, &copy, sizeof copy, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof copy)
                return 0;
        *q = (struct guard_link_question){
                .number = copy.number, .due_ns = now_ns + ANSWERED_NS, .answered = answered, .ctx = ctx};
        arm(l);
        return copy.number;
}

void guard_link_forget(struct guard_link *l, uint32_t number)
{
        struct guard_link_question *q = number ? find(l, number) : NULL;

        if (!q)
                return;
        *q = (struct guard_link_question){0};
        arm(l);
}
