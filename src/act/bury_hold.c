/* Holding a main thread by ptrace. It is seized without PTRACE_O_EXITKILL: if we die, the kernel lets it go
 * on, by itself or through the frame. With PTRACE_O_TRACESYSGOOD, because the plain stops at a system call
 * would leave a SIGTRAP to it in that case.
 */
#include "act/bury_hold.h"

#include "act/seccomp_filter.h"
#include "base/clock.h"
#include "source/proc/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80, FILTERS = 32, FILTER_LEN = BPF_MAXINSNS };

/* The call doesn't block: these are for a thread that waits for a processor (with 200 busy tasks beside it
 * half a second was not enough), or is frozen in the middle. */
#define STOP_WAIT_NS   (10 * NSEC_PER_SEC)
#define CALL_WAIT_NS   (10 * NSEC_PER_SEC)
#define START_SLACK_NS (30 * NSEC_PER_MSEC)

/* ---- stops ---- */

/* The next report about the thread into h->stop. SIGCHLD is blocked and wakes us. 0, -ETIMEDOUT, or -ESRCH:
 * gone. */
static int await_stop(struct bury_hold *h, uint64_t patience_ns)
{
        uint64_t end_ns = clock_boot_ns() + patience_ns;
        sigset_t child;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        for (;;) {
                pid_t got = waitpid(h->pid, &h->stop, __WALL | WNOHANG);
                h->runs = got != h->pid;
                h->gone = got == h->pid ? !WIFSTOPPED(h->stop) : got < 0 && errno != EINTR;
                if (got == h->pid || h->gone)
                        return h->gone ? -ESRCH : 0;
                uint64_t now_ns = clock_boot_ns();
                if (now_ns >= end_ns)
                        return -ETIMEDOUT;
                uint64_t left_ns = end_ns - now_ns;
                struct timespec left = {(time_t)(left_ns / NSEC_PER_SEC), (long)(left_ns % NSEC_PER_SEC)};
                sigtimedwait(&child, NULL, &left);
        }
}

static int event_of(const struct bury_hold *h)
{
        return h->stop >> 16;
}

static bool is_our_interrupt(const struct bury_hold *h)
{
        return event_of(h) == PTRACE_EVENT_STOP && WSTOPSIG(h->stop) == SIGTRAP;
}

static bool is_syscall_stop(const struct bury_hold *h)
{
        return !event_of(h) && WSTOPSIG(h->stop) == SYSCALL_STOP;
}

/* The signal that it was about to get, and must get: 0 when it stopped for another reason. */
static int signal_of(const struct bury_hold *h)
{
        return event_of(h) || is_syscall_stop(h) ? 0 : WSTOPSIG(h->stop);
}

/* Somebody who stands still and yet isn't there has been killed. Until we have heard of its end nobody else
 * does. */
static int go_on(struct bury_hold *h, enum __ptrace_request how, int sig)
{
        h->runs = true;
        if (ptrace(how, h->pid, NULL, (void *)(intptr_t)sig) == 0)
                return 0;
        int r = -errno;
        if (r == -ESRCH && !h->gone)
                await_stop(h, CALL_WAIT_NS);
        return r;
}

/* ---- may it be held ---- */

static enum bury_end why_not_seized(int proc_fd, int32_t pid, int error)
{
        struct proc_status status;

        if (error == ESRCH || proc_read_status(proc_fd, pid, &status) < 0)
                return BURY_GONE;
        return status.tracer_pid ? BURY_TRACED : BURY_FORBIDDEN;
}

static bool is_born_at(int proc_fd, int32_t pid, uint64_t start_ns)
{
        struct proc_stat st;

        if (proc_read_stat(proc_fd, pid, &st) < 0)
                return false;
        uint64_t is_ns = proc_ticks_to_ns(st.start_ticks);
        return !start_ns || MAX(is_ns, start_ns) - MIN(is_ns, start_ns) < START_SLACK_NS;
}

/* Every filter has its say, and the strictest rules: all must allow both calls. */
static bool filters_allow(const struct bury_hold *h, int32_t ns_pid)
{
        static struct sock_filter program[FILTER_LEN];
        struct seccomp_data call[BURY_CALLS];

        bury_machine_calls(h->machine, h->code, ns_pid, call);
        for (uintptr_t k = 0; k < FILTERS; k++) {
                long count = ptrace(PTRACE_SECCOMP_GET_FILTER, h->pid, (void *)k, NULL);
                if (count < 0)
                        return errno == ENOENT && k > 0;
                if (count > FILTER_LEN ||
                        ptrace(PTRACE_SECCOMP_GET_FILTER, h->pid, (void *)k, program) != count)
                        return false;
                for (size_t c = 0; c < BURY_CALLS; c++) {
                        uint32_t answer;
                        if (!seccomp_filter_run(program, (size_t)count, &call[c], &answer) ||
                                (answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW)
                                return false;
                }
        }
        return false;
}

static enum bury_end look(struct bury_hold *h, int proc_fd, uint64_t start_ns)
{
        struct proc_status status;

        if (event_of(h) == PTRACE_EVENT_STOP && !is_our_interrupt(h))
                return BURY_STOPPED;
        if (!is_our_interrupt(h))
                return BURY_SIGNALLED;
        /* it can't be somebody else's pid from here on: a traced process stays until its tracer has heard of
         * its end */
        if (!is_born_at(proc_fd, h->pid, start_ns) || proc_read_status(proc_fd, h->pid, &status) < 0)
                return BURY_GONE;
        if (status.shadow_stack)
                return BURY_GUARDED;
        enum bury_end end = bury_machine_look(h->machine, h->pid, h->code, h->restarting_too);
        if (end)
                return end;
        h->filtered = status.seccomp != 0;
        return status.seccomp == SECCOMP_MODE_STRICT ? BURY_SECCOMP : BURY_DONE;
}

enum bury_end bury_hold_take(struct bury_hold *h, int proc_fd, uint64_t start_ns)
{
        if (ptrace(PTRACE_SEIZE, h->pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0)
                return why_not_seized(proc_fd, h->pid, errno);
        /* fails only if it is dying */
        ptrace(PTRACE_INTERRUPT, h->pid, NULL, NULL);
        int r = await_stop(h, STOP_WAIT_NS);
        if (r < 0)
                return r == -ESRCH ? BURY_GONE : BURY_SLOW;
        h->seen_ns = clock_boot_ns();
        bury_machine_spare(h->pid);
        enum bury_end end = look(h, proc_fd, start_ns);
        if (!end)
                end = bury_machine_prepare(h->machine, h->pid, h->code);
        if (end)
                go_on(h, PTRACE_DETACH, signal_of(h));
        return end;
}

/* ---- the call ---- */

/* From the stop it is in to the next one at a system call. */
static enum bury_end to_syscall_stop(struct bury_hold *h)
{
        int r = go_on(h, PTRACE_SYSCALL, 0);

        if (!r)
                r = await_stop(h, CALL_WAIT_NS);
        if (r < 0)
                return r == -ETIMEDOUT ? BURY_SLOW : BURY_GONE;
        if (is_syscall_stop(h))
                return BURY_DONE;
        return signal_of(h) ? BURY_SIGNALLED : BURY_STOPPED;
}

enum bury_end bury_hold_wait4(struct bury_hold *h, int32_t ns_pid, long *ret)
{
        if (h->filtered && !filters_allow(h, ns_pid))
                return BURY_SECCOMP;
        int r = bury_machine_call(h->machine, h->pid, h->code, ns_pid);
        if (r < 0)
                return r == -ESRCH ? BURY_GONE : BURY_LOST;
        h->placed = true;
        enum bury_end end = to_syscall_stop(h);
        if (!end)
                end = to_syscall_stop(h);
        if (!end)
                r = bury_machine_result(h->pid, ret);
        return r == -ESRCH ? BURY_GONE : r < 0 ? BURY_LOST : end;
}

/* A thread that stands behind a call would take restored registers for the call's result. In the stop that an
 * interrupt makes it is about to look at how its own call had ended. */
enum bury_end bury_hold_leave(struct bury_hold *h)
{
        if (h->gone || h->runs)
                return h->gone ? BURY_GONE : BURY_SLOW;
        if (!h->placed || !is_syscall_stop(h))
                return BURY_DONE;
        ptrace(PTRACE_INTERRUPT, h->pid, NULL, NULL);
        int r = go_on(h, PTRACE_CONT, 0);
        if (!r)
                r = await_stop(h, CALL_WAIT_NS);
        return !r ? BURY_DONE : r == -ETIMEDOUT ? BURY_SLOW : BURY_GONE;
}

enum bury_end bury_hold_release(struct bury_hold *h)
{
        enum bury_end end = bury_hold_leave(h);
        int r = !end && h->placed ? bury_machine_restore(h->machine, h->pid) : 0;
        if (r < 0)
                end = r == -ESRCH ? BURY_GONE : BURY_LOST; /* SIGKILL ends also who stands still */
        /* what has not got back its registers finds them in the frame */
        if (!h->gone && !h->runs)
                go_on(h, PTRACE_DETACH, signal_of(h));
        h->held_ns = clock_boot_ns() - h->seen_ns;
        return end;
}
