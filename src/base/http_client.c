/* HTTP over a Unix socket: see http_client.h. */
#include "base/http_client.h"

#include "base/clock.h"
#include "base/http_reader.h"
#include "base/util.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { RETRY_MS = 20, REQUEST_SIZE = 8192 };

struct body {
        char *data;
        size_t len, size;
};

static int body_append(void *ctx, const char *data, size_t len)
{
        struct body *b = ctx;

        if (len > HTTP_BODY_MAX - b->len)
                return -EFBIG;
        if (b->len + len + 1 > b->size) {
                size_t size = MAX((size_t)4096, b->size);
                while (size < b->len + len + 1)
                        size *= 2;
                char *grown = realloc(b->data, size);
                if (!grown)
                        return -ENOMEM;
                b->data = grown;
                b->size = size;
        }
        memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
        return 0;
}

int http_connect(const char *socket_path)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};

        if (strlen(socket_path) >= sizeof a.sun_path)
                return -ENAMETOOLONG;
        strcpy(a.sun_path, socket_path);
        cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&a, sizeof a) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int http_request_format(char *buf, size_t size, const char *method, const char *target)
{
        bool gets = !strcmp(method, "GET");

        for (const char *p = target; *p; p++)
                if ((unsigned char)*p <= ' ' || *p == 0x7f)
                        return -EINVAL;
        int n = snprintf(buf, size,
                "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: sexton/" SEXTON_VERSION
                "\r\nAccept: application/json\r\nConnection: close\r\n%s\r\n",
                method, target, gets ? "" : "Content-Length: 0\r\n");
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : n;
}

static int left_ms(uint64_t deadline_ns)
{
        uint64_t now = clock_boot_ns();

        return now >= deadline_ns ? 0 : (int)((deadline_ns - now) / NSEC_PER_MSEC + 1);
}

/* Waits for the descriptor; -ETIMEDOUT at the deadline. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
        for (;;) {
                struct pollfd p = {.fd = fd, .events = events};
                int ms = left_ms(deadline_ns);
                int n = ms ? poll(&p, 1, ms) : 0;
                if (n > 0)
                        return 0;
                if (n == 0 && left_ms(deadline_ns) == 0)
                        return -ETIMEDOUT;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }
}

static int connect_until(const char *path, uint64_t deadline_ns)
{
        for (;;) {
                int fd = http_connect(path);
                if (fd != -EAGAIN)
                        return fd;
                /* A full queue of a Unix listener cannot be polled for. */
                if (left_ms(deadline_ns) == 0)
                        return -ETIMEDOUT;
                nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * (long)NSEC_PER_MSEC}, NULL);
        }
}

static int send_until(int fd, const char *data, size_t len, uint64_t deadline_ns)
{
        while (len > 0) {
                ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n >= 0) {
                        data += n;
                        len -= (size_t)n;
                        continue;
                }
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;
                int r = wait_for(fd, POLLOUT, deadline_ns);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_until(int fd, struct http_reader *r, uint64_t deadline_ns)
{
        char buf[16384];

        while (!r->complete) {
                int k = wait_for(fd, POLLIN, deadline_ns);
                if (k < 0)
                        return k;
                ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0 && errno != ECONNRESET)
                        return -errno;
                k = http_reader_feed(r, buf, n > 0 ? (size_t)n : 0);
                if (k < 0)
                        return k;
        }
        return 0;
}

struct call {
        const char *path, *method, *target, *body;
};

static int format(char *buf, size_t size, const struct call *c)
{
        int n = http_request_format(buf, size, c->method, c->target);

        if (n < 0 || !c->body)
                return n;
        n = snprintf(buf, size,
                "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: sexton/" SEXTON_VERSION
                "\r\nAccept: application/json\r\nConnection: close\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                c->method, c->target, strlen(c->body), c->body);
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : n;
}

static int call(const struct call *c, int timeout_ms, struct http_reader *r, struct error *e)
{
        const char *path = c->path;
        char request[REQUEST_SIZE];
        uint64_t deadline = clock_boot_ns() + (uint64_t)MAX(timeout_ms, 1) * NSEC_PER_MSEC;

        int n = format(request, sizeof request, c);
        if (n < 0)
                return error_set(e, n, "the request is not valid");
        cleanup_close int fd = connect_until(path, deadline);
        if (fd == -ETIMEDOUT)
                return error_set(e, fd, "%s accepts no connection (%d ms)", path, timeout_ms);
        if (fd < 0)
                return error_set(e, fd, "%s: %s", path, strerror(-fd));
        int k = send_until(fd, request, (size_t)n, deadline);
        /* One that refuses early may have answered before it closed. */
        if (k == 0 || k == -EPIPE)
                k = read_until(fd, r, deadline);
        if (k == -ETIMEDOUT)
                return error_set(e, k, "%s does not answer (%d ms)", path, timeout_ms);
        if (k == -EFBIG)
                return error_set(e, k, "%s: the answer is larger than %d MB", path, HTTP_BODY_MAX >> 20);
        if (k == -EPROTO)
                return error_set(e, k, "%s: %s", path, http_reader_problem(r));
        return k < 0 ? error_set(e, k, "%s: %s", path, strerror(-k)) : 0;
}

int http_call(const char *socket_path, const char *method, const char *target, const char *body,
        int timeout_ms, struct http_response *ret, struct error *e)
{
        const struct call what = {.path = socket_path, .method = method, .target = target, .body = body};
        struct http_reader r;
        struct body b = {0};

        http_reader_init(&r, body_append, &b);
        int k = call(&what, timeout_ms, &r, e);
        if (k == 0 && !b.data) {
                k = body_append(&b, "", 0);
                if (k < 0)
                        error_set(e, k, "out of memory");
        }
        if (k < 0) {
                free(b.data);
                return k;
        }
        *ret = (struct http_response){.status = r.status, .len = b.len, .body = b.data};
        return 0;
}

int http_get(const char *socket_path, const char *target, int timeout_ms, struct http_response *ret,
        struct error *e)
{
        return http_call(socket_path, "GET", target, NULL, timeout_ms, ret, e);
}

void http_response_done(struct http_response *r)
{
        free(r->body);
        *r = (struct http_response){0};
}
