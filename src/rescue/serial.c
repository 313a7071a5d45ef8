/* The console on a serial line: see serial.h. */
#include "rescue/serial.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>

enum { READ_ROUNDS = 16 };
#define REST_NS NSEC_PER_SEC

int serial_open(const char *path, struct error *e)
{
        struct termios t;
        cleanup_close int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return error_set(e, -errno, "%s: %s", path, strerror(errno));
        if (tcgetattr(fd, &t) < 0)
                return error_set(e, -errno, "%s: no serial line: %s", path, strerror(errno));
        cfmakeraw(&t); /* its speed stays as the machine has set it */
        t.c_cflag |= CLOCAL | CREAD;
        if (tcsetattr(fd, TCSANOW, &t) < 0)
                return error_set(e, -errno, "%s: can't be made raw: %s", path, strerror(errno));
        return TAKE_FD(fd);
}

static void arrange(struct serial *s, uint64_t now_ns)
{
        bool rests = s->rest_ns > now_ns;
        uint32_t events =
                rests ? 0 : (uint32_t)EPOLLIN | (page_is_sent(&s->console.page) ? 0 : (uint32_t)EPOLLOUT);
        uint64_t due = console_due(&s->console);

        if (!events && s->events)
                loop_remove(s->loop, &s->watch);
        else if (events && !s->events)
                loop_add(s->loop, &s->watch, events);
        else if (events != s->events)
                loop_modify(s->loop, &s->watch, events);
        s->events = events;
        if (rests)
                due = due ? MIN(due, s->rest_ns) : s->rest_ns;
        if (due)
                loop_arm(s->loop, &s->timer, due);
        else
                loop_disarm(s->loop, &s->timer);
}

static void begin(struct serial *s, uint64_t now_ns)
{
        console_init(&s->console, s->ops, s->ops_ctx, "rescue on the serial line");
        console_start(&s->console, true, s->host, now_ns);
}

/* Nobody there: what was typed and shown is over, and the line is looked at again later. */
static void rest(struct serial *s, uint64_t now_ns)
{
        begin(s, now_ns);
        page_clear(&s->console.page);
        s->rest_ns = now_ns + REST_NS;
}

static bool read_some(struct serial *s, uint64_t now_ns)
{
        char bytes[CONSOLE_INPUT];

        for (int k = 0; k < READ_ROUNDS && console_room(&s->console); k++) {
                ssize_t n = read(s->watch.fd, bytes, console_room(&s->console));
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                if (n <= 0)
                        return false;
                console_type(&s->console, bytes, (size_t)n, now_ns);
        }
        return true;
}

static bool write_some(struct serial *s, uint64_t now_ns)
{
        struct console *c = &s->console;

        while (!page_is_sent(&c->page)) {
                ssize_t n = write(s->watch.fd, c->page.text + c->page.sent, c->page.len - c->page.sent);
                if (n < 0)
                        return errno == EAGAIN || errno == EINTR;
                console_sent(c, (size_t)n, now_ns);
        }
        return true;
}

static void drive(struct serial *s, uint64_t now_ns)
{
        if (s->rest_ns <= now_ns) {
                s->rest_ns = 0;
                if (!read_some(s, now_ns) || !write_some(s, now_ns))
                        rest(s, now_ns);
                else if (console_is_over(&s->console))
                        begin(s, now_ns); /* the line stays: the next one is greeted */
        }
        arrange(s, now_ns);
}

static void on_ready(void *ctx, uint32_t events)
{
        drive(ctx, clock_boot_ns());
}

static void on_time(void *ctx, uint64_t now_ns)
{
        struct serial *s = ctx;

        console_tick(&s->console, now_ns);
        drive(s, now_ns);
}

int serial_start(struct serial *s, struct loop *loop, int fd, const struct console_ops *ops, void *ops_ctx,
        const char *host)
{
        uint64_t now_ns = clock_boot_ns();

        s->loop = loop;
        s->ops = ops;
        s->ops_ctx = ops_ctx;
        s->host = host;
        s->watch = (struct loop_fd){.fd = fd, .ready = on_ready, .ctx = s};
        s->timer = (struct loop_timer){.fire = on_time, .ctx = s};
        s->events = EPOLLIN;
        s->rest_ns = 0;
        int r = loop_add(loop, &s->watch, s->events);
        if (r < 0)
                return r;
        begin(s, now_ns);
        drive(s, now_ns);
        return 0;
}

void serial_done(struct serial *s)
{
        if (!s->loop)
                return;
        if (s->events)
                loop_remove(s->loop, &s->watch);
        loop_disarm(s->loop, &s->timer);
        close(TAKE_FD(s->watch.fd));
        s->loop = NULL;
}

void serial_answer(struct serial *s, const struct answer *a, uint64_t now_ns)
{
        if (!s->loop)
                return;
        console_answer(&s->console, a, now_ns);
        drive(s, now_ns);
}
