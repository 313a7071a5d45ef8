/* The metrics, under the names that node_exporter, cAdvisor and process-exporter gave theirs where they
 * have one. A family is a row of a table with a function that gives its value for the host or for a
 * service; NAN = no sample. Few families need code of their own.
 */
#include "api/api.h"

#include "base/text.h"
#include "notify/policy.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum metric_type { GAUGE, COUNTER, UNTYPED, HISTOGRAM };

struct metrics {
        const struct api_view *v;
        bool openmetrics;
        struct out *out;
};

/* -- exposition -- */

/* name without the _total that counters carry: OpenMetrics calls the family so, the older format its
 * samples' name. */
static void family(struct metrics *m, const char *name, enum metric_type type, const char *help)
{
        static const char *const names[] = {"gauge", "counter", "untyped", "histogram"};
        const char *total = type == COUNTER && !m->openmetrics ? "_total" : "";
        const char *word = type == UNTYPED && m->openmetrics ? "unknown" : names[type];

        out_format(m->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total, word);
}

static void sample_begin(struct metrics *m, const char *name, enum metric_type type)
{
        out_text(m->out, name);
        if (type == COUNTER)
                out_text(m->out, "_total");
}

/* before: '{' for the first label, ',' for others. */
static void label(struct metrics *m, char before, const char *name, const char *value, size_t size)
{
        char safe[4 * BOARD_STRING + 8];
        size_t n = text_printable(safe, sizeof safe, value, strnlen(value, MIN(size, (size_t)BOARD_STRING)));

        out_bytes(m->out, &before, 1);
        out_text(m->out, name);
        out_text(m->out, "=\"");
        for (size_t i = 0; i < n; i++) {
                if (safe[i] == '"' || safe[i] == '\\')
                        out_text(m->out, "\\");
                out_bytes(m->out, safe + i, 1);
        }
        out_text(m->out, "\"");
}

static void value(struct metrics *m, double v)
{
        out_format(m->out, " %.15g\n", v);
}

static double count_of(uint64_t n)
{
        return n == BOARD_UNKNOWN ? NAN : (double)n;
}

static double seconds(uint64_t ns)
{
        return count_of(ns) / (double)NSEC_PER_SEC;
}

/* -- the host -- */

struct host_metric {
        const char *name;
        enum metric_type type;
        const char *label, *label_value; /* NULL: none */
        double (*value)(const struct board *b);
        const char *help; /* NULL: one more sample of the family above */
};

#define HOST(fn, expr)                                                                                       \
        static double fn(const struct board *b)                                                              \
        {                                                                                                    \
                return expr;                                                                                 \
        }
HOST(load1, b->host.load1)
HOST(load5, b->host.load5)
HOST(load15, b->host.load15)
HOST(cpu_user, seconds(b->host.cpu_user_ns))
HOST(cpu_nice, seconds(b->host.cpu_nice_ns))
HOST(cpu_system, seconds(b->host.cpu_system_ns))
HOST(cpu_idle, seconds(b->host.cpu_idle_ns))
HOST(cpu_iowait, seconds(b->host.cpu_iowait_ns))
HOST(cpu_irq, seconds(b->host.cpu_irq_ns))
HOST(cpu_softirq, seconds(b->host.cpu_softirq_ns))
HOST(cpu_steal, seconds(b->host.cpu_steal_ns))
HOST(mem_total, count_of(b->host.memory_bytes))
HOST(mem_available, count_of(b->host.memory_available_bytes))
HOST(swap_total, count_of(b->host.swap_bytes))
HOST(swap_free, count_of(b->host.swap_free_bytes))
HOST(boot_time, (double)b->host.boot_unix_ns / (double)NSEC_PER_SEC)
HOST(running, b->host.runnable)
HOST(blocked, b->host.blocked)
HOST(forks_total, count_of(b->host.forks))
HOST(state_z, b->zombies)
HOST(threads, count_of(b->host.tasks))
HOST(max_processes, count_of(b->host.pid_max))
HOST(max_threads, count_of(b->host.threads_max))
HOST(oom_kill, count_of(b->host.oom_kills))
HOST(psi_cpu, b->host.psi_cpu)
HOST(psi_memory, b->host.psi_memory)
HOST(psi_io, b->host.psi_io)
HOST(psi_cpu_waiting, seconds(b->host.psi_cpu_some_ns))
HOST(psi_memory_waiting, seconds(b->host.psi_memory_some_ns))
HOST(psi_memory_stalled, seconds(b->host.psi_memory_full_ns))
HOST(psi_io_waiting, seconds(b->host.psi_io_some_ns))
HOST(psi_io_stalled, seconds(b->host.psi_io_full_ns))
HOST(cpu_busy, b->host.cpu_busy_ratio)
HOST(unattributed, b->host.cpu_unattributed_ratio)
HOST(leaders, b->leaders)
HOST(events, count_of(b->self.events))
HOST(self_cpu, b->self.cpu_ratio)
HOST(rss_guard, b->self.guard_rss_bytes ? count_of(b->self.guard_rss_bytes) : NAN)
HOST(rss_recorder, b->self.recorder_rss_bytes ? count_of(b->self.recorder_rss_bytes) : NAN)
HOST(rss_engine, b->self.engine_rss_bytes ? count_of(b->self.engine_rss_bytes) : NAN)
HOST(corrections, count_of(b->self.audit_corrections))
HOST(breaker_open, b->breaker.open)
HOST(breaker_opened, b->breaker.opened)

static const struct host_metric host_metrics[] = {
        {"node_load1", GAUGE, .value = load1, .help = "1m load average."},
        {"node_load5", GAUGE, .value = load5, .help = "5m load average."},
        {"node_load15", GAUGE, .value = load15, .help = "15m load average."},
        {"node_cpu_seconds", COUNTER, "mode", "user", cpu_user,
                "Seconds the CPUs spent in each mode, summed over all CPUs."},
        {"node_cpu_seconds", COUNTER, "mode", "nice", cpu_nice},
        {"node_cpu_seconds", COUNTER, "mode", "system", cpu_system},
        {"node_cpu_seconds", COUNTER, "mode", "idle", cpu_idle},
        {"node_cpu_seconds", COUNTER, "mode", "iowait", cpu_iowait},
        {"node_cpu_seconds", COUNTER, "mode", "irq", cpu_irq},
        {"node_cpu_seconds", COUNTER, "mode", "softirq", cpu_softirq},
        {"node_cpu_seconds", COUNTER, "mode", "steal", cpu_steal},
        {"node_memory_MemTotal_bytes", GAUGE, .value = mem_total, .help = "Memory of the host."},
        {"node_memory_MemAvailable_bytes", GAUGE, .value = mem_available,
                .help = "Memory that can still be taken without swapping."},
        {"node_memory_SwapTotal_bytes", GAUGE, .value = swap_total, .help = "Swap space."},
        {"node_memory_SwapFree_bytes", GAUGE, .value = swap_free, .help = "Free swap space."},
        {"node_boot_time_seconds", GAUGE, .value = boot_time, .help = "Unix time of the boot."},
        {"node_procs_running", GAUGE, .value = running, .help = "Runnable tasks."},
        {"node_procs_blocked", GAUGE, .value = blocked, .help = "Tasks in uninterruptible sleep for I/O."},
        {"node_forks", COUNTER, .value = forks_total, .help = "Forks since boot."},
        {"node_processes_state", GAUGE, "state", "Z", state_z,
                "Processes in a state; only zombies are counted here."},
        {"node_processes_threads", GAUGE, .value = threads,
                .help = "Threads of all processes, zombies included."},
        {"node_processes_max_processes", GAUGE, .value = max_processes, .help = "Limit of process numbers."},
        {"node_processes_max_threads", GAUGE, .value = max_threads, .help = "Limit of threads."},
        {"node_vmstat_oom_kill", UNTYPED, .value = oom_kill, .help = "OOM kills since boot."},
        {"sexton_pressure_ratio", GAUGE, "resource", "cpu", psi_cpu,
                "Share of the last 10 s in which some task waited for the resource."},
        {"sexton_pressure_ratio", GAUGE, "resource", "memory", psi_memory},
        {"sexton_pressure_ratio", GAUGE, "resource", "io", psi_io},
        {"node_pressure_cpu_waiting_seconds", COUNTER, .value = psi_cpu_waiting,
                .help = "Time in which some task waited for a CPU."},
        {"node_pressure_memory_waiting_seconds", COUNTER, .value = psi_memory_waiting,
                .help = "Time in which some task waited for memory."},
        {"node_pressure_memory_stalled_seconds", COUNTER, .value = psi_memory_stalled,
                .help = "Time in which no task could run for want of memory."},
        {"node_pressure_io_waiting_seconds", COUNTER, .value = psi_io_waiting,
                .help = "Time in which some task waited for I/O."},
        {"node_pressure_io_stalled_seconds", COUNTER, .value = psi_io_stalled,
                .help = "Time in which no task could run for waiting for I/O."},
        {"sexton_cpu_busy_ratio", GAUGE, .value = cpu_busy, .help = "Busy share of all CPUs."},
        {"sexton_cpu_unattributed_ratio", GAUGE, .value = unattributed,
                .help = "Cores busy for neither a known service nor the kernel."},
        {"sexton_leaders", GAUGE, .value = leaders,
                .help = "Processes whose leader is dead while other threads live."},
        {"sexton_events", COUNTER, .value = events,
                .help = "Births, deaths and other kernel events taken in."},
        {"sexton_audit_corrections", COUNTER, .value = corrections,
                .help = "Entries of the ledger put right by an audit."},
        {"sexton_breaker_open", GAUGE, .value = breaker_open,
                .help = "1 while the breaker acts on what overloads the host."},
        {"sexton_breaker_opened", COUNTER, .value = breaker_opened, .help = "Times the breaker opened."},
        {"sexton_self_cpu_ratio", GAUGE, .value = self_cpu, .help = "Cores used by Sexton itself."},
        {"sexton_self_resident_memory_bytes", GAUGE, "process", "guard", rss_guard,
                "Resident memory of Sexton's processes."},
        {"sexton_self_resident_memory_bytes", GAUGE, "process", "recorder", rss_recorder},
        {"sexton_self_resident_memory_bytes", GAUGE, "process", "engine", rss_engine},
};

static void host_families(struct metrics *m)
{
        for (size_t i = 0; i < ARRAY_SIZE(host_metrics); i++) {
                const struct host_metric *h = &host_metrics[i];
                double v = h->value(m->v->board);
                if (h->help)
                        family(m, h->name, h->type, h->help);
                if (isnan(v))
                        continue;
                sample_begin(m, h->name, h->type);
                if (h->label) {
                        label(m, '{', h->label, h->label_value, SIZE_MAX);
                        out_text(m->out, "}");
                }
                value(m, v);
        }
}

static void mounts(struct metrics *m)
{
        static const struct {
                const char *name, *help;
                size_t offset;
        } of[] = {
                {"node_filesystem_size_bytes", "Size of the file system.",
                        offsetof(struct mount_point, size_bytes)},
                {"node_filesystem_avail_bytes", "Space left to ordinary users.",
                        offsetof(struct mount_point, free_bytes)},
                {"node_filesystem_files", "Inodes of the file system.", offsetof(struct mount_point, inodes)},
                {"node_filesystem_files_free", "Free inodes.", offsetof(struct mount_point, inodes_free)},
        };
        const struct host *h = &m->v->board->host;

        for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
                family(m, of[i].name, GAUGE, of[i].help);
                for (uint32_t k = 0; k < MIN(h->mounts, (uint32_t)BOARD_MOUNTS); k++) {
                        uint64_t n;
                        memcpy(&n, (const char *)&h->mount[k] + of[i].offset, sizeof n);
                        if (!view_known(n))
                                continue;
                        sample_begin(m, of[i].name, GAUGE);
                        label(m, '{', "mountpoint", h->mount[k].path, sizeof h->mount[k].path);
                        out_text(m->out, "}");
                        value(m, count_of(n));
                }
        }
}

/* -- services -- */

enum label_set { BY_SERVICE, BY_CONTAINER, BY_GROUP };

struct service_metric {
        const char *name;
        enum metric_type type;
        enum label_set labels;
        const char *label, *label_value;
        double (*value)(const struct service *s);
        const char *help;
};

/* What only the engine counts. */
static double told(const struct service *s, uint64_t n)
{
        return view_untold(s) && !n ? NAN : count_of(n);
}

#define SERVICE(fn, expr)                                                                                    \
        static double fn(const struct service *s)                                                            \
        {                                                                                                    \
                return expr;                                                                                 \
        }
SERVICE(s_cpu, seconds(s->cpu_ns))
SERVICE(s_cpu_exited, seconds(s->cpu_exited_ns))
SERVICE(s_cpu_live, s->cpu_ns >= s->cpu_exited_ns ? seconds(s->cpu_ns - s->cpu_exited_ns) : NAN)
SERVICE(s_memory, count_of(s->memory_bytes))
SERVICE(s_memory_limit, s->memory_limit_bytes ? count_of(s->memory_limit_bytes) : NAN)
SERVICE(s_oom, count_of(s->oom_events))
SERVICE(s_processes, s->processes)
SERVICE(s_threads, s->threads)
SERVICE(s_pids_limit, s->pids_limit ? count_of(s->pids_limit) : NAN)
SERVICE(s_throttled, seconds(s->throttled_ns))
SERVICE(s_throttled_periods, count_of(s->throttled_periods))
SERVICE(s_periods, count_of(s->periods))
SERVICE(s_zombies, s->zombies)
SERVICE(s_load, s->load1)
SERVICE(s_restarts, told(s, s->restarts.total + s->restarts_before))
SERVICE(s_deaths_signal, count_of(s->deaths_signalled))
SERVICE(s_deaths_exit, s->deaths >= s->deaths_signalled ? count_of(s->deaths - s->deaths_signalled) : NAN)
SERVICE(s_probe_cpu, told(s, s->probe_cpu_ns) / (double)NSEC_PER_SEC)
SERVICE(s_probe_runs, told(s, s->probe_runs.total))
SERVICE(s_probe_timeouts, told(s, s->probe_timeouts.total))

static const struct service_metric service_metrics[] = {
        {"container_cpu_usage_seconds", COUNTER, BY_CONTAINER, .value = s_cpu,
                .help = "CPU used since Sexton watches, the dead included."},
        {"container_memory_working_set_bytes", GAUGE, BY_CONTAINER, .value = s_memory,
                .help = "Working set."},
        {"container_spec_memory_limit_bytes", GAUGE, BY_CONTAINER, .value = s_memory_limit,
                .help = "Memory limit, where there is one."},
        {"container_oom_events", COUNTER, BY_CONTAINER, .value = s_oom, .help = "OOM events."},
        {"container_processes", GAUGE, BY_CONTAINER, .value = s_processes, .help = "Living processes."},
        {"container_threads", GAUGE, BY_CONTAINER, .value = s_threads, .help = "Threads."},
        {"container_threads_max", GAUGE, BY_CONTAINER, .value = s_pids_limit,
                .help = "Limit of processes and threads, where there is one."},
        {"container_cpu_cfs_throttled_seconds", COUNTER, BY_CONTAINER, .value = s_throttled,
                .help = "Time for which its CPU quota held it back."},
        {"container_cpu_cfs_throttled_periods", COUNTER, BY_CONTAINER, .value = s_throttled_periods,
                .help = "Periods in which its CPU quota held it back."},
        {"container_cpu_cfs_periods", COUNTER, BY_CONTAINER, .value = s_periods,
                .help = "Periods of its CPU quota."},
        {"namedprocess_namegroup_num_procs", GAUGE, BY_GROUP, .value = s_processes,
                .help = "Living processes of the group, which is a service."},
        {"namedprocess_namegroup_num_threads", GAUGE, BY_GROUP, .value = s_threads,
                .help = "Threads of the group."},
        {"namedprocess_namegroup_states", GAUGE, BY_GROUP, "state", "Zombie", s_zombies,
                "Processes of the group in a state; only zombies are counted here."},
        {"sexton_service_cpu_seconds", COUNTER, BY_SERVICE, "life", "live", s_cpu_live,
                "CPU used since Sexton watches, by the living and by those that have exited."},
        {"sexton_service_cpu_seconds", COUNTER, BY_SERVICE, "life", "exited", s_cpu_exited},
        {"sexton_service_load1", GAUGE, BY_SERVICE, .value = s_load, .help = "The service's share of load1."},
        {"sexton_restarts", COUNTER, BY_SERVICE, .value = s_restarts, .help = "Restarts seen."},
        {"sexton_deaths", COUNTER, BY_SERVICE, "reason", "exit", s_deaths_exit,
                "Deaths of processes by how they came."},
        {"sexton_deaths", COUNTER, BY_SERVICE, "reason", "signal", s_deaths_signal},
        {"sexton_healthcheck_runs", COUNTER, BY_SERVICE, .value = s_probe_runs, .help = "Health checks run."},
        {"sexton_healthcheck_timeouts", COUNTER, BY_SERVICE, .value = s_probe_timeouts,
                .help = "Health checks that timed out."},
        {"sexton_healthcheck_cpu_seconds", COUNTER, BY_SERVICE, .value = s_probe_cpu,
                .help = "CPU used by health checks."},
};

static void service_labels(struct metrics *m, const struct service_metric *f, uint16_t i)
{
        static const char *const name_label[] = {
                [BY_SERVICE] = "service", [BY_CONTAINER] = "name", [BY_GROUP] = "groupname"};
        const struct service *s = view_service(m->v->board, i);

        label(m, '{', name_label[f->labels], view_service_name(m->v->board, i), sizeof s->name);
        if (f->labels == BY_CONTAINER) {
                label(m, ',', "image", s->image, sizeof s->image);
                label(m, ',', "id", s->id, sizeof s->id);
        }
        if (f->label)
                label(m, ',', f->label, f->label_value, SIZE_MAX);
        out_text(m->out, "}");
}

static void service_families(struct metrics *m)
{
        const struct board *b = m->v->board;

        for (size_t i = 0; i < ARRAY_SIZE(service_metrics); i++) {
                const struct service_metric *f = &service_metrics[i];
                if (f->help)
                        family(m, f->name, f->type, f->help);
                for (uint32_t k = 0; k < view_services(b); k++) {
                        const struct service *s = &b->service[k];
                        bool container = s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER;
                        if (!view_service_used(b, (uint16_t)k) || (f->labels == BY_CONTAINER && !container))
                                continue;
                        double v = f->value(s);
                        if (isnan(v))
                                continue;
                        sample_begin(m, f->name, f->type);
                        service_labels(m, f, (uint16_t)k);
                        value(m, v);
                }
        }
}

/* -- families of their own -- */

enum { ZOMBIE_GROUPS = 1024 };

/* Zombies of one service, holder's name and kind; an open hash table, whose last group takes the rest. */
struct zombie_group {
        uint32_t count;
        uint16_t service;
        uint8_t kind;
        char holder[LIFE_COMM_SIZE];
};

static struct zombie_group *group_of(struct zombie_group *all, const struct zombie_group *key)
{
        uint32_t at = key->service * 31u + key->kind;

        for (size_t i = 0; i < sizeof key->holder && key->holder[i]; i++)
                at = at * 33 + (unsigned char)key->holder[i];
        for (uint32_t i = 0; i < ZOMBIE_GROUPS; i++) {
                struct zombie_group *g = &all[(at + i) % ZOMBIE_GROUPS];
                if (!g->count)
                        *g = *key;
                if (g->service == key->service && g->kind == key->kind &&
                        !memcmp(g->holder, key->holder, sizeof g->holder))
                        return g;
        }
        return &all[ZOMBIE_GROUPS];
}

static void zombies(struct metrics *m)
{
        const struct board *b = m->v->board;
        struct zombie_group *all = calloc(ZOMBIE_GROUPS + 1, sizeof *all);
        uint32_t steps = view_processes(b);

        family(m, "sexton_zombies", GAUGE,
                "Zombies by service, name of the process that should bury them, and kind.");
        if (!all) {
                m->out->failed = true;
                return;
        }
        for (uint32_t i = b->ledger_head; i && i < view_processes(b) && steps;
                i = b->process[i].list_next, steps--) {
                const struct process *p = &b->process[i];
                const struct process *h = view_holder(b, &m->v->index, p);
                struct zombie_group key = {
                        .service = p->service, .kind = (uint8_t)view_kind_held(b, p, h, m->v->now_ns)};
                if (p->state != PROCESS_ZOMBIE && p->state != PROCESS_LEADER)
                        continue;
                if (h)
                        text_copy(key.holder, sizeof key.holder, h->comm, strnlen(h->comm, sizeof h->comm));
                group_of(all, &key)->count++;
        }
        for (uint32_t i = 0; i <= ZOMBIE_GROUPS; i++) {
                const struct zombie_group *g = &all[i];
                if (!g->count)
                        continue;
                const char *service = i < ZOMBIE_GROUPS ? view_service_name(b, g->service) : "(rest)";
                sample_begin(m, "sexton_zombies", GAUGE);
                label(m, '{', "service", service, BOARD_NAME);
                label(m, ',', "holder", g->holder, sizeof g->holder);
                label(m, ',', "kind", i < ZOMBIE_GROUPS ? zombie_kind_name(g->kind) : "(rest)", SIZE_MAX);
                out_text(m->out, "}");
                value(m, g->count);
        }
        free(all);
}

static void lost(struct metrics *m)
{
        family(m, "sexton_events_lost", COUNTER, "Events known to be lost, by where.");
        sample_begin(m, "sexton_events_lost", COUNTER);
        out_text(m->out, "{source=\"kernel\"}");
        value(m, count_of(m->v->board->self.events_lost));
        if (!m->v->history)
                return;
        sample_begin(m, "sexton_events_lost", COUNTER);
        out_text(m->out, "{source=\"ring\"}");
        value(m, count_of(m->v->history->lost));
}

static void delays(struct metrics *m)
{
        static const char *const bounds[] = {
                "0.01", "0.025", "0.05", "0.1", "0.5", "1.0", "5.0", "15.0", "+Inf"};
        const struct self_stats *s = &m->v->board->self;
        uint64_t sum = 0;

        family(m, "sexton_detection_delay_seconds", HISTOGRAM, "From a death to its entry in the ledger.");
        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
                sum += s->detection_delay_bucket[i];
                out_format(m->out, "sexton_detection_delay_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                        bounds[i], sum);
        }
        out_format(m->out, "sexton_detection_delay_seconds_sum %.15g\n", seconds(s->zombie_delay_ns_sum));
        out_format(m->out, "sexton_detection_delay_seconds_count %" PRIu64 "\n", sum);
}

static void wake_delays(struct metrics *m)
{
        static const char *const bounds[] = {"5e-05", "0.0001", "0.0005", "0.001", "0.01", "+Inf"};
        const struct self_stats *s = &m->v->board->self;
        uint64_t sum = 0;

        family(m, "sexton_guard_wake_delay_seconds", HISTOGRAM,
                "How late the guard woke after sleeping until a timer.");
        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
                sum += s->wake_delay_bucket[i];
                out_format(m->out, "sexton_guard_wake_delay_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                        bounds[i], sum);
        }
        out_format(m->out, "sexton_guard_wake_delay_seconds_sum %.15g\n", seconds(s->wake_delay_ns_sum));
        out_format(m->out, "sexton_guard_wake_delay_seconds_count %" PRIu64 "\n", sum);
}

static void findings(struct metrics *m)
{
        const struct board *b = m->v->board;

        family(m, "sexton_findings", GAUGE, "Open findings, without drills.");
        for (uint32_t i = 0; i < view_findings(b); i++) {
                const struct finding *f = &b->finding[i];
                char id[16];
                if (!f->id || !f->open || f->drill)
                        continue;
                snprintf(id, sizeof id, "%u", f->id);
                sample_begin(m, "sexton_findings", GAUGE);
                label(m, '{', "detector", f->detector, sizeof f->detector);
                label(m, ',', "service", f->service_name, sizeof f->service_name);
                label(m, ',', "severity", severity_name(f->severity) ? severity_name(f->severity) : "",
                        SIZE_MAX);
                label(m, ',', "id", id, SIZE_MAX);
                out_text(m->out, "}");
                value(m, 1);
        }
}

static void actions(struct metrics *m)
{
        const struct board *b = m->v->board;

        family(m, "sexton_actions", COUNTER,
                "Actions: taken, and what became of them; refused; what would have been done.");
        for (int i = 0; i < ACTION_COUNTS; i++) {
                const struct action_count *c = &b->action_count[i];
                const char *kind = action_kind_name(c->kind), *outcome = action_state_name(c->state);
                if (!c->count || !kind || !outcome)
                        continue;
                sample_begin(m, "sexton_actions", COUNTER);
                label(m, '{', "action", kind, SIZE_MAX);
                label(m, ',', "service", c->service_name, sizeof c->service_name);
                label(m, ',', "outcome", c->state == ACTION_ACTIVE ? "taken" : outcome, SIZE_MAX);
                out_text(m->out, "}");
                value(m, (double)c->count);
        }
        family(m, "sexton_actions_standing", GAUGE, "Actions that stand now.");
        for (uint32_t i = 1; i < MIN(b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &b->action[i];
                char id[16];
                if (!action_stands(a) || !action_kind_name(a->kind))
                        continue;
                snprintf(id, sizeof id, "%u", a->id);
                sample_begin(m, "sexton_actions_standing", GAUGE);
                label(m, '{', "action", action_kind_name(a->kind), SIZE_MAX);
                label(m, ',', "service", a->service_name, sizeof a->service_name);
                label(m, ',', "id", id, SIZE_MAX);
                out_text(m->out, "}");
                value(m, 1);
        }
}

static void incidents(struct metrics *m)
{
        family(m, "sexton_incidents", GAUGE, "Open incidents, without drills.");
        for (uint8_t s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
                sample_begin(m, "sexton_incidents", GAUGE);
                label(m, '{', "severity", severity_name(s), SIZE_MAX);
                label(m, ',', "state", "open", SIZE_MAX);
                out_text(m->out, "}");
                value(m, m->v->book ? book_open_of(m->v->book, (enum severity)s) : 0);
        }
}

static void notifications(struct metrics *m)
{
        const struct policy *p = m->v->policy;

        if (!p || !p->notifiers)
                return;
        family(m, "sexton_notifications", COUNTER, "Notices of incidents, by what became of them.");
        for (uint32_t i = 0; i < p->notifiers; i++)
                for (int f = 0; f < FATES; f++) {
                        sample_begin(m, "sexton_notifications", COUNTER);
                        label(m, '{', "notifier", p->notifier[i].config.name, SIZE_MAX);
                        label(m, ',', "outcome", policy_fate_name((enum policy_fate)f), SIZE_MAX);
                        out_text(m->out, "}");
                        value(m, (double)p->notifier[i].fate[f]);
                }
        family(m, "sexton_notifications_queued", GAUGE, "Notices that wait to be delivered.");
        for (uint32_t i = 0; i < p->notifiers; i++) {
                sample_begin(m, "sexton_notifications_queued", GAUGE);
                label(m, '{', "notifier", p->notifier[i].config.name, SIZE_MAX);
                out_text(m->out, "}");
                value(m, p->notifier[i].queued);
        }
}

static void build_info(struct metrics *m)
{
        const struct host *h = &m->v->board->host;

        family(m, "sexton_build_info", GAUGE, "Which Sexton this is.");
        out_text(m->out, "sexton_build_info{version=\"" SEXTON_VERSION "\"} 1\n");
        family(m, "node_uname_info", GAUGE, "Which host this is.");
        sample_begin(m, "node_uname_info", GAUGE);
        label(m, '{', "nodename", h->name, sizeof h->name);
        label(m, ',', "release", h->kernel, sizeof h->kernel);
        out_text(m->out, "} 1\n");
}

void api_metrics(const struct api_view *v, bool openmetrics, struct out *o)
{
        struct metrics m = {.v = v, .openmetrics = openmetrics, .out = o};

        build_info(&m);
        host_families(&m);
        mounts(&m);
        service_families(&m);
        zombies(&m);
        lost(&m);
        delays(&m);
        wake_delays(&m);
        findings(&m);
        actions(&m);
        incidents(&m);
        notifications(&m);
        if (openmetrics)
                out_text(o, "# EOF\n");
}
