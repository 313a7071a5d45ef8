/* The recorder process: see recorder.h. Opens what it needs, gives up the rest, then answers. */
#include "recorder/recorder.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "base/trim.h"
#include "incident/book.h"
#include "recorder/confine.h"
#include "recorder/guard_link.h"
#include "recorder/http.h"
#include "recorder/keep.h"
#include "recorder/listen.h"
#include "recorder/memory.h"
#include "recorder/tell.h"
#include "wire/board_map.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The ring holds 4,096 events: it may be written at 8,000 a second before anything is lost. */
#define DRAIN_EVERY_NS (500 * NSEC_PER_MSEC)
enum { LOOK_TRIES = 20 }; /* 200 us apart: the next look comes soon */

struct recorder {
        struct loop loop;
        struct board *board;
        struct ring *ring;
        struct ring_reader reader;
        struct history history;
        struct book *book;
        struct route_env env;
        struct http tcp, local;
        int local_fd; /* the Unix socket; owned by `local` */
        struct loop_timer drain_timer;
        struct loop_fd signals, alive;
        struct tell *tell;
        struct guard_link link;
        struct leave leave;
        struct memory memory;
        struct keep keep;
        int config_fd;
};

static void drain(void *ctx)
{
        struct recorder *r = ctx;

        if (memory_leaves_ring(&r->memory))
                return;
        history_drain(&r->history, &r->reader, clock_boot_ns(), clock_wall_offset_ns());
}

static void on_event(void *ctx, const struct event *e)
{
        struct recorder *r = ctx;

        book_event(r->book, e);
}

static void look(struct recorder *r, uint64_t now_ns)
{
        if (!book_due(r->book, r->board, now_ns))
                return;
        struct board *copy = board_snapshot(r->board, BOARD_SERVICES_ONLY, LOOK_TRIES);

        if (!copy)
                return;
        book_look(r->book, copy, clock_boot_ns(), clock_wall_offset_ns());
        board_snapshot_free(copy);
}

static void drain_and_again(void *ctx, uint64_t now_ns)
{
        struct recorder *r = ctx;

        drain(r);
        look(r, now_ns);
        keep_tick(&r->keep, r->memory.store, now_ns);
        memory_tick(&r->memory);
        loop_arm(&r->loop, &r->drain_timer, now_ns + DRAIN_EVERY_NS);
}

/* What the guard has said before its end is remembered, too. */
static void last_drain(struct recorder *r)
{
        drain(r);
        keep_tick(&r->keep, r->memory.store, clock_boot_ns());
        memory_tick(&r->memory);
}

/* Only whom to tell, and when incidents end, can change while this process runs. */
static void reload(struct recorder *r)
{
        struct config *fresh = malloc(sizeof *fresh);

        if (fresh && r->config_fd >= 0 && pread(r->config_fd, fresh, sizeof *fresh, 0) == sizeof *fresh) {
                tell_configure(r->tell, fresh);
                book_configure(r->book, &(struct book_params){fresh->incident.calm, fresh->incident.reopen});
        }
        free(fresh);
}

static void on_signal(void *ctx, uint32_t events)
{
        struct recorder *r = ctx;

        for (int s; (s = signals_next(&r->signals));)
                if (s == SIGTERM)
                        r->loop.stop = true;
                else if (s == SIGHUP)
                        reload(r);
}

static void on_supervisor(void *ctx, uint32_t events)
{
        struct recorder *r = ctx;

        r->loop.stop = true;
}

static int watch(struct recorder *r, int alive_fd)
{
        int e = signals_watch(&r->loop, &r->signals, on_signal, r);

        if (e < 0)
                return e;
        r->alive = (struct loop_fd){.fd = alive_fd, .ready = on_supervisor, .ctx = r};
        if (e == 0 && alive_fd >= 0)
                e = loop_add(&r->loop, &r->alive, EPOLLIN);
        return e;
}

static void say_where(int fd)
{
        union {
                struct sockaddr any;
                struct sockaddr_in four;
                struct sockaddr_in6 six;
        } a;
        socklen_t len = sizeof a;

        if (getsockname(fd, &a.any, &len) == 0)
                log_info("listening on http://%s:%u", a.any.sa_family == AF_INET6 ? "[::1]" : "127.0.0.1",
                        ntohs(a.any.sa_family == AF_INET6 ? a.six.sin6_port : a.four.sin_port));
}

/* Either socket may be missing; both may not. */
static int serve(struct recorder *r, const struct config *c, const struct confine_user *user)
{
        struct error e = {0};
        const struct mhd *mhd = mhd_load(&e);
        gid_t gid = geteuid() == 0 && !strcmp(user->name, "sexton") ? user->gid : (gid_t)-1;
        int sockets = 0;

        leave_start(&r->leave, geteuid(), gid, c->http.token_file);
        if (!mhd) {
                log_error("%s", e.text);
                return e.code;
        }
        r->local_fd = listen_unix(c->socket, gid, &e);
        if (r->local_fd >= 0 && http_start(&r->local, mhd, &r->loop, &r->env, r->local_fd, true, &e) == 0) {
                r->local.before = drain;
                r->local.before_ctx = r;
                sockets++;
        } else {
                r->local_fd = -1;
                log_error("%s; the verbs won't reach Sexton", e.text);
        }
        int fd = c->listen[0] ? listen_tcp(c->listen, &e) : -1;
        if (fd >= 0 && http_start(&r->tcp, mhd, &r->loop, &r->env, fd, false, &e) == 0) {
                r->tcp.before = drain;
                r->tcp.before_ctx = r;
                sockets++;
                say_where(fd);
        } else if (c->listen[0]) {
                log_error("%s; the HTTP API is only on %s", e.text, c->socket);
        }
        return sockets ? 0 : -EADDRNOTAVAIL;
}

/* The store and those who put documents into it. */
static int remember(struct recorder *r, const struct config *c, const struct recorder_fds *fd)
{
        struct tell_keeper keeper = memory_tell_keeper(&r->memory);
        int n = memory_start(&r->memory, c, r->board, &r->history, &r->reader);

        if (n == 0)
                n = tell_start(r->tell, &r->loop, fd->courier, c, r->book, &r->history, &keeper);
        if (n < 0)
                return n;
        memory_restore(&r->memory, r->book, r->tell);
        r->env.store = r->memory.store;
        return 0;
}

static int begin(struct recorder *r, const struct config *c, const struct recorder_fds *fd)
{
        struct confine_user user;
        struct error e = {0};
        int n;

        n = board_map(fd->board, false, &r->board);
        if (n == 0)
                n = ring_map(fd->ring, false, &r->ring);
        if (n == 0)
                n = loop_init(&r->loop);
        if (n == 0)
                n = watch(r, fd->alive);
        if (n == 0)
                n = guard_link_start(&r->link, &r->loop, fd->requests);
        if (n < 0) {
                log_error("cannot start: %s", strerror(-n));
                return n;
        }
        r->env = (struct route_env){.board = r->board,
                .history = &r->history,
                .book = r->book,
                .link = &r->link,
                .leave = &r->leave,
                .now_ns = clock_boot_ns,
                .wall_offset_ns = clock_wall_offset_ns};
        keep_start(&r->keep, fd->blackbox, fd->receipts);
        r->env.blackbox = r->keep.box;
        r->config_fd = fd->config;
        r->env.policy = &r->tell->policy;
        r->env.poke = tell_poke;
        r->env.poke_ctx = r->tell;
        ring_reader_init(&r->reader, r->ring);
        confine_user(&user);
        n = serve(r, c, &user);
        if (n < 0)
                return n;
        memory_prepare(c, &user);
        n = confine_drop(&user, &e);
        if (n == 0)
                n = remember(r, c, fd);
        if (n == 0)
                n = confine_filter(&e);
        if (n < 0)
                log_error(
                        "cannot start: %s", e.code ? e.text : strerror(-n)); /* it reads what others wrote */
        trim_memory();
        return n;
}

/* A descriptor for each connection there may be. */
static void allow_descriptors(void)
{
        struct rlimit limit;
        rlim_t wanted = 2 * GUESTS_MAX + 64;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
                return;
        limit.rlim_cur = MIN(wanted, limit.rlim_max);
        setrlimit(RLIMIT_NOFILE, &limit);
}

int recorder_main(const struct config *c, const struct recorder_fds *fd)
{
        struct recorder r = {.loop.epoll_fd = -1, .signals.fd = -1, .local_fd = -1};

        history_init(&r.history, (clock_boot_ns() + (uint64_t)clock_wall_offset_ns()) / NSEC_PER_MSEC);
        /* answers come and go: give back what is above 64 KiB at once, and keep one arena */
        mallopt(M_TRIM_THRESHOLD, 64 << 10);
        mallopt(M_MMAP_THRESHOLD, 64 << 10);
        mallopt(M_ARENA_MAX, 1);
        allow_descriptors();
        r.book = book_new(&(struct book_params){.calm = c->incident.calm, .reopen = c->incident.reopen}, 1);
        r.tell = calloc(1, sizeof *r.tell);
        if (!r.book || !r.tell) {
                log_error("cannot start: there is no memory");
                return EXIT_FAILURE;
        }
        r.history.told = on_event;
        r.history.told_ctx = &r;
        int n = begin(&r, c, fd);
        if (n == 0) {
                r.drain_timer = (struct loop_timer){.fire = drain_and_again, .ctx = &r};
                drain_and_again(&r, clock_boot_ns());
                n = loop_run(&r.loop);
        }
        if (r.local_fd >= 0)
                listen_unix_remove(c->socket, r.local_fd);
        http_stop(&r.tcp);
        http_stop(&r.local);
        leave_done(&r.leave);
        guard_link_stop(&r.link);
        signals_done(&r.loop, &r.signals);
        loop_done(&r.loop);
        tell_stop(r.tell);
        if (n >= 0)
                last_drain(&r);
        memory_stop(&r.memory);
        keep_stop(&r.keep);
        history_done(&r.history);
        free(r.tell);
        book_free(r.book);
        ring_unmap(r.ring);
        board_unmap(r.board);
        return n < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
