/* The board: everything the guard knows, as one block of plain, index-linked data in shared memory.
 * The guard alone writes it (through world/); the recorder, the rescue console and tests map it
 * read-only and take consistent copies with wire/board.h. Indices instead of pointers, fixed tables,
 * no allocation: when a table is full the stated rule applies and `overflow` counts it.
 *
 * Times are CLOCK_BOOTTIME ns, 0 = never/unknown. Ratios: cpu in cores, others 0..1. Unknown numbers
 * are BOARD_UNKNOWN (u64) or NAN (double).
 */
#pragma once

#include "model/action.h"
#include "model/life.h"

#include <stdbool.h>
#include <stdint.h>

#define BOARD_VERSION 6u
#define BOARD_UNKNOWN UINT64_MAX

enum {
        BOARD_PROCESSES = 1 << 17, /* living + dead unburied + ancestors kept for lineage */
        BOARD_STRINGS = 1 << 14,   /* distinct command lines and exe paths; full: comm is shown instead */
        BOARD_SERVICES =
                2048, /* full: those unseen for an hour give way, else new ones are in 0, "(other)" */
        BOARD_CONTAINERS = 2048,
        BOARD_FINDINGS = 256,
        BOARD_PENDING = 16, /* full: those of the detectors that look later are left out */
        BOARD_GAPS = 64,    /* a ring: the newest are kept */
        BOARD_NAME = 128,
        BOARD_STRING = LIFE_COMMAND_SIZE,
        BOARD_EVIDENCE = 6,
        BOARD_RECENT = 32, /* recent moments kept per service and kind */
        BOARD_MOUNTS = 16,
        BOARD_FAMILY =
                8, /* processes of Sexton: the supervisor, and its children in the order of their roles */
};

/* ---- processes ---- */

enum process_state {
        PROCESS_FREE = 0, /* entry unused */
        PROCESS_ALIVE,
        PROCESS_LEADER, /* leader dead, other threads live */
        PROCESS_ZOMBIE, /* dead, not waited for */
        PROCESS_BURIED, /* gone; kept while a descendant refers to it, or until its CPU is known */
};

enum process_flag {
        PROCESS_F_KTHREAD = 1 << 0,
        PROCESS_F_INIT = 1 << 1,         /* PID 1 of a pid namespace other than the host's */
        PROCESS_F_EXEC_ROOT = 1 << 2,    /* entered a container from outside: an exec or a health check */
        PROCESS_F_HEALTHCHECK = 1 << 3,  /* exec root known to be a health check */
        PROCESS_F_PRE_EXISTING = 1 << 4, /* found by a scan: birth and lineage not seen */
        PROCESS_F_PTRACED = 1 << 5,      /* zombie held by a tracer; tracer_pid */
        PROCESS_F_HOLDER_IGNORES =
                1 << 6,                /* has SIGCHLD neither caught nor ignored: hint that it never reaps */
        PROCESS_F_SELF = 1 << 7,       /* one of Sexton's own */
        PROCESS_F_SCANNED = 1 << 8,    /* internal: mark of the running scan */
        PROCESS_F_RESOLVE = 1 << 9,    /* internal: cgroup to be read */
        PROCESS_F_SETTLED = 1 << 10,   /* internal: cgroup was read again after the first second */
        PROCESS_F_ANNOUNCED = 1 << 11, /* internal: as a zombie it outlived the grace period and was told */
        PROCESS_F_CPU_EXACT = 1 << 12, /* internal: cpu_ns is BPF's word at burial */
        PROCESS_F_EXECED = 1 << 13,    /* internal: has run another program since its birth */
        PROCESS_F_ASKED = 1 << 14,     /* internal: its command line has been asked for */
};

enum origin {
        ORIGIN_UNKNOWN = 0,
        ORIGIN_TASK, /* born of the service's own processes */
        ORIGIN_HEALTHCHECK,
        ORIGIN_EXEC, /* docker exec, nsenter */
};

struct process {
        int32_t pid;
        int32_t ppid;        /* who would reap it now (real parent's thread group) */
        int32_t sid;         /* session, 0 unknown */
        int32_t exit_status; /* as wait(2); -1 = unknown, or it lives */
        int32_t tracer_pid;
        uint32_t threads;
        uint32_t zombies; /* dead children it has not waited for */
        uint64_t start_ns;
        uint64_t exit_ns;              /* 0 while alive; for zombies older than Sexton: 0 = unknown */
        uint64_t cpu_ns;               /* in life; BOARD_UNKNOWN until known */
        uint32_t parent;               /* index of the birth parent's entry, 0 = unknown; holds a reference */
        uint32_t refs;                 /* children entries that point here */
        uint32_t command;              /* string index, 0 = only comm is known */
        uint32_t exe;                  /* string index, 0 = unknown */
        uint32_t cgroup;               /* world-internal cgroup index */
        uint32_t hash_next;            /* world-internal */
        uint32_t list_next, list_prev; /* world-internal: ledger of zombies */
        uint16_t service;
        uint16_t flags;
        uint8_t state;  /* enum process_state */
        uint8_t origin; /* enum origin, set at birth of an exec root, inherited */
        char comm[LIFE_COMM_SIZE];
};

struct board_string {
        uint32_t refs;
        uint32_t hash_next;
        char text[BOARD_STRING]; /* raw bytes, NUL-terminated; escape where shown */
};

/* ---- services and containers ---- */

enum service_kind {
        SERVICE_NONE = 0, /* entry unused */
        SERVICE_COMPOSE,
        SERVICE_CONTAINER,
        SERVICE_SYSTEMD,
        SERVICE_SESSION,
        SERVICE_CGROUP,
        SERVICE_KERNEL,
        SERVICE_HOST,
};

enum container_state {
        CONTAINER_UNKNOWN = 0,
        CONTAINER_CREATED,
        CONTAINER_RUNNING,
        CONTAINER_PAUSED,
        CONTAINER_RESTARTING,
        CONTAINER_EXITED,
        CONTAINER_REMOVED,
};

enum container_health {
        HEALTH_NONE = 0, /* no health check */
        HEALTH_STARTING,
        HEALTH_HEALTHY,
        HEALTH_UNHEALTHY,
};

enum restart_policy {
        RESTART_NO = 0,
        RESTART_ON_FAILURE,
        RESTART_ALWAYS,
        RESTART_UNLESS_STOPPED,
};

/* The last moments of one kind; next = total % BOARD_RECENT. */
struct recent {
        uint64_t total;
        uint64_t at_ns[BOARD_RECENT];
        int32_t value[BOARD_RECENT]; /* exit status, duration in ms... */
};

/* Labels that couldn't be understood: bits of labels.bad. */
enum label_bad {
        LABEL_BAD_MODE = 1 << 0,
        LABEL_BAD_LADDER = 1 << 1,
        LABEL_BAD_BUDGET = 1 << 2,
        LABEL_BAD_CPU = 1 << 3,
        LABEL_BAD_MEMORY = 1 << 4,
};

#define LABEL_WINDOW_MAX (UINT64_C(7) * 86400 * 1000000000) /* of a restart budget */

/* What a container's labels ask of the ladder; 0 = nothing. */
struct labels {
        uint8_t mode;      /* sexton.mode: 1 observe, 2 enforce */
        uint8_t bad;       /* enum label_bad */
        bool has_steps;    /* sexton.ladder is there: only these steps */
        bool bury;         /* sexton.bury */
        uint16_t steps;    /* 1 << enum action_kind */
        uint32_t restarts; /* sexton.restart-budget: so many... */
        uint64_t restarts_window_ns;
        uint64_t cpu_max_millicores, memory_max_bytes;
};

/* What the container engine says of one container; filled by the engine process. */
struct container {
        char id[72]; /* 64 hex digits, "" = entry unused */
        char name[BOARD_NAME];
        char project[64], compose_service[64], number[8];
        char image[BOARD_NAME];
        char image_id[80];
        char config_hash[72];
        char health_command[BOARD_STRING]; /* as it appears in argv, joined with blanks; "" none */
        bool health_shell;                 /* the CMD-SHELL form */
        bool init;                         /* --init: a reaping PID 1 */
        bool oom_killed;
        bool label_protect, label_autoheal, label_zombies_ignore;
        uint8_t state, health, policy;
        struct labels labels;
        char label_name[64]; /* sexton.name */
        int32_t init_pid;    /* 0 while not running */
        int32_t exit_code;
        uint32_t restart_count;
        uint64_t health_interval_ns, health_timeout_ns;
        uint64_t memory_limit_bytes, pids_limit, cpu_quota_millicores; /* 0 = none */
        uint64_t started_ns, finished_ns;
        uint16_t service; /* world: the service it belongs to */
};

/* What a person (or a tool in a person's name) did to a service last. */
enum person_act { PERSON_NONE = 0, PERSON_STOP, PERSON_START, PERSON_PAUSE, PERSON_UNPAUSE, PERSON_UPDATE };

struct service {
        char name[BOARD_NAME];
        char id[72]; /* newest container's id, or "" */
        char image[BOARD_NAME];
        char image_id[80], config_hash[72]; /* "" not known */
        uint8_t kind, state, health, policy;
        bool has_health_check, health_shell, has_init, ignore_zombies, protect;
        bool is_self;  /* Sexton's own: never blamed */
        bool is_drill; /* its group is named as a drill's: model/drill.h */
        bool autoheal;
        uint8_t person_act;   /* enum person_act... */
        uint64_t person_ns;   /* ...and when; 0 = never */
        uint64_t released_ns; /* when a person took back what Sexton had done to it; 0 = never */
        struct labels labels;
        char health_command[BOARD_STRING];
        uint64_t health_interval_ns, health_timeout_ns;
        uint64_t first_seen_ns, last_seen_ns, deployed_ns; /* deployed: created, or config hash changed */
        uint64_t drill_ns;                                 /* when its drill began; 0 = none */
        uint32_t containers;                               /* known of it, running */

        uint32_t processes, threads, zombies,
                leaders; /* now; zombies of every age whose HOLDER or life was here: by life */
        uint32_t held;   /* lasting zombies (older than grace) whose holder belongs to this service */
        uint32_t runnable, uninterruptible; /* threads, last sample */

        uint64_t cpu_ns;        /* of everything that ever ran in it since Sexton watches */
        uint64_t cpu_exited_ns; /* the part of processes already dead */
        double cpu_ratio;       /* cores, over the last sample interval */
        double load1;           /* its share of the kernel's load1 */
        double load5;
        uint64_t throttled_ns, throttled_periods, periods;
        uint64_t memory_bytes, memory_limit_bytes; /* working set; limit BOARD_UNKNOWN = none */
        double memory_slope_bytes_per_sec;         /* smoothed; NAN while unknown */
        uint64_t pids, pids_limit;                 /* BOARD_UNKNOWN = none */
        double psi_cpu, psi_memory, psi_io;        /* some avg10, 0..1; NAN without v2 */
        uint64_t oom_kills, oom_events;

        uint64_t forks, execs, deaths, deaths_signalled;
        double fork_rate;            /* per second, smoothed over 10 s */
        uint64_t died_ns;            /* its last process died... */
        int32_t died_status;         /* ...with this status, as wait(2) */
        uint64_t restarts_before;    /* more of them, by the engine's count; their moments are not known */
        struct recent restarts;      /* value: exit code of the death before it */
        uint64_t returned_ns;        /* a restart that is seen, and not told by the engine yet; 0 = none... */
        int32_t returned_code;       /* ...and the exit code before it */
        struct recent zombie_births; /* lasting ones (older than grace) held here */
        struct recent ooms;
        struct recent respawns; /* a child of the same parent running the same command died and came again;
                                   value: lifetime ms */
        struct recent reexecs;  /* exec in place by the main process */
        char respawn_command[BOARD_STRING];
        struct recent probe_timeouts, probe_failures, probe_runs; /* probe_runs.value: duration in ms */
        uint32_t probes_open;                                     /* running now */
        uint32_t probe_orphans;                                   /* processes of past probes still alive */
        uint64_t probe_cpu_ns;
        uint32_t stuck_tasks; /* in one and the same wait in D for longer than the detector's minimum */
        char stuck_command[LIFE_COMM_SIZE];
        int32_t stuck_pid;
        uint64_t stuck_since_ns; /* the one that is named, which waits the longest; 0 = none */
};

/* ---- host ---- */

struct mount_point {
        char path[BOARD_NAME];
        uint64_t size_bytes, free_bytes, inodes, inodes_free;
        double slope_bytes_per_sec; /* of use, smoothed; NAN while unknown */
};

struct host {
        char name[65], kernel[65];
        uint32_t cpus;
        uint64_t boot_unix_ns;
        double load1, load5, load15;
        double load1_before;        /* of load1, what is left from before Sexton looked: nobody's */
        uint32_t runnable, blocked; /* procs_running, procs_blocked */
        uint64_t tasks;             /* all threads, zombies included */
        uint64_t pid_max, threads_max;
        uint64_t memory_bytes, memory_available_bytes, swap_bytes, swap_free_bytes;
        double memory_slope_bytes_per_sec;  /* of use, smoothed; NAN while unknown */
        double psi_cpu, psi_memory, psi_io; /* some avg10, 0..1; NAN unknown */
        double psi_memory_full, psi_io_full;
        /* time lost since boot: some task waited, all that could run did; BOARD_UNKNOWN without PSI */
        uint64_t psi_cpu_some_ns, psi_memory_some_ns, psi_memory_full_ns, psi_io_some_ns, psi_io_full_ns;
        uint64_t psi_triggered_ns; /* last time a PSI trigger fired */
        uint64_t cpu_user_ns, cpu_nice_ns, cpu_system_ns, cpu_idle_ns, cpu_iowait_ns, cpu_irq_ns,
                cpu_softirq_ns, cpu_steal_ns;
        double cpu_busy_ratio;                                               /* 0..1 of all CPUs */
        double cpu_services_ratio, cpu_kernel_ratio, cpu_unattributed_ratio; /* cores */
        uint64_t oom_kills;                                                  /* vmstat oom_kill since boot */
        uint64_t forks;                                                      /* /proc/stat processes */
        uint32_t mounts;
        struct mount_point mount[BOARD_MOUNTS];
};

/* ---- findings ---- */

enum severity {
        SEVERITY_INFO = 0,
        SEVERITY_WARNING,
        SEVERITY_CRITICAL,
};

struct evidence {
        uint64_t time_ns;
        char text[120];
        double value; /* NAN: none */
        char unit[12];
};

struct finding {
        uint32_t id;      /* 0 = entry unused; grows */
        uint16_t service; /* 0 = the host as a whole */
        uint8_t severity;
        bool open;  /* closed ones stay until the entry is needed */
        bool drill; /* staged by `sexton drill` */
        char detector[32];
        char service_name[BOARD_NAME]; /* "" = host */
        char runbook[40];              /* file name in docs/runbooks without .md */
        uint64_t since_ns, opened_ns, closed_ns, updated_ns;
        char text[256];
        char remedy[400];
        uint32_t evidence_count;
        struct evidence evidence[BOARD_EVIDENCE];
};

/* A condition that holds, but not yet for as long as a finding of it needs; anew with each look. */
struct pending {
        struct finding finding; /* id 0 */
        double for_sec;
};

/* ---- the breaker ---- */

struct breaker {
        bool open;
        int8_t forced;       /* by a person: 1 open, 0 closed; -1 = automatic */
        uint32_t opened;     /* how often */
        uint64_t changed_ns; /* when it opened or closed last; 0 = never */
        uint64_t forced_ns;  /* when a person had his word; 0 = never */
        uint16_t service;    /* whom it acts on, 0 = nobody is to be blamed */
        char text[160];      /* why it is as it is */
};

/* ---- honesty ---- */

struct gap {
        uint64_t from_ns, to_ns;
        char source[16];
        char text[96];
        uint64_t missed; /* events; BOARD_UNKNOWN when not countable */
};

enum engine_state {
        ENGINE_NONE = 0, /* no socket found, or switched off */
        ENGINE_DOCKER,
        ENGINE_PODMAN,
        ENGINE_UNREACHABLE,
};

struct sources {
        bool netlink, bpf, bpf_iterator, pidfd, pidfd_hup, scan, psi_triggers;
        uint8_t engine;
        uint8_t cgroup_version; /* 1, 2, 3 = hybrid, 0 none */
        bool root;              /* with root's right to look at others' processes (CAP_SYS_PTRACE) */
        bool host_pids, host_cgroups;
        char why_not_netlink[80], why_not_bpf[80], engine_text[120];
};

struct self_stats {
        int32_t guard_pid, engine_pid, recorder_pid, supervisor_pid, courier_pid, rescue_pid;
        bool rescue_real_time; /* the console has the real-time share that it asks for */
        uint64_t events, events_lost, drains, audits, audit_corrections, scans;
        uint64_t overflow_processes, overflow_strings, overflow_services, overflow_findings, overflow_ring;
        uint64_t guard_rss_bytes, recorder_rss_bytes, engine_rss_bytes;
        uint64_t guard_major_faults; /* since it runs: it had to wait for the disk */
        bool guard_real_time, guard_locked;
        double cpu_ratio;                                 /* of all Sexton processes, cores */
        uint64_t zombie_delay_ns_sum, zombie_delay_count; /* from death to ledger */
        uint64_t detection_delay_bucket[9]; /* each for itself: <=10ms 25ms 50ms 100ms 500ms 1s 5s 15s more */
        /* how late the guard woke from sleeping until a timer: <=50us 100us 500us 1ms 10ms more */
        uint64_t wake_delay_bucket[6], wake_delay_ns_sum, wake_delay_ns_max;
};

/* ---- the whole ---- */

struct board {
        uint32_t version, size;
        uint32_t sequence;                /* seqlock: odd while the guard writes */
        uint32_t guard_generation;        /* counts guard starts on this board */
        int32_t family_pid[BOARD_FAMILY]; /* 0 = doesn't run; written by the supervisor */
        uint64_t started_ns, updated_ns;
        uint64_t grace_ns;
        uint64_t drill_ns;         /* when a drill began last (model/drill.h); 0 = never */
        uint32_t zombies, leaders; /* totals, all ages */
        uint32_t ledger_head;      /* first zombie/leader entry, linked by list_next, 0 ends; newest first */
        uint32_t process_top, string_top, service_top, container_top, finding_top,
                action_top; /* entries ever used + 1 */
        uint64_t gap_total; /* gap[gap_total % BOARD_GAPS] is the next to be overwritten */
        uint32_t pendings;  /* entries in use */
        struct host host;
        struct sources sources;
        struct self_stats self;
        struct gap gap[BOARD_GAPS];
        struct finding finding[BOARD_FINDINGS];
        struct pending pending[BOARD_PENDING];
        struct action action[BOARD_ACTIONS];
        struct breaker breaker;
        struct action_count action_count[ACTION_COUNTS];
        struct service service[BOARD_SERVICES];       /* 0 = "(other)" */
        struct container container[BOARD_CONTAINERS]; /* 0 unused */
        struct board_string string[BOARD_STRINGS];    /* 0 unused */
        struct process process[BOARD_PROCESSES];      /* 0 unused */
};
