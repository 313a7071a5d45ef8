/* The few kernel structures that the BPF programs read, with only the members they read. Offsets are
 * relocated to the running kernel when the object is loaded (CO-RE), so order and gaps don't matter here
 * and no generated vmlinux.h is needed. Values of enumerations are relocated too, which is why
 * those written here are never used as they stand.
 */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed short __s16;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

/* Part of the kernel's stable interface (include/uapi/linux/bpf.h). */
enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };

/* include/linux/sched.h and include/linux/sched/signal.h; not in BTF since they are macros. */
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_NOLOAD          0x0400
#define SIGNAL_GROUP_EXIT    0x00000004

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
        struct list_head *next;
};

struct atomic {
        int counter;
};

enum pid_type { PIDTYPE_SID = 3 };

struct upid {
        int nr;
};

struct pid {
        struct upid numbers[1];
};

enum cgroup_subsys_id { cpuacct_cgrp_id = 2, memory_cgrp_id = 4, pids_cgrp_id = 11 };

struct kernfs_node {
        __u64 id;
};

struct cgroup_root;

struct cgroup {
        struct kernfs_node *kn;
        struct cgroup_root *root;
};

struct cgroup_subsys_state {
        struct cgroup *cgroup;
};

struct css_set {
        struct cgroup_subsys_state *subsys[1]; /* as many as the kernel has controllers */
        struct cgroup *dfl_cgrp;
};

struct signal_struct {
        struct atomic live;
        int nr_threads;
        struct list_head thread_head;
        int group_exit_code;
        unsigned int flags;
        struct pid *pids[4];
        unsigned long long sum_sched_runtime;
};

struct mm_struct {
        unsigned long arg_start;
        unsigned long arg_end;
};

struct sched_entity {
        __u64 sum_exec_runtime;
};

struct task_struct {
        unsigned int __state;
        unsigned int ptrace;
        struct sched_entity se;
        struct mm_struct *mm;
        int exit_state;
        int exit_code;
        int exit_signal;
        unsigned int in_execve : 1;
        int pid;
        int tgid;
        unsigned long nvcsw;
        unsigned long nivcsw;
        struct task_struct *real_parent;
        struct task_struct *parent; /* the tracer's, where it is traced */
        struct task_struct *group_leader;
        struct list_head thread_node;
        __u64 start_boottime;
        char comm[16];
        struct css_set *cgroups;
        struct signal_struct *signal;
};

/* Before 5.14 the member had another name and type. */
struct task_struct___before_5_14 {
        long state;
};

struct linux_binprm {
        const char *filename;
};

struct seq_file;

struct bpf_iter_meta {
        struct seq_file *seq;
};

struct bpf_iter__task {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
};

#pragma clang attribute pop
