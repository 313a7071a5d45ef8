/* Restart loop of a container: its restart policy starts it again and again. */
#include "detect/restarts.h"
#include "world/view.h"

static void remedy(struct finding *f, const struct service *s, const struct restarts *r)
{
        if (r->ooms)
                detect_remedy(f,
                        "%.80s is killed for memory: find what it needs (`sexton why %.80s`), raise its "
                        "memory limit or make it use "
                        "less.",
                        s->name, s->name);
        else if (r->code == 137)
                detect_remedy(f,
                        "%.80s is killed by SIGKILL, and not for memory as far as the kernel tells: look for "
                        "who does it (a health "
                        "watcher such as autoheal, a person, a stop timeout).",
                        s->name);
        else if (r->code == 126 || r->code == 127)
                detect_remedy(f,
                        "The command of %.80s can't be run or isn't in its image: correct `command`, "
                        "`entrypoint` or the image.",
                        s->name);
        else
                detect_remedy(f,
                        "Read the last lines it wrote (`docker logs --tail 50 %.12s`) and correct the cause; "
                        "until then stop it, or "
                        "limit its restarts (`restart: on-failure:5`).",
                        s->id[0] ? s->id : "CONTAINER");
}

static void look(struct detect_run *run)
{
        for (uint16_t i = 0; (i = detect_next(run, i)) > 0;) {
                const struct service *s = &detect_board(run)->service[i];
                struct restarts r;

                if ((s->kind != SERVICE_COMPOSE && s->kind != SERVICE_CONTAINER) ||
                        !restarts_loop(run, i, &r))
                        continue;
                struct finding *f = detect_holds(run, i, 0, restarts_severity(run, &r), 0);
                if (!f)
                        continue;
                restarts_tell(run, f, s, &r);
                remedy(f, s, &r);
        }
}

extern const struct detector detector_restart_loop;
const struct detector detector_restart_loop = {
        .name = "restart_loop",
        .runbook = "restart-loop",
        .title = "Restart loop",
        .clear_after = 30,
        .look = look,
};
