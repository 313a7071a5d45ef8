/* The rescue console's filter of system calls: see filter.h. */
#include "rescue/filter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer's runtime needs calls of its own. */
int filter_console(struct error *e)
{
        return 0;
}
#else
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                int nr = seccomp_syscall_resolve_name(names[i]);
                int r = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(ctx, action, nr, 0);
                if (r < 0 && r != -EEXIST && r != -EDOM)
                        return r;
        }
        return 0;
}

/* Memory, but none that can be executed; of ioctl() what libssh asks a socket. */
static int add_narrow(scmp_filter_ctx ctx)
{
        int r = seccomp_rule_add(
                ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD));
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
        return r;
}

int filter_console(struct error *e)
{
        static const char *const allowed[] = {"read", "readv", "write", "writev", "recvfrom", "recvmsg",
                "sendto", "sendmsg", "close", "shutdown", "lseek", "fstat", "fcntl", "pread64", "accept",
                "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "epoll_wait",
                "epoll_pwait", "epoll_ctl", "poll", "ppoll", "clock_gettime", "clock_nanosleep", "nanosleep",
                "gettimeofday", "time", "brk", "munmap", "mremap", "madvise", "futex", "rt_sigreturn",
                "rt_sigprocmask", "rt_sigaction", "restart_syscall", "getpid", "gettid", "tgkill", "exit",
                "exit_group", "getrandom", "rseq", "sched_yield"};
        static const char *const deadly[] = {"execve", "execveat", "fork", "vfork", "clone", "clone3",
                "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill", "pidfd_send_signal",
                "pidfd_getfd", "mount", "umount2", "move_mount", "fsopen", "pivot_root", "chroot", "setns",
                "unshare", "bpf", "perf_event_open", "init_module", "finit_module", "delete_module",
                "kexec_load", "kexec_file_load", "reboot", "swapon", "io_uring_setup", "userfaultfd",
                "keyctl", "add_key", "setuid", "setgid", "setresuid", "setresgid", "capset", "socket",
                "connect", "bind"};
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = ctx ? 0 : -ENOMEM;

        if (r == 0)
                r = add_all(ctx, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
        if (r == 0)
                r = add_all(ctx, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
        if (r == 0)
                r = add_narrow(ctx);
        if (r == 0)
                r = seccomp_load(ctx);
        if (ctx)
                seccomp_release(ctx);
        return r < 0 ? error_set(e, r, "filtering system calls: %s", strerror(-r)) : 0;
}
#endif
