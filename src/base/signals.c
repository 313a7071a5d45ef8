/* Signals as a descriptor in the loop: see signals.h. */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_watch(struct loop *l, struct loop_fd *f, void (*ready)(void *ctx, uint32_t events), void *ctx)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        *f = (struct loop_fd){
                .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .ready = ready, .ctx = ctx};
        return f->fd < 0 ? -errno : loop_add(l, f, EPOLLIN);
}

void signals_done(struct loop *l, struct loop_fd *f)
{
        if (f->fd < 0)
                return;
        loop_remove(l, f);
        close(f->fd);
        f->fd = -1;
}

int signals_next(const struct loop_fd *f)
{
        struct signalfd_siginfo i;

        return read(f->fd, &i, sizeof i) == sizeof i ? (int)i.ssi_signo : 0;
}
