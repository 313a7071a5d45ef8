/* nasty STANDING: deaths of every awkward kind, over and over until the input ends, so that about STANDING of
 * them are unwaited at any time: waited late, orphaned, with SIGCHLD ignored, held by a tracer that is not
 * the parent, main thread first, exec from a thread, killed with threads, pids used up quickly.
 */
#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

enum { STEPS_PER_SEC = 100 };

static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
        seed = seed * 1664525u + 1013904223u;
        return (seed >> 8) % below;
}

static void nap(uint32_t us)
{
        usleep(us);
}

static pid_t fork_or_zero_on_failure(void)
{
        pid_t pid = fork();

        /* A child must not repeat its parent's choices. */
        if (pid == 0)
                seed ^= (uint32_t)getpid() * 2654435761u;
        return pid < 0 ? 0 : pid ? pid : -1;
}
#define in_child() (fork_or_zero_on_failure() == -1)

static void brood(int children)
{
        for (int i = 0; i < children; i++)
                if (in_child())
                        _exit(1);
}

static void waited_late(void)
{
        if (pick(2))
                nap(pick(50000));
        _exit((int)pick(5));
}

/* Its children become orphans: zombies of nobody until they are adopted. */
static void leaves_orphans(void)
{
        brood(5);
        nap(pick(1000000));
        _exit(0);
}

static void ignores_children(void)
{
        signal(SIGCHLD, SIG_IGN);
        brood(5);
        nap(50000);
        _exit(0);
}

static void *lingers(void *us)
{
        nap(*(uint32_t *)us);
        _exit(3);
}

static void leader_first(void)
{
        static uint32_t us;
        pthread_t thread;

        us = 20000 + pick(1000000);
        if (!pthread_create(&thread, NULL, lingers, &us))
                pthread_exit(NULL);
        _exit(1);
}

static void *execs(void *unused)
{
        char *const argv[] = {(char[]){"nasty"}, NULL}, *const envp[] = {NULL};

        execve("/proc/self/exe", argv, envp);
        _exit(127);
}

/* The thread takes over the leader's pid. */
static void thread_exec(void)
{
        pthread_t thread;

        if (!pthread_create(&thread, NULL, execs, NULL))
                for (;;)
                        pause();
        _exit(1);
}

static void *sleeps(void *unused)
{
        for (;;)
                pause();
        return NULL;
}

static void killed_with_threads(void)
{
        pthread_t thread;

        for (int i = 0; i < 3; i++)
                pthread_create(&thread, NULL, sleeps, NULL);
        nap(pick(20000));
        raise(SIGKILL);
}

/* The traced one dies while its tracer, a sibling, doesn't wait: its parent cannot have it yet. */
static void held_by_tracer(void)
{
        pid_t victim = fork();

        if (victim == 0) {
                nap(100000);
                _exit(2);
        }
        if (in_child()) {
                ptrace(PTRACE_SEIZE, victim, NULL, NULL);
                nap(200000 + pick(500000));
                _exit(0);
        }
        nap(1000000);
        while (wait(NULL) > 0)
                ;
        _exit(0);
}

static void churn(void)
{
        for (int i = 0; i < 100; i++) {
                pid_t pid = vfork();
                if (pid == 0)
                        _exit(0);
                if (pid > 0)
                        waitpid(pid, NULL, 0);
        }
        _exit(0);
}

static void (*const kinds[])(void) = {
        waited_late,
        waited_late,
        waited_late,
        waited_late,
        leaves_orphans,
        ignores_children,
        leader_first,
        thread_exec,
        killed_with_threads,
        held_by_tracer,
        churn,
};

static int input_ended(void)
{
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

        return poll(&p, 1, 0) > 0;
}

int main(int argc, char **argv)
{
        long standing = argc > 1 ? number(argv[1]) : 0, unwaited = 0;

        if (argc == 1) { /* after the exec from a thread */
                nap(30000);
                return EXIT_SUCCESS;
        }
        /* Orphans come back here, not to the host's PID 1. */
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        printf("{\"kinds\": %zu}\n", sizeof(kinds) / sizeof(kinds[0]));
        fflush(stdout);
        while (!input_ended()) {
                pid_t pid = fork_or_zero_on_failure();
                if (pid == -1) {
                        close(STDIN_FILENO);
                        kinds[pick(sizeof(kinds) / sizeof(kinds[0]))]();
                }
                unwaited++;
                /* Orphans were adopted without being counted, so this stays around the target, not on it. */
                for (int tries = 3; tries && unwaited > standing; tries--)
                        if (waitpid(-1, NULL, WNOHANG) > 0)
                                unwaited--;
                nap(1000000 / STEPS_PER_SEC / 2 + pick(1000000 / STEPS_PER_SEC));
        }
        signal(SIGALRM, SIG_DFL);
        alarm(10);
        while (wait(NULL) > 0)
                ;
        return EXIT_SUCCESS;
}
