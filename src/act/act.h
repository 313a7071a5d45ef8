/* The hand of the guard: takes actions on services, keeps them standing while somebody reverts them, and
 * undoes them exactly: at their end, when asked, at shutdown, and, through the journal, when the guard is
 * gone. Whether and when to act is decided elsewhere (ladder/, a person).
 *
 * Fixed memory, no allocation, no waiting. The caller holds the board for writing around every call, and
 * calls from one thread. Whatever happens to an action stands on the board (struct action) and crosses
 * the ring as one EVENT_ACTION: taken, ended, put back after a revert, failed.
 */
#pragma once

#include "act/bury.h"
#include "act/journal.h"
#include "config/config.h"
#include "model/engine_msg.h"
#include "source/cgroup/cgroup.h"
#include "world/world.h"

enum {
        ACT_RATE = 64,   /* actions.max_per_minute is at most this */
        ACT_REVERTS = 5, /* after so many the action gives up */
        ACT_HOLDERS = 32,
        ACT_GROUPS = 32, /* control groups of one service; one with more is left alone */
};

/* What is about to be done. */
struct act_about {
        const char *what; /* "freeze"; "kill" */
        uint16_t service;
        uint32_t finding; /* what asked for it, 0 = none */
        const char *who, *reason;
};

/* What an action may use. All of it outlives the actor. */
struct act_ops {
        /* Called just before anything is done, but for undoing. May be NULL. */
        void (*before)(void *ctx, const struct act_about *about, uint64_t now_ns);
        /* The engine process is to do this; act_operated() tells of its end. False: it can't be asked now. */
        bool (*operate)(void *ctx, const struct engine_operate *o);
        /* The process that buries is to do this; act_buried() tells of its end. False: it can't be asked now.
         * May be NULL. */
        bool (*bury)(void *ctx, const struct bury_request *q);
        /* A process that the world may not know, or not where it is now: makes it agree with /proc. May be
         * NULL. */
        void (*learn)(void *ctx, int32_t pid);
        void *ctx;
};

/* One group of a service in one hierarchy. */
struct act_group {
        uint64_t group; /* inode of its folder */
        uint8_t hierarchy;
        char path[CGROUP_PATH];
};

/* A holder whose dead were buried before, or are to be. */
struct act_holder {
        int32_t pid;
        bool buried;
        uint64_t start_ns, waited_faults; /* as bury_result has them */
};

/* What a row of the board needs beyond it. */
struct act_progress {
        uint32_t stage, asked; /* the kind's own; operations that have not ended */
        uint64_t due_ns;
};

struct actor {
        struct world *world;
        struct board *board; /* the world's */
        const struct config *config;
        const struct cgroup_layout *layout;
        int proc_fd;
        struct journal *journal;
        struct act_ops ops;
        uint64_t due_ns;          /* act_tick() is to be called then at the latest; 0 = when convenient */
        bool groups_changed;      /* a group came to life: actions that follow their service look again */
        uint64_t taken[ACT_RATE]; /* when the last ones were taken, a ring */
        uint32_t taken_next;
        struct act_progress progress[BOARD_ACTIONS];
        struct act_holder holder[ACT_HOLDERS];
        uint32_t holder_next;
        char said[200]; /* by the last act_take() that went well: what is or would be done, in words */
        /* working space of one call */
        struct bury_request burial;
        struct act_group group[ACT_GROUPS];
        struct journal_change plan[ACT_GROUPS];
};

struct act_order {
        uint8_t kind; /* enum action_kind */
        uint16_t service;
        bool dry_run;      /* only say what would be done: state ACTION_WOULD */
        bool by_person;    /* not held back by actions.max_per_minute; a dry run leaves no trace */
        double value;      /* in the kind's unit; NAN = the kind's default */
        uint64_t ttl_ns;   /* 0 = the kind's default */
        uint32_t finding;  /* what asked for it, 0 = none */
        int32_t asker_pid; /* the service it lives in is not touched; 0 unknown */
        const char *who, *reason;
        struct action_measure measure[ACTION_MEASURES]; /* name "" = unused */
};

void act_init(struct actor *a, struct world *w, const struct config *c, const struct cgroup_layout *l,
        int proc_fd, struct journal *j, const struct act_ops *ops);
/* Takes over what an earlier guard left on the board and in the journal: what stands in both goes on,
 * anything else is undone. */
void act_adopt(struct actor *a, uint64_t now_ns);

/* Takes the action, or says why not: *e is set and its code returned. -EPERM must not be touched, -ENOENT no
 * such service, -ESRCH nothing of it lives, -EALREADY it is so already, -EAGAIN too many a minute, -ENOTSUP
 * not possible for this service on this host, -ENOSPC 128 actions stand. The same kind on the same service,
 * standing already, is prolonged or changed: its own id comes back. *ret_id is set only on success; 0 when a
 * person's dry run made no row. */
int act_take(struct actor *a, const struct act_order *o, uint64_t now_ns, uint32_t *ret_id, struct error *e);
/* -ENOENT when there is no such action, -EALREADY when it has ended. `why` is for people: "asked for by
 * root"; NULL only tells whether it stands. */
int act_undo(struct actor *a, uint32_t id, const char *why, uint64_t now_ns, struct error *e);
/* Undoes all that stands on the service, or only what holds it still; returns how many that were. `why` NULL
 * only counts them. */
uint32_t act_release(struct actor *a, uint16_t service, bool only_still, const char *why, uint64_t now_ns);
/* Undoes everything: the guard is about to end. */
void act_stop_all(struct actor *a, const char *why, uint64_t now_ns);

/* Ends what is over, puts back what was reverted, goes on with what takes time. Once a second, and at
 * a->due_ns. */
void act_tick(struct actor *a, uint64_t now_ns);
/* A group of a service has its first process: what follows the service is done to it, too. */
void act_group_seen(struct actor *a);
/* The last one in some group has died: what is frozen there is thawed. */
void act_group_emptied(struct actor *a);
/* The engine process has done what it was asked, or not. */
void act_operated(struct actor *a, const struct engine_operated *o, uint64_t now_ns);

/* The process that buries has done what it was asked, or not. */
void act_buried(struct actor *a, const struct bury_result *r, uint64_t now_ns);

/* Sends a signal to one process through a pidfd, unless it must not be touched. Signal 0 only asks whether it
 * could. */
int act_kill(struct actor *a, int32_t pid, int sig, int32_t asker_pid, const char *who, uint64_t now_ns,
        struct error *e);

/* The row of an action, NULL when there is none: for measures and whether it helped. */
struct action *act_find(struct actor *a, uint32_t id);
/* The id of the standing action of that kind on the service, 0 = none. */
uint32_t act_standing(const struct actor *a, uint16_t service, enum action_kind kind);
