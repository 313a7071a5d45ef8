/* Burying: looks at the holder and its dead from outside, and then holds it, for a few milliseconds at a time
 * and with pauses between, until all of them have been waited for. See bury.h.
 */
#include "act/bury.h"

#include "act/bury_code.h"
#include "act/bury_hold.h"
#include "act/bury_may.h"
#include "base/clock.h"
#include "base/file.h"
#include "source/cgroup/cgroup.h"
#include "source/proc/process.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { TRIES = 5 };
#define NO_MORE_CALLS_NS (3 * NSEC_PER_MSEC / 2) /* then it is let go, well before BURY_HOLD_NS */
#define PAUSE_NS         (10 * NSEC_PER_MSEC)    /* the holder's own time between two stops */
#define START_SLACK_NS   (30 * NSEC_PER_MSEC)    /* ticks of /proc against what the board knows */

struct work {
        int proc_fd;
        const struct cgroup_layout *layout;
        const struct bury_request *request;
        struct bury_result *result;
        struct bury_code code;
        struct bury_machine machine;
        uint32_t depth; /* of the holder's pid namespace */
        uint32_t at;    /* the next of the dead */
        bool may[BURY_DEAD];
};

const char *bury_end_text(enum bury_end end)
{
        static const char *const text[BURY_ENDS] = {
                [BURY_DONE] = "all of them were tried",
                [BURY_INVALID] = "the request makes no sense",
                [BURY_ARCH] = "burying is known for x86-64 only",
                [BURY_GONE] = "the holder has ended",
                [BURY_UNTOUCHED] = "PID 1 of the host, kernel threads and Sexton itself are never touched",
                [BURY_LEADERLESS] = "the holder's main thread has ended",
                [BURY_STOPPED] = "the holder is stopped or frozen: let it go on first",
                [BURY_ASLEEP] = "the holder's main thread is in an uninterruptible sleep, or frozen",
                [BURY_TRACED] = "somebody else traces the holder",
                [BURY_FORBIDDEN] = "tracing the holder is not allowed to us",
                [BURY_NOT64] = "the holder is a 32-bit program",
                [BURY_SECCOMP] = "the holder's seccomp filter does not allow it, or cannot be read",
                [BURY_GUARDED] = "the holder has a shadow stack, or handles system calls itself",
                [BURY_NO_CODE] = "the holder's code has no place to make the call from",
                [BURY_STACK] = "the holder's main thread runs on a stack of its own making",
                [BURY_RESTARTING] = "the holder's main thread is in a call that is being restarted",
                [BURY_ATOMIC] = "the holder's main thread is in a restartable sequence",
                [BURY_SIGNALLED] = "signals to the holder came first, every time",
                [BURY_SLOW] = "the holder's main thread did not stop in time",
                [BURY_REFUSED] = "the kernel gave the wait an answer that it never should",
                [BURY_LOST] = "ptrace failed half-way",
        };

        return end < BURY_ENDS ? text[end] : "unknown";
}

/* ---- the holder, from outside ---- */

static bool same_start(const struct proc_stat *st, uint64_t start_ns)
{
        uint64_t is_ns = proc_ticks_to_ns(st->start_ticks);

        return !start_ns || MAX(is_ns, start_ns) - MIN(is_ns, start_ns) < START_SLACK_NS;
}

static enum bury_end judge_state(const struct proc_stat *st)
{
        switch (st->state) {
        case 'Z':
        case 'X':
                return st->threads > 1 ? BURY_LEADERLESS : BURY_GONE;
        case 'T':
                return BURY_STOPPED;
        case 't':
                return BURY_TRACED;
        case 'D':
                return BURY_ASLEEP;
        default:
                return BURY_DONE;
        }
}

/* Of cgroup v2, or of a group above: such a process looks as if it slept. One of v1 is in state D. */
static bool is_frozen(const struct work *w, int32_t pid)
{
        char text[4096], path[CGROUP_PATH];

        if (!w->layout || proc_read_cgroup(w->proc_fd, pid, text, sizeof text) < 0 ||
                !cgroup_path_in(text, CGROUP_UNIFIED, path))
                return false;
        cleanup_close int group = cgroup_open_group(w->layout, CGROUP_UNIFIED, path);
        return group >= 0 && file_read_at(group, "cgroup.events", text, sizeof text) > 0 &&
               strstr(text, "frozen 1");
}

static bool is_32_bit(int proc_fd, int32_t pid)
{
        char path[32], head[EI_CLASS + 2];

        snprintf(path, sizeof path, "%" PRId32 "/exe", pid);
        return file_read_at(proc_fd, path, head, sizeof head) > EI_CLASS && head[EI_CLASS] == ELFCLASS32;
}

static enum bury_end look_at_holder(struct work *w)
{
        int32_t pid = w->request->holder_pid;
        struct proc_status status;
        struct proc_stat st;

        if (!bury_machine_patterns())
                return BURY_ARCH;
        if (pid <= 0 || w->request->count > BURY_DEAD)
                return BURY_INVALID;
        if (pid == 1 || pid == getpid())
                return BURY_UNTOUCHED;
        if (proc_read_stat(w->proc_fd, pid, &st) < 0 || !same_start(&st, w->request->holder_start_ns))
                return BURY_GONE;
        if (st.flags & PROC_FLAG_KTHREAD)
                return BURY_UNTOUCHED;
        enum bury_end end = judge_state(&st);
        if (end)
                return end;
        if (proc_read_status(w->proc_fd, pid, &status) < 0 || status.tgid != pid)
                return BURY_GONE;
        if (status.tracer_pid)
                return BURY_TRACED;
        if (is_32_bit(w->proc_fd, pid))
                return BURY_NOT64;
        w->depth = status.ns_depth;
        return is_frozen(w, pid) ? BURY_STOPPED : BURY_DONE;
}

static bool has_ended(const struct work *w)
{
        struct proc_stat st;

        return proc_read_stat(w->proc_fd, w->request->holder_pid, &st) < 0 ||
               !same_start(&st, w->request->holder_start_ns) || judge_state(&st) == BURY_GONE;
}

/* ---- one of the dead ---- */

/* Its pid as the holder knows it; 0 when it is not, or no longer, a dead child of this holder. */
static int32_t dead_child(const struct work *w, const struct bury_dead *dead)
{
        struct proc_status status;
        struct proc_stat st;

        if (proc_read_stat(w->proc_fd, dead->pid, &st) < 0 || st.state != 'Z' || st.threads > 1 ||
                st.ppid != w->request->holder_pid || !dead->start_ns || !same_start(&st, dead->start_ns))
                return 0;
        if (w->depth <= 1)
                return dead->pid;
        if (proc_read_status(w->proc_fd, dead->pid, &status) < 0 ||
                w->depth > MIN(status.ns_depth, (uint32_t)PROC_NS))
                return 0;
        return status.ns_pids[w->depth - 1];
}

static enum bury_end bury_one(struct work *w, struct bury_hold *h)
{
        int32_t ns_pid = dead_child(w, &w->request->dead[w->at]);
        long answer = 0;

        if (ns_pid <= 0) {
                w->result->skipped++;
                return BURY_DONE;
        }
        enum bury_end end = bury_hold_wait4(h, ns_pid, &answer);
        if (end)
                return end;
        if (answer == ns_pid)
                w->result->buried++;
        else if (answer == 0 || answer == -ECHILD)
                w->result->skipped++;
        else
                return BURY_REFUSED;
        return BURY_DONE;
}

/* ---- which of them ---- */

static enum bury_verdict judge(
        const struct work *w, const struct bury_dead *dead, struct bury_facts *f, uint64_t now_ns)
{
        struct proc_status status;

        f->birth = (uint8_t)dead->birth;
        f->age_ns = now_ns - MIN(dead->exit_ns, now_ns);
        f->traced = proc_read_status(w->proc_fd, dead->pid, &status) == 0 && status.tracer_pid;
        return bury_may(f);
}

static enum bury_end choose(struct work *w)
{
        const struct bury_request *q = w->request;
        struct bury_facts f = {.forced = q->forced, .min_age_ns = q->min_age_ns};
        bool wanted[BURY_DEAD] = {false};
        uint64_t now_ns = clock_boot_ns();

        if (bury_look_at_holder(w->proc_fd, q->holder_pid, q->waited_faults, &f) < 0)
                return BURY_GONE;
        bury_look_for_pidfds(w->proc_fd, q->holder_pid, q->dead, wanted, q->count);
        for (uint32_t k = 0; k < q->count; k++) {
                f.pidfd = wanted[k];
                enum bury_verdict verdict = judge(w, &q->dead[k], &f, now_ns);
                w->may[k] = verdict == BURY_MAY;
                if (verdict && !w->result->refused++)
                        w->result->verdict = verdict;
        }
        return BURY_DONE;
}

/* Over those that must not be buried. False at the end. */
static bool next(struct work *w)
{
        while (w->at < w->request->count && !w->may[w->at])
                w->at++;
        return w->at < w->request->count;
}

/* ---- one stop ---- */

/* What the thread's own /proc says of it while it stands still. */
struct moment {
        uint64_t waited_faults, queued_ns;
};

static struct moment look_at_moment(const struct work *w)
{
        struct moment m = {0};
        struct proc_stat st;

        if (proc_read_stat(w->proc_fd, w->request->holder_pid, &st) == 0)
                m.waited_faults = st.waited_minor_faults;
        if (proc_read_queued(w->proc_fd, w->request->holder_pid, &m.queued_ns) < 0)
                m.queued_ns = 0;
        return m;
}

static void account(
        struct bury_result *r, const struct moment *before, const struct moment *after, uint64_t held_ns)
{
        uint64_t queued_ns = after->queued_ns - MIN(before->queued_ns, after->queued_ns);

        held_ns -= MIN(queued_ns, held_ns);
        r->waited_faults += after->waited_faults - MIN(before->waited_faults, after->waited_faults);
        r->stops++;
        r->held_ns += held_ns;
        r->held_max_ns = MAX(r->held_max_ns, held_ns);
        r->queued_ns += queued_ns;
}

static enum bury_end hold_once(struct work *w)
{
        struct bury_hold h = {.pid = w->request->holder_pid,
                .code = &w->code,
                .machine = &w->machine,
                /* a sleep that is being restarted since our last stop is our own doing */
                .restarting_too = w->request->restarting_too || w->result->stops};
        enum bury_end end = bury_hold_take(&h, w->proc_fd, w->request->holder_start_ns);

        if (end)
                return end;
        struct moment before = look_at_moment(w);
        while (!end && next(w) && clock_boot_ns() - h.seen_ns < NO_MORE_CALLS_NS) {
                end = bury_one(w, &h);
                w->at += !end;
        }
        bury_hold_leave(&h); /* may wait for a processor, too */
        struct moment after = look_at_moment(w);
        enum bury_end released = bury_hold_release(&h);
        account(w->result, &before, &after, h.held_ns);
        return released ? released : end;
}

static bool is_worth_a_try(enum bury_end end)
{
        return end == BURY_SIGNALLED || end == BURY_ATOMIC;
}

static enum bury_end hold_until_done(struct work *w)
{
        enum bury_end end = BURY_DONE;

        for (int tries = 0; next(w) && tries < TRIES;) {
                uint32_t was = w->at;
                if (w->result->stops || tries)
                        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
                end = hold_once(w);
                if (end && !is_worth_a_try(end))
                        return end;
                tries = w->at > was ? 0 : tries + 1;
        }
        return next(w) ? end : BURY_DONE;
}

/* ---- all of it ---- */

static void tell(struct bury_result *r, uint32_t count)
{
        int n = snprintf(r->text, sizeof r->text, "%" PRIu32 " of %" PRIu32 " buried", r->buried, count);

        if (r->stops)
                n += snprintf(r->text + n, sizeof r->text - (size_t)n,
                        " in %" PRIu32 " stop%s of at most %.2f ms", r->stops, r->stops == 1 ? "" : "s",
                        (double)r->held_max_ns / NSEC_PER_MSEC);
        if (r->refused)
                n += snprintf(r->text + n, sizeof r->text - (size_t)n, ", %" PRIu32 " must not be: %s",
                        r->refused, bury_verdict_text((enum bury_verdict)r->verdict));
        if (r->end)
                snprintf(r->text + n, sizeof r->text - (size_t)n, ": %s",
                        bury_end_text((enum bury_end)r->end));
}

void bury_run(int proc_fd, const struct cgroup_layout *layout, const struct bury_request *request,
        struct bury_result *ret)
{
        struct work w = {.proc_fd = proc_fd, .layout = layout, .request = request, .result = ret};
        sigset_t child, before;

        *ret = (struct bury_result){.number = request->number, .holder_pid = request->holder_pid};
        enum bury_end end = look_at_holder(&w);
        if (!end)
                end = choose(&w);
        if (!end && next(&w))
                end = bury_code_find(proc_fd, request->holder_pid, &w.code);
        if (!end) {
                sigemptyset(&child);
                sigaddset(&child, SIGCHLD);
                sigprocmask(SIG_BLOCK, &child, &before);
                end = hold_until_done(&w);
                sigprocmask(SIG_SETMASK, &before, NULL);
                /* what its end breaks off looks like anything */
                if (end && has_ended(&w))
                        end = BURY_GONE;
        }
        ret->end = end;
        for (uint32_t k = w.at; k < MIN(request->count, (uint32_t)BURY_DEAD); k++)
                ret->left += w.may[k];
        tell(ret, request->count);
}
