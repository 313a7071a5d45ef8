/* Actions that stand by the value of a file in each control group of a service: planned, written down,
 * applied, put back when somebody reverts them, undone.
 */
#include "act/change.h"
#include "act/kind.h"
#include "act/touch.h"
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_NS                                                                                        \
        (20 * NSEC_PER_MSEC)            /* freezing takes some milliseconds, or as long as a task is in D */
#define LOOK_LONG_NS (5 * NSEC_PER_SEC) /* from then on once a second is often enough */

#define FOLLOW_NS (3 * NSEC_PER_SEC)

/* ---- plan and apply ---- */

static void name_group(struct journal_change *c, const struct act_group *g, const char *service)
{
        memset(c, 0, sizeof *c);
        c->group = g->group;
        c->hierarchy = g->hierarchy;
        text_set(c->path, sizeof c->path, g->path);
        text_set(c->service, sizeof c->service, service);
}

/* Says no to the first that goes on living. One of another pid namespace, shown as 0, may. */
static bool is_dying(void *ctx, int32_t pid)
{
        return pid > 0 && target_is_dying(ctx, pid);
}

/* A threaded group of v2 doesn't say which processes are in it. */
static bool is_deserted(struct actor *a, const struct journal_change *c)
{
        cleanup_close int dir = cgroup_open_group(a->layout, (enum cgroup_hierarchy)c->hierarchy, c->path);
        char type[32];

        if (dir < 0 ||
                (file_read_at(dir, "cgroup.type", type, sizeof type) > 0 && !strncmp(type, "threaded", 8)))
                return false;
        return cgroup_each_pid(dir, is_dying, a) == 0;
}

static bool is_all_deserted(struct actor *a, int n)
{
        int k = 0;

        while (k < n && is_deserted(a, &a->plan[k]))
                k++;
        return k == n;
}

/* A group that was removed since it was found has no files any more. */
static int why_no_file(int dir, enum change_file file, struct error *e)
{
        if (dir < 0 || faccessat(dir, "cgroup.procs", F_OK, 0) < 0)
                return error_set(e, -ESRCH, "its control group is gone");
        return error_set(e, -ENOTSUP, "its control group has no %s: the controller is not enabled for it",
                change_file_name(file));
}

int standing_plan(struct actor *a, const struct act_kind *k, uint16_t service, double value, struct error *e)
{
        int n = target_groups(a, service, k->hierarchy, e), planned = 0, r = 0;
        struct act_wish w = {.value = value, .service = &a->board->service[service]};

        w.parts = n > 0 ? (uint32_t)n : 1;
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                struct journal_change *c = &a->plan[planned];
                name_group(c, &a->group[i], w.service->name);
                cleanup_close int dir =
                        cgroup_open_group(a->layout, (enum cgroup_hierarchy)c->hierarchy, c->path);
                r = dir < 0 ? dir : k->plan(dir, c->hierarchy == CGROUP_UNIFIED, &w, c, e);
                if (r == -ENOENT || r == -ENODEV)
                        return why_no_file(dir, c->file, e);
                if (r < 0 && r != -EALREADY)
                        return e && e->code == r
                                       ? r
                                       : error_set(e, r, "%s: %s", change_file_name(c->file), strerror(-r));
                planned += r == 0;
        }
        if (k->stills && planned && is_all_deserted(a, planned))
                return error_set(e, -ESRCH, "nothing of it lives any more");
        return planned ? planned : r; /* all of them are so already */
}

/* A limit that there isn't, as each file says it. */
static const char *shown(const char *value)
{
        return !strcmp(value, "-1") || !strncmp(value, "max", 3) || strlen(value) > 18 ? "none" : value;
}

void standing_say(struct actor *a, int n)
{
        const struct journal_change *c = &a->plan[0];

        snprintf(a->said, sizeof a->said, "%s from %.40s to %.40s in %d control group%s",
                change_file_name(c->file), shown(c->before), shown(c->ours), n, n == 1 ? "" : "s");
}

/* Entries of one action that have been written down, in the order of places. */
static int next_of(
        struct actor *a, uint32_t id, int from, struct journal_change *ret, enum journal_state *state)
{
        for (int k = from; k < JOURNAL_CHANGES; k++) {
                *state = journal_get(a->journal, k, ret);
                if (*state != JOURNAL_FREE && ret->action == id)
                        return k;
        }
        return -1;
}

/* Those that were written down just now, applied or not. */
static void take_back(struct actor *a, int n, const int place[ACT_GROUPS])
{
        for (int k = 0; k < n; k++)
                if (change_undo(a->layout, &a->plan[k]) >= 0)
                        journal_remove(a->journal, place[k]);
}

static int write_down(struct actor *a, const struct action *row, int n, int place[ACT_GROUPS])
{
        int r = 0, k = 0;

        for (; k < n && r >= 0; k++) {
                a->plan[k].action = row->id;
                a->plan[k].kind = row->kind;
                r = place[k] = journal_add(a->journal, &a->plan[k]);
        }
        if (r >= 0)
                return 0;
        for (k -= 2; k >= 0; k--)
                journal_remove(a->journal, place[k]);
        return r;
}

int standing_apply(struct actor *a, struct action *row, int n, struct error *e)
{
        int place[ACT_GROUPS];
        int r = write_down(a, row, n, place);

        if (r < 0)
                return error_set(e, r, "%d changes stand already: undo some first", JOURNAL_CHANGES);
        for (int k = 0; k < n && !r; k++) {
                r = change_apply(a->layout, &a->plan[k]);
                if (r < 0)
                        error_set(e, r, "cannot write %s of %s: %s", change_file_name(a->plan[k].file),
                                a->plan[k].path, strerror(-r));
        }
        /* it may have died since it was planned */
        if (!r && act_kind(row->kind)->stills && is_all_deserted(a, n))
                r = error_set(e, -ESRCH, "nothing of it lives any more");
        if (r < 0) {
                take_back(a, n, place);
                return r;
        }
        if (!row->previous[0])
                snprintf(row->previous, sizeof row->previous, "%s %.40s", change_file_name(a->plan[0].file),
                        a->plan[0].before);
        row->state = ACTION_ACTIVE;
        return 0;
}

/* ---- while it stands ---- */

/* A container that we froze has been paused by a person as well: from now on it is paused for them. */
static bool paused_by_person(const struct actor *a, const struct journal_change *c)
{
        char id[BOARD_NAME];
        uint32_t len = 0, k;

        if (c->file != CHANGE_FREEZE && c->file != CHANGE_FREEZER)
                return false;
        if (cgroup_classify(c->path, id, &len) != CGROUP_OWNER_CONTAINER)
                return false;
        k = world_container_find(a->world, id);
        return k && a->board->container[k].state == CONTAINER_PAUSED;
}

struct look {
        int left, theirs, gone, undone, reverted, unsettled;
        char now[JOURNAL_VALUE]; /* what they have set */
};

static void look_at(struct actor *a, const struct act_kind *kind, int place, const struct journal_change *c,
        enum journal_state state, struct look *l)
{
        char now[JOURNAL_VALUE];
        int r = change_read(a->layout, c, now);

        if (r == -ESTALE) {
                l->gone++;
        } else if (state == JOURNAL_UNDONE) {
                change_undo(a->layout, c); /* we may have put it back while it was being undone */
                l->undone++;
        } else if (kind->stills && is_deserted(a, c) && change_undo(a->layout, c) >= 0) {
                l->gone++;
        } else if (paused_by_person(a, c)) {
                snprintf(l->now, sizeof l->now, "paused");
                l->theirs++;
        } else if (!r && !change_same(c->file, now, c->ours) && !change_same(c->file, now, c->before)) {
                snprintf(l->now, sizeof l->now, "%s", now);
                l->theirs++;
        } else {
                l->left++;
                if (!r && !change_same(c->file, now, c->ours)) {
                        l->reverted++;
                        change_apply(a->layout, c);
                }
                l->unsettled += kind->settled && !kind->settled(a->layout, c);
                return;
        }
        journal_remove(a->journal, place);
}

static void look_all(struct actor *a, const struct action *row, struct look *l)
{
        struct journal_change c;
        enum journal_state state;

        *l = (struct look){0};
        for (int k = -1; (k = next_of(a, row->id, k + 1, &c, &state)) >= 0;)
                look_at(a, act_kind(row->kind), k, &c, state, l);
}

static void note_settling(struct actor *a, struct action *row, const struct look *l, uint64_t now_ns)
{
        bool young = now_ns - row->taken_ns < LOOK_LONG_NS;

        if (!l->unsettled) {
                if (row->result[0])
                        row->result[0] = '\0';
                return;
        }
        snprintf(row->result, sizeof row->result, "%s",
                young ? "under way" : "not complete: some of its tasks are stuck in the kernel");
        if (young)
                row_due(a, now_ns + LOOK_AGAIN_NS);
}

void standing_step(struct actor *a, struct action *row, uint64_t now_ns)
{
        const struct act_kind *kind = act_kind(row->kind);
        struct look l;

        look_all(a, row, &l);
        note_settling(a, row, &l, now_ns);
        if (l.reverted) {
                row->reasserted++;
                if (row->reasserted > ACT_REVERTS) {
                        standing_undo(a, row, "something reverts it again and again", now_ns);
                        return;
                }
                row_tell(a, row, now_ns, "put back: something had reverted it (%u of %d times)",
                        row->reasserted, ACT_REVERTS);
        }
        if (l.undone && !l.left)
                row_end(a, row, ACTION_UNDONE, now_ns, "by the dead-man while the guard did not move");
        else if (l.theirs && !l.left)
                row_end(a, row, ACTION_UNDONE, now_ns, "somebody has set %s since, which stays", l.now);
        else if (!l.left && !kind->follows)
                row_end(a, row, ACTION_UNDONE, now_ns, "nothing of it lives any more");
}

void standing_undo(struct actor *a, struct action *row, const char *why, uint64_t now_ns)
{
        struct journal_change c;
        enum journal_state state;
        int theirs = 0, failed = 0;

        for (int k = -1; (k = next_of(a, row->id, k + 1, &c, &state)) >= 0;) {
                int how = paused_by_person(a, &c) ? CHANGE_THEIRS : change_undo(a->layout, &c);
                theirs += how == CHANGE_THEIRS;
                failed = how < 0 ? how : failed;
                if (how >= 0)
                        journal_remove(a->journal, k);
        }
        if (failed)
                row_end(a, row, ACTION_FAILED, now_ns, "%s, but it could not be undone: %s", why,
                        strerror(-failed));
        else
                row_end(a, row, ACTION_UNDONE, now_ns, "%s%s", why,
                        theirs ? "; somebody has set another value since, which stays" : "");
}

/* ---- groups that come later ---- */

static bool has_group(struct actor *a, uint32_t id, const struct journal_change *wanted)
{
        struct journal_change c;
        enum journal_state state;

        for (int k = -1; (k = next_of(a, id, k + 1, &c, &state)) >= 0;)
                if (c.group == wanted->group && c.hierarchy == wanted->hierarchy)
                        return true;
        return false;
}

void standing_follow(struct actor *a, struct action *row, uint64_t now_ns)
{
        struct act_progress *p = row_progress(a, row);
        uint16_t service = row_service(a, row);
        struct error e = {0};
        int n, left = 0;

        /* what has just been started may be known under another name for a second */
        if (!a->groups_changed && now_ns < p->due_ns)
                return;
        p->due_ns = now_ns + FOLLOW_NS;
        if (!service || touch_service(a->board, a->config, service, 0, NULL) < 0)
                return;
        n = standing_plan(a, act_kind(row->kind), service, row->value, &e);
        for (int k = 0; k < n; k++)
                if (!has_group(a, row->id, &a->plan[k]))
                        a->plan[left++] = a->plan[k];
        if (left && standing_apply(a, row, left, &e) == 0)
                row_tell(a, row, now_ns, "done to what was started since, too");
}
