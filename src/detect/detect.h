/* The detectors' frame. A detector looks at the world (the board) once a second and states for each
 * service, or the host, whether its condition holds now and with what evidence. The frame keeps how
 * long it has held, opens a finding when it held for the minimum duration (until then it is pending), updates
 * it, and closes it when it has not held for `clear_after`. No allocation, no I/O, no history query.
 *
 * Adding a detector: one file with one `const struct detector`, one line in detect/table.c, one
 * runbook in docs/runbooks/.
 */
#pragma once

#include "base/util.h"
#include "model/board.h"
#include "model/detect_params.h"
#include "model/event.h"
#include "world/view.h"

struct detect_run; /* one pass; opaque */

struct detector {
        const char *name;    /* "zombie_leak": stands in JSON */
        const char *runbook; /* "zombie-leak": docs/runbooks/zombie-leak.md */
        const char *title;   /* "Zombie leak" */
        double clear_after;  /* s without the condition before the finding closes */
        void (*look)(struct detect_run *run);
};

extern const struct detector *const detectors[];
extern const size_t detectors_count;

/* -- for detectors -- */
const struct board *detect_board(const struct detect_run *run);
const struct detect_config *detect_config(const struct detect_run *run);
uint64_t detect_now(const struct detect_run *run);

/* The next service after `service` that a detector may blame (start with 0), 0 at the end: in use, no
 * kernel threads, not Sexton itself, nothing of a drill that is over. */
uint16_t detect_next(const struct detect_run *run, uint16_t service);
/* Part of a drill that goes on: durations are short then (detect_holds() sees to that). */
bool detect_is_drill(const struct detect_run *run, uint16_t service);

/* States that the condition holds for `service` (0 = host) now. `variant` tells apart several of one
 * detector on one service (a mount's index...). Returns the finding to be filled with
 * detect_text(), detect_remedy() and detect_evidence(), one that is only pending while it has not lasted
 * `for_sec` yet; NULL when there is no room for it. */
struct finding *detect_holds(
        struct detect_run *run, uint16_t service, uint32_t variant, enum severity severity, double for_sec);
/* Seconds the condition stated last has held without a break. */
double detect_lasted(const struct finding *f, uint64_t now_ns);
void detect_text(struct finding *f, const char *fmt, ...) printf_like(2, 3);
void detect_remedy(struct finding *f, const char *fmt, ...) printf_like(2, 3);
/* The first one is the finding's measure: the larger its value, the worse.
 * time_ns 0 = now; value NAN = none. More than BOARD_EVIDENCE are left out. */
void detect_evidence(struct finding *f, uint64_t time_ns, double value, const char *unit, const char *fmt,
        ...) printf_like(5, 6);
/* Adds the largest contributors, each with its value in `unit`, as evidence. */
void detect_contributors(
        struct detect_run *run, struct finding *f, enum view_metric metric, const char *unit, uint32_t max);
/* Moments in the last `window_sec`. */
/* Who tells of what happens now and then. While the engine is away nothing is heard of its containers: that
 * time counts for nothing. */
enum detect_teller { TOLD_BY_KERNEL, TOLD_BY_ENGINE };
/* Seconds from one time to another in which it could have been told. */
double detect_heard(const struct detect_run *run, enum detect_teller by, uint64_t from_ns, uint64_t to_ns);
/* Has what happens now and then been quiet for so long that it is over? For thrice its longest pause within
 * the window up to its last time, and for `least` s. */
bool detect_rests(const struct detect_run *run, enum detect_teller by, const struct recent *r,
        double window_sec, double least);
uint32_t detect_recent(const struct recent *r, uint64_t now_ns, double window_sec);

/* What the frame remembers of each service from tick to tick, for rates of counters the board only
 * has totals of. Starts anew when the entry gets another name. */
struct detect_memory {
        uint32_t name_hash;
        float probe_cores; /* CPU of probes over the last whole window; NAN unknown */
        uint64_t probe_cpu_ns, probe_since_ns;
        uint64_t probes_forgiven_ns; /* health checks that went wrong until then are over */
        uint64_t oom_total;
        uint64_t loop_since_ns; /* first restart of the loop that goes on; 0 = none */
};
struct detect_memory *detect_memory(struct detect_run *run, uint16_t service);

/* The host's part of it. */
struct detect_host_memory {
        uint64_t oom_kills, oom_ns; /* last count; last growth that no service's count explains */
        uint64_t oom_unexplained;
        double oom_pause;    /* s, the longest between two of those */
        bool oom_host_short; /* of memory, when the last unexplained one happened */
        bool oom_known;
};
struct detect_host_memory *detect_host_memory(struct detect_run *run);

/* What one bounded pass over the ledger of zombies says of each service. Made at most once a second,
 * more seldom when there are many. */
struct detect_dead {
        uint32_t pass;      /* the pass this is from; others are void */
        uint32_t lasting;   /* zombies past the grace period whose holder belongs here */
        uint32_t undated;   /* those of them whose death nobody saw */
        uint32_t orphans;   /* those of them that came to their holder by reparenting */
        uint32_t origin[4]; /* by enum origin */
        uint64_t oldest_ns; /* death of the oldest dated one, 0 = none is dated */
        uint32_t sample;    /* entry of that one */
        uint32_t holder;    /* its holder's entry, 0 = not on the board */
        uint32_t leaders;   /* dead leaders with live threads that live here */
        uint32_t leaders_undated;
        uint64_t leader_ns; /* death of the oldest dated leader, 0 = none */
        uint32_t leader_sample;
};
/* NULL when nothing dead is here. */
const struct detect_dead *detect_dead(struct detect_run *run, uint16_t service);

/* -- for the guard -- */
enum { DETECT_STATES = 1024, DETECT_HOLDERS = 256 };
struct detect_state {
        struct detect_entry {
                bool used;
                bool announce;   /* opened or changed its severity in this pass */
                bool overflowed; /* no room for its finding */
                uint8_t detector;
                uint16_t service;
                uint32_t variant;
                uint32_t name_hash;         /* of the service that the entry stood for */
                uint64_t since_ns, last_ns; /* of the unbroken condition */
                uint64_t severe_ns;         /* last time it was as severe as its finding says */
                double for_sec;             /* how long real trouble of the kind must last */
                uint32_t finding;           /* index on the board, 0 none */
                uint32_t id;                /* of that finding */
        } entry[DETECT_STATES];
        uint32_t top; /* entries ever used */
        uint32_t next_id;
        uint64_t last_run_ns;
        uint32_t refused; /* conditions without an entry in the last pass */
        struct detect_memory memory[BOARD_SERVICES];
        struct detect_host_memory host;
        struct detect_dead dead[BOARD_SERVICES];
        uint32_t pass;
        uint64_t next_pass_ns;
        uint64_t away_from_ns, away_to_ns; /* the engine's last absence; those that follow soon are one */
        struct {
                int32_t pid;
                uint32_t process; /* 0 = not found in `pass` */
                uint32_t pass;
        } holder[DETECT_HOLDERS];
};

/* Runs all detectors once over *b and updates b->finding. `emit` gets EVENT_FINDING on open, close and
 * change of severity. *s starts zeroed. */
void detect_all(struct detect_state *s, struct board *b, const struct detect_config *cfg, uint64_t now_ns,
        void (*emit)(void *ctx, const struct event *e), void *ctx);
