/* Routes: see route.h. */
#include "recorder/change.h"

#include "base/clock.h"
#include "base/text.h"
#include "wire/board_map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
        BODY_MAX = 24 << 20,     /* one answer: 20,000 events are some 8 MB */
        STREAM_FROM = 256 << 10, /* a longer ledger is sent as it is made */
        HELD_MAX = 48 << 20,     /* all answers together */
        STALE_SEC = 5,
        TOO_MANY_SEC = 10,
        SNAPSHOT_TRIES = 4000, /* 200 us apart: a scan of 40,000 processes is one write of most of a second */
};

static const char json_type[] = "application/json; charset=utf-8";
static const char text_type[] = "text/plain; charset=utf-8";
static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";
static const char markdown_type[] = "text/markdown; charset=utf-8";
static const char html_type[] = "text/html; charset=utf-8";
static const char openmetrics_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct route {
        const char *path;
        const char *content_type;
        bool needs_board; /* a snapshot of a living guard's board */
        bool takes_query;
        void (*answer)(struct route_reply *r, const struct route_request *request, const struct api_query *q);
        const char *help;
};

/* ---- memory ---- */

static void hold(struct route_reply *r)
{
        size_t bytes = r->body.out.size;

        if (r->snapshot)
                bytes += view_processes(r->snapshot) * (sizeof(struct process) + 2 * sizeof(uint32_t)) +
                         MIN(r->snapshot->string_top, (uint32_t)BOARD_STRINGS) * sizeof(struct board_string) +
                         view_services(r->snapshot) * sizeof(struct service);
        r->env->held_bytes += bytes - r->held_bytes;
        r->held_bytes = bytes;
}

static void release(struct route_reply *r)
{
        api_zombies_close(r->zombies);
        api_view_done(&r->view);
        if (r->snapshot)
                board_snapshot_free(r->snapshot);
        r->zombies = NULL;
        r->snapshot = NULL;
        r->more = false;
        hold(r);
}

void route_reply_done(struct route_reply *r)
{
        if (!r->env)
                return;
        if (r->work)
                r->cancel(r->work, r->env);
        r->work = NULL;
        json_out_done(&r->body);
        release(r);
        r->env = NULL;
}

void route_reply_error_begin(struct route_reply *r, int status, const char *text)
{
        json_out_done(&r->body);
        r->body = json_out_of(BODY_MAX);
        release(r);
        r->status = status;
        r->asset = NULL;
        r->has_style = false;
        r->content_type = json_type;
        r->retry = status == 503 ? 1 : status == 429 ? TOO_MANY_SEC : 0;
        json_out_object(&r->body, NULL);
        json_out_int(&r->body, "status", status);
        json_out_text(&r->body, "error", text);
}

void route_reply_error(struct route_reply *r, int status, const char *fmt, ...)
{
        char text[300];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        route_reply_error_begin(r, status, text);
        json_out_object_end(&r->body);
        out_text(&r->body.out, "\n");
        hold(r);
}

bool route_reply_more(struct route_reply *r)
{
        if (!r->more)
                return false;
        r->more = api_zombies_more(r->zombies, &r->body);
        if (r->more) {
                hold(r);
                return true;
        }
        out_text(&r->body.out, "\n");
        release(r); /* nothing else is held while the rest is sent */
        return false;
}

/* ---- answers ---- */

static void answer_status(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_status(&r->view, &r->body);
}

static void answer_services(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_services(&r->view, q, &r->body);
}

static void answer_zombies(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        r->zombies = api_zombies_open(&r->view, q);
        if (!r->zombies) {
                r->body.out.failed = true;
                return;
        }
        r->more = true;
        while (r->body.out.len < STREAM_FROM && route_reply_more(r))
                ;
}

static void answer_events(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_events(&r->view, q, &r->body);
}

static void answer_findings(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_findings(&r->view, &r->body);
}

static void answer_incidents(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct error e = {0};

        if (api_incidents(&r->view, q, &r->body, &e) < 0)
                route_reply_error(r, 404, "%s", e.text);
}

static void answer_blackbox(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct error e = {0};
        int n = api_blackbox(&r->view, q, &r->body, &e);

        if (n < 0)
                route_reply_error(r, n == -ENOENT ? 404 : 503, "%s", e.text);
}

static void answer_history(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct error e = {0};
        int n = api_history(&r->view, q, &r->body, &e);

        if (n < 0)
                route_reply_error(r, n == -EINVAL ? 400 : n == -ENOENT ? 404 : 503, "%s", e.text);
}

static int64_t unix_ms(const struct route_reply *r)
{
        return ((int64_t)r->view.now_ns + r->view.wall_offset_ns) / (int64_t)NSEC_PER_MSEC;
}

static void answer_notify(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_notifiers(r->env->policy, unix_ms(r), &r->body);
}

static void answer_silences(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_silences(r->env->policy, 0, unix_ms(r), &r->body);
}

/* What the dashboard needs to know before it offers to change anything. A token that is sent with it is
 * tried. */
static void answer_session(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct leave *l = r->env->leave;
        struct asker a = request->asker;
        struct error e = {0};
        char who[LEAVE_WHO];

        /* to read is not to change: it need not prove yet that it is our page, whose it is to read this */
        a.origin = a.fetch_site = NULL;
        int refused = leave_to_change(l, &a, true, r->view.now_ns, who, &e);
        if (refused && a.authorization) {
                route_reply_error(r, refused, "%s", e.text);
                return;
        }
        json_out_object(&r->body, NULL);
        json_out_text(&r->body, "may_change", !refused ? "yes" : l->token ? "token" : "no");
        json_out_text(&r->body, "who", refused ? NULL : who);
        json_out_text_or_null(&r->body, "why", refused ? e.text : NULL);
        json_out_text_or_null(&r->body, "anti_forgery", l->anti_forgery);
        json_out_object_end(&r->body);
}

static void answer_why(struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct error e = {0};

        if (api_why(&r->view, q, &r->body, &e) < 0)
                route_reply_error(r, 404, "%s", e.text);
}

static void answer_actions(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        api_actions(&r->view, q, &r->body);
}

static bool look(struct route_reply *r, struct error *e);

/* Also while the guard doesn't report: then without what the host is like now. */
static void answer_report(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        struct error e = {0};

        look(r, NULL);
        r->has_style = !strcmp(q->format, "html");
        if (r->has_style)
                r->content_type = html_type;
        else if (!strcmp(q->format, "json"))
                r->content_type = json_type;
        int n = api_report(&r->view, q, &r->body.out, &e);
        if (n < 0)
                route_reply_error(r, n == -ENOENT ? 404 : n == -EINVAL ? 400 : 503, "%s", e.text);
}

/* The weight that an Accept header gives to a media type, in thousandths; -1 when it is not named. */
static int accepted(const char *accept, const char *type)
{
        size_t n = strlen(type);

        for (const char *p = accept; *p;) {
                p += strspn(p, ", \t");
                size_t len = strcspn(p, ",");
                if (len >= n && !strncasecmp(p, type, n) && strchr(";, \t", p[n])) {
                        const char *q = memmem(p, len, "q=", 2);
                        if (!q || (q[2] != '0' && q[2] != '1'))
                                return 1000;
                        int weight = (q[2] - '0') * 1000;
                        if (q[3] == '.')
                                for (int i = 4, unit = 100; unit && q[i] >= '0' && q[i] <= '9';
                                        i++, unit /= 10)
                                        weight += (q[i] - '0') * unit;
                        return MIN(weight, 1000);
                }
                p += len;
        }
        return -1;
}

static void answer_metrics(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        const char *accept = request->accept ? request->accept : "";
        int open = accepted(accept, "application/openmetrics-text");
        bool openmetrics = open > 0 && open >= accepted(accept, "text/plain");

        r->content_type = openmetrics ? openmetrics_type : metrics_type;
        api_metrics(&r->view, openmetrics, &r->body.out);
}

static void answer_healthy(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        out_text(&r->body.out, "the recorder is healthy\n");
}

static void answer_ready(
        struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        out_text(&r->body.out, "ready\n");
}

static void answer_root(
        struct route_reply *r, const struct route_request *request, const struct api_query *q);

static const struct route routes[] = {
        {"/", text_type, false, false, answer_root, "the dashboard for browsers; this text for others"},
        {"/metrics", metrics_type, true, false, answer_metrics, "metrics for Prometheus"},
        {"/-/healthy", text_type, false, false, answer_healthy, "200 while this process answers"},
        {"/-/ready", text_type, true, false, answer_ready, "200 while the guard reports"},
        {"/sexton/v1/status", json_type, true, true, answer_status, "the host as a whole"},
        {"/sexton/v1/services", json_type, true, true, answer_services, "its services (?service= &limit=)"},
        {"/sexton/v1/zombies", json_type, true, true, answer_zombies,
                "its zombies (?service= &kind= &holder= &limit= &summary=1)"},
        {"/sexton/v1/events", json_type, false, true, answer_events,
                "what happened (?service= &kind= &command= &since= &until= &after= &limit=)"},
        {"/sexton/v1/history", json_type, false, true, answer_history,
                "load, CPU, memory... over time (?service= &from= &to= &points=)"},
        {"/sexton/v1/findings", json_type, true, true, answer_findings, "what is wrong"},
        {"/sexton/v1/why", json_type, true, true, answer_why,
                "who is to blame, who is not, and what to do (?subject=)"},
        {"/sexton/v1/incidents", json_type, false, true, answer_incidents,
                "what was wrong together (?id= &state= &limit=)"},
        {"/sexton/v1/blackbox", json_type, false, true, answer_blackbox,
                "what was captured when it became critical or was acted on (?id= &limit=)"},
        {"/sexton/v1/report", markdown_type, false, true, answer_report,
                "the post-mortem of one (?id= &format=markdown|html|json)"},
        {"/sexton/v1/actions", json_type, true, true, answer_actions,
                "what was done, what stands, the breaker (?service= &id= &limit=)"},
        {"/sexton/v1/session", json_type, false, false, answer_session,
                "whether who asks may change anything"},
        {"/sexton/v1/notify", json_type, false, false, answer_notify, "who is told of incidents"},
        {"/sexton/v1/silences", json_type, false, false, answer_silences, "what is not told"},
};

static void answer_asset(
        struct route_reply *r, const struct route_request *request, const struct asset *asset)
{
        const char *encodings = request->accept_encoding ? request->accept_encoding : "";
        const char *known = request->if_none_match ? request->if_none_match : "";

        r->asset = asset;
        r->form = accepted(encodings, "gzip") > 0 ? &asset->gzip : &asset->plain;
        r->content_type = asset->content_type;
        if (strstr(known, r->form->etag))
                r->status = 304;
}

static void answer_root(struct route_reply *r, const struct route_request *request, const struct api_query *q)
{
        if (accepted(request->accept ? request->accept : "", "text/html") > 0) {
                answer_asset(r, request, &assets[0]);
                return;
        }
        struct out *o = &r->body.out;

        out_text(o, "Sexton " SEXTON_VERSION ", which knows every process that dies here.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
                out_format(o, "%-22s %s\n", routes[i].path, routes[i].help);
        out_text(o, "\nFor those who may, over the Unix socket or with the token:\n");
        for (size_t i = 0; i < changes_count; i++)
                out_format(o, "%s %s %s\n", changes[i].method, changes[i].path, changes[i].help);
        out_text(o, "\nOn the command line: sexton status, services, zombies, events, why.\n");
}

/* ---- checks ---- */

static const struct route *find(const char *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
                if (!strcmp(routes[i].path, path))
                        return &routes[i];
        return NULL;
}

static bool read_query(struct route_reply *r, const struct route_request *request, struct api_query *q)
{
        int64_t now = (int64_t)r->view.now_ns + r->view.wall_offset_ns;
        struct error e = {0};

        if (request->args > ROUTE_ARGS) {
                route_reply_error(r, 400, "too many parameters: %d at most", ROUTE_ARGS);
                return false;
        }
        for (uint32_t i = 0; i < request->args; i++)
                if (api_query_set(q, request->arg[i].name, request->arg[i].value, now, &e) < 0) {
                        route_reply_error(r, 400, "%s", e.text);
                        return false;
                }
        return true;
}

/* A snapshot of the board of a guard that lives. Else false with the error set. */
static bool look(struct route_reply *r, struct error *e)
{
        struct route_env *env = r->env;
        uint64_t now = r->view.now_ns, updated = env->board->updated_ns;

        if (!updated) {
                error_set(e, -EAGAIN, "the guard has not reported yet");
                return false;
        }
        if (now > updated + STALE_SEC * NSEC_PER_SEC) {
                error_set(e, -EAGAIN,
                        "the guard has not reported for %.0f s: it is being restarted, or it hangs",
                        view_age(updated, now));
                return false;
        }
        r->snapshot = board_snapshot(env->board, BOARD_WHOLE, SNAPSHOT_TRIES);
        if (!r->snapshot) {
                error_set(e, -errno,
                        errno == EAGAIN ? "the guard is writing all the time, or ended while it wrote"
                                        : "there is no memory");
                return false;
        }
        if (api_view_init(&r->view, r->snapshot, env->history, env->book, now, r->view.wall_offset_ns) < 0) {
                error_set(e, -ENOMEM, "there is no memory");
                return false;
        }
        r->view.policy = env->policy;
        r->view.store = env->store;
        r->view.blackbox = env->blackbox;
        hold(r);
        return true;
}

bool route_takes_body(const struct route_env *env, const struct route_request *q)
{
        char who[LEAVE_WHO];

        return change_find(q->method, q->path) &&
               leave_to_change(env->leave, &q->asker, false, env->now_ns(), who, NULL) == 0;
}

static bool only_reads(const struct route_request *request)
{
        return !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD");
}

static void apply(struct route_reply *r, const struct route_request *request)
{
        const struct change *change = change_find(request->method, request->path);
        struct error e = {0};
        char who[LEAVE_WHO];
        int refused;

        if (!change) {
                r->allow = change_allowed(request->path);
                route_reply_error(r, 405, "only these methods are possible here: %s", r->allow);
        } else if ((refused = leave_to_change(
                            r->env->leave, &request->asker, true, r->view.now_ns, who, &e))) {
                route_reply_error(r, refused, "%s", e.text);
        } else if (request->body_bytes > ROUTE_BODY_MAX) {
                route_reply_error(r, 413, "the body is too large: %d bytes at most", ROUTE_BODY_MAX);
        } else if (request->args > ROUTE_ARGS) {
                route_reply_error(r, 400, "too many parameters: %d at most", ROUTE_ARGS);
        } else {
                r->content_type = json_type;
                change->apply(r, request, who);
                if (r->status == 200 && !r->waits)
                        out_text(&r->body.out, "\n");
        }
}

void route_handle(struct route_env *env, const struct route_request *request, struct route_reply *ret)
{
        const struct route *route = find(request->path);
        const struct asset *asset = route ? NULL : asset_find(request->path);
        struct api_query q = {0};
        struct route_reply *r = ret;

        *r = (struct route_reply){
                .status = 200,
                .env = env,
                .body = json_out_of(BODY_MAX),
                .view = {.history = env->history,
                        .book = env->book,
                        .policy = env->policy,
                        .store = env->store,
                        .blackbox = env->blackbox,
                        .now_ns = env->now_ns(),
                        .wall_offset_ns = env->wall_offset_ns()},
        };
        if (!request->from_unix_socket && request->asker.host && !leave_is_our_name(request->asker.host)) {
                route_reply_error(
                        r, 403, "the Host header must name this machine: localhost, or a loopback address");
                return;
        }
        if (!route && !asset) {
                route_reply_error(r, 404, "no such path; / lists what there is");
                return;
        }
        if (!only_reads(request)) {
                apply(r, request);
                return;
        }
        if (request->body_bytes > ROUTE_BODY_MAX) {
                route_reply_error(r, 413, "the body is too large: %d bytes at most", ROUTE_BODY_MAX);
                return;
        }
        if (env->held_bytes > HELD_MAX) {
                route_reply_error(r, 503, "too many large answers are being sent");
                return;
        }
        if (asset) {
                answer_asset(r, request, asset);
                return;
        }
        r->content_type = route->content_type;
        if (route->takes_query && !read_query(r, request, &q))
                return;
        struct error e = {0};
        if (route->needs_board && !look(r, &e)) {
                route_reply_error(r, 503, "%s", e.text);
                return;
        }
        route->answer(r, request, &q);
        if (r->status == 200 && r->content_type == json_type && route->answer != answer_zombies)
                out_text(&r->body.out, "\n");
        if (r->body.out.failed)
                route_reply_error(r, 503, "there is no memory for the answer");
        else if (!r->more)
                release(r);
        else
                hold(r);
}
