/* The recorder process: follows the event ring, keeps history, serves HTTP on TCP and on the Unix
 * socket. Maps the board and the ring read-only.
 */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM or end-of-file on alive_fd (the supervisor's end of a pipe). Returns the exit code. */
int recorder_main(const struct config *c, int board_fd, int ring_fd, int alive_fd);
