/* A holder to bury from: a child of the test with dead children of its own around it, which lives a life that
 * the test gives it, and says on a shared page whether it noticed anything.
 */
#pragma once

#include "act/bury.h"
#include "act/bury_machine.h"
#include "base/clock.h"
#include "base/file.h"
#include "source/proc/process.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { DEAD = 12, PATIENCE_MS = 20000 };

/* Shared with the holder. */
struct stage {
        volatile bool ready, enough;
        volatile bool held;  /* our death comes when the holder is held */
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

static inline void pause_ms(long ms)
{
        struct timespec t = {ms / 1000, ms % 1000 * 1000000};

        while (nanosleep(&t, &t) < 0)
                ;
}

static inline bool becomes(const volatile bool *what)
{
        for (int k = 0; k < PATIENCE_MS && !*what; k++)
                pause_ms(1);
        return *what;
}

static inline char state_of(const struct lab *l, int32_t pid)
{
        struct proc_stat st;

        return proc_read_stat(l->proc_fd, pid, &st) < 0 ? '-' : st.state;
}

static inline bool is_state(const struct lab *l, int32_t pid, char state)
{
        for (int k = 0; k < PATIENCE_MS && state_of(l, pid) != state; k++)
                pause_ms(1);
        return state_of(l, pid) == state;
}

static inline void leave_dead(struct stage *s)
{
        for (int k = 0; k < DEAD; k++) {
                pid_t pid = fork();
                if (!pid)
                        _exit(k);
                s->dead[k] = pid;
        }
}

static inline uint64_t start_of(const struct lab *l, int32_t pid)
{
        struct proc_stat st;

        return proc_read_stat(l->proc_fd, pid, &st) < 0 ? 0 : proc_ticks_to_ns(st.start_ticks);
}

/* A holder that runs `life` with its dead around it, and a request for all of them. */
static inline bool begin(struct lab *l, void (*life)(struct stage *s))
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

static inline uint32_t buried(const struct lab *l)
{
        uint32_t n = 0;

        for (uint32_t k = 0; k < DEAD; k++)
                n += state_of(l, l->stage->dead[k]) == '-';
        return n;
}

/* Ends the holder by its own will if it has one left, and looks at how that was. */
static inline void end(struct lab *l)
{
        int status = 0;

        l->stage->enough = true;
        check_int(waitpid(l->holder, &status, 0), l->holder);
        check_int(status, 0);
        check_int(l->stage->failed, 0);
        munmap(l->stage, sizeof *l->stage);
        close(l->proc_fd);
}

/* It has ended, well or not. */
static inline bool is_gone(const struct lab *l)
{
        char state = state_of(l, l->holder);

        return state == 'Z' || state == '-';
}

static inline void bury(struct lab *l)
{
        bury_run(l->proc_fd, NULL, &l->request, &l->result);
        if (l->result.end)
                printf("# %s\n", l->result.text);
}

static inline void check_all_buried(struct lab *l)
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

static inline void check_nothing_done(struct lab *l, enum bury_end end)
{
        bury(l);
        check_int(l->result.end, end);
        check_int(l->result.buried, 0);
        check_int(buried(l), 0);
}

#define SKIP_ELSEWHERE                                                                                       \
        if (!bury_machine_patterns())                                                                        \
        skip("burying is known for x86-64 only")
