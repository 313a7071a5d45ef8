/* The rescue console's process: an SSH server (and a serial line) that answers when nothing else on the host
 * does. Started only when `rescue.listen` or `rescue.serial` is configured. It reads keys as root, locks its
 * memory, becomes the recorder's user and keeps few system calls. It forks nothing, opens nothing, and asks
 * the guard for whatever is to be done.
 *
 * Exit code 0: there is another configuration, and nobody is logged in any more.
 */
#pragma once

#include "config/config.h"

struct rescue_fds {
        int config, board, ring, alive;
        int requests; /* to the guard: model/request.h */
};

int rescue_main(const struct config *config, const struct rescue_fds *fd);

/* Where the public host key stands for `sexton rescue`, beside the socket. Returns buf. */
const char *rescue_known_hosts(const struct config *c, char *buf, size_t size);
