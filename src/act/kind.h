/* Private to act/: what a kind of action is, and the parts that all kinds share. A kind is one file with one
 * const struct act_kind and a line in table.c.
 */
#pragma once

#include "act/act.h"

/* What is wanted of one control group. */
struct act_wish {
        double value;   /* in the kind's unit; NAN = the kind's default */
        uint32_t parts; /* groups that share the value */
        const struct service *service;
};

struct act_kind {
        uint64_t ttl_ns;      /* default; 0 = done once */
        const char *standing; /* what it is while it stands, for people: "frozen" */

        /* Kinds that change one file of each group of the service: */
        enum cgroup_hierarchy hierarchy; /* of cgroup v1, also the controller's name */
        bool follows;                    /* done as well to groups that the service gets later */
        bool stills;                     /* undone at once in a group in which nothing lives any more */
        /* Fills in file, before and ours, from what the group's folder says now. -EALREADY when there is
         * nothing to change. */
        int (*plan)(
                int dir, bool unified, const struct act_wish *w, struct journal_change *c, struct error *e);
        /* The kernel has done what was written. May be NULL: at once. */
        bool (*settled)(const struct cgroup_layout *l, const struct journal_change *c);

        /* Kinds that do something else. Whether there is something to do, and what: into a->said. */
        int (*foresee)(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e);
        /* The row is filled in, its state is theirs to set: */
        int (*begin)(struct actor *a, struct action *row, uint64_t now_ns, struct error *e);
        void (*step)(struct actor *a, struct action *row, uint64_t now_ns);
        void (*end)(struct actor *a, struct action *row, uint64_t now_ns); /* undo; NULL: there is none */
        /* A restarted guard goes on with it, without what was in the row's progress. May be NULL. */
        void (*adopt)(struct actor *a, struct action *row, uint64_t now_ns);
        void (*operated)(
                struct actor *a, struct action *row, const struct engine_operated *o, uint64_t now_ns);
};

/* NULL for a kind that isn't there. */
const struct act_kind *act_kind(uint8_t kind);

/* ---- row.c ---- */
/* An unused row of the board; the one that ended longest ago gives way. NULL when all stand. */
struct action *row_new(struct actor *a, const struct act_order *o, uint64_t now_ns);
struct act_progress *row_progress(struct actor *a, const struct action *row);
/* The service it is on, by its name: 0 while none is called so. */
uint16_t row_service(struct actor *a, struct action *row);
/* Tells the ring: "freeze: TEXT". */
void row_tell(struct actor *a, const struct action *row, uint64_t now_ns, const char *fmt, ...)
        printf_like(4, 5);
/* Its end: sets state and result, and tells. */
void row_end(struct actor *a, struct action *row, enum action_state state, uint64_t now_ns, const char *fmt,
        ...) printf_like(5, 6);
/* Counts that it came to be in that state. */
void row_count(struct actor *a, const struct action *row, enum action_state state);
/* act_tick() is to be called at due_ns at the latest. */
void row_due(struct actor *a, uint64_t due_ns);

/* ---- target.c ---- */
/* The groups of a service in a controller's hierarchy, each proven to hold nobody else: into a->group[].
 * Returns how many; -ESRCH nothing of it lives, -ENOTSUP it has none of its own, -EPERM others are in it,
 * -EAGAIN as that, but they may be on their way. */
int target_groups(struct actor *a, uint16_t service, enum cgroup_hierarchy h, struct error *e);

/* Is it dead, or so far that nothing keeps it from dying? */
bool target_is_dying(const struct actor *a, int32_t pid);

/* ---- standing.c ---- */
/* Plans for each group: into a->plan[]. Returns how many. */
int standing_plan(struct actor *a, const struct act_kind *k, uint16_t service, double value, struct error *e);
/* The first n of a->plan[] in words, into a->said. */
void standing_say(struct actor *a, int n);
/* Writes down and applies the first n of a->plan[]; all or nothing. */
int standing_apply(struct actor *a, struct action *row, int n, struct error *e);
/* Once a second: reverted, taken over by others, gone, undone by the dead-man. May end the action. */
void standing_step(struct actor *a, struct action *row, uint64_t now_ns);
/* Puts everything back; says what became of it. */
void standing_undo(struct actor *a, struct action *row, const char *why, uint64_t now_ns);
/* The service has new groups. */
void standing_follow(struct actor *a, struct action *row, uint64_t now_ns);

/* ---- signal.c ---- */
/* To the process of that entry, proven by its start time to be the same one still. */
int signal_process(struct actor *a, uint32_t process, int sig);
/* To all processes of the service that were born before; returns how many live. With init_only, where there
 * are PID 1s of containers, to those only. */
uint32_t signal_service(struct actor *a, uint16_t service, uint64_t born_before_ns, bool init_only, int sig);

/* Whether anything lives in the service that was born after. */
bool signal_any_since(const struct actor *a, uint16_t service, uint64_t born_after_ns);

/* ---- ending.c ---- */
enum ending { ENDING_GOES_ON, ENDING_DONE, ENDING_KILLED, ENDING_FAILED };
/* Asks the engine for the operation on each container of the service, or on the unit: of how many; 0 when
 * there is nobody to ask. */
uint32_t ending_ask(struct actor *a, struct action *row, uint8_t operation);
/* As foresee() of a kind that ends a service. */
int ending_foresee(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e);
/* Begins to end what lives in the service now. It uses the stages 0 to 15 of the row's progress. */
int ending_begin(struct actor *a, struct action *row, uint8_t operation, uint64_t now_ns);
/* How far it is, when no engine does it (any more). */
enum ending ending_step(struct actor *a, struct action *row, uint64_t now_ns);
/* A restarted guard goes on: the answer may still come. */
void ending_adopt(struct actor *a, struct action *row, uint64_t now_ns);
/* True when the engine has done all that it was asked. When it can't, it goes on by signals. */
bool ending_operated(struct actor *a, struct action *row, const struct engine_operated *o, uint64_t now_ns);
