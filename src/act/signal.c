/* Signals to the processes of a service, each through a pidfd that is proven to be the process meant. */
#include "act/kind.h"
#include "act/touch.h"
#include "base/text.h"
#include "base/util.h"
#include "model/names.h"
#include "source/proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/* The world's start times may be a clock tick off, and the kernel gives a pid anew no sooner. */
#define SAME_START_NS (30 * NSEC_PER_MSEC)

static bool lives(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER;
}

int signal_process(struct actor *a, uint32_t process, int sig)
{
        const struct process *p = &a->board->process[process];
        cleanup_close int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        struct proc_stat st;

        if (fd < 0)
                return -errno;
        int r = proc_read_stat(a->proc_fd, p->pid, &st);
        if (r < 0)
                return r;
        uint64_t start_ns = proc_ticks_to_ns(st.start_ticks);
        if (MAX(start_ns, p->start_ns) - MIN(start_ns, p->start_ns) > SAME_START_NS)
                return -ESRCH;
        return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0 ? -errno : 0;
}

uint32_t signal_service(struct actor *a, uint16_t service, uint64_t born_before_ns, bool init_only, int sig)
{
        const struct board *b = a->board;
        uint32_t n = 0, inits = 0;

        for (uint32_t i = 1; i < b->process_top && init_only; i++)
                inits += b->process[i].service == service && lives(&b->process[i]) &&
                         b->process[i].flags & PROCESS_F_INIT;
        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                if (p->service != service || !lives(p) || p->start_ns > born_before_ns)
                        continue;
                n++;
                /* each by itself: what has entered the service since it was checked may be untouchable */
                if (sig && (!inits || p->flags & PROCESS_F_INIT) &&
                        touch_process(b, a->config, i, 0, NULL) == 0)
                        signal_process(a, i, sig);
        }
        return n;
}

bool signal_any_since(const struct actor *a, uint16_t service, uint64_t born_after_ns)
{
        const struct board *b = a->board;

        for (uint32_t i = 1; i < b->process_top; i++)
                if (b->process[i].service == service && lives(&b->process[i]) &&
                        b->process[i].start_ns > born_after_ns)
                        return true;
        return false;
}

static void tell_killed(struct actor *a, const struct process *p, int sig, const char *who, uint64_t now_ns)
{
        char text[200], comm[LIFE_COMM_SIZE * 4];

        text_printable(comm, sizeof comm, p->comm, strnlen(p->comm, sizeof p->comm));
        snprintf(text, sizeof text, "%s sent to process %d (%s), asked for by %.40s", signal_name(sig),
                p->pid, comm, who);
        world_event(a->world, EVENT_ACTION, p->service, p, now_ns, (double)sig, text);
}

int act_kill(struct actor *a, int32_t pid, int sig, int32_t asker_pid, const char *who, uint64_t now_ns,
        struct error *e)
{
        uint32_t i = world_find(a->world, pid);

        if (!i && a->ops.learn) {
                a->ops.learn(a->ops.ctx, pid);
                i = world_find(a->world, pid);
        }
        if (!i)
                return error_set(e, -ESRCH, "no process has the pid %d", pid);
        int r = touch_process(a->board, a->config, i, asker_pid, e);
        if (r < 0)
                return r;
        if (sig && a->ops.before)
                a->ops.before(a->ops.ctx,
                        &(struct act_about){.what = "kill",
                                .service = a->board->process[i].service,
                                .who = who,
                                .reason = signal_name(sig)},
                        now_ns);
        r = signal_process(a, i, sig);
        if (r < 0)
                return error_set(e, r, "cannot signal process %d: %s", pid, strerror(-r));
        if (sig)
                tell_killed(a, &a->board->process[i], sig, who, now_ns);
        return 0;
}
