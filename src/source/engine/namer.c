/* Reading names of processes: see namer.h. */
#include "source/engine/namer.h"

#include "base/file.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

/* Start times come in clock ticks of 10 ms: the source that asked may be exact, or a tick off. */
#define START_TOLERANCE_NS (20 * NSEC_PER_MSEC)

enum { STACK_SIZE = 128 * 1024, STOP_WAIT_MS = 300 };

/* ---- reading ---- */

/* Field 22 of the stat file, counted from behind the last ')': the name before may hold anything. */
static bool start_time(int proc_fd, int32_t pid, uint64_t *ret_ns)
{
        char path[32], buf[1024];
        const char *p, *field = NULL;
        size_t len;

        snprintf(path, sizeof path, "%d/stat", pid);
        if (file_read_at(proc_fd, path, buf, sizeof buf) <= 0)
                return false;
        p = strrchr(buf, ')');
        if (!p)
                return false;
        p++;
        for (int i = 3; i <= 22; i++)
                if (!text_field(&p, &field, &len))
                        return false;
        uint64_t ticks;
        if (!text_u64(&field, &ticks) || ticks > UINT64_MAX / NSEC_PER_SEC)
                return false;
        *ret_ns = ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
        return true;
}

static bool same_process(int proc_fd, int32_t pid, uint64_t start_ns)
{
        uint64_t is;

        if (!start_time(proc_fd, pid, &is))
                return false;
        return !start_ns || (is > start_ns ? is - start_ns : start_ns - is) <= START_TOLERANCE_NS;
}

void namer_read(int proc_fd, struct engine_command *c)
{
        char path[32];

        snprintf(path, sizeof path, "%d/cmdline", c->pid);
        ssize_t n = file_read_at(proc_fd, path, c->command, sizeof c->command);
        n = MAX(n, (ssize_t)0);
        while (n > 0 && (c->command[n - 1] == '\0' || c->command[n - 1] == ' '))
                n--;
        for (ssize_t i = 0; i < n; i++)
                if (!c->command[i])
                        c->command[i] = ' ';
        memset(c->command + n, 0, sizeof c->command - (size_t)n);

        snprintf(path, sizeof path, "%d/exe", c->pid);
        n = readlinkat(proc_fd, path, c->exe, sizeof c->exe - 1);
        n = MAX(n, (ssize_t)0);
        memset(c->exe + n, 0, sizeof c->exe - (size_t)n);

        /* Looked at last: if the pid is this process's still, it was so while we read. */
        if (!same_process(proc_fd, c->pid, c->start_ns)) {
                memset(c->command, 0, sizeof c->command);
                memset(c->exe, 0, sizeof c->exe);
        }
}

/* ---- the thread ---- */

static void *work(void *arg)
{
        struct namer *n = arg;
        struct engine_command c;

        pthread_mutex_lock(&n->lock);
        for (;;) {
                while (!n->stop && (n->ask_count == 0 || n->ready_count == NAMER_QUEUE))
                        pthread_cond_wait(n->ask_count ? &n->room : &n->work, &n->lock);
                if (n->stop)
                        break;
                c = n->ask[n->ask_head];
                n->ask_head = (n->ask_head + 1) % NAMER_QUEUE;
                n->ask_count--;
                pthread_mutex_unlock(&n->lock);
                namer_read(n->proc_fd, &c);
                pthread_mutex_lock(&n->lock);
                n->ready[(n->ready_head + n->ready_count++) % NAMER_QUEUE] = c;
                eventfd_write(n->watch.fd, 1);
        }
        n->stopped = true;
        pthread_mutex_unlock(&n->lock);
        return NULL;
}

static void on_answers(void *ctx, uint32_t events)
{
        struct namer *n = ctx;
        struct engine_command c;
        eventfd_t count;

        eventfd_read(n->watch.fd, &count);
        for (;;) {
                pthread_mutex_lock(&n->lock);
                bool any = n->ready_count > 0;
                if (any) {
                        c = n->ready[n->ready_head];
                        n->ready_head = (n->ready_head + 1) % NAMER_QUEUE;
                        n->ready_count--;
                        pthread_cond_signal(&n->room);
                }
                pthread_mutex_unlock(&n->lock);
                if (!any)
                        return;
                n->answer(n->ctx, &c);
        }
}

void namer_ask(struct namer *n, int32_t pid, uint64_t start_ns)
{
        struct engine_command c = {.pid = pid, .start_ns = start_ns};

        pthread_mutex_lock(&n->lock);
        bool room = n->running && n->ask_count < NAMER_QUEUE;
        if (room) {
                n->ask[(n->ask_head + n->ask_count++) % NAMER_QUEUE] = c;
                pthread_cond_signal(&n->work);
        }
        pthread_mutex_unlock(&n->lock);
        if (!room) {
                n->refused++;
                n->answer(n->ctx, &c);
        }
}

static int start_thread(struct namer *n)
{
        pthread_attr_t a;
        sigset_t all, old;

        pthread_attr_init(&a);
        pthread_attr_setstacksize(&a, STACK_SIZE);
        sigfillset(&all); /* signals belong to the loop's thread */
        pthread_sigmask(SIG_SETMASK, &all, &old);
        int r = -pthread_create(&n->thread, &a, work, n);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&a);
        return r;
}

int namer_start(struct namer *n, struct loop *l, int proc_fd)
{
        n->loop = l;
        n->proc_fd = proc_fd;
        n->watch =
                (struct loop_fd){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_answers, .ctx = n};
        if (n->watch.fd < 0)
                return -errno;
        pthread_mutex_init(&n->lock, NULL);
        pthread_cond_init(&n->work, NULL);
        pthread_cond_init(&n->room, NULL);
        int r = loop_add(l, &n->watch, EPOLLIN);
        if (r == 0) {
                r = start_thread(n);
                n->running = r == 0;
        }
        if (r < 0) {
                close(n->watch.fd);
                n->watch.fd = -1;
        }
        return r;
}

bool namer_stop(struct namer *n)
{
        bool stopped = false;

        if (!n->running)
                return true;
        pthread_mutex_lock(&n->lock);
        n->stop = true;
        pthread_cond_signal(&n->work);
        pthread_cond_signal(&n->room);
        pthread_mutex_unlock(&n->lock);
        for (int i = 0; i < STOP_WAIT_MS / 5 && !stopped; i++) {
                pthread_mutex_lock(&n->lock);
                stopped = n->stopped;
                pthread_mutex_unlock(&n->lock);
                if (!stopped)
                        nanosleep(&(struct timespec){.tv_nsec = 5 * (long)NSEC_PER_MSEC}, NULL);
        }
        if (!stopped)
                return false;
        pthread_join(n->thread, NULL);
        loop_remove(n->loop, &n->watch);
        close(n->watch.fd);
        n->watch.fd = -1;
        n->running = false;
        pthread_cond_destroy(&n->room);
        pthread_cond_destroy(&n->work);
        pthread_mutex_destroy(&n->lock);
        return true;
}
