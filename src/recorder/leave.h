/* Who may change anything: the one answer for every request that does, whatever it changes.
 *
 * Over the Unix socket the kernel says who asks. Root may, the user the daemon was started by, and the
 * members of the group that the socket belongs to, if the daemon gave it to one. Over TCP, which anybody on
 * this host can reach, who has the token may; without a configured token nobody.
 *
 * Whatever comes from a browser has to prove in addition that it comes from the dashboard and not from
 * another page that the same browser has open: it must be sent by a page of ours (Origin), to a name of this
 * machine (Host), and carry a secret that only our pages can read.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LEAVE_WHO = 48, LEAVE_SECRET = 33, LEAVE_WRONG = 10 };

struct leave {
        uid_t owner; /* of the daemon */
        gid_t group; /* whose members may, (gid_t)-1 = no group's */
        char *token; /* NULL: nobody may over TCP; owned */
        char why_no_token[160];
        char anti_forgery[LEAVE_SECRET]; /* new with each start; "" = no browser may */
        uint64_t wrong_ns[LEAVE_WRONG];  /* when wrong tokens came, a ring */
        uint32_t wrong;
};

/* At the other end of a connection. */
struct peer {
        bool known; /* by the kernel: the Unix socket */
        uid_t uid;
        pid_t pid;
        bool in_group; /* of struct leave */
};

/* Reads the token from its file ("" = none is configured) while the process still may, and makes the secret
 * of the dashboard. Everything about it that is wrong is logged; then there is none. */
void leave_start(struct leave *l, uid_t owner, gid_t group, const char *token_file);
void leave_done(struct leave *l);

/* fd: of a connection over the Unix socket. *ret is unknown when the kernel doesn't tell. */
void leave_peer(const struct leave *l, int fd, struct peer *ret);

/* What is known of who asks; headers are NULL when there is none. */
struct asker {
        struct peer peer;
        const char *host, *authorization;
        const char *origin, *fetch_site, *anti_forgery; /* of browsers */
};

/* Names that mean this machine, with or without a port: localhost and the loopback addresses. A page on the
 * web can make a browser send requests here under a name of its own (DNS rebinding). */
bool leave_is_our_name(const char *host);

/* 0 when the asker may change things, with its name for the records; else an HTTP status with the reason in
 * *e. `counts`: a wrong token is one more; each request should count once. */
int leave_to_change(struct leave *l, const struct asker *a, bool counts, uint64_t now_ns,
        char who[static LEAVE_WHO], struct error *e);
