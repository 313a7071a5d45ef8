/* Reading a board: what detectors, `why` and the API all have to work out from its plain data in the
 * same words: the kind of a zombie, its holder, its lineage, why nobody buries it and what to change.
 * Everything here is pure, allocates nothing (but the index) and bounds-checks whatever it follows,
 * because it also runs on snapshots of other versions or of a guard that died while writing.
 */
#pragma once

#include "model/board.h"
#include "model/names.h"

#include <math.h>
#include <stddef.h>

/* -- numbers that may be unknown -- */

/* False when either side is NAN: an unknown number never fires anything. */
static inline bool view_above(double value, double limit)
{
        return isgreater(value, limit);
}
static inline bool view_at_least(double value, double limit)
{
        return isgreaterequal(value, limit);
}
static inline bool view_known(uint64_t value)
{
        return value != BOARD_UNKNOWN;
}
/* part / whole; NAN when one is unknown or the whole is 0. */
double view_ratio(uint64_t part, uint64_t whole);
/* The value when it is finite, else 0: for sums. */
static inline double view_or_zero(double value)
{
        return isfinite(value) ? value : 0;
}
/* Seconds from then to now, 0 when `then` is in the future; INFINITY when then is 0 (unknown: long ago). */
double view_age(uint64_t then_ns, uint64_t now_ns);

/* -- tables: how many entries may be looked at, whatever the board says -- */

uint32_t view_processes(const struct board *b);
uint32_t view_services(const struct board *b);
uint32_t view_findings(const struct board *b);
/* Never NULL: garbage leads to service 0, "(other)". */
const struct service *view_service(const struct board *b, uint16_t service);
/* Its name, also when the entry is unused: "(other)". */
const char *view_service_name(const struct board *b, uint16_t service);
/* An entry that stands for a service now. */
bool view_service_used(const struct board *b, uint16_t service);
/* A container that the engine has not told of: what only the engine counts is not known to be 0. */
bool view_untold(const struct service *s);

/* Is what is wrong with it part of a drill that goes on? */
bool view_is_drill(const struct service *s, uint64_t now_ns);
/* Does any drill go on? */
bool view_drills(const struct board *b, uint64_t now_ns);

/* -- processes -- */

/* pid -> entry, built once per snapshot; without it each lookup scans the table. */
struct view_index {
        uint32_t *slot; /* process indices, 0 = free */
        uint32_t mask;
};
int view_index_init(struct view_index *ix, const struct board *b); /* -ENOMEM */
void view_index_done(struct view_index *ix);

/* The living or unburied process of that pid, or NULL. */
const struct process *view_find(const struct board *b, int32_t pid);
/* The same by index; ix may be NULL. */
const struct process *view_find_in(const struct board *b, const struct view_index *ix, int32_t pid);
/* The entry of the birth parent, buried or not; NULL when unknown. */
const struct process *view_parent(const struct board *b, const struct process *p);
/* Who has to bury p: its parent now, or its tracer; NULL when that process is not on the board. */
const struct process *view_holder(
        const struct board *b, const struct view_index *ix, const struct process *p);
/* PID 1 of the host or of a pid namespace. */
bool view_is_pid1(const struct process *p);

enum zombie_kind view_kind(
        const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns);
/* The same when the caller has already found the holder (NULL = none on the board). */
enum zombie_kind view_kind_held(
        const struct board *b, const struct process *p, const struct process *holder, uint64_t now_ns);
static inline enum zombie_kind view_zombie_kind(
        const struct board *b, const struct process *p, uint64_t now_ns)
{
        return view_kind(b, NULL, p, now_ns);
}

/* Command line when known, else comm; raw bytes, NUL-terminated. Returns buf. */
const char *view_command(const struct board *b, const struct process *p, char *buf, size_t size);
/* Path of the executable, "" when unknown; raw. Returns buf. */
const char *view_exe(const struct board *b, const struct process *p, char *buf, size_t size);
/* Ancestors from the birth parent upwards, as at birth; returns how many. */
uint32_t view_lineage(
        const struct board *b, const struct process *p, const struct process **out, uint32_t max);

/* One sentence each about one zombie: why nobody has buried it; what to change. Raw bytes inside. */
void view_why(const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns,
        char *buf, size_t size);
void view_remedy(const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns,
        char *buf, size_t size);
/* The same remedy from what is known of a whole leak. */
struct view_leak {
        enum zombie_kind kind;
        enum origin origin;
        bool traced;
        int32_t holder_pid;            /* 0 unknown */
        const struct service *service; /* the holder's; NULL unknown */
        const char *holder;            /* its command, "" unknown */
};
void view_leak_remedy(const struct view_leak *leak, char *buf, size_t size);

/* -- who contributes most -- */

enum view_metric {
        VIEW_LOAD,   /* share of load1 */
        VIEW_CPU,    /* cores */
        VIEW_MEMORY, /* bytes */
        VIEW_GROWTH, /* bytes per second */
        VIEW_TASKS,  /* threads and zombies held: what counts towards the host's limits */
        VIEW_FORKS,  /* per second */
        VIEW_STUCK,  /* tasks in uninterruptible sleep */
};
struct view_top {
        uint16_t service;
        double value;
};
/* One service's value, NAN when unknown. */
double view_metric(const struct service *s, enum view_metric metric);
/* The services with the largest values above 0, largest first; returns how many. */
uint32_t view_top(const struct board *b, enum view_metric metric, struct view_top *out, uint32_t max);

/* -- rates -- */

/* Moments of the last `window_sec`; at most BOARD_RECENT are known. */
uint32_t view_recent(const struct recent *r, uint64_t now_ns, double window_sec);
/* The i-th newest moment, i = 0 the newest; false when it is not kept. */
bool view_recent_at(const struct recent *r, uint32_t i, uint64_t *ret_ns, int32_t *ret_value);
/* n moments since oldest_ns, as a pace per hour. */
double view_pace(uint64_t n, uint64_t oldest_ns, uint64_t now_ns);
/* How many happen per hour at the pace of the last hour. */
double view_per_hour(const struct recent *r, uint64_t now_ns);
/* Seconds until a service's pid limit is reached at the pace its zombies come; NAN when it never is. */
double view_exhausted_in(const struct service *s, uint64_t now_ns);

/* "12 s", "4 min", "3.5 h", "2 days". Returns buf. */
#define VIEW_SPAN 24
const char *view_span(double seconds, char buf[VIEW_SPAN]);
/* "512 B", "1.5 GB". Returns buf. */
const char *view_bytes(double bytes, char buf[VIEW_SPAN]);
/* "exit code 1", "SIGKILL" of a wait(2) status. Returns buf. */
#define VIEW_EXIT 32
const char *view_exit(int32_t status, char buf[VIEW_EXIT]);
