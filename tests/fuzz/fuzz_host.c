/* Fuzzes the host sampler: the input is put in the place of every file it keeps open, and the sampler
 * must keep to its ranges.
 */
#include "source/proc/host.h"

#include "base/util.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ratio(double r)
{
        if (!isnan(r) && !(r >= 0 && r <= 1))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct host h;
        struct host_sampler s;
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        host_sampler_init(&s, -1, &h); /* no /proc: nothing opened */
        s.stat_fd = s.loadavg_fd = s.meminfo_fd = s.vmstat_fd = fd;
        s.psi_cpu_fd = s.psi_memory_fd = s.psi_io_fd = fd;
        for (uint64_t i = 1; i <= 10; i++)
                host_sampler_sample(&s, &h, i * 60 * NSEC_PER_SEC);
        check_ratio(h.psi_cpu);
        check_ratio(h.psi_memory_full);
        check_ratio(h.psi_io);
        check_ratio(h.cpu_busy_ratio);
        if (!isnan(h.load1) && h.load1 < 0)
                abort();
        close(fd);
        return 0;
}
