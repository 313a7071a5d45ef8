/* Listening: see listen.h. */
#include "recorder/listen.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { BACKLOG = 128 };

static int failed(const char *what, struct error *e)
{
        char why[100] = "";

        return error_set(e, -errno, "%s: %s", what ? what : "", strerror_r(errno, why, sizeof why));
}

static int fill(struct sockaddr_un *a, const char *path, struct error *e)
{
        *a = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (!text_set(a->sun_path, sizeof a->sun_path, path))
                return error_set(e, -ENAMETOOLONG, "%s: too long for a socket", path);
        return 0;
}

static void make_folder(const char *path)
{
        char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        const char *slash = strrchr(path, '/');

        if (slash && slash != path && text_copy(folder, sizeof folder, path, (size_t)(slash - path)))
                mkdir(folder, 0755); /* bind() tells what is wrong with it */
}

int listen_unix_clear(const char *path, struct error *e)
{
        struct sockaddr_un a;
        struct stat st;
        int r = fill(&a, path, e);

        if (r < 0)
                return r;
        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : failed(path, e);
        if (!S_ISSOCK(st.st_mode))
                return error_set(e, -EEXIST, "%s: exists and is no socket", path);
        cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set(e, -errno, "socket: %s", strerror(errno));
        if (connect(fd, (const struct sockaddr *)&a, sizeof a) < 0 && errno == ECONNREFUSED) {
                if (unlink(path) < 0 && errno != ENOENT)
                        return error_set(e, -errno, "%s: left behind, and can't be removed: %s", path,
                                strerror(errno));
                return 0;
        }
        return error_set(
                e, -EADDRINUSE, "%s: another process listens there; is Sexton running already?", path);
}

int listen_unix(const char *path, gid_t gid, struct error *e)
{
        struct sockaddr_un a;
        int r = fill(&a, path, e);

        if (r < 0)
                return r;
        make_folder(path);
        r = listen_unix_clear(path, e);
        if (r < 0)
                return r;
        cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set(e, -errno, "socket: %s", strerror(errno));
        /* bind() makes the file with the socket's own mode, so that it is never open to all */
        if (fchmod(fd, 0660) < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) < 0)
                return failed(path, e);
        /* the umask may have taken the group's right to connect, which needs writing */
        if ((gid != (gid_t)-1 && lchown(path, (uid_t)-1, gid) < 0) || chmod(path, 0660) < 0 ||
                listen(fd, BACKLOG) < 0) {
                r = failed(path, e);
                unlink(path);
                return r;
        }
        return TAKE_FD(fd);
}

void listen_unix_remove(const char *path, int fd)
{
        struct sockaddr_un a, own = {0};
        socklen_t len = sizeof own;

        /* a successor replaces the file, and ours is answered by nobody else: ask who answers */
        if (fill(&a, path, NULL) < 0 || getsockname(fd, (struct sockaddr *)&own, &len) < 0 ||
                strcmp(own.sun_path, a.sun_path) != 0)
                return;
        unlink(path);
}

int listen_tcp(const char *host_port, struct error *e)
{
        union {
                struct sockaddr any;
                struct sockaddr_in four;
                struct sockaddr_in6 six;
        } a = {.any.sa_family = AF_INET};
        const char *colon = strrchr(host_port, ':'), *p = colon ? colon + 1 : "";
        char host[64];
        uint64_t port;
        bool six = host_port[0] == '[';
        bool ok = colon && text_u64(&p, &port) && port <= 65535 &&
                  text_copy(host, sizeof host, host_port + six, (size_t)(colon - host_port) - 2 * six);

        if (ok && six) {
                a.six.sin6_family = AF_INET6;
                a.six.sin6_port = htons((uint16_t)port);
                ok = inet_pton(AF_INET6, host, &a.six.sin6_addr) == 1;
        } else if (ok) {
                a.four.sin_port = htons((uint16_t)port);
                ok = inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &a.four.sin_addr) ==
                     1;
        }
        if (!ok)
                return error_set(e, -EINVAL, "%s: no address and port", host_port);
        cleanup_close int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return failed(host_port, e);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
        if (bind(fd, &a.any, six ? sizeof a.six : sizeof a.four) < 0 || listen(fd, BACKLOG) < 0)
                return failed(host_port, e);
        return TAKE_FD(fd);
}
