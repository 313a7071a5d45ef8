/* Telling the service manager: see service_manager.h. */
#include "base/service_manager.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { MESSAGE_SIZE = 501 };

/* The address in $NOTIFY_SOCKET: a path, or "@name" for an abstract socket. Its length, 0 without one. */
static socklen_t address(struct sockaddr_un *a)
{
        const char *path = getenv("NOTIFY_SOCKET");
        size_t len = path ? strlen(path) : 0;

        if (len < 2 || len > sizeof a->sun_path || (path[0] != '/' && path[0] != '@'))
                return 0;
        *a = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(a->sun_path, path, len);
        if (a->sun_path[0] == '@')
                a->sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool service_manager_present(void)
{
        struct sockaddr_un a;

        return address(&a) > 0;
}

void service_manager_tell(const char *fmt, ...)
{
        struct sockaddr_un a;
        socklen_t len = address(&a);
        char text[MESSAGE_SIZE];
        va_list ap;

        if (!len)
                return;
        va_start(ap, fmt);
        int n = vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        if (n < 0)
                return;
        cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || sendto(fd, text, MIN((size_t)n, sizeof text - 1), MSG_NOSIGNAL | MSG_DONTWAIT,
                              (const struct sockaddr *)&a, len) < 0)
                log_warning("cannot notify the service manager: %s", strerror(errno));
}

uint64_t service_manager_watchdog_ns(void)
{
        const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");
        uint64_t n;

        if (pid && (!text_u64(&pid, &n) || *pid || n != (uint64_t)getpid()))
                return 0;
        if (!usec || !text_u64(&usec, &n) || *usec || n > UINT64_MAX / NSEC_PER_USEC)
                return 0;
        return n * NSEC_PER_USEC;
}

void service_manager_forget(void)
{
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_PID");
        unsetenv("WATCHDOG_USEC");
}
