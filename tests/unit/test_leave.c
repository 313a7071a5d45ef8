/* Who may change anything: over the Unix socket, with a token, from a browser; wrong tokens; what is wrong
 * with a token's file. The clock is the test's.
 */
#include "recorder/leave.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tap.h"

#define TOKEN "0123456789abcdef"

static char file[] = "/tmp/sexton-leave-XXXXXX";
static struct leave leave;
static char who[LEAVE_WHO];
static struct error e;
static uint64_t now = 1000 * NSEC_PER_SEC;

static void start_with(const char *text, mode_t mode)
{
        int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);

        check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        check_int(fchmod(fd, mode), 0);
        close(fd);
        leave_done(&leave);
        leave_start(&leave, 1000, (gid_t)-1, file);
}

static int ask(const struct asker *a)
{
        e = (struct error){0};
        return leave_to_change(&leave, a, true, now, who, &e);
}

static void by_the_unix_socket(void)
{
        leave_start(&leave, 1000, 500, "");
        check_int(ask(&(struct asker){.peer = {.known = true, .uid = 0}}), 0);
        check_str(who, "root");
        check_int(ask(&(struct asker){.peer = {.known = true, .uid = 1000}}), 0);
        check_int(ask(&(struct asker){.peer = {.known = true, .uid = 4242, .in_group = true}}), 0);
        check_str(who, "uid 4242");
        check_int(ask(&(struct asker){.peer = {.known = true, .uid = 4242}}), 403);
        check(strstr(e.text, "uid 4242 may look and not change") && strstr(e.text, "group"));
        check_int(ask(&(struct asker){.peer = {.known = false, .uid = 0}}), 403);
        check(strstr(e.text, "none is configured"));
        leave_done(&leave);
}

/* Of both ends of a pair we are who is at the other one. */
static void the_kernel_says_who(void)
{
        struct peer p;
        int pair[2];

        leave_start(&leave, 1000, getegid(), "");
        check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        leave_peer(&leave, pair[0], &p);
        check(p.known && p.in_group);
        check_int(p.uid, geteuid());
        check_int(p.pid, getpid());
        leave.group = 54321;
        leave_peer(&leave, pair[0], &p);
        check(!p.in_group);
        leave.group = (gid_t)-1;
        leave_peer(&leave, pair[0], &p);
        check(!p.in_group);
        leave_peer(&leave, -1, &p);
        check(!p.known);
        close(pair[0]);
        close(pair[1]);
}

static void tokens(void)
{
        static const char *const wrong[] = {"", "Bearer", "Bearer ", "Bearer 0123456789abcde",
                "Bearer " TOKEN "f", "Bearer 0123456789abcdeF", "Basic " TOKEN, TOKEN, "Bearer " TOKEN " "};

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                start_with(TOKEN "\nsecond line\n", 0600);
                check_int(ask(&(struct asker){.authorization = wrong[i]}), 401);
                check(!strstr(e.text, TOKEN));
        }
        check_int(ask(&(struct asker){0}), 401);
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 0);
        check_str(who, "token");
        check_int(ask(&(struct asker){.authorization = "bEARER  " TOKEN}), 0);
        /* by the Unix socket, who may not by itself */
        check_int(
                ask(&(struct asker){.peer = {.known = true, .uid = 4242}, .authorization = "Bearer " TOKEN}),
                0);
        check_str(who, "token");
}

static void files_of_tokens(void)
{
        start_with(TOKEN, 0640);
        check(leave.token != NULL);
        start_with(TOKEN, 0644);
        check(leave.token == NULL);
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 403);
        check(strstr(e.text, "see the log"));
        start_with("short", 0600);
        check(leave.token == NULL);
        start_with("0123456789 abcdef", 0600);
        check(leave.token == NULL);
        start_with("", 0600);
        check(leave.token == NULL);
        start_with("\n" TOKEN, 0600);
        check(leave.token == NULL);
        leave_done(&leave);
        leave_start(&leave, 0, 0, "/nonexistent/token");
        check(leave.token == NULL);
        leave_start(&leave, 0, 0, "a-credential"); /* that nobody has handed over */
        check(leave.token == NULL);
}

/* In the folder that the service manager names. */
static void credentials(void)
{
        start_with(TOKEN, 0400);
        const char *name = strrchr(file, '/') + 1;

        leave_done(&leave);
        setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
        leave_start(&leave, 0, 0, name);
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 0);
        leave_done(&leave);
        leave_start(&leave, 0, 0, "another");
        check(leave.token == NULL);
        unsetenv("CREDENTIALS_DIRECTORY");
}

static void guessing(void)
{
        start_with(TOKEN, 0600);
        for (int i = 0; i < LEAVE_WRONG; i++) {
                check_int(ask(&(struct asker){.authorization = "Bearer guess"}), 401);
                now += NSEC_PER_SEC;
        }
        /* what only looks ahead doesn't count */
        check_int(leave_to_change(
                          &leave, &(struct asker){.authorization = "Bearer guess"}, false, now, who, &e),
                429);
        check_int(ask(&(struct asker){.authorization = "Bearer guess"}), 429);
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 429);
        check_int(ask(&(struct asker){.peer = {.known = true, .uid = 0}}), 0); /* root is never locked out */
        now += 50 * NSEC_PER_SEC;
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 0); /* the first is a minute old */
        check_int(ask(&(struct asker){.authorization = "Bearer guess"}), 401);
        check_int(ask(&(struct asker){.authorization = "Bearer " TOKEN}), 429);
}

static void browsers(void)
{
        start_with(TOKEN, 0600);
        struct asker a = {.host = "localhost:9790",
                .authorization = "Bearer " TOKEN,
                .origin = "http://localhost:9790",
                .fetch_site = "same-origin",
                .anti_forgery = leave.anti_forgery};

        check_int(strlen(leave.anti_forgery), 32);
        check_int(ask(&a), 0);
        a.fetch_site = NULL; /* older ones */
        check_int(ask(&a), 0);
        a.origin = "https://localhost:9790"; /* behind something that speaks TLS */
        check_int(ask(&a), 0);
        static const char *const others[] = {"http://evil.example", "null", "", "http://localhost",
                "http://127.0.0.1:9790", "http://localhost:9790.evil.example",
                "http://evil.example/?http://localhost:9790"};
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                a.origin = others[i];
                check_int(ask(&a), 403);
        }
        a.origin = NULL;
        a.fetch_site = "cross-site";
        check_int(ask(&a), 403);
        a.fetch_site = "same-origin";
        check_int(ask(&a), 0);
        a.anti_forgery = NULL;
        check_int(ask(&a), 403);
        check(strstr(e.text, "Anti-Forgery"));
        a.anti_forgery = "";
        check_int(ask(&a), 403);
        a.anti_forgery = "00000000000000000000000000000000";
        check_int(ask(&a), 403);
        /* also through the Unix socket, which somebody forwards */
        a.peer = (struct peer){.known = true, .uid = 0};
        check_int(ask(&a), 403);
        a.anti_forgery = leave.anti_forgery;
        check_int(ask(&a), 0);
        check_str(who, "root");
        /* a name of somebody else's that leads here */
        a.origin = "http://evil.example:9790";
        a.host = "evil.example:9790";
        check_int(ask(&a), 403);
        a.host = NULL;
        check_int(ask(&a), 403);
        /* each start has a secret of its own */
        char before[LEAVE_SECRET];
        memcpy(before, leave.anti_forgery, sizeof before);
        start_with(TOKEN, 0600);
        check(strcmp(before, leave.anti_forgery) != 0);
        leave.anti_forgery[0] = '\0'; /* no randomness */
        a.host = "localhost";
        a.origin = "http://localhost";
        a.anti_forgery = "";
        check_int(ask(&a), 403);
}

static void all(void)
{
        int fd = mkostemp(file, O_CLOEXEC);

        if (fd < 0)
                abort();
        close(fd);
        log_init("test", LOG_LEVEL_ERROR - 1);
        test(by_the_unix_socket);
        test(the_kernel_says_who);
        test(tokens);
        test(files_of_tokens);
        test(credentials);
        test(guessing);
        test(browsers);
        leave_done(&leave);
        unlink(file);
}

int main(void)
{
        return tap_main(all);
}
