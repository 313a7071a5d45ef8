/* Running a program: see program.h. */
#include "courier/program.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ARGUMENTS = 32, EXIT_NO_EXEC = 127 };

static void become(struct delivery *d, int input, int output)
{
        char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             locale[] = "LANG=C.UTF-8";
        char *argv[ARGUMENTS + 1], *env[] = {path, locale, NULL}, *rest = strdup(d->config->command);
        sigset_t none;
        size_t n = 0;

        while (rest && n < ARGUMENTS)
                argv[n++] = strsep(&rest, "\n");
        argv[n] = NULL;
        setsid(); /* a group of its own, so that all it starts can be ended */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
                _exit(EXIT_NO_EXEC);
        syscall(SYS_close_range, 3, ~0u, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        if (n)
                execve(argv[0], argv, env);
        int error = errno;
        dprintf(2, "%s", strerror(error));
        _exit(EXIT_NO_EXEC);
}

static void close_fd(struct delivery *d, struct loop_fd *f)
{
        if (f->fd < 0)
                return;
        loop_remove(d->loop, f);
        close(TAKE_FD(f->fd));
}

void program_end(struct delivery *d)
{
        if (!d->pid)
                return;
        loop_disarm(d->loop, &d->timeout);
        close_fd(d, &d->output);
        close_fd(d, &d->end);
        kill(-d->pid, SIGKILL); /* while it is not waited for, nobody else has this number */
        kill(d->pid, SIGKILL);
        waitpid(d->pid, NULL, 0);
        d->pid = 0;
}

static void read_output(struct delivery *d)
{
        char buf[4096];
        ssize_t n;

        while ((n = read(d->output.fd, buf, sizeof buf)) > 0)
                delivery_answer(d, buf, (size_t)n);
        if (n == 0)
                close_fd(d, &d->output);
}

static void on_output(void *ctx, uint32_t events)
{
        read_output(ctx);
}

static void on_end(void *ctx, uint32_t events)
{
        struct delivery *d = ctx;
        char text[JOB_TEXT];
        siginfo_t info = {0};

        if (waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
                return;
        if (d->output.fd >= 0)
                read_output(d);
        program_end(d);
        d->answer[strcspn(d->answer, "\n")] = '\0';
        const char *colon = d->answer[0] ? ": " : "";
        if (info.si_code != CLD_EXITED)
                snprintf(text, sizeof text, "ended by signal %d%s%.120s", info.si_status, colon, d->answer);
        else if (info.si_status == EXIT_NO_EXEC)
                snprintf(text, sizeof text, "cannot be executed%s%.120s", colon, d->answer);
        else
                snprintf(text, sizeof text, "exit code %d%s%.120s", info.si_status, colon, d->answer);
        bool good = info.si_code == CLD_EXITED && info.si_status == 0;
        d->done(d, good ? OUTCOME_DELIVERED : OUTCOME_RETRY, info.si_status, 0, text);
}

static void on_timeout(void *ctx, uint64_t now_ns)
{
        struct delivery *d = ctx;
        char text[JOB_TEXT];

        snprintf(text, sizeof text, "not done after %.3g s: killed", d->config->timeout);
        program_end(d);
        d->done(d, OUTCOME_RETRY, 0, 0, text);
}

/* A file in memory: it takes any size at once, and a program that doesn't read it hinders nobody. */
static int make_input(const struct out *body)
{
        cleanup_close int fd = memfd_create("sexton-incident", MFD_CLOEXEC);

        if (fd < 0 || write(fd, body->buf, body->len) != (ssize_t)body->len || lseek(fd, 0, SEEK_SET) < 0)
                return errno ? -errno : -EIO;
        return TAKE_FD(fd);
}

int program_start(struct loop *loop, struct delivery *d, struct error *e)
{
        cleanup_close int input = make_input(&d->request.body.out), in = -1;
        int both[2];

        if (input < 0)
                return error_set(e, input, "a file in memory: %s", strerror(-input));
        if (pipe2(both, O_CLOEXEC | O_NONBLOCK) < 0)
                return error_set(e, -errno, "pipe: %s", strerror(errno));
        in = both[1];
        fcntl(in, F_SETFL, 0); /* its writer is used to waiting */
        pid_t pid = fork();
        if (pid == 0)
                become(d, input, in);
        d->loop = loop;
        d->output = (struct loop_fd){.fd = both[0], .ready = on_output, .ctx = d};
        d->end = (struct loop_fd){.fd = -1, .ready = on_end, .ctx = d};
        if (pid < 0) {
                close(both[0]);
                return error_set(e, -errno, "fork: %s", strerror(errno));
        }
        d->pid = pid;
        d->end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (d->end.fd < 0 || loop_add(loop, &d->end, EPOLLIN) < 0 ||
                loop_add(loop, &d->output, EPOLLIN) < 0) {
                program_end(d);
                return error_set(e, -errno, "watching the program: %s", strerror(errno));
        }
        d->timeout = (struct loop_timer){.fire = on_timeout, .ctx = d};
        loop_arm(loop, &d->timeout, clock_boot_ns() + (uint64_t)(d->config->timeout * (double)NSEC_PER_SEC));
        return 0;
}
