/* Restarting a container or a unit: all zombies of a container end with it, whoever should have waited for
 * them. Without the engine its PID 1 is ended, and its restart policy brings it back.
 */
#include "act/kind.h"

#include <errno.h>

static int foresee(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e)
{
        const struct service *s = &a->board->service[o->service];
        bool container = s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER;
        bool answers = a->board->sources.engine == ENGINE_DOCKER || a->board->sources.engine == ENGINE_PODMAN;

        if (!container && s->kind != SERVICE_SYSTEMD)
                return error_set(
                        e, -ENOTSUP, "nobody would start it again: it is neither a container nor a unit");
        if (container && !answers && (s->policy == RESTART_NO || s->policy == RESTART_ON_FAILURE))
                return error_set(e, -ENOTSUP,
                        "the container engine doesn't answer, and its restart policy would not bring it "
                        "back");
        return ending_foresee(a, o, now_ns, e);
}

static int begin(struct actor *a, struct action *row, uint64_t now_ns, struct error *e)
{
        return ending_begin(a, row, ENGINE_RESTART, now_ns);
}

static void step(struct actor *a, struct action *row, uint64_t now_ns)
{
        switch (ending_step(a, row, now_ns)) {
        case ENDING_GOES_ON:
                break;
        case ENDING_DONE:
        case ENDING_KILLED:
                row_end(a, row, ACTION_DONE, now_ns, "ended; its restart policy brings it back");
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
                row_end(a, row, ACTION_DONE, now_ns, "restarted");
}

const struct act_kind act_restart = {
        .standing = "being restarted",
        .foresee = foresee,
        .begin = begin,
        .step = step,
        .operated = operated,
        .adopt = ending_adopt,
};
