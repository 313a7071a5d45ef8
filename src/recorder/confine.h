/* Giving up what the recorder does not need: root, capabilities, most system calls.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct confine_user {
        uid_t uid;
        gid_t gid;
        char name[32];
};

/* The user to become when root: "sexton" if there is one, else "nobody". */
void confine_user(struct confine_user *ret);

/* The name of a user in /etc/passwd; false when there is none, or it doesn't fit. */
bool confine_user_name(uid_t uid, char *buf, size_t size);

/* Becomes that user when root, drops all capabilities and the way back to them. For good. */
int confine_drop(const struct confine_user *user, struct error *e);
/* Then lets only the system calls through that a server needs which has everything open but its database, for
 * all threads. For good. */
int confine_filter(struct error *e);
