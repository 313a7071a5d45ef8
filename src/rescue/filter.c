/* The rescue console's filter of system calls: see filter.h. */
#include "rescue/filter.h"

#include "base/syscalls.h"

#include <stddef.h>
#include <sys/ioctl.h>

int filter_console(struct error *e)
{
        static const char *const allowed[] = {"read", "readv", "write", "writev", "recvfrom", "recvmsg",
                "sendto", "sendmsg", "close", "shutdown", "lseek", "fstat", "fcntl", "pread64", "accept",
                "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "epoll_wait",
                "epoll_pwait", "epoll_ctl", "poll", "ppoll", "clock_gettime", "clock_nanosleep", "nanosleep",
                "gettimeofday", "time", "brk", "munmap", "mremap", "madvise", "futex", "rt_sigreturn",
                "rt_sigprocmask", "rt_sigaction", "restart_syscall", "getpid", "gettid", "tgkill", "exit",
                "exit_group", "getrandom", "rseq", "sched_yield", NULL};
        /* what libssh asks a socket */
        static const unsigned long ioctls[] = {FIONREAD, FIONBIO, 0};

        return syscalls_filter(
                &(struct syscalls){.allowed = allowed, .deadly = syscalls_of_intruders, .ioctls = ioctls}, e);
}
