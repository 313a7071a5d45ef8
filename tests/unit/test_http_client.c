/* Tests of base/http_client and http_reader: answers split anywhere, chunked or not, and servers that
 * lie, are silent, or close early.
 */
#include "base/http_client.h"
#include "base/http_reader.h"
#include "tap.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char server_path[64];

struct collected {
        char text[256];
        size_t len;
};

static int collect(void *ctx, const char *data, size_t len)
{
        struct collected *c = ctx;

        if (len > sizeof c->text - 1 - c->len)
                return -EFBIG;
        memcpy(c->text + c->len, data, len);
        c->len += len;
        c->text[c->len] = '\0';
        return 0;
}

/* Serves one connection with `answer` from a child process; reads the request only when told to. */
static pid_t serve(const char *answer, size_t len, int delay_ms)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(server_path, sizeof server_path, "/tmp/sexton-http-%d.sock", (int)getpid());
        unlink(server_path);
        strcpy(a.sun_path, server_path);
        if (bind(s, (const struct sockaddr *)&a, sizeof a) < 0 || listen(s, 4) < 0)
                abort();
        pid_t pid = fork();
        if (pid == 0) {
                char buf[4096];
                int c = accept(s, NULL, NULL);
                if (read(c, buf, sizeof buf) < 0)
                        _exit(1);
                usleep((useconds_t)delay_ms * 1000);
                if (len && write(c, answer, len) < 0)
                        _exit(1);
                _exit(0);
        }
        close(s);
        return pid;
}

static void served(pid_t pid)
{
        waitpid(pid, NULL, 0);
        unlink(server_path);
}

static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n1\r\n \r\n5;ext=1\r\nworld\r\n0\r\n\r\n";

static void split_anywhere(void)
{
        size_t total = sizeof chunked - 1;

        for (size_t i = 0; i <= total; i++)
                for (size_t j = i; j <= total; j += 7) {
                        struct http_reader r;
                        struct collected c = {0};
                        http_reader_init(&r, collect, &c);
                        if (i)
                                check_int(http_reader_feed(&r, chunked, i), 0);
                        if (j > i)
                                check_int(http_reader_feed(&r, chunked + i, j - i), 0);
                        if (total > j)
                                check_int(http_reader_feed(&r, chunked + j, total - j), 0);
                        check(r.complete);
                        check_str(c.text, "hello world");
                }
}

static void cut_anywhere(void)
{
        for (size_t i = 0; i < sizeof chunked - 1; i++) {
                struct http_reader r;
                struct collected c = {0};
                http_reader_init(&r, collect, &c);
                if (i)
                        check_int(http_reader_feed(&r, chunked, i), 0);
                check_int(http_reader_feed(&r, "", 0), -EPROTO);
                check(strstr(http_reader_problem(&r), "closed"));
        }
}

static void until_close(void)
{
        static const char text[] = "HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\n{\"message\":\"no\"}";
        struct http_reader r;
        struct collected c = {0};

        http_reader_init(&r, collect, &c);
        check_int(http_reader_feed(&r, text, sizeof text - 1), 0);
        check(!r.complete);
        check_int(http_reader_feed(&r, "", 0), 0);
        check(r.complete);
        check_int(r.status, 404);
        check_str(c.text, "{\"message\":\"no\"}");
}

static void get_works(void)
{
        struct http_response res = {0};
        struct error e = {0};
        pid_t pid = serve(chunked, sizeof chunked - 1, 0);

        check_int(http_get(server_path, "/sexton/v1/status", 2000, &res, &e), 0);
        check_int(res.status, 200);
        check_int(res.len, 11);
        check_str(res.body, "hello world");
        http_response_done(&res);
        served(pid);
}

static void get_empty(void)
{
        static const char text[] = "HTTP/1.1 204 No Content\r\n\r\n";
        struct http_response res = {0};
        struct error e = {0};
        pid_t pid = serve(text, sizeof text - 1, 0);

        check_int(http_get(server_path, "/", 2000, &res, &e), 0);
        check_int(res.status, 204);
        check_str(res.body, "");
        http_response_done(&res);
        served(pid);
}

static void get_fails_in_words(void)
{
        struct http_response res = {0};
        struct error e = {0};

        check_int(http_get("/nowhere/sexton.sock", "/", 100, &res, &e), -ENOENT);
        check(strstr(e.text, "/nowhere/sexton.sock"));
        check_int(http_get("/x", "/a b", 100, &res, &e), -EINVAL);
        check_int(http_get("/x", "/a\r\nX: y", 100, &res, &e), -EINVAL);

        pid_t pid = serve("", 0, 0);
        check_int(http_get(server_path, "/", 2000, &res, &e), -EPROTO);
        check(strstr(e.text, "before an answer"));
        served(pid);

        pid = serve("", 0, 300);
        check_int(http_get(server_path, "/", 50, &res, &e), -ETIMEDOUT);
        check(strstr(e.text, "does not answer"));
        waitpid(pid, NULL, 0);
        check_int(http_get(server_path, "/", 50, &res, NULL), -ECONNREFUSED);
        unlink(server_path);

        pid = serve("\001\002garbage\n", 10, 0);
        check_int(http_get(server_path, "/", 2000, &res, &e), -EPROTO);
        served(pid);
        check(!res.body);
}

static void all(void)
{
        test(split_anywhere);
        test(cut_anywhere);
        test(until_close);
        test(get_works);
        test(get_empty);
        test(get_fails_in_words);
}

int main(void)
{
        return tap_main(all);
}
