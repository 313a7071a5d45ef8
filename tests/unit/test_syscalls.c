/* Filters of system calls, each in a child of its own: what is allowed, what fails, what kills. */
#include "base/syscalls.h"
#include "base/util.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const few[] = {"read", "write", "exit_group", "munmap", NULL};

/* How a child ends that does something behind a filter. */
static int behind(const struct syscalls *s, int (*what)(void))
{
        int status = -1;
        pid_t pid = fork();

        if (pid == 0) {
                struct error e = {0};
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (syscalls_filter(s, &e) < 0)
                        _exit(99);
                _exit(what());
        }
        waitpid(pid, &status, 0);
        return status;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FILTERS = false };
#else
enum { FILTERS = true };
#endif

static int exits(int code)
{
        return code << 8;
}

static int asks_for_the_parent(void)
{
        return syscall(SYS_getppid) < 0 ? errno : 0;
}

static int takes_memory(void)
{
        void *plain = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (plain == MAP_FAILED || code != MAP_FAILED || errno != EPERM)
                return 1;
        if (mprotect(plain, 4096, PROT_READ) < 0)
                return 2;
        return mprotect(plain, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EPERM ? 3 : 0;
}

static int opens_a_socket(void)
{
        return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int asks_how_much(void)
{
        int n;

        if (ioctl(STDIN_FILENO, FIONREAD, &n) < 0 && errno == EPERM)
                return 1;
        return ioctl(STDIN_FILENO, FIONBIO, &n) < 0 && errno == EPERM ? 0 : 2;
}

static void what_is_not_listed_fails(void)
{
        const struct syscalls s = {.allowed = few, .deadly = syscalls_of_intruders};

        if (!FILTERS)
                skip("a sanitizer's runtime needs calls of its own");
        check_int(behind(&s, asks_for_the_parent), exits(EPERM));
        check_int(behind(&s, takes_memory), exits(0));
}

static void what_intruders_do_kills(void)
{
        const struct syscalls s = {.allowed = few, .deadly = syscalls_of_intruders};

        if (!FILTERS)
                skip("a sanitizer's runtime needs calls of its own");
        int status = behind(&s, opens_a_socket);
        check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void requests_are_told_apart(void)
{
        static const unsigned long ioctls[] = {FIONREAD, 0};
        const struct syscalls s = {.allowed = few, .ioctls = ioctls};

        if (!FILTERS)
                skip("a sanitizer's runtime needs calls of its own");
        check_int(behind(&s, asks_how_much), exits(0));
}

static void without_a_list_all_is_allowed_but_this(void)
{
        static const char *const refused[] = {"getppid", "no_such_call", NULL};
        static const char *const deadly[] = {"socket", NULL};
        const struct syscalls s = {.refused = refused, .deadly = deadly};

        if (!FILTERS)
                skip("a sanitizer's runtime needs calls of its own");
        check_int(behind(&s, asks_for_the_parent), exits(EPERM));
        int status = behind(&s, opens_a_socket);
        check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
        check_int(behind(&(struct syscalls){.refused = refused}, opens_a_socket), exits(0));
}

static void all(void)
{
        test(what_is_not_listed_fails);
        test(what_intruders_do_kills);
        test(requests_are_told_apart);
        test(without_a_list_all_is_allowed_but_this);
}

int main(void)
{
        return tap_main(all);
}
