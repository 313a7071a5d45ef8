/* What people ask to have done, as the recorder passes it on: the recorder is a process of its own, its guard
 * is this test. What stands in the body, who asks, what a guard may answer, and one that doesn't, or twice,
 * or late.
 */
#include "recorder/guard_link.h"

#include "recorder_rig.h"

#include <math.h>

#define TOKEN "correct-horse-battery"

static int guard = -1; /* our end */
static const char path[] = "/sexton/v1/actions";

/* ---- the guard ---- */

/* The next request; false when none comes. */
static bool asked(struct request *ret)
{
        struct pollfd p = {.fd = guard, .events = POLLIN};

        *ret = (struct request){0};
        return poll(&p, 1, WAIT_MS) == 1 && recv(guard, ret, sizeof *ret, 0) == sizeof *ret;
}

static bool is_asked_nothing(void)
{
        struct request q;

        return recv(guard, &q, sizeof q, MSG_DONTWAIT) < 0;
}

static void reply(const struct request *q, int code, uint32_t id, const char *text)
{
        struct answer a = {.number = q->number, .code = code, .action_id = id};

        text_set(a.text, sizeof a.text, text);
        check(send(guard, &a, sizeof a, 0) == sizeof a);
}

static void put_action(uint32_t id, uint8_t kind, double value)
{
        uint64_t now = clock_boot_ns();

        board_write_begin(board);
        board->action[1] = (struct action){.id = id,
                .kind = kind,
                .state = ACTION_ACTIVE,
                .value = value,
                .taken_ns = now,
                .until_ns = now + FAKE_S(600),
                .service_name = "odin/worker",
                .who = "root",
                .reason = "it is a <test>",
                .previous = "freezer.state THAWED",
                .measure = {{.name = "load", .unit = "load", .before = 8, .after = NAN}}};
        board->action_top = 2;
        board_write_end(board, now);
}

/* ---- good ones ---- */

/* Sends it, and returns what the guard is asked; the connection is left to hear(). */
static int begin(const char *body, struct request *ret)
{
        int fd = begin_change(connect_unix(), "POST", path, body);

        touch();
        check(asked(ret));
        return fd;
}

static void each_word(void)
{
        static const struct {
                const char *body;
                uint8_t verb, kind;
                double value;
                uint64_t ttl_ns;
                uint32_t id;
        } words[] = {
                {"{\"action\":\"freeze\",\"service\":\"odin/worker\",\"seconds\":60}", REQUEST_TAKE,
                        ACTION_FREEZE, NAN, FAKE_S(60), 0},
                {"{\"action\":\"thaw\",\"service\":\"odin/worker\"}", REQUEST_THAW, ACTION_NONE, NAN, 0, 0},
                {"{\"action\":\"stop\",\"service\":\"odin/worker\"}", REQUEST_TAKE, ACTION_STOP, NAN, 0, 0},
                {"{\"action\":\"restart\",\"service\":\"odin/worker\"}", REQUEST_TAKE, ACTION_RESTART, NAN, 0,
                        0},
                {"{\"action\":\"quarantine\",\"service\":\"odin/worker\",\"seconds\":1.5}", REQUEST_TAKE,
                        ACTION_QUARANTINE, NAN, FAKE_S(3) / 2, 0},
                {"{\"action\":\"bury\",\"service\":\"odin/worker\",\"force\":true}", REQUEST_TAKE,
                        ACTION_BURY, 1, 0, 0},
                {"{\"action\":\"bury\",\"service\":\"odin/worker\",\"force\":false}", REQUEST_TAKE,
                        ACTION_BURY, NAN, 0, 0},
                {"{\"action\":\"release\",\"service\":\"odin/worker\"}", REQUEST_RELEASE, ACTION_NONE, NAN, 0,
                        0},
                {"{\"action\":\"undo\",\"id\":4294967295}", REQUEST_UNDO, ACTION_NONE, NAN, 0, UINT32_MAX},
                {"{\"action\":\"breaker\",\"state\":\"open\"}", REQUEST_BREAKER, ACTION_NONE, 1, 0, 0},
                {"{\"action\":\"breaker\",\"state\":\"close\"}", REQUEST_BREAKER, ACTION_NONE, 0, 0, 0},
                {"{\"action\":\"breaker\",\"state\":\"auto\"}", REQUEST_BREAKER, ACTION_NONE, -1, 0, 0},
                {"{\"action\":\"limit\",\"service\":\"odin/worker\",\"cpus\":0.5}", REQUEST_TAKE,
                        ACTION_QUOTA, 0.5, 0, 0},
        };
        struct request q;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                int fd = begin(words[i].body, &q);
                check_int(q.verb, words[i].verb);
                check_int(q.kind, words[i].kind);
                check(isnan(words[i].value) ? isnan(q.value) : q.value == words[i].value);
                check_int(q.ttl_ns, words[i].ttl_ns);
                check_int(q.action_id, words[i].id);
                check_str(q.who, "root");
                check_int(q.asker_pid, getpid());
                check(!q.dry_run && q.number);
                check(q.expires_ns > clock_boot_ns() && q.expires_ns < clock_boot_ns() + FAKE_S(3));
                reply(&q, 0, 0, "done");
                check_int(hear(fd), 200);
                is_json("results");
        }
}

static void told_what_was_done(void)
{
        struct request q;
        int fd = begin("{\"action\":\"freeze\",\"service\":\"odin/worker\",\"reason\":\"why not\"}", &q);

        check_str(q.reason, "why not");
        put_action(7, ACTION_FREEZE, NAN);
        reply(&q, 0, 7, "freeze of odin/worker: done");
        check_int(hear(fd), 200);
        check(strstr(body_of, "\"id\":7,\"text\":\"freeze of odin/worker: done\""));
        check(strstr(body_of, "\"kind\":\"freeze\",\"state\":\"active\",\"stands\":true,\"helped\":null"));
        check(strstr(body_of, "\"previous\":\"freezer.state THAWED\""));

        fd = begin("{\"action\":\"freeze\",\"service\":\"odin/worker\",\"dry_run\":true}", &q);
        check(q.dry_run);
        check_str(q.reason, "by hand");
        reply(&q, 0, 0, "would be done");
        check_int(hear(fd), 200);
        check(strstr(
                body_of, "\"dry_run\":true,\"results\":[{\"kind\":\"freeze\",\"done\":true,\"id\":null"));

        check_int(get(path), 200);
        check(strstr(body_of, "\"actions\":[{\"id\":7,") && strstr(body_of, "\"breaker\":{\"open\":false,"));
        check(strstr(body_of, "{\"name\":\"load\",\"unit\":\"load\",\"before\":8,\"after\":null}"));
        check_int(get("/sexton/v1/actions?service=nobody"), 200);
        check(strstr(body_of, "\"actions\":[]"));
        check_int(get("/sexton/v1/actions?id=7&service=odin%2Fworker&limit=1"), 200);
        check(strstr(body_of, "\"actions\":[{\"id\":7,"));
}

/* Limits are asked for one after the other, and no further than to the first that is refused. */
static void several_limits(void)
{
        static const char body[] =
                "{\"action\":\"limit\",\"service\":\"odin/worker\",\"cpus\":0.5,\"weight\":10,"
                "\"memory\":536870912,\"pids\":100}";
        static const uint8_t kinds[] = {ACTION_WEIGHT, ACTION_QUOTA, ACTION_MEMORY, ACTION_PIDS};
        struct request q;
        int fd = begin(body, &q);

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                check_int(q.kind, kinds[i]);
                check(is_asked_nothing());
                reply(&q, 0, (uint32_t)(20 + i), "done");
                if (i < 3)
                        check(asked(&q));
        }
        check_int(hear(fd), 200);
        check(strstr(body_of, "\"kind\":\"pids\",\"done\":true,\"id\":23"));

        fd = begin(body, &q);
        reply(&q, 0, 20, "done");
        check(asked(&q));
        reply(&q, -EALREADY, 0, "its quota is 0.1 cores already");
        check_int(hear(fd), 409);
        check(strstr(body_of, "\"error\":\"its quota is 0.1 cores already\""));
        check(strstr(body_of, "\"kind\":\"weight\",\"done\":true,\"id\":20"));
        check(strstr(body_of, "\"kind\":\"quota\",\"done\":false,\"id\":null"));
        check(is_asked_nothing());
}

/* ---- wrong ones ---- */

static void wrong_bodies(void)
{
        static const char *const wrong[][2] = {
                {"", "must be a JSON object"},
                {"[]", "must be a JSON object"},
                {"{", "must be a JSON object"},
                {"{}", "action: wants freeze"},
                {"{\"action\":\"melt\"}", "action: wants freeze"},
                {"{\"action\":7}", "action: wants the name"},
                {"{\"action\":\"freeze\"}", "freeze wants service"},
                {"{\"action\":\"freeze\",\"service\":\"\"}", "service: wants"},
                {"{\"action\":\"freeze\",\"service\":7}", "service: wants"},
                {"{\"action\":\"freeze\",\"service\":\"a\\u001bb\"}", "control character"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"cpus\":1}", "freeze takes no cpus"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"seconds\":0}", "seconds: wants"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"seconds\":1e12}", "seconds: wants"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"seconds\":\"1\"}", "seconds: wants"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"bogus\":1}", "unknown member bogus"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"dry_run\":1}", "dry_run: wants true or false"},
                {"{\"action\":\"freeze\",\"service\":\"a\",\"service\":\"b\"}", "must be a JSON object"},
                {"{\"action\":\"stop\",\"service\":\"a\",\"seconds\":60}", "stop takes no seconds"},
                {"{\"action\":\"limit\",\"service\":\"a\"}", "at least one of"},
                {"{\"action\":\"limit\",\"service\":\"a\",\"cpus\":0}",
                        "cpus: wants a number from 0.01 to 4096"},
                {"{\"action\":\"limit\",\"service\":\"a\",\"pids\":-1}", "pids: wants a number from 1 to"},
                {"{\"action\":\"undo\"}", "undo wants id"},
                {"{\"action\":\"undo\",\"id\":0}", "id: wants"},
                {"{\"action\":\"undo\",\"id\":4294967296}", "id: wants"},
                {"{\"action\":\"undo\",\"id\":1.5}", "id: wants"},
                {"{\"action\":\"breaker\",\"state\":\"ajar\"}", "open, close or auto"},
        };
        char big[6000];

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                int status = change(connect_unix(), "POST", path, wrong[i][0]);
                if (status != 400 || !strstr(body_of, wrong[i][1]))
                        printf("# %s: %s\n", wrong[i][0], body_of);
                check_int(status, 400);
                check(strstr(body_of, wrong[i][1]));
        }
        snprintf(big, sizeof big, "{\"action\":\"freeze\",\"service\":\"%0200d\"}", 1);
        check_int(change(connect_unix(), "POST", path, big), 400);
        check(strstr(body_of, "longer than 127 bytes"));
        memset(big, ' ', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        check_int(change(connect_unix(), "POST", path, big), 413);
        check_int(change(connect_unix(), "DELETE", path, "{}"), 405);
        check_int(change(connect_tcp(), "POST", path, "{\"action\":\"release\",\"service\":\"odin/worker\"}"),
                401);
        check(strstr(body_of, "over TCP this takes the token"));
        check(is_asked_nothing());
}

static void refusals(void)
{
        static const struct {
                int code, status;
        } codes[] = {{-EPERM, 403}, {-ENOENT, 404}, {-ESRCH, 409}, {-EALREADY, 409}, {-ENOTSUP, 409},
                {-ENOSPC, 409}, {-EAGAIN, 429}, {-ERANGE, 400}, {-ENOSYS, 503}, {-EIO, 503}, {-ETIME, 503}};
        struct request q;
        int fd;

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
                fd = begin("{\"action\":\"stop\",\"service\":\"odin/worker\"}", &q);
                reply(&q, codes[i].code, 0, "because \033[2J of this");
                check_int(hear(fd), codes[i].status);
                check(strstr(body_of, "because \\\\x1b[2J of this"));
                check(!strstr(body_of, "did you mean"));
                is_json("error");
        }
        fd = begin("{\"action\":\"stop\",\"service\":\"odin/wroker\"}", &q);
        reply(&q, -ENOENT, 0, "no service is called odin/wroker");
        check_int(hear(fd), 404);
        check(strstr(body_of, "did you mean odin/worker?"));
        fd = begin("{\"action\":\"stop\",\"service\":\"worker\"}", &q);
        reply(&q, -ENOENT, 0, "no service is called worker");
        check_int(hear(fd), 404);
        check(strstr(body_of, "did you mean odin/worker?"));
        fd = begin("{\"action\":\"stop\",\"service\":\"postgres\"}", &q);
        reply(&q, -ENOENT, 0, "no service is called postgres");
        check_int(hear(fd), 404);
        check(!strstr(body_of, "did you mean"));
        check(strstr(body_of, "no service is called postgres; `sexton services` lists them"));
}

/* A socket that its owner has opened to all: they may look. */
static void others_may_look(void)
{
        if (geteuid() != 0) {
                skip("needs to be root, to be somebody else");
                return;
        }
        check_int(chmod(socket_path, 0666), 0);
        pid_t child = fork();
        if (child == 0) {
                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(9);
                touch();
                int code = ask(connect_unix, "GET", path, "") == 200 ? 0 : 1;
                code |= change(connect_unix(), "POST", path,
                                "{\"action\":\"release\",\"service\":\"odin/worker\"}") == 403
                                ? 0
                                : 2;
                code |= strstr(body_of, "may look and not change") ? 0 : 4;
                _exit(code);
        }
        check_int(end_of(child), 0);
        check_int(chmod(socket_path, 0660), 0);
        check(is_asked_nothing());
}

/* ---- over TCP ---- */

/* With these headers; the guard is there if it is asked. */
static int post_tcp(const char *headers, const char *body, bool is_asked)
{
        char request[2048];
        struct request q;
        int fd = connect_tcp();
        int n = snprintf(request, sizeof request,
                "POST %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%sContent-Length: "
                "%zu\r\n\r\n%s",
                path, port, headers, strlen(body), body);

        touch();
        send_all(fd, request, (size_t)n);
        if (is_asked) {
                check(asked(&q));
                check_str(q.who, "token");
                check_int(q.asker_pid, 0);
                reply(&q, 0, 0, "done");
        }
        return hear(fd);
}

static void with_the_token(void)
{
        static const char release[] = "{\"action\":\"release\",\"service\":\"odin/worker\"}";
        char headers[600], secret[40] = "", *p;

        check_int(post_tcp("", release, false), 401);
        check(strstr(answer, "WWW-Authenticate: Bearer"));
        check_int(post_tcp("Authorization: Bearer " TOKEN "\r\n", release, true), 200);
        check_int(post_tcp("Authorization: bearer   " TOKEN "\r\n", release, true), 200);
        check_int(post_tcp("Authorization: Bearer wrong\r\n", release, false), 401);
        check_int(post_tcp("Authorization: Basic " TOKEN "\r\n", release, false), 401);
        check(!strstr(answer, TOKEN));
        check_int(
                ask(connect_tcp, "DELETE", "/sexton/v1/silences?id=1", "Authorization: Bearer " TOKEN "\r\n"),
                404); /* silences, too */

        /* from the dashboard */
        check_int(get("/sexton/v1/session"), 200);
        check(strstr(body_of, "\"may_change\":\"token\""));
        check_int(ask(connect_tcp, "GET", "/sexton/v1/session", "Authorization: Bearer " TOKEN "\r\n"), 200);
        check(strstr(body_of, "\"may_change\":\"yes\",\"who\":\"token\""));
        p = strstr(body_of, "\"anti_forgery\":\"");
        if (p)
                text_copy(secret, sizeof secret, p + 16, strcspn(p + 16, "\""));
        check_int(strlen(secret), 32);
        check_int(ask(connect_tcp, "GET", "/sexton/v1/session", "Authorization: Bearer wrong\r\n"), 401);
        snprintf(headers, sizeof headers,
                "Authorization: Bearer " TOKEN
                "\r\nOrigin: http://localhost:%u\r\nSec-Fetch-Site: same-origin\r\n",
                port);
        check_int(post_tcp(headers, release, false), 403);
        check(strstr(body_of, "Anti-Forgery"));
        snprintf(headers, sizeof headers,
                "Authorization: Bearer " TOKEN
                "\r\nOrigin: http://localhost:%u\r\nSec-Fetch-Site: same-origin\r\n"
                "X-Sexton-Anti-Forgery: %s\r\n",
                port, secret);
        check_int(post_tcp(headers, release, true), 200);
        snprintf(headers, sizeof headers,
                "Authorization: Bearer " TOKEN
                "\r\nOrigin: http://evil.example\r\nX-Sexton-Anti-Forgery: %s\r\n",
                secret);
        check_int(post_tcp(headers, release, false), 403);
        check(strstr(body_of, "somebody else"));

        check_int(ask(connect_unix, "GET", "/sexton/v1/session", ""), 200);
        check(strstr(body_of, "\"may_change\":\"yes\",\"who\":\"root\""));

        /* guessing ends soon, also for who has guessed right */
        for (int i = 0; i < 20; i++)
                post_tcp("Authorization: Bearer guess\r\n", release, false);
        check_int(post_tcp("Authorization: Bearer " TOKEN "\r\n", release, false), 429);
        check(strstr(answer, "Retry-After: 10"));
        check(is_asked_nothing());
}

/* ---- a guard that isn't as it should be ---- */

static const char release_body[] = "{\"action\":\"release\",\"service\":\"odin/worker\"}";

static void answers_that_come_wrong(void)
{
        struct request q, other;
        int fd = begin(release_body, &q);

        check(send(guard, "short", 5, 0) == 5);
        other = q;
        other.number = q.number + 1000;
        reply(&other, 0, 0, "of somebody else");
        reply(&q, 0, 0, "the first");
        reply(&q, -EIO, 0, "the second");
        check_int(hear(fd), 200);
        check(strstr(body_of, "the first"));
        fd = begin(release_body, &other);
        check(other.number != q.number);
        reply(&q, -EIO, 0, "still the second");
        reply(&other, 0, 0, "this one");
        check_int(hear(fd), 200);
        check(strstr(body_of, "this one"));
}

/* Meanwhile others are answered. */
static void no_answer(void)
{
        uint64_t began = clock_boot_ns(), one;
        struct request q;
        int fd = begin(release_body, &q), two = begin(release_body, &q);

        one = clock_boot_ns();
        check_int(get("/-/healthy"), 200);
        check_int(ask(connect_unix, "GET", path, ""), 200);
        check(clock_boot_ns() - one < FAKE_S(2));
        check_int(hear(fd), 503);
        check(strstr(body_of, "did not answer within 3 s") && strstr(answer, "Retry-After"));
        check_int(hear(two), 503);
        check(clock_boot_ns() - began >= FAKE_S(3) - FAKE_S(1) / 10);
        check(clock_boot_ns() - began < FAKE_S(WAIT_MS / 1000));
        reply(&q, 0, 0, "late");
        fd = begin(release_body, &q);
        reply(&q, 0, 0, "in time");
        check_int(hear(fd), 200);
        check(strstr(body_of, "in time"));
}

static void clients_that_leave(void)
{
        struct request q;
        int fd = begin(release_body, &q);

        close(fd);
        reply(&q, 0, 0, "nobody hears it");
        for (int i = 0; i < 10; i++) {
                fd = begin(release_body, &q);
                close(fd);
                reply(&q, 0, 0, "nobody hears it");
        }
        fd = begin(release_body, &q);
        reply(&q, 0, 0, "somebody does");
        check_int(hear(fd), 200);
        check(strstr(body_of, "somebody does"));
}

/* More than can be open at once: the rest hears it at once, and all are answered in the end. */
static void too_many(void)
{
        int fd[GUARD_LINK_QUESTIONS + 1], refused = 0;
        struct request q;

        for (size_t i = 0; i < GUARD_LINK_QUESTIONS; i++)
                fd[i] = begin(release_body, &q);
        fd[GUARD_LINK_QUESTIONS] = begin_change(connect_unix(), "POST", path, release_body);
        check_int(hear(fd[GUARD_LINK_QUESTIONS]), 503);
        check(strstr(body_of, "takes no more requests"));
        for (size_t i = 0; i < GUARD_LINK_QUESTIONS; i++)
                refused += hear(fd[i]) == 503;
        check_int(refused, GUARD_LINK_QUESTIONS);
        check(is_asked_nothing());
}

/* The recorder ends, and starts again on the same socket, while one is open; last. */
static void the_recorder_ends(void)
{
        struct request q, other;
        int fd = begin(release_body, &q);

        kill(recorder, SIGTERM);
        int status = end_of(recorder);
        check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        hear(fd);
        start_recorder();
        reply(&q, 0, 0, "to the one before");
        fd = begin(release_body, &other);
        check(other.number != q.number);
        reply(&other, 0, 0, "to this one");
        check_int(hear(fd), 200);
        check(strstr(body_of, "to this one"));
        stop_recorder();
}

static void all(void)
{
        int pair[2];

        check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        guard = pair[0];
        requests_fd = pair[1];
        set_up_with(TOKEN);
        test(each_word);
        test(told_what_was_done);
        test(several_limits);
        test(wrong_bodies);
        test(refusals);
        test(others_may_look);
        test(with_the_token);
        test(answers_that_come_wrong);
        test(no_answer);
        test(clients_that_leave);
        test(too_many);
        test(the_recorder_ends);
        tear_down();
        close(guard);
        close(requests_fd);
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return tap_main(all);
}
