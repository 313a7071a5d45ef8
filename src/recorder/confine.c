/* Confinement: see confine.h. The filter denies by default. */
#include "recorder/confine.h"

#include "base/syscalls.h"
#include "base/text.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
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

int confine_filter(struct error *e)
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
                "readlinkat", "getcwd", "geteuid", NULL};

        tzset(); /* gmtime() would open /etc/localtime at its first call */
        /* the store's thread, too */
        return syscalls_filter(
                &(struct syscalls){.allowed = allowed, .deadly = syscalls_of_intruders, .all_threads = true},
                e);
}
