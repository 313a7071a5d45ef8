/* Staging a drill: see stage.h. */
#include "drill/stage.h"

#include "base/clock.h"
#include "drill/hung.h"
#include "drill/trouble.h"
#include "model/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { END_TRIES = 3000, PAUSE_MS = 10 };

/* ---- the process that stages it ---- */

struct staging {
        const struct stage_want *want;
        int32_t number;
        int link, signals;
        bool has_group;
        struct drill_group group;
        struct trouble trouble;
        struct hung hung;
        uint64_t end_ns;
};

/* Out of the terminal's and the session's reach, with nothing of the watcher's open: it must outlive it. */
static int detach(struct staging *s)
{
        cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        sigset_t all;

        setsid();
        for (int fd = 0; fd < 3 && null >= 0; fd++)
                dup2(null, fd);
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        for (int sig = SIGHUP; sig <= SIGTERM; sig++)
                signal(sig, SIG_DFL); /* none of the watcher's handlers */
        sigemptyset(&all);
        sigaddset(&all, SIGCHLD);
        sigaddset(&all, SIGTERM);
        s->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
        /* who is left by its parent is waited for here, and by no PID 1 that may not wait */
        if (s->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return -errno;
        return 0;
}

static int begin(struct staging *s, struct error *e)
{
        const struct drill_kind *k = s->want->kind;
        int r = 0;

        if (k->id == DRILL_ENGINE_HUNG)
                return hung_begin(&s->hung, s->number, e);
        r = drill_group_make(&s->group, s->want->cgroup_root, s->number, e);
        if (r < 0)
                return r;
        s->has_group = true;
        s->trouble =
                (struct trouble){.kind = k, .group = &s->group, .number = s->number, .count = s->want->count};
        r = trouble_check(k, &s->group, e);
        return r < 0 ? r : trouble_begin(&s->trouble, e);
}

static void reap(struct staging *s)
{
        for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
                trouble_ended(&s->trouble, pid, clock_boot_ns());
                s->hung.daemon = s->hung.daemon == pid ? 0 : s->hung.daemon;
                s->hung.engine = s->hung.engine == pid ? 0 : s->hung.engine;
        }
}

/* True when it is to end: told to, left alone, or its time is over. */
static bool heard(struct staging *s, const struct pollfd *p)
{
        struct signalfd_siginfo info;
        char what;

        while (read(s->signals, &info, sizeof info) == sizeof info)
                if (info.ssi_signo == SIGTERM)
                        return true;
        if (p[0].revents) {
                if (recv(s->link, &what, 1, 0) <= 0)
                        return true;
                hung_tell(&s->hung, what);
        }
        return clock_boot_ns() >= s->end_ns;
}

static void go_on(struct staging *s)
{
        struct pollfd p[] = {{.fd = s->link, .events = POLLIN}, {.fd = s->signals, .events = POLLIN}};

        do {
                uint64_t now = clock_boot_ns(), next;

                reap(s);
                next = s->has_group ? trouble_go_on(&s->trouble, now) : 0;
                next = next ? MIN(next, s->end_ns) : s->end_ns;
                p[0].revents = 0;
                poll(p, ARRAY_SIZE(p), (int)(next > now ? (next - now) / NSEC_PER_MSEC + 1 : 0));
        } while (!heard(s, p));
}

static bool end(struct staging *s)
{
        bool gone = true;

        hung_end(&s->hung);
        if (s->has_group) {
                gone = drill_group_end(&s->group);
                drill_group_done(&s->group);
        }
        reap(s);
        return drill_folder_end(s->number) && gone;
}

/* What it says first: nothing but a code when the trouble is there. */
static void be_staging(const struct stage_want *want, int32_t number, int link)
{
        struct staging s = {.want = want,
                .number = number,
                .link = link,
                .signals = -1,
                .hung = {.control = -1},
                .end_ns = clock_boot_ns() + DRILL_HARD_END * NSEC_PER_SEC};
        struct error e = {0};
        int r = detach(&s);

        if (r < 0)
                error_set(&e, r, "cannot stage a drill: %s", strerror(-r));
        else
                r = begin(&s, &e);
        e.code = r;
        if (send(link, &e, sizeof e, MSG_NOSIGNAL) == sizeof e && r == 0)
                go_on(&s);
        _exit(end(&s) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- who watches ---- */

int stage_begin(struct stage *s, const struct stage_want *w, struct error *e)
{
        int link[2];
        struct error said;

        *s = (struct stage){.kind = w->kind, .cgroup_root = w->cgroup_root, .number = getpid(), .link = -1};
        snprintf(s->service, sizeof s->service, DRILL_GROUP "%d", s->number);
        snprintf(s->socket, sizeof s->socket, DRILL_FOLDER "%d/sock", s->number);
        prctl(PR_SET_NAME, DRILL_COMM);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0)
                return error_set(e, -errno, "cannot stage a drill: %s", strerror(errno));
        fflush(NULL);
        s->pid = fork();
        if (s->pid == 0) {
                close(link[0]);
                be_staging(w, s->number, link[1]);
        }
        close(link[1]);
        s->link = link[0];
        if (s->pid < 0)
                return error_set(e, -errno, "cannot stage a drill: %s", strerror(errno));
        ssize_t n;
        do
                n = recv(s->link, &said, sizeof said, 0);
        while (n < 0 && errno == EINTR);
        if (n == sizeof said && said.code == 0)
                return 0;
        stage_end(s);
        if (n != sizeof said)
                return error_set(e, -EIO, "the process that stages the drill has died");
        return error_set(e, said.code, "%s", said.text);
}

void stage_hang(const struct stage *s, bool hang)
{
        send(s->link, hang ? "h" : "r", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool stage_lives(const struct stage *s)
{
        char nothing;

        return s->link >= 0 && recv(s->link, &nothing, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

/* Somebody has ended the process that stages it: then we do what it would have done. */
static bool end_for_it(const struct stage *s)
{
        struct drill_group g;
        bool gone = true;

        if (s->kind->in_group && drill_group_open(&g, s->cgroup_root, s->number, NULL) == 0) {
                gone = drill_group_end(&g);
                drill_group_done(&g);
        }
        return drill_folder_end(s->number) && gone;
}

bool stage_end(struct stage *s)
{
        int status = -1;

        if (s->pid <= 0)
                return true;
        if (s->link >= 0)
                close(TAKE_FD(s->link));
        for (int k = 0; waitpid(s->pid, &status, WNOHANG) == 0; k++) {
                if (k == END_TRIES)
                        kill(s->pid, SIGKILL);
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        }
        s->pid = 0;
        return (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) || end_for_it(s);
}
