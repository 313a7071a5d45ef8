/* Whether the dead may be buried: the rule, and where its facts come from. See bury_may.h. */
#include "act/bury_may.h"

#include "base/file.h"
#include "base/text.h"
#include "source/proc/process.h"
#include "world/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum { DESCRIPTORS = 4096, THREADS = 4096 };

/* ---- the rule ---- */

static enum bury_verdict own_child(const struct bury_facts *f)
{
        if (!f->forced)
                return BURY_MAY_NOT_OWN;
        return f->handles_sigchld || f->waits || f->has_waited ? BURY_MAY_NOT_WANTED : BURY_MAY;
}

enum bury_verdict bury_may(const struct bury_facts *f)
{
        if (f->traced)
                return BURY_MAY_NOT_TRACED;
        if (f->pidfd)
                return BURY_MAY_NOT_PIDFD;
        if (f->age_ns < f->min_age_ns)
                return BURY_MAY_NOT_YET;
        if (f->birth != BURY_BIRTH_ADOPTED)
                return own_child(f);
        return !f->is_pid1 && f->handles_sigchld && !f->forced ? BURY_MAY_NOT_SUBREAPER : BURY_MAY;
}

const char *bury_verdict_text(enum bury_verdict verdict)
{
        static const char *const text[BURY_VERDICTS] = {
                [BURY_MAY] = "may be buried",
                [BURY_MAY_NOT_TRACED] = "held by a tracer",
                [BURY_MAY_NOT_PIDFD] = "the holder has a pidfd of it",
                [BURY_MAY_NOT_YET] = "died a moment ago",
                [BURY_MAY_NOT_SUBREAPER] = "the holder asked for orphans and handles SIGCHLD",
                [BURY_MAY_NOT_OWN] = "forked by the holder itself, or nobody saw by whom",
                [BURY_MAY_NOT_WANTED] = "forked by the holder, which waits for children",
        };

        return verdict < BURY_VERDICTS ? text[verdict] : "unknown";
}

/* ---- what the board knows ---- */

static bool session_tells(const struct process *dead, const struct process *holder)
{
        bool holder_may_have_moved = holder->sid == holder->pid && !(holder->flags & PROCESS_F_INIT);

        return dead->sid > 0 && holder->sid > 0 && dead->sid != holder->sid && dead->sid != dead->pid &&
               !holder_may_have_moved;
}

enum bury_birth bury_birth_of(const struct board *b, const struct process *dead, const struct process *holder)
{
        const struct process *parent = view_parent(b, dead);

        /* of one that a scan found, this is the parent at that time: it may have been adopted before */
        if (parent && parent != holder)
                return BURY_BIRTH_ADOPTED;
        if (parent && !(dead->flags & PROCESS_F_PRE_EXISTING))
                return BURY_BIRTH_OWN;
        return session_tells(dead, holder) ? BURY_BIRTH_ADOPTED : BURY_BIRTH_UNKNOWN;
}

void bury_ask(const struct board *b, uint32_t holder, struct bury_request *ret)
{
        const struct process *h = &b->process[holder];

        *ret = (struct bury_request){.holder_pid = h->pid, .holder_start_ns = h->start_ns};
        uint32_t left = view_processes(b);
        for (uint32_t i = b->ledger_head; i && i < BOARD_PROCESSES && left-- && ret->count < BURY_DEAD;
                i = b->process[i].list_next) {
                const struct process *p = &b->process[i];
                if (p->state != PROCESS_ZOMBIE || p->ppid != h->pid)
                        continue;
                ret->dead[ret->count++] = (struct bury_dead){.pid = p->pid,
                        .birth = bury_birth_of(b, p, h),
                        .start_ns = p->start_ns,
                        .exit_ns = p->exit_ns};
        }
}

/* ---- what /proc knows ---- */

static DIR *open_folder(int proc_fd, int32_t pid, const char *name)
{
        char path[32];

        snprintf(path, sizeof path, "%" PRId32 "/%s", pid, name);
        int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        DIR *d = fdopendir(fd);
        if (!d)
                close(fd);
        return d;
}

/* The number in a folder's next entry; false at the end. */
static bool next_number(DIR *d, uint64_t *ret)
{
        for (struct dirent *e; (e = readdir(d));) {
                const char *p = e->d_name;
                if (text_u64(&p, ret) && !*p)
                        return true;
        }
        return false;
}

static bool is_in_wait(int task_fd, uint64_t tid)
{
        char path[40], text[128];
        const char *p = text;
        uint64_t call;

        snprintf(path, sizeof path, "%" PRIu64 "/syscall", tid);
        return file_read_at(task_fd, path, text, sizeof text) > 0 && text_u64(&p, &call) &&
               (call == SYS_wait4 || call == SYS_waitid);
}

static bool any_thread_waits(int proc_fd, int32_t pid)
{
        DIR *d = open_folder(proc_fd, pid, "task");
        bool waits = !d;
        uint64_t tid;

        for (uint32_t k = 0; d && !waits && next_number(d, &tid); k++)
                waits = k >= THREADS || is_in_wait(dirfd(d), tid);
        if (d)
                closedir(d);
        return waits;
}

int bury_look_at_holder(int proc_fd, int32_t pid, uint64_t waited_faults, struct bury_facts *ret)
{
        struct proc_status status;
        struct proc_stat stat;
        int r = proc_read_status(proc_fd, pid, &status);

        if (!r)
                r = proc_read_stat(proc_fd, pid, &stat);
        if (r < 0)
                return r;
        ret->is_pid1 = status.ns_pid == 1;
        ret->handles_sigchld = status.sigcgt >> (SIGCHLD - 1) & 1;
        ret->has_waited = stat.waited_minor_faults > waited_faults;
        ret->waits = any_thread_waits(proc_fd, pid);
        return 0;
}

/* The process that a pidfd stands for; 0 when the descriptor is none, or that process is gone. */
static int64_t pid_of_pidfd(int proc_fd, int32_t pid, int fd_folder, uint64_t fd)
{
        char path[64], text[2048], link[32] = "";
        int64_t of = 0;

        snprintf(path, sizeof path, "%" PRIu64, fd);
        if (readlinkat(fd_folder, path, link, sizeof link - 1) <= 0 || !strstr(link, "pidfd"))
                return 0;
        snprintf(path, sizeof path, "%" PRId32 "/fdinfo/%" PRIu64, pid, fd);
        if (file_read_at(proc_fd, path, text, sizeof text) <= 0)
                return 0;
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                const char *value = text_line_value(line, "Pid:");
                if (value && text_i64(&value, &of))
                        break;
        }
        return MAX(of, (int64_t)0);
}

void bury_look_for_pidfds(
        int proc_fd, int32_t pid, const struct bury_dead *dead, bool *wanted, uint32_t count)
{
        DIR *d = open_folder(proc_fd, pid, "fd");
        bool all = !d;
        uint64_t fd;

        for (uint32_t n = 0; d && !all && next_number(d, &fd); n++) {
                int64_t of = pid_of_pidfd(proc_fd, pid, dirfd(d), fd);
                all = n >= DESCRIPTORS;
                for (uint32_t k = 0; of && k < count; k++)
                        wanted[k] |= dead[k].pid == of;
        }
        if (all)
                memset(wanted, true, count * sizeof *wanted);
        if (d)
                closedir(d);
}
