/* The words of the model's enums: see names.h. */
#include "model/names.h"

#include "base/util.h"
#include "model/event.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *pick(const char *const *table, size_t n, size_t i)
{
        return i < n ? table[i] : NULL;
}

const char *service_kind_name(uint8_t kind)
{
        static const char *const names[] = {
                [SERVICE_COMPOSE] = "compose",
                [SERVICE_CONTAINER] = "container",
                [SERVICE_SYSTEMD] = "systemd",
                [SERVICE_SESSION] = "session",
                [SERVICE_CGROUP] = "cgroup",
                [SERVICE_KERNEL] = "kernel",
                [SERVICE_HOST] = "host",
        };
        return pick(names, ARRAY_SIZE(names), kind);
}

const char *container_state_name(uint8_t state)
{
        static const char *const names[] = {
                [CONTAINER_CREATED] = "created",
                [CONTAINER_RUNNING] = "running",
                [CONTAINER_PAUSED] = "paused",
                [CONTAINER_RESTARTING] = "restarting",
                [CONTAINER_EXITED] = "exited",
                [CONTAINER_REMOVED] = "removed",
        };
        return pick(names, ARRAY_SIZE(names), state);
}

const char *container_health_name(uint8_t health)
{
        static const char *const names[] = {
                [HEALTH_STARTING] = "starting",
                [HEALTH_HEALTHY] = "healthy",
                [HEALTH_UNHEALTHY] = "unhealthy",
        };
        return pick(names, ARRAY_SIZE(names), health);
}

const char *severity_name(uint8_t severity)
{
        static const char *const names[] = {
                [SEVERITY_INFO] = "info",
                [SEVERITY_WARNING] = "warning",
                [SEVERITY_CRITICAL] = "critical",
        };
        return pick(names, ARRAY_SIZE(names), severity);
}

const char *origin_name(uint8_t origin)
{
        static const char *const names[] = {
                [ORIGIN_UNKNOWN] = "unknown",
                [ORIGIN_TASK] = "task",
                [ORIGIN_HEALTHCHECK] = "healthcheck",
                [ORIGIN_EXEC] = "exec",
        };
        return pick(names, ARRAY_SIZE(names), origin);
}

const char *engine_state_name(uint8_t state)
{
        static const char *const names[] = {
                [ENGINE_NONE] = "none",
                [ENGINE_DOCKER] = "docker",
                [ENGINE_PODMAN] = "podman",
                [ENGINE_UNREACHABLE] = "unreachable",
        };
        return pick(names, ARRAY_SIZE(names), state);
}

const char *lifecycle_name(const struct sources *s)
{
        return s->bpf ? "bpf" : s->netlink ? "netlink" : "scan";
}

const char *zombie_kind_name(enum zombie_kind kind)
{
        static const char *const names[] = {
                [ZOMBIE_TRANSIENT] = "transient",
                [ZOMBIE_UNREAPED] = "unreaped",
                [ZOMBIE_ORPHAN] = "orphan",
                [ZOMBIE_LEADER] = "leader",
        };
        return pick(names, ARRAY_SIZE(names), kind);
}

const char *action_kind_name(uint8_t kind)
{
        static const char *const names[] = {
                [ACTION_WEIGHT] = "weight",
                [ACTION_QUOTA] = "quota",
                [ACTION_MEMORY] = "memory",
                [ACTION_PIDS] = "pids",
                [ACTION_FREEZE] = "freeze",
                [ACTION_HOLD] = "hold",
                [ACTION_STOP] = "stop",
                [ACTION_RESTART] = "restart",
                [ACTION_QUARANTINE] = "quarantine",
                [ACTION_BURY] = "bury",
        };
        return pick(names, ARRAY_SIZE(names), kind);
}

const char *action_kind_unit(uint8_t kind)
{
        static const char *const units[ACTION_KINDS] = {
                [ACTION_WEIGHT] = "of 100",
                [ACTION_QUOTA] = "cores",
                [ACTION_MEMORY] = "bytes",
                [ACTION_PIDS] = "tasks",
        };
        const char *unit = pick(units, ARRAY_SIZE(units), kind);

        return unit ? unit : "";
}

const char *action_state_name(uint8_t state)
{
        static const char *const names[] = {
                [ACTION_WOULD] = "would",
                [ACTION_ASKED] = "asked",
                [ACTION_ACTIVE] = "active",
                [ACTION_DONE] = "done",
                [ACTION_UNDONE] = "undone",
                [ACTION_FAILED] = "failed",
                [ACTION_REFUSED] = "refused",
        };
        return pick(names, ARRAY_SIZE(names), state);
}

enum action_kind action_kind_find(const char *name)
{
        for (uint8_t k = ACTION_NONE + 1; k < ACTION_KINDS; k++) {
                const char *known = action_kind_name(k);
                if (known && !strcmp(known, name))
                        return (enum action_kind)k;
        }
        return ACTION_NONE;
}

const char *event_kind_name(enum event_kind kind)
{
        static const char *const names[EVENT_KINDS] = {
                [EVENT_EXIT] = "exit",
                [EVENT_REAP] = "reap",
                [EVENT_ZOMBIE] = "zombie",
                [EVENT_OOM] = "oom",
                [EVENT_START] = "start",
                [EVENT_STOP] = "stop",
                [EVENT_DIE] = "die",
                [EVENT_RESTART] = "restart",
                [EVENT_HEALTH_OK] = "health_ok",
                [EVENT_HEALTH_TIMEOUT] = "health_timeout",
                [EVENT_HEALTH_FAIL] = "health_fail",
                [EVENT_DEPLOY] = "deploy",
                [EVENT_CONFIG] = "config",
                [EVENT_LIMIT] = "limit",
                [EVENT_ACTION] = "action",
                [EVENT_FINDING] = "finding",
                [EVENT_GAP] = "gap",
                [EVENT_ENGINE] = "engine",
                [EVENT_FORK] = "fork",
                [EVENT_EXEC] = "exec",
                [EVENT_NOTIFY] = "notify",
                [EVENT_STORE] = "store",
        };
        return pick(names, ARRAY_SIZE(names), (size_t)kind);
}

const char *signal_name(int sig)
{
        static _Thread_local char name[16];
        const char *abbrev = sigabbrev_np(sig);

        if (!abbrev)
                return NULL;
        snprintf(name, sizeof name, "SIG%s", abbrev);
        return name;
}
