/* The kinds of action. */
#include "act/kind.h"

extern const struct act_kind act_weight, act_quota, act_memory, act_pids, act_freeze, act_hold, act_stop,
        act_restart, act_quarantine, act_bury;

static const struct act_kind *const kinds[ACTION_KINDS] = {
        [ACTION_WEIGHT] = &act_weight,
        [ACTION_QUOTA] = &act_quota,
        [ACTION_MEMORY] = &act_memory,
        [ACTION_PIDS] = &act_pids,
        [ACTION_FREEZE] = &act_freeze,
        [ACTION_HOLD] = &act_hold,
        [ACTION_STOP] = &act_stop,
        [ACTION_RESTART] = &act_restart,
        [ACTION_QUARANTINE] = &act_quarantine,
        [ACTION_BURY] = &act_bury,
};

const struct act_kind *act_kind(uint8_t kind)
{
        return kind < ACTION_KINDS ? kinds[kind] : NULL;
}
