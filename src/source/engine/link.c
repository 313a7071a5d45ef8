/* Messages to and from the guard: see link.h. */
#include "source/engine/link.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* 1,024 messages of 1.2 KB: more than a whole host's containers, for as long as the guard is busy. */
enum { QUEUE_MAX = 1024, ASKS_PER_WAKEUP = 64 };

struct link_node {
        struct link_node *next;
        struct engine_msg m;
};

static void close_link(struct link *k)
{
        loop_remove(k->loop, &k->watch);
        k->watch.fd = -1;
        k->closed(k->ctx);
}

/* 0, -EAGAIN, or what is wrong with the connection. */
static int send_one(struct link *k, const struct engine_msg *m)
{
        for (;;) {
                if (send(k->watch.fd, m, sizeof *m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno != EINTR)
                        return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
        }
}

static void flush(struct link *k)
{
        while (k->head) {
                struct link_node *n = k->head;
                int r = send_one(k, &n->m);
                if (r == -EAGAIN)
                        return;
                k->head = n->next;
                k->queued--;
                free(n);
                if (r < 0) {
                        close_link(k);
                        return;
                }
        }
        k->tail = &k->head;
        loop_modify(k->loop, &k->watch, EPOLLIN);
        if (k->lossy) {
                k->lossy = false;
                k->recovered(k->ctx);
        }
}

static void receive(struct link *k)
{
        struct engine_msg m;

        for (int i = 0; i < ASKS_PER_WAKEUP && k->watch.fd >= 0; i++) {
                ssize_t n = recv(k->watch.fd, &m, sizeof m, MSG_DONTWAIT | MSG_TRUNC);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0) {
                        close_link(k);
                        return;
                }
                if ((size_t)n != sizeof m)
                        log_warning("message of %zd bytes from the guard, expected %zu", n, sizeof m);
                else
                        k->asked(k->ctx, &m);
        }
}

static void on_ready(void *ctx, uint32_t events)
{
        struct link *k = ctx;

        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(k);
        if (k->watch.fd >= 0 && (events & EPOLLOUT))
                flush(k);
}

int link_init(struct link *k, struct loop *l, int fd)
{
        k->loop = l;
        k->watch = (struct loop_fd){.fd = fd, .ready = on_ready, .ctx = k};
        k->tail = &k->head;
        return loop_add(l, &k->watch, EPOLLIN);
}

void link_done(struct link *k)
{
        if (k->watch.fd >= 0)
                loop_remove(k->loop, &k->watch);
        k->watch.fd = -1;
        while (k->head) {
                struct link_node *n = k->head;
                k->head = n->next;
                free(n);
        }
}

void link_send(struct link *k, const struct engine_msg *m)
{
        if (k->watch.fd < 0)
                return;
        if (!k->head) {
                int r = send_one(k, m);
                if (r == 0)
                        return;
                if (r != -EAGAIN) {
                        close_link(k);
                        return;
                }
                loop_modify(k->loop, &k->watch, EPOLLIN | EPOLLOUT);
        }
        struct link_node *n = k->queued < QUEUE_MAX ? malloc(sizeof *n) : NULL;
        if (!n) {
                k->dropped++;
                k->lossy = true;
                return;
        }
        n->next = NULL;
        n->m = *m;
        *k->tail = n;
        k->tail = &n->next;
        k->queued++;
}
