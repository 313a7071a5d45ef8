/* What the files of ladder/ share. */
#pragma once

#include "ladder/ladder.h"

/* Of a container: those that the engine has told of, and one that is seen and not told yet. */
static inline uint64_t restarts_of(const struct service *s)
{
        return s->restarts.total + (s->returned_ns ? 1 : 0);
}

/* ---- plan.c ---- */
extern const char *const ladder_rule_names[LADDER_RULE_COUNT];
enum ladder_rule plan_rule(const char *detector); /* LADDER_RULE_COUNT = none */
/* The steps of a rule that this service allows. */
struct ladder_plan plan_for(const struct ladder *l, enum ladder_rule rule, uint16_t service);
double plan_value(const struct ladder *l, enum action_kind kind, uint16_t service);
uint64_t plan_hold_ns(const struct ladder *l, enum action_kind kind);
uint64_t plan_ttl_ns(const struct ladder *l, enum action_kind kind, uint32_t relapses);
/* May anything be done, or said, about it? */
bool plan_may(const struct ladder *l, uint16_t service);
bool plan_observes(const struct ladder *l, uint16_t service);

/* ---- load.c ---- */
void load_look(struct ladder *l, uint64_t now_ns);
/* Is more asked of the host than it can do, right now? `psi` is the pressure that counts as such. */
bool load_strained(const struct ladder *l, double psi);
double load_pressure(const struct host *h);
/* Who has most of it, and had it a moment ago; 0 = nobody. */
uint16_t load_culprit(const struct ladder *l, uint64_t now_ns);
uint16_t harm_culprit(const struct ladder *l, enum ladder_rule rule, uint64_t now_ns);

/* ---- measure.c ---- */
void measure_take(const struct ladder *l, enum ladder_rule rule, uint16_t service, uint32_t finding,
        uint64_t now_ns, double out[ACTION_MEASURES], struct action_measure *names);

/* ---- case.c ---- */
struct ladder_memory *case_memory(struct ladder *l, uint16_t service);
struct ladder_case *case_of(struct ladder *l, uint16_t service);
/* Opens one, or NULL when nothing may or can be done. */
struct ladder_case *case_open(
        struct ladder *l, enum ladder_rule rule, uint16_t service, uint32_t finding, uint64_t now_ns);
/* A case of saturation goes on by the breaker's steps. */
void case_join_breaker(struct ladder *l, struct ladder_case *c);
/* Takes back all that stands and ends it. */
void case_end(struct ladder *l, struct ladder_case *c, const char *why, uint64_t now_ns);
/* Follows what became of its actions on the board; false when the case is over. */
bool case_follow(struct ladder *l, struct ladder_case *c, uint64_t now_ns);
/* Takes the next step for ttl_ns (0 = the plan's); false when it could not be taken now. */
bool case_raise(
        struct ladder *l, struct ladder_case *c, uint64_t ttl_ns, const char *reason, uint64_t now_ns);
void case_judge(
        struct ladder *l, struct ladder_case *c, struct ladder_step *s, bool troubled, uint64_t now_ns);
void case_look(struct ladder *l, struct ladder_case *c, uint64_t now_ns);

/* ---- recall.c ---- */
#define OURS_NS (90 * NSEC_PER_SEC) /* a stop asked of the engine is told back within */
/* Was it the ladder that took it, and no person? */
bool recall_is_ours(const struct action *a);
/* From the board: how many actions were taken of late, and how the breaker is. */
void recall_host(struct ladder *l);
/* From the board, into a memory that is new: what was done to the service, and what people said. */
void recall_service(const struct ladder *l, uint16_t service, struct ladder_memory *m);

/* ---- ladder.c ---- */
/* Are the zombies that it holds about to use up the pids? */
bool zombies_exhaust(const struct ladder *l, uint16_t service, uint64_t now_ns);

/* ---- breaker.c, budget.c ---- */
void breaker_look(struct ladder *l, uint64_t now_ns);
void budget_look(struct ladder *l, uint64_t now_ns);
void budget_case_look(struct ladder *l, struct ladder_case *c, uint64_t now_ns);
