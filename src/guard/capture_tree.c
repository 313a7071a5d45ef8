/* What a capture holds of tasks and processes: who runs or is blocked, and where in the kernel; of the
 * services that matter the processes that tell most, with those above them. See blackbox.h.
 */
#include "guard/blackbox.h"

#include "base/clock.h"
#include "guard/guard.h"
#include "source/proc/process.h"
#include "world/view.h"

#include <errno.h>
#include <string.h>

enum {
        BLOCKED = 32, /* tasks in D... */
        RUNNING = CAPTURE_TASKS - BLOCKED,
        LISTED = 136, /* processes; the rest of the table is for those above them */

};
#define SAME_BIRTH_NS (30 * NSEC_PER_MSEC) /* clock ticks against the kernel's nanoseconds */

/* How many processes of the service that lists first, second, and of any other. */
static uint32_t quota(uint32_t rank)
{
        return rank == 1 ? 64 : rank == 2 ? 24 : 8;
}

/* Where the picks of a rank begin. */
static uint32_t picks_of(uint32_t rank)
{
        return rank == 1 ? 0 : rank == 2 ? 64 : 88 + 8 * (rank - 3);
}

_Static_assert(BLACKBOX_PICKS == 64 + 24 + 8 * (BLACKBOX_RANKS - 2), "a place for each pick");

/* ---- tasks ---- */

/* "do_sys_poll+0x2c/0x540" loses what stands behind the slash. */
static size_t shorten(char *to, size_t size, const char *stack, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len && n + 1 < size;) {
                size_t line = (size_t)((const char *)memchr(stack + i, '\n', len - i) - (stack + i));
                const char *slash = memchr(stack + i, '/', line);
                size_t keep = slash ? (size_t)(slash - (stack + i)) : line;
                if (n + keep + 1 >= size)
                        break;
                memcpy(to + n, stack + i, keep);
                n += keep;
                to[n++] = '\n';
                i += line + 1;
        }
        return n ? n - 1 : 0;
}

static uint8_t service_of(struct guard *g, int32_t pid)
{
        uint32_t i = world_find(&g->world, pid);

        return i ? guard_capture_service(g, g->board->process[i].service) : CAPTURE_NOBODY;
}

static void take_task(void *ctx, const struct bpf_task *t, const char *stack, size_t len)
{
        struct guard *g = ctx;
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        char text[CAPTURE_STACK];
        size_t n = shorten(text, sizeof text, stack, len);

        if (c->tasks == CAPTURE_TASKS) {
                c->tasks_left_out++;
                return;
        }
        c->task[c->tasks++] = (struct capture_task){
                .pid = t->pid,
                .tid = t->tid,
                .state = t->state,
                .cpu_ns = t->cpu_ns,
                .service = service_of(g, t->pid),
                .comm = guard_capture_text(x, t->comm, sizeof t->comm, sizeof t->comm, MARK_TASKS),
                .wait = t->state == 'D' ? guard_capture_text(x, text, strcspn(text, "+\n"), n, MARK_TASKS)
                                        : 0,
                .stack = guard_capture_text(x, text, n, n, MARK_TASKS),
        };
}

void guard_capture_tasks(struct guard *g)
{
        struct capture *c = &g->blackbox.now->capture;
        uint32_t left_out = 0;
        int r = g->bpf ? bpf_source_stacks(g->bpf, BLOCKED, RUNNING, take_task, g, &left_out) : -ENOTSUP;

        c->tasks_left_out += left_out;
        c->stacks = r >= 0          ? CAPTURE_STACKS_READ
                    : r == -ENOTSUP ? CAPTURE_STACKS_NONE
                                    : CAPTURE_STACKS_FAILED;
        c->stacks_error = r < 0 && r != -ENOTSUP ? -r : 0;
}

/* Without BPF: those among the listed processes that /proc calls so. */
static void take_process_as_task(struct guard *g, const struct capture_process *p, const struct proc_stat *st)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        char wait[PROC_WCHAN] = "";

        if (c->stacks == CAPTURE_STACKS_READ || (st->state != 'R' && st->state != 'D'))
                return;
        if (c->tasks == CAPTURE_TASKS) {
                c->tasks_left_out++;
                return;
        }
        if (st->state == 'D')
                proc_read_wchan(g->proc_fd, p->pid, wait);
        c->task[c->tasks++] = (struct capture_task){
                .pid = p->pid,
                .tid = p->pid,
                .state = st->state,
                .cpu_ns = p->cpu_ns,
                .service = p->service,
                .comm = guard_capture_text(x, st->comm, sizeof st->comm, sizeof st->comm, CAPTURE_POOL),
                .wait = guard_capture_text(x, wait, sizeof wait, sizeof wait, CAPTURE_POOL),
        };
}

/* ---- which processes ---- */

static bool is_there(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER || p->state == PROCESS_ZOMBIE;
}

/* pids of the tasks, as bits of their last digits: most processes are ruled out by a look at it. */
struct active {
        uint64_t bit[4];
};

static struct active active_of(const struct capture *c)
{
        struct active a = {{0}};

        for (uint32_t i = 0; i < c->tasks; i++)
                a.bit[(uint32_t)c->task[i].pid >> 6 & 3] |= UINT64_C(1) << (c->task[i].pid & 63);
        return a;
}

static bool is_active(const struct capture *c, const struct active *a, int32_t pid)
{
        if (!(a->bit[(uint32_t)pid >> 6 & 3] & UINT64_C(1) << (pid & 63)))
                return false;
        for (uint32_t i = 0; i < c->tasks; i++)
                if (c->task[i].pid == pid)
                        return true;
        return false;
}

/* 0 = tells nothing: kernel threads that sleep. */
static uint8_t weight_of(
        const struct board *b, const struct capture *c, const struct active *a, const struct process *p)
{
        const struct service *s = &b->service[p->service];

        if (is_active(c, a, p->pid) || (s->stuck_tasks && s->stuck_pid == p->pid))
                return 5;
        if (p->flags & PROCESS_F_KTHREAD)
                return 0;
        if (p->state == PROCESS_LEADER)
                return 4;
        if (p->state == PROCESS_ZOMBIE)
                return 1;
        return p->flags & PROCESS_F_INIT || p->zombies ? 3 : 2;
}

/* Among those of its rank, if there is room or it weighs more than the lightest one. */
static void pick(struct guard_blackbox *x, uint16_t used[], uint32_t rank, uint32_t process, uint8_t weight)
{
        uint32_t first = picks_of(rank), lightest = first;

        if (used[rank] < quota(rank)) {
                lightest = first + used[rank]++;
        } else {
                for (uint32_t i = first + 1; i < first + used[rank]; i++)
                        if (x->weight[i] < x->weight[lightest])
                                lightest = i;
                if (x->weight[lightest] >= weight)
                        return;
        }
        x->pick[lightest] = process;
        x->weight[lightest] = weight;
}

/* ---- into the table ---- */

static uint8_t flags_of(const struct process *p)
{
        return (uint8_t)((p->flags & PROCESS_F_INIT ? CAPTURE_INIT : 0) |
                         (p->flags & PROCESS_F_KTHREAD ? CAPTURE_KERNEL : 0) |
                         (p->origin == ORIGIN_HEALTHCHECK ? CAPTURE_PROBE : 0));
}

static void list(struct guard *g, uint32_t process, uint8_t more_flags)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        const struct process *p = &g->board->process[process];
        char command[BOARD_STRING];
        uint8_t service = guard_capture_service(g, p->service);

        view_command(g->board, p, command, sizeof command);
        x->process[c->processes] = process;
        c->process[c->processes++] = (struct capture_process){
                .pid = p->pid,
                .ppid = p->ppid,
                .exit_status = p->exit_status,
                .threads = p->threads,
                .zombies = p->zombies,
                .start_ns = p->start_ns,
                .exit_ns = p->exit_ns,
                .cpu_ns = p->cpu_ns,
                .rss_bytes = BOARD_UNKNOWN,
                .command = guard_capture_text(x, command, sizeof command, CAPTURE_COMMAND, MARK_PROCESSES),
                .service = service,
                .state = p->state,
                .flags = (uint8_t)(flags_of(p) | more_flags),
        };
        if (service != CAPTURE_NOBODY)
                c->service[service].listed++;
}

static bool is_listed(const struct guard_blackbox *x, uint32_t process)
{
        for (uint32_t i = 0; i < x->now->capture.processes; i++)
                if (x->process[i] == process)
                        return true;
        return false;
}

/* The heaviest first. */
static void list_picks(struct guard *g, const uint16_t used[])
{
        struct guard_blackbox *x = &g->blackbox;
        const struct capture *c = &x->now->capture;

        for (uint32_t rank = 1; rank <= BLACKBOX_RANKS; rank++)
                for (uint8_t weight = 5; weight; weight--)
                        for (uint32_t i = picks_of(rank); i < picks_of(rank) + used[rank]; i++)
                                if (x->weight[i] == weight && c->processes < LISTED)
                                        list(g, x->pick[i], 0);
}

static void list_those_above(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;
        const struct capture *c = &x->now->capture;

        for (uint32_t i = 0; i < c->processes && c->processes < CAPTURE_PROCESSES; i++) {
                uint32_t above = world_find(&g->world, c->process[i].ppid);
                if (above && !is_listed(x, above))
                        list(g, above, CAPTURE_CONTEXT);
        }
}

void guard_capture_tree(struct guard *g)
{
        struct guard_blackbox *x = &g->blackbox;
        struct capture *c = &x->now->capture;
        const struct board *b = g->board;
        struct active active = active_of(c);
        uint16_t used[BLACKBOX_RANKS + 1] = {0};
        uint32_t there = 0;

        for (uint32_t i = 1; i < b->process_top; i++) {
                const struct process *p = &b->process[i];
                if (!is_there(p))
                        continue;
                there++;
                uint32_t rank = x->rank[p->service];
                uint8_t weight = rank ? weight_of(b, c, &active, p) : 0;
                if (weight)
                        pick(x, used, rank, i, weight);
        }
        list_picks(g, used);
        list_those_above(g);
        c->processes_left_out = there - MIN(there, (uint32_t)c->processes);
}

/* ---- what /proc says of them ---- */

static void read_one(struct guard *g, uint32_t i)
{
        struct capture *c = &g->blackbox.now->capture;
        struct capture_process *p = &c->process[i];
        struct proc_stat st;
        uint64_t after_ns = clock_boot_ns() - g->blackbox.started_ns;

        p->seen_ms = (uint16_t)MIN(after_ns / NSEC_PER_MSEC, (uint64_t)UINT16_MAX);
        p->seen = '-';
        if (proc_read_stat(g->proc_fd, p->pid, &st) < 0)
                return;
        uint64_t start_ns = proc_ticks_to_ns(st.start_ticks);
        if (MAX(start_ns, p->start_ns) - MIN(start_ns, p->start_ns) > SAME_BIRTH_NS)
                return; /* another one of that pid by now */
        p->seen = st.state;
        p->threads = st.threads;
        p->cpu_ns = proc_ticks_to_ns(st.utime_ticks + st.stime_ticks);
        p->rss_bytes = st.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
        take_process_as_task(g, p, &st);
}

bool guard_capture_read(struct guard *g, uint64_t until_ns)
{
        struct guard_blackbox *x = &g->blackbox;

        while (x->seen < x->now->capture.processes) {
                if (clock_boot_ns() >= until_ns)
                        return false;
                read_one(g, x->seen++);
        }
        return true;
}
