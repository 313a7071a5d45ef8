/* Filters of system calls: see syscalls.h. */
#include "base/syscalls.h"

#include "base/util.h"

const char *const syscalls_of_intruders[] = {"execve", "execveat", "fork", "vfork", "clone", "clone3",
        "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill", "pidfd_send_signal",
        "pidfd_getfd", "mount", "umount2", "move_mount", "fsopen", "pivot_root", "chroot", "setns", "unshare",
        "bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load",
        "kexec_file_load", "reboot", "swapon", "io_uring_setup", "userfaultfd", "keyctl", "add_key", "setuid",
        "setgid", "setresuid", "setresgid", "capset", "socket", "connect", "bind", NULL};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int syscalls_filter(const struct syscalls *s, struct error *e)
{
        return 0;
}
#else
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>

static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
        for (; names && *names; names++) {
                int nr = seccomp_syscall_resolve_name(*names);
                int r = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(ctx, action, nr, 0);
                if (r < 0 && r != -EEXIST && r != -EDOM)
                        return r;
        }
        return 0;
}

/* Memory, but none that can be executed. */
static int add_memory(scmp_filter_ctx ctx)
{
        int r = seccomp_rule_add(
                ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

        return r < 0 ? r
                     : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int add_ioctls(scmp_filter_ctx ctx, const unsigned long *request)
{
        int r = 0;

        for (; request && *request && r == 0; request++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, *request));
        return r;
}

static int load(scmp_filter_ctx ctx, const struct syscalls *s)
{
        int r = add_all(ctx, SCMP_ACT_ALLOW, s->allowed);

        if (r == 0)
                r = add_all(ctx, SCMP_ACT_ERRNO(EPERM), s->refused);
        if (r == 0)
                r = add_all(ctx, SCMP_ACT_KILL_PROCESS, s->deadly);
        if (r == 0 && s->allowed)
                r = add_memory(ctx);
        if (r == 0)
                r = add_ioctls(ctx, s->ioctls);
        if (r == 0 && s->all_threads)
                r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
        return r == 0 ? seccomp_load(ctx) : r;
}

int syscalls_filter(const struct syscalls *s, struct error *e)
{
        scmp_filter_ctx ctx = seccomp_init(s->allowed ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);
        int r = ctx ? load(ctx, s) : -ENOMEM;

        if (ctx)
                seccomp_release(ctx);
        return r < 0 ? error_set(e, r, "filtering system calls: %s", strerror(-r)) : 0;
}
#endif
