/* The world: what is true now, built from facts alone. It owns the board's contents: processes and
 * their lineage, the ledger of zombies, services, containers and their accounts. It does no I/O; the
 * guard feeds it what the sources report and brackets each batch with board_write_begin/end().
 *
 * Fixed memory: tables on the board and in struct world; when one is full the rule stated at its
 * size in model/board.h applies and the overflow is counted.
 */
#pragma once

#include "model/board.h"
#include "model/engine_msg.h"
#include "model/event.h"

#include <stddef.h>

enum {
        WORLD_BUCKETS = 1 << 15,
        WORLD_CGROUPS = 4096,
        WORLD_PATH = 256,
        WORLD_DEATHS = 1024, /* lines in which one second's deaths are told; full: told at once */
        WORLD_DEATHS_APART =
                768,          /* so many kinds are told apart; more: by service and status, as "(various)" */
        WORLD_RESPAWNS = 128, /* parents whose children's deaths are compared */
        WORLD_LINEAGE = 16,   /* ancestors kept of each process */
        WORLD_IDS = 1024,     /* kernel ids of groups remembered; of two in one place the newer stays */
};

/* One cgroup with processes of ours in it. Sampling state belongs to guard/sample.c. */
struct world_cgroup {
        char path[WORLD_PATH]; /* "" = unused */
        uint64_t id;           /* inode, 0 unknown */
        uint16_t service;
        uint16_t container; /* index, 0 = not a container's */
        uint32_t processes, zombies;
        uint32_t hash_next;
        uint64_t empty_since_ns;
        bool born_seen; /* its first process was born while we watched: count its CPU from zero */
};

/* What the world remembers of a container beyond the engine's record. */
struct world_container {
        uint64_t died_ns, person_stop_ns, probe_started_ns, exec_started_ns;
        int32_t died_code;
        bool seen_by_sync; /* in the listing that is being received */
        bool recorded;     /* the engine's record of it has come */
        bool returned;     /* its service's returned_ns is about it */
        uint32_t restarts; /* of those counted, its own */
};

/* Which of the two that tell of OOM kills in a service is ahead of the other, and since when. */
struct world_oom_told {
        uint32_t at_sec;
        int32_t engine_ahead; /* kills; negative: the counter is */
};

/* Like deaths of the second that runs. */
struct world_death {
        char comm[LIFE_COMM_SIZE];
        uint16_t service;
        int32_t status, pid, ppid;
        uint32_t command; /* string, held */
        uint64_t time_ns, start_ns, count, cpu_ns;
};

struct world {
        struct board *b;
        void (*emit)(void *ctx, const struct event *e);
        void *emit_ctx;
        bool exact_cpu; /* BPF reports each burial's CPU: wait for it */
        uint64_t started_ns;

        uint32_t process_bucket[WORLD_BUCKETS];
        uint32_t process_free; /* chain of unused entries by hash_next */
        uint32_t string_bucket[WORLD_BUCKETS];
        uint32_t string_free;
        uint32_t cgroup_bucket[WORLD_BUCKETS / 16];
        uint32_t cgroup_top;
        struct world_cgroup cgroup[WORLD_CGROUPS]; /* 1 = "/" */
        struct {
                uint64_t id;
                uint32_t cgroup;
        } cgroup_of_id[WORLD_IDS];
        struct world_container container[BOARD_CONTAINERS];
        struct world_oom_told oom_told[BOARD_SERVICES];
        uint32_t restarts_carried[BOARD_SERVICES]; /* known from a predecessor, and not yet from the engine */
        uint16_t kernel_service, self_service;
        int32_t self_pid[BOARD_FAMILY];
        uint32_t awaiting_head, awaiting_tail, awaiting; /* buried, their CPU not yet known: by list_next */
        uint32_t death_count;
        struct world_death death[WORLD_DEATHS];
        uint16_t death_slot[2 * WORLD_DEATHS]; /* by what they have in common; entry + 1, 0 = none */
        struct {
                int32_t parent;
                uint16_t service;
                char comm[LIFE_COMM_SIZE];
        } respawn[WORLD_RESPAWNS];
        uint32_t respawn_next;
        bool ledger_changed;
        bool returned; /* for the guard to take back: a container runs again that the engine calls dead */
        uint64_t reclaimed_ns;                        /* last search for services to give up */
        uint32_t young;                               /* zombies not yet announced */
        void (*entered)(void *ctx, uint32_t process); /* guard: tell apart init and exec roots */
        void (*died)(void *ctx, uint32_t process);    /* guard: a burial is complete, its CPU known or not */
        void (*buried)(void *ctx, uint32_t process);  /* guard: nothing is left to watch */
        /* guard: pid, dead or buried, held this many dead, who have another holder now */
        void (*orphaned)(void *ctx, int32_t pid, uint32_t zombies);
        void (*emptied)(void *ctx, uint32_t cgroup); /* guard: take the group's last figures */
        void (*moved)(
                void *ctx, uint16_t from, uint16_t to); /* guard: what it keeps of services goes along */
        void (*announced)(void *ctx, uint32_t process); /* guard: read once more who holds it and how */
};

/* w is all zeroes, and is not wiped here: most of its tables are never touched and take no memory. */
void world_init(struct world *w, struct board *b, void (*emit)(void *, const struct event *), void *ctx,
        uint64_t now_ns, double grace_sec);

/* ---- processes (process.c) ---- */
/* The living or unburied process with this pid, 0 = none. */
uint32_t world_find(const struct world *w, int32_t pid);
/* The one of that pid born at start_ns (0 = any), also when buried but still awaiting its CPU. */
uint32_t world_find_birth(const struct world *w, int32_t pid, uint64_t start_ns);
/* A birth. An entry of the same pid that was there is buried first. Inherits cgroup, service and
 * command of its parent. 0 when the table is full. */
uint32_t world_born(struct world *w, int32_t pid, int32_t ppid, uint64_t start_ns, uint64_t now_ns);
/* Another program runs in it; what it is called is told separately. A leader that a thread of its replaced by
 * its exec is alive again. */
void world_exec(struct world *w, uint32_t p, uint64_t now_ns);
/* Writes down the birth parent of a process that a scan found. */
void world_adopt(struct world *w, uint32_t p, int32_t ppid);
void world_set_command(struct world *w, uint32_t p, const char *command, const char *exe);
void world_set_comm(struct world *w, uint32_t p, const char *comm);
/* Confirmed states. Times 0 and a negative status = unknown. */
void world_zombie(struct world *w, uint32_t p, uint64_t exit_ns, int32_t status, uint64_t now_ns);
void world_leader(struct world *w, uint32_t p, uint64_t exit_ns);
void world_buried(struct world *w, uint32_t p, uint64_t now_ns);
/* BPF's word on a burial: exact CPU (and, when the guard missed its end, the burial itself). */
void world_freed(struct world *w, const struct life_event *e, uint64_t now_ns);
void world_reparent(struct world *w, uint32_t p, int32_t ppid);
/* Gives up waiting for the CPU of those buried longer than max_age. */
void world_expire(struct world *w, uint64_t now_ns, uint64_t max_age_ns);

/* ---- strings (string.c): interned, counted; 0 when full or empty ---- */
uint32_t world_string(struct world *w, const char *text);
void world_string_ref(struct world *w, uint32_t s);
void world_string_unref(struct world *w, uint32_t s);

/* ---- services, cgroups, containers (service.c, container.c) ---- */
uint16_t world_service(struct world *w, const char *name, enum service_kind kind);
/* A guard that was restarted: what happened to services stays written, what they are is found anew. A
 * predecessor that died while it wrote may have left anything. */
void world_services_carry(struct world *w);
uint32_t world_cgroup(struct world *w, const char *path);
uint32_t world_cgroup_find(const struct world *w, const char *path);
bool world_cgroup_has_zombies(const struct world *w, uint32_t cgroup);
/* A zombie whose own group is unknown: where its holder lives. */
void world_place_zombie(struct world *w, uint32_t p, uint32_t cgroup);
/* 0 = not known (any more): see world_cgroup_has_id(). */
uint32_t world_cgroup_by_id(const struct world *w, uint64_t id);
/* Remembers that the kernel means this group by id, its own or that of a group inside it. */
void world_cgroup_has_id(struct world *w, uint32_t cgroup, uint64_t id);
/* Moves a process; counts follow. */
void world_set_cgroup(struct world *w, uint32_t p, uint32_t cgroup);
void world_set_service(struct world *w, uint32_t p, uint16_t service);
/* Takes a process out of the counts of the living; what it belonged to stays written in it. */
void world_leave(struct world *w, uint32_t p);
void world_threads(struct world *w, uint32_t p, int by);
void world_cgroup_forget(struct world *w, uint32_t cgroup);
/* The shared part of a container's record and all that hangs on its name. */
void world_container(struct world *w, const struct container *c, uint64_t now_ns);
void world_container_event(struct world *w, const struct engine_event *e, uint64_t now_ns);
void world_containers_synced(struct world *w, bool begin);
/* Its PID 1, p, has run another program since its birth: that which runc and crun were to start. The engine
 * tells of that some 100 ms later. */
void world_container_runs(struct world *w, uint32_t p);
uint32_t world_container_find(const struct world *w, const char *id);
/* n OOM kills, told by the engine or counted by the kernel: both may tell of the same one, within ten
 * seconds. */
void world_oom(struct world *w, uint16_t service, bool by_engine, uint64_t n, uint64_t now_ns);
/* The guard's word on a process that entered a container: PID 1 of it, or started from outside. */
void world_entered(struct world *w, uint32_t p, bool is_init);

void recent_push(struct recent *r, uint64_t at_ns, int32_t value);

/* ---- ledger (ledger.c) ---- */
/* Announces those that outlived the grace period, counts zombies per service and holder. Once a second. */
void world_recount(struct world *w, uint64_t now_ns);
/* From lineage and session: task, health check or exec. */
enum origin world_origin(const struct world *w, uint32_t p);
/* The service's health check has become known, or is another one now. */
void world_origins_again(struct world *w, uint16_t service);
/* Living leftovers of probes, per service. */
void world_count_probes(struct world *w);

/* ---- deaths (death.c) ---- */
void world_death(struct world *w, const struct process *p, uint64_t now_ns);
void world_deaths_flush(struct world *w);
void world_event(struct world *w, enum event_kind kind, uint16_t service, const struct process *p,
        uint64_t now_ns, double value, const char *text);
/* The same happened to n, of whom the last is p. */
void world_event_of_many(struct world *w, enum event_kind kind, uint16_t service, const struct process *p,
        uint64_t n, uint64_t now_ns, const char *text);
void world_gap(struct world *w, const char *source, uint64_t from_ns, uint64_t to_ns, uint64_t missed,
        const char *text);
