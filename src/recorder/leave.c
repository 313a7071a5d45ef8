/* Who may change anything: see leave.h. */
#include "recorder/leave.h"

#include "base/util.h"
#include "recorder/confine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

enum { GROUPS = 1024 };

static bool in_group(const struct leave *l, int fd, gid_t first)
{
        gid_t groups[GROUPS];
        socklen_t len = sizeof groups;

        if (l->group == (gid_t)-1)
                return false;
        if (first == l->group)
                return true;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
                return false;
        for (size_t i = 0; i < len / sizeof groups[0]; i++)
                if (groups[i] == l->group)
                        return true;
        return false;
}

void leave_peer(const struct leave *l, int fd, struct peer *ret)
{
        struct ucred c;
        socklen_t len = sizeof c;

        *ret = (struct peer){0};
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
                return;
        *ret = (struct peer){.known = true, .uid = c.uid, .pid = c.pid, .in_group = in_group(l, fd, c.gid)};
}

int leave_to_change(const struct leave *l, const struct peer *p, char who[static LEAVE_WHO], struct error *e)
{
        if (!p->known) {
                error_set(e, -EPERM,
                        "changes are taken over the Unix socket only: use the verbs of sexton, or curl "
                        "--unix-socket");
                return 403;
        }
        if (!confine_user_name(p->uid, who, LEAVE_WHO))
                snprintf(who, LEAVE_WHO, "uid %u", (unsigned)p->uid);
        if (p->uid == 0 || p->uid == l->owner || p->in_group)
                return 0;
        error_set(e, -EPERM, "%s may look and not change: that is for root%s", who,
                l->group == (gid_t)-1 ? ", and for who started the daemon" : " and the group of the socket");
        return 403;
}
