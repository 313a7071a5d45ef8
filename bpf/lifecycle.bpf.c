/* The lives of processes as the kernel sees them: fork, exec, rename, moves between cgroups, exit, burial
 * (with the exact CPU of the whole process); and an iterator over tasks that filters in the kernel. Records
 * go into one ring, and only the first of a batch wakes the reader: a wake-up per event would cost the
 * watched process more than everything done here.
 */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "source/bpf/record.h"

/* The helpers used are marked GPL-only by the kernel. */
char LICENSE[] SEC("license") = "GPL";

/* More threads than this are not added up by the iterator (a bound the verifier can follow). */
#define MAX_THREADS_SUMMED 1024

const volatile __u32 cgroup_pick = CGROUP_PICK_UNIFIED;
/* A power of two: the reader is woken each time that much more lies in the ring. */
const volatile __u64 wake_bytes = 1 << 17;

struct bpf_shared shared = {};

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 19);
} ring SEC(".maps");

/* Where an EXEC record is put together, since its length is known only afterwards. */
struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct record_exec);
} scratch SEC(".maps");

/* The number of a controller differs from kernel to kernel, and it may not be built in at all. */
static __always_inline int picked_controller(void)
{
        if (cgroup_pick == CGROUP_PICK_MEMORY &&
                bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
                return bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
        if (cgroup_pick == CGROUP_PICK_PIDS &&
                bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
                return bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
        if (cgroup_pick == CGROUP_PICK_CPUACCT &&
                bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuacct_cgrp_id))
                return bpf_core_enum_value(enum cgroup_subsys_id, cpuacct_cgrp_id);
        return -1;
}

/* Followed by plain loads, which the kernel guards against bad pointers, not by helpers that copy: this is
 * done for every birth. */
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
        const struct css_set *set = task->cgroups;
        int controller = picked_controller();

        if (controller < 0)
                return set->dfl_cgrp;
        const struct cgroup_subsys_state *css =
                *(struct cgroup_subsys_state **)((char *)set + bpf_core_field_offset(set->subsys) +
                                                 controller * sizeof(void *));
        return css->cgroup;
}

static __always_inline __u64 cgroup_id_of(struct task_struct *task)
{
        return cgroup_of(task)->kn->id;
}

static __always_inline int session_of(struct task_struct *task)
{
        const struct signal_struct *signal = task->signal;
        const struct pid *session =
                *(struct pid **)((char *)signal + bpf_core_field_offset(signal->pids) +
                                 bpf_core_enum_value(enum pid_type, PIDTYPE_SID) * sizeof(void *));

        return session->numbers[0].nr;
}

static __always_inline void fill(struct record *r, struct task_struct *task, __u16 type)
{
        r->type = type;
        r->alive = 0;
        r->pid = task->tgid;
        r->time_ns = bpf_ktime_get_boot_ns();
        r->start_ns = task->group_leader->start_boottime;
}

static __always_inline void *reserve(__u64 size)
{
        void *r = bpf_ringbuf_reserve(&ring, size, 0);

        if (!r)
                __sync_fetch_and_add(&shared.lost, 1);
        return r;
}

/* Called with the record reserved: a reader that falls asleep after this look sees it. When much lies in the
 * ring the reader is woken in any case, each time that much more has come: burials come in bursts of ten
 * thousand when RCU has fallen behind. size is the record's, without its header. */
static __always_inline __u64 wake_flag(__u64 size, bool urgent)
{
        if (urgent && shared.asleep) {
                shared.asleep = 0;
                return BPF_RB_FORCE_WAKEUP;
        }
        __u64 filled = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

        return filled >= wake_bytes && (filled & (wake_bytes - 1)) < size + 8 ? BPF_RB_FORCE_WAKEUP
                                                                              : BPF_RB_NO_WAKEUP;
}

static __always_inline void submit(void *r, __u64 size)
{
        bpf_ringbuf_submit(r, wake_flag(size, true));
}

/* As wait(2) would tell the parent. */
static __always_inline int wait_status(struct task_struct *leader)
{
        struct signal_struct *signal = leader->signal;

        return signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader->exit_code;
}

/* Up to len bytes of user memory that may not be there; never faults a page in. */
static __always_inline __u32 read_user(char *to, __u32 len, __u64 from)
{
        if (len > RECORD_COMMAND_SIZE)
                len = RECORD_COMMAND_SIZE;
        if (bpf_probe_read_user(to, len, (const void *)from) == 0)
                return len;
        /* What lies in the first page may still be there. */
        __u32 first = 4096 - (from & 4095);
        if (first >= len || first > RECORD_COMMAND_SIZE)
                return 0;
        return bpf_probe_read_user(to, first, (const void *)from) == 0 ? first : 0;
}

/* What a helper returned, as a length; 0 for an error. The barrier keeps the comparison on the very register
 * that is used: verifiers before 6.2 don't carry what they know of 64 bits over to the lower 32. */
static __always_inline __u32 length_of(long n, __u32 max)
{
        __u32 len = n;

        barrier_var(len);
        return len <= max ? len : 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
        __u32 key = 0;
        struct record_exec *r = bpf_map_lookup_elem(&scratch, &key);

        if (!r)
                return 0;
        fill(&r->head, task, RECORD_EXEC);
        r->cgroup_id = cgroup_id_of(task);
        r->ppid = task->real_parent->tgid;
        r->sid = session_of(task);
        bpf_probe_read_kernel(r->comm, sizeof r->comm, task->comm);

        long n = bpf_probe_read_kernel_str(r->text, RECORD_EXE_SIZE, bprm->filename);
        __u32 exe_len = length_of(n, RECORD_EXE_SIZE);

        __u64 start = task->mm->arg_start;
        __u64 end = task->mm->arg_end;
        __u32 len = end <= start                        ? 0
                    : end - start > RECORD_COMMAND_SIZE ? RECORD_COMMAND_SIZE
                                                        : (__u32)(end - start);
        len = read_user(r->text + exe_len, len, start);

        r->exe_len = exe_len;
        r->command_len = len;
        __u64 size = __builtin_offsetof(struct record_exec, text) + exe_len + len;
        if (size > sizeof *r)
                return 0;
        /* Not reserved before the look, so a reader may fall asleep in between: it sleeps until the next
         * event of any process, a second at most. */
        if (bpf_ringbuf_output(&ring, r, size, wake_flag(size, true)))
                __sync_fetch_and_add(&shared.lost, 1);
        return 0;
}

/* Runs in an RCU callback, milliseconds after the parent's wait: the last moment of the process. By then
 * every thread, the leader too, has added its time to sum_sched_runtime. Nobody is in a hurry for it. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
        struct record_free *r;

        if (task->pid != task->tgid)
                return 0;
        r = reserve(sizeof *r);
        if (!r)
                return 0;
        fill(&r->head, task, RECORD_FREE);
        r->cpu_ns = task->signal->sum_sched_runtime;
        r->status = wait_status(task);
        r->unused = 0;
        bpf_ringbuf_submit(r, wake_flag(sizeof *r, false));
        return 0;
}

/* Fires once for each hierarchy that moves the process; only the picked one counts. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup, struct cgroup *to, const char *path, struct task_struct *task)
{
        struct record_cgroup *r;

        if (task->pid != task->tgid || cgroup_of(task)->root != to->root)
                return 0;
        r = reserve(sizeof *r);
        if (!r)
                return 0;
        fill(&r->head, task, RECORD_CGROUP);
        r->cgroup_id = to->kn->id;
        submit(r, sizeof *r);
        return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
        struct record_fork *r = reserve(sizeof *r);

        if (!r)
                return 0;
        fill(&r->head, child, child->pid == child->tgid ? RECORD_FORK : RECORD_THREAD);
        r->cgroup_id = cgroup_id_of(child);
        r->ppid = child->real_parent->tgid;
        r->sid = session_of(child);
        submit(r, sizeof *r);
        return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
        struct record_exit *r = reserve(sizeof *r);

        if (!r)
                return 0;
        fill(&r->head, task, RECORD_EXIT);
        /* Counted down before we are called; two threads that die at once may both read 0. */
        int alive = task->signal->live.counter;
        r->head.alive = alive < 0 ? 0 : alive > 0xffff ? 0xffff : alive;
        r->cgroup_id = cgroup_id_of(task);
        r->tid = task->pid;
        r->ppid = task->real_parent->tgid;
        r->status = alive > 0 && task->pid != task->tgid ? task->exit_code : wait_status(task->group_leader);
        r->signal = task->exit_signal;
        bpf_probe_read_kernel(r->comm, sizeof r->comm, task->comm);
        submit(r, sizeof *r);
        return 0;
}

/* Its new name comes with the EXEC record. */
static __always_inline bool executes(struct task_struct *task)
{
        return bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD(task, in_execve);
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
        struct record_comm *r;

        if (task->pid != task->tgid || executes(task))
                return 0;
        r = reserve(sizeof *r);
        if (!r)
                return 0;
        fill(&r->head, task, RECORD_COMM);
        bpf_probe_read_kernel_str(r->comm, sizeof r->comm, comm);
        submit(r, sizeof *r);
        return 0;
}

static __always_inline unsigned int state_of(struct task_struct *task)
{
        const struct task_struct___before_5_14 *old = (void *)task;

        if (bpf_core_field_exists(task->__state))
                return task->__state;
        return (unsigned int)BPF_CORE_READ(old, state);
}

/* As the kernel's load average counts them; the one who asks runs only because it asks. */
static __always_inline bool is_active(struct task_struct *task)
{
        unsigned int state = state_of(task);

        if (task->exit_state)
                return 0;
        return (state == 0 && task->pid != (int)bpf_get_current_pid_tgid()) ||
               (state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE;
}

static __always_inline bool wanted(struct task_struct *task)
{
        if (task->pid == task->tgid &&
                (shared.want & RECORD_WANT_ALL || (shared.want & RECORD_WANT_ZOMBIES && task->exit_state)))
                return 1;
        return shared.want & RECORD_WANT_ACTIVE && is_active(task);
}

/* CPU of the whole process: of the threads that were released and of those in the list. */
static __always_inline __u64 cpu_of_process(struct task_struct *leader)
{
        struct signal_struct *signal = leader->signal;
        __u64 sum = signal->sum_sched_runtime;

        if (signal->nr_threads <= 1)
                return sum + leader->se.sum_exec_runtime;

        const struct list_head *end = &signal->thread_head;
        const struct list_head *at = BPF_CORE_READ(signal, thread_head.next);
        const unsigned long node = bpf_core_field_offset(leader->thread_node);
        for (int i = 0; i < MAX_THREADS_SUMMED && at && at != end; i++) {
                struct task_struct *t = (void *)((const char *)at - node);
                sum += BPF_CORE_READ(t, se.sum_exec_runtime);
                at = BPF_CORE_READ(at, next);
        }
        return sum;
}

static __always_inline void describe(struct record_task *r, struct task_struct *task)
{
        r->pid = task->tgid;
        r->tid = task->pid;
        r->ppid = task->real_parent->tgid;
        r->sid = session_of(task);
        r->threads = task->signal->nr_threads;
        r->state = state_of(task);
        r->exit_state = task->exit_state;
        r->tracer = task->ptrace ? task->parent->tgid : 0;
        r->start_ns = task->start_boottime;
        r->cpu_ns = task->pid == task->tgid ? cpu_of_process(task) : task->se.sum_exec_runtime;
        r->cgroup_id = cgroup_id_of(task);
        r->switches = task->nvcsw + task->nivcsw;
        bpf_probe_read_kernel(r->comm, sizeof r->comm, task->comm);
}

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
        struct task_struct *task = ctx->task;
        struct record_task r = {};

        if (!task || !wanted(task))
                return 0;
        describe(&r, task);
        bpf_seq_write(ctx->meta->seq, &r, sizeof r);
        return 0;
}

/* Where the active tasks are in the kernel, without a lock of theirs: /proc/PID/stack waits for an exec that
 * is under way, and that may wait for a file system. A task that doesn't fit any more into what is read at a
 * time comes again with the next read, and is counted twice. */
SEC("iter/task")
int on_stack(struct bpf_iter__task *ctx)
{
        struct task_struct *task = ctx->task;
        struct seq_file *seq = ctx->meta->seq;
        struct record_stack r = {};

        if (!task || !is_active(task))
                return 0;
        __u32 *left = state_of(task) ? &shared.stacks_blocked : &shared.stacks_running;
        if (!*left) {
                shared.stacks_left_out++;
                return 0;
        }
        --*left;
        describe(&r.task, task);
        long len = bpf_get_task_stack(task, shared.stack, sizeof shared.stack, 0);
        if (len > 0)
                r.frames = (__u32)len / sizeof shared.stack[0];
        bpf_seq_write(seq, &r, sizeof r);
        for (__u32 i = 0; i < RECORD_STACK_DEPTH && i < r.frames; i++)
                BPF_SEQ_PRINTF(seq, "%pB\n", (void *)shared.stack[i]);
        return 0;
}
