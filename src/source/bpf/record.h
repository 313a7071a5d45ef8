/* What the BPF programs hand to user space: the records in the ring, the page both sides map, and the
 * records of the task iterator. Shared by bpf/lifecycle.bpf.c and the reader; whoever includes it has
 * the __u32 family of types already.
 */
#pragma once

#define RECORD_COMM_SIZE    16
#define RECORD_EXE_SIZE     96  /* with its NUL */
#define RECORD_COMMAND_SIZE 160 /* bytes of argv as they lie in memory */
#define RECORD_STACK_DEPTH  24

enum record_type {
        RECORD_FORK = 1,
        RECORD_THREAD,
        RECORD_EXEC,
        RECORD_COMM,
        RECORD_EXIT,
        RECORD_FREE,
        RECORD_CGROUP,
};

/* Every record begins so. Times are boot time. Each byte is carried a million times in a storm: a record
 * holds what its moment changes and no more. */
struct record {
        __u16 type;
        __u16 alive; /* EXIT: threads of the process that still live, capped */
        __s32 pid;
        __u64 time_ns;
        __u64 start_ns;
};

/* FORK and THREAD */
struct record_fork {
        struct record head;
        __u64 cgroup_id;
        __s32 ppid, sid;
};

struct record_comm {
        struct record head;
        char comm[RECORD_COMM_SIZE];
};

struct record_cgroup {
        struct record head;
        __u64 cgroup_id;
};

struct record_exit {
        struct record head;
        __u64 cgroup_id;
        __s32 tid, ppid, status, signal;
        char comm[RECORD_COMM_SIZE];
};

struct record_free {
        struct record head;
        __u64 cpu_ns;
        __s32 status;
        __u32 unused;
};

/* text: exe_len bytes of the path with its NUL, then command_len bytes of argv. Only the used part is
 * in the ring. */
struct record_exec {
        struct record head;
        __u64 cgroup_id;
        __s32 ppid, sid;
        char comm[RECORD_COMM_SIZE];
        __u16 exe_len, command_len;
        char text[RECORD_EXE_SIZE + RECORD_COMMAND_SIZE];
};

/* The map that both sides write: user space chooses what the iterator shows, the programs count. */
struct bpf_shared {
        __u64 lost;   /* records that found no room in the ring */
        __u32 want;   /* BPF_TASK_* of the iteration under way */
        __u32 asleep; /* the reader wants to be woken by the next record; the program that does it clears it
                       */
        /* so many more stacks are wanted of tasks in D, and of those that run or could; active tasks that
         * nobody wanted any more */
        __u32 stacks_blocked, stacks_running, stacks_left_out, unused;
        __u64 stack[RECORD_STACK_DEPTH]; /* the one being written */
};

enum cgroup_pick { CGROUP_PICK_UNIFIED, CGROUP_PICK_MEMORY, CGROUP_PICK_PIDS, CGROUP_PICK_CPUACCT };

/* The same bits as BPF_TASK_* of bpf.h; bpf.c asserts it. */
enum { RECORD_WANT_ZOMBIES = 1, RECORD_WANT_ACTIVE = 2, RECORD_WANT_ALL = 4 };

struct record_task {
        __s32 pid, tid, ppid, sid;
        __u32 threads, state, exit_state;
        __s32 tracer; /* 0 = none */
        __u64 start_ns, cpu_ns, cgroup_id;
        __u64 switches;
        char comm[RECORD_COMM_SIZE];
};

/* Of the iterator over stacks: then come `frames` lines, a function each, the innermost first. */
struct record_stack {
        struct record_task task;
        __u32 frames, unused;
};
