/* Scans and audits. A scan walks /proc and makes the world agree: at start, after a loss, and as the
 * last resort when no event source works. An audit proves the ledger against the kernel without that
 * walk: by BPF's task iterator, or by what the pids controller charges and what no thread list shows.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "source/proc/process.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define YOUNG_NS (2 * NSEC_PER_SEC)

/* ---- one process as /proc shows it ---- */

static uint32_t add_unknown(struct guard *g, const struct proc_stat *st, uint64_t now_ns)
{
        uint32_t i = world_born(&g->world, st->pid, st->ppid, proc_ticks_to_ns(st->start_ticks), now_ns);
        struct process *p = &g->board->process[i];

        if (!i)
                return 0;
        guard_met(g, p->start_ns);
        p->sid = st->sid;
        memcpy(p->comm, st->comm, sizeof p->comm);
        if (!g->board->sources.scan || !g->ticks)
                p->flags |= PROCESS_F_PRE_EXISTING;
        if (st->flags & PROC_FLAG_KTHREAD) {
                p->flags |= PROCESS_F_KTHREAD;
                world_set_service(&g->world, i, g->world.kernel_service);
                return i;
        }
        p->flags &= (uint16_t)~PROCESS_F_KTHREAD; /* inherited from kthreadd by a user-mode helper */
        for (uint32_t k = 0; k < ARRAY_SIZE(g->world.self_pid); k++)
                if (g->world.self_pid[k] && st->pid == g->world.self_pid[k])
                        p->flags |= PROCESS_F_SELF;
        world_set_command(&g->world, i, NULL, NULL);
        guard_resolve(g, i);
        if (g->ticks || now_ns < p->start_ns + YOUNG_NS)
                guard_want_settle(g, i, now_ns); /* it may be on its way from its parent's group to its own */
        return i;
}

/* On cgroup v1 an old zombie's own lines read "/": it belongs where its holder lives. */
static void place_by_holder(struct guard *g, uint32_t i)
{
        struct process *p = &g->board->process[i];
        uint32_t h = p->ppid > 1 ? world_find(&g->world, p->ppid) : 0;

        if (h && p->cgroup <= 1 && g->board->process[h].cgroup > 1) {
                world_place_zombie(&g->world, i, g->board->process[h].cgroup);
        }
}

void guard_look_at(struct guard *g, int32_t pid)
{
        struct proc_stat st;
        uint64_t now_ns = clock_boot_ns();

        if (proc_read_stat(g->proc_fd, pid, &st) < 0)
                return;
        uint64_t start = proc_ticks_to_ns(st.start_ticks);
        uint32_t i = world_find(&g->world, pid);
        if (i) {
                uint64_t was = g->board->process[i].start_ns;
                if (MAX(was, start) - MIN(was, start) > 30 * NSEC_PER_MSEC)
                        i = 0; /* another process by now: born() buries the old one */
        }
        if (!i)
                i = add_unknown(g, &st, now_ns);
        if (!i)
                return;
        struct process *p = &g->board->process[i];
        p->flags |= PROCESS_F_SCANNED;
        if (p->state == PROCESS_ALIVE && st.state != 'Z') {
                world_threads(&g->world, i, (int)st.threads - (int)p->threads);
                p->ppid = st.ppid;
                if (g->board->sources.scan)
                        memcpy(p->comm, st.comm, sizeof p->comm);
                return;
        }
        if (p->state != PROCESS_ZOMBIE)
                guard_check_dead(g, i, guard_exit_code(g, &st),
                        g->board->sources.scan && g->ticks ? now_ns : 0, now_ns);
        if (p->state == PROCESS_ZOMBIE)
                guard_read_zombie(g, i, false);
}

static int scan_one(void *ctx, int32_t pid)
{
        guard_look_at(ctx, pid);
        return 0;
}

static void link_lineage(struct guard *g)
{
        struct board *b = g->board;

        for (uint32_t i = 1; i < b->process_top; i++)
                if (b->process[i].flags & PROCESS_F_PRE_EXISTING && !b->process[i].parent &&
                        b->process[i].state != PROCESS_BURIED && b->process[i].state != PROCESS_FREE)
                        world_adopt(&g->world, i, b->process[i].ppid);
        for (uint32_t i = b->ledger_head; i; i = b->process[i].list_next)
                place_by_holder(g, i);
}

/* Innermost pid 1: a container's main process that a scan found. */
static void find_inits(struct guard *g)
{
        struct board *b = g->board;
        struct proc_status status;

        for (uint32_t i = 1; i < b->process_top; i++) {
                struct process *p = &b->process[i];
                uint8_t kind = b->service[p->service].kind;
                if (p->state != PROCESS_ALIVE || !(p->flags & PROCESS_F_PRE_EXISTING) ||
                        (kind != SERVICE_COMPOSE && kind != SERVICE_CONTAINER))
                        continue;
                if (p->parent && b->process[p->parent].service == p->service)
                        continue;
                if (proc_read_status(g->proc_fd, p->pid, &status) == 0 && status.ns_depth > 1)
                        world_entered(&g->world, i, status.ns_pid == 1);
        }
}

void guard_scan(struct guard *g, uint64_t now_ns)
{
        struct board *b = g->board;

        g->scan_wanted = false;
        b->self.scans++;
        for (uint32_t i = 1; i < b->process_top; i++)
                b->process[i].flags &= (uint16_t)~PROCESS_F_SCANNED;
        if (proc_list(g->proc_fd, scan_one, g) < 0)
                log_warning("cannot list processes");
        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                if (p->state == PROCESS_FREE || p->state == PROCESS_BURIED || p->flags & PROCESS_F_SCANNED)
                        continue;
                guard_check_dead(g, i, p->exit_status, p->exit_ns ? p->exit_ns : now_ns, now_ns);
        }
        link_lineage(g);
        find_inits(g);
        g->world.ledger_changed = true;
}

/* ---- audit ---- */

/* The counts prove that as many are dead as we say; that they are the same ones is looked at more rarely.
 * A core's share that this may use, and more while the counts say that something is wrong. */
#define ONE_BY_ONE_NS      (60 * NSEC_PER_SEC)
#define ONE_BY_ONE_SHARE   0.0001
#define ONE_BY_ONE_TASK_NS 1000 /* for each task, at least */
#define SUSPICIOUS_SHARE   0.001
/* Births and deaths of the moment make the counts differ; what lasts so many looks, a second apart, is real.
 */
enum { DIFFERS_LOOKS = 2 };
#define AUDIT_NS (9 * NSEC_PER_SEC) /* the ledger is proven at least every 10 s */

static void correct(struct guard *g, const char *what, uint64_t n, uint64_t now_ns)
{
        char text[96];

        g->board->self.audit_corrections += n;
        snprintf(text, sizeof text, "audit: %llu %s", (unsigned long long)n, what);
        world_gap(&g->world, "audit", g->audit_right_ns ? g->audit_right_ns : g->board->started_ns, now_ns, n,
                text);
}

struct audit {
        struct guard *g;
        uint64_t missing, now_ns;
};

static void audit_task(void *ctx, const struct bpf_task *t)
{
        struct audit *a = ctx;
        struct guard *g = a->g;
        uint32_t i = world_find(&g->world, t->pid);
        struct proc_stat st;

        if (i) {
                g->board->process[i].flags |= PROCESS_F_SCANNED;
                if (g->board->process[i].state != PROCESS_ALIVE)
                        return;
                /* Its exit event may still wait in the socket: only old news are missing news. */
                if (guard_check_dead(g, i, -1, a->now_ns, a->now_ns) &&
                        g->board->process[i].state == PROCESS_ZOMBIE)
                        guard_read_zombie(g, i, false);
                return;
        }
        if (proc_read_stat(g->proc_fd, t->pid, &st) < 0 || st.state != 'Z')
                return;
        if (scan_one(g, t->pid) == 0)
                a->missing++;
}

static void audit_with_bpf(struct guard *g, uint64_t now_ns)
{
        struct audit a = {.g = g, .now_ns = now_ns};
        struct board *b = g->board;
        uint64_t stale = 0;

        for (uint32_t i = b->ledger_head; i; i = b->process[i].list_next)
                b->process[i].flags &= (uint16_t)~PROCESS_F_SCANNED;
        if (bpf_source_tasks(g->bpf, BPF_TASK_ZOMBIES, audit_task, &a) < 0)
                return;
        for (uint32_t i = b->ledger_head, next; i; i = next) {
                struct process *p = &b->process[i];
                next = p->list_next;
                if (p->flags & PROCESS_F_SCANNED || p->state != PROCESS_ZOMBIE)
                        continue;
                if (kill(p->pid, 0) < 0 && errno == ESRCH) {
                        bool due = g->pidfd[i] && b->sources.pidfd_hup;
                        world_buried(&g->world, i, now_ns);
                        stale += !due; /* with a pidfd the news is only on its way */
                }
        }
        if (a.missing) {
                link_lineage(g);
                correct(g, "zombies were missing from the ledger", a.missing, now_ns);
        }
        if (stale)
                correct(g, "entries of the ledger were already buried", stale, now_ns);
}

/* Sum over the groups whose zombies the pids controller shows, and what the ledger says of them. */
static int64_t charged_difference(struct guard *g, bool *ret_covered_all)
{
        int64_t difference = 0;
        uint64_t unreaped;

        *ret_covered_all = true;
        for (uint32_t k = 1; k < g->world.cgroup_top; k++) {
                const struct world_cgroup *c = &g->world.cgroup[k];
                if (!c->path[0])
                        continue;
                if (cgroup_unreaped(&g->layout, c->path, &unreaped) < 0) {
                        *ret_covered_all = false;
                        continue;
                }
                difference += (int64_t)unreaped - (int64_t)c->zombies;
        }
        return difference;
}

/* All tasks the kernel counts against all threads and zombies the world knows: covers the root group,
 * which the pids controller does not charge. False when the kernel doesn't tell. */
static bool counted_difference(struct guard *g, int64_t *ret)
{
        const struct board *b = g->board;
        int64_t ours = b->zombies;
        uint64_t tasks;
        char text[128];
        const char *p;

        for (uint32_t s = 0; s < b->service_top; s++)
                ours += b->service[s].threads;
        if (file_read_at(g->proc_fd, "loadavg", text, sizeof text) < 0 || !(p = strchr(text, '/')))
                return false;
        p++;
        if (!text_u64(&p, &tasks))
                return false;
        *ret = (int64_t)tasks - ours;
        return true;
}

/* Without BPF: a difference may be a moment's; the same one twice in a row is not. What a scan leaves of it
 * is of threads, and no reason to scan again before it changes. Returns when to look again: sooner after
 * every other look that differs, so that a mistake is put right within AUDIT_NS and a second.
 */
static uint64_t audit_by_groups(struct guard *g, uint64_t now_ns)
{
        uint32_t zombies = g->board->zombies;
        bool covered;
        int64_t difference = charged_difference(g, &covered);

        if (!covered && !difference && !counted_difference(g, &difference))
                difference = 0;
        if (!difference || difference == g->audit_difference) {
                g->audit_difference = difference;
                g->audit_seen = g->audit_differs = 0;
                g->audit_right_ns = now_ns;
                return AUDIT_NS;
        }
        if (difference != g->audit_seen) {
                g->audit_seen = difference;
                return g->audit_differs++ % 2 ? AUDIT_NS : NSEC_PER_SEC;
        }
        guard_scan(g, now_ns);
        g->audit_seen = g->audit_differs = 0;
        g->audit_difference = g->board->zombies == zombies ? difference : 0;
        if (g->board->zombies != zombies)
                correct(g, "zombies differed from the kernel's count",
                        (uint64_t)llabs((long long)g->board->zombies - zombies), now_ns);
        g->audit_right_ns = now_ns;
        return AUDIT_NS;
}

/* What is left of a difference once the dead were compared one by one is of threads, and no reason to look
 * again before it changes. True when the ledger has to be looked at. */
static bool counts_differ(struct guard *g)
{
        int64_t difference;

        if (!counted_difference(g, &difference))
                return true;
        g->audit_differs = !difference || difference == g->audit_difference ? 0 : g->audit_differs + 1;
        return g->audit_differs > 0;
}

static void one_by_one(struct guard *g, uint64_t now_ns)
{
        pace_begin(&g->audit_pace);
        audit_with_bpf(g, now_ns);
        pace_end(&g->audit_pace, now_ns);
        g->audit_right_ns = now_ns;
        g->audit_differs = 0;
        if (!counted_difference(g, &g->audit_difference))
                g->audit_difference = 0;
}

uint64_t guard_audit(struct guard *g, uint64_t now_ns)
{
        bool suspicious;

        g->board->self.audits++;
        if (g->board->sources.scan)
                return AUDIT_NS; /* every scan is one */
        if (!g->bpf || !g->board->sources.bpf_iterator)
                return audit_by_groups(g, now_ns);
        if (g->board->host.tasks != BOARD_UNKNOWN)
                pace_expect(&g->audit_pace, g->board->host.tasks * ONE_BY_ONE_TASK_NS);
        suspicious = counts_differ(g);
        if (suspicious && g->audit_differs < DIFFERS_LOOKS)
                return NSEC_PER_SEC;
        if (!suspicious)
                g->audit_right_ns = now_ns;
        if (pace_is_due(&g->audit_pace, suspicious ? SUSPICIOUS_SHARE : ONE_BY_ONE_SHARE, now_ns) &&
                (suspicious || now_ns - g->audit_pace.ended_ns >= ONE_BY_ONE_NS))
                one_by_one(g, now_ns);
        return AUDIT_NS;
}
