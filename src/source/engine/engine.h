/* The engine process: speaks with the container engine (Docker, or Podman's compatible socket) and
 * with /proc files that may block on their target; tells the guard what it learns (model/engine_msg.h).
 * It may hang with dockerd; nothing else does.
 */
#pragma once

#include "config/config.h"

/* Runs until the peer closes link_fd (a SOCK_SEQPACKET end) or SIGTERM. On SIGHUP the configuration is read
 * again from config_fd, a memfd that holds one struct config (-1: there is none). Returns the exit code. */
int engine_main(const struct config *c, int config_fd, int link_fd);
