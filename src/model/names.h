/* The words of the model's enums, as they stand in JSON, metrics and on screen. One table each. */
#pragma once

#include "model/board.h"

const char *service_kind_name(uint8_t kind);       /* "compose", "container"... */
const char *container_state_name(uint8_t state);   /* "running"...; NULL when unknown */
const char *container_health_name(uint8_t health); /* "healthy"...; NULL when there is no check */
const char *severity_name(uint8_t severity);       /* "info", "warning", "critical" */
const char *origin_name(uint8_t origin);           /* "task", "healthcheck", "exec", "unknown" */
const char *engine_state_name(uint8_t state);      /* "docker", "podman", "none", "unreachable" */
/* "bpf", "netlink", "scan" */
const char *lifecycle_name(const struct sources *s);

enum zombie_kind {
        ZOMBIE_TRANSIENT, /* younger than the grace period */
        ZOMBIE_UNREAPED,  /* its parent lives and does not wait */
        ZOMBIE_ORPHAN,    /* reparented to a PID 1 (or subreaper) that does not wait */
        ZOMBIE_LEADER,    /* leader dead, threads live */
};
const char *zombie_kind_name(enum zombie_kind kind);

/* Name of a signal without allocation: "SIGKILL"; NULL when unknown. */
const char *signal_name(int sig);
