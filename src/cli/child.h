/* The children of `sexton run`: the same binary, called again as the hidden verb `child ROLE NAME=FD...`.
 * A descriptor has a name; which of them a role is given stands in one table (child.c).
 */
#pragma once

#include <stdbool.h>

enum child_role {
        CHILD_GUARD,
        CHILD_ENGINE,
        CHILD_RECORDER,
        CHILD_COURIER,
        CHILD_BURY,
        CHILD_DEADMAN,
        CHILD_RESCUE,
        CHILD_ROLES
};

enum child_fd {
        CHILD_FD_CONFIG,
        CHILD_FD_BOARD,
        CHILD_FD_RING,
        CHILD_FD_ALIVE,            /* ends when the supervisor is gone */
        CHILD_FD_ENGINE_GUARD,     /* guard and engine: the guard's end... */
        CHILD_FD_ENGINE,           /* ...and the engine's */
        CHILD_FD_COURIER_RECORDER, /* recorder and courier */
        CHILD_FD_COURIER,
        CHILD_FD_REQUESTS_GUARD, /* requests of the recorder to the guard */
        CHILD_FD_REQUESTS_RECORDER,
        CHILD_FD_BURY_GUARD, /* the guard's requests to bury */
        CHILD_FD_BURY,
        CHILD_FD_JOURNAL,      /* of actions: act/journal.h */
        CHILD_FD_RESCUE_GUARD, /* and of the rescue console */
        CHILD_FD_RESCUE,
        CHILD_FD_BLACKBOX, /* what the guard captures: model/blackbox.h... */
        CHILD_FD_RECEIPTS, /* ...and what the recorder has taken to disk of it */
        CHILD_FDS
};

const char *child_role_name(enum child_role role);
const char *child_fd_name(enum child_fd fd);
bool child_is_given(enum child_role role, enum child_fd fd);
