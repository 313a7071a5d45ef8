/* The console on a serial line: no login, because who reaches the line has the machine in hand.
 */
#pragma once

#include "base/loop.h"
#include "rescue/console.h"

struct serial {
        struct loop *loop;
        struct loop_fd watch;
        struct loop_timer timer;
        uint32_t events;  /* what the loop watches for; 0 = not in the loop */
        uint64_t rest_ns; /* nobody is at the other end: looked at again then */
        const char *host;
        const struct console_ops *ops;
        void *ops_ctx;
        struct console console;
};

/* Opens the line raw. Descriptor or a negative errno, with the error set. */
int serial_open(const char *path, struct error *e);
/* Greets at the other end and serves it; fd becomes its own. 0 or a negative errno. */
int serial_start(struct serial *s, struct loop *loop, int fd, const struct console_ops *ops, void *ops_ctx,
        const char *host);
void serial_done(struct serial *s);
void serial_answer(struct serial *s, const struct answer *a, uint64_t now_ns);
