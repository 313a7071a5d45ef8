/* The courier's filter of system calls: see filter.h. */
#include "courier/filter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer's runtime needs calls of its own. */
int filter_load(bool may_execute, struct error *e)
{
        return 0;
}
#else
#include <errno.h>
#include <seccomp.h>
#include <string.h>

static int refuse(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                int nr = seccomp_syscall_resolve_name(names[i]);
                int r = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(ctx, action, nr, 0);
                if (r < 0 && r != -EEXIST && r != -EDOM)
                        return r;
        }
        return 0;
}

int filter_load(bool may_execute, struct error *e)
{
        static const char *const refused[] = {"ptrace", "process_vm_readv", "process_vm_writev",
                "pidfd_getfd", "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount",
                "pivot_root", "chroot", "setns", "unshare", "bpf", "perf_event_open", "init_module",
                "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
                "swapoff", "io_uring_setup", "userfaultfd", "keyctl", "add_key", "request_key", "acct",
                "quotactl", "settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname",
                "iopl", "ioperm", "lookup_dcookie", "personality", "syslog"};
        static const char *const programs[] = {"execve", "execveat", "fork", "vfork"};
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
        int r = ctx ? 0 : -ENOMEM;

        if (r == 0)
                r = refuse(ctx, SCMP_ACT_ERRNO(EPERM), refused, ARRAY_SIZE(refused));
        if (r == 0 && !may_execute)
                r = refuse(ctx, SCMP_ACT_KILL_PROCESS, programs, ARRAY_SIZE(programs));
        if (r == 0)
                r = seccomp_load(ctx);
        if (ctx)
                seccomp_release(ctx);
        return r < 0 ? error_set(e, r, "filtering system calls: %s", strerror(-r)) : 0;
}
#endif
