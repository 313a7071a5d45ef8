/* Who may change anything: the one answer for every request that does, whatever it changes.
 *
 * Over the Unix socket the kernel says who asks. Root may, the user the daemon was started by, and the
 * members of the group that the socket belongs to, if the daemon gave it to one. Over TCP nobody may.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LEAVE_WHO = 48 };

/* Set when the recorder starts. */
struct leave {
        uid_t owner; /* of the daemon */
        gid_t group; /* whose members may, (gid_t)-1 = no group's */
};

/* At the other end of a connection. */
struct peer {
        bool known; /* by the kernel: the Unix socket */
        uid_t uid;
        pid_t pid;
        bool in_group; /* of struct leave */
};

/* fd: of a connection over the Unix socket. *ret is unknown when the kernel doesn't tell. */
void leave_peer(const struct leave *l, int fd, struct peer *ret);

/* 0 when the peer may change things, with its name for the records; else an HTTP status with the reason in
 * *e. */
int leave_to_change(const struct leave *l, const struct peer *p, char who[static LEAVE_WHO], struct error *e);
