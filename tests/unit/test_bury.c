/* Burying for real: children of the test hold dead children of their own, in sleeps, in polls, in loops with
 * every register in use, and must not notice; those that must not be held are not.
 */
#include "tap.h"

#include "act/bury.h"
#include "act/bury_machine.h"
#include "base/clock.h"
#include "base/file.h"
#include "source/proc/process.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { DEAD = 12, PATIENCE_MS = 20000 };

/* Shared with the holder. */
struct stage {
        volatile bool ready, enough;
        volatile int failed; /* line of what the holder found wrong */
        volatile long turns;
        volatile int32_t dead[DEAD];
};

struct lab {
        struct stage *stage;
        int proc_fd;
        pid_t holder;
        struct bury_request request;
        struct bury_result result;
};

#define holder_check(cond)                                                                                   \
        do {                                                                                                 \
                if (!(cond) && !s->failed)                                                                   \
                        s->failed = __LINE__;                                                                \
        } while (0)

static void pause_ms(long ms)
{
        struct timespec t = {ms / 1000, ms % 1000 * 1000000};

        while (nanosleep(&t, &t) < 0)
                ;
}

static bool becomes(const volatile bool *what)
{
        for (int k = 0; k < PATIENCE_MS && !*what; k++)
                pause_ms(1);
        return *what;
}

static char state_of(const struct lab *l, int32_t pid)
{
        struct proc_stat st;

        return proc_read_stat(l->proc_fd, pid, &st) < 0 ? '-' : st.state;
}

static bool is_state(const struct lab *l, int32_t pid, char state)
{
        for (int k = 0; k < PATIENCE_MS && state_of(l, pid) != state; k++)
                pause_ms(1);
        return state_of(l, pid) == state;
}

static void leave_dead(struct stage *s)
{
        for (int k = 0; k < DEAD; k++) {
                pid_t pid = fork();
                if (!pid)
                        _exit(k);
                s->dead[k] = pid;
        }
}

static uint64_t start_of(const struct lab *l, int32_t pid)
{
        struct proc_stat st;

        return proc_read_stat(l->proc_fd, pid, &st) < 0 ? 0 : proc_ticks_to_ns(st.start_ticks);
}

/* A holder that runs `life` with its dead around it, and a request for all of them. */
static bool begin(struct lab *l, void (*life)(struct stage *s))
{
        *l = (struct lab){.proc_fd = file_open_root("/proc")};
        l->stage = mmap(NULL, sizeof *l->stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (l->proc_fd < 0 || l->stage == MAP_FAILED)
                return false;
        fflush(stdout);
        l->holder = fork();
        if (!l->holder) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                leave_dead(l->stage);
                life(l->stage);
                _exit(0);
        }
        if (!becomes(&l->stage->ready))
                return false;
        l->request.number = 7;
        l->request.forced = true;
        l->request.holder_pid = l->holder;
        l->request.holder_start_ns = start_of(l, l->holder);
        for (uint32_t k = 0; k < DEAD; k++) {
                if (!is_state(l, l->stage->dead[k], 'Z'))
                        return false;
                l->request.dead[l->request.count++] = (struct bury_dead){.pid = l->stage->dead[k],
                        .birth = BURY_BIRTH_OWN,
                        .start_ns = start_of(l, l->stage->dead[k])};
        }
        return true;
}

static uint32_t buried(const struct lab *l)
{
        uint32_t n = 0;

        for (uint32_t k = 0; k < DEAD; k++)
                n += state_of(l, l->stage->dead[k]) == '-';
        return n;
}

/* Ends the holder by its own will if it has one left, and looks at how that was. */
static void end(struct lab *l, bool by_force)
{
        int status = 0;

        l->stage->enough = true;
        if (by_force)
                kill(l->holder, SIGKILL);
        check_int(waitpid(l->holder, &status, 0), l->holder);
        if (!by_force)
                check_int(status, 0);
        check_int(l->stage->failed, 0);
        munmap(l->stage, sizeof *l->stage);
        close(l->proc_fd);
}

static void bury(struct lab *l)
{
        bury_run(l->proc_fd, &l->request, &l->result);
        if (l->result.end)
                printf("# %s\n", l->result.text);
}

static void check_all_buried(struct lab *l)
{
        bury(l);
        check_int(l->result.end, BURY_DONE);
        check_int(l->result.number, 7);
        check_int(l->result.buried, DEAD);
        check_int(l->result.skipped, 0);
        check_int(l->result.refused, 0);
        check_int(l->result.left, 0);
        check(l->result.stops >= 1);
        check(l->result.waited_faults > 0);
        check_int(buried(l), DEAD);
}

static void check_nothing_done(struct lab *l, enum bury_end end)
{
        bury(l);
        check_int(l->result.end, end);
        check_int(l->result.buried, 0);
        check_int(buried(l), 0);
}

#define SKIP_ELSEWHERE                                                                                       \
        if (!bury_machine_patterns())                                                                        \
        skip("burying is known for x86-64 only")

/* ---- lives that go on ---- */

static void sleeps(struct stage *s)
{
        struct timespec t = {.tv_nsec = 700000000};
        uint64_t began = clock_boot_ns();

        s->ready = true;
        holder_check(nanosleep(&t, NULL) == 0);
        uint64_t took = clock_boot_ns() - began;
        holder_check(took >= 700 * NSEC_PER_MSEC);
        /* begun anew it would last that long again from the middle on */
        holder_check(s->enough || took < 5 * NSEC_PER_SEC);
}

static void a_sleep_goes_on(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, sleeps));
        check_all_buried(&l);
        end(&l, false);
}

static void polls(struct stage *s)
{
        uint64_t began = clock_boot_ns();

        s->ready = true;
        holder_check(poll(NULL, 0, 700) == 0);
        holder_check(clock_boot_ns() - began >= 700 * NSEC_PER_MSEC);
}

static void a_poll_goes_on(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, polls));
        check_all_buried(&l);
        end(&l, false);
}

static int told[2];

static void waits_for_events(struct stage *s)
{
        int ep = epoll_create1(0);
        struct epoll_event e = {.events = EPOLLIN};
        char byte;

        epoll_ctl(ep, EPOLL_CTL_ADD, told[0], &e);
        s->ready = true;
        holder_check(epoll_wait(ep, &e, 1, -1) == 1);
        holder_check(read(told[0], &byte, 1) == 1);
}

static void an_endless_epoll_is_not_interrupted(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check_int(pipe(told), 0);
        check(begin(&l, waits_for_events));
        check(is_state(&l, l.holder, 'S'));
        check_all_buried(&l);
        check_int(write(told[1], "x", 1), 1);
        end(&l, false);
        close(told[0]);
        close(told[1]);
}

static void reads(struct stage *s)
{
        char byte = 0;

        s->ready = true;
        holder_check(read(told[0], &byte, 1) == 1 && byte == 'x');
}

static void a_read_goes_on(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check_int(pipe(told), 0);
        check(begin(&l, reads));
        check(is_state(&l, l.holder, 'S'));
        check_all_buried(&l);
        check_int(write(told[1], "x", 1), 1);
        end(&l, false);
        close(told[0]);
        close(told[1]);
}

static volatile int signals_seen;

static void on_signal(int sig)
{
        signals_seen++;
}

static void suspends(struct stage *s)
{
        sigset_t usr, none;

        signal(SIGUSR1, on_signal);
        sigemptyset(&usr);
        sigaddset(&usr, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr, &none);
        s->ready = true;
        holder_check(sigsuspend(&none) == -1 && errno == EINTR);
        holder_check(signals_seen == 1);
        sigprocmask(SIG_BLOCK, NULL, &none);
        holder_check(sigismember(&none, SIGUSR1)); /* the mask is again what it was */
}

static void a_sigsuspend_waits_on_for_its_signal(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, suspends));
        check(is_state(&l, l.holder, 'S'));
        check_all_buried(&l);
        check(is_state(&l, l.holder, 'S'));
        kill(l.holder, SIGUSR1);
        end(&l, false);
}

/* Signals all the time: each arrives once, and none gets lost. */
static void is_signalled(struct stage *s)
{
        const struct itimerval often = {{0, 500}, {0, 500}};

        signal(SIGALRM, on_signal);
        setitimer(ITIMER_REAL, &often, NULL);
        s->ready = true;
        while (!s->enough) {
                int before = signals_seen;
                pause();
                holder_check(signals_seen > before);
                s->turns++;
        }
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static void signals_come_through(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, is_signalled));
        for (int k = 0; k < 50 && buried(&l) < DEAD; k++) {
                bury(&l);
                check(l.result.end == BURY_DONE || l.result.end == BURY_SIGNALLED);
                l.request.waited_faults += l.result.waited_faults;
        }
        check_int(buried(&l), DEAD);
        long turns = l.stage->turns;
        for (int k = 0; k < PATIENCE_MS && l.stage->turns == turns; k++)
                pause_ms(1);
        check(l.stage->turns > turns);
        end(&l, false);
}

/* ---- whom not to hold ---- */

static void idles(struct stage *s)
{
        s->ready = true;
        while (!s->enough)
                pause_ms(5);
}

static void a_restarted_sleep_is_left_alone(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, sleeps));
        check(is_state(&l, l.holder, 'S'));
        uint32_t count = l.request.count;
        l.request.count = 1;
        bury(&l);
        check_int(l.result.end, BURY_DONE);
        check_int(l.result.buried, 1);
        l.request.waited_faults = l.result.waited_faults;
        /* now it is in restart_syscall */
        l.request.count = count;
        check(is_state(&l, l.holder, 'S'));
        bury(&l);
        check_int(l.result.end, BURY_RESTARTING);
        check_int(buried(&l), 1);
        l.request.restarting_too = true;
        bury(&l);
        check_int(l.result.end, BURY_DONE);
        check_int(buried(&l), DEAD);
        end(&l, false);
}

static void a_stopped_holder_stays_stopped(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, idles));
        kill(l.holder, SIGSTOP);
        check(is_state(&l, l.holder, 'T'));
        check_nothing_done(&l, BURY_STOPPED);
        check_int(state_of(&l, l.holder), 'T');
        kill(l.holder, SIGCONT);
        end(&l, false);
}

static void a_traced_holder_is_left_to_its_tracer(void)
{
        struct lab l;
        int status, to_tracer[2];
        char byte;

        SKIP_ELSEWHERE;
        check(begin(&l, idles));
        check_int(pipe(to_tracer), 0);
        fflush(stdout);
        pid_t tracer = fork();
        if (!tracer) {
                close(to_tracer[1]);
                l.stage->turns = ptrace(PTRACE_SEIZE, l.holder, NULL, NULL) < 0 ? -1 : 1;
                (void)!read(to_tracer[0], &byte, 1);
                _exit(0);
        }
        for (int k = 0; k < PATIENCE_MS && !l.stage->turns; k++)
                pause_ms(1);
        if (l.stage->turns == 1)
                check_nothing_done(&l, BURY_TRACED);
        close(to_tracer[0]);
        close(to_tracer[1]);
        check_int(waitpid(tracer, &status, 0), tracer);
        end(&l, false);
}

static void filters(struct stage *s, uint32_t answer)
{
        struct sock_filter program[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, answer),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog all = {ARRAY_SIZE(program), program};

        holder_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        holder_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0);
        idles(s);
}

static void filters_to_death(struct stage *s)
{
        filters(s, SECCOMP_RET_KILL_PROCESS);
}

static void filters_nothing(struct stage *s)
{
        filters(s, SECCOMP_RET_ALLOW);
}

static void a_filter_that_kills_is_not_tried(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, filters_to_death));
        check_nothing_done(&l, BURY_SECCOMP);
        end(&l, false);
}

static void a_filter_that_allows_is_no_hindrance(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        if (geteuid())
                skip("only root may read seccomp filters");
        check(begin(&l, filters_nothing));
        check_all_buried(&l);
        end(&l, false);
}

static void handles(struct stage *s)
{
        signal(SIGCHLD, on_signal);
        idles(s);
}

static void what_the_holder_may_want_is_left(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, handles));
        check_nothing_done(&l, BURY_DONE);
        check_int(l.result.refused, DEAD);
        check_int(l.result.verdict, BURY_MAY_NOT_WANTED);
        check_int(l.result.stops, 0);
        l.request.forced = false;
        check_nothing_done(&l, BURY_DONE);
        check_int(l.result.verdict, BURY_MAY_NOT_OWN);
        /* adopted by one that asked for orphans and handles SIGCHLD */
        for (uint32_t k = 0; k < DEAD; k++)
                l.request.dead[k].birth = BURY_BIRTH_ADOPTED;
        check_nothing_done(&l, BURY_DONE);
        check_int(l.result.verdict, BURY_MAY_NOT_SUBREAPER);
        l.request.min_age_ns = UINT64_MAX;
        check_nothing_done(&l, BURY_DONE);
        check_int(l.result.verdict, BURY_MAY_NOT_YET);
        end(&l, false);
}

static void has_a_pidfd(struct stage *s)
{
        int fd = (int)syscall(SYS_pidfd_open, s->dead[3], 0);

        holder_check(fd >= 0);
        idles(s);
}

static void one_that_the_holder_has_a_pidfd_of_is_left(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, has_a_pidfd));
        bury(&l);
        check_int(l.result.end, BURY_DONE);
        check_int(l.result.buried, DEAD - 1);
        check_int(l.result.refused, 1);
        check_int(l.result.verdict, BURY_MAY_NOT_PIDFD);
        check_int(state_of(&l, l.stage->dead[3]), 'Z');
        end(&l, false);
}

static void others_are_not_touched(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        check(begin(&l, idles));
        struct bury_request q = l.request;
        l.request.holder_start_ns += NSEC_PER_SEC; /* somebody else with the same pid */
        check_nothing_done(&l, BURY_GONE);
        l.request = q;
        l.request.holder_pid = 1;
        check_nothing_done(&l, BURY_UNTOUCHED);
        l.request.holder_pid = getpid();
        check_nothing_done(&l, BURY_UNTOUCHED);
        l.request.holder_pid = -1;
        check_nothing_done(&l, BURY_INVALID);
        l.request = q;
        l.request.count = BURY_DEAD + 1;
        check_nothing_done(&l, BURY_INVALID);
        l.request = q;
        l.request.dead[0].start_ns += NSEC_PER_SEC; /* another process of that pid */
        l.request.dead[1].pid = getpid();
        l.request.dead[2].pid = l.holder;
        bury(&l);
        check_int(l.result.end, BURY_DONE);
        check_int(l.result.buried, DEAD - 3);
        check_int(l.result.skipped, 3);
        end(&l, false);
}

static void all(void)
{
        test(a_sleep_goes_on);
        test(a_poll_goes_on);
        test(an_endless_epoll_is_not_interrupted);
        test(a_read_goes_on);
        test(a_sigsuspend_waits_on_for_its_signal);
        test(signals_come_through);
        test(a_restarted_sleep_is_left_alone);
        test(a_stopped_holder_stays_stopped);
        test(a_traced_holder_is_left_to_its_tracer);
        test(a_filter_that_kills_is_not_tried);
        test(a_filter_that_allows_is_no_hindrance);
        test(what_the_holder_may_want_is_left);
        test(one_that_the_holder_has_a_pidfd_of_is_left);
        test(others_are_not_touched);
}

int main(void)
{
        return tap_main(all);
}
