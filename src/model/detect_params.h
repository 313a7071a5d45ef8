/* Every threshold of every detector, as data: section, key, type, default, bounds, unit and prose.
 * From this table come struct detect_config, the parser of `detect:` in sexton.yaml, `check-config`,
 * and the tables in the man page sexton.yaml(5). Defaults are what the post-mortem asked for,
 * normalised per core where it spoke of a 2-core machine.
 *
 * P(section, key, TYPE, default, min, max, "prose")   TYPE: DURATION (s) NUMBER RATIO (0..1) COUNT BYTES BOOL
 */
#pragma once

#define DETECT_PARAMS(P)                                                                                         \
        P(zombie_leak, for, DURATION, 3, 0, 86400, "the oldest lasting zombie must be older than grace by this") \
        P(zombie_leak, count, COUNT, 1, 1, 1e6, "so many lasting zombies held by one service warn")              \
        P(zombie_leak, critical_count, COUNT, 100, 1, 1e6, "so many held by one service are critical")           \
        P(zombie_leak, critical_exhausted_in, DURATION, 86400, 0, 1e9,                                           \
                "critical when the pid limit is reached sooner")                                                 \
        P(zombie_leader, for, DURATION, 10, 0, 86400, "a dead leader with live threads must last this long")     \
        P(health_check, timeouts, COUNT, 2, 1, 1000, "time-outs within `window` that warn")                      \
        P(health_check, window, DURATION, 600, 1, 86400,                                                         \
                "the span that time-outs and failures are counted in")                                           \
        P(health_check, pile_up, COUNT, 3, 1, 1000,                                                              \
                "so many probes or leftovers of probes alive at once warn")                                      \
        P(health_check, cpu_ratio, NUMBER, 0.2, 0, 1024, "cores spent on probes of one service that warn")       \
        P(health_check, failures, COUNT, 5, 1, 1000,                                                             \
                "failures within `window` of a service that is unhealthy that warn")                             \
        P(health_check, for, DURATION, 15, 0, 86400, "how long a pile or the cost must last")                    \
        P(restart_loop, budget, COUNT, 3, 1, 1000, "restarts within `window` that warn")                         \
        P(restart_loop, window, DURATION, 3600, 1, 604800, "the span the budget counts in")                      \
        P(restart_loop, critical, COUNT, 10, 1, 10000, "restarts within `window` that are critical")             \
        P(restart_loop, times, COUNT, 3, 2, 30, "restarts at equal distances that make a period")                \
        P(restart_loop, min_period, DURATION, 600, 1, 604800, "shorter distances are left to the budget")        \
        P(restart_loop, max_period, DURATION, 90000, 1, 2592000, "longer distances are no period")               \
        P(restart_loop, jitter, RATIO, 0.2, 0, 1, "how far distances may differ from their mean")                \
        P(restart_loop, deploy_grace, DURATION, 60, 0, 3600,                                                     \
                "restarts so soon after a deploy count only when they go on later")                              \
        P(respawn_loop, budget, COUNT, 10, 2, 1000,                                                              \
                "deaths of the same child command within `window` that warn")                                    \
        P(respawn_loop, window, DURATION, 600, 1, 86400, "the span the budget counts in")                        \
        P(respawn_loop, min_life, DURATION, 0.05, 0, 3600,                                                       \
                "children that lived shorter are how scripts ask questions")                                     \
        P(respawn_loop, max_life, DURATION, 60, 0, 86400, "only children that lived shorter count")              \
        P(respawn_loop, for, DURATION, 10, 0, 86400, "how long the budget must be exceeded")                     \
        P(exec_loop, budget, COUNT, 5, 2, 1000,                                                                  \
                "exec-in-place restarts of a main process within `window` that warn")                            \
        P(exec_loop, window, DURATION, 600, 1, 86400, "the span the budget counts in")                           \
        P(oom, window, DURATION, 3600, 1, 86400, "the span OOM kills are counted in")                            \
        P(oom, critical, COUNT, 3, 1, 1000, "OOM kills within `window` that are critical")                       \
        P(saturation, load_warning, NUMBER, 1.0, 0, 1e4, "load1 per core that warns, together with PSI")         \
        P(saturation, load_critical, NUMBER, 2.0, 0, 1e4,                                                        \
                "load1 per core that is critical, together with PSI")                                            \
        P(saturation, psi, RATIO, 0.2, 0, 1,                                                                     \
                "CPU, memory or I/O pressure (some avg10) that must go with the load")                           \
        P(saturation, for, DURATION, 300, 0, 86400, "how long both must last")                                   \
        P(memory, used, RATIO, 0.8, 0, 1, "host memory in use that warns")                                       \
        P(memory, critical, RATIO, 0.95, 0, 1, "host memory in use that is critical")                            \
        P(memory, service_used, RATIO, 0.9, 0, 1, "share of its own limit that a service may use")               \
        P(memory, for, DURATION, 60, 0, 86400, "how long it must last")                                          \
        P(memory, exhausted_in, DURATION, 3600, 0, 1e9,                                                          \
                "growth that fills memory or the limit sooner warns")                                            \
        P(memory, growth_for, DURATION, 600, 0, 86400, "how long it must grow at that pace")                     \
        P(pids, used, RATIO, 0.8, 0, 1, "share of the pid limit in use that warns")                              \
        P(pids, critical, RATIO, 0.95, 0, 1, "share of the pid limit in use that is critical")                   \
        P(pids, for, DURATION, 10, 0, 86400, "how long it must last")                                            \
        P(fork_storm, rate, NUMBER, 500, 1, 1e6, "new processes per second and core that warn")                  \
        P(fork_storm, for, DURATION, 30, 0, 86400, "how long it must last")                                      \
        P(hung_tasks, for, DURATION, 120, 1, 86400, "tasks in uninterruptible sleep for so long")                \
        P(disk, free, RATIO, 0.1, 0, 1, "free space or inodes that warn")                                        \
        P(disk, critical, RATIO, 0.03, 0, 1, "free space or inodes that are critical")                           \
        P(disk, enough, BYTES, 21474836480.0, 0, 1e15, "so much free space never warns, whatever its share")     \
        P(disk, full_in, DURATION, 14400, 0, 1e9, "growth that fills the disk sooner warns")                     \
        P(disk, growth_for, DURATION, 600, 0, 86400, "how long it must grow at that pace")                       \
        P(disk, for, DURATION, 30, 0, 86400, "how long it must last")                                            \
        P(unattributed, ratio, NUMBER, 0.3, 0, 1024, "cores of CPU that belong to nobody that warn")             \
        P(unattributed, for, DURATION, 300, 0, 86400, "how long it must last")

/* C name of a parameter: detect->zombie_leak_for. DURATION in seconds, all as double. */
struct detect_config {
#define P(section, key, type, def, min, max, prose) double section##_##key;
        DETECT_PARAMS(P)
#undef P
};

static inline struct detect_config detect_config_defaults(void)
{
        return (struct detect_config){
#define P(section, key, type, def, min, max, prose) .section##_##key = (double)(def),
                DETECT_PARAMS(P)
#undef P
        };
}
