/* Stopping a service once. A restart policy doesn't bring back what the container engine has stopped; what
 * was ended by signals because the engine didn't answer may come back.
 */
#include "act/kind.h"

static int begin(struct actor *a, struct action *row, uint64_t now_ns, struct error *e)
{
        return ending_begin(a, row, ENGINE_STOP, now_ns);
}

static void step(struct actor *a, struct action *row, uint64_t now_ns)
{
        switch (ending_step(a, row, now_ns)) {
        case ENDING_GOES_ON:
                break;
        case ENDING_DONE:
                row_end(a, row, ACTION_DONE, now_ns, "it ended by itself when asked to");
                break;
        case ENDING_KILLED:
                row_end(a, row, ACTION_DONE, now_ns, "killed: it did not end when asked to");
                break;
        case ENDING_FAILED:
                row_end(a, row, ACTION_FAILED, now_ns,
                        "some of its processes don't die: stuck in the kernel");
                break;
        }
}

static void operated(struct actor *a, struct action *row, const struct engine_operated *o, uint64_t now_ns)
{
        if (ending_operated(a, row, o, now_ns))
                row_end(a, row, ACTION_DONE, now_ns,
                        "stopped; docker start or systemctl start brings it back");
}

const struct act_kind act_stop = {
        .standing = "being stopped",
        .foresee = ending_foresee,
        .begin = begin,
        .step = step,
        .operated = operated,
        .adopt = ending_adopt,
};
