/* The detectors' frame. A detector looks at the world (the board) once a second and states for each
 * service, or the host, whether its condition holds now and with what evidence. The frame keeps how
 * long it has held, opens a finding when it held for the minimum duration, updates it, and closes it
 * when it has not held for `clear_after`. No allocation, no I/O, no history query.
 *
 * Adding a detector: one file with one `const struct detector`, one line in detect/table.c, one
 * runbook in docs/runbooks/.
 */
#pragma once

#include "base/util.h"
#include "model/board.h"
#include "model/detect_params.h"
#include "model/event.h"

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

/* States that the condition holds for `service` (0 = host) now. `variant` tells apart several of one
 * detector on one service (a mount's index...). Returns the finding to be filled with
 * detect_text(), detect_remedy() and detect_evidence(), or NULL while it has not lasted `for_sec` yet. */
struct finding *detect_holds(
        struct detect_run *run, uint16_t service, uint32_t variant, enum severity severity, double for_sec);
void detect_text(struct finding *f, const char *fmt, ...) printf_like(2, 3);
void detect_remedy(struct finding *f, const char *fmt, ...) printf_like(2, 3);
/* time_ns 0 = now; value NAN = none. More than BOARD_EVIDENCE are left out. */
void detect_evidence(struct finding *f, uint64_t time_ns, double value, const char *unit, const char *fmt,
        ...) printf_like(5, 6);
/* Moments in the last `window_sec`. */
uint32_t detect_recent(const struct recent *r, uint64_t now_ns, double window_sec);

/* -- for the guard -- */
enum { DETECT_STATES = 1024 };
struct detect_state {
        struct {
                bool used;
                uint8_t detector;
                uint16_t service;
                uint32_t variant;
                uint64_t since_ns, last_ns; /* of the unbroken condition */
                uint32_t finding;           /* index on the board, 0 none */
        } entry[DETECT_STATES];
        uint32_t next_id;
};

/* Runs all detectors once over *b and updates b->finding. `emit` gets EVENT_FINDING on open and close. */
void detect_all(struct detect_state *s, struct board *b, const struct detect_config *cfg, uint64_t now_ns,
        void (*emit)(void *ctx, const struct event *e), void *ctx);
