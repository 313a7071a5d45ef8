/* The process that buries: see bury_child.h. */
#include "act/bury_child.h"

#include "act/bury.h"
#include "base/file.h"
#include "base/log.h"
#include "source/cgroup/cgroup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { IDLE_SEC = 5 };

/* SIGTERM ends us between two requests only. */
static void defer_end(void)
{
        sigset_t ends;

        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        sigprocmask(SIG_BLOCK, &ends, NULL);
        signal(SIGHUP, SIG_IGN); /* nothing here is configured */
}

/* True when a request waits; false when none came for a while, or nobody is left to send one. */
static bool await_request(int link_fd, int alive_fd)
{
        struct pollfd watched[] = {{.fd = link_fd, .events = POLLIN}, {.fd = alive_fd, .events = POLLIN}};
        const struct timespec idle = {.tv_sec = IDLE_SEC};
        sigset_t none;
        int n;

        sigemptyset(&none);
        do
                n = ppoll(watched, ARRAY_SIZE(watched), &idle, &none);
        while (n < 0 && errno == EINTR);
        return n > 0 && watched[0].revents & POLLIN && !watched[1].revents;
}

/* Length of the request as sent: it may carry as few of its dead as it counts. */
static bool is_whole(const struct bury_request *r, ssize_t len)
{
        size_t head = offsetof(struct bury_request, dead);

        return len >= (ssize_t)head && r->count <= BURY_DEAD &&
               (size_t)len >= head + r->count * sizeof r->dead[0];
}

int bury_child_main(int link_fd, int alive_fd)
{
        static struct bury_request request;
        struct bury_result result;
        struct cgroup_layout layout;
        cleanup_close int proc_fd = file_open_root("/proc");

        if (proc_fd < 0 || cgroup_init(&layout, "/sys/fs/cgroup") < 0)
                return EXIT_FAILURE;
        /* whom we hold stands still for as long as we wait for a processor */
        int r = cgroup_real_time(&layout);
        if (r < 0)
                log_debug("no real-time share for burying: %s", strerror(-r));
        defer_end();
        while (await_request(link_fd, alive_fd)) {
                ssize_t len = recv(link_fd, &request, sizeof request, MSG_DONTWAIT);
                if (len <= 0)
                        break;
                if (is_whole(&request, len))
                        bury_run(proc_fd, &layout, &request, &result);
                else
                        result = (struct bury_result){.end = BURY_INVALID};
                if (send(link_fd, &result, sizeof result, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                        log_warning("cannot tell how burying ended: %s", strerror(errno));
                if (result.end == BURY_SLOW || result.end == BURY_LOST)
                        break; /* our end lets go */
        }
        cgroup_done(&layout);
        return EXIT_SUCCESS;
}
