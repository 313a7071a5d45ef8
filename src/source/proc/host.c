/* Load, CPU, memory and pressure of the host: see host.h. */
#include "source/proc/host.h"

#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "source/proc/lines.h"
#include "source/proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What hardly ever changes, or is dear to read (vmstat sums over all CPUs), is read every tenth time. */
enum { SLOW_EVERY = 10 };

/* The kernel's clock ticks are 10 ms: over less than a quarter of a second a ratio would be mostly noise. */
#define RATIO_MIN_NS (250 * NSEC_PER_MSEC)

/* Two minutes: long enough that garbage collectors and build steps even out, short enough that growth which
 * fills the host within a quarter of an hour is seen in time. */
#define MEMORY_TAU_SEC 120.0
#define MEMORY_MIN_NS  (120 * NSEC_PER_SEC)

/* ---- /proc/stat ---- */

enum cpu_mode { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, MODES };

struct stat_text {
        bool has_cpu;
        uint64_t mode_ns[MODES];
        uint32_t cpus;
        uint64_t btime, processes, running, blocked; /* BOARD_UNKNOWN when not there */
};

static void on_stat_line(void *ctx, char *line)
{
        struct stat_text *st = ctx;
        const struct {
                const char *key;
                uint64_t *value;
        } numbers[] = {
                {"btime ", &st->btime},
                {"processes ", &st->processes},
                {"procs_running ", &st->running},
                {"procs_blocked ", &st->blocked},
        };
        uint64_t v;

        if (!strncmp(line, "cpu", 3) && line[3] >= '0' && line[3] <= '9') {
                st->cpus++;
        } else if (!strncmp(line, "cpu ", 4)) {
                const char *p = line + 4;
                /* Guest time, the ninth number, is part of user already. Old kernels have fewer modes. */
                for (int i = 0; i < MODES; i++) {
                        p += strspn(p, " ");
                        if (!text_u64(&p, &v))
                                break;
                        st->mode_ns[i] = proc_ticks_to_ns(v);
                        st->has_cpu |= i == IDLE;
                }
        }
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                size_t n = strlen(numbers[i].key);
                const char *p = line + n;
                if (!strncmp(line, numbers[i].key, n) && text_u64(&p, &v))
                        *numbers[i].value = v;
        }
}

static struct stat_text read_stat(int fd)
{
        struct stat_text st = {.btime = BOARD_UNKNOWN,
                .processes = BOARD_UNKNOWN,
                .running = BOARD_UNKNOWN,
                .blocked = BOARD_UNKNOWN};
        struct lines lines = {.line = on_stat_line, .ctx = &st};

        if (fd >= 0)
                lines_read(&lines, fd);
        return st;
}

/* Busy is what tasks and interrupts used. Stolen time was nobody's here, but it passed: it is in the total,
 * so that a starved guest doesn't look busy. */
static void take_ratio(struct host_sampler *s, struct host *h, const uint64_t mode_ns[MODES])
{
        uint64_t busy = mode_ns[USER] + mode_ns[NICE] + mode_ns[SYSTEM] + mode_ns[IRQ] + mode_ns[SOFTIRQ];
        uint64_t total = busy + mode_ns[IDLE] + mode_ns[IOWAIT] + mode_ns[STEAL];

        if (s->last_total_ns && total > s->last_total_ns && total - s->last_total_ns < RATIO_MIN_NS)
                return;
        /* The kernel's idle and iowait may go back a little: then there is no telling, this once. */
        if (s->last_total_ns && total > s->last_total_ns && busy >= s->last_busy_ns)
                h->cpu_busy_ratio =
                        fmin(1.0, (double)(busy - s->last_busy_ns) / (double)(total - s->last_total_ns));
        s->last_busy_ns = busy;
        s->last_total_ns = total;
}

static void sample_stat(struct host_sampler *s, struct host *h)
{
        struct stat_text st = read_stat(s->stat_fd);

        if (st.has_cpu) {
                uint64_t *const modes[MODES] = {&h->cpu_user_ns, &h->cpu_nice_ns, &h->cpu_system_ns,
                        &h->cpu_idle_ns, &h->cpu_iowait_ns, &h->cpu_irq_ns, &h->cpu_softirq_ns,
                        &h->cpu_steal_ns};
                for (int i = 0; i < MODES; i++)
                        *modes[i] = st.mode_ns[i];
                take_ratio(s, h, st.mode_ns);
        }
        if (st.cpus)
                h->cpus = st.cpus;
        if (st.btime != BOARD_UNKNOWN && st.btime < UINT64_MAX / NSEC_PER_SEC)
                h->boot_unix_ns = st.btime * NSEC_PER_SEC;
        h->forks = st.processes;
        if (st.running <= UINT32_MAX)
                h->runnable = (uint32_t)st.running;
        if (st.blocked <= UINT32_MAX)
                h->blocked = (uint32_t)st.blocked;
}

/* ---- the short ones ---- */

/* "12.34" without locale. */
static bool decimal(const char **p, double *ret)
{
        const char *s = *p;
        uint64_t whole, fraction = 0;
        double scale = 1;

        if (!text_u64(&s, &whole))
                return false;
        if (*s == '.') {
                const char *digits = ++s;
                if (!text_u64(&s, &fraction))
                        return false;
                for (; digits < s; digits++)
                        scale *= 10;
        }
        *ret = (double)whole + (double)fraction / scale;
        *p = s;
        return true;
}

/* "0.31 0.20 0.11 3/456 7890": the number behind the slash is of all threads, dead ones not reaped too. */
static void sample_load(const struct host_sampler *s, struct host *h)
{
        double *const loads[] = {&h->load1, &h->load5, &h->load15};
        char buf[128];
        const char *p = buf;
        uint64_t running, tasks;
        size_t i;

        h->load1 = h->load5 = h->load15 = NAN;
        h->tasks = BOARD_UNKNOWN;
        if (s->loadavg_fd < 0 || file_reread(s->loadavg_fd, buf, sizeof(buf)) <= 0)
                return;
        for (i = 0; i < ARRAY_SIZE(loads) && decimal(&p, loads[i]); i++)
                p += strspn(p, " ");
        if (i == ARRAY_SIZE(loads) && text_u64(&p, &running) && *p++ == '/' && text_u64(&p, &tasks))
                h->tasks = tasks;
}

static uint64_t value_of(const char *text, const char *key)
{
        const char *p = text_line_value(text, key);
        uint64_t v;

        return p && text_u64(&p, &v) ? v : BOARD_UNKNOWN;
}

static uint64_t kib_of(const char *text, const char *key)
{
        uint64_t v = value_of(text, key), bytes;

        return v == BOARD_UNKNOWN || __builtin_mul_overflow(v, UINT64_C(1024), &bytes) ? BOARD_UNKNOWN
                                                                                       : bytes;
}

static void sample_memory(struct host_sampler *s, struct host *h, uint64_t now_ns)
{
        char buf[4096];

        if (s->meminfo_fd < 0 || file_reread(s->meminfo_fd, buf, sizeof(buf)) <= 0)
                buf[0] = '\0';
        h->memory_bytes = kib_of(buf, "MemTotal:");
        h->memory_available_bytes = kib_of(buf, "MemAvailable:");
        h->swap_bytes = kib_of(buf, "SwapTotal:");
        h->swap_free_bytes = kib_of(buf, "SwapFree:");
        if (h->memory_bytes == BOARD_UNKNOWN || h->memory_available_bytes > h->memory_bytes)
                return;
        h->memory_slope_bytes_per_sec = trend_add(&s->memory_use, now_ns,
                (double)(h->memory_bytes - h->memory_available_bytes), MEMORY_TAU_SEC, MEMORY_MIN_NS);
}

struct pressure {
        double avg10; /* 0..1, NAN unknown */
        uint64_t total_ns;
};

/* "some avg10=0.12 avg60=0.05 avg300=0.01 total=12345", the total in us. */
static struct pressure pressure(const char *text, const char *key)
{
        struct pressure p = {NAN, BOARD_UNKNOWN};
        const char *at = text_line_value(text, key);
        double percent;
        uint64_t total_us;

        if (at && decimal(&at, &percent) && percent <= 100)
                p.avg10 = percent / 100;
        at = at ? strstr(at, " total=") : NULL;
        if (at && (at += strlen(" total="), text_u64(&at, &total_us)) &&
                total_us <= UINT64_MAX / NSEC_PER_USEC)
                p.total_ns = total_us * NSEC_PER_USEC;
        return p;
}

static void sample_pressure(int fd, struct pressure *some, struct pressure *full)
{
        char buf[256];

        if (fd < 0 || file_reread(fd, buf, sizeof(buf)) <= 0)
                buf[0] = '\0';
        *some = pressure(buf, "some avg10=");
        *full = pressure(buf, "full avg10=");
}

static void sample_pressures(const struct host_sampler *s, struct host *h)
{
        struct pressure some, full;

        sample_pressure(s->psi_cpu_fd, &some, &full); /* full means nothing for the CPU of a whole host */
        h->psi_cpu = some.avg10;
        h->psi_cpu_some_ns = some.total_ns;
        sample_pressure(s->psi_memory_fd, &some, &full);
        h->psi_memory = some.avg10;
        h->psi_memory_full = full.avg10;
        h->psi_memory_some_ns = some.total_ns;
        h->psi_memory_full_ns = full.total_ns;
        sample_pressure(s->psi_io_fd, &some, &full);
        h->psi_io = some.avg10;
        h->psi_io_full = full.avg10;
        h->psi_io_some_ns = some.total_ns;
        h->psi_io_full_ns = full.total_ns;
}

/* ---- what changes rarely ---- */

static void on_vmstat_line(void *ctx, char *line)
{
        const char *p = line + strlen("oom_kill ");
        uint64_t v;

        if (!strncmp(line, "oom_kill ", strlen("oom_kill ")) && text_u64(&p, &v))
                *(uint64_t *)ctx = v;
}

static uint64_t read_number(int proc_fd, const char *path)
{
        char buf[32];
        const char *p = buf;
        uint64_t v;

        return file_read_at(proc_fd, path, buf, sizeof(buf)) > 0 && text_u64(&p, &v) ? v : BOARD_UNKNOWN;
}

static void read_word(int proc_fd, const char *path, char *dst, size_t size)
{
        char buf[128];

        if (file_read_at(proc_fd, path, buf, sizeof(buf)) <= 0)
                return;
        text_printable(dst, size, buf, strcspn(buf, "\n"));
}

static void sample_slow(struct host_sampler *s, struct host *h)
{
        struct lines lines = {.line = on_vmstat_line, .ctx = &h->oom_kills};

        h->oom_kills = BOARD_UNKNOWN;
        if (s->vmstat_fd >= 0)
                lines_read(&lines, s->vmstat_fd);
        h->pid_max = read_number(s->proc_fd, "sys/kernel/pid_max");
        h->threads_max = read_number(s->proc_fd, "sys/kernel/threads-max");
        read_word(s->proc_fd, "sys/kernel/hostname", h->name, sizeof(h->name));
        read_word(s->proc_fd, "sys/kernel/osrelease", h->kernel, sizeof(h->kernel));
}

/* ---- the sampler ---- */

static int open_kept(int proc_fd, const char *path)
{
        return openat(proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int host_sampler_init(struct host_sampler *s, int proc_root_fd, struct host *h)
{
        *s = (struct host_sampler){
                .proc_fd = proc_root_fd,
                .stat_fd = open_kept(proc_root_fd, "stat"),
                .loadavg_fd = open_kept(proc_root_fd, "loadavg"),
                .meminfo_fd = open_kept(proc_root_fd, "meminfo"),
                .vmstat_fd = open_kept(proc_root_fd, "vmstat"),
                .psi_cpu_fd = open_kept(proc_root_fd, "pressure/cpu"),
                .psi_memory_fd = open_kept(proc_root_fd, "pressure/memory"),
                .psi_io_fd = open_kept(proc_root_fd, "pressure/io"),
        };
        *h = (struct host){
                .load1 = NAN,
                .load5 = NAN,
                .load15 = NAN,
                .tasks = BOARD_UNKNOWN,
                .memory_bytes = BOARD_UNKNOWN,
                .memory_available_bytes = BOARD_UNKNOWN,
                .swap_bytes = BOARD_UNKNOWN,
                .swap_free_bytes = BOARD_UNKNOWN,
                .memory_slope_bytes_per_sec = NAN,
                .psi_cpu = NAN,
                .psi_memory = NAN,
                .psi_io = NAN,
                .psi_memory_full = NAN,
                .psi_io_full = NAN,
                .psi_cpu_some_ns = BOARD_UNKNOWN,
                .psi_memory_some_ns = BOARD_UNKNOWN,
                .psi_memory_full_ns = BOARD_UNKNOWN,
                .psi_io_some_ns = BOARD_UNKNOWN,
                .psi_io_full_ns = BOARD_UNKNOWN,
                .cpu_user_ns = BOARD_UNKNOWN,
                .cpu_nice_ns = BOARD_UNKNOWN,
                .cpu_system_ns = BOARD_UNKNOWN,
                .cpu_idle_ns = BOARD_UNKNOWN,
                .cpu_iowait_ns = BOARD_UNKNOWN,
                .cpu_irq_ns = BOARD_UNKNOWN,
                .cpu_softirq_ns = BOARD_UNKNOWN,
                .cpu_steal_ns = BOARD_UNKNOWN,
                .cpu_busy_ratio = NAN,
                .cpu_services_ratio = NAN,
                .cpu_kernel_ratio = NAN,
                .cpu_unattributed_ratio = NAN,
                .forks = BOARD_UNKNOWN,
        };
        struct stat_text st = read_stat(s->stat_fd);
        h->cpus = st.cpus;
        if (st.btime != BOARD_UNKNOWN && st.btime < UINT64_MAX / NSEC_PER_SEC)
                h->boot_unix_ns = st.btime * NSEC_PER_SEC;
        sample_slow(s, h);
        return 0;
}

void host_sampler_done(struct host_sampler *s)
{
        int *fds[] = {&s->stat_fd, &s->loadavg_fd, &s->meminfo_fd, &s->vmstat_fd, &s->psi_cpu_fd,
                &s->psi_memory_fd, &s->psi_io_fd};

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (*fds[i] >= 0)
                        close(*fds[i]);
                *fds[i] = -1;
        }
}

void host_sampler_sample(struct host_sampler *s, struct host *h, uint64_t now_ns)
{
        sample_stat(s, h);
        sample_load(s, h);
        sample_memory(s, h, now_ns);
        sample_pressures(s, h);
        if (++s->samples % SLOW_EVERY == 0)
                sample_slow(s, h);
}

int host_psi_trigger(int proc_root_fd, const char *resource, uint64_t stall_us)
{
        char path[32], text[64];

        if (strchr(resource, '/') || strlen(resource) > 16)
                return -EINVAL;
        snprintf(path, sizeof(path), "pressure/%s", resource);
        int n = snprintf(text, sizeof(text), "some %llu 2000000", (unsigned long long)stall_us);
        cleanup_close int fd = openat(proc_root_fd, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, text, (size_t)n + 1) < 0)
                return -errno;
        return TAKE_FD(fd);
}
