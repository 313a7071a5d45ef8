/* Tests of source/engine/session against a fake daemon on a Unix socket, that answers well, slowly, with
 * nonsense, with errors, too much, not at all, or goes away in the middle of a word.
 */
#include "source/engine/session.h"

#include "base/clock.h"
#include "tap.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ID "68d107562d5a4d87d4b7c03186aa891b6d79a62e2a5ae379a0673ae8e0b819de"

enum manner {
        WELL,
        SLOWLY,  /* in pieces of 16 bytes */
        BROKEN,  /* the stream of events ends in the middle of a chunk */
        GARBAGE, /* no HTTP */
        ERRORS,  /* status 500 */
        HUGE,    /* inspections of 5 MB */
        PODMAN,
};

/* ---- the fake daemon ---- */

static char path[64];

static void say(int fd, const char *text, size_t len, enum manner m)
{
        while (len) {
                size_t n = m == SLOWLY && len > 16 ? 16 : len;
                ssize_t k = write(fd, text, n);
                if (k <= 0)
                        _exit(0);
                text += k;
                len -= (size_t)k;
                if (m == SLOWLY)
                        usleep(300);
        }
}

static void answer(int fd, const char *body, enum manner m)
{
        char head[128];

        int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
        say(fd, head, (size_t)n, m);
        say(fd, body, strlen(body), m);
}

static void stream_events(int fd, enum manner m)
{
        static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        char event[512], chunk[600];

        say(fd, head, sizeof head - 1, m);
        usleep(100000);
        for (const char *action = "pause"; action; action = strcmp(action, "pause") ? NULL : "unpause") {
                int n = snprintf(event, sizeof event,
                        "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"" ID
                        "\",\"Attributes\":{\"name\":\"shell\"}},\"timeNano\":%lld}\n",
                        action, (long long)clock_boot_ns() + clock_wall_offset_ns());
                n = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", n, event);
                say(fd, chunk, (size_t)n - (m == BROKEN ? 20 : 0), m);
                if (m == BROKEN)
                        return;
        }
        for (;;)
                pause();
}

static void inspection(int fd, enum manner m)
{
        static char text[6 << 20];
        char name[512];
        const char *root = getenv("SEXTON_FIXTURES");

        if (m == HUGE) {
                strcpy(text, "{\"Id\":\"" ID "\",\"Config\":{\"Labels\":{\"x\":\"");
                memset(text + strlen(text), 'x', 5 << 20);
                strcat(text, "\"}}}");
        } else {
                snprintf(name, sizeof name, "%s/docker/inspect-shell-timeout.json",
                        root ? root : "tests/fixtures");
                FILE *f = fopen(name, "r");
                if (!f || fread(text, 1, sizeof text - 1, f) == 0)
                        _exit(1);
        }
        answer(fd, text, m);
}

static void serve_one(int fd, enum manner m)
{
        char request[2048] = "";
        size_t n = 0;

        while (!strstr(request, "\r\n\r\n")) {
                ssize_t k = read(fd, request + n, sizeof request - 1 - n);
                if (k <= 0)
                        return;
                n += (size_t)k;
        }
        if (m == GARBAGE)
                say(fd, "\001\002SSH-2.0-x\r\n", 13, m);
        else if (m == ERRORS)
                say(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", 42, m);
        else if (!strncmp(request, "GET /version ", 13))
                answer(fd,
                        m == PODMAN ? "{\"Components\":[{\"Name\":\"Podman Engine\"}],\"Version\":\"4.3.1\"}"
                                    : "{\"Version\":\"20.10.24\"}",
                        m);
        else if (!strncmp(request, "GET /_ping ", 11))
                answer(fd, "OK", m);
        else if (!strncmp(request, "GET /events?since=", 18))
                stream_events(fd, m);
        else if (!strncmp(request, "GET /containers/json?all=1 ", 27))
                answer(fd, "[{\"Id\":\"" ID "\",\"Names\":[\"/shell\"],\"State\":\"running\"}]", m);
        else if (!strncmp(request, "GET /containers/" ID "/json ", 86))
                inspection(fd, m);
        else
                say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", 47, m);
}

/* Its process group's id. */
static pid_t daemon_start(enum manner m)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(path, sizeof path, "/tmp/sexton-dockerd-%d.sock", (int)getpid());
        unlink(path);
        strcpy(a.sun_path, path);
        if (bind(s, (const struct sockaddr *)&a, sizeof a) < 0 || listen(s, 16) < 0)
                abort();
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
                setpgid(0, 0);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                signal(SIGCHLD, SIG_IGN);
                for (;;) {
                        int c = accept(s, NULL, NULL);
                        if (c >= 0 && fork() == 0) {
                                serve_one(c, m);
                                _exit(0);
                        }
                        close(c);
                }
        }
        setpgid(pid, pid);
        close(s);
        return pid;
}

static void daemon_stop(pid_t pid)
{
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unlink(path);
}

/* ---- the session under test ---- */

static struct loop loop;
static struct session session;
static struct config config;
static uint8_t state;
static char state_text[120];
static int states, synced, containers, event_total, past;
static uint8_t last_event;
static struct container last;

static void on_message(void *ctx, const struct engine_msg *m)
{
        switch (m->type) {
        case ENGINE_MSG_STATE:
                state = m->state.state;
                strcpy(state_text, m->state.text);
                states++;
                break;
        case ENGINE_MSG_SYNCED:
                synced++;
                break;
        case ENGINE_MSG_CONTAINER:
                last = m->container;
                containers++;
                break;
        case ENGINE_MSG_EVENT:
                if (m->event.replayed) { /* the fixture's health log */
                        past++;
                        break;
                }
                last_event = m->event.kind;
                event_total++;
                break;
        default:
                check(!"unexpected message");
        }
}

static void session_up(void)
{
        state = 255;
        states = synced = containers = event_total = past = 0;
        memset(&last, 0, sizeof last);
        config.engine.enabled = true;
        strcpy(config.engine.socket, path);
        check_int(loop_init(&loop), 0);
        session_init(&session, &loop, &config, -1, on_message, NULL);
        session_start(&session);
}

static void session_down(void)
{
        session_done(&session);
        loop_done(&loop);
}

#define run_until(cond, seconds)                                                                             \
        do {                                                                                                 \
                uint64_t end_ns = clock_boot_ns() + (seconds)*UINT64_C(1000000000);                          \
                while (!(cond) && clock_boot_ns() < end_ns)                                                  \
                        loop_once(&loop, 50);                                                                \
                check(cond);                                                                                 \
        } while (0)

static void answers_well_or_slowly(void)
{
        for (enum manner m = WELL; m <= SLOWLY; m++) {
                pid_t pid = daemon_start(m);
                session_up();
                run_until(synced && event_total == 2, 10);
                check_int(state, ENGINE_DOCKER);
                check(!strncmp(state_text, "Docker 20.10.24 at /tmp/", 24));
                check_int(past, 3);
                check_str(last.name, "shell");
                check_str(last.compose_service, "worker");
                check_int(last_event, CONTAINER_EVENT_UNPAUSE);
                int before = containers;
                run_until(containers > before, 5); /* inspected again because of the events */
                check_int(states, 1);
                session_down();
                daemon_stop(pid);
        }
}

static void is_podman(void)
{
        pid_t pid = daemon_start(PODMAN);

        session_up();
        run_until(synced, 5);
        check_int(state, ENGINE_PODMAN);
        session_down();
        daemon_stop(pid);
}

static void is_absent_then_there(void)
{
        static const char *const nowhere[] = {"/nowhere/docker.sock", path, NULL};

        snprintf(path, sizeof path, "/tmp/sexton-dockerd-%d.sock", (int)getpid());
        unlink(path);
        session_up();
        config.engine.socket[0] = '\0';
        session.paths = nowhere;
        unsetenv("DOCKER_HOST");
        run_until(state == ENGINE_NONE, 5);
        pid_t pid = daemon_start(WELL);
        loop_arm(&loop, &session.retry, 1); /* not to wait for the next look */
        run_until(synced, 5);
        check_int(state, ENGINE_DOCKER);
        /* Gone: what was there once is unreachable, not absent. */
        daemon_stop(pid);
        run_until(state == ENGINE_UNREACHABLE, 5);
        run_until(strstr(state_text, "no Docker"), 5);
        /* A socket nobody serves. */
        pid = daemon_start(WELL);
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        run_until(strstr(state_text, "nobody listens"), 8);
        pid = daemon_start(WELL);
        int before = synced;
        run_until(synced > before && state == ENGINE_DOCKER, 15);
        session_down();
        daemon_stop(pid);
}

static void breaks_in_the_middle(void)
{
        pid_t pid = daemon_start(BROKEN);

        session_up();
        run_until(states >= 4, 10); /* docker, unreachable, docker, unreachable */
        daemon_stop(pid);
        pid = daemon_start(WELL);
        run_until(synced && state == ENGINE_DOCKER && event_total >= 2, 15);
        session_down();
        daemon_stop(pid);
}

static void talks_nonsense(void)
{
        pid_t pid = daemon_start(GARBAGE);

        session_up();
        run_until(state == ENGINE_UNREACHABLE, 5);
        check(strstr(state_text, "/tmp/"));
        session_down();
        daemon_stop(pid);

        pid = daemon_start(ERRORS);
        session_up();
        run_until(state == ENGINE_UNREACHABLE, 5);
        check(strstr(state_text, "500"));
        session_down();
        daemon_stop(pid);
}

static void says_too_much(void)
{
        pid_t pid = daemon_start(HUGE);

        session_up();
        run_until(synced, 10);
        check_int(state, ENGINE_DOCKER);
        check_str(last.name, "shell"); /* from the list */
        session_down();
        daemon_stop(pid);
}

static void is_silent(void)
{
        pid_t pid = daemon_start(WELL);

        /* From the start. */
        kill(-pid, SIGSTOP);
        session_up();
        run_until(state == ENGINE_UNREACHABLE, 5);
        check(strstr(state_text, "does not answer"));
        kill(-pid, SIGCONT);
        run_until(synced && state == ENGINE_DOCKER && event_total == 2, 5);
        /* Later on. */
        kill(-pid, SIGSTOP);
        session.heard_ns -= 5000000000;
        loop_arm(&loop, &session.beat, 1);
        run_until(state == ENGINE_UNREACHABLE, 5);
        int before = synced;
        kill(-pid, SIGCONT);
        run_until(synced > before && state == ENGINE_DOCKER, 5);
        check_int(event_total, 2);
        check_int(session.tracker.count, 1);
        session_down();
        daemon_stop(pid);
}

static void is_told_again(void)
{
        pid_t pid = daemon_start(WELL);

        session_up();
        run_until(synced && event_total == 2, 5);
        session_resend(&session);
        check_int(states, 2);
        run_until(synced == 2, 5);
        session_down();
        daemon_stop(pid);
}

static void is_switched_off(void)
{
        session_up();
        session_down();
        config.engine.enabled = false;
        check_int(loop_init(&loop), 0);
        session_init(&session, &loop, &config, -1, on_message, NULL);
        session_start(&session);
        check_int(state, ENGINE_NONE);
        check(!loop.timers);
        session_down();
}

static void all(void)
{
        test(answers_well_or_slowly);
        test(is_podman);
        test(is_absent_then_there);
        test(breaks_in_the_middle);
        test(talks_nonsense);
        test(says_too_much);
        test(is_silent);
        test(is_told_again);
        test(is_switched_off);
}

int main(void)
{
        return tap_main(all);
}
