/* HTTP by libmicrohttpd: see http.h. */
#include "recorder/http.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
        CONNECTION_MEMORY = 16 << 10, /* request line and headers; more gets 414 or 431 */
        TIMEOUT_SEC = 5,              /* without a byte in either direction */
        BLOCK_BYTES = 32 << 10,
        UPLOAD_MAX = 64 << 10, /* a body without end: the connection is closed */
};

/* One request and its reply; lives until libmicrohttpd says that it is completed. */
struct exchange {
        struct http *http;
        struct MHD_Connection *connection;
        struct guest *guest; /* NULL: not counted */
        struct route_reply reply;
        uint64_t body_bytes;
        char *body;            /* at most ROUTE_BODY_MAX bytes of it, when it is wanted */
        size_t sent;           /* of what is in the reply's body */
        bool handled;          /* there is a reply, or it is being waited for */
        bool suspended;        /* nothing happens on the connection until the reply is there */
        struct exchange *next; /* suspended too */
};

static const char *header(struct http *h, struct MHD_Connection *c, const char *name)
{
        return h->mhd->lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result take_argument(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
        struct route_request *q = cls;

        if (q->args < ROUTE_ARGS) {
                q->arg[q->args].name = name;
                q->arg[q->args].value = value;
        }
        q->args++;
        return MHD_YES;
}

static int descriptor(struct http *h, struct MHD_Connection *c)
{
        const union MHD_ConnectionInfo *info =
                h->mhd->get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

        return info ? info->connect_fd : -1;
}

static struct guest *guest_of(struct http *h, struct MHD_Connection *c)
{
        const union MHD_ConnectionInfo *info =
                h->mhd->get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

        return info ? info->socket_context : NULL;
}

/* It came, or it left. */
static void connection_changed(
        void *cls, struct MHD_Connection *c, void **guest, enum MHD_ConnectionNotificationCode what)
{
        struct http *h = cls;

        if (what == MHD_CONNECTION_NOTIFY_STARTED)
                *guest = guests_came(&h->guests, descriptor(h, c));
        else
                guests_left(&h->guests, *guest);
}

static ssize_t read_piece(void *cls, uint64_t pos, char *buf, size_t max)
{
        struct exchange *x = cls;
        struct out *o = &x->reply.body.out;

        while (x->sent == o->len) {
                if (!x->reply.more)
                        return MHD_CONTENT_READER_END_OF_STREAM;
                o->len = x->sent = 0;
                route_reply_more(&x->reply);
                if (o->failed)
                        return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        size_t n = MIN(max, o->len - x->sent);
        memcpy(buf, o->buf + x->sent, n);
        x->sent += n;
        return (ssize_t)n;
}

static void add_headers(const struct mhd *m, struct MHD_Response *response, const struct route_reply *r)
{
        static const char *const fixed[][2] = {
                {"X-Content-Type-Options", "nosniff"},
                {"X-Frame-Options", "DENY"},
                {"Referrer-Policy", "no-referrer"},
                {"Cross-Origin-Resource-Policy", "same-origin"},
        };
        static const char page_policy[] =
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

        for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
                m->add_response_header(response, fixed[i][0], fixed[i][1]);
        static const char report_policy[] =
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
                "form-action 'none'";
        m->add_response_header(response, "Content-Security-Policy",
                r->asset       ? page_policy
                : r->has_style ? report_policy
                               : "default-src 'none'; frame-ancestors 'none'");
        /* the dashboard's files are asked for anew each time, and sent again only when they changed */
        m->add_response_header(response, "Cache-Control", r->asset ? "no-cache" : "no-store");
        m->add_response_header(response, "Vary", "Accept, Accept-Encoding");
        m->add_response_header(response, "Content-Type", r->content_type);
        if (r->asset)
                m->add_response_header(response, "ETag", r->form->etag);
        if (r->asset && r->form == &r->asset->gzip)
                m->add_response_header(response, "Content-Encoding", "gzip");
        if (r->allow)
                m->add_response_header(response, "Allow", r->allow);
        if (r->retry) {
                char seconds[12];
                snprintf(seconds, sizeof seconds, "%u", r->retry);
                m->add_response_header(response, "Retry-After", seconds);
        }
        if (r->status == 401)
                m->add_response_header(response, "WWW-Authenticate", "Bearer realm=\"sexton\"");
}

static struct MHD_Response *static_response(const struct mhd *m, const struct route_reply *r)
{
        union {
                const unsigned char *read_only;
                void *data;
        } body = {r->form->data}; /* the library takes what it only reads as writable */

        return m->create_response_from_buffer(
                r->status == 304 ? 0 : r->form->len, body.data, MHD_RESPMEM_PERSISTENT);
}

static void describe(struct exchange *x, const char *url, const char *method, struct route_request *ret)
{
        struct http *h = x->http;
        struct MHD_Connection *c = x->connection;

        *ret = (struct route_request){
                .method = method,
                .path = url,
                .accept = header(h, c, "Accept"),
                .accept_encoding = header(h, c, "Accept-Encoding"),
                .if_none_match = header(h, c, "If-None-Match"),
                .asker = {.host = header(h, c, "Host"),
                        .authorization = header(h, c, "Authorization"),
                        .origin = header(h, c, "Origin"),
                        .fetch_site = header(h, c, "Sec-Fetch-Site"),
                        .anti_forgery = header(h, c, "X-Sexton-Anti-Forgery")},
                .from_unix_socket = h->is_unix,
                .body_bytes = x->body_bytes,
                .body = x->body,
        };
        if (h->is_unix)
                leave_peer(h->env->leave, descriptor(h, c), &ret->asker.peer);
        h->mhd->get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_argument, ret);
}

/* ---- replies that are waited for ---- */

static void resume(void *ctx)
{
        struct exchange *x = ctx;
        struct http *h = x->http;

        for (struct exchange **at = &h->suspended; *at; at = &(*at)->next)
                if (*at == x) {
                        *at = x->next;
                        break;
                }
        x->suspended = false;
        h->mhd->resume_connection(x->connection);
        loop_arm(h->loop, &h->timer, clock_boot_ns()); /* take_request() is called once more */
}

static enum MHD_Result suspend(struct exchange *x)
{
        struct http *h = x->http;

        x->next = h->suspended;
        h->suspended = x;
        x->suspended = true;
        h->mhd->suspend_connection(x->connection);
        return MHD_YES;
}

static enum MHD_Result send_reply(struct exchange *x)
{
        const struct mhd *m = x->http->mhd;
        struct route_reply *r = &x->reply;
        struct MHD_Response *response;

        if (r->more)
                response =
                        m->create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_piece, x, NULL);
        else if (r->asset)
                response = static_response(m, r);
        else
                response = m->create_response_from_buffer(
                        r->body.out.len, r->body.out.buf, MHD_RESPMEM_PERSISTENT);
        if (!response)
                return MHD_NO;
        add_headers(m, response, r);
        enum MHD_Result done = m->queue_response(x->connection, (unsigned)r->status, response);
        m->destroy_response(response);
        return done;
}

static enum MHD_Result answer(struct exchange *x, const char *url, const char *method)
{
        struct http *h = x->http;
        struct route_request q;

        if (!x->handled) {
                x->handled = true;
                guests_served(&h->guests, x->guest, true);
                describe(x, url, method, &q);
                if (h->before)
                        h->before(h->before_ctx);
                route_handle(h->env, &q, &x->reply);
                x->reply.ready = resume;
                x->reply.ready_ctx = x;
        }
        return x->reply.waits ? suspend(x) : send_reply(x);
}

/* What is told before a body arrives, so that nobody sends it for nothing. */
static bool is_hopeless(struct exchange *x, const char *url, const char *method)
{
        const char *length = header(x->http, x->connection, "Content-Length");
        struct route_request q;
        uint64_t n;

        if (length && text_u64(&length, &n))
                x->body_bytes = n;
        if (x->body_bytes > ROUTE_BODY_MAX)
                return true;
        x->body_bytes = 0;
        if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
                return false;
        describe(x, url, method, &q);
        if (!route_takes_body(x->http->env, &q))
                return true;
        x->body = malloc(ROUTE_BODY_MAX);
        return !x->body;
}

static enum MHD_Result take_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
        const char *version, const char *upload, size_t *upload_size, void **request)
{
        struct http *h = cls;
        struct exchange *x = *request;

        if (!x) {
                x = calloc(1, sizeof *x);
                if (!x)
                        return MHD_NO;
                x->http = h;
                x->connection = c;
                x->guest = guest_of(h, c);
                *request = x;
                return is_hopeless(x, url, method) ? answer(x, url, method) : MHD_YES;
        }
        if (*upload_size) {
                if (x->body && x->body_bytes + *upload_size <= ROUTE_BODY_MAX)
                        memcpy(x->body + x->body_bytes, upload, *upload_size);
                x->body_bytes += *upload_size;
                *upload_size = 0;
                return x->body_bytes > UPLOAD_MAX ? MHD_NO : MHD_YES;
        }
        return answer(x, url, method);
}

static void completed(
        void *cls, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode why)
{
        struct exchange *x = *request;

        if (!x)
                return;
        guests_served(&x->http->guests, x->guest, false);
        route_reply_done(&x->reply);
        free(x->body);
        free(x);
        *request = NULL;
}

static int hex(char c)
{
        return c >= '0' && c <= '9'                     ? c - '0'
               : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                        : -1;
}

/* Decodes %XX in place, but not %00: behind a NUL a path or name would be cut off and be another one. */
static size_t unescape(void *cls, struct MHD_Connection *c, char *s)
{
        char *to = s;

        for (const char *p = s; *p; to++) {
                int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;
                bool escaped = low >= 0 && (high || low);
                *to = (char)(escaped ? high << 4 | low : *p);
                p += escaped ? 3 : 1;
        }
        *to = '\0';
        return (size_t)(to - s);
}

/* ---- the loop ---- */

static unsigned connections(const struct http *h)
{
        const union MHD_DaemonInfo *info =
                h->mhd->get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

        return info ? info->num_connections : 0;
}

static void run(struct http *h)
{
        MHD_UNSIGNED_LONG_LONG ms = 0;
        unsigned before = h->connections;

        h->mhd->run(h->daemon);
        h->connections = connections(h);
        /* at its limit it stops listening, and goes on only in the run after the one that closed some */
        if (h->connections < before)
                loop_arm(h->loop, &h->timer, clock_boot_ns());
        else if (h->mhd->get_timeout(h->daemon, &ms) == MHD_YES)
                loop_arm(h->loop, &h->timer, clock_boot_ns() + ms * NSEC_PER_MSEC);
        else
                loop_disarm(h->loop, &h->timer);
}

static void ready(void *ctx, uint32_t events)
{
        run(ctx);
}

static void fire(void *ctx, uint64_t now_ns)
{
        run(ctx);
}

int http_start(struct http *h, const struct mhd *mhd, struct loop *loop, struct route_env *env, int listen_fd,
        bool is_unix, struct error *e)
{
        *h = (struct http){.mhd = mhd,
                .loop = loop,
                .fd = {.ready = ready, .ctx = h},
                .timer = {.fire = fire, .ctx = h},
                .env = env,
                .is_unix = is_unix};
        h->daemon = mhd->start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take_request,
                h, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_NOTIFY_COMPLETED, completed, h,
                MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h, MHD_OPTION_CONNECTION_LIMIT,
                (unsigned)GUESTS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SEC, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
                NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
        if (!h->daemon) {
                close(listen_fd);
                return error_set(e, -EIO, "libmicrohttpd does not start");
        }
        const union MHD_DaemonInfo *info = mhd->get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        int r = -EIO;
        if (info) {
                h->fd.fd = info->epoll_fd;
                r = loop_add(loop, &h->fd, EPOLLIN);
        }
        if (r < 0) {
                mhd->stop_daemon(h->daemon);
                h->daemon = NULL;
                return error_set(e, r, "the HTTP server's epoll: %s", strerror(-r));
        }
        return 0;
}

void http_stop(struct http *h)
{
        if (!h->daemon)
                return;
        loop_remove(h->loop, &h->fd);
        while (h->suspended) { /* the library refuses to end with one */
                struct exchange *x = h->suspended;
                route_reply_error(&x->reply, 503, "Sexton is being stopped");
                x->reply.waits = false;
                resume(x);
        }
        loop_disarm(h->loop, &h->timer);
        h->mhd->stop_daemon(h->daemon);
        h->daemon = NULL;
}
