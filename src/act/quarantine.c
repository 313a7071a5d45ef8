/* Quarantine: stopped, and kept stopped. What the engine has stopped only a person brings back, and then it
 * is theirs; what was ended by signals comes back by its restart policy, and is ended again until the time is
 * over. Its end starts what the engine had stopped.
 */
#include "act/kind.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { QUARANTINE_BY_ENGINE = 16, QUARANTINE_BY_SIGNALS = 17 }; /* stages behind those of ending.c */

static const char BY_SIGNALS[] = "ended by signals, and kept down by them";

/* Whatever was born until now was just not known to be dead yet. */
static void stopped_by_engine(struct actor *a, struct action *row, uint64_t now_ns)
{
        row_progress(a, row)->stage = QUARANTINE_BY_ENGINE;
        row_progress(a, row)->due_ns = now_ns;
        snprintf(row->result, sizeof row->result, "stopped by the engine or systemd");
}

static int begin(struct actor *a, struct action *row, uint64_t now_ns, struct error *e)
{
        return ending_begin(a, row, ENGINE_STOP, now_ns);
}

static void keep_down(struct actor *a, struct action *row, bool by_engine, uint64_t now_ns)
{
        uint16_t service = row_service(a, row);

        if (!service || !signal_any_since(a, service, by_engine ? row_progress(a, row)->due_ns : 0))
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
                snprintf(row->result, sizeof row->result, "%s", BY_SIGNALS);
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
        stopped_by_engine(a, row, now_ns);
}

/* By signals only if it was brought back: else nothing brings it back, and that is how the engine ends it. */
static void adopt(struct actor *a, struct action *row, uint64_t now_ns)
{
        if (row->state == ACTION_ASKED)
                ending_adopt(a, row, now_ns);
        else if (row->reasserted || !strcmp(row->result, BY_SIGNALS))
                row_progress(a, row)->stage = QUARANTINE_BY_SIGNALS;
        else
                stopped_by_engine(a, row, now_ns);
}

static void end(struct actor *a, struct action *row, uint64_t now_ns)
{
        if (row_progress(a, row)->stage == QUARANTINE_BY_ENGINE && !ending_ask(a, row, ENGINE_START))
                row_tell(a, row, now_ns, "the engine can't be asked to start it again: do it by hand");
}

const struct act_kind act_quarantine = {
        .ttl_ns = 3600 * NSEC_PER_SEC,
        .standing = "stopped and kept stopped",
        .foresee = ending_foresee,
        .begin = begin,
        .step = step,
        .end = end,
        .operated = operated,
        .adopt = adopt,
};
