/* Burying: a wait4 of exactly the dead pids, made by their holder itself because ptrace lets us put the call
 * into its main thread. The holder goes on without a restart; the dead leave the process table.
 *
 * What the holder may notice: its main thread stands still for some 0.1 ms, at most BURY_HOLD_NS; a call that
 * signal(7) says ends with EINTR after a stop and SIGCONT (epoll_wait with a timeout, semop...) ends with
 * EINTR; its children's times in times(2) grow, as by any wait. Every register comes back, interrupted calls
 * are restarted by the kernel. No code is written, and of its memory only what lies below its main thread's
 * stack pointer and red zone, where a signal handler's frame would go too.
 *
 * That frame is why the holder survives our death at any moment: the call returns into it as a signal handler
 * would, and sigreturn gives it back all its registers. Only a sleep that was to be resumed (nanosleep, poll
 * with a time-out) is then begun anew or ends with EINTR.
 *
 * Whatever is not as expected ends it before anything was changed, with the reason: see enum bury_end.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_layout;

enum {
        BURY_DEAD = 1024, /* in one request */
        BURY_TEXT = 240,
};

#define BURY_HOLD_NS (5 * NSEC_PER_MSEC) /* the main thread is never held longer, but by the scheduler */

enum bury_birth { BURY_BIRTH_UNKNOWN = 0, BURY_BIRTH_ADOPTED, BURY_BIRTH_OWN };

/* A process that is dead and not waited for, as the host's pid namespace knows it. */
struct bury_dead {
        int32_t pid;
        uint32_t birth;    /* enum bury_birth: who forked it */
        uint64_t start_ns; /* boot time; as exact as the board's */
        uint64_t exit_ns;  /* 0 = before Sexton */
};

/* bury_may.h makes one of the board. */
struct bury_request {
        uint32_t number; /* the asker's own; comes back in the result */
        int32_t holder_pid;
        uint64_t holder_start_ns; /* 0 = whoever has this pid: only for a person's word */
        uint64_t min_age_ns;      /* those who died later are left: a slow holder has its chance */
        uint64_t waited_faults;   /* sum of what results said for this holder until now */
        bool forced;         /* those that the holder forked itself, too, if it never waits: bury_may.h */
        bool restarting_too; /* also when its main thread is in restart_syscall: see BURY_RESTARTING */
        uint32_t count;
        struct bury_dead dead[BURY_DEAD];
};

/* May one of them be buried: the rule and its reasons are in bury_may.h. */
enum bury_verdict {
        BURY_MAY = 0,
        BURY_MAY_NOT_TRACED,
        BURY_MAY_NOT_PIDFD,
        BURY_MAY_NOT_YET,
        BURY_MAY_NOT_SUBREAPER,
        BURY_MAY_NOT_OWN,
        BURY_MAY_NOT_WANTED,
        BURY_VERDICTS
};

enum bury_end {
        BURY_DONE = 0,   /* all of them were tried */
        BURY_INVALID,    /* the request makes no sense */
        BURY_ARCH,       /* not on this kind of processor */
        BURY_GONE,       /* the holder has ended, or its pid is somebody else's */
        BURY_UNTOUCHED,  /* PID 1 of the host, a kernel thread, or ourselves: never */
        BURY_LEADERLESS, /* its main thread has ended */
        BURY_STOPPED,    /* stopped or frozen: it must stay so, and it can bury its dead when it goes on */
        BURY_ASLEEP,     /* its main thread is in an uninterruptible sleep */
        BURY_TRACED,     /* somebody else traces it */
        BURY_FORBIDDEN,  /* we may not trace it */
        BURY_NOT64,      /* a 32-bit program */
        BURY_SECCOMP,    /* its filters don't allow this wait4, or can't be read */
        BURY_GUARDED,    /* shadow stack, or system calls dispatched to the program itself */
        BURY_NO_CODE,    /* none of its code has the instructions needed */
        BURY_STACK,      /* its main thread is not on the stack that the kernel gave it */
        BURY_RESTARTING, /* its main thread is in the middle of a call that is being restarted already */
        BURY_ATOMIC,     /* its main thread is inside a restartable sequence, again and again */
        BURY_SIGNALLED,  /* signals to it come faster than we can hold it */
        BURY_SLOW,       /* its main thread did not stop in time; end the calling process to let it go */
        BURY_REFUSED,    /* the kernel answered the wait4 in a way it never should */
        BURY_LOST,       /* ptrace failed half-way; the frame lets it go on. End the calling process */
        BURY_ENDS
};

struct bury_result {
        uint32_t number;
        uint32_t end;     /* enum bury_end */
        uint32_t buried;  /* by this */
        uint32_t skipped; /* no dead children of this holder any more, or not yet */
        uint32_t refused; /* must not be buried... */
        uint32_t verdict; /* ...for this reason, the first one met: enum bury_verdict */
        uint32_t left;    /* not tried */
        uint32_t stops;   /* how often it was held */
        /* from the moment a stop is seen until it is released, without the time in which the thread could
         * have run but waited for a processor, as it would have without us: that is queued_ns */
        uint64_t held_ns, held_max_ns, queued_ns;
        uint64_t waited_faults; /* what this added to the holder's waited_minor_faults: see bury_may.h */
        int32_t holder_pid;
        char text[BURY_TEXT]; /* for people, also when all went well */
};

/* Does it, and takes as long as it takes: some ms, seconds at worst. proc_fd: /proc of the host's pid
 * namespace. layout: to know who is frozen; may be NULL. Not for a process with more than one thread, or that
 * must not wait: it collects SIGCHLD. After BURY_SLOW and BURY_LOST a traced thread may be left behind, and
 * the caller has to exit; else it is as if nothing had been. Fills *ret whatever happens. */
void bury_run(int proc_fd, const struct cgroup_layout *layout, const struct bury_request *request,
        struct bury_result *ret);

const char *bury_end_text(enum bury_end end);
