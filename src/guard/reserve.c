/* What keeps the guard awake and alive while everything else starves: a real-time share that cannot itself
 * starve the host, locked memory, a place far from the OOM killer.
 */
#include "guard/guard.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A drain takes milliseconds; a scan of 40,000 processes, the longest it ever does at one go, half a second.
 * Who computes longer without a pause has gone wrong, and is one among many until it has calmed down. */
#define RUNAWAY_USEC   1000000
#define DEMOTED_FOR_NS (10 * NSEC_PER_SEC)
#define OOM_SCORE      "-999" /* the last but what the kernel never takes */

static volatile sig_atomic_t runaway;

static void out_of_time(int sig)
{
        struct sched_param p = {.sched_priority = 0};

        sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p);
        runaway = 1;
}

/* SIGXCPU comes at the soft limit, and again each second after it. */
static void bound(void)
{
        struct sigaction action = {.sa_handler = out_of_time, .sa_flags = SA_RESTART};

        sigaction(SIGXCPU, &action, NULL);
        if (setrlimit(RLIMIT_RTTIME, &(struct rlimit){RUNAWAY_USEC, RLIM_INFINITY}) < 0)
                log_warning("the real-time share has no bound of its own: %s", strerror(errno));
}

static void hide_from_oom_killer(void)
{
        cleanup_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
                log_info("oom_score_adj stays as it is: %s", strerror(errno));
}

/* It must wake within milliseconds while 200 tasks fight for the CPU (measured: SCHED_FIFO 1 0.05 ms, nice 0
 * up to 494 ms) and must not be paged out. MCL_ONFAULT locks what is touched, so that the wide, mostly
 * untouched tables cost nothing. */
void guard_reserve(struct guard *g)
{
        struct self_stats *s = &g->board->self;

        bound();
        int r = cgroup_real_time(&g->layout);
        s->guard_real_time = r == 0;
        if (r < 0)
                log_info("no real-time scheduling (%s): slower under load", strerror(-r));
        s->guard_locked = mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
        if (!s->guard_locked)
                log_info("cannot lock memory (%s): slower when memory is short", strerror(errno));
        if (geteuid() == 0)
                hide_from_oom_killer();
}

void guard_reserve_again(struct guard *g, uint64_t now_ns)
{
        struct self_stats *s = &g->board->self;
        struct rusage usage;

        if (getrusage(RUSAGE_SELF, &usage) == 0)
                s->guard_major_faults = (uint64_t)usage.ru_majflt;
        if (runaway) {
                runaway = 0;
                s->guard_real_time = false;
                g->demoted_ns = now_ns;
                log_warning("computed for a second without a pause: no real-time share for a while");
        } else if (g->demoted_ns && now_ns - g->demoted_ns >= DEMOTED_FOR_NS) {
                g->demoted_ns = 0;
                s->guard_real_time = cgroup_real_time(&g->layout) == 0;
        }
}
