/* What is wrong with the host, by kind, and each service's part in it: the arithmetic below suspects
 * and answers. Sums are over all services, the kernel and Sexton included, so that nobody is charged
 * with more than there was.
 */
#pragma once

#include "model/board.h"

enum harm_kind {
        HARM_ZOMBIES, /* held past the grace period */
        HARM_LOAD,
        HARM_CPU,
        HARM_MEMORY,
        HARM_OOM,
        HARM_PIDS,
        HARM_STUCK,  /* tasks in D for minutes */
        HARM_PROBES, /* time-outs and leftovers of health checks */
        HARM_KINDS,
};

struct harm {
        double weight[HARM_KINDS]; /* 0 = not wrong .. 1 */
        double total[HARM_KINDS];  /* what shares are of */
        double had[HARM_KINDS];    /* what there was by the host's own count: never told more than that */
        double sum;                /* of weights; 0 = nothing is wrong */
};

struct harm harm_of(const struct board *b, uint64_t now_ns);
/* A service's amount of one kind: zombies, load, cores, bytes... */
double harm_part(const struct board *b, uint16_t service, enum harm_kind kind, uint64_t now_ns);
/* Its share of that kind, 0..1. */
double harm_share(
        const struct board *b, const struct harm *h, uint16_t service, enum harm_kind kind, uint64_t now_ns);
/* Its weighed share of all that is wrong, 0..1. */
double harm_score(const struct board *b, const struct harm *h, uint16_t service, uint64_t now_ns);

/* The service that has most of one kind that is wrong now, at least `share` of it, and at least `score` of
 * all that is wrong; 0: none. */
uint16_t harm_dominant(const struct board *b, const struct harm *h, enum harm_kind kind, double share,
        double score, uint64_t now_ns);

/* The open findings of a service (0 = the host), worst first within the order of the table. */
const struct finding *harm_finding(const struct board *b, uint16_t service, const char *detector);
uint32_t harm_findings(const struct board *b, uint16_t service, const struct finding **out, uint32_t max);

/* CPU seconds of a service and of all, since Sexton watches, never more than the host had. */
double harm_cpu_seconds(const struct board *b, uint16_t service, uint64_t now_ns);
double harm_cpu_seconds_all(const struct board *b, uint64_t now_ns);
