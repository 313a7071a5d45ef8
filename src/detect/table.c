/* The table of detectors: one line each. The order is that of looking, and of nothing else. */
#include "detect/detect.h"

extern const struct detector detector_zombie_leak, detector_zombie_leader, detector_health_check,
        detector_restart_loop, detector_unit_restart_loop, detector_respawn_loop, detector_exec_loop,
        detector_oom, detector_saturation, detector_memory, detector_pids, detector_fork_storm,
        detector_hung_tasks, detector_disk, detector_unattributed;

const struct detector *const detectors[] = {
        &detector_zombie_leak,
        &detector_zombie_leader,
        &detector_health_check,
        &detector_restart_loop,
        &detector_unit_restart_loop,
        &detector_respawn_loop,
        &detector_exec_loop,
        &detector_oom,
        &detector_saturation,
        &detector_memory,
        &detector_pids,
        &detector_fork_storm,
        &detector_hung_tasks,
        &detector_disk,
        &detector_unattributed,
};
const size_t detectors_count = ARRAY_SIZE(detectors);
