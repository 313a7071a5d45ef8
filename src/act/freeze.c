/* Freezing: nothing of the service runs, all of it stays in memory, and goes on where it was when thawed. The
 * kernel freezes a task when it next returns to user mode, so it takes some milliseconds, and a task stuck
 * in the kernel delays the end. What is frozen already was paused by a person, and is left to them. A frozen
 * group in which nothing lives is a paused container to runc, which doesn't clear those away: it is thawed.
 */
#include "act/change.h"
#include "act/kind.h"
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int plan(int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e)
{
        const char *thawed = unified ? "0" : "THAWED";

        c->file = unified ? CHANGE_FREEZE : CHANGE_FREEZER;
        int r = change_read_in(dir, c->file, c->before);
        if (r < 0)
                return r;
        if (!change_same(c->file, c->before, thawed))
                return error_set(e, -EALREADY, "it is frozen already, by somebody else (docker pause?)");
        snprintf(c->before, sizeof c->before, "%s", thawed);
        snprintf(c->ours, sizeof c->ours, "%s", unified ? "1" : "FROZEN");
        return 0;
}

static bool settled(const struct cgroup_layout *l, const struct journal_change *c)
{
        cleanup_close int dir = cgroup_open_group(l, (enum cgroup_hierarchy)c->hierarchy, c->path);
        char text[256];

        if (dir < 0)
                return true;
        if (c->file == CHANGE_FREEZE) {
                const char *frozen = file_read_at(dir, "cgroup.events", text, sizeof text) > 0
                                             ? text_line_value(text, "frozen")
                                             : NULL;
                return !frozen || *frozen == '1';
        }
        if (change_read_in(dir, c->file, text) < 0 || !strcmp(text, "FROZEN"))
                return true;
        /* FREEZING: a task was born meanwhile, or is on its way; writing again makes the kernel try again */
        change_write_in(dir, c->file, c->ours);
        return false;
}

const struct act_kind act_freeze = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "frozen",
        .hierarchy = CGROUP_FREEZER,
        .stills = true,
        .plan = plan,
        .settled = settled,
};

/* The same between two restarts: its time is what the restart policy lacks. */
const struct act_kind act_hold = {
        .ttl_ns = 600 * NSEC_PER_SEC,
        .standing = "held before it runs again",
        .hierarchy = CGROUP_FREEZER,
        .stills = true,
        .plan = plan,
        .settled = settled,
};
