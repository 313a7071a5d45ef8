/* Confinement: see confine.h.
 *
 * The filter denies by default. What is missing from the list fails with EPERM instead of killing the
 * process: a C library of another version may call something harmless that is not listed, and a
 * recorder that lives with one refused call serves better than one that dies. What only a process that
 * has been taken over would call does kill it, so that it is seen.
 */
#include "recorder/confine.h"

#include "base/text.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

/* /etc/passwd itself, and not getpwnam(): name services load libraries and ask daemons. By name, or by uid
 * when that is NULL. */
static bool find_user(const char *name, uid_t uid, struct confine_user *ret)
{
        FILE *f = fopen("/etc/passwd", "re");
        struct passwd *p;
        bool found = false;

        while (f && !found && (p = fgetpwent(f)))
                if (name ? !strcmp(p->pw_name, name) : p->pw_uid == uid) {
                        *ret = (struct confine_user){.uid = p->pw_uid, .gid = p->pw_gid};
                        found = text_set(ret->name, sizeof ret->name, p->pw_name);
                }
        if (f)
                fclose(f);
        return found;
}

bool confine_user_name(uid_t uid, char *buf, size_t size)
{
        struct confine_user user;

        return find_user(NULL, uid, &user) && text_set(buf, size, user.name);
}

void confine_user(struct confine_user *ret)
{
        if (!find_user("sexton", 0, ret) && !find_user("nobody", 0, ret))
                *ret = (struct confine_user){.uid = 65534, .gid = 65534, .name = "nobody"};
}

int confine_drop(const struct confine_user *user, struct error *e)
{
        int r;

        capng_clear(CAPNG_SELECT_ALL);
        if (geteuid() == 0) {
                r = capng_change_id(
                        (int)user->uid, (int)user->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
                if (r < 0)
                        return error_set(e, -EPERM, "becoming user %s: step %d failed: %s", user->name, -r,
                                strerror(errno));
        } else if (capng_apply(CAPNG_SELECT_CAPS) < 0) {
                return error_set(e, -EPERM, "dropping capabilities: %s", strerror(errno));
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_set(e, -errno, "no_new_privs: %s", strerror(errno));
        return 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer's runtime needs calls of its own. */
static int filter(struct error *e)
{
        return 0;
}
#else
static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                int nr = seccomp_syscall_resolve_name(names[i]);
                if (nr == __NR_SCMP_ERROR) /* unknown to this library: denied by default */
                        continue;
                int r = seccomp_rule_add(ctx, action, nr, 0);
                if (r < 0 && r != -EEXIST && r != -EDOM)
                        return r;
        }
        return 0;
}

static int filter(struct error *e)
{
        static const char *const allowed[] = {/* what is open */
                "read", "readv", "pread64", "write", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg",
                "sendfile", "close", "shutdown", "lseek", "fstat", "newfstatat", "fcntl", "accept", "accept4",
                "getsockname", "getpeername", "getsockopt", "setsockopt", "epoll_wait", "epoll_pwait",
                "epoll_pwait2", "epoll_ctl", "poll", "ppoll",
                /* time */
                "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
                /* memory, threads' locks, signals, the end */
                "brk", "munmap", "mremap", "madvise", "futex", "rt_sigreturn", "rt_sigprocmask",
                "rt_sigaction", "restart_syscall", "getpid", "gettid", "tgkill", "exit", "exit_group",
                "getrandom", "rseq", "sched_yield", "membarrier",
                /* the socket, at the end */
                "unlink", "unlinkat",
                /* the database: its files come and go while it runs */
                "openat", "pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate", "fchmod", "rename",
                "renameat", "renameat2", "access", "faccessat", "faccessat2", "stat", "lstat", "readlink",
                "readlinkat", "getcwd", "geteuid"};
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
        /* no memory that can be executed */
        if (r == 0)
                r = seccomp_rule_add(
                        ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                        SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        /* the store's thread, too */
        if (r == 0)
                r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r == 0)
                r = seccomp_load(ctx);
        if (ctx)
                seccomp_release(ctx);
        return r < 0 ? error_set(e, r, "filtering system calls: %s", strerror(-r)) : 0;
}
#endif

int confine_filter(struct error *e)
{
        tzset(); /* gmtime() would open /etc/localtime at its first call */
        return filter(e);
}
