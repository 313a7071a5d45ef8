/* The dead-man: see deadman.h. It looks once a second whether the guard still counts up its beats. By the
 * monotonic clock, which rests while the host is suspended, and against its own memory of the last look: if
 * it was itself not given the CPU, neither was the guard, and it looks once more.
 */
#include "act/deadman.h"

#include "act/change.h"
#include "act/journal.h"
#include "base/log.h"
#include "base/trim.h"
#include "base/util.h"
#include "model/names.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

enum {
        LOOK_MS = 1000,
        LOOK_ENDING_MS = 50, /* the guard undoes what it did within milliseconds */
        PATIENCE_MS = 3000,  /* when all is to end; the supervisor kills what is left after ten */
};

struct deadman {
        struct journal *journal;
        struct cgroup_layout layout;
        uint64_t beats;    /* at the last look */
        double still_ms;   /* for so long they have not moved, and something stood */
        double ending_ms;  /* for so long we have been about to end */
        bool ending, told; /* told: that the guard doesn't move */
};

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void undone(const struct journal_change *c, int how)
{
        const char *kind = action_kind_name(c->kind);

        if (how < 0)
                log_error("cannot undo %s of %s: %s: %s", kind ? kind : "an action", c->service,
                        change_file_name(c->file), strerror(-how));
        else
                log_warning("undone in the guard's stead: %s of %s%s", kind ? kind : "an action", c->service,
                        how == CHANGE_GONE     ? ", which is gone"
                        : how == CHANGE_THEIRS ? ": somebody has set another value since, which stays"
                                               : "");
}

static bool anything_stands(const struct journal *j)
{
        struct journal_change c;

        for (int k = 0; k < JOURNAL_CHANGES; k++)
                if (journal_get(j, k, &c) == JOURNAL_STANDS)
                        return true;
        return false;
}

static bool guard_is_gone(const struct deadman *d)
{
        int32_t pid = atomic_load(&d->journal->guard_pid);

        return pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH);
}

static void undo_all(struct deadman *d)
{
        journal_undo_all(d->journal, &d->layout, true, undone);
}

/* True when there is nothing left to wait for. */
static bool look(struct deadman *d, double passed_ms, double limit_ms)
{
        uint64_t beats = atomic_load(&d->journal->beats);
        bool still = beats == d->beats && anything_stands(d->journal);

        /* of a longer pause only one look counts: we were stopped or starved ourselves. Before anything
         * stands nothing counts: what a guard does in its first second would be undone for what others were
         * before it. */
        d->still_ms = still ? d->still_ms + MIN(passed_ms, 2.0 * LOOK_MS) : 0;
        d->beats = beats;
        if (!d->still_ms)
                d->told = false;
        if (d->ending) {
                d->ending_ms += MIN(passed_ms, 2.0 * LOOK_MS);
                if (guard_is_gone(d) || d->ending_ms >= PATIENCE_MS)
                        undo_all(d);
                return !anything_stands(d->journal) || d->ending_ms >= 2.0 * PATIENCE_MS;
        }
        if (d->still_ms >= limit_ms) {
                if (!d->told)
                        log_error(
                                "the guard has not moved for %.0f s: undoing what it did", d->still_ms / 1e3);
                d->told = true;
                undo_all(d);
        }
        return false;
}

static int watch(struct deadman *d, const struct config *c, int signals, int alive)
{
        struct pollfd p[] = {{.fd = signals, .events = POLLIN}, {.fd = alive, .events = POLLIN}};
        double last_ms = now_ms();

        for (;;) {
                int n = poll(p, ARRAY_SIZE(p), d->ending ? LOOK_ENDING_MS : LOOK_MS);
                double now = now_ms();
                if (n > 0) {
                        /* SIGTERM comes at a stop, and from the kernel when the supervisor dies */
                        d->ending = true;
                        p[0].fd = p[1].fd = -1;
                }
                if (look(d, now - last_ms, c->actions.dead_man * 1e3))
                        return EXIT_SUCCESS;
                last_ms = now;
        }
}

/* Undoes something that isn't there, so that the code for it is in memory. */
static void rehearse(const struct cgroup_layout *l)
{
        static const struct journal_change nothing = {.hierarchy = CGROUP_FREEZER, .path = "/", .group = 1};
        char value[JOURNAL_VALUE];

        change_undo(l, &nothing);
        change_read(l, &nothing, value);
        change_write_in(-1, CHANGE_FREEZER, "THAWED");
}

/* Few pages, all of them there for good: what it does must not need memory. */
static void reserve(const struct deadman *d)
{
        int r = cgroup_real_time(&d->layout);

        trim_memory();

        if (r < 0)
                log_info("no real-time scheduling (%s): slower under load", strerror(-r));
        if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
                log_info("cannot lock memory (%s): slower when memory is short", strerror(errno));
        anything_stands(d->journal);
        rehearse(&d->layout);
}

int deadman_main(const struct config *c, int journal_fd, int alive_fd)
{
        struct deadman d = {0};
        sigset_t ending;

        sigemptyset(&ending);
        sigaddset(&ending, SIGTERM);
        sigprocmask(SIG_BLOCK, &ending, NULL);
        signal(SIGHUP, SIG_IGN); /* the limit is taken at the next start */
        signal(SIGINT, SIG_IGN); /* Ctrl-C reaches us, too: the supervisor will say so */
        cleanup_close int signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
        int r = journal_map(journal_fd, &d.journal);
        if (r < 0 || signals < 0) {
                log_error("cannot map the journal of actions: %s", strerror(r < 0 ? -r : errno));
                return EXIT_FAILURE;
        }
        r = cgroup_init(&d.layout, c->cgroup_root);
        if (r < 0)
                log_info("no control groups at %s: %s", c->cgroup_root, strerror(-r));
        reserve(&d);
        return watch(&d, c, signals, alive_fd);
}
