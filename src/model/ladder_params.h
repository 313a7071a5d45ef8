/* What the ladder may do about which finding, and how: as data. From these tables come struct
 * ladder_config, the parser of `ladder:`, `steps:`, `breaker:`, `restart_budget:` and `acting:` in
 * sexton.yaml, `check-config`, and the tables in the man page sexton.yaml(5).
 */
#pragma once

#include "model/action.h"

enum { LADDER_STEPS = ACTION_KINDS, LADDER_LIST = 96 };

/* R(detector, steps, "prose"): one row for each detector; steps with newlines between, "" = none. What only
 * harms the service itself (its own limits, its health check) is left to it and to people. */
#define LADDER_RULES(R)                                                                                      \
        R(saturation, "weight\nquota\nfreeze\nstop", "steps against the service that saturates the host")    \
        R(memory, "memory\nfreeze\nstop", "steps against the service that has most of a full memory")        \
        R(pids, "pids\nfreeze\nstop", "steps against the service that has most of the host's tasks")         \
        R(fork_storm, "pids\nfreeze\nstop", "steps against the service that forks so fast")                  \
        R(zombie_leak, "restart",                                                                            \
                "steps against a leak that is about to use up all pids; bury needs the label sexton.bury")   \
        R(restart_loop, "hold\nquarantine", "steps when a container has spent its restart budget")           \
        R(unit_restart_loop, "", "steps against a unit that systemd starts again and again")                 \
        R(zombie_leader, "", "steps against a dead leader with live threads")                                \
        R(health_check, "", "steps against a health check that times out or piles up")                       \
        R(respawn_loop, "", "steps against children that die and come again")                                \
        R(exec_loop, "", "steps against a main process that executes itself anew")                           \
        R(oom, "", "steps against a service with OOM kills")                                                 \
        R(hung_tasks, "", "steps against a service with hung tasks")                                         \
        R(disk, "", "steps when a disk is full; no service is known to fill it")                             \
        R(unattributed, "", "steps when CPU belongs to nobody")

/* S("key", field, TYPE, default, min, max, "prose"), as in detect_params.h. The breaker comes first because
 * its steps, a list, come before: an example of the file has each section once. */
#define LADDER_PARAMS(S)                                                                                     \
        S("breaker.enabled", breaker_enabled, BOOL, 1, 0, 1,                                                 \
                "act when the load says that the host is being lost, whatever it is")                        \
        S("breaker.load_per_core", breaker_load_per_core, NUMBER, 2.0, 0, 1e4,                               \
                "load1 per core above which it opens, together with PSI")                                    \
        S("breaker.psi", breaker_psi, RATIO, 0.4, 0, 1, "pressure (some avg10) that must go with it")        \
        S("breaker.for", breaker_for, DURATION, 60, 0, 86400, "how long both must last")                     \
        S("breaker.calm", breaker_calm, DURATION, 60, 1, 86400,                                              \
                "how long both must be well below before it closes; twice as long each time it opens again " \
                "within the hour")                                                                           \
        S("steps.weight.value", steps_weight_value, COUNT, 10, 1, 10000,                                     \
                "CPU weight of the step weight; 100 is everybody's")                                         \
        S("steps.weight.hold", steps_weight_hold, DURATION, 10, 1, 3600,                                     \
                "how long weight may take to help before the next step")                                     \
        S("steps.weight.ttl", steps_weight_ttl, DURATION, 900, 1, 86400, "and how long it stands")           \
        S("steps.quota.share", steps_quota_share, RATIO, 0.25, 0.01, 1,                                      \
                "share of all CPUs that the step quota leaves; sexton.cpu-max says it for one container")    \
        S("steps.quota.hold", steps_quota_hold, DURATION, 10, 1, 3600, "how long quota may take to help")    \
        S("steps.quota.ttl", steps_quota_ttl, DURATION, 900, 1, 86400, "and how long it stands")             \
        S("steps.memory.share", steps_memory_share, RATIO, 0.9, 0.1, 1,                                      \
                "share of its memory that the step memory leaves; sexton.memory-max says it for one "        \
                "container")                                                                                 \
        S("steps.memory.hold", steps_memory_hold, DURATION, 20, 1, 3600, "how long memory may take to help") \
        S("steps.memory.ttl", steps_memory_ttl, DURATION, 900, 1, 86400, "and how long it stands")           \
        S("steps.pids.hold", steps_pids_hold, DURATION, 5, 1, 3600,                                          \
                "how long a limit on pids (no more than now) may take to help")                              \
        S("steps.pids.ttl", steps_pids_ttl, DURATION, 900, 1, 86400, "and how long it stands")               \
        S("steps.freeze.hold", steps_freeze_hold, DURATION, 15, 1, 3600, "how long freeze may take to help") \
        S("steps.freeze.ttl", steps_freeze_ttl, DURATION, 300, 1, 86400,                                     \
                "and how long it stands; twice as long each time it is needed again")                        \
        S("steps.stop.hold", steps_stop_hold, DURATION, 30, 1, 3600, "how long stop may take to help")       \
        S("steps.restart.hold", steps_restart_hold, DURATION, 60, 1, 3600,                                   \
                "how long restart may take to help")                                                         \
        S("steps.restart.every", steps_restart_every, DURATION, 1800, 1, 86400,                              \
                "a service is restarted no more often for its zombies")                                      \
        S("steps.quarantine.ttl", steps_quarantine_ttl, DURATION, 86400, 60, 2592000,                        \
                "how long a quarantine stands, unless a new image, a new configuration or a person ends it") \
        S("restart_budget.restarts", restart_budget_restarts, COUNT, 3, 1, 30,                               \
                "restarts after a crash that a container has within `window`; sexton.restart-budget says "   \
                "it for one container")                                                                      \
        S("restart_budget.window", restart_budget_window, DURATION, 3600, 1, 604800,                         \
                "the span the budget is for")                                                                \
        S("restart_budget.holds", restart_budget_holds, COUNT, 3, 1, 100,                                    \
                "as many holds that ended in a crash lead to the next step")                                 \
        S("acting.calm", acting_calm, DURATION, 60, 1, 86400,                                                \
                "how long a trouble must be over before the highest step is taken back")                     \
        S("acting.relapse", acting_relapse, DURATION, 3600, 1, 86400,                                        \
                "trouble that comes back sooner is a relapse: it starts with the step that helped, for "     \
                "longer")                                                                                    \
        S("acting.relapses", acting_relapses, COUNT, 2, 0, 100,                                              \
                "a service that was frozen in vain so often may be stopped")                                 \
        S("acting.respect", acting_respect, DURATION, 1800, 0, 604800,                                       \
                "how long a service is left alone after a person has taken an action back")                  \
        S("acting.zombies_exhaust_in", acting_zombies_exhaust_in, DURATION, 3600, 60, 1e9,                   \
                "a zombie leak is acted on when it uses up the pids sooner")

/* DURATION in seconds, BOOL as 0 or 1, all as double. */
struct ladder_config {
#define R(detector, steps, prose)                 char rule_##detector[LADDER_LIST];
#define S(key, field, type, def, min, max, prose) double field;
        LADDER_RULES(R)
        LADDER_PARAMS(S)
#undef R
#undef S
        char breaker_steps[LADDER_LIST];
};

static inline struct ladder_config ladder_config_defaults(void)
{
        return (struct ladder_config){
#define R(detector, steps, prose)                 .rule_##detector = steps,
#define S(key, field, type, def, min, max, prose) .field = (double)(def),
                LADDER_RULES(R) LADDER_PARAMS(S)
#undef R
#undef S
                        .breaker_steps = "quota\nfreeze\nstop",
        };
}
