/* The event loop: see loop.h. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/util.h"

#include <errno.h>
#include <sys/epoll.h>

#define LOOP_BATCH 64

int loop_init(struct loop *l)
{
        *l = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
        return l->epoll_fd < 0 ? -errno : 0;
}

void loop_done(struct loop *l)
{
        if (l->epoll_fd >= 0)
                close(l->epoll_fd);
        l->epoll_fd = -1;
        l->timers = NULL;
}

static int control(struct loop *l, int op, struct loop_fd *f, uint32_t events)
{
        struct epoll_event e = {.events = events, .data.ptr = f};

        return epoll_ctl(l->epoll_fd, op, f->fd, &e) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_fd *f, uint32_t events)
{
        f->dead = false;
        return control(l, EPOLL_CTL_ADD, f, events);
}

int loop_modify(struct loop *l, struct loop_fd *f, uint32_t events)
{
        return control(l, EPOLL_CTL_MOD, f, events);
}

void loop_remove(struct loop *l, struct loop_fd *f)
{
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
        f->dead = true;
}

void loop_disarm(struct loop *l, struct loop_timer *t)
{
        for (struct loop_timer **p = &l->timers; *p; p = &(*p)->next)
                if (*p == t) {
                        *p = t->next;
                        break;
                }
        t->next = NULL;
        t->due_ns = 0;
}

void loop_arm(struct loop *l, struct loop_timer *t, uint64_t due_ns)
{
        struct loop_timer **p;

        if (t->due_ns)
                loop_disarm(l, t);
        t->due_ns = due_ns ? due_ns : 1;
        for (p = &l->timers; *p && (*p)->due_ns <= t->due_ns; p = &(*p)->next)
                ;
        t->next = *p;
        *p = t;
}

static int wait_ms(const struct loop *l, int max_wait_ms)
{
        if (!l->timers)
                return max_wait_ms;
        uint64_t now = clock_boot_ns();
        uint64_t due = l->timers->due_ns;
        uint64_t ms = due <= now ? 0 : (due - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
        if (max_wait_ms >= 0)
                ms = MIN(ms, (uint64_t)max_wait_ms);
        return (int)MIN(ms, (uint64_t)3600000);
}

static void count_lateness(struct loop_lateness *l, uint64_t late_ns)
{
        static const uint64_t up_to_us[] = {50, 100, 500, 1000, 10000};
        size_t k = 0;

        while (k < ARRAY_SIZE(up_to_us) && late_ns > up_to_us[k] * NSEC_PER_USEC)
                k++;
        l->bucket[k]++;
        l->sum_ns += late_ns;
        l->max_ns = MAX(l->max_ns, late_ns);
}

int loop_once(struct loop *l, int max_wait_ms)
{
        struct epoll_event e[LOOP_BATCH];
        uint64_t slept_ns = clock_boot_ns();
        int ms = wait_ms(l, max_wait_ms);
        int n = epoll_wait(l->epoll_fd, e, LOOP_BATCH, ms);

        if (n == 0 && ms > 0) {
                uint64_t wanted_ns = slept_ns + (uint64_t)ms * NSEC_PER_MSEC, woken_ns = clock_boot_ns();
                count_lateness(&l->late, woken_ns > wanted_ns ? woken_ns - wanted_ns : 0);
        }
        if (n < 0 && errno != EINTR)
                return -errno;
        for (int i = 0; i < n; i++) {
                struct loop_fd *f = e[i].data.ptr;
                if (!f->dead)
                        f->ready(f->ctx, e[i].events);
        }
        uint64_t now = clock_boot_ns();
        while (l->timers && l->timers->due_ns <= now) {
                struct loop_timer *t = l->timers;
                loop_disarm(l, t);
                t->fire(t->ctx, now);
        }
        return 0;
}

int loop_run(struct loop *l)
{
        while (!l->stop) {
                int r = loop_once(l, -1);
                if (r < 0)
                        return r;
        }
        return 0;
}
