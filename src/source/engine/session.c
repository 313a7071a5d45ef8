/* Following the container engine: see session.h.
 *
 * Order when a daemon answers: the event stream is opened first (from the last event we know, else from now),
 * the list is fetched when the stream's headers are there, then each container is inspected, two at a time.
 * So nothing that happens meanwhile is lost, and an event told twice is known by its hash: the daemon's own
 * history holds 256 events, and so do we.
 *
 * A daemon that hangs (SIGSTOP, a deadlock) still accepts connections. When the stream has been silent for
 * 5 s, /_ping is asked; without an answer in 3 s the daemon is called unreachable, but the ping and the
 * stream stay open: the moment it lives again it answers both, and nothing was lost.
 */
#include "source/engine/session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_NS        (5 * NSEC_PER_SEC)
#define BEAT_NS        (5 * NSEC_PER_SEC)
#define TICK_NS        (1 * NSEC_PER_SEC)
#define BACKOFF_MIN_NS (250 * NSEC_PER_MSEC)
#define BACKOFF_MAX_NS (5 * NSEC_PER_SEC)
#define RELIST_NS      (900 * NSEC_PER_SEC) /* heals whatever no event told */
#define OVERLAP_NS     ((int64_t)NSEC_PER_SEC)

enum {
        SLOW_MS = 3000,
        GIVE_UP_MS = 60000,
        INSPECT_GIVE_UP_MS = 10000, /* one stuck container must not keep the others waiting */
        HEADERS_MS = 1000,
        EVENT_MAX = 1 << 20,
        OBJECT_MAX = 4 << 20,
};

static const char *const default_paths[] = {
        "/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", NULL};

static void pump(struct session *s);
static void start_list(struct session *s, bool resync);

static struct tracker_time time_now(void)
{
        uint64_t boot = clock_boot_ns();

        return (struct tracker_time){.boot_ns = boot, .unix_ns = (int64_t)boot + clock_wall_offset_ns()};
}

/* ---- telling the guard ---- */

static void tell(struct session *s, uint8_t state, const char *text)
{
        struct engine_msg m = {.type = ENGINE_MSG_STATE, .state.state = state};

        text_set(m.state.text, sizeof m.state.text, text);
        if (s->told_state == state + 1 && !strcmp(s->told_text, m.state.text))
                return;
        if (s->logged_state != state + 1)
                log_info("%s", m.state.text);
        s->told_state = s->logged_state = (uint8_t)(state + 1);
        text_set(s->told_text, sizeof s->told_text, m.state.text);
        s->send(s->ctx, &m);
}

static void tell_reached(struct session *s)
{
        char text[200];

        snprintf(text, sizeof text, "%s at %s", s->name, s->path);
        tell(s, s->engine, text);
}

static void on_container_event(void *ctx, const struct engine_event *e)
{
        struct session *s = ctx;
        struct engine_msg m = {.type = ENGINE_MSG_EVENT, .event = *e};

        s->send(s->ctx, &m);
}

static void on_container(void *ctx, const struct container *c)
{
        struct session *s = ctx;
        struct engine_msg m = {.type = ENGINE_MSG_CONTAINER, .container = *c};

        s->send(s->ctx, &m);
}

static void on_synced(void *ctx)
{
        struct session *s = ctx;
        struct engine_msg m = {.type = ENGINE_MSG_SYNCED};

        s->backoff_ns = 0;
        s->send(s->ctx, &m);
}

static const struct tracker_ops tracker_ops = {
        .event = on_container_event, .container = on_container, .synced = on_synced};

/* ---- being cut off ---- */

static void cancel_all(struct session *s)
{
        http_call_cancel(&s->version);
        http_call_cancel(&s->events);
        http_call_cancel(&s->list);
        http_call_cancel(&s->ping);
        json_split_done(&s->version_split);
        json_split_done(&s->events_split);
        json_split_done(&s->list_split);
        for (int i = 0; i < SESSION_INSPECTIONS; i++) {
                http_call_cancel(&s->inspection[i].call);
                json_split_done(&s->inspection[i].split);
        }
        loop_disarm(s->loop, &s->beat);
        loop_disarm(s->loop, &s->work);
}

static void cut_off(struct session *s, const char *text)
{
        cancel_all(s);
        tracker_disconnected(&s->tracker);
        s->phase = SESSION_LOOKING;
        s->list_again = false;
        tell(s, ENGINE_UNREACHABLE, text);
        s->backoff_ns = MIN(MAX(s->backoff_ns * 2, BACKOFF_MIN_NS), BACKOFF_MAX_NS);
        loop_arm(s->loop, &s->retry, clock_boot_ns() + s->backoff_ns);
}

static void cut_off_result(struct session *s, const char *what, int result, const struct error *e)
{
        char text[300];

        if (result < 0)
                text_set(text, sizeof text, e->text);
        else
                snprintf(text, sizeof text, "%s: HTTP status %d for %s", s->path, result, what);
        cut_off(s, text);
}

/* ---- hearing from it ---- */

static bool unreachable(const struct session *s)
{
        return s->told_state == ENGINE_UNREACHABLE + 1;
}

/* It lives. After a silence everything is fetched anew, for what the stream may not have told. */
static void heard(struct session *s)
{
        bool back = s->phase == SESSION_LISTENING && unreachable(s);

        s->heard_ns = clock_boot_ns();
        if (!back)
                return;
        tell_reached(s);
        start_list(s, true);
}

static void tell_silent(struct session *s)
{
        char text[200];

        snprintf(text, sizeof text, "%s accepts connections but does not answer (%d s)", s->path,
                SLOW_MS / 1000);
        tell(s, ENGINE_UNREACHABLE, text);
}

static void on_slow(void *ctx, struct http_call *c)
{
        tell_silent(ctx);
}

static int ignore_body(void *ctx, const char *data, size_t len)
{
        return 0;
}

/* What a connection that could not be made means. */
static const char *refusal(int r)
{
        if (r == -ECONNREFUSED)
                return "nobody listens there";
        return r == -EAGAIN ? "accepts no more connections" : strerror(-r);
}

static void on_ping_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct session *s = ctx;

        if (result > 0)
                heard(s);
        else
                tell(s, ENGINE_UNREACHABLE, e->text);
        pump(s);
}

static const struct http_call_ops ping_ops = {.body = ignore_body, .done = on_ping_done, .slow = on_slow};

static void ping(struct session *s)
{
        char text[200];
        int r = http_call_start(&s->ping, s->loop, s->path, "/_ping", &ping_ops, s, SLOW_MS, GIVE_UP_MS);

        if (r == 0)
                return;
        snprintf(text, sizeof text, "%s: %s", s->path, refusal(r));
        tell(s, ENGINE_UNREACHABLE, text);
}

static void on_beat(void *ctx, uint64_t now_ns)
{
        struct session *s = ctx;

        if (now_ns - s->heard_ns >= BEAT_NS && !s->ping.active)
                ping(s);
        tracker_tick(&s->tracker, time_now());
        if (now_ns - s->listed_ns >= RELIST_NS && !unreachable(s))
                start_list(s, false);
        uint64_t silence_ns = s->heard_ns + BEAT_NS; /* when a ping is due */
        uint64_t next_ns = silence_ns > now_ns ? silence_ns : now_ns + BEAT_NS;
        loop_arm(s->loop, &s->beat, s->tracker.runs ? MIN(next_ns, now_ns + TICK_NS) : next_ns);
        pump(s);
}

/* ---- inspections ---- */

/* Docker's and Podman's own init, when it is there by the daemon's default, shows only as PID 1's name. */
static bool own_init(const struct session *s, int32_t pid)
{
        char path[32], comm[32];

        snprintf(path, sizeof path, "%d/comm", pid);
        if (pid <= 0 || s->proc_fd < 0 || file_read_at(s->proc_fd, path, comm, sizeof comm) <= 0)
                return false;
        return !strcmp(comm, "docker-init\n") || !strcmp(comm, "catatonit\n");
}

static void on_inspect_object(void *ctx, const char *text, size_t len)
{
        struct session_inspection *i = ctx;
        struct session *s = i->session;
        struct docker_container d;
        int r = docker_inspect_parse(text, len, clock_wall_offset_ns(), &d);

        if (r < 0 || i->got || strcmp(d.c.id, i->id)) {
                log_warning("the engine's description of container %.12s is not understood", i->id);
                return;
        }
        if (d.init_by_default && !d.c.init)
                d.c.init = own_init(s, d.c.init_pid);
        i->got = true;
        tracker_inspected(&s->tracker, &d, time_now());
}

static int on_inspect_body(void *ctx, const char *data, size_t len)
{
        struct session_inspection *i = ctx;

        return json_split_feed(&i->split, data, len);
}

static void on_inspect_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct session_inspection *i = ctx;
        struct session *s = i->session;

        if (result > 0)
                heard(s);
        if (result == 404) {
                tracker_gone(&s->tracker, i->id, time_now());
        } else if (!i->got) {
                if (i->split.too_large)
                        log_warning("the engine's description of container %.12s is larger than %d MB", i->id,
                                OBJECT_MAX >> 20);
                else if (result != 200)
                        log_warning("container %.12s cannot be inspected (HTTP status %d): %s", i->id,
                                MAX(result, 0), e->text);
                tracker_not_inspected(&s->tracker, i->id, time_now());
        }
        json_split_done(&i->split);
        pump(s);
}

static const struct http_call_ops inspect_ops = {.body = on_inspect_body, .done = on_inspect_done};

static void inspect(struct session *s, struct session_inspection *i)
{
        char target[128];

        i->got = false;
        i->session = s;
        json_split_init(&i->split, OBJECT_MAX, on_inspect_object, i);
        snprintf(target, sizeof target, "/containers/%s/json", i->id);
        if (http_call_start(&i->call, s->loop, s->path, target, &inspect_ops, i, 0, INSPECT_GIVE_UP_MS) < 0)
                tracker_not_inspected(&s->tracker, i->id, time_now());
}

/* Starts the inspections that are due, and the timers for what comes next. */
static void pump(struct session *s)
{
        uint64_t due = 0, now = clock_boot_ns();

        if (s->phase != SESSION_LISTENING)
                return;
        if (s->tracker.runs && s->beat.due_ns > now + TICK_NS)
                loop_arm(s->loop, &s->beat, now + TICK_NS);
        /* A daemon that hangs is not pressed with requests. */
        if (unreachable(s))
                return;
        for (int i = 0; i < SESSION_INSPECTIONS; i++) {
                struct session_inspection *one = &s->inspection[i];
                if (one->call.active)
                        continue;
                if (!tracker_next_inspection(&s->tracker, now, one->id, &due))
                        break;
                inspect(s, one);
                due = 0;
        }
        if (due)
                loop_arm(s->loop, &s->work, MAX(due, now));
        else
                loop_disarm(s->loop, &s->work);
}

static void on_work(void *ctx, uint64_t now_ns)
{
        struct session *s = ctx;

        if (s->stream_spoke)
                heard(s);
        s->stream_spoke = false;
        pump(s);
}

/* ---- the list ---- */

static void on_list_object(void *ctx, const char *text, size_t len)
{
        struct session *s = ctx;
        struct container c;

        if (docker_list_item_parse(text, len, &c) == 0)
                tracker_listed(&s->tracker, &c, time_now());
}

static int on_list_body(void *ctx, const char *data, size_t len)
{
        struct session *s = ctx;

        return json_split_feed(&s->list_split, data, len);
}

static void on_list_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct session *s = ctx;

        json_split_done(&s->list_split);
        if (result != 200) {
                cut_off_result(s, "the list of containers", result, e);
                return;
        }
        tracker_list_end(&s->tracker, time_now());
        if (s->list_again) {
                s->list_again = false;
                start_list(s, s->list_resync);
        }
        heard(s);
        pump(s);
}

static const struct http_call_ops list_ops = {.body = on_list_body, .done = on_list_done};

static void start_list(struct session *s, bool resync)
{
        char text[200];

        if (s->list.active) { /* what it tells may be older than the wish */
                s->list_resync = resync || (s->list_again && s->list_resync);
                s->list_again = true;
                return;
        }
        s->listed_ns = clock_boot_ns();
        json_split_init(&s->list_split, OBJECT_MAX, on_list_object, s);
        tracker_list_begin(&s->tracker, resync || s->tracker.syncing);
        int r = http_call_start(
                &s->list, s->loop, s->path, "/containers/json?all=1", &list_ops, s, 0, GIVE_UP_MS);
        if (r < 0) {
                snprintf(text, sizeof text, "%s: %s", s->path, refusal(r));
                cut_off(s, text);
        }
}

/* ---- the stream of events ---- */

static bool told_before(struct session *s, const char *text, size_t len)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < len; i++)
                h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
        for (uint32_t i = 0; i < SESSION_RECENT; i++)
                if (s->recent[i] == h)
                        return true;
        s->recent[s->recent_next++ % SESSION_RECENT] = h;
        return false;
}

static void on_event_object(void *ctx, const char *text, size_t len)
{
        struct session *s = ctx;
        struct docker_event e;

        if (told_before(s, text, len))
                return;
        if (docker_event_parse(text, len, &e) < 0) {
                if (s->bad_events++ == 0)
                        log_warning("an event of the engine is not understood");
                return;
        }
        s->resume_unix_ns = MAX(s->resume_unix_ns, e.unix_ns - OVERLAP_NS);
        tracker_event(&s->tracker, &e, e.unix_ns < s->connected_unix_ns, time_now());
}

static int on_events_body(void *ctx, const char *data, size_t len)
{
        struct session *s = ctx;
        int r = json_split_feed(&s->events_split, data, len);

        s->heard_ns = clock_boot_ns();
        s->stream_spoke = true;
        /* What follows from it must wait until the reader is done. */
        loop_arm(s->loop, &s->work, s->heard_ns);
        return r;
}

static void on_events_answered(void *ctx, struct http_call *c)
{
        struct session *s = ctx;

        if (c->reader.status == 200 && !s->listed_ns)
                start_list(s, true);
}

/* Some daemons send no headers before the first event. */
static void on_events_slow(void *ctx, struct http_call *c)
{
        struct session *s = ctx;

        if (!s->listed_ns)
                start_list(s, true);
}

static void on_events_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct session *s = ctx;

        if (result == 200) {
                char text[240];
                snprintf(text, sizeof text, "%s at %s has ended the stream of events", s->name, s->path);
                cut_off(s, text);
                return;
        }
        cut_off_result(s, "the events", result, e);
}

static const struct http_call_ops events_ops = {
        .body = on_events_body,
        .done = on_events_done,
        .answered = on_events_answered,
        .slow = on_events_slow,
};

static void listen_to_events(struct session *s)
{
        char target[160], text[200];
        struct tracker_time now = time_now();
        s->connected_unix_ns = now.unix_ns;
        if (!s->resume_unix_ns)
                s->resume_unix_ns = s->tracker.listening_since_unix_ns = now.unix_ns;
        json_split_init(&s->events_split, EVENT_MAX, on_event_object, s);
        /* filters={"type":["container"]} */
        snprintf(target, sizeof target,
                "/events?since=%lld.%09lld&filters=%%7B%%22type%%22%%3A%%5B%%22container%%22%%5D%%7D",
                (long long)(s->resume_unix_ns / (int64_t)NSEC_PER_SEC),
                (long long)(s->resume_unix_ns % (int64_t)NSEC_PER_SEC));
        int r = http_call_start(&s->events, s->loop, s->path, target, &events_ops, s, HEADERS_MS, 0);
        if (r < 0) {
                snprintf(text, sizeof text, "%s: %s", s->path, refusal(r));
                cut_off(s, text);
                return;
        }
        s->phase = SESSION_LISTENING;
        s->heard_ns = now.boot_ns;
        s->listed_ns = 0;
        loop_arm(s->loop, &s->beat, now.boot_ns + BEAT_NS);
}

/* ---- finding it ---- */

static void on_version_object(void *ctx, const char *text, size_t len)
{
        struct session *s = ctx;

        s->versioned = docker_version_parse(text, len, &s->engine, s->name) == 0;
}

static int on_version_body(void *ctx, const char *data, size_t len)
{
        struct session *s = ctx;

        return json_split_feed(&s->version_split, data, len);
}

static void on_version_done(void *ctx, struct http_call *c, int result, const struct error *e)
{
        struct session *s = ctx;

        json_split_done(&s->version_split);
        if (result != 200 || !s->versioned) {
                cut_off_result(s, result == 200 ? "what is no container engine's version" : "the version",
                        result, e);
                return;
        }
        s->known = true;
        s->tracker.probes_from_log = s->engine == ENGINE_PODMAN;
        tell_reached(s);
        listen_to_events(s);
}

static const struct http_call_ops version_ops = {
        .body = on_version_body, .done = on_version_done, .slow = on_slow};

static bool is_socket(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* The socket a person named, if any. */
static const char *named_socket(const struct session *s)
{
        const char *host = getenv("DOCKER_HOST");

        if (s->config->engine.socket[0])
                return s->config->engine.socket;
        return host && !strncmp(host, "unix://", 7) && host[7] ? host + 7 : NULL;
}

static bool find_socket(struct session *s, char text[200])
{
        const char *named = named_socket(s);
        uint32_t n = 0;

        if (named) {
                snprintf(text, 200, "no socket at %.100s", named);
                return is_socket(named) && text_set(s->path, sizeof s->path, named);
        }
        while (s->paths[n])
                n++;
        for (uint32_t i = 0; i < n; i++) {
                const char *path = s->paths[(s->candidate + i) % n];
                if (is_socket(path)) {
                        s->candidate = (s->candidate + i) % n;
                        return text_set(s->path, sizeof s->path, path);
                }
        }
        snprintf(text, 200, "no Docker or Podman socket found in /run");
        return false;
}

static void on_retry(void *ctx, uint64_t now_ns)
{
        struct session *s = ctx;
        char text[200];

        if (!find_socket(s, text)) {
                tell(s, s->known ? ENGINE_UNREACHABLE : ENGINE_NONE, text);
                loop_arm(s->loop, &s->retry, now_ns + (s->known ? BACKOFF_MAX_NS / 5 : LOOK_NS));
                return;
        }
        s->versioned = false;
        json_split_init(&s->version_split, OBJECT_MAX, on_version_object, s);
        int r = http_call_start(
                &s->version, s->loop, s->path, "/version", &version_ops, s, SLOW_MS, GIVE_UP_MS);
        if (r < 0) {
                s->candidate++; /* a socket that nobody serves must not hide another one */
                snprintf(text, sizeof text, "%s: %s", s->path, refusal(r));
                cut_off(s, text);
                return;
        }
        s->phase = SESSION_ASKING;
}

void session_init(struct session *s, struct loop *l, const struct config *c, int proc_fd,
        void (*send)(void *ctx, const struct engine_msg *m), void *ctx)
{
        *s = (struct session){.loop = l,
                .config = c,
                .send = send,
                .ctx = ctx,
                .proc_fd = proc_fd,
                .paths = default_paths,
                .retry = {.fire = on_retry, .ctx = s},
                .beat = {.fire = on_beat, .ctx = s},
                .work = {.fire = on_work, .ctx = s}};
        tracker_init(&s->tracker, &tracker_ops, s);
}

void session_start(struct session *s)
{
        if (s->config->engine.enabled)
                loop_arm(s->loop, &s->retry, clock_boot_ns());
        else
                tell(s, ENGINE_NONE, "switched off in the configuration");
}

void session_done(struct session *s)
{
        cancel_all(s);
        loop_disarm(s->loop, &s->retry);
        tracker_done(&s->tracker);
}

void session_resend(struct session *s)
{
        uint8_t state = s->told_state;
        char text[sizeof s->told_text];

        if (!state)
                return;
        text_set(text, sizeof text, s->told_text);
        s->told_state = 0;
        tell(s, (uint8_t)(state - 1), text);
        if (s->phase == SESSION_LISTENING && !unreachable(s))
                start_list(s, true);
}
