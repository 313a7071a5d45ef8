/* Whom actions never touch, told from the board alone: PID 1, kernel threads, container shims and engines,
 * the ways in (sshd, login sessions), Sexton itself, what is labelled `sexton.protect`, what is outside
 * `act_only_in`. Pure: no I/O, and the same answer for a dry run.
 */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "model/board.h"

/* 0 when actions may touch the service, else -EPERM (or -ENOENT) with the reason in *e. asker_pid: who
 * asks; what it lives in is not touched. */
int touch_service(
        const struct board *b, const struct config *c, uint16_t service, int32_t asker_pid, struct error *e);
/* The same for one process, by its entry on the board: it and the service it lives in. */
int touch_process(
        const struct board *b, const struct config *c, uint32_t process, int32_t asker_pid, struct error *e);
