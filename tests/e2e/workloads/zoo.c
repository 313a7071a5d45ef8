// The animals that the scenarios keep in containers. One static program, one mode each: zoo MODE [ARGUMENT…].
// PID 1 of every mode but "cycle" and "storm" is a good init: it reaps whatever comes to it, and stays.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock)
{
        struct timespec at;
        clock_gettime(clock, &at);
        return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void pause_for(double seconds)
{
        if (seconds <= 0)
                return;
        struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
                ;
}

static void burn(double seconds)
{
        double end = now(CLOCK_THREAD_CPUTIME_ID) + seconds;
        while (now(CLOCK_THREAD_CPUTIME_ID) < end)
                ;
}

static _Noreturn void reap_for_ever(void)
{
        for (;;)
                if (wait(NULL) < 0)
                        pause_for(0.2);
}

static double argument(char **arguments, int index, double otherwise)
{
        for (int i = 0; i <= index; i++)
                if (!arguments[i])
                        return otherwise;
        return atof(arguments[index]);
}

// leak COUNT PERIOD: a child every PERIOD seconds, none ever waited for.
static void leak(char **arguments)
{
        int count = (int)argument(arguments, 0, 10);
        for (int i = 0; i < count; i++) {
                if (fork() == 0) {
                        prctl(PR_SET_NAME, "forgotten");
                        burn(0.01);
                        _exit(3);
                }
                pause_for(argument(arguments, 1, 0.5));
        }
        for (;;)
                pause();
}

// late PERIOD: every child is waited for, but only PERIOD seconds after it died.
static void late(char **arguments)
{
        for (;;) {
                pid_t child = fork();
                if (child == 0)
                        _exit(0);
                pause_for(argument(arguments, 0, 0.5));
                waitpid(child, NULL, 0);
        }
}

static void *burn_for_ever(void *unused)
{
        for (;;)
                burn(1);
        return unused;
}

// leader: the main thread ends, another one burns on.
static void leader(char **arguments)
{
        (void)arguments;
        pthread_t thread;
        pthread_create(&thread, NULL, burn_for_ever, NULL);
        pthread_exit(NULL);
}

// burn: the same cost, honestly.
static void honest(char **arguments)
{
        (void)arguments;
        burn_for_ever(NULL);
}

// crowd COUNT DELAY: so many burners, after a while.
static void crowd(char **arguments)
{
        pause_for(argument(arguments, 1, 0));
        for (int i = 1; i < (int)argument(arguments, 0, 30); i++)
                if (fork() == 0)
                        break;
        burn_for_ever(NULL);
}

// oom MEGABYTES TIMES PERIOD: a worker that wants more than the limit, replaced when it dies.
static void oom(char **arguments)
{
        size_t bytes = (size_t)argument(arguments, 0, 128) << 20;
        for (int i = 0; i < (int)argument(arguments, 1, 3); i++) {
                if (fork() == 0) {
                        prctl(PR_SET_NAME, "hungry");
                        char *memory = malloc(bytes);
                        for (size_t at = 0; memory && at < bytes; at += 4096)
                                memory[at] = 1;
                        pause_for(1); // not killed: the limit isn't in force
                        _exit(0);
                }
                int status;
                wait(&status);
                printf("worker %d ended by signal %d\n", i, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
                pause_for(argument(arguments, 2, 1));
        }
        reap_for_ever();
}

// ballast MEGABYTES: holds so much memory and does nothing with it.
static void ballast(char **arguments)
{
        size_t bytes = (size_t)argument(arguments, 0, 64) << 20;
        char *memory = malloc(bytes);
        for (size_t at = 0; memory && at < bytes; at += 4096)
                memory[at] = 1;
        for (;;)
                pause();
}

// killed TIMES PERIOD: a worker killed by a person, with memory to spare.
static void killed(char **arguments)
{
        for (int i = 0; i < (int)argument(arguments, 0, 3); i++) {
                pid_t child = fork();
                if (child == 0)
                        for (;;)
                                pause();
                pause_for(0.1);
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
                pause_for(argument(arguments, 1, 1));
        }
        reap_for_ever();
}

// storm RATE SECONDS CPU: RATE processes a second, each with CPU seconds of work; then says what they cost by
// wait4.
static void storm(char **arguments)
{
        double rate = argument(arguments, 0, 333), seconds = argument(arguments, 1, 20),
               each = argument(arguments, 2, 0.001);
        double start = now(CLOCK_MONOTONIC);
        long count = 0;
        while (now(CLOCK_MONOTONIC) < start + seconds) {
                if (fork() == 0) {
                        burn(each);
                        _exit(0);
                }
                count++;
                // Wait in the order of death, never with more than a few alive.
                while (waitpid(-1, NULL, WNOHANG) > 0)
                        ;
                pause_for(start + (double)count / rate - now(CLOCK_MONOTONIC));
        }
        while (wait(NULL) > 0)
                ;
        struct rusage self, children;
        getrusage(RUSAGE_SELF, &self);
        getrusage(RUSAGE_CHILDREN, &children);
        const struct timeval *parts[] = {
                &self.ru_utime, &self.ru_stime, &children.ru_utime, &children.ru_stime};
        double total = 0;
        for (int i = 0; i < 4; i++)
                total += (double)parts[i]->tv_sec + (double)parts[i]->tv_usec * 1e-6;
        double theirs = (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
                        (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1e-6;
        printf("storm over: %ld processes, %.6f seconds of CPU, %.6f without their parent's, in %.3f "
               "seconds\n",
                count, total, theirs, now(CLOCK_MONOTONIC) - start);
        reap_for_ever();
}

// cycle SECONDS CODE: lives so long, then ends with this code.
static void cycle(char **arguments)
{
        pause_for(argument(arguments, 0, 11));
        _exit((int)argument(arguments, 1, 1));
}

static const char *const hostile_names[] = {
        "a\nINJECTED",      // another line
        "\x1b[31mPWNED",    // a colour
        "\x1b]0;PWNED\x07", // the terminal's title
        "\xc2\x9b"
        "31mPWNED",            // the same as one character, in UTF-8
        "\xff\xfe\x80\xc3(",   // no UTF-8
        "<script>x</scr",      // a browser's
        ") Z 1 1 (evil",       // a /proc parser's
        "",                    // nothing at all
        "fifteen-letters",     // all there is room for; with 128 KB of argument
        "\"}],\"x\":[{\"",     // JSON's
        "\xe2\x80\xaegnp.exe", // written from right to left
        "tab\tcr\rbs\b\x7f",   // a printer's
};
enum { HOSTILE = sizeof hostile_names / sizeof *hostile_names };

// hostile-child INDEX: wears the name for a while, alive, and dies with it.
static void hostile_child(char **arguments)
{
        prctl(PR_SET_NAME, hostile_names[(int)argument(arguments, 0, 0) % HOSTILE]);
        pause_for(1.5);
        _exit((int)argument(arguments, 0, 0));
}

static void hostile(char **arguments)
{
        (void)arguments;
        static char huge[127 << 10];
        memset(huge, 'A', sizeof huge - 1);
        for (int i = 0; i < HOSTILE; i++) {
                if (fork() != 0)
                        continue;
                char index[8];
                snprintf(index, sizeof index, "%d", i);
                char *argv[] = {(char *)hostile_names[i], "hostile-child", index,
                        i == 8 ? huge : "\x1b[31mPWNED\nINJECTED\xff", NULL};
                execv("/proc/self/exe", argv);
                _exit(99);
        }
        for (;;)
                pause();
}

static void idle(char **arguments)
{
        (void)arguments;
        reap_for_ever();
}

static const struct {
        const char *name;
        const char *
                child; // the animal runs in a child of this name, below an init that reaps; NULL: it is PID 1
        void (*run)(char **arguments);
} modes[] = {
        {"leak", "keeper", leak},
        {"late", "sloth", late},
        {"leader", "headless", leader},
        {"burn", "honest", honest},
        {"crowd", "mob", crowd},
        {"hostile", "h\n\x1b[31mPWNED", hostile},
        {"oom", NULL, oom},
        {"ballast", NULL, ballast},
        {"killed", NULL, killed},
        {"storm", NULL, storm},
        {"cycle", NULL, cycle},
        {"idle", NULL, idle},
        {"hostile-child", NULL, hostile_child},
};

int main(int count, char **arguments)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        for (size_t i = 0; count > 1 && i < sizeof modes / sizeof *modes; i++) {
                if (strcmp(arguments[1], modes[i].name) != 0)
                        continue;
                if (modes[i].child && fork() != 0)
                        reap_for_ever();
                if (modes[i].child)
                        prctl(PR_SET_NAME, modes[i].child);
                modes[i].run(arguments + 2);
                return 0;
        }
        fputs("zoo: unknown mode\n", stderr);
        return 2;
}
