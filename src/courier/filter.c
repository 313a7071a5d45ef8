/* The courier's filter of system calls: see filter.h. */
#include "courier/filter.h"

#include "base/syscalls.h"

#include <stddef.h>

int filter_load(bool may_execute, struct error *e)
{
        static const char *const refused[] = {"ptrace", "process_vm_readv", "process_vm_writev",
                "pidfd_getfd", "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount",
                "pivot_root", "chroot", "setns", "unshare", "bpf", "perf_event_open", "init_module",
                "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
                "swapoff", "io_uring_setup", "userfaultfd", "keyctl", "add_key", "request_key", "acct",
                "quotactl", "settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname",
                "iopl", "ioperm", "lookup_dcookie", "personality", "syslog", NULL};
        static const char *const programs[] = {"execve", "execveat", "fork", "vfork", NULL};

        return syscalls_filter(
                &(struct syscalls){.refused = refused, .deadly = may_execute ? NULL : programs}, e);
}
