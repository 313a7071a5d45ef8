/* The table of verbs, in the order that help shows them. */
#include "base/util.h"
#include "cli/verb.h"

extern const struct verb verb_run, verb_status, verb_services, verb_zombies, verb_events, verb_incidents,
        verb_why, verb_report, verb_notify, verb_silence, verb_check_config, verb_doctor, verb_version,
        verb_help, verb_child, verb_complete, verb_man_page, verb_rescue, verb_actions, verb_freeze,
        verb_thaw, verb_limit, verb_stop, verb_restart, verb_quarantine, verb_bury, verb_release,
        verb_breaker, verb_drill, verb_drill_life;

const struct verb *const verbs[] = {
        &verb_run,
        &verb_status,
        &verb_services,
        &verb_zombies,
        &verb_events,
        &verb_incidents,
        &verb_why,
        &verb_report,
        &verb_actions,
        &verb_freeze,
        &verb_thaw,
        &verb_limit,
        &verb_stop,
        &verb_restart,
        &verb_quarantine,
        &verb_bury,
        &verb_release,
        &verb_breaker,
        &verb_notify,
        &verb_silence,
        &verb_drill,
        &verb_rescue,
        &verb_check_config,
        &verb_doctor,
        &verb_version,
        &verb_help,
        &verb_child,
        &verb_drill_life,
        &verb_complete,
        &verb_man_page,
};
const size_t verbs_count = ARRAY_SIZE(verbs);
