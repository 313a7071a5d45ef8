/* What crosses the socket between recorder and courier: a job is one notice for one notifier, a result is
 * what became of it. One packet each; both sides check what they receive.
 */
#pragma once

#include "model/board.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOB_INCIDENT_MAX = 64 << 10, JOB_TEXT = 240, JOB_VERSION = 1 };

enum notify_reason {
        NOTIFY_OPENED,
        NOTIFY_SEVERITY,
        NOTIFY_REPEAT,
        NOTIFY_RESOLVED,
        NOTIFY_TEST,
        NOTIFY_REASONS
};
const char *notify_reason_name(enum notify_reason r); /* "opened", "severity"... */

struct job {
        uint32_t version;
        uint32_t attempt; /* from 1 */
        uint64_t notice;  /* its number; the same one with the same attempt is never done twice */
        uint64_t incident;
        uint32_t reason;
        uint32_t severity, severity_before; /* before: as told last, equal when nothing was */
        uint32_t reserved;
        int64_t opened_ms, resolved_ms; /* Unix time; resolved 0 = open */
        double repeat;                  /* s until it is told again, 0 = never */
        char notifier[64];
        char service[128]; /* as told first; "" = the host */
        char host[64];
        uint32_t json_len; /* bytes behind this struct: the incident */
        uint32_t reserved2;
};

enum outcome {
        OUTCOME_DELIVERED,
        OUTCOME_RETRY, /* may work later */
        OUTCOME_FINAL, /* never will */
        OUTCOME_READY, /* no result: the courier has begun, and knows of no job */
        OUTCOMES
};

struct result {
        uint32_t version;
        uint32_t outcome;
        uint64_t notice;
        uint32_t attempt;
        int32_t status;       /* of HTTP or SMTP, or an exit code; 0 = none */
        uint32_t retry_after; /* s, 0 = not said */
        uint32_t took_ms;
        char text[JOB_TEXT]; /* for a person, printable, without secrets */
};

/* Makes a packet harmless: texts end, numbers are in bounds. False: it is none. */
bool job_tame(void *packet, size_t len);
bool result_tame(struct result *r, size_t len);
