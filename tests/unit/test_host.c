/* The host sampler on a fixture, on broken trees, and on this machine; and the trend it uses. */
#include "tap.h"
#include "tree.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "source/proc/host.h"

#include <errno.h>
#include <poll.h>

#define UNKNOWN ((long long)BOARD_UNKNOWN)
#define SEC     NSEC_PER_SEC

static int open_fixture(const char *name)
{
        const char *fixtures = getenv("SEXTON_FIXTURES");
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", fixtures ? fixtures : "tests/fixtures", name);
        return file_open_root(path);
}

static void the_fixture_is_read(void)
{
        cleanup_close int proc = open_fixture("proc-host");
        struct host_sampler s;
        static struct host h;

        check(proc >= 0);
        check_int(host_sampler_init(&s, proc, &h), 0);
        check_str(h.name, "web-1");
        check_str(h.kernel, "6.1.0-18-amd64");
        check_int(h.cpus, 2);
        check_int(h.boot_unix_ns, UINT64_C(1700000000) * SEC);
        check_int(h.pid_max, 32768);
        check_int(h.threads_max, 63000);
        check_int(h.oom_kills, 17);
        check(isnan(h.load1) && isnan(h.psi_cpu) && isnan(h.cpu_busy_ratio));
        check_int(h.memory_bytes, UNKNOWN);

        host_sampler_sample(&s, &h, SEC);
        check_near(h.load1, 0.31, 1e-9);
        check_near(h.load5, 1.20, 1e-9);
        check_near(h.load15, 12.05, 1e-9);
        check_int(h.tasks, 456);
        check_int(h.runnable, 3);
        check_int(h.blocked, 2);
        check_int(h.forks, 54321);
        check_int(h.cpu_user_ns, 100 * SEC);
        check_int(h.cpu_nice_ns, 2 * SEC);
        check_int(h.cpu_system_ns, 30 * SEC);
        check_int(h.cpu_idle_ns, 800 * SEC);
        check_int(h.cpu_iowait_ns, 5 * SEC);
        check_int(h.cpu_irq_ns, SEC / 10);
        check_int(h.cpu_softirq_ns, 9 * SEC / 10);
        check_int(h.cpu_steal_ns, 7 * SEC);
        check_int(h.memory_bytes, UINT64_C(8000000) * 1024);
        check_int(h.memory_available_bytes, UINT64_C(2000000) * 1024);
        check_int(h.swap_bytes, 1000000 * 1024);
        check_int(h.swap_free_bytes, 900000 * 1024);
        check_near(h.psi_cpu, 0.0189, 1e-9);
        check_near(h.psi_memory, 0.25, 1e-9);
        check_near(h.psi_memory_full, 0.125, 1e-9);
        check_near(h.psi_io, 1.0, 1e-9);
        check_near(h.psi_io_full, 0.0007, 1e-9);
        check_int(h.psi_cpu_some_ns, 45980641000);
        check_int(h.psi_memory_some_ns, 45980641000);
        check_int(h.psi_memory_full_ns, 0);
        check_int(h.psi_io_some_ns, 45980641000);
        check_int(h.psi_io_full_ns, 0);
        check(isnan(h.cpu_busy_ratio)); /* needs two */
        check(isnan(h.memory_slope_bytes_per_sec));
        host_sampler_done(&s);
}

static void only_local_disks_are_asked(void)
{
        cleanup_close int proc = open_fixture("proc-host");
        struct host_sampler s;
        static struct host h;

        host_sampler_init(&s, proc, &h);
        host_sampler_disks(&s, &h, SEC);
        /* one device once; no tmpfs, overlay, read-only; nothing below NFS; nothing that isn't there */
        check_int(h.mounts, 1);
        check_str(h.mount[0].path, "/");
        check(h.mount[0].size_bytes > 0 && h.mount[0].free_bytes <= h.mount[0].size_bytes);
        check(isnan(h.mount[0].slope_bytes_per_sec));
        host_sampler_done(&s);
}

static void hostile_mounts(void)
{
        struct tree t;
        struct host_sampler s;
        static struct host h;
        static char text[60000];
        size_t n = 0;

        tree_init(&t);
        tree_put(&t, "self/mounts",
                "\n \nx\n/dev/a\n/dev/a / \n/dev/a / ext4\n/dev/a relative ext4 rw\n"
                "/dev/b /\\057\\056 ext4 rw 0 0\n/dev/c / ext4 rw 0 0\n/dev/d /no\\012such ext4 rw 0 0\n"
                "/dev/e /\\9\\1 ext4 rw\nsexton-drill /run/sexton-drill-1 tmpfs rw 0 0\n"
                "sexton-drill / tmpfs rw 0 0\n/dev/f /");
        cleanup_close int proc = file_open_root(t.root);
        host_sampler_init(&s, proc, &h);
        host_sampler_disks(&s, &h, SEC);
        check_int(h.mounts, 1); /* a line that isn't understood: only the top folders are asked */
        check_str(h.mount[0].path, "/");

        for (int i = 0; i < 40; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "s:/x /net/%d nfs rw 0 0\n", i);
        for (int i = 0; i < 40; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "/dev/x%d / ext4 rw 0 0\n", i);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "overlay /o overlay rw,lowerdir=");
        memset(text + n, 'l', 20000);
        strcpy(text + n + 20000, "\n");
        tree_put(&t, "self/mounts", text);
        host_sampler_disks(&s, &h, 60 * SEC);
        check_int(h.mounts, BOARD_MOUNTS);

        tree_put(&t, "self/mounts", "");
        host_sampler_disks(&s, &h, 120 * SEC);
        check_int(h.mounts, 0);

        /* a service manager may have made ours read-only; the host's count */
        tree_put(&t, "self/mounts", "/dev/a / ext4 ro 0 0\n");
        tree_put(&t, "1/mounts", "/dev/a / ext4 rw 0 0\n");
        host_sampler_disks(&s, &h, 180 * SEC);
        check_int(h.mounts, 1);
        host_sampler_done(&s);
        tree_done(&t);
}

static void nothing_there_is_unknown(void)
{
        struct tree t;
        struct host_sampler s;
        static struct host h;

        tree_init(&t);
        cleanup_close int proc = file_open_root(t.root);
        check_int(host_sampler_init(&s, proc, &h), 0);
        for (int i = 0; i < 12; i++)
                host_sampler_sample(&s, &h, (uint64_t)i * SEC);
        host_sampler_disks(&s, &h, SEC);
        check(isnan(h.load1) && isnan(h.load15) && isnan(h.cpu_busy_ratio) && isnan(h.psi_memory_full));
        check_int(h.tasks, UNKNOWN);
        check_int(h.pid_max, UNKNOWN);
        check_int(h.memory_bytes, UNKNOWN);
        check_int(h.oom_kills, UNKNOWN);
        check_int(h.cpu_user_ns, UNKNOWN);
        check_int(h.forks, UNKNOWN);
        check_int(h.mounts, 0);
        check_str(h.name, "");
        check_int(host_psi_trigger(proc, "memory", 100000), -ENOENT);
        check_int(host_psi_trigger(proc, "../memory", 100000), -EINVAL);
        host_sampler_done(&s);
        host_sampler_done(&s);
        tree_done(&t);
}

static void bad_content_is_unknown(void)
{
        static const char *const bad[] = {"", "\n", "cpu", "cpu \n", "cpu 1 2\n",
                "cpu x\ncpu9999999 \nbtime \n", "0.1 0.2\n", "0.1 0.2 0.3 4\n", "0.1 0.2 0.3 4/x\n",
                "-1 -1 -1 -1/-1\n", "MemTotal:\n", "MemTotal: 99999999999999999999999 kB\n",
                "MemTotal: 18446744073709551615 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n",
                "some avg10=\n", "some avg10=1000000\n", "some avg10=1.\n",
                "some avg10=x total=99999999999999999999\n", "oom_kill\n", "btime 99999999999999999999\n",
                "procs_running 99999999999\nbtime 18446744073709551615\n", "\xff\xfe\n\n\n"};
        static const char *const files[] = {"stat", "loadavg", "meminfo", "vmstat", "pressure/cpu",
                "pressure/memory", "pressure/io", "sys/kernel/pid_max", "sys/kernel/threads-max"};
        struct tree t;
        struct host_sampler s;
        static struct host h;

        tree_init(&t);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++)
                        tree_put(&t, files[k], bad[i]);
                cleanup_close int proc = file_open_root(t.root);
                host_sampler_init(&s, proc, &h);
                host_sampler_sample(&s, &h, SEC);
                host_sampler_sample(&s, &h, 2 * SEC);
                check_int(h.tasks, UNKNOWN);
                check_int(h.memory_bytes, UNKNOWN);
                check(isnan(h.psi_cpu) && isnan(h.psi_io_full) && isnan(h.cpu_busy_ratio));
                check_int(h.psi_io_some_ns, UNKNOWN);
                check_int(h.oom_kills, UNKNOWN);
                check_int(h.boot_unix_ns, 0);
                check_int(h.runnable, 0);
                host_sampler_done(&s);
        }
        tree_put(&t, "sys/kernel/hostname", "a\x1b[2Jb\nc");
        cleanup_close int proc = file_open_root(t.root);
        host_sampler_init(&s, proc, &h);
        check_str(h.name, "a\\x1b[2Jb");
        host_sampler_done(&s);
        tree_done(&t);
}

static void busy_counts_guests_once_and_theft_as_time(void)
{
        struct tree t;
        struct host_sampler s;
        static struct host h;

        tree_init(&t);
        tree_put(&t, "stat", "cpu  1000 0 0 1000 0 0 0 0 900 0\n");
        cleanup_close int proc = file_open_root(t.root);
        host_sampler_init(&s, proc, &h);
        host_sampler_sample(&s, &h, SEC);
        check(isnan(h.cpu_busy_ratio));
        tree_put(&t, "stat", "cpu  1100 0 0 1100 0 0 0 0 1000 0\n");
        host_sampler_sample(&s, &h, 2 * SEC);
        check_near(h.cpu_busy_ratio, 0.5, 1e-9);
        tree_put(&t, "stat", "cpu  1100 0 50 1100 50 0 0 100 1000 0\n");
        host_sampler_sample(&s, &h, 3 * SEC);
        check_near(h.cpu_busy_ratio, 0.25, 1e-9);
        tree_put(&t, "stat", "cpu  1101 0 50 1100 50 0 0 100 1000 0\n"); /* a single tick: no ratio of that */
        host_sampler_sample(&s, &h, 4 * SEC);
        check_near(h.cpu_busy_ratio, 0.25, 1e-9);
        tree_put(&t, "stat", "cpu  1000 0 0 900 0 0 0 0 900 0\n"); /* back: nonsense, kept as it was */
        host_sampler_sample(&s, &h, 5 * SEC);
        check_near(h.cpu_busy_ratio, 0.25, 1e-9);
        tree_put(&t, "stat", "cpu  1100 0 0 900 0 0 0 0 900 0\n");
        host_sampler_sample(&s, &h, 6 * SEC);
        check_near(h.cpu_busy_ratio, 1.0, 1e-9);
        host_sampler_done(&s);
        tree_done(&t);
}

static void a_large_stat_is_read_whole(void)
{
        struct tree t;
        struct host_sampler s;
        static struct host h;
        static char text[200000];
        size_t n = (size_t)snprintf(text, sizeof(text), "cpu  1 2 3 4 5 6 7 8 9 10\n");

        for (int i = 0; i < 512; i++)
                n += (size_t)snprintf(
                        text + n, sizeof(text) - n, "cpu%d 123456 123456 123456 123456 0 0 0 0 0 0\n", i);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "intr 5");
        for (int i = 0; i < 20000; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, " 0");
        snprintf(text + n, sizeof(text) - n, "\nctxt 1\nbtime 12\nprocesses 34\nprocs_running 5\n");
        tree_init(&t);
        tree_put(&t, "stat", text);
        cleanup_close int proc = file_open_root(t.root);
        host_sampler_init(&s, proc, &h);
        host_sampler_sample(&s, &h, SEC);
        check_int(h.cpus, 512);
        check_int(h.forks, 34);
        check_int(h.runnable, 5);
        host_sampler_done(&s);
        tree_done(&t);
}

/* ---- trend ---- */

static double noise(unsigned *seed)
{
        *seed = *seed * 1103515245u + 12345u;
        return (double)(*seed >> 8 & 0xffff) / 65536.0 - 0.5;
}

static void the_trend_finds_a_ramp(void)
{
        struct trend t = {0};
        unsigned seed = 7;
        double slope = 0, worst = 0;

        /* 1 MB/s on top of 50 GB, with 20 MB of noise */
        for (unsigned i = 0; i < 600; i++) {
                slope = trend_add(&t, (1 + i) * SEC, 50e9 + 1e6 * i + 20e6 * noise(&seed), 120, 120 * SEC);
                if (i < 120)
                        check(isnan(slope));
                else if (i > 300)
                        worst = fmax(worst, fabs(slope - 1e6));
        }
        check(worst < 0.05e6);
        /* it ends: within ten minutes nothing is left of it */
        for (unsigned i = 600; i < 1200; i++)
                slope = trend_add(&t, (1 + i) * SEC, 50e9 + 1e6 * 600 + 20e6 * noise(&seed), 120, 120 * SEC);
        check(fabs(slope) < 0.1e6);
}

static void the_trend_bears_odd_clocks(void)
{
        struct trend t = {0};

        check(isnan(trend_add(&t, 100 * SEC, 5, 120, 120 * SEC)));
        check(isnan(trend_add(&t, 100 * SEC, 5, 120, 120 * SEC)));            /* no time passed */
        check(isnan(trend_add(&t, 50 * SEC, 5, 120, 120 * SEC)));             /* back */
        check_near(trend_add(&t, 300 * SEC, 205, 120, 120 * SEC), 1.0, 1e-6); /* uneven pace */
        check_near(trend_add(&t, 310 * SEC, 215, 120, 120 * SEC), 1.0, 1e-6);
        check(isnan(
                trend_add(&t, 9999999 * SEC, 7, 120, 120 * SEC))); /* long asleep: the past has no weight */
        check_near(trend_add(&t, 10000009 * SEC, 27, 120, 120 * SEC), 2.0, 1e-3);
}

/* ---- this machine ---- */

static void this_machine_makes_sense(void)
{
        cleanup_close int proc = file_open_root("/proc");
        struct host_sampler s;
        static struct host h;
        uint64_t now = clock_boot_ns();

        check_int(host_sampler_init(&s, proc, &h), 0);
        host_sampler_sample(&s, &h, now);
        check(h.cpus == (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
        check(h.name[0] && h.kernel[0]);
        check(h.memory_bytes > (1 << 26) && h.memory_available_bytes <= h.memory_bytes);
        check(h.load1 >= 0 && h.load1 < 10000);
        check(h.tasks >= 2 && h.tasks < 1000000);
        check(h.runnable >= 1);
        check(h.pid_max >= 300 && h.threads_max >= 20);
        check(h.cpu_user_ns > 0 && h.cpu_idle_ns > 0);
        check(llabs((long long)(h.boot_unix_ns / SEC) - (clock_wall_offset_ns() / (long long)SEC)) <= 5);
        if (!access("/proc/pressure/cpu", R_OK))
                check(h.psi_cpu >= 0 && h.psi_memory >= 0 && h.psi_io >= 0 && h.psi_io <= 1);
        usleep(400000);
        host_sampler_sample(&s, &h, now + 400000000);
        check(h.cpu_busy_ratio >= 0 && h.cpu_busy_ratio <= 1);
        host_sampler_disks(&s, &h, now);
        for (uint32_t i = 0; i < h.mounts; i++)
                check(h.mount[i].path[0] == '/' && h.mount[i].size_bytes > 0);
        host_sampler_done(&s);
}

static void a_trigger_can_be_armed(void)
{
        cleanup_close int proc = file_open_root("/proc");

        if (access("/proc/pressure/cpu", W_OK))
                skip("no pressure files to write to");
        cleanup_close int fd = host_psi_trigger(proc, "cpu", 300000);
        if (fd == -EINVAL || fd == -EPERM || fd == -EACCES)
                skip("this kernel grants no trigger");
        check(fd >= 0);
        struct pollfd p = {.fd = fd, .events = POLLPRI};
        check(poll(&p, 1, 0) >= 0);
        check(!(p.revents & POLLERR));
        check_int(host_psi_trigger(proc, "cpu", 0), -EINVAL); /* no stall at all */
}

static void all(void)
{
        test(the_fixture_is_read);
        test(only_local_disks_are_asked);
        test(hostile_mounts);
        test(nothing_there_is_unknown);
        test(bad_content_is_unknown);
        test(busy_counts_guests_once_and_theft_as_time);
        test(a_large_stat_is_read_whole);
        test(the_trend_finds_a_ramp);
        test(the_trend_bears_odd_clocks);
        test(this_machine_makes_sense);
        test(a_trigger_can_be_armed);
}

int main(void)
{
        return tap_main(all);
}
