/* The dead-man: a tiny process with locked memory that undoes what the guard did to services when the guard
 * doesn't move any more (killed with the supervisor, stopped, stuck), because a service that stays
 * frozen with nobody there to thaw it is worse than what it was frozen for.
 */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM or until alive_fd ends, and then until nothing stands. Returns the exit code. */
int deadman_main(const struct config *c, int journal_fd, int alive_fd);
