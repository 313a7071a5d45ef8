/* The black box: what went on on the host at a moment that matters, captured by the guard into fixed memory
 * that outlives it and the recorder, who takes it to disk when the disk answers.
 *
 * A capture is plain data: tables with a count each, and texts that stand in one pool, each of them once.
 * Times are boot ns, 0 = unknown; unknown numbers are BOARD_UNKNOWN or NAN. Texts are others' bytes. Whoever
 * reads one from shared memory makes it harmless first (wire/capture_tame.h).
 */
#pragma once

#include "model/board.h"

enum {
        BLACKBOX_SLOTS = 6, /* in all 300 KB, present and locked from the guard's start */
        CAPTURE_REASONS = 8,
        CAPTURE_SERVICES = 24,
        CAPTURE_PROCESSES = 160,
        CAPTURE_TASKS = 48,
        CAPTURE_DEATHS = 32,
        CAPTURE_LOG = 48,
        CAPTURE_POOL = 28 << 10,
        CAPTURE_COMMAND = 96, /* longer texts are cut; stacks at CAPTURE_STACK */
        CAPTURE_STACK = 1200,
        CAPTURE_NOBODY = 255, /* as the service of a process: not among those in the capture */
};

/* Where a text begins in the pool; 0 = "". */
typedef uint16_t capture_text;

enum capture_cause {
        CAPTURE_FINDING = 1, /* one became critical */
        CAPTURE_ACTION,      /* something was about to be done */
};

struct capture_reason {
        uint64_t time_ns;
        uint32_t finding;         /* its id on the board, 0 = none */
        uint8_t cause;            /* enum capture_cause */
        char what[32];            /* the detector; or the action: "freeze", "kill" */
        char service[BOARD_NAME]; /* "" = the host */
        char who[48];             /* who acts */
        char text[160];
};

struct capture_host {
        uint32_t cpus, runnable, blocked, zombies;
        uint64_t tasks, pid_max;
        double load1, load5, load15;
        double cpu_busy_ratio, cpu_services_ratio, cpu_kernel_ratio, cpu_unattributed_ratio;
        uint64_t memory_bytes, memory_available_bytes, swap_bytes, swap_free_bytes, oom_kills;
        double psi_cpu, psi_memory, psi_memory_full, psi_io, psi_io_full;
};

/* Those that contribute, the one it is about first; then others that listed processes belong to. */
struct capture_service {
        capture_text name;
        uint8_t kind;     /* enum service_kind */
        uint8_t is_about; /* a reason names it */
        uint8_t contributes;
        uint8_t unused;
        uint16_t listed; /* of its processes, in the capture */
        uint32_t processes, threads, zombies, held, runnable, uninterruptible, stuck;
        double cpu_ratio, load1, fork_rate, memory_slope;
        uint64_t memory_bytes, memory_limit_bytes, pids, pids_limit;
        double psi_cpu, psi_memory, psi_io;
};

enum capture_process_flag {
        CAPTURE_INIT = 1 << 0,    /* PID 1 of a container */
        CAPTURE_KERNEL = 1 << 1,  /* a kernel thread */
        CAPTURE_PROBE = 1 << 2,   /* born of a health check */
        CAPTURE_CONTEXT = 1 << 3, /* only listed because it is above one that is */
};

struct capture_process {
        int32_t pid, ppid, exit_status;
        uint32_t threads, zombies;
        uint64_t start_ns, exit_ns, cpu_ns, rss_bytes;
        capture_text command;
        uint8_t service;  /* index, CAPTURE_NOBODY */
        uint8_t state;    /* enum process_state, as the guard knew it */
        uint8_t flags;    /* enum capture_process_flag */
        char seen;        /* letter of /proc/PID/stat, 0 = not read, '-' = it was gone by then */
        uint16_t seen_ms; /* read so long after the capture began */
};

/* A task that runs, could run, or waits without being interruptible. */
struct capture_task {
        int32_t pid, tid;
        char state; /* 'R', 'D' */
        uint8_t service;
        capture_text comm;
        capture_text wait;  /* the function it waits in, "" = unknown */
        capture_text stack; /* functions, a line each, the innermost first; "" = unknown */
        uint64_t cpu_ns;    /* of the task alone, of a leader the whole process */
};

/* Like deaths of one second. */
struct capture_death {
        uint64_t time_ns, start_ns, count, cpu_ns;
        int32_t pid, ppid, exit_status;
        capture_text comm, command, service;
};

struct capture_line {
        uint64_t boot_usec, sequence;
        uint8_t level;
        capture_text text;
};

enum capture_stacks {
        CAPTURE_STACKS_NONE = 0, /* the kernel doesn't show them: no BPF, or an old kernel */
        CAPTURE_STACKS_READ,
        CAPTURE_STACKS_FAILED, /* stacks_error says why */
};

struct capture {
        uint64_t number; /* grows over restarts of the guard; 1-based */
        uint64_t begun_ns, ended_ns;
        uint64_t held_ns; /* so long whatever it was for had to wait */
        int64_t wall_offset_ns;
        struct capture_host host;
        uint16_t reasons, services, processes, tasks, deaths, lines;
        uint16_t texts_left_out; /* for want of room */
        uint16_t reasons_left_out;
        uint8_t stacks;                  /* enum capture_stacks */
        int32_t stacks_error, log_error; /* errno, 0 = none */
        uint32_t processes_left_out, tasks_left_out;
        struct capture_reason reason[CAPTURE_REASONS];
        struct capture_service service[CAPTURE_SERVICES];
        struct capture_process process[CAPTURE_PROCESSES];
        struct capture_task task[CAPTURE_TASKS];
        struct capture_death death[CAPTURE_DEATHS];
        struct capture_line line[CAPTURE_LOG];
        uint32_t pool_used;
        char pool[CAPTURE_POOL]; /* begins with the empty text */
};

/* Text of the pool; "" for one that points nowhere. Of a capture that has been made harmless. */
static inline const char *capture_text_of(const struct capture *c, capture_text t)
{
        return t < c->pool_used ? c->pool + t : "";
}

struct blackbox_slot {
        uint32_t sequence; /* odd while it is being written; another one for each content */
        uint32_t whole;    /* the capture has been ended: what a killed guard left behind has not */
        struct capture capture;
};

/* Written by the guard alone. */
struct blackbox {
        uint32_t version;
        uint32_t unused;
        uint64_t next_number;
        uint64_t given_up; /* captures that gave way before anybody had taken them to disk */
        struct blackbox_slot slot[BLACKBOX_SLOTS];
};
#define BLACKBOX_VERSION 1u

/* Written by the recorder alone: the sequence of what it has taken to disk of each slot. */
struct blackbox_receipts {
        uint32_t saved[BLACKBOX_SLOTS];
};
