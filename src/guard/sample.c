/* Once a second: the host; every few seconds: every cgroup's counters, turned into the accounts of
 * services. The dead are included because counters, not living processes, are summed:
 * services + kernel + unattributed = host.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "model/drill.h"
#include "source/proc/process.h"
#include "world/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define SAMPLE_NS       (5 * NSEC_PER_SEC)
#define FIRST_SAMPLE_NS NSEC_PER_SEC
#define DISKS_NS        (60 * NSEC_PER_SEC)
#define SELF_NS         (10 * NSEC_PER_SEC)
#define KERNEL_SHARE    0.0001 /* of a core, to read what kernel threads use... */
#define CHANGED_SHARE   0.001  /* ...and when the root group has begun to use more or less */
#define ROOT_CHANGED    0.1    /* cores */
#define FIRST_AUDIT_NS  (5 * NSEC_PER_SEC)
#define EMPTY_KEEP_NS   (30 * NSEC_PER_SEC) /* a container's restart comes back to the same path */
#define SLOPE_SAMPLES   24                  /* 2 minutes of samples before a slope is believed */

/* ---- groups ---- */

static void group_close(struct guard_group *s)
{
        if (s->open)
                cgroup_watch_close(&s->watch);
        memset(s, 0, sizeof *s);
}

/* A group that appears, or appears again at the same path, is watched at once: it may be gone before
 * the next round. */
void guard_group_seen(struct guard *g, uint32_t k)
{
        struct world_cgroup *c = &g->world.cgroup[k];
        struct guard_group *s = &g->group[k];
        uint64_t cpu;

        if (s->open && c->processes)
                return;
        if (s->open && cgroup_watch_cpu(&s->watch, &cpu) == 0)
                return;
        /* what the last life of this path used, or was given on account, is still to be accounted */
        struct guard_group kept = {.no_cpu = s->no_cpu,
                .delta_ns = s->delta_ns,
                .charged_ns = s->charged_ns,
                .given_ns = s->given_ns};
        group_close(s);
        *s = kept;
        s->open = cgroup_watch_open(&g->layout, c->path, &s->watch) == 0;
        c->id = cgroup_id(&g->layout, c->path);
        world_cgroup_has_id(&g->world, k, c->id);
        if (!s->open) {
                s->no_cpu = !g->layout.version; /* else it may be about to be made */
                return;
        }
        s->no_cpu = cgroup_watch_cpu(&s->watch, &cpu) < 0;
        if (s->no_cpu)
                return;
        /* Born under our eyes: all it used so far counts. Older: only what it uses from now on. */
        s->last_cpu_ns = g->ticks ? 0 : cpu;
}

static uint32_t parent_group(const struct guard *g, const char *path)
{
        char up[WORLD_PATH];
        char *slash;

        snprintf(up, sizeof up, "%s", path);
        while ((slash = strrchr(up, '/'))) {
                *slash = '\0';
                if (!up[0])
                        return path[1] ? 1 : 0; /* "/" is always there */
                uint32_t k = world_cgroup_find(&g->world, up);
                if (k)
                        return k;
        }
        return 0;
}

static void add_known(uint64_t *sum, uint64_t value)
{
        if (value != BOARD_UNKNOWN)
                *sum = *sum == BOARD_UNKNOWN ? value : *sum + value;
}

static double worse(double a, double b)
{
        return isnan(a) ? b : isnan(b) ? a : MAX(a, b);
}

/* Nothing when it is unknown: a group that goes away while it is looked at has no counters any more. */
static uint64_t grown(uint64_t now, uint64_t *last)
{
        if (now == BOARD_UNKNOWN)
                return 0;
        uint64_t d = now > *last ? now - *last : 0;

        *last = now;
        return d;
}

/* What grows: how much since the last look. */
static void add_counters(struct guard *g, uint32_t k, const struct cgroup_sample *s, uint64_t now_ns)
{
        struct guard_group *was = &g->group[k];
        struct service *v = &g->board->service[g->world.cgroup[k].service];
        bool counts = was->sampled || g->world.cgroup[k].born_seen;
        uint64_t throttled = grown(s->throttled_ns, &was->last_throttled_ns);
        uint64_t periods = grown(s->periods, &was->last_periods);
        uint64_t throttled_periods = grown(s->throttled_periods, &was->last_throttled_periods);
        uint64_t oom = grown(s->oom_kills, &was->last_oom_kills);

        was->sampled = true;
        was->no_cpu = s->cpu_ns == BOARD_UNKNOWN;
        if (!was->no_cpu)
                was->delta_ns += grown(s->cpu_ns, &was->last_cpu_ns);
        if (!counts)
                return; /* it is older than us: what it counted before is not ours to tell */
        v->throttled_ns += throttled;
        v->periods += periods;
        v->throttled_periods += throttled_periods;
        if (oom)
                world_oom(&g->world, g->world.cgroup[k].service, false, oom, now_ns);
}

/* What is now: summed over the service's groups, those inside another of its groups left out. */
static void add_gauges(struct guard *g, uint32_t k, const struct cgroup_sample *s)
{
        struct service *v = &g->board->service[g->world.cgroup[k].service];
        uint32_t up = parent_group(g, g->world.cgroup[k].path);

        if (k == 1 || (up && g->world.cgroup[up].service == g->world.cgroup[k].service))
                return; /* the root's memory is everybody's */
        add_known(&v->memory_bytes, s->memory_bytes);
        add_known(&v->memory_limit_bytes, s->memory_limit_bytes);
        add_known(&v->pids, s->pids);
        add_known(&v->pids_limit, s->pids_limit);
        v->psi_cpu = worse(v->psi_cpu, s->psi_cpu);
        v->psi_memory = worse(v->psi_memory, s->psi_memory);
        v->psi_io = worse(v->psi_io, s->psi_io);
}

static void clear_sums(struct guard *g)
{
        for (uint32_t i = 0; i < g->board->service_top; i++) {
                struct service *v = &g->board->service[i];
                v->memory_bytes = v->memory_limit_bytes = v->pids = v->pids_limit = BOARD_UNKNOWN;
                v->psi_cpu = v->psi_memory = v->psi_io = NAN;
        }
}

static void sample_group(struct guard *g, uint32_t k, uint64_t now_ns)
{
        struct world_cgroup *c = &g->world.cgroup[k];
        struct guard_group *s = &g->group[k];
        struct cgroup_sample now;

        if (!g->layout.version)
                return;
        if (!s->open)
                guard_group_seen(g, k);
        int r = s->open ? cgroup_watch_sample(&s->watch, &now) : -ENODEV;
        if (r == -ENODEV && s->open && c->processes) {
                guard_group_seen(g, k); /* removed and made again */
                r = s->open ? cgroup_watch_sample(&s->watch, &now) : -ENODEV;
        }
        if (r < 0)
                return;
        add_counters(g, k, &now, now_ns);
        add_gauges(g, k, &now);
}

/* Its last process died: the counters are about to vanish, CPU and the OOM kill that may have done it. */
void guard_group_emptied(struct guard *g, uint32_t k)
{
        struct cgroup_sample now;

        if (g->group[k].open && cgroup_watch_sample(&g->group[k].watch, &now) == 0)
                add_counters(g, k, &now, clock_boot_ns());
        guard_act_group_emptied(g);
}

static void forget_empty(struct guard *g, uint64_t now_ns)
{
        for (uint32_t k = 2; k < g->world.cgroup_top; k++) {
                const struct world_cgroup *c = &g->world.cgroup[k];
                if (!c->path[0] || c->processes || !c->empty_since_ns ||
                        now_ns - c->empty_since_ns < EMPTY_KEEP_NS || g->group[k].delta_ns ||
                        world_cgroup_has_zombies(&g->world, k))
                        continue;
                group_close(&g->group[k]);
                world_cgroup_forget(&g->world, k);
        }
}

/* ---- accounts ---- */

static double cores(uint64_t ns, uint64_t interval_ns)
{
        return (double)ns / (double)interval_ns;
}

static uint64_t kernel_threads_cpu(struct guard *g)
{
        struct board *b = g->board;
        struct proc_stat st;
        uint64_t sum = 0;

        for (uint32_t i = 1; i < b->process_top; i++) {
                struct process *p = &b->process[i];
                if (p->state != PROCESS_ALIVE || !(p->flags & PROCESS_F_KTHREAD))
                        continue;
                if (proc_read_schedstat(g->proc_fd, p->pid, &p->cpu_ns) < 0 &&
                        proc_read_stat(g->proc_fd, p->pid, &st) == 0)
                        p->cpu_ns = proc_ticks_to_ns(st.utime_ticks + st.stime_ticks);
                if (p->cpu_ns != BOARD_UNKNOWN)
                        sum += p->cpu_ns;
        }
        return sum;
}

/* What kernel threads used in the interval. There are hundreds of them, so that they are read as rarely as
 * that costs; between two readings the last one's pace is assumed, and the next one settles the difference.
 */
static uint64_t kernel_used(struct guard *g, uint64_t root_ns, uint64_t interval_ns, uint64_t now_ns)
{
        double root = cores(root_ns, interval_ns);
        bool changed = g->ticks < 10 || fabs(root - g->root_rate) > ROOT_CHANGED;
        uint64_t used;

        if (!pace_is_due(&g->kernel_pace, changed ? CHANGED_SHARE : KERNEL_SHARE, now_ns)) {
                used = (uint64_t)(g->kernel_rate * (double)interval_ns);
                g->kernel_given_ns += used;
                return used;
        }
        pace_begin(&g->kernel_pace);
        uint64_t now = kernel_threads_cpu(g);
        pace_end(&g->kernel_pace, now_ns);
        used = now - MIN(now, g->kernel_cpu_ns);
        bool first = !g->kernel_read_ns;
        if (!first && now_ns > g->kernel_read_ns)
                g->kernel_rate = (double)used / (double)(now_ns - g->kernel_read_ns);
        g->root_rate = root;
        g->kernel_read_ns = now_ns;
        g->kernel_cpu_ns = now;
        if (first)
                return 0; /* of what they used before us nobody was given anything */
        uint64_t settled = MIN(used, g->kernel_given_ns);
        g->kernel_given_ns -= settled;
        return used - settled;
}

static uint64_t self_cpu(struct guard *g)
{
        uint64_t sum = 0, one;

        for (uint32_t k = 0; k < ARRAY_SIZE(g->world.self_pid); k++)
                if (g->world.self_pid[k] && proc_read_schedstat(g->proc_fd, g->world.self_pid[k], &one) == 0)
                        sum += one;
        return sum;
}

/* What each group used since the last account, without the groups below it. Where no control groups are to be
 * seen the root has what all tasks of the host used. */
static void own_cpu(struct guard *g, uint64_t own[WORLD_CGROUPS])
{
        const struct host *h = &g->board->host;
        uint64_t tasks = h->cpu_user_ns + h->cpu_nice_ns + h->cpu_system_ns;

        for (uint32_t k = 1; k < g->world.cgroup_top; k++)
                own[k] = g->group[k].delta_ns;
        if (!g->layout.version)
                own[1] = g->last_host_busy_ns ? tasks - MIN(tasks, g->host_tasks_ns) : 0;
        g->host_tasks_ns = tasks;
        for (uint32_t k = 2; k < g->world.cgroup_top; k++) {
                const char *path = g->world.cgroup[k].path;
                /* what has no counter is in no parent's either, and taken from the root's below */
                uint32_t up = path[0] && !g->group[k].no_cpu ? parent_group(g, path) : 0;
                if (up)
                        own[up] -= MIN(own[up], g->group[k].delta_ns);
        }
}

/* The root group's counter holds the CPU of kernel threads and of groups without a counter, too. What was
 * given to the root and is found to be theirs later is taken from it then, so that the sum of all stays what
 * its counter says: never more than it counted that isn't known to be others', or was given on account to
 * others who had not used it. Without a counter of its own it owes nothing. */
static void pay_root_debt(struct guard *g, uint64_t own[WORLD_CGROUPS], uint64_t threads)
{
        uint64_t given = threads, most;

        g->root_counted_ns += own[1];
        most = g->root_counted_ns + g->kernel_given_ns;
        for (uint32_t k = 2; k < g->world.cgroup_top; k++)
                if (g->group[k].no_cpu) {
                        given += g->group[k].delta_ns;
                        most += g->group[k].given_ns;
                }
        given = MIN(given, most);
        g->root_counted_ns -= MIN(given, g->root_counted_ns);
        g->root_debt_ns += given;
        uint64_t paid = MIN(own[1], g->root_debt_ns);
        own[1] -= paid;
        g->root_debt_ns -= paid;
}

/* Of each service: what it used since it was accounted last, and what that is of the interval alone, which is
 * not the same where a later look settles what was given on account. */
struct used {
        uint64_t total[BOARD_SERVICES], now[BOARD_SERVICES];
};

static void sum_services(struct guard *g, const uint64_t own[WORLD_CGROUPS], uint64_t hidden, struct used *u)
{
        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top; k++) {
                struct guard_group *s = &g->group[k];
                if (!g->world.cgroup[k].path[0])
                        continue;
                uint64_t now = s->no_cpu ? MIN(s->rate_ns, hidden) : own[k];
                hidden -= s->no_cpu ? now : 0;
                u->total[g->world.cgroup[k].service] += own[k];
                u->now[g->world.cgroup[k].service] += now;
                s->rate_ns = 0;
        }
        if (g->layout.version) {
                u->total[g->world.cgroup[1].service] += own[1];
                u->now[g->world.cgroup[1].service] += hidden;
        }
        for (uint32_t k = 1; k < g->world.cgroup_top; k++)
                g->group[k].delta_ns = 0;
}

static void take_self(struct guard *g, struct used *u, uint64_t self)
{
        uint32_t process = world_find(&g->world, g->board->self.guard_pid);
        uint16_t from = g->world.cgroup[process ? g->board->process[process].cgroup : 1].service;

        u->total[from] -= MIN(u->total[from], self);
        u->now[from] -= MIN(u->now[from], self);
        u->total[g->world.self_service] += self;
        u->now[g->world.self_service] += self;
}

static void tell_services(struct guard *g, const struct used *u, uint64_t interval_ns)
{
        struct board *b = g->board;
        uint64_t services = 0;

        for (uint32_t i = 0; i < b->service_top; i++) {
                b->service[i].cpu_ns += u->total[i];
                b->service[i].cpu_ratio = cores(u->now[i], interval_ns);
                services += i == g->world.kernel_service ? 0 : u->now[i];
                if (!b->sources.bpf)
                        b->service[i].cpu_exited_ns = BOARD_UNKNOWN;
        }
        b->host.cpu_services_ratio = cores(services, interval_ns);
        b->host.cpu_kernel_ratio = cores(u->now[g->world.kernel_service], interval_ns);
}

static void account(struct guard *g, uint64_t interval_ns, uint64_t now_ns)
{
        struct board *b = g->board;
        const struct host *h = &b->host;
        static uint64_t own[WORLD_CGROUPS];
        static struct used used;

        memset(&used, 0, sizeof used);
        uint64_t irq_now = h->cpu_irq_ns + h->cpu_softirq_ns;
        uint64_t irq = irq_now > g->host_irq_ns ? irq_now - g->host_irq_ns : 0;
        uint64_t self_now = self_cpu(g);
        uint64_t self = self_now > g->self_cpu_ns ? self_now - g->self_cpu_ns : 0;
        uint64_t busy_now = h->cpu_user_ns + h->cpu_nice_ns + h->cpu_system_ns + irq_now + h->cpu_steal_ns;
        own_cpu(g, own);
        uint64_t threads = kernel_used(g, own[1], interval_ns, now_ns);
        uint64_t threads_now = MIN(threads, (uint64_t)(g->kernel_rate * (double)interval_ns));
        bool first = !g->last_host_busy_ns;
        uint64_t hidden = own[1] - MIN(own[1], threads_now);
        guard_uncounted(g, hidden, interval_ns, now_ns);
        if (g->layout.version)
                pay_root_debt(g, own, threads);
        for (uint32_t k = guard_first_uncounted(g); k < g->world.cgroup_top; k++)
                if (g->group[k].no_cpu)
                        own[k] = g->group[k].delta_ns;
        sum_services(g, own, hidden, &used);
        take_self(g, &used, self);
        used.total[g->world.kernel_service] = threads + irq;
        used.now[g->world.kernel_service] = threads_now + irq;
        if (!first) {
                double busy = cores(busy_now - MIN(busy_now, g->last_host_busy_ns), interval_ns);
                tell_services(g, &used, interval_ns);
                b->host.cpu_unattributed_ratio = busy - b->host.cpu_services_ratio - b->host.cpu_kernel_ratio;
        }
        b->self.cpu_ratio = first ? (double)NAN : cores(self, interval_ns);
        g->host_irq_ns = irq_now;
        g->self_cpu_ns = self_now;
        g->last_host_busy_ns = busy_now;
}

static void memory_slopes(struct guard *g, double interval)
{
        for (uint32_t i = 1; i < g->board->service_top; i++) {
                struct service *v = &g->board->service[i];
                struct guard_slope *m = &g->slope[i];
                if (v->memory_bytes == BOARD_UNKNOWN) {
                        *m = (struct guard_slope){0};
                        v->memory_slope_bytes_per_sec = NAN;
                        continue;
                }
                if (m->samples) {
                        double now = ((double)v->memory_bytes - (double)m->last_bytes) / interval;
                        m->smooth += (now - m->smooth) / MIN(m->samples, (uint32_t)SLOPE_SAMPLES);
                }
                m->last_bytes = v->memory_bytes;
                m->samples++;
                v->memory_slope_bytes_per_sec = m->samples > SLOPE_SAMPLES ? m->smooth : (double)NAN;
        }
}

static void sample_groups(struct guard *g, uint64_t now_ns)
{
        uint64_t interval = now_ns - g->last_sample_ns;

        clear_sums(g);
        for (uint32_t k = 1; k < g->world.cgroup_top; k++)
                if (g->world.cgroup[k].path[0])
                        sample_group(g, k, now_ns);
        account(g, interval, now_ns);
        memory_slopes(g, (double)interval / 1e9);
        forget_empty(g, now_ns);
        world_count_probes(&g->world);
        g->last_sample_ns = now_ns;
}

/* ---- the rest of a tick ---- */

static void self_stats(struct guard *g)
{
        struct self_stats *s = &g->board->self;
        const struct {
                int32_t pid;
                uint64_t *rss;
        } each[] = {
                {s->guard_pid, &s->guard_rss_bytes},
                {s->engine_pid, &s->engine_rss_bytes},
                {s->recorder_pid, &s->recorder_rss_bytes},
        };
        struct proc_status st;

        for (size_t k = 0; k < ARRAY_SIZE(each); k++)
                if (each[k].pid && proc_read_status(g->proc_fd, each[k].pid, &st) == 0)
                        *each[k].rss = st.vmrss_bytes;
}

static void fork_rates(struct guard *g)
{
        for (uint32_t i = 0; i < g->board->service_top; i++) {
                struct service *v = &g->board->service[i];
                double now = (double)(v->forks - g->last_forks[i]);
                /* a service entry may have been cleared for another name */
                if (v->forks < g->last_forks[i])
                        now = 0;
                v->fork_rate += (now - v->fork_rate) / 10;
                g->last_forks[i] = v->forks;
        }
}

void guard_service_moved(struct guard *g, uint16_t from, uint16_t to)
{
        g->load_sum[to] += g->load_sum[from];
        g->load_sum5[to] += g->load_sum5[from];
        g->last_forks[to] += g->last_forks[from];
        if (!g->slope[to].samples)
                g->slope[to] = g->slope[from];
        g->load_sum[from] = g->load_sum5[from] = 0;
        g->last_forks[from] = 0;
        g->slope[from] = (struct guard_slope){0};
}

void guard_sample_host(struct guard *g, uint64_t now_ns)
{
        g->oom_kills_before = g->board->host.oom_kills;
        g->births += g->births_late;
        g->births_late = 0;
        g->host_read_ns = clock_boot_ns();
        host_sampler_sample(&g->host, &g->board->host, now_ns);
}

void guard_sample_tick(struct guard *g, uint64_t now_ns)
{
        struct host *h = &g->board->host;

        if (now_ns >= g->disks_due_ns) {
                host_sampler_disks(&g->host, h, now_ns);
                g->disks_due_ns = now_ns + DISKS_NS;
        }
        if (view_drills(g->board, now_ns))
                g->disks_due_ns = MIN(g->disks_due_ns, now_ns + DRILL_DISKS * NSEC_PER_SEC);
        fork_rates(g);
        guard_sample_active(g, now_ns);
        bool due =
                now_ns - g->last_sample_ns >= (g->ticks < 10 ? FIRST_SAMPLE_NS : SAMPLE_NS) - NSEC_PER_MSEC;
        if (due || (h->oom_kills > g->oom_kills_before && g->ticks))
                sample_groups(g, now_ns);
        if (now_ns >= g->self_due_ns) {
                self_stats(g);
                g->self_due_ns = now_ns + SELF_NS;
        }
        if (now_ns >= g->audit_due_ns)
                g->audit_due_ns = now_ns + guard_audit(g, now_ns);
        g->ticks++;
}

/* ---- start and stop ---- */

static void psi_ready(void *ctx, uint32_t events)
{
        struct guard *g = ctx;

        /* Something is stuck now: look at once instead of at the end of the second. */
        g->board->host.psi_triggered_ns = clock_boot_ns();
        if (events & EPOLLPRI && g->tick_timer.due_ns > clock_boot_ns() + 100 * NSEC_PER_MSEC)
                loop_arm(&g->loop, &g->tick_timer, clock_boot_ns() + 50 * NSEC_PER_MSEC);
}

/* 15 % of a 2 s window: fires about half a second after a stall begins, and is quiet on a busy but
 * healthy host except for CPU, which is only polled. */
static void start_psi(struct guard *g)
{
        static const char *const resource[] = {"memory", "io"};

        for (size_t k = 0; k < ARRAY_SIZE(resource) && g->config.sources.psi; k++) {
                int fd = host_psi_trigger(g->proc_fd, resource[k], 300000);
                if (fd < 0)
                        continue;
                g->psi_watch[k] = (struct loop_fd){.fd = fd, .ready = psi_ready, .ctx = g};
                if (loop_add(&g->loop, &g->psi_watch[k], EPOLLPRI) < 0)
                        close(fd);
                else
                        g->board->sources.psi_triggers = true;
        }
}

void guard_sample_start(struct guard *g)
{
        uint64_t now_ns = clock_boot_ns();

        if (host_sampler_init(&g->host, g->proc_fd, &g->board->host) < 0)
                log_warning("some of the host's figures cannot be read");
        host_sampler_sample(&g->host, &g->board->host, now_ns);
        for (uint32_t k = 1; k < g->world.cgroup_top; k++)
                if (g->world.cgroup[k].path[0] && !g->group[k].open)
                        guard_group_seen(g, k);
        g->last_sample_ns = now_ns;
        account(g, NSEC_PER_SEC, now_ns); /* sets where counting starts */
        g->audit_due_ns = now_ns + FIRST_AUDIT_NS;
        start_psi(g);
}

void guard_sample_stop(struct guard *g)
{
        for (uint32_t k = 0; k < ARRAY_SIZE(g->group); k++)
                group_close(&g->group[k]);
        for (size_t k = 0; k < ARRAY_SIZE(g->psi_watch); k++)
                if (g->psi_watch[k].ready)
                        close(g->psi_watch[k].fd);
        host_sampler_done(&g->host);
}
