/* The recorder process: follows the event ring, keeps history, serves HTTP on TCP and on the Unix
 * socket. Maps the board, the ring and the black box read-only.
 */
#pragma once

#include "config/config.h"

struct recorder_fds {
        int config, board, ring;
        int courier;            /* a socket whose other end the courier has; -1 = none */
        int requests;           /* to the guard: model/request.h; -1 = none */
        int blackbox, receipts; /* model/blackbox.h; -1 = none */
        int alive;
};

/* Runs until SIGTERM or end-of-file on fd->alive (the supervisor's end of a pipe). Returns the exit code. */
int recorder_main(const struct config *c, const struct recorder_fds *fd);
