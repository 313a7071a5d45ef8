/* The recorder as a process of its own, with a board written by the test: what its HTTP answers to good,
 * wrong, slow and hostile clients, on both sockets; what confines it; how it starts and ends. And the
 * routes by themselves.
 */
#include "recorder/listen.h"
#include "recorder/route.h"

#include "recorder_rig.h"

enum { MANY = 20000 };

/* ---- tests ---- */

static void good_requests(void)
{
        static const char *const verbs[][2] = {{"status", "host"}, {"services", "services"},
                {"zombies", "zombies"}, {"events", "events"}, {"findings", "findings"},
                {"incidents", "incidents"}, {"why", "answer"}};
        char target[100];

        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
                snprintf(target, sizeof target, "/sexton/v1/%s", verbs[i][0]);
                check_int(get(target), 200);
                check(strstr(answer, "Content-Type: application/json"));
                is_json(verbs[i][1]);
                check_int(ask(connect_unix, "GET", target, ""), 200);
                is_json(verbs[i][1]);
        }
        check_int(get("/"), 200);
        check(strstr(body_of, "/sexton/v1/zombies"));
        check(strstr(answer, "X-Content-Type-Options: nosniff") &&
                strstr(answer, "Content-Security-Policy: "));
        check(!strstr(answer, "Access-Control-Allow-Origin"));
        check_int(get("/-/healthy"), 200);
        check_int(get("/-/ready"), 200);
        check_int(get("/sexton/v1/zombies?service=odin%2Fworker&limit=1"), 200);
        check(strstr(body_of, "odin/worker"));
        check_int(ask(connect_tcp, "HEAD", "/sexton/v1/status", ""), 200);
        check_str(body_of, "");
}

/* The length of the header's value; *ret points at it. */
static size_t header_of(const char *name, const char **ret)
{
        const char *p = strstr(answer, name);

        *ret = p ? p + strlen(name) : "";
        return strcspn(*ret, "\r\n");
}

static void dashboard_served(void)
{
        const char *tag;
        char headers[300];

        check_int(ask(connect_tcp, "GET", "/", "Accept: text/html,*/*;q=0.8\r\n"), 200);
        check(strstr(answer, "Content-Type: text/html") && strstr(body_of, "<!doctype html>"));
        check(strstr(answer, "script-src 'self';") && !strstr(answer, "unsafe"));
        check(!strstr(answer, "Content-Encoding"));
        check_int(ask(connect_tcp, "GET", "/", "Accept: text/html;q=0, text/plain\r\n"), 200);
        check(strstr(answer, "Content-Type: text/plain") && !strstr(body_of, "<!doctype"));
        check_int(ask(connect_tcp, "GET", "/assets/app.js", "Accept-Encoding: br, gzip\r\n"), 200);
        check(strstr(answer, "Content-Encoding: gzip") && strstr(answer, "Vary: Accept, Accept-Encoding"));
        check(strstr(answer, "Content-Type: text/javascript") && strstr(answer, "Cache-Control: no-cache"));
        check(body_of[0] == '\x1f' && body_of[1] == '\x8b');
        size_t len = header_of("ETag: ", &tag);
        check(len > 10 && len < 60);
        snprintf(headers, sizeof headers, "Accept-Encoding: gzip\r\nIf-None-Match: \"other\", %.*s\r\n",
                (int)len, tag);
        check_int(ask(connect_tcp, "GET", "/assets/app.js", headers), 304);
        check_str(body_of, "");
        check_int(ask(connect_tcp, "GET", "/assets/app.js", "If-None-Match: \"other\"\r\n"), 200);
        check(strstr(body_of, "import "));
        check_int(ask(connect_tcp, "HEAD", "/assets/style.css", ""), 200);
        check_str(body_of, "");
        check_int(get("/assets/nothing.js"), 404);
        check_int(get("/assets/../index.html"), 404);
        check_int(ask(connect_tcp, "POST", "/assets/app.js", ""), 405);
}

static void metrics_negotiated(void)
{
        static const struct {
                const char *accept;
                bool open;
        } cases[] = {{"", false}, {"Accept: */*\r\n", false}, {"Accept: text/plain\r\n", false},
                {"Accept: application/openmetrics-text\r\n", true},
                {"Accept: "
                 "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5\r\n",
                        true},
                {"Accept: application/openmetrics-text;q=0.2,text/plain;q=0.5\r\n", false},
                {"Accept: application/openmetrics-text;q=0\r\n", false}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                touch();
                check_int(ask(connect_tcp, "GET", "/metrics", cases[i].accept), 200);
                check(!strstr(answer, "application/openmetrics-text") == !cases[i].open);
                check(!strstr(body_of, "# EOF") == !cases[i].open);
                check(strstr(body_of, "sexton_zombies{service=\"odin/worker\""));
        }
}

static void wrong_requests(void)
{
        check_int(get("/nope"), 404);
        is_json("error");
        check_int(get("/sexton/v1/"), 404);
        check_int(get("/sexton/v1/../v1/status"), 404);
        check_int(ask(connect_tcp, "POST", "/sexton/v1/status", "Content-Length: 0\r\n"), 405);
        check(strstr(answer, "Allow: GET, HEAD"));
        is_json("error");
        check_int(ask(connect_tcp, "DELETE", "/metrics", ""), 405);
        check_int(ask(connect_tcp, "OPTIONS", "/metrics", "Origin: http://evil.example\r\n"), 405);
        check_int(ask(connect_tcp, "GET", "/sexton/v1/status", "Content-Length: 99999999\r\n"), 413);
        check_int(get("/sexton/v1/zombies?limit=many"), 400);
        is_json("error");
        check_int(get("/sexton/v1/zombies?bogus=1"), 400);
        check_int(get("/sexton/v1/zombies?kind=orhpan"), 400); /* not an empty list, which would calm */
        check(strstr(answer, "kind: wants one of") && strstr(answer, "orphan"));
        check_int(get("/sexton/v1/events?a&b&c&d&e&f&g&h&i&j"), 400);
        check_int(get("/sexton/v1/why?subject=nobody"), 404);
}

static void changes_by_unix_socket_only(void)
{
        static const char *const wrong[] = {"", "[]", "{", "{\"service\":\"a\"}",
                "{\"service\":\"a\",\"seconds\":\"1\"}", "{\"service\":\"\",\"seconds\":60}",
                "{\"service\":\"a\",\"seconds\":0}", "{\"service\":\"a\",\"seconds\":1e12}",
                "{\"service\":\"a\\u001b\",\"seconds\":60}", "{\"service\":\"a\",\"seconds\":60,\"bogus\":1}",
                "{\"service\":\"a\",\"service\":\"b\",\"seconds\":6}"};
        static const char good[] = "{\"service\":\"odin/*\",\"seconds\":60,\"comment\":\"why\"}";
        char big[6000], target[100];
        unsigned long long id = 0;

        touch();
        check_int(change(connect_tcp(), "POST", "/sexton/v1/silences", good), 403);
        check(strstr(body_of, "over TCP nothing can be changed"));
        check_int(change(connect_tcp(), "DELETE", "/sexton/v1/silences?id=1", ""), 403);
        check_int(change(connect_unix(), "PUT", "/sexton/v1/silences", good), 405);
        check(strstr(answer, "Allow: GET, HEAD, POST, DELETE"));
        check_int(change(connect_unix(), "POST", "/sexton/v1/status", good), 405);
        check(strstr(answer, "Allow: GET, HEAD\r\n"));
        check_int(change(connect_unix(), "POST", "/sexton/v1/nope", good), 404);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                int status = change(connect_unix(), "POST", "/sexton/v1/silences", wrong[i]);
                if (status != 400)
                        printf("# %s\n", wrong[i]);
                check_int(status, 400);
        }
        memset(big, ' ', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        check_int(change(connect_unix(), "POST", "/sexton/v1/silences", big), 413);
        check_int(change(connect_unix(), "POST", "/sexton/v1/silences", good), 200);
        is_json("silences");
        check(sscanf(body_of, "{\"id\":%llu", &id) == 1);
        check_int(get("/sexton/v1/silences"), 200);
        check(strstr(body_of, "odin/*") && strstr(body_of, "why"));
        snprintf(target, sizeof target, "/sexton/v1/silences?id=%llu", id);
        check_int(change(connect_unix(), "DELETE", target, ""), 200);
        check_int(change(connect_unix(), "DELETE", target, ""), 404);
        check_int(change(connect_unix(), "DELETE", "/sexton/v1/silences", ""), 400);
        check_int(change(connect_unix(), "POST", "/sexton/v1/notify", "{\"test\":null}"),
                404); /* nobody is told */
        check_int(get("/sexton/v1/notify"), 200);
        is_json("notifiers");
}

static void other_names(void)
{
        static const struct {
                const char *host;
                int status;
        } cases[] = {{"localhost", 200}, {"localhost:9790", 200}, {"LOCALHOST", 200}, {"127.0.0.1:1", 200},
                {"127.1.2.3", 200}, {"[::1]", 200}, {"[::1]:9790", 200}, {"evil.example", 403},
                {"localhost.evil.example", 403}, {"127.0.0.1.evil.example", 403}, {"[::2]", 403},
                {"localhost:x", 403}, {"localhost:99999", 403}, {"127.0.0.1:1:1", 403}, {"10.0.0.1", 403}};
        char request[300];

        touch();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int n = snprintf(request, sizeof request,
                        "GET /sexton/v1/status HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                        cases[i].host);
                int status = say(connect_tcp(), request, (size_t)n);
                if (status != cases[i].status)
                        printf("# Host: %s\n", cases[i].host);
                check_int(status, cases[i].status);
        }
        int n = snprintf(request, sizeof request,
                "GET /sexton/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        check_int(say(connect_unix(), request, (size_t)n), 200); /* no browser gets there */
}

static void huge_requests(void)
{
        size_t size = 200 << 10;
        char *big = malloc(size);

        memset(big, 'a', size);
        memcpy(big, "GET /", 5);
        int status = say(connect_tcp(), big, size);
        check(status == 414 || status == 431 || status == 413);
        memset(big, 'a', size);
        int n = snprintf(big, size, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
        big[n] = 'a';
        status = say(connect_tcp(), big, size);
        check(status == 431 || status == 413);
        /* a body without end */
        n = snprintf(big, size, "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (char *p = big + n; p + 1030 < big + size; p += 1030) {
                memcpy(p, "400\r\n", 5);
                memset(p + 5, 'b', 1024);
                memcpy(p + 1028, "\r\n", 2);
        }
        status = say(connect_tcp(), big, size);
        check(status != 200);
        free(big);
        check_int(get("/-/healthy"), 200);
}

static void garbage(void)
{
        static const char *const junk[] = {"\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                "\x16\x03\x01\x02", "GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "GET /%00%ff%zz?%00=%&&==& HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"};

        for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
                int fd = connect_tcp();
                struct pollfd p = {.fd = fd, .events = POLLIN};
                char status[13] = "";
                send(fd, junk[i], strlen(junk[i]), MSG_NOSIGNAL);
                poll(&p, 1, 300); /* some get no answer but the end, after the timeout */
                recv(fd, status, sizeof status - 1, MSG_DONTWAIT);
                check(strcmp(status, "HTTP/1.1 200") != 0);
                close(fd);
        }
        uint32_t seed = 1;
        for (int i = 0; i < 200; i++) {
                char noise[300];
                for (size_t k = 0; k < sizeof noise; k++)
                        noise[k] = (char)((seed = seed * 1103515245 + 12345) >> 16);
                int fd = connect_tcp();
                send(fd, noise, sizeof noise, MSG_NOSIGNAL);
                close(fd);
        }
        check_int(get("/-/healthy"), 200);
}

enum { SOON = 20 }; /* s; a server that waits for each of them takes minutes, a busy machine some seconds */

/* Clients that send half a request and wait, and clients that ask for a lot and don't read it. */
static void slow_clients(void)
{
        static const char half[] = "GET /sexton/v1/zombies HTTP/1.1\r\nHost: loc",
                          whole[] = "GET /sexton/v1/zombies HTTP/1.1\r\nHost: localhost\r\n\r\n";
        int slow[60];

        for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
                slow[i] = connect_tcp();
                check(slow[i] >= 0);
                if (i % 10)
                        send(slow[i], half, sizeof half - 1, MSG_NOSIGNAL);
                else
                        send(slow[i], whole, sizeof whole - 1, MSG_NOSIGNAL);
        }
        uint64_t begin = clock_boot_ns();
        for (int i = 0; i < 20; i++)
                check_int(get("/sexton/v1/status"), 200);
        double took = (double)(clock_boot_ns() - begin) / 1e9;
        printf("# 20 answers beside %zu slow clients: %.0f ms\n", ARRAY_SIZE(slow), took * 1e3);
        check(took < SOON);
        for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
                close(slow[i]);
}

/* More than may be connected on TCP, who say a letter now and then: both sockets answer on. */
static void many_connections(void)
{
        int fd[700];
        size_t n = 0;

        for (; n < ARRAY_SIZE(fd); n++) {
                fd[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                struct sockaddr_in a = {.sin_family = AF_INET,
                        .sin_port = htons(port),
                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
                if (connect(fd[n], (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS) {
                        if (fd[n] >= 0)
                                close(fd[n]);
                        break;
                }
        }
        touch();
        check_int(ask(connect_unix, "GET", "/sexton/v1/status", ""), 200);
        for (int k = 0; k < 10; k++) {
                for (size_t i = 0; i < n; i++)
                        send(fd[i], "X", 1, MSG_NOSIGNAL);
                check_int(get("/-/healthy"), 200);
        }
        for (size_t i = 0; i < n; i++)
                close(fd[i]);
        uint64_t begin = clock_boot_ns();
        check_int(get("/-/healthy"), 200);
        check(clock_boot_ns() - begin < SOON * NSEC_PER_SEC);
}

static void big_answer(void)
{
        fill(MANY);
        check_int(get("/sexton/v1/zombies"), 200);
        check(answer_len > MANY * 500u && strstr(answer, "Transfer-Encoding: chunked"));
        check(strstr(answer, "\"by_holder\":[{") != NULL);
        check_int(ask(connect_unix, "GET", "/sexton/v1/zombies?limit=3", ""), 200);
        is_json("zombies");
        fill(3);
}

static void events_come_through(void)
{
        oom_of(77);
        check_int(get("/sexton/v1/events?kind=oom"), 200); /* without waiting */
        check(strstr(body_of, "\"pid\":77,\"text\":\"killed\""));
}

static void reports(void)
{
        char path[96];

        put_finding();
        uint64_t id = open_incident();
        snprintf(path, sizeof path, "/sexton/v1/report?id=%llu", (unsigned long long)id);
        check_int(get(path), 200);
        check(strstr(answer, "Content-Type: text/markdown"));
        check(strstr(body_of, "3 zombies are held by \\<celery\\>") && strstr(body_of, "still open"));
        snprintf(path, sizeof path, "/sexton/v1/report?id=%llu&format=html", (unsigned long long)id);
        check_int(get(path), 200);
        check(strstr(answer, "Content-Type: text/html"));
        check(strstr(answer, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "));
        check(strstr(body_of, "3 zombies are held by &lt;celery&gt;"));
        snprintf(path, sizeof path, "/sexton/v1/report?id=%llu&format=json", (unsigned long long)id);
        check_int(get(path), 200);
        is_json("incidents");
        check_int(get("/sexton/v1/report"), 400);
        is_json("error");
        check_int(get("/sexton/v1/report?id=1&format=pdf"), 400);
        check_int(get("/sexton/v1/report?id=999999"), 404);
        is_json("error");
        check(strstr(answer, "Content-Security-Policy: default-src 'none'; frame-ancestors"));
}

static void without_a_guard(void)
{
        hold_pulse(true);
        board_write_begin(board);
        board_write_end(board, clock_boot_ns() - FAKE_S(60));
        check_int(ask(connect_tcp, "GET", "/-/ready", ""), 503);
        check(strstr(body_of, "has not reported for 60 s"));
        check(strstr(answer, "Retry-After: 1"));
        check_int(ask(connect_tcp, "GET", "/sexton/v1/status", ""), 503);
        is_json("error");
        check_int(ask(connect_tcp, "GET", "/sexton/v1/events", ""), 200); /* history needs no guard */
        check_int(ask(connect_tcp, "GET", "/-/healthy", ""), 200);
        board_write_begin(board);
        board->updated_ns = clock_boot_ns(); /* dies while it writes */
        check_int(ask(connect_tcp, "GET", "/sexton/v1/status", ""), 503);
        check(strstr(body_of, "ended while it wrote"));
        board_write_end(board, 0);
        check_int(ask(connect_tcp, "GET", "/-/ready", ""), 503);
        check(strstr(body_of, "has not reported yet"));
        hold_pulse(false);
        check_int(get("/-/ready"), 200);
}

static void confined(void)
{
        char path[64], text[4096] = "";

        snprintf(path, sizeof path, "/proc/%d/status", recorder);
        FILE *f = fopen(path, "re");
        check(f != NULL);
        if (!f)
                return;
        size_t n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        check(n > 0 && strstr(text, "NoNewPrivs:\t1"));
        check(strstr(text, "CapEff:\t0000000000000000"));
        check(strstr(text, "CapPrm:\t0000000000000000"));
        check(!strstr(text, "\nUid:\t0"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        check(strstr(text, "Seccomp:\t2"));
#endif
        struct stat st;
        check(stat(socket_path, &st) == 0 && (st.st_mode & 07777) == 0660);
}

/* A second one must not take the first one's place; a dead one's socket is replaced. */
static void sockets(void)
{
        struct error e = {0};
        char path[80];

        check_int(listen_unix(socket_path, (gid_t)-1, &e), -EADDRINUSE);
        check(strstr(e.text, "is Sexton running already?"));
        check_int(ask(connect_unix, "GET", "/-/healthy", ""), 200);
        snprintf(path, sizeof path, "%s/file", folder);
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        check_int(listen_unix(path, (gid_t)-1, &e), -EEXIST);
        unlink(path);
        snprintf(path, sizeof path, "%s/new/sock", folder);
        int fd = listen_unix(path, (gid_t)-1, &e);
        check(fd >= 0);
        close(fd); /* left behind */
        fd = listen_unix(path, (gid_t)-1, &e);
        check(fd >= 0);
        listen_unix_remove(path, fd);
        check(access(path, F_OK) < 0);
        close(fd);
        snprintf(path, sizeof path, "%s/new", folder);
        rmdir(path);
        char taken[40];
        snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
        check_int(listen_tcp(taken, &e), -EADDRINUSE);
        check(strstr(e.text, "Address already in use"));
        fd = listen_tcp("127.0.0.1:0", &e);
        check(fd >= 0);
        close(fd);
        check_int(listen_tcp("nonsense", &e), -EINVAL);
}

static void ends_with_its_supervisor(void)
{
        close(alive[1]);
        int status = end_of(recorder);
        check(WIFEXITED(status));
        check_int(WEXITSTATUS(status), 0);
        close(alive[0]);
        unlink(socket_path); /* the recorder itself may not, as another user */
}

static void is_on_disk(void)
{
        const char *store = strstr(body_of, "\"store\":");

        check(store && strstr(store, "\"state\":\"disk\""));
        if (!store || !strstr(store, "\"state\":\"disk\""))
                printf("# %.300s\n", store ? store : answer);
}

/* The port is somebody else's: the Unix socket answers all the same; SIGTERM ends it. */
static void port_taken(void)
{
        char taken[40];
        snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
        int other = listen_tcp(taken, NULL);

        check(other >= 0);
        if (pipe2(alive, O_CLOEXEC) < 0)
                return;
        start_recorder();
        check_int(ask(connect_unix, "GET", "/-/healthy", ""), 200); /* it has opened its history */
        touch();
        check_int(ask(connect_unix, "GET", "/sexton/v1/status", ""), 200);
        is_on_disk();
        check_int(ask(connect_unix, "GET", "/sexton/v1/events?kind=oom&since=1h", ""), 200);
        check(strstr(body_of, "\"pid\":77,\"text\":\"killed\"")); /* of the recorder before */
        check_int(ask(connect_unix, "GET", "/sexton/v1/history?points=5", ""), 200);
        check(strstr(body_of, "\"series\":{\"load1\":["));
        stop_recorder();
        close(other);
}

static void all(void)
{
        set_up();
        test(good_requests);
        test(dashboard_served);
        test(metrics_negotiated);
        test(wrong_requests);
        test(changes_by_unix_socket_only);
        test(other_names);
        test(huge_requests);
        test(garbage);
        test(slow_clients);
        test(many_connections);
        test(big_answer);
        test(events_come_through);
        test(reports);
        test(without_a_guard);
        test(confined);
        test(sockets);
        test(ends_with_its_supervisor);
        test(port_taken);
        tear_down();
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return tap_main(all);
}
