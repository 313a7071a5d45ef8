/* A real-time share in spite of groups: see cgroup.h. */
#include "base/util.h"
#include "source/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

static int fifo(void)
{
        struct sched_param p = {.sched_priority = 1};

        return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p) < 0 ? -errno : 0;
}

int cgroup_real_time(const struct cgroup_layout *l)
{
        int r = fifo();

        if (r != -EPERM || l->cpu_fd < 0)
                return r;
        cleanup_close int procs = openat(l->cpu_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (procs < 0 || write(procs, "0", 1) != 1) /* 0: whoever writes */
                return r;
        return fifo();
}
