/* From a service to its control groups: asked of its processes, because on cgroup v1 each controller may have
 * them elsewhere, and proven by who is in them.
 */
#include "act/kind.h"
#include "act/touch.h"
#include "base/text.h"
#include "base/util.h"
#include "source/proc/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const controller_names[CGROUP_HIERARCHIES] = {
        [CGROUP_UNIFIED] = "cgroup",
        [CGROUP_CPU] = "cpu",
        [CGROUP_MEMORY] = "memory",
        [CGROUP_PIDS] = "pids",
        [CGROUP_FREEZER] = "freezer",
};

#define YOUNG_NS (2 * NSEC_PER_SEC)

enum { STRAYS = 64 }; /* processes that are asked in vain */

struct find {
        struct actor *a;
        uint16_t service;
        int count;
        struct error *e;
        int code;
};

/* ---- who else is in it ---- */

/* Services take their names from groups, so that a process in this one that belongs to another service is
 * of a group below it, or has just been moved. */
static bool is_of(struct find *f, int32_t pid, uint32_t *ret)
{
        *ret = world_find(f->a->world, pid);
        return *ret && f->a->board->process[*ret].service == f->service;
}

/* It may be on its way into this group: a runtime joins one hierarchy after the other. */
static bool is_young(const struct actor *a, uint32_t process)
{
        return a->board->updated_ns < a->board->process[process].start_ns + YOUNG_NS;
}

static bool check_member(void *ctx, int32_t pid)
{
        struct find *f = ctx;
        const struct actor *a = f->a;
        uint32_t i = 0;

        if (pid <= 0) {
                f->code = error_set(
                        f->e, -EPERM, "its control group holds processes that can't be seen from here");
                return false;
        }
        if (!is_of(f, pid, &i) && a->ops.learn) {
                a->ops.learn(a->ops.ctx, pid);
                is_of(f, pid, &i);
        }
        if (!i)
                return true; /* gone meanwhile */
        if (a->board->process[i].service == f->service) {
                f->code = touch_process(a->board, a->config, i, 0, f->e);
                if (f->code == -ESRCH)
                        f->code = 0;
        } else {
                f->code = error_set(f->e, is_young(a, i) ? -EAGAIN : -EPERM,
                        "its control group also holds process %d of %s", pid,
                        a->board->service[a->board->process[i].service].name);
        }
        return f->code == 0;
}

/* ---- which groups ---- */

/* The part of a process's path in some hierarchy that is the service's own group: of the container or the
 * unit that the world knows it by, or, for any other group, the very same path. */
static bool own_part(const char *known, char path[CGROUP_PATH])
{
        char name[BOARD_NAME], other[BOARD_NAME];
        uint32_t len = 0, other_len = 0;
        enum cgroup_owner owner = cgroup_classify(path, name, &len);

        if (owner != cgroup_classify(known, other, &other_len) || owner == CGROUP_OWNER_ROOT ||
                strcmp(name, other) != 0)
                return false;
        if (len < CGROUP_PATH)
                path[len] = '\0';
        return true;
}

static int add_group(struct find *f, enum cgroup_hierarchy h, const char *path)
{
        struct actor *a = f->a;
        struct stat st;
        cleanup_close int dir = cgroup_open_group(a->layout, h, path);

        if (dir < 0 || fstat(dir, &st) < 0)
                return dir < 0 ? dir : -errno;
        for (int k = 0; k < f->count; k++)
                if (a->group[k].group == st.st_ino && a->group[k].hierarchy == h)
                        return 0;
        if (f->count == ACT_GROUPS)
                return error_set(f->e, -E2BIG, "it has more than %d control groups", ACT_GROUPS);
        int r = cgroup_each_pid(dir, check_member, f);
        if (r == 1)
                return f->code;
        if (r < 0)
                return r == -E2BIG ? error_set(f->e, r, "there are too many control groups below its own")
                                   : r;
        struct act_group *g = &a->group[f->count++];
        g->group = st.st_ino;
        g->hierarchy = (uint8_t)h;
        text_set(g->path, sizeof g->path, path);
        return 0;
}

bool target_is_dying(const struct actor *a, int32_t pid)
{
        struct proc_stat st;
        int r = proc_read_stat(a->proc_fd, pid, &st);

        /* a leader may be dead and its threads live */
        return r == -ENOENT || r == -ESRCH || (!r && st.flags & PROC_FLAG_EXITING && st.threads <= 1);
}

/* 1 when the process's group was found, 0 when it has none of its own, negative errno. */
static int group_of(struct find *f, const struct process *p, enum cgroup_hierarchy wanted)
{
        struct actor *a = f->a;
        const enum cgroup_hierarchy where[] = {wanted, CGROUP_UNIFIED};
        const char *known = a->world->cgroup[p->cgroup].path;
        char text[4096], path[CGROUP_PATH];

        if (proc_read_cgroup(a->proc_fd, p->pid, text, sizeof text) < 0)
                return -ESRCH;
        for (size_t k = 0; k < ARRAY_SIZE(where); k++) {
                if (!cgroup_path_in(text, where[k], path) || !own_part(known, path))
                        continue;
                int r = add_group(f, where[k], path);
                if (r != -ENOENT)
                        return r < 0 ? r : 1;
        }
        /* on cgroup v1 it leaves its groups when it dies, and they go with their last one */
        return target_is_dying(a, p->pid) ? -ESRCH : 0;
}

int target_groups(struct actor *a, uint16_t service, enum cgroup_hierarchy h, struct error *e)
{
        const struct board *b = a->board;
        struct find f = {.a = a, .service = service, .e = e};
        uint8_t seen[WORLD_CGROUPS / 8] = {0}, bare[WORLD_CGROUPS / 8] = {0};
        uint32_t strays = 0;
        bool lives = false;

        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                if ((p->state != PROCESS_ALIVE && p->state != PROCESS_LEADER) || p->service != service ||
                        seen[p->cgroup / 8] & 1u << p->cgroup % 8)
                        continue;
                int r = group_of(&f, p, h);
                if (r == -ESRCH)
                        continue; /* died just now: another one will tell */
                if (r < 0)
                        return f.e && f.e->code == r ? r
                                                     : error_set(e, r, "cannot look at its control group: %s",
                                                               strerror(-r));
                lives = true;
                /* a runtime joins one hierarchy after the other: those that are there already tell */
                (r ? seen : bare)[p->cgroup / 8] |= (uint8_t)(1u << p->cgroup % 8);
                strays += !r;
                if (strays > STRAYS)
                        break;
        }
        for (size_t k = 0; k < sizeof bare; k++)
                if (bare[k] & ~seen[k])
                        return error_set(e, -ENOTSUP, "it has no control group of its own with %s",
                                controller_names[h]);
        return lives ? f.count : error_set(e, -ESRCH, "nothing of it lives");
}
