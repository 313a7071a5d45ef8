/* The event loop of every Sexton process: epoll for descriptors, one ordered list of timers.
 * It allocates nothing after loop_init(), which is why it is ours: the guard must run while memory
 * is gone, and it watches tens of thousands of pidfds in an epoll set nested in this one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Owned by the caller and kept at its place while registered. */
struct loop_fd {
        int fd;
        void (*ready)(void *ctx, uint32_t epoll_events);
        void *ctx;
        bool dead; /* set by loop_remove() during dispatch */
};

struct loop_timer {
        uint64_t due_ns; /* boot time; 0 = not armed */
        void (*fire)(void *ctx, uint64_t now_ns);
        void *ctx;
        struct loop_timer *next;
};

/* How late the kernel woke us, whenever we slept until a timer: counts up to 50 and 100 us, 0.5, 1 and 10 ms,
 * and more. */
struct loop_lateness {
        uint64_t bucket[6], sum_ns, max_ns;
};

struct loop {
        int epoll_fd;
        bool stop;
        struct loop_timer *timers; /* ordered by due time */
        struct loop_lateness late;
};

int loop_init(struct loop *l);
void loop_done(struct loop *l);

/* events: EPOLLIN and friends; EPOLLONESHOT works with loop_modify() to coalesce wake-ups. */
int loop_add(struct loop *l, struct loop_fd *f, uint32_t events);
int loop_modify(struct loop *l, struct loop_fd *f, uint32_t events);
/* Does not close the descriptor. */
void loop_remove(struct loop *l, struct loop_fd *f);

/* One-shot; arming an armed timer moves it. A periodic timer re-arms itself in fire(). */
void loop_arm(struct loop *l, struct loop_timer *t, uint64_t due_ns);
void loop_disarm(struct loop *l, struct loop_timer *t);

/* Waits at most until the next timer (and max_wait_ms when >= 0), dispatches once. 0 or negative errno. */
int loop_once(struct loop *l, int max_wait_ms);
/* Until l->stop. */
int loop_run(struct loop *l);
