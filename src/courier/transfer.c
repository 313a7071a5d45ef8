/* libcurl's multi interface on the courier's loop: see transfer.h. */
#include "courier/transfer.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static void collect(struct transfers *t);

/* ---- curl's wishes ---- */

static void on_socket(void *ctx, uint32_t events)
{
        struct transfer_socket *s = ctx;
        struct transfers *t = s->of;
        int running, mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                            (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                            (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        t->curl->multi_socket_action(t->multi, s->fd.fd, mask, &running);
        collect(t);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
        struct transfers *t = ctx;
        struct transfer_socket *s = NULL;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

        for (size_t i = 0; i < TRANSFER_SOCKETS && !s; i++)
                if (t->socket[i].used && t->socket[i].fd.fd == fd)
                        s = &t->socket[i];
        if (what == CURL_POLL_REMOVE) {
                if (s) {
                        loop_remove(t->loop, &s->fd);
                        s->used = false;
                }
                return 0;
        }
        if (s)
                return loop_modify(t->loop, &s->fd, events) < 0 ? -1 : 0;
        for (size_t i = 0; i < TRANSFER_SOCKETS && !s; i++)
                if (!t->socket[i].used)
                        s = &t->socket[i];
        if (!s)
                return -1;
        s->used = true;
        s->of = t;
        s->fd = (struct loop_fd){.fd = fd, .ready = on_socket, .ctx = s};
        return loop_add(t->loop, &s->fd, events) < 0 ? -1 : 0;
}

static void on_timer(void *ctx, uint64_t now_ns)
{
        struct transfers *t = ctx;
        int running;

        t->curl->multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(t);
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
        struct transfers *t = ctx;

        if (ms < 0)
                loop_disarm(t->loop, &t->timer);
        else
                loop_arm(t->loop, &t->timer, clock_boot_ns() + (uint64_t)ms * NSEC_PER_MSEC);
        return 0;
}

void transfers_init(struct transfers *t, struct loop *loop)
{
        *t = (struct transfers){.loop = loop, .timer = {.fire = on_timer, .ctx = t}};
}

void transfers_done(struct transfers *t)
{
        if (t->multi)
                t->curl->multi_cleanup(t->multi);
        t->multi = NULL;
        loop_disarm(t->loop, &t->timer);
}

static int begin(struct transfers *t, struct error *e)
{
        t->curl = curl_load(e);
        if (!t->curl)
                return e->code;
        t->multi = t->curl->multi_init();
        if (!t->multi)
                return error_set(e, -ENOMEM, "out of memory");
        t->curl->multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
        t->curl->multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
        t->curl->multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer);
        t->curl->multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
        return 0;
}

/* ---- one transfer ---- */

static size_t take_answer(char *data, size_t size, size_t count, void *ctx)
{
        return delivery_answer(ctx, data, size * count) ? size * count : 0;
}

static size_t give_mail(char *to, size_t size, size_t count, void *ctx)
{
        struct delivery *d = ctx;
        size_t n = MIN(size * count, d->request.body.out.len - d->sent);

        memcpy(to, d->request.body.out.buf + d->sent, n);
        d->sent += n;
        return n;
}

/* What is written behind the host is nobody's business; the rest of the url says where. */
static bool is_this_machine(const char *url)
{
        static const char *const names[] = {"127.", "localhost", "[::1]"};
        const char *host = strstr(url, "://");

        for (size_t i = 0; host && i < ARRAY_SIZE(names); i++)
                if (!strncmp(host + 3, names[i], strlen(names[i])))
                        return true;
        return false;
}

static long tls_of(const struct notify_config *n)
{
        switch (n->tls) {
        case NOTIFY_TLS_OFF:
                return CURLUSESSL_NONE;
        case NOTIFY_TLS_TRY:
                return CURLUSESSL_TRY;
        case NOTIFY_TLS_REQUIRED:
                return CURLUSESSL_ALL;
        case NOTIFY_TLS_AUTO:
                break;
        }
        return is_this_machine(n->url) ? CURLUSESSL_NONE : CURLUSESSL_ALL;
}

/* "Sexton <sexton@example.org>" is what a person reads; the envelope wants the address alone. */
static void address(const char *p, size_t n, char ret[static 256])
{
        const char *open = memchr(p, '<', n),
                   *close = open ? memchr(open, '>', n - (size_t)(open - p)) : NULL;

        if (close)
                text_copy(ret, 256, open + 1, (size_t)(close - open - 1));
        else
                text_copy(ret, 256, p, n);
}

static void set_mail(struct transfers *t, struct delivery *d)
{
        const struct curl *c = t->curl;
        const struct notify_config *n = d->config;
        char one[256];

        address(n->from, strlen(n->from), one);
        c->easy_setopt(d->easy, CURLOPT_MAIL_FROM, one);
        for (const char *p = n->to; *p;) {
                size_t len = strcspn(p, "\n");
                address(p, len, one);
                d->receivers = c->slist_append(d->receivers, one);
                p += len + (p[len] == '\n');
        }
        c->easy_setopt(d->easy, CURLOPT_MAIL_RCPT, d->receivers);
        c->easy_setopt(d->easy, CURLOPT_USE_SSL, tls_of(n));
        c->easy_setopt(d->easy, CURLOPT_UPLOAD, 1L);
        c->easy_setopt(d->easy, CURLOPT_READFUNCTION, give_mail);
        c->easy_setopt(d->easy, CURLOPT_READDATA, d);
        c->easy_setopt(d->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)d->request.body.out.len);
}

static void set_http(struct transfers *t, struct delivery *d)
{
        const struct curl *c = t->curl;

        for (uint32_t i = 0; i < d->request.headers; i++)
                d->headers = c->slist_append(d->headers, d->request.header[i]);
        d->headers = c->slist_append(d->headers, "Expect:"); /* no second round trip for a small body */
        c->easy_setopt(d->easy, CURLOPT_HTTPHEADER, d->headers);
        c->easy_setopt(d->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)d->request.body.out.len);
        c->easy_setopt(d->easy, CURLOPT_POSTFIELDS, d->request.body.out.buf);
        /* what is secret must not follow a redirection to a stranger */
        c->easy_setopt(d->easy, CURLOPT_FOLLOWLOCATION, 0L);
}

static void set_common(struct transfers *t, struct delivery *d)
{
        const struct curl *c = t->curl;
        const struct notify_config *n = d->config;

        c->easy_setopt(d->easy, CURLOPT_URL, d->request.url);
        c->easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR,
                d->request.kind == REQUEST_MAIL ? "smtp,smtps" : "http,https");
        c->easy_setopt(d->easy, CURLOPT_NOSIGNAL, 1L);
        c->easy_setopt(d->easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is not waited for */
        c->easy_setopt(d->easy, CURLOPT_TIMEOUT_MS, (long)(n->timeout * 1000));
        c->easy_setopt(d->easy, CURLOPT_FORBID_REUSE, 1L);
        c->easy_setopt(d->easy, CURLOPT_USERAGENT, "sexton/" SEXTON_VERSION);
        c->easy_setopt(d->easy, CURLOPT_WRITEFUNCTION, take_answer);
        c->easy_setopt(d->easy, CURLOPT_WRITEDATA, d);
        c->easy_setopt(d->easy, CURLOPT_ERRORBUFFER, d->problem);
        c->easy_setopt(d->easy, CURLOPT_PRIVATE, d);
        if (n->username[0] && d->secret->value) {
                c->easy_setopt(d->easy, CURLOPT_USERNAME, n->username);
                c->easy_setopt(d->easy, CURLOPT_PASSWORD, d->secret->value);
        }
        if (d->secret->ca) {
                struct curl_blob blob = {
                        .data = d->secret->ca, .len = strlen(d->secret->ca), .flags = CURL_BLOB_COPY};
                c->easy_setopt(d->easy, CURLOPT_CAINFO_BLOB, &blob);
        }
}

int transfer_start(struct transfers *t, struct delivery *d, struct error *e)
{
        int r = t->multi ? 0 : begin(t, e);

        if (r < 0)
                return r;
        d->easy = t->curl->easy_init();
        if (!d->easy)
                return error_set(e, -ENOMEM, "out of memory");
        set_common(t, d);
        if (d->request.kind == REQUEST_MAIL)
                set_mail(t, d);
        else
                set_http(t, d);
        if (t->curl->multi_add_handle(t->multi, d->easy) != CURLM_OK) {
                transfer_end(t, d);
                return error_set(e, -EIO, "libcurl takes no transfer");
        }
        return 0;
}

void transfer_end(struct transfers *t, struct delivery *d)
{
        if (!d->easy)
                return;
        t->curl->multi_remove_handle(t->multi, d->easy);
        t->curl->easy_cleanup(d->easy);
        t->curl->slist_free_all(d->headers);
        t->curl->slist_free_all(d->receivers);
        d->easy = d->headers = d->receivers = NULL;
}

/* ---- what became of it ---- */

static enum outcome judge_http(struct delivery *d, int status, char *text)
{
        struct response r = {.status = status, .body = d->answer};

        if (status >= 200 && status < 300) {
                if (!d->type->accepted || d->type->accepted(&r, text)) {
                        snprintf(text, JOB_TEXT, "HTTP %d", status);
                        return OUTCOME_DELIVERED;
                }
                return OUTCOME_RETRY;
        }
        if (status >= 300 && status < 400)
                snprintf(text, JOB_TEXT,
                        "HTTP %d: redirects elsewhere, which isn't followed; put that address into url",
                        status);
        else
                snprintf(text, JOB_TEXT, "HTTP %d%s%.120s", status, d->answer[0] ? ": " : "", d->answer);
        return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429
                       ? OUTCOME_FINAL
                       : OUTCOME_RETRY;
}

static void judge(struct transfers *t, struct delivery *d, CURLcode code)
{
        char text[JOB_TEXT] = "";
        curl_off_t retry_after = 0;
        long status = 0;
        enum outcome outcome;
        bool mail = d->request.kind == REQUEST_MAIL;

        t->curl->easy_getinfo(d->easy, CURLINFO_RESPONSE_CODE, &status);
        t->curl->easy_getinfo(d->easy, CURLINFO_RETRY_AFTER, &retry_after);
        d->problem[sizeof d->problem - 1] = '\0';
        if (!mail && (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))) {
                outcome = judge_http(d, (int)status, text);
        } else if (code == CURLE_OK) {
                snprintf(text, sizeof text, "taken by the mail server (%ld)", status);
                outcome = OUTCOME_DELIVERED;
        } else {
                const char *why = d->problem[0] ? d->problem : t->curl->easy_strerror(code);
                text_set(text, sizeof text, why);
                /* a mail server's word that this mail will never do */
                outcome = mail && status >= 550 && status <= 554 ? OUTCOME_FINAL : OUTCOME_RETRY;
        }
        transfer_end(t, d);
        d->done(d, outcome, (int)status, (uint32_t)MIN(MAX(retry_after, (curl_off_t)0), (curl_off_t)86400),
                text);
}

static void collect(struct transfers *t)
{
        CURLMsg *m;
        int left;

        while ((m = t->curl->multi_info_read(t->multi, &left))) {
                struct delivery *d = NULL;
                CURLcode code = m->data.result;
                if (m->msg != CURLMSG_DONE)
                        continue;
                t->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &d);
                judge(t, d, code);
        }
}
