/* A second Sexton and the engine that it follows: see hung.h. The engine speaks as much of Docker's API as is
 * asked for. */
#include "drill/hung.h"

#include "base/clock.h"
#include "model/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { CLIENTS = 16, REQUEST_MAX = 2048, STOP_TRIES = 1500, PAUSE_MS = 10 };

#define ID "d1111d1111d1111d1111d1111d1111d1111d1111d1111d1111d1111d1111d111"

/* ---- the made-up engine ---- */

static const struct {
        const char *path, *body;
} answers[] = {
        {"/version", "{\"Version\":\"drill\",\"Components\":[{\"Name\":\"Engine\"}]}"},
        {"/_ping", "\"OK\""},
        {"/containers/json", "[{\"Id\":\"" ID "\",\"Names\":[\"/" HUNG_CONTAINER
                             "\"],\"Image\":\"drill\",\"State\":\"created\",\"Labels\":{}}]"},
        {"/containers/" ID "/json", "{\"Id\":\"" ID "\",\"Name\":\"/" HUNG_CONTAINER
                                    "\",\"Image\":\"drill\",\"Config\":{\"Image\":\"drill\"},"
                                    "\"State\":{\"Status\":\"created\"},\"HostConfig\":{}}"},
};

/* False when the connection is done. The stream of events stays open, and tells of none. */
static bool answer(int fd)
{
        char request[REQUEST_MAX], text[1024];
        ssize_t n = recv(fd, request, sizeof request - 1, 0);
        const char *body = NULL;

        if (n <= 0)
                return false;
        request[n] = '\0';
        char *path = strchr(request, ' ');
        char *end = path ? strpbrk(++path, " ?") : NULL;
        if (!end)
                return false;
        *end = '\0';
        bool events = !strcmp(path, "/events");
        for (size_t k = 0; k < ARRAY_SIZE(answers); k++)
                if (!strcmp(path, answers[k].path))
                        body = answers[k].body;
        if (events)
                n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        else
                n = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                        body ? "200 OK" : "404 Not Found", body ? strlen(body) : 0, body ? body : "");
        return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n && events;
}

/* poll[0] is the control, poll[1] the listener; a hung engine looks at the control alone. */
static void be_engine(int listener, int control)
{
        struct pollfd p[2 + CLIENTS] = {
                {.fd = control, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
        nfds_t used = 2;
        bool hangs = false;

        for (;;) {
                char what;

                if (poll(p, hangs ? 1 : used, -1) < 0)
                        continue;
                if (p[0].revents && read(control, &what, 1) <= 0)
                        return;
                if (p[0].revents) {
                        hangs = what == 'h';
                        continue;
                }
                if (p[1].revents && used < ARRAY_SIZE(p)) {
                        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                        if (fd >= 0)
                                p[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
                }
                for (nfds_t k = 2; k < used; k++) {
                        if (!p[k].revents || answer(p[k].fd))
                                continue;
                        close(p[k].fd);
                        p[k--] = p[--used];
                }
        }
}

/* ---- starting ---- */

/* A child that ends with us; 0 in the child. */
static pid_t child_of_ours(int sig)
{
        pid_t self = getpid(), pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, sig);
                if (getppid() != self)
                        _exit(EXIT_FAILURE);
        }
        return pid;
}

static int start_engine(struct hung *h, const char *folder)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int pipes[2];
        cleanup_close int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(a.sun_path, sizeof a.sun_path, "%s/engine", folder);
        if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) < 0 ||
                listen(listener, CLIENTS) < 0 || pipe2(pipes, O_CLOEXEC) < 0)
                return -errno;
        h->engine = child_of_ours(SIGKILL);
        if (h->engine == 0) {
                close(pipes[1]);
                be_engine(listener, pipes[0]);
                _exit(EXIT_SUCCESS);
        }
        close(pipes[0]);
        h->control = pipes[1];
        return h->engine < 0 ? -errno : 0;
}

static int write_config(const char *folder)
{
        char path[96];

        snprintf(path, sizeof path, "%s/sexton.yaml", folder);
        FILE *f = fopen(path, "wxe");
        if (!f)
                return -errno;
        /* it looks at nothing but the engine, and may touch nobody */
        fprintf(f,
                "mode: observe\nact_only_in: [sexton-drill]\n"
                "sources: {bpf: false, netlink: false, psi: false, scan_interval: 1h}\n"
                "engine: {socket: %s/engine}\n",
                folder);
        return fclose(f) == 0 ? 0 : -EIO;
}

static void exec_daemon(const char *folder)
{
        char name[] = "sexton", run[] = "run", config[] = "--config", data[] = "--data-dir",
             sock[] = "--socket", listen_at[] = "--listen", nowhere[] = "",
             path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        char config_path[96], data_path[96], socket_path[96];
        sigset_t none;

        snprintf(config_path, sizeof config_path, "%s/sexton.yaml", folder);
        snprintf(data_path, sizeof data_path, "%s/data", folder);
        snprintf(socket_path, sizeof socket_path, "%s/sock", folder);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int sig = SIGHUP; sig <= SIGTERM; sig++)
                signal(sig, SIG_DFL);
        /* a service manager that waits for another program must not hear from this one */
        execve("/proc/self/exe",
                (char *[]){name, run, config, config_path, data, data_path, sock, socket_path, listen_at,
                        nowhere, NULL},
                (char *[]){path, NULL});
        _exit(127);
}

int hung_begin(struct hung *h, int32_t number, struct error *e)
{
        char folder[64];

        *h = (struct hung){.control = -1};
        snprintf(folder, sizeof folder, DRILL_FOLDER "%d", number);
        if (mkdir(folder, 0755) < 0 || chmod(folder, 0755) < 0) /* its parts run as users of their own */
                return error_set(e, -errno, "cannot make %s: %s", folder, strerror(errno));
        int r = start_engine(h, folder);
        if (!r)
                r = write_config(folder);
        if (r < 0)
                return error_set(e, r, "cannot stage a container engine in %s: %s", folder, strerror(-r));
        h->daemon = child_of_ours(SIGTERM);
        if (h->daemon == 0)
                exec_daemon(folder);
        return h->daemon < 0 ? error_set(e, -errno, "cannot start a second Sexton: %s", strerror(errno)) : 0;
}

void hung_tell(const struct hung *h, char what)
{
        ssize_t n = h->control < 0 ? 0 : write(h->control, &what, 1);

        (void)n; /* an engine that is gone hangs, too */
}

/* ---- ending ---- */

void hung_end(struct hung *h)
{
        if (h->daemon > 0)
                kill(h->daemon, SIGTERM);
        for (int k = 0; h->daemon > 0 && waitpid(h->daemon, NULL, WNOHANG) == 0; k++) {
                if (k == STOP_TRIES)
                        kill(h->daemon, SIGKILL); /* its children end by themselves then */
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        }
        if (h->engine > 0) {
                kill(h->engine, SIGKILL);
                waitpid(h->engine, NULL, 0);
        }
        if (h->control >= 0)
                close(TAKE_FD(h->control));
        h->daemon = h->engine = 0;
}
