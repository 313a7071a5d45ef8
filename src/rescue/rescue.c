/* The rescue console's process: see rescue.h. Wiring: what is opened as root, what is given up, who is told.
 */
#include "rescue/rescue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "base/text.h"
#include "recorder/confine.h"
#include "recorder/listen.h"
#include "rescue/filter.h"
#include "rescue/reserve.h"
#include "rescue/serial.h"
#include "rescue/session.h"
#include "rescue/show.h"
#include "wire/board_map.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>

enum { COPY_TRIES = 100, KMSG_RECORDS = 20000, KMSG_LINES = 200 };
#define TRY_AGAIN_NS   (5 * NSEC_PER_SEC)
#define LOOK_AT_TOP_NS (5 * NSEC_PER_SEC) /* how often room is made for what the board has grown by */

struct rescue {
        const struct config *config;
        struct rescue_fds fd;
        struct loop loop;
        struct loop_fd signals, alive, link;
        struct loop_timer prepare, grow;
        struct error told; /* why it can't start, as last logged */
        bool running, leaving;
        int listen_fd, serial_fd;
        struct keys keys;
        const struct ssh *ssh;
        ssh_key host_key;
        struct board *board, *copy;
        struct ring *ring;
        struct kmsg kmsg;
        struct kmsg_line kmsg_line[KMSG_LINES];
        struct reserve reserve;
        char host[65];
        uint32_t next_number;
        struct sessions sessions;
        struct serial serial;
};

/* ---- what consoles ask ---- */

/* A copy of the board; torn when the guard is in the middle of a change and doesn't go on. */
static bool take_copy(struct rescue *r)
{
        if (board_copy(r->copy, r->board, BOARD_WHOLE, COPY_TRIES) == 0)
                return false;
        board_copy_torn(r->copy, r->board, BOARD_WHOLE);
        return true;
}

static enum console_exit show(void *ctx, const struct command *c, unsigned width, struct page *p)
{
        struct rescue *r = ctx;
        struct show s = {.board = r->copy, .ring = r->ring, .width = width, .page = p};

        if (c->verb == COMMAND_HELP)
                return show_help(p, c->subject);
        if (c->verb == COMMAND_DMESG) {
                kmsg_read(&r->kmsg, KMSG_RECORDS);
                return show_dmesg(&r->kmsg, c->number, p);
        }
        s.torn = take_copy(r);
        s.now_ns = clock_boot_ns();
        s.wall_offset_ns = clock_wall_offset_ns();
        switch ((int)c->verb) {
        case COMMAND_TOP:
                return show_top(&s);
        case COMMAND_SERVICES:
                return show_services(&s, c->subject);
        case COMMAND_ZOMBIES:
                return show_zombies(&s, c->subject);
        case COMMAND_WHY:
                return show_why(&s, c->subject);
        case COMMAND_DEATHS:
                return show_deaths(&s, c->number);
        case COMMAND_ACTIONS:
                return show_actions(&s);
        default:
                return CONSOLE_USAGE;
        }
}

/* ---- what they have done ---- */

static int send_request(struct rescue *r, struct request *q, struct console *c)
{
        q->number = r->next_number++;
        q->expires_ns = clock_boot_ns() + CONSOLE_PATIENCE_NS;
        if (send(r->fd.requests, q, sizeof *q, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof *q) {
                c->asked_to = q->number;
                return 0;
        }
        int code = errno;
        page_put(&c->page, "The guard takes no requests: %s.\n",
                code == EAGAIN ? "it has not answered those before; it may be hanging" : strerror(code));
        return -code;
}

static enum request_verb verb_of(const struct command *c)
{
        switch ((int)c->verb) {
        case COMMAND_THAW:
                return REQUEST_THAW;
        case COMMAND_UNDO:
                return REQUEST_UNDO;
        case COMMAND_RELEASE:
                return REQUEST_RELEASE;
        case COMMAND_BREAKER:
                return REQUEST_BREAKER;
        case COMMAND_KILL:
                return c->pid ? REQUEST_KILL : REQUEST_TAKE;
        default:
                return REQUEST_TAKE;
        }
}

static int ask(void *ctx, const struct command *command, struct console *c)
{
        struct rescue *r = ctx;
        struct request q = {
                .verb = (uint8_t)verb_of(command),
                .kind = command->verb == COMMAND_FREEZE ? ACTION_FREEZE : ACTION_STOP,
                .dry_run = command->dry_run,
                .pid = command->pid,
                .action_id = (uint32_t)command->number,
                .value = command->verb == COMMAND_BREAKER ? (double)command->breaker : (double)NAN,
                .ttl_ns = command->ttl_ns,
        };

        if (q.verb != REQUEST_TAKE)
                q.kind = ACTION_NONE;
        text_set(q.service, sizeof q.service, command->subject);
        text_set(q.who, sizeof q.who, c->who);
        text_set(q.reason, sizeof q.reason,
                *command->reason ? command->reason : "asked for at the rescue console");
        c->asked_from = c->asked_to = r->next_number;
        int code = send_request(r, &q, c);
        return code < 0 ? code : 1;
}

static const struct console_ops ops = {.show = show, .ask = ask};

static void on_answer(void *ctx, uint32_t events)
{
        struct rescue *r = ctx;
        struct answer a;
        ssize_t n;

        while ((n = recv(r->fd.requests, &a, sizeof a, MSG_DONTWAIT)) > 0) {
                uint64_t now_ns = clock_boot_ns();
                if (n != sizeof a)
                        continue;
                sessions_answer(&r->sessions, &a, now_ns);
                serial_answer(&r->serial, &a, now_ns);
        }
        if (n == 0)
                loop_remove(&r->loop, &r->link);
}

/* ---- as root ---- */

const char *rescue_known_hosts(const struct config *c, char *buf, size_t size)
{
        const char *slash = strrchr(c->socket, '/');

        snprintf(buf, size, "%.*s/rescue_known_hosts", slash ? (int)(slash - c->socket) : 0, c->socket);
        return buf;
}

static int open_ssh(struct rescue *r, struct error *e)
{
        const struct config *c = r->config;
        char path[200], fingerprint[80];

        r->ssh = ssh_load(e);
        if (!r->ssh)
                return e->code;
        keys_done(r->ssh, &r->keys);
        int code = keys_read(r->ssh, &r->keys, c->rescue.authorized_keys, e);
        if (code == 0 && !r->keys.count)
                code = error_set(
                        e, -ENOKEY, "%s: no key in it, so nobody could log in", c->rescue.authorized_keys);
        if (code == 0 && !r->host_key)
                code = keys_host(r->ssh, c->data_dir, &r->host_key, e);
        if (code < 0)
                return code;
        r->listen_fd = listen_tcp(c->rescue.listen, e);
        if (r->listen_fd < 0)
                return r->listen_fd;
        keys_publish(r->ssh, r->host_key, rescue_known_hosts(c, path, sizeof path));
        log_info("%zu key%s may log in on %s; host key %s", r->keys.count, r->keys.count == 1 ? "" : "s",
                c->rescue.listen, keys_fingerprint(r->ssh, r->host_key, fingerprint, sizeof fingerprint));
        return 0;
}

static int open_all(struct rescue *r, struct error *e)
{
        int code = 0;

        if (r->config->rescue.listen[0] && r->listen_fd < 0)
                code = open_ssh(r, e);
        if (code == 0 && r->config->rescue.serial[0] && r->serial_fd < 0) {
                r->serial_fd = serial_open(r->config->rescue.serial, e);
                code = MIN(r->serial_fd, 0);
        }
        return code;
}

static void grow(void *ctx, uint64_t now_ns)
{
        struct rescue *r = ctx;

        reserve_copy(r->copy, r->board);
        loop_arm(&r->loop, &r->grow, now_ns + LOOK_AT_TOP_NS);
}

static int give_up_root(struct rescue *r, struct error *e)
{
        struct confine_user user;

        confine_user(&user);
        reserve_take(&r->reserve);
        int code = confine_drop(&user, e);
        if (code == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
                code = error_set(e, -errno, "not dumpable: %s", strerror(errno));
        return code == 0 ? filter_console(e) : code;
}

static int start(struct rescue *r, struct error *e)
{
        int code = 0;

        if (r->listen_fd >= 0)
                code = sessions_start(&r->sessions, r->ssh, &r->loop, r->listen_fd, r->host_key, &r->keys,
                        &ops, r, r->host, e);
        if (code == 0 && r->serial_fd >= 0) {
                code = serial_start(&r->serial, &r->loop, TAKE_FD(r->serial_fd), &ops, r, r->host);
                if (code < 0)
                        error_set(e, code, "serial line: %s", strerror(-code));
        }
        r->link = (struct loop_fd){.fd = r->fd.requests, .ready = on_answer, .ctx = r};
        if (code == 0 && loop_add(&r->loop, &r->link, EPOLLIN) < 0)
                code = error_set(e, -errno, "link to the guard: %s", strerror(errno));
        return code;
}

/* Until everything is there it is tried again and again: keys may be written later, an address may come up
 * later. What is told stays the same, and is told once. */
static void prepare(void *ctx, uint64_t now_ns)
{
        struct rescue *r = ctx;
        struct error e = {0};

        if (open_all(r, &e) < 0) {
                if (strcmp(e.text, r->told.text) != 0)
                        log_error("%s; looking again every 5 s", e.text);
                r->told = e;
                loop_arm(&r->loop, &r->prepare, now_ns + TRY_AGAIN_NS);
                return;
        }
        grow(r, now_ns);
        if (give_up_root(r, &e) < 0 || start(r, &e) < 0) {
                log_error("%s", e.text);
                r->told = e;
                r->loop.stop = true;
                return;
        }
        r->running = true;
}

/* ---- the frame ---- */

static void on_signal(void *ctx, uint32_t events)
{
        struct rescue *r = ctx;

        for (int sig; (sig = signals_next(&r->signals));) {
                if (sig == SIGHUP)
                        r->leaving = true;
                else if (sig == SIGTERM)
                        r->loop.stop = true;
        }
}

static void on_supervisor(void *ctx, uint32_t events)
{
        struct rescue *r = ctx;

        r->loop.stop = true;
}

static int map_all(struct rescue *r)
{
        struct utsname name;
        int code = board_map(r->fd.board, false, &r->board);

        if (code == 0)
                code = ring_map(r->fd.ring, false, &r->ring);
        if (code < 0)
                return code;
        r->copy = mmap(NULL, sizeof *r->copy, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (r->copy == MAP_FAILED)
                return -errno;
        if (uname(&name) == 0)
                text_set(r->host, sizeof r->host, name.nodename);
        if (getrandom(&r->next_number, sizeof r->next_number, 0) != sizeof r->next_number)
                r->next_number = (uint32_t)clock_boot_ns();
        r->next_number &= INT32_MAX; /* far from the number at which it would begin anew */
        tzset();                     /* gmtime() would open /etc/localtime at its first call */
        kmsg_open(&r->kmsg, "/dev/kmsg", r->kmsg_line, KMSG_LINES);
        return 0;
}

static int watch(struct rescue *r)
{
        int code = loop_init(&r->loop);

        if (code == 0)
                code = signals_watch(&r->loop, &r->signals, on_signal, r);
        r->alive = (struct loop_fd){.fd = r->fd.alive, .ready = on_supervisor, .ctx = r};
        if (code == 0)
                code = loop_add(&r->loop, &r->alive, EPOLLIN);
        r->prepare = (struct loop_timer){.fire = prepare, .ctx = r};
        r->grow = (struct loop_timer){.fire = grow, .ctx = r};
        if (code == 0)
                loop_arm(&r->loop, &r->prepare, clock_boot_ns());
        return code;
}

static int serve(struct rescue *r)
{
        while (!r->loop.stop) {
                int code = loop_once(&r->loop, -1);
                if (code < 0)
                        return code;
                if (r->leaving && (!r->running || !sessions_logged_in(&r->sessions)))
                        break;
                reserve_pace(&r->reserve);
        }
        return r->told.code && r->loop.stop && !r->running ? r->told.code : 0;
}

static void close_all(struct rescue *r)
{
        sessions_done(&r->sessions);
        serial_done(&r->serial);
        if (r->ssh)
                keys_done(r->ssh, &r->keys);
        if (r->listen_fd >= 0)
                close(r->listen_fd);
        if (r->serial_fd >= 0)
                close(r->serial_fd);
        kmsg_close(&r->kmsg);
        signals_done(&r->loop, &r->signals);
        loop_done(&r->loop);
        board_unmap(r->board);
        ring_unmap(r->ring);
        if (r->copy && r->copy != MAP_FAILED)
                munmap(r->copy, sizeof *r->copy);
}

int rescue_main(const struct config *config, const struct rescue_fds *fd)
{
        reserve_heap();
        struct rescue *r = calloc(1, sizeof *r);
        if (!r)
                return EXIT_FAILURE;
        r->config = config;
        r->fd = *fd;
        r->listen_fd = r->serial_fd = r->kmsg.fd = r->signals.fd = r->loop.epoll_fd = -1;
        int code = map_all(r);
        if (code == 0)
                code = watch(r);
        if (code == 0)
                code = serve(r);
        if (code < 0)
                log_error("ends: %s", strerror(-code));
        close_all(r);
        free(r);
        return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
