/* Tests of source/engine/operate against a fake daemon on a Unix socket: it does what it is asked, refuses,
 * or says nothing.
 */
#include "source/engine/operate.h"

#include "base/clock.h"
#include "base/loop.h"
#include "tap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ID "68d107562d5a4d87d4b7c03186aa891b6d79a62e2a5ae379a0673ae8e0b819de"

static char path[64];
static const char *reply; /* NULL: silence */
static char asked[512];
static struct loop loop;
static struct operate o;
static struct engine_operated last;
static int ends;
static struct loop_fd listener;
static struct loop_fd client[OPERATIONS + 8];
static int clients, asks;

static void on_request(void *ctx, uint32_t events)
{
        struct loop_fd *watch = ctx;
        ssize_t n = recv(watch->fd, asked, sizeof asked - 1, MSG_DONTWAIT);

        asked[n > 0 ? n : 0] = '\0';
        asks++;
        loop_remove(&loop, watch);
        if (reply) {
                check_int(send(watch->fd, reply, strlen(reply), 0), strlen(reply));
                close(watch->fd);
                watch->fd = -1;
        }
}

static void on_connection(void *ctx, uint32_t events)
{
        struct loop_fd *watch = &client[clients++];

        *watch = (struct loop_fd){
                .fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC), .ready = on_request, .ctx = watch};
        check_int(loop_add(&loop, watch, EPOLLIN), 0);
}

static const char *where(void *ctx)
{
        return path;
}

static void on_operated(void *ctx, const struct engine_operated *e)
{
        last = *e;
        ends++;
}

static void up(void)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};

        snprintf(path, sizeof path, "/tmp/sexton-operate-%d.sock", (int)getpid());
        unlink(path);
        strcpy(a.sun_path, path);
        check_int(loop_init(&loop), 0);
        listener = (struct loop_fd){
                .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .ready = on_connection};
        check_int(bind(listener.fd, (const struct sockaddr *)&a, sizeof a), 0);
        check_int(listen(listener.fd, OPERATIONS + 8), 0);
        check_int(loop_add(&loop, &listener, EPOLLIN), 0);
        o = (struct operate){.loop = &loop, .socket = where, .operated = on_operated};
        ends = clients = 0;
        reply = NULL;
        asks = 0;
}

static void down(void)
{
        operate_done(&o);
        for (int i = 0; i < clients; i++)
                if (client[i].fd >= 0)
                        close(client[i].fd);
        loop_remove(&loop, &listener);
        close(listener.fd);
        loop_done(&loop);
        unlink(path);
}

static void ask(uint32_t number, uint8_t operation, const char *target)
{
        struct engine_operate one = {.number = number, .operation = operation, .patience_ms = 2500};

        snprintf(one.target, sizeof one.target, "%s", target);
        operate_ask(&o, &one);
}

static void ask_unit(uint32_t number, uint8_t operation, const char *name)
{
        struct engine_operate one = {
                .number = number, .operation = operation, .unit = true, .patience_ms = 2500};

        snprintf(one.target, sizeof one.target, "%s", name);
        operate_ask(&o, &one);
}

static void run_until_ends(int n)
{
        uint64_t end_ns = clock_boot_ns() + 20 * NSEC_PER_SEC;

        while (ends < n && clock_boot_ns() < end_ns)
                loop_once(&loop, 50);
        check_int(ends, n);
}

static void does_what_is_asked(void)
{
        up();
        reply = "HTTP/1.1 204 No Content\r\n\r\n";
        ask(7, ENGINE_RESTART, ID);
        run_until_ends(1);
        check_int(last.number, 7);
        check_int(last.code, 0);
        check_str(last.text, "");
        check(!strncmp(asked, "POST /containers/" ID "/restart?t=3 HTTP/1.1\r\n", 103));
        check(strstr(asked, "\r\nContent-Length: 0\r\n") != NULL);
        ask(8, ENGINE_START, ID);
        run_until_ends(2);
        check(!strncmp(asked, "POST /containers/" ID "/start HTTP/1.1\r\n", 97));
        reply = "HTTP/1.1 304 Not Modified\r\n\r\n"; /* it was stopped already */
        ask(9, ENGINE_STOP, ID);
        run_until_ends(3);
        check_int(last.code, 0);
        down();
}

static void tells_why_not(void)
{
        up();
        reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 37\r\n\r\n{\"message\":\"No such\\u001b "
                "container\"}";
        ask(1, ENGINE_STOP, ID);
        run_until_ends(1);
        check_int(last.code, -ENOENT);
        reply = "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n{\"message\":\"No such\\u001b[1m "
                "container\"}";
        ask(2, ENGINE_STOP, ID);
        run_until_ends(2);
        check_str(last.text, "No such\\x1b[1m container");
        reply = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops";
        ask(3, ENGINE_STOP, ID);
        run_until_ends(3);
        check_int(last.code, -EIO);
        check(strstr(last.text, "500") != NULL);
        reply = "SSH-2.0-x\r\n";
        ask(4, ENGINE_STOP, ID);
        run_until_ends(4);
        check_int(last.code, -EPROTO);
        ask(5, ENGINE_STOP, "../images/x");
        ask(6, ENGINE_STOP, "");
        ask(8, 0, ID);
        ask(9, ENGINE_OPERATIONS, ID);
        run_until_ends(8);
        check_int(last.code, -EINVAL);
        snprintf(path, sizeof path, "/nonexistent/sock");
        ask(10, ENGINE_STOP, ID);
        run_until_ends(9);
        check_int(last.code, -ENOENT);
        path[0] = '\0';
        ask(11, ENGINE_STOP, ID);
        run_until_ends(10);
        check_int(last.code, -ENOTCONN);
        snprintf(path, sizeof path, "/tmp/sexton-operate-%d.sock", (int)getpid());
        down();
}

/* A daemon that hangs takes up places, no more: what is asked beyond is refused at once. */
static void silence_is_bounded(void)
{
        up();
        for (uint32_t i = 1; i <= OPERATIONS + 1; i++)
                ask(i, ENGINE_STOP, ID);
        check_int(ends, 1);
        check_int(last.number, OPERATIONS + 1);
        check_int(last.code, -EBUSY);
        for (int i = 0; i < 200 && clients < OPERATIONS; i++)
                loop_once(&loop, 10);
        check_int(clients, OPERATIONS);
        check_int(ends, 1);
        check(o.operation[0].call.give_up_ns > clock_boot_ns() + 10 * NSEC_PER_SEC);
        check(o.operation[0].call.give_up_ns < clock_boot_ns() + 30 * NSEC_PER_SEC);
        o.operation[0].call.give_up_ns = 1;
        loop_arm(&loop, &o.operation[0].call.timer, 1);
        run_until_ends(2);
        check_int(last.code, -ETIMEDOUT);
        check_int(last.number, 1);
        down();
}

/* ---- units ---- */

/* A bus that hangs, one that speaks another language, one that hangs up, none at all. */
static void bears_a_bad_bus(void)
{
        char address[96];

        up();
        snprintf(address, sizeof address, "unix:path=%s", path);
        o.units.address = address;
        ask_unit(1, ENGINE_STOP, "demo.service"); /* silence */
        for (int i = 0; i < 200 && !asks; i++)
                loop_once(&loop, 10);
        check_int(asks, 1); /* its first byte is a NUL */
        check_int(ends, 0);
        check(o.units.job[0].give_up_ns > clock_boot_ns() + 10 * NSEC_PER_SEC);
        o.units.job[0].give_up_ns = 1;
        loop_arm(&loop, &o.units.timer, 1);
        run_until_ends(1);
        check_int(last.code, -ETIMEDOUT);
        check(!o.units.bus);
        reply = "HTTP/1.1 400 Bad Request\r\n\r\n"; /* then it hangs up */
        ask_unit(2, ENGINE_RESTART, "demo.service");
        ask_unit(3, ENGINE_START, "other.service");
        run_until_ends(3);
        check_int(last.code, -ENOTCONN);
        check_str(last.text, "Connection terminated");
        check(!o.units.bus);
        o.units.address = "unix:path=/nonexistent/bus";
        ask_unit(4, ENGINE_STOP, "demo.service");
        run_until_ends(4);
        check_int(last.number, 4);
        check_int(last.code, -ENOTCONN);
        check(strstr(last.text, "No such file") != NULL);
        down();
}

static void asks_only_what_units_do(void)
{
        static const char *const names[] = {"", "demo", ".service", "demo.socket", "../demo.service",
                "demo*.service", "a b.service", "demo.service\n"};

        up();
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                ask_unit((uint32_t)i + 1, ENGINE_STOP, names[i]);
                check_int(ends, i + 1);
                check_int(last.code, -EINVAL);
        }
        ask_unit(20, ENGINE_OPERATIONS, "demo.service");
        check_int(last.code, -EINVAL);
        check_int(clients, 0);
        down();
}

static void jobs_are_bounded(void)
{
        char address[96];

        up();
        snprintf(address, sizeof address, "unix:path=%s", path);
        o.units.address = address;
        for (uint32_t i = 1; i <= UNIT_JOBS + 1; i++)
                ask_unit(i, ENGINE_STOP, "demo.service");
        check_int(ends, 1);
        check_int(last.number, UNIT_JOBS + 1);
        check_int(last.code, -EBUSY);
        down(); /* what is under way is let go of */
}

static void all(void)
{
        test(does_what_is_asked);
        test(tells_why_not);
        test(silence_is_bounded);
        test(bears_a_bad_bus);
        test(asks_only_what_units_do);
        test(jobs_are_bounded);
}

int main(void)
{
        return tap_main(all);
}
