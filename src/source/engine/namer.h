/* Reads command lines and programs of processes for the guard. Such reads take the target's mmap lock and
 * may wait for it as long as the target likes, so one thread does them; neither the guard nor the engine's
 * loop ever waits for it.
 */
#pragma once

#include "base/loop.h"
#include "model/engine_msg.h"

#include <pthread.h>

enum { NAMER_QUEUE = 256 };

struct namer {
        struct loop *loop;
        struct loop_fd watch; /* eventfd: answers are there */
        void (*answer)(void *ctx, const struct engine_command *c);
        void *ctx;
        int proc_fd; /* borrowed */
        pthread_t thread;
        bool running;
        uint64_t refused; /* asked while the queue was full: answered with nothing */

        pthread_mutex_t lock; /* over all below */
        pthread_cond_t work, room;
        bool stop, stopped;
        struct engine_command ask[NAMER_QUEUE], ready[NAMER_QUEUE];
        uint32_t ask_head, ask_count, ready_head, ready_count;
};

/* answer and ctx are set by the caller before. proc_fd: folder /proc or a fixture. */
int namer_start(struct namer *n, struct loop *l, int proc_fd);
/* False when the thread is stuck in a read and still uses *n. */
bool namer_stop(struct namer *n);
void namer_ask(struct namer *n, int32_t pid, uint64_t start_ns);

/* What the thread does: fills command and exe of (pid, start_ns), "" when it is not that process any more or
 * cannot be read. */
void namer_read(int proc_fd, struct engine_command *c);
