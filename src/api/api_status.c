/* `status`: the host as a whole, what is wrong with it, and how well Sexton sees. */
#include "api/api.h"
#include "base/clock.h"

#include <string.h>

static void host(const struct api_view *v, struct json_out *j)
{
        const struct host *h = &v->board->host;

        json_out_object(j, "host");
        json_out_bytes(j, "name", h->name, sizeof h->name);
        json_out_int(j, "cpus", h->cpus);
        json_out_count(j, "memory_bytes", h->memory_bytes);
        json_out_bytes(j, "kernel", h->kernel, sizeof h->kernel);
        json_out_time(j, "boot_time", h->boot_unix_ns, 0);
        json_out_count(j, "pid_max", h->pid_max);
        json_out_count(j, "tasks", h->tasks);
        json_out_object_end(j);

        json_out_array(j, "load");
        json_out_number(j, NULL, h->load1);
        json_out_number(j, NULL, h->load5);
        json_out_number(j, NULL, h->load15);
        json_out_array_end(j);

        double available = view_ratio(h->memory_available_bytes, h->memory_bytes);
        json_out_number(j, "cpu_busy_ratio", h->cpu_busy_ratio);
        json_out_number(j, "memory_used_ratio", 1 - available);
        json_out_object(j, "psi");
        json_out_number(j, "cpu", h->psi_cpu);
        json_out_number(j, "memory", h->psi_memory);
        json_out_number(j, "io", h->psi_io);
        json_out_object_end(j);
        json_out_object(j, "cpu");
        json_out_number(j, "services_ratio", h->cpu_services_ratio);
        json_out_number(j, "kernel_ratio", h->cpu_kernel_ratio);
        json_out_number(j, "unattributed_ratio", h->cpu_unattributed_ratio);
        json_out_object_end(j);
}

/* What may become a finding: nothing is wrong yet, but neither is all well. */
static void pending(const struct api_view *v, struct json_out *j)
{
        const struct board *b = v->board;

        json_out_array(j, "pending");
        for (uint32_t i = 0; i < MIN(b->pendings, (uint32_t)BOARD_PENDING); i++) {
                const struct pending *p = &b->pending[i];
                json_out_object(j, NULL);
                json_out_bytes(j, "detector", p->finding.detector, sizeof p->finding.detector);
                json_out_text_or_null(j, "service", p->finding.service_name);
                json_out_text(j, "severity", severity_name(p->finding.severity));
                json_out_time(j, "since", p->finding.since_ns, v->wall_offset_ns);
                json_out_number(j, "lasted", view_age(p->finding.since_ns, v->now_ns));
                json_out_number(j, "for", p->for_sec);
                json_out_bytes(j, "text", p->finding.text, sizeof p->finding.text);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

static void mounts(const struct api_view *v, struct json_out *j)
{
        const struct host *h = &v->board->host;

        json_out_array(j, "mounts");
        for (uint32_t i = 0; i < MIN(h->mounts, (uint32_t)BOARD_MOUNTS); i++) {
                const struct mount_point *m = &h->mount[i];
                json_out_object(j, NULL);
                json_out_bytes(j, "path", m->path, sizeof m->path);
                json_out_count(j, "size_bytes", m->size_bytes);
                json_out_count(j, "free_bytes", m->free_bytes);
                json_out_count(j, "inodes", m->inodes);
                json_out_count(j, "inodes_free", m->inodes_free);
                json_out_object_end(j);
        }
        json_out_array_end(j);
}

static void gaps(const struct api_view *v, struct json_out *j)
{
        const struct board *b = v->board;
        uint64_t n = MIN(b->gap_total, (uint64_t)BOARD_GAPS);

        json_out_array(j, "gaps");
        for (uint64_t i = b->gap_total - n; i < b->gap_total; i++) {
                const struct gap *g = &b->gap[i % BOARD_GAPS];
                json_out_object(j, NULL);
                json_out_time(j, "from", g->from_ns, v->wall_offset_ns);
                json_out_time(j, "to", g->to_ns, v->wall_offset_ns);
                json_out_bytes(j, "source", g->source, sizeof g->source);
                json_out_count(j, "missed", g->missed);
                json_out_bytes(j, "text", g->text, sizeof g->text);
                json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_count(j, "gaps_total", b->gap_total);
}

static void sources(const struct api_view *v, struct json_out *j)
{
        static const char *const cgroups[] = {"none", "v1", "v2", "hybrid"};
        const struct sources *s = &v->board->sources;

        json_out_object(j, "sources");
        json_out_text(j, "lifecycle", lifecycle_name(s));
        json_out_text(j, "engine", engine_state_name(s->engine));
        json_out_text(
                j, "cgroup", s->cgroup_version < ARRAY_SIZE(cgroups) ? cgroups[s->cgroup_version] : NULL);
        json_out_bool(j, "netlink", s->netlink);
        json_out_bool(j, "bpf", s->bpf);
        json_out_bool(j, "bpf_iterator", s->bpf_iterator);
        json_out_bool(j, "pidfd", s->pidfd);
        json_out_bool(j, "pidfd_hup", s->pidfd_hup);
        json_out_bool(j, "scan", s->scan);
        json_out_bool(j, "psi_triggers", s->psi_triggers);
        json_out_bool(j, "root", s->root);
        json_out_bool(j, "host_pids", s->host_pids);
        json_out_bool(j, "host_cgroups", s->host_cgroups);
        json_out_text_or_null(j, "why_not_netlink", s->why_not_netlink);
        json_out_text_or_null(j, "why_not_bpf", s->why_not_bpf);
        json_out_text_or_null(j, "engine_text", s->engine_text);
        json_out_object_end(j);
}

static void store(const struct api_view *v, struct json_out *j)
{
        static const char *const states[] = {
                [STORE_ON_DISK] = "disk", [STORE_IN_MEMORY] = "memory", [STORE_OFF] = "off"};
        struct store_status s;

        json_out_object(j, "store");
        if (v->store) {
                store_status(v->store, &s);
                json_out_text(j, "state", states[s.state]);
                json_out_text_or_null(j, "text", s.text);
                json_out_text_or_null(j, "path", s.path);
                json_out_count(j, "file_bytes", s.file_bytes);
                json_out_count(j, "max_bytes", s.max_bytes);
                json_out_time(j, "oldest", (uint64_t)MAX(s.oldest_ms, (int64_t)0) * NSEC_PER_MSEC, 0);
                json_out_count(j, "waiting_events", s.waiting_events);
                json_out_count(j, "waiting_documents", s.waiting_documents);
                json_out_count(j, "lost_events", s.lost_events);
                json_out_count(j, "lost_documents", s.lost_documents);
        }
        json_out_object_end(j);
}

static void pid_or_null(struct json_out *j, const char *key, int32_t pid)
{
        if (pid > 0)
                json_out_int(j, key, pid);
        else
                json_out_null(j, key);
}

/* A resident size of 0 has not been measured yet. */
static void rss(struct json_out *j, const char *key, uint64_t bytes)
{
        json_out_count(j, key, bytes ? bytes : BOARD_UNKNOWN);
}

static void self(const struct api_view *v, struct json_out *j)
{
        const struct self_stats *s = &v->board->self;

        json_out_object(j, "self");
        rss(j, "guard_rss_bytes", s->guard_rss_bytes);
        rss(j, "recorder_rss_bytes", s->recorder_rss_bytes);
        rss(j, "engine_rss_bytes", s->engine_rss_bytes);
        json_out_number(j, "cpu_ratio", s->cpu_ratio);
        json_out_bool(j, "guard_real_time", s->guard_real_time);
        json_out_bool(j, "guard_memory_locked", s->guard_locked);
        json_out_count(j, "guard_major_faults", s->guard_major_faults);
        pid_or_null(j, "supervisor_pid", s->supervisor_pid);
        pid_or_null(j, "guard_pid", s->guard_pid);
        pid_or_null(j, "engine_pid", s->engine_pid);
        pid_or_null(j, "recorder_pid", s->recorder_pid);
        pid_or_null(j, "courier_pid", s->courier_pid);
        pid_or_null(j, "rescue_pid", s->rescue_pid);
        json_out_bool(j, "rescue_real_time", s->rescue_real_time);
        json_out_time(j, "started_at", v->board->started_ns, v->wall_offset_ns);
        json_out_time(j, "updated_at", v->board->updated_ns, v->wall_offset_ns);
        json_out_count(j, "guard_starts", v->board->guard_generation);
        json_out_count(j, "events", s->events);
        json_out_count(j, "events_lost", s->events_lost);
        json_out_count(j, "audits", s->audits);
        json_out_count(j, "audit_corrections", s->audit_corrections);
        json_out_count(j, "scans", s->scans);
        json_out_object(j, "overflow");
        json_out_count(j, "processes", s->overflow_processes);
        json_out_count(j, "strings", s->overflow_strings);
        json_out_count(j, "services", s->overflow_services);
        json_out_count(j, "findings", s->overflow_findings);
        json_out_count(j, "ring", v->history ? s->overflow_ring + v->history->lost : s->overflow_ring);
        json_out_object_end(j);
        json_out_number(j, "zombie_delay",
                s->zombie_delay_count ? (double)s->zombie_delay_ns_sum / (double)s->zombie_delay_count /
                                                (double)NSEC_PER_SEC
                                      : NAN);
        json_out_object_end(j);
}

void api_status(const struct api_view *v, struct json_out *j)
{
        const struct board *b = v->board;
        uint32_t used = 0;

        for (uint32_t i = 0; i < view_services(b); i++)
                used += view_service_used(b, (uint16_t)i);
        json_out_object(j, NULL);
        json_out_time(j, "time", v->now_ns, v->wall_offset_ns);
        json_out_text(j, "version", SEXTON_VERSION);
        host(v, j);
        json_out_int(j, "zombies", b->zombies);
        json_out_int(j, "leaders", b->leaders);
        json_out_int(j, "services", used);
        json_out_int(j, "incidents_open", v->book ? book_open_count(v->book) : 0);
        json_out_number(j, "grace", (double)b->grace_ns / (double)NSEC_PER_SEC);
        json_out_array(j, "findings");
        for (uint32_t i = 0; i < view_findings(b); i++)
                if (b->finding[i].id && b->finding[i].open)
                        api_finding(v, &b->finding[i], j);
        json_out_array_end(j);
        pending(v, j);
        mounts(v, j);
        gaps(v, j);
        sources(v, j);
        self(v, j);
        store(v, j);
        json_out_object_end(j);
}
