/* Units of systemd, stopped and started by its manager, which then also knows that this was meant. Asked for
 * over the system bus and awaited on the loop until systemd has done its job: a bus that hangs keeps nobody
 * waiting. The connection is there while something is under way, and no longer.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "model/engine_msg.h"
#include "source/engine/systemd.h"

#include <stdbool.h>

enum { UNIT_JOBS = 32, UNIT_JOB_PATH = 96 };

struct unit_job {
        struct units *of;
        uint32_t number; /* the asker's; 0: entry unused */
        bool ended;
        int code;
        uint64_t give_up_ns;
        char path[UNIT_JOB_PATH]; /* systemd's name for it; "" until it has told */
        sd_bus_slot *slot;        /* of the call */
        char text[200];
};

struct units {
        struct loop *loop;
        const char *address; /* of the bus; NULL = the system's */
        /* The end of each job that units_ask() took, once: 0 or negative errno, and why. */
        void (*ended)(void *ctx, uint32_t number, int code, const char *text);
        void *ctx;
        const struct systemd *lib;
        sd_bus *bus; /* NULL: not connected */
        struct loop_fd watch;
        struct loop_timer timer;
        struct unit_job job[UNIT_JOBS];
};

/* Loop, address, ended and ctx are set by the caller before. ENGINE_STOP, _START or _RESTART of
 * "NAME.service", for at most `within_ms`. Negative with the error set, and nothing will come: -EINVAL not to
 * be asked of systemd, -ENOTCONN no systemd or bus here, -EBUSY too many, -ELIBACC no library. */
int units_ask(struct units *u, uint32_t number, uint8_t operation, const char *unit, uint32_t within_ms,
        struct error *e);
/* What is under way is forgotten: systemd may still do it. */
void units_done(struct units *u);
