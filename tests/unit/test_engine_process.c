/* Tests of the engine process as the guard sees it: the link that may be full, names read from /proc, and
 * engine_main() itself.
 */
#include "source/engine/engine.h"
#include "source/engine/link.h"
#include "source/engine/namer.h"

#include "base/clock.h"
#include "base/file.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- link ---- */

static int asked, recovered, closed;

static void on_asked(void *ctx, const struct engine_msg *m)
{
        asked++;
}
static void on_recovered(void *ctx)
{
        recovered++;
}
static void on_closed(void *ctx)
{
        closed++;
}

static void a_full_link(void)
{
        struct engine_msg m = {.type = ENGINE_MSG_SYNCED};
        struct link k = {.asked = on_asked, .recovered = on_recovered, .closed = on_closed};
        struct loop l;
        int fd[2], got = 0;

        check_int(loop_init(&l), 0);
        check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
        check_int(link_init(&k, &l, fd[0]), 0);
        for (int i = 0; i < 5000; i++)
                link_send(&k, &m);
        check_int(k.queued, 1024);
        check(k.dropped > 1000);
        for (int i = 0; i < 10000 && !recovered; i++) {
                while (recv(fd[1], &m, sizeof m, 0) > 0)
                        got++;
                loop_once(&l, 10);
        }
        while (recv(fd[1], &m, sizeof m, 0) > 0)
                got++;
        check_int(recovered, 1);
        check_int((uint64_t)got + k.dropped, 5000);
        /* Messages of another size are not understood, but do no harm. */
        check_int(send(fd[1], "x", 1, 0), 1);
        m.type = ENGINE_MSG_ASK_COMMAND;
        check_int(send(fd[1], &m, sizeof m, 0), sizeof m);
        loop_once(&l, 10);
        check_int(asked, 1);
        close(fd[1]);
        loop_once(&l, 10);
        check_int(closed, 1);
        link_send(&k, &m);
        link_done(&k);
        close(fd[0]);
        loop_done(&l);
}

/* ---- namer ---- */

static char root[64];

static void put(const char *file, const char *text, size_t len)
{
        char path[128];

        snprintf(path, sizeof path, "%s/7/%s", root, file);
        FILE *f = fopen(path, "w");
        if (!f || fwrite(text, 1, len, f) != len)
                abort();
        fclose(f);
}

static void names_of_a_fixture(void)
{
        /* Start time: 500 ticks, 5 s. The name has all that confuses. */
        static const char stat[] = "7 (a) R 1 (\nb)) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n";
        struct engine_command c = {.pid = 7, .start_ns = 5010000000};
        static char big[4096];

        snprintf(root, sizeof root, "/tmp/sexton-proc-XXXXXX");
        check(mkdtemp(root) != NULL);
        char path[128];
        snprintf(path, sizeof path, "%s/7", root);
        check_int(mkdir(path, 0700), 0);
        put("stat", stat, sizeof stat - 1);
        put("cmdline", "sh\0-c\0echo \033[31m\n\xff\0\0", 20);
        snprintf(path, sizeof path, "%s/7/exe", root);
        check_int(symlink("/usr/bin/dash", path), 0);
        int fd = file_open_root(root);

        namer_read(fd, &c);
        check_str(c.command, "sh -c echo \033[31m\n\xff");
        check_str(c.exe, "/usr/bin/dash");
        c.start_ns = 5030000000; /* another process had the pid */
        namer_read(fd, &c);
        check_str(c.command, "");
        check_str(c.exe, "");
        c.start_ns = 0; /* whatever has it */
        memset(big, 'x', sizeof big);
        put("cmdline", big, sizeof big);
        namer_read(fd, &c);
        check_int(strlen(c.command), LIFE_COMMAND_SIZE - 1);
        put("stat", "7 (x", 4);
        namer_read(fd, &c);
        check_str(c.command, "");
        c.pid = 8;
        namer_read(fd, &c);
        check_str(c.command, "");

        close(fd);
        static const char *const files[] = {"/7/stat", "/7/cmdline", "/7/exe", "/7", ""};
        for (size_t i = 0; i < 5; i++) {
                snprintf(path, sizeof path, "%s%s", root, files[i]);
                remove(path);
        }
}

static int answers, named;

static void on_answer(void *ctx, const struct engine_command *c)
{
        answers++;
        named += c->command[0] != '\0';
}

static void names_by_the_thread(void)
{
        static struct namer n;
        struct loop l;
        int asks = 0;

        n.answer = on_answer;
        check_int(loop_init(&l), 0);
        int fd = file_open_root("/proc");
        check_int(namer_start(&n, &l, fd), 0);
        for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 400; i++, asks++)
                        namer_ask(&n, getpid(), 0);
                loop_once(&l, 20);
        }
        for (int i = 0; i < 20000 && answers < asks; i++)
                loop_once(&l, 50);
        check_int(answers, asks); /* each one, be it with nothing */
        check_int((uint64_t)named + n.refused, asks);
        check(named >= NAMER_QUEUE);
        check(namer_stop(&n));
        check(namer_stop(&n));
        close(fd);
        loop_done(&l);
}

/* ---- the whole ---- */

static void the_process(void)
{
        static struct config c;
        struct engine_msg m = {.type = ENGINE_MSG_ASK_COMMAND};
        struct timeval patience = {.tv_sec = 10};
        int fd[2], status = -1;
        bool told_state = false, told_name = false;

        strcpy(c.proc_root, "/proc");
        strcpy(c.engine.socket, "/nowhere/docker.sock");
        int config_fd = memfd_create("config", 0);
        check_int(write(config_fd, &c, sizeof c), sizeof c);
        check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
                close(fd[0]);
                _exit(engine_main(&c, config_fd, fd[1]));
        }
        close(fd[1]);
        setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        m.command.pid = getpid();
        check_int(send(fd[0], &m, sizeof m, 0), sizeof m);
        while (!(told_state && told_name) && recv(fd[0], &m, sizeof m, 0) == sizeof m) {
                told_state = told_state || (m.type == ENGINE_MSG_STATE && m.state.state == ENGINE_NONE);
                told_name = told_name ||
                            (m.type == ENGINE_MSG_COMMAND && strstr(m.command.command, "engine_process"));
        }
        check(told_state && told_name);
        /* A guard that has started again is told again. */
        m.type = ENGINE_MSG_ASK_ALL;
        check_int(send(fd[0], &m, sizeof m, 0), sizeof m);
        check_int(recv(fd[0], &m, sizeof m, 0), sizeof m);
        check_int(m.type, ENGINE_MSG_STATE);
        check(strstr(m.state.text, "switched off"));
        /* Another configuration. */
        c.engine.enabled = true;
        check_int(pwrite(config_fd, &c, sizeof c, 0), sizeof c);
        check_int(kill(pid, SIGINT), 0); /* meant for the supervisor */
        check_int(kill(pid, SIGHUP), 0);
        check_int(recv(fd[0], &m, sizeof m, 0), sizeof m);
        check_int(m.type, ENGINE_MSG_STATE);
        check_str(m.state.text, "no socket at /nowhere/docker.sock");
        close(config_fd);
        close(fd[0]);
        check_int(waitpid(pid, &status, 0), pid);
        check_int(status, 0);
}

static void all(void)
{
        test(a_full_link);
        test(names_of_a_fixture);
        test(names_by_the_thread);
        test(the_process);
}

int main(void)
{
        return tap_main(all);
}
