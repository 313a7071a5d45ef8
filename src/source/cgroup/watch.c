/* One group's counters. Every number is looked for in its v1 hierarchy first and in the unified one
 * else, so that hybrids of any mixture work; the text says which of the two formats it is.
 */
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "source/cgroup/cgroup.h"
#include "source/cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>

enum {
        LIMITS_EVERY = 4,       /* samples; an open, read and close costs ten times a kept descriptor */
        MEMORY_STAT_SIZE = 8192 /* 2-3 KiB today; the kernel gives it whole when it fits */
};

/* v1 has no word for "no limit": it shows the largest page-aligned value. */
#define V1_NO_LIMIT (UINT64_C(1) << 60)

static int open_either(const struct cgroup_watch *w, int v1_fd, const char *v1_file, const char *unified_file)
{
        int fd = v1_file ? cgroup_open_in(v1_fd, w->path, v1_file, O_RDONLY) : -ENOENT;

        if (fd < 0 && unified_file)
                fd = cgroup_open_in(w->layout->unified_fd, w->path, unified_file, O_RDONLY);
        return fd;
}

/* Opens what isn't open yet. An engine makes a new group in one hierarchy after the other, and may be
 * seen at it. */
static void open_missing(struct cgroup_watch *w)
{
        const struct cgroup_layout *l = w->layout;
        const struct {
                int *fd;
                int v1_fd;
                const char *v1_file, *unified_file;
        } files[] = {
                {&w->cpu_fd, l->cpuacct_fd, "cpuacct.usage", "cpu.stat"},
                /* On v2 the one file has both; on v1 it is there for groups with a quota, and cheap to keep.
                 */
                {&w->cpu_stat_fd, l->cpu_fd, "cpu.stat", NULL},
                {&w->memory_fd, l->memory_fd, "memory.usage_in_bytes", "memory.current"},
                {&w->memory_stat_fd, l->memory_fd, "memory.stat", "memory.stat"},
                {&w->memory_events_fd, l->memory_fd, "memory.oom_control", "memory.events"},
                {&w->pids_fd, l->pids_fd, "pids.current", "pids.current"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                if (*files[i].fd < 0)
                        *files[i].fd =
                                open_either(w, files[i].v1_fd, files[i].v1_file, files[i].unified_file);
        if (!w->pressure) {
                cleanup_close int pressure = open_either(w, -1, NULL, "memory.pressure");
                w->pressure = pressure >= 0;
        }
}

int cgroup_watch_open(const struct cgroup_layout *l, const char *path, struct cgroup_watch *w)
{
        cgroup_watch_close(w);
        *w = (struct cgroup_watch){.layout = l,
                .memory_limit_bytes = BOARD_UNKNOWN,
                .pids_limit = BOARD_UNKNOWN,
                .cpu_fd = -1,
                .cpu_stat_fd = -1,
                .memory_fd = -1,
                .memory_stat_fd = -1,
                .memory_events_fd = -1,
                .pids_fd = -1};
        if (!text_set(w->path, sizeof(w->path), path))
                return -ENAMETOOLONG;
        w->open = true;
        open_missing(w);
        if (w->cpu_fd < 0 && w->memory_fd < 0 && w->pids_fd < 0) {
                cgroup_watch_close(w);
                return -ENOENT;
        }
        return 0;
}

void cgroup_watch_close(struct cgroup_watch *w)
{
        int *fds[] = {&w->cpu_fd, &w->cpu_stat_fd, &w->memory_fd, &w->memory_stat_fd, &w->memory_events_fd,
                &w->pids_fd};

        if (!w->open)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (*fds[i] >= 0)
                        close(*fds[i]);
                *fds[i] = -1;
        }
        w->open = false;
}

/* ---- reading ---- */

/* One read, no second one to see the end: these files come whole when they fit. */
static ssize_t reread(int fd, char *buf, size_t size)
{
        ssize_t n;

        if (fd < 0)
                return -ENOENT;
        do
                n = pread(fd, buf, size - 1, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return n;
}

static uint64_t value_of(const char *text, const char *key)
{
        const char *p = text_line_value(text, key);
        uint64_t v;

        return p && text_u64(&p, &v) ? v : BOARD_UNKNOWN;
}

/* 0, or -ENODEV of a removed group; other failures leave the value unknown. */
static int read_number(int fd, uint64_t *value)
{
        char buf[32];
        const char *p = buf;
        ssize_t n = reread(fd, buf, sizeof(buf));

        *value = BOARD_UNKNOWN;
        if (n > 0 && !text_u64(&p, value))
                *value = BOARD_UNKNOWN;
        return n == -ENODEV ? -ENODEV : 0;
}

static uint64_t usec_to_nsec(uint64_t usec)
{
        uint64_t ns;

        return usec == BOARD_UNKNOWN || __builtin_mul_overflow(usec, NSEC_PER_USEC, &ns) ? BOARD_UNKNOWN : ns;
}

static void read_throttling(const char *cpu_stat, struct cgroup_sample *s)
{
        s->periods = value_of(cpu_stat, "nr_periods ");
        s->throttled_periods = value_of(cpu_stat, "nr_throttled ");
        s->throttled_ns = value_of(cpu_stat, "throttled_time "); /* v1: ns */
        if (s->throttled_ns == BOARD_UNKNOWN)
                s->throttled_ns = usec_to_nsec(value_of(cpu_stat, "throttled_usec "));
}

/* cpuacct.usage is one number, cpu.stat of v2 has it in a line, and the throttling too. */
static int read_cpu(struct cgroup_watch *w, struct cgroup_sample *s)
{
        char buf[1024];
        const char *p = buf;
        ssize_t n = reread(w->cpu_fd, buf, sizeof(buf));

        s->cpu_ns = BOARD_UNKNOWN;
        if (n > 0 && !text_u64(&p, &s->cpu_ns)) {
                s->cpu_ns = usec_to_nsec(value_of(buf, "usage_usec "));
                read_throttling(buf, s);
        }
        return n == -ENODEV ? -ENODEV : 0;
}

static uint64_t read_limit(const struct cgroup_watch *w, int v1_fd, const char *v1_file, const char *file)
{
        cleanup_close int fd = open_either(w, v1_fd, v1_file, file);
        uint64_t v;

        read_number(fd, &v); /* "max" is no number */
        return v >= V1_NO_LIMIT ? BOARD_UNKNOWN : v;
}

static void read_limits(struct cgroup_watch *w)
{
        const struct cgroup_layout *l = w->layout;

        w->pids_limit = read_limit(w, l->pids_fd, "pids.max", "pids.max");
        w->memory_limit_bytes = read_limit(w, l->memory_fd, "memory.limit_in_bytes", "memory.max");
}

static int read_memory(struct cgroup_watch *w, struct cgroup_sample *s)
{
        char buf[MEMORY_STAT_SIZE];
        int r = read_number(w->memory_fd, &s->memory_bytes);

        if (s->memory_bytes != BOARD_UNKNOWN && reread(w->memory_stat_fd, buf, sizeof(buf)) > 0) {
                uint64_t inactive = value_of(buf, "total_inactive_file ");
                if (inactive == BOARD_UNKNOWN)
                        inactive = value_of(buf, "inactive_file ");
                if (inactive != BOARD_UNKNOWN)
                        s->memory_bytes -= MIN(inactive, s->memory_bytes);
        }
        if (reread(w->memory_events_fd, buf, sizeof(buf)) > 0) {
                s->oom_kills = value_of(buf, "oom_kill ");
                s->oom_events = value_of(buf, "oom ");
        }
        return r;
}

static double read_pressure(const struct cgroup_watch *w, const char *file)
{
        cleanup_close int fd = open_either(w, -1, NULL, file);
        char buf[256];
        uint64_t whole, hundredths;

        if (reread(fd, buf, sizeof(buf)) <= 0)
                return NAN;
        const char *p = text_line_value(buf, "some avg10=");
        if (!p || !text_u64(&p, &whole) || *p++ != '.' || !text_u64(&p, &hundredths) || whole > 100)
                return NAN;
        return ((double)whole + (double)MIN(hundredths, UINT64_C(99)) / 100) / 100;
}

int cgroup_watch_sample(struct cgroup_watch *w, struct cgroup_sample *ret)
{
        struct cgroup_sample s = {.throttled_ns = BOARD_UNKNOWN,
                .throttled_periods = BOARD_UNKNOWN,
                .periods = BOARD_UNKNOWN,
                .oom_kills = BOARD_UNKNOWN,
                .oom_events = BOARD_UNKNOWN,
                .psi_cpu = NAN,
                .psi_memory = NAN,
                .psi_io = NAN};
        char buf[512];

        if (!w->open)
                return -ENODEV;
        bool anew = w->samples++ % LIMITS_EVERY == 0;
        if (anew)
                open_missing(w);
        int cpu = read_cpu(w, &s), memory = read_memory(w, &s), pids = read_number(w->pids_fd, &s.pids);
        /* An engine removes a group from one hierarchy after the other: gone is what has nothing left. */
        if ((cpu || memory || pids) && s.cpu_ns == BOARD_UNKNOWN && s.memory_bytes == BOARD_UNKNOWN &&
                s.pids == BOARD_UNKNOWN)
                return -ENODEV;
        if (reread(w->cpu_stat_fd, buf, sizeof(buf)) > 0)
                read_throttling(buf, &s);
        if (anew)
                read_limits(w);
        s.memory_limit_bytes = w->memory_limit_bytes;
        s.pids_limit = w->pids_limit;
        if (w->pressure) {
                s.psi_cpu = read_pressure(w, "cpu.pressure");
                s.psi_memory = read_pressure(w, "memory.pressure");
                s.psi_io = read_pressure(w, "io.pressure");
        }
        *ret = s;
        return 0;
}

int cgroup_watch_cpu(struct cgroup_watch *w, uint64_t *ret_cpu_ns)
{
        struct cgroup_sample s;

        if (!w->open)
                return -ENODEV;
        if (w->cpu_fd < 0)
                w->cpu_fd = open_either(w, w->layout->cpuacct_fd, "cpuacct.usage", "cpu.stat");
        if (read_cpu(w, &s) < 0)
                return -ENODEV;
        if (s.cpu_ns == BOARD_UNKNOWN)
                return -ENOTSUP;
        *ret_cpu_ns = s.cpu_ns;
        return 0;
}
