/* `services`: what each one is, does and costs. */
#include "api/api.h"

#include <string.h>

static void limit(struct json_out *j, const char *key, uint64_t value)
{
        json_out_count(j, key, value ? value : BOARD_UNKNOWN);
}

/* What only the engine counts. */
static void told(const struct service *s, struct json_out *j, const char *key, uint64_t n)
{
        json_out_count(j, key, view_untold(s) && !n ? BOARD_UNKNOWN : n);
}

static void health_checks(const struct service *s, struct json_out *j)
{
        json_out_object(j, "health_checks");
        if (view_untold(s))
                json_out_null(j, "defined");
        else
                json_out_bool(j, "defined", s->has_health_check);
        told(s, j, "runs", s->probe_runs.total);
        told(s, j, "timeouts", s->probe_timeouts.total);
        told(s, j, "failures", s->probe_failures.total);
        json_out_seconds(
                j, "cpu_seconds", view_untold(s) && !s->probe_cpu_ns ? BOARD_UNKNOWN : s->probe_cpu_ns);
        json_out_int(j, "open", s->probes_open);
        json_out_int(j, "orphans", s->probe_orphans);
        json_out_text_or_null(j, "command", s->health_command);
        json_out_bool(j, "shell", s->health_shell);
        json_out_object_end(j);
}

static void service(const struct api_view *v, const struct service *s, const char *name, struct json_out *j)
{
        json_out_object(j, NULL);
        json_out_text(j, "service", name);
        json_out_text(j, "kind", service_kind_name(s->kind));
        json_out_text_or_null(j, "id", s->id);
        json_out_text_or_null(j, "image", s->image);
        json_out_text_or_null(j, "image_id", s->image_id);
        json_out_text_or_null(j, "config_hash", s->config_hash);
        json_out_text(j, "state", container_state_name(s->state));
        json_out_int(j, "processes", s->processes);
        json_out_int(j, "threads", s->threads);
        json_out_int(j, "zombies", s->zombies);
        json_out_int(j, "leaders", s->leaders);
        json_out_int(j, "held", s->held);
        json_out_number(j, "cpu_ratio", s->cpu_ratio);
        json_out_seconds(j, "cpu_seconds", s->cpu_ns);
        json_out_seconds(j, "cpu_seconds_exited", s->cpu_exited_ns);
        json_out_number(j, "load", s->load1);
        json_out_number(j, "load5", s->load5);
        json_out_int(j, "runnable", s->runnable);
        json_out_int(j, "uninterruptible", s->uninterruptible);
        json_out_count(j, "memory_bytes", s->memory_bytes);
        limit(j, "memory_limit_bytes", s->memory_limit_bytes);
        json_out_count(j, "pids", s->pids);
        limit(j, "pids_limit", s->pids_limit);
        json_out_object(j, "psi");
        json_out_number(j, "cpu", s->psi_cpu);
        json_out_number(j, "memory", s->psi_memory);
        json_out_number(j, "io", s->psi_io);
        json_out_object_end(j);
        json_out_seconds(
                j, "throttled_seconds", v->board->sources.cgroup_version ? s->throttled_ns : BOARD_UNKNOWN);
        json_out_count(j, "oom_kills", s->oom_kills);
        told(s, j, "restarts", s->restarts.total + s->restarts_before);
        told(s, j, "restarts_last_hour", view_recent(&s->restarts, v->now_ns, 3600));
        json_out_text(j, "health", container_health_name(s->health));
        health_checks(s, j);
        json_out_count(j, "forks", s->forks);
        json_out_count(j, "deaths", s->deaths);
        json_out_number(j, "fork_rate", s->fork_rate);
        json_out_int(j, "containers", s->containers);
        json_out_bool(j, "init", s->has_init);
        json_out_bool(j, "protected", s->protect || s->is_self);
        json_out_time(j, "first_seen_at", s->first_seen_ns, v->wall_offset_ns);
        json_out_time(j, "deployed_at", s->deployed_ns, v->wall_offset_ns);
        json_out_object_end(j);
}

/* "(other)" gathers what found no room in the table: shown when there is something in it. */
static bool shown(const struct board *b, uint32_t i)
{
        const struct service *s = &b->service[i];

        return view_service_used(b, (uint16_t)i) &&
               (i > 0 || s->processes || s->zombies || s->deaths || s->cpu_ns);
}

void api_services(const struct api_view *v, const struct api_query *q, struct json_out *j)
{
        const struct board *b = v->board;
        const struct host *h = &b->host;
        uint32_t left = q->limit ? q->limit : BOARD_SERVICES;

        json_out_object(j, NULL);
        json_out_array(j, "services");
        for (uint32_t i = 0; i < view_services(b) && left; i++) {
                const char *name = view_service_name(b, (uint16_t)i);
                if (!shown(b, i) || (q->service[0] && strcmp(q->service, name) != 0))
                        continue;
                service(v, &b->service[i], name, j);
                left--;
        }
        json_out_array_end(j);
        json_out_object(j, "unattributed");
        json_out_number(j, "cpu_ratio", h->cpu_unattributed_ratio);
        json_out_object_end(j);
        json_out_object(j, "kernel");
        json_out_number(j, "cpu_ratio", h->cpu_kernel_ratio);
        json_out_object_end(j);
        json_out_object(j, "host");
        json_out_number(j, "cpu_ratio", h->cpu_busy_ratio * h->cpus);
        json_out_object_end(j);
        json_out_object_end(j);
}
