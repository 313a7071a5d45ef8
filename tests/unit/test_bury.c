/* Burying for real: children of the test hold dead children of their own, in sleeps, in polls, in loops with
 * every register in use, and must not notice; those that must not be held are not.
 */
#include "tap.h"

#include "bury_lab.h"

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
        end(&l);
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
        end(&l);
}

static int told[2];

/* A holder that sleeps until it is told. */
static void begin_to_be_told(struct lab *l, void (*life)(struct stage *s))
{
        check_int(pipe(told), 0);
        check(begin(l, life));
        check(is_state(l, l->holder, 'S'));
}

static void tell_and_end(struct lab *l)
{
        check_int(write(told[1], "x", 1), 1);
        end(l);
        close(told[0]);
        close(told[1]);
}

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
        begin_to_be_told(&l, waits_for_events);
        check_all_buried(&l);
        tell_and_end(&l);
}

/* What is gone by the time of the stop: the holder goes on without a call. */
static void nor_for_nothing(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        begin_to_be_told(&l, waits_for_events);
        for (uint32_t k = 0; k < DEAD; k++)
                l.request.dead[k].start_ns += NSEC_PER_SEC; /* others */
        bury_run(l.proc_fd, NULL, &l.request, &l.result);
        check_int(l.result.end, BURY_DONE);
        check_int(l.result.skipped, DEAD);
        check(l.result.stops >= 1);
        check(is_state(&l, l.holder, 'S'));
        tell_and_end(&l);
}

/* To whom signals are sent that it ignores sees none of them, unless it is traced. */
static void nor_by_the_death_of_children(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        begin_to_be_told(&l, waits_for_events);
        pid_t herald = fork();
        if (!herald) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (kill(l.holder, SIGCHLD) == 0)
                        sched_yield();
                _exit(0);
        }
        for (int k = 0; k < 200; k++) {
                bury_run(l.proc_fd, NULL, &l.request, &l.result);
                l.request.waited_faults += l.result.waited_faults; /* ours, not the holder's own */
        }
        kill(herald, SIGKILL);
        check_int(waitpid(herald, NULL, 0), herald);
        check_int(buried(&l) + l.result.left, DEAD);
        check(is_state(&l, l.holder, 'S'));
        tell_and_end(&l);
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
        begin_to_be_told(&l, reads);
        check_all_buried(&l);
        tell_and_end(&l);
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
        end(&l);
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
        end(&l);
}

/* ---- while it is held ---- */

static void idles(struct stage *s)
{
        s->ready = true;
        while (!s->enough)
                pause_ms(5);
}

/* Sends a signal to the holder when so many of its dead are buried, from a process of its own. */
static pid_t signal_later(const struct lab *l, int sig, uint32_t attempt)
{
        fflush(stdout);
        pid_t pid = fork();
        if (pid)
                return pid;
        while (!l->stage->enough && state_of(l, l->stage->dead[attempt % (DEAD - 1)]) != '-')
                ;
        kill(l->holder, sig);
        _exit(0);
}

static void end_of(pid_t pid)
{
        int status;

        check_int(waitpid(pid, &status, 0), pid);
        check_int(status, 0);
}

static void one_that_is_stopped_meanwhile_is_stopped_then(void)
{
        SKIP_ELSEWHERE;
        for (uint32_t k = 0; k < 30 && tap_ok_now; k++) {
                struct lab l;
                check(begin(&l, idles));
                pid_t pid = signal_later(&l, SIGSTOP, k);
                bury_run(l.proc_fd, NULL, &l.request, &l.result);
                check(l.result.end == BURY_DONE || l.result.end == BURY_STOPPED);
                check(l.result.end == BURY_DONE || l.result.buried + l.result.left == DEAD);
                end_of(pid);
                check(is_state(&l, l.holder, 'T'));
                check_int(buried(&l), l.result.buried);
                kill(l.holder, SIGCONT);
                end(&l);
        }
}

static void one_that_is_killed_meanwhile_is_gone(void)
{
        SKIP_ELSEWHERE;
        for (uint32_t k = 0; k < 30 && tap_ok_now; k++) {
                struct lab l;
                int status = 0;
                check(begin(&l, idles));
                pid_t pid = signal_later(&l, SIGKILL, k);
                bury_run(l.proc_fd, NULL, &l.request, &l.result);
                if (l.result.end != BURY_DONE)
                        check_int(l.result.end, BURY_GONE);
                end_of(pid);
                /* a tracer that is the parent, too, has waited for it when it heard of its end */
                check(waitpid(l.holder, &status, 0) == l.holder ? status == SIGKILL : errno == ECHILD);
                munmap(l.stage, sizeof *l.stage);
                close(l.proc_fd);
        }
}

/* ---- whom not to hold ---- */

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
        end(&l);
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
        end(&l);
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
        end(&l);
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
        end(&l);
}

static void a_filter_that_allows_is_no_hindrance(void)
{
        struct lab l;

        SKIP_ELSEWHERE;
        if (geteuid())
                skip("only root may read seccomp filters");
        check(begin(&l, filters_nothing));
        check_all_buried(&l);
        end(&l);
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
        end(&l);
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
        end(&l);
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
        end(&l);
}

static void all(void)
{
        test(a_sleep_goes_on);
        test(a_poll_goes_on);
        test(an_endless_epoll_is_not_interrupted);
        test(nor_for_nothing);
        test(nor_by_the_death_of_children);
        test(a_read_goes_on);
        test(a_sigsuspend_waits_on_for_its_signal);
        test(signals_come_through);
        test(one_that_is_stopped_meanwhile_is_stopped_then);
        test(one_that_is_killed_meanwhile_is_gone);
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
