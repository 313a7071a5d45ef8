/* Captures as JSON: see capture_json.h. */
#include "api/capture_json.h"

#include "base/util.h"
#include "model/names.h"
#include "world/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int64_t capture_unix_ms(const struct capture *c)
{
        int64_t ns;

        if (c->begun_ns > INT64_MAX || __builtin_add_overflow((int64_t)c->begun_ns, c->wall_offset_ns, &ns) ||
                ns < 0)
                return 0;
        return ns / (int64_t)NSEC_PER_MSEC;
}

const char *capture_id(int64_t unix_ms, char buf[CAPTURE_ID])
{
        snprintf(buf, CAPTURE_ID, "%" PRId64, unix_ms);
        return buf;
}

static void put_text(const struct capture *c, struct json_out *j, const char *key, capture_text t)
{
        json_out_text_or_null(j, key, capture_text_of(c, t));
}

static void put_service(const struct capture *c, struct json_out *j, uint8_t service)
{
        if (service < c->services)
                put_text(c, j, "service", c->service[service].name);
        else
                json_out_null(j, "service");
}

static void put_letter(struct json_out *j, const char *key, char letter)
{
        json_out_text_or_null(j, key, (const char[]){letter, '\0'});
}

/* ---- why ---- */

static void put_reasons(const struct capture *c, struct json_out *j)
{
        json_out_array(j, "reasons");
        for (uint32_t i = 0; i < c->reasons; i++) {
                const struct capture_reason *r = &c->reason[i];
                json_out_object(j, NULL);
                json_out_time(j, "time", r->time_ns, c->wall_offset_ns);
                json_out_text(j, "cause", r->cause == CAPTURE_ACTION ? "action" : "finding");
                json_out_text(j, "what", r->what);
                json_out_text_or_null(j, "service", r->service);
                json_out_count(j, "finding", r->finding ? r->finding : BOARD_UNKNOWN);
                json_out_text_or_null(j, "who", r->who);
                json_out_text(j, "text", r->text);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_int(j, "reasons_left_out", c->reasons_left_out);
}

/* ---- figures ---- */

static void put_host(const struct capture_host *h, struct json_out *j)
{
        double available = view_ratio(h->memory_available_bytes, h->memory_bytes);

        json_out_object(j, "host");
        json_out_int(j, "cpus", h->cpus);
        json_out_array(j, "load");
        json_out_number(j, NULL, h->load1);
        json_out_number(j, NULL, h->load5);
        json_out_number(j, NULL, h->load15);
        json_out_array_end(j);
        json_out_number(j, "cpu_busy_ratio", h->cpu_busy_ratio);
        json_out_object(j, "cpu");
        json_out_number(j, "services_ratio", h->cpu_services_ratio);
        json_out_number(j, "kernel_ratio", h->cpu_kernel_ratio);
        json_out_number(j, "unattributed_ratio", h->cpu_unattributed_ratio);
        json_out_object_end(j);
        json_out_count(j, "memory_bytes", h->memory_bytes);
        json_out_count(j, "memory_available_bytes", h->memory_available_bytes);
        json_out_number(j, "memory_used_ratio", 1 - available);
        json_out_count(j, "swap_bytes", h->swap_bytes);
        json_out_count(j, "swap_free_bytes", h->swap_free_bytes);
        json_out_count(j, "oom_kills", h->oom_kills);
        json_out_object(j, "psi");
        json_out_number(j, "cpu", h->psi_cpu);
        json_out_number(j, "memory", h->psi_memory);
        json_out_number(j, "memory_full", h->psi_memory_full);
        json_out_number(j, "io", h->psi_io);
        json_out_number(j, "io_full", h->psi_io_full);
        json_out_object_end(j);
        json_out_int(j, "runnable", h->runnable);
        json_out_int(j, "blocked", h->blocked);
        json_out_count(j, "tasks", h->tasks);
        json_out_count(j, "pid_max", h->pid_max);
        json_out_int(j, "zombies", h->zombies);
        json_out_object_end(j);
}

static void put_services(const struct capture *c, struct json_out *j)
{
        json_out_array(j, "services");
        for (uint32_t i = 0; i < c->services; i++) {
                const struct capture_service *s = &c->service[i];
                json_out_object(j, NULL);
                put_text(c, j, "service", s->name);
                json_out_text(j, "kind", service_kind_name(s->kind));
                json_out_bool(j, "is_about", s->is_about);
                json_out_bool(j, "contributes", s->contributes);
                json_out_int(j, "processes", s->processes);
                json_out_int(j, "processes_listed", s->listed);
                json_out_int(j, "threads", s->threads);
                json_out_int(j, "zombies", s->zombies);
                json_out_int(j, "zombies_held", s->held);
                json_out_int(j, "runnable", s->runnable);
                json_out_int(j, "blocked", s->uninterruptible);
                json_out_int(j, "stuck", s->stuck);
                json_out_number(j, "cpu_ratio", s->cpu_ratio);
                json_out_number(j, "load", s->load1);
                json_out_count(j, "memory_bytes", s->memory_bytes);
                json_out_count(j, "memory_limit_bytes", s->memory_limit_bytes);
                json_out_number(j, "memory_growth", s->memory_slope);
                json_out_number(j, "forks_per_second", s->fork_rate);
                json_out_count(j, "pids", s->pids);
                json_out_count(j, "pids_limit", s->pids_limit);
                json_out_object(j, "psi");
                json_out_number(j, "cpu", s->psi_cpu);
                json_out_number(j, "memory", s->psi_memory);
                json_out_number(j, "io", s->psi_io);
                json_out_object_end(j);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

/* ---- tasks, processes ---- */

static void put_stack(const char *stack, struct json_out *j)
{
        json_out_array(j, "stack");
        while (*stack) {
                size_t line = strcspn(stack, "\n");
                json_out_bytes(j, NULL, stack, line);
                stack += line + (stack[line] == '\n');
        }
        json_out_array_end(j);
}

static void put_tasks(const struct capture *c, struct json_out *j)
{
        static const char *const stacks[] = {[CAPTURE_STACKS_NONE] = "none",
                [CAPTURE_STACKS_READ] = "read",
                [CAPTURE_STACKS_FAILED] = "failed"};

        json_out_text(j, "stacks", stacks[c->stacks]);
        json_out_text(j, "stacks_error",
                c->stacks == CAPTURE_STACKS_FAILED ? strerrordesc_np(c->stacks_error) : NULL);
        json_out_array(j, "tasks");
        for (uint32_t i = 0; i < c->tasks; i++) {
                const struct capture_task *t = &c->task[i];
                json_out_object(j, NULL);
                json_out_int(j, "pid", t->pid);
                json_out_int(j, "tid", t->tid);
                put_letter(j, "state", t->state);
                put_service(c, j, t->service);
                put_text(c, j, "name", t->comm);
                json_out_seconds(j, "cpu_seconds", t->cpu_ns);
                put_text(c, j, "wait", t->wait);
                put_stack(capture_text_of(c, t->stack), j);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_int(j, "tasks_left_out", c->tasks_left_out);
}

static void put_exit(struct json_out *j, int32_t status)
{
        if (status >= 0 && WIFEXITED(status))
                json_out_int(j, "exit_code", WEXITSTATUS(status));
        else
                json_out_null(j, "exit_code");
        if (status >= 0 && WIFSIGNALED(status))
                json_out_text(j, "signal", signal_name(WTERMSIG(status)));
        else
                json_out_null(j, "signal");
}

static void put_process(const struct capture *c, const struct capture_process *p, struct json_out *j)
{
        char seen = p->seen && p->seen != '-' ? p->seen : p->state == PROCESS_ZOMBIE ? 'Z' : '\0';

        json_out_object(j, NULL);
        json_out_int(j, "pid", p->pid);
        json_out_int(j, "ppid", p->ppid);
        put_service(c, j, p->service);
        put_text(c, j, "command", p->command);
        put_letter(j, "state", seen);
        json_out_bool(j, "gone", p->seen == '-');
        json_out_number(j, "seen_after", p->seen ? p->seen_ms / 1000.0 : NAN);
        json_out_int(j, "threads", p->threads);
        json_out_int(j, "zombies", p->zombies);
        json_out_seconds(j, "cpu_seconds", p->cpu_ns);
        json_out_count(j, "memory_bytes", p->rss_bytes);
        json_out_time(j, "started_at", p->start_ns, c->wall_offset_ns);
        json_out_time(j, "died_at", p->exit_ns, c->wall_offset_ns);
        if (p->state == PROCESS_ZOMBIE || p->state == PROCESS_LEADER)
                put_exit(j, p->exit_status);
        json_out_bool(j, "is_pid1", p->flags & CAPTURE_INIT);
        json_out_bool(j, "is_kernel", p->flags & CAPTURE_KERNEL);
        json_out_bool(j, "is_probe", p->flags & CAPTURE_PROBE);
        json_out_bool(j, "is_context", p->flags & CAPTURE_CONTEXT);
        json_out_object_end(j);
}

/* ---- what happened before ---- */

/* The oldest first. */
static void put_deaths(const struct capture *c, struct json_out *j)
{
        json_out_array(j, "deaths");
        for (uint32_t i = c->deaths; i-- > 0;) {
                const struct capture_death *d = &c->death[i];
                json_out_object(j, NULL);
                json_out_time(j, "time", d->time_ns, c->wall_offset_ns);
                json_out_int(j, "pid", d->pid);
                json_out_int(j, "ppid", d->ppid);
                put_text(c, j, "service", d->service);
                put_text(c, j, "name", d->comm);
                put_text(c, j, "command", d->command);
                put_exit(j, d->exit_status);
                json_out_count(j, "count", d->count);
                json_out_seconds(j, "cpu_seconds", d->cpu_ns);
                json_out_time(j, "started_at", d->start_ns, c->wall_offset_ns);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

static void put_log(const struct capture *c, struct json_out *j)
{
        uint64_t expected = 0;

        json_out_text(j, "kernel_log_error", c->log_error ? strerrordesc_np(c->log_error) : NULL);
        json_out_array(j, "kernel_log");
        for (uint32_t i = c->lines; i-- > 0;) {
                const struct capture_line *l = &c->line[i];
                json_out_object(j, NULL);
                json_out_number(j, "seconds", (double)l->boot_usec / 1e6);
                json_out_int(j, "level", l->level);
                json_out_text(j, "text", capture_text_of(c, l->text));
                bool missed = expected && view_known(l->sequence) && l->sequence > expected;
                json_out_count(j, "missed_before", missed ? l->sequence - expected : 0);
                json_out_object_end(j);
                expected = view_known(l->sequence) ? l->sequence + 1 : 0;
        }
        json_out_array_end(j);
}

void capture_json(const struct capture *c, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_int(j, "id", capture_unix_ms(c));
        json_out_time(j, "captured_at", c->begun_ns, c->wall_offset_ns);
        json_out_seconds(j, "took", c->ended_ns - MIN(c->begun_ns, c->ended_ns));
        json_out_seconds(j, "held_up", c->held_ns);
        put_reasons(c, j);
        put_host(&c->host, j);
        put_services(c, j);
        put_tasks(c, j);
        json_out_array(j, "processes");
        for (uint32_t i = 0; i < c->processes; i++)
                put_process(c, &c->process[i], j);
        json_out_array_end(j);
        json_out_int(j, "processes_left_out", c->processes_left_out);
        put_deaths(c, j);
        put_log(c, j);
        json_out_int(j, "texts_left_out", c->texts_left_out);
        json_out_object_end(j);
}
