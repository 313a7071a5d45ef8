/* Quarantine: stopped, and kept stopped. What the engine has stopped only a person brings back, and then it
 * is theirs; what was ended by signals comes back by its restart policy, and is ended again until the time is
 * over. Its end starts what the engine had stopped.
 */
#include "act/kind.h"

#include <signal.h>

enum { QUARANTINE_BY_ENGINE = 16, QUARANTINE_BY_SIGNALS = 17 }; /* stages behind those of ending.c */

static int begin(struct actor *a, struct action *row, uint64_t now_ns, struct error *e)
{
        return ending_begin(a, row, ENGINE_STOP, now_ns, e);
}

static void keep_down(struct actor *a, struct action *row, bool by_engine, uint64_t now_ns)
{
        uint16_t service = row_service(a, row);

        if (!service || !signal_service(a, service, now_ns, false, 0))
                return;
        if (by_engine) {
                row_end(a, row, ACTION_UNDONE, now_ns, "somebody has started it again");
                return;
        }
        row->reasserted++;
        signal_service(a, service, now_ns, false, SIGKILL);
        if (row->reasserted == 1 || row->reasserted % 10 == 0)
                row_tell(a, row, now_ns, "ended again: its restart policy had brought it back (%u times)",
                        row->reasserted);
}

static void step(struct actor *a, struct action *row, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);

        if (p->stage == QUARANTINE_BY_ENGINE || p->stage == QUARANTINE_BY_SIGNALS) {
                keep_down(a, row, p->stage == QUARANTINE_BY_ENGINE, now_ns);
                return;
        }
        switch (ending_step(a, row, now_ns)) {
        case ENDING_GOES_ON:
                break;
        case ENDING_DONE:
        case ENDING_KILLED:
                p->stage = QUARANTINE_BY_SIGNALS;
                break;
        case ENDING_FAILED:
                row_end(a, row, ACTION_FAILED, now_ns,
                        "some of its processes don't die: stuck in the kernel");
                break;
        }
}

static void operated(struct actor *a, struct action *row, const struct engine_operated *o, uint64_t now_ns)
{
        if (!ending_operated(a, row, o, now_ns))
                return;
        row->state = ACTION_ACTIVE;
        row_progress(a, row)->stage = QUARANTINE_BY_ENGINE;
}

static void end(struct actor *a, struct action *row, uint64_t now_ns)
{
        if (row_progress(a, row)->stage == QUARANTINE_BY_ENGINE && !ending_ask(a, row, ENGINE_START))
                row_tell(a, row, now_ns, "the engine can't be asked to start it again: do it by hand");
}

const struct act_kind act_quarantine = {
        .unit = "",
        .ttl_ns = 3600 * NSEC_PER_SEC,
        .standing = "stopped and kept stopped",
        .begin = begin,
        .step = step,
        .end = end,
        .operated = operated,
};
