/* A static C program as a holder: GET /N answers N squared. One thread, one epoll, and no EINTR is forgiven.
 * As `orphans N` it leaves N dead processes to whoever adopts them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void orphans(int count)
{
        pid_t parent = fork();

        if (!parent) {
                for (int k = 0; k < count; k++)
                        if (!fork())
                                _exit(k);
                _exit(0);
        }
        waitpid(parent, NULL, 0);
}

static void demand(int good, const char *what)
{
        if (good)
                return;
        perror(what);
        exit(1);
}

static void answer(int fd)
{
        char request[4096], text[256], body[32];
        ssize_t n = read(fd, request, sizeof request - 1);

        if (n <= 0) {
                close(fd);
                return;
        }
        request[n] = '\0';
        long number = atol(request + strlen("GET /"));
        snprintf(body, sizeof body, "%ld", number * number);
        n = snprintf(
                text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
        demand(write(fd, text, (size_t)n) == n, "write");
}

static void serve(int port)
{
        struct sockaddr_in at = {.sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr = {htonl(INADDR_LOOPBACK)}};
        struct epoll_event e = {.events = EPOLLIN};
        int ep = epoll_create1(0), all = socket(AF_INET, SOCK_STREAM, 0), on = 1;

        setsockopt(all, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        demand(!bind(all, (struct sockaddr *)&at, sizeof at) && !listen(all, 64), "listen");
        e.data.fd = all;
        epoll_ctl(ep, EPOLL_CTL_ADD, all, &e);
        for (;;) {
                demand(epoll_wait(ep, &e, 1, -1) == 1, "epoll_wait");
                if (e.data.fd != all) {
                        answer(e.data.fd);
                        continue;
                }
                e.data.fd = accept(all, NULL, NULL);
                demand(e.data.fd >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e), "accept");
        }
}

int main(int argc, char **argv)
{
        if (argc == 3 && !strcmp(argv[1], "orphans"))
                orphans(atoi(argv[2]));
        else if (argc == 2)
                serve(atoi(argv[1]));
        return 0;
}
