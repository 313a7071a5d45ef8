/* The sockets that the HTTP server listens on.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Makes way for a socket: removes one that a dead process left. -EADDRINUSE when somebody answers there,
 * -EEXIST when it is no socket. */
int listen_unix_clear(const char *path, struct error *e);
/* A Unix socket that its owner and group may connect to. A socket left behind by a dead process is
 * replaced; one on which somebody answers is not (-EADDRINUSE), nor anything that is not a socket. The
 * folder is made when only it is missing. gid (gid_t)-1 leaves the group. Descriptor or negative errno. */
int listen_unix(const char *path, gid_t gid, struct error *e);
/* Removes it when it is still the one that fd listens on. */
void listen_unix_remove(const char *path, int fd);
/* A TCP socket on "HOST:PORT", as checked by config. */
int listen_tcp(const char *host_port, struct error *e);
