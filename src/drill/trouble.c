/* The trouble of a drill: see trouble.h. Every process here is in the drill's control group, is the first
 * that the kernel takes when memory is short, and dies with who started it; the busy ones run when nobody
 * else wants the CPU.
 */
#include "drill/trouble.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "model/drill.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define LIFE_NS  (500 * NSEC_PER_MSEC) /* of one that fails */
#define PAUSE_NS (200 * NSEC_PER_MSEC) /* before the next */
#define FILL     0.95                  /* of the memory's limit and of the mount */

enum {
        EXIT_FAILS = 3,
        BUSY_TASKS = 2,
        CPU_SECONDS = 60,
        PIECE = 256 << 10,
        HOST_MEMORY = 8 * DRILL_MEMORY_BYTES, /* must be available */
};

/* ---- in the control group ---- */

static void sleep_ns(uint64_t ns)
{
        struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC)};

        while (nanosleep(&t, &t) < 0 && errno == EINTR)
                ;
}

static void rest(void)
{
        for (;;)
                pause();
}

static void leave_zombies(const struct trouble *t)
{
        for (uint32_t k = 0; k < t->count; k++)
                if (fork() == 0)
                        _exit(EXIT_FAILS);
        rest();
}

void trouble_live(void)
{
        sleep_ns(LIFE_NS);
        _exit(EXIT_FAILS);
}

/* As systemd does it: into the group, then another program. */
static void fail_soon(const struct trouble *t)
{
        char name[] = "sexton", verb[] = TROUBLE_LIFE;

        execv("/proc/self/exe", (char *[]){name, verb, NULL});
        trouble_live();
}

static void be_busy(const struct trouble *t)
{
        for (volatile uint64_t n = 0;; n++)
                ;
}

/* The limit is never reached, so that nobody is killed. */
static void fill_memory(const struct trouble *t)
{
        uint64_t wanted = (uint64_t)(DRILL_MEMORY_BYTES * FILL);

        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        for (size_t got = 0; got < DRILL_MEMORY_BYTES && drill_group_memory(t->group) + PIECE / 2 < wanted;
                got += PIECE) {
                /* in small pages, and none of them shared with anybody */
                if (mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                            0) == MAP_FAILED)
                        break;
        }
        rest();
}

static void fill_mount(const struct trouble *t)
{
        char path[96], block[4096];

        memset(block, 'x', sizeof block);
        snprintf(path, sizeof path, DRILL_FOLDER "%d/full", t->number);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        for (size_t done = 0; fd >= 0 && (double)done < (double)DRILL_DISK_BYTES * FILL; done += sizeof block)
                if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
                        break;
        rest();
}

/* ---- a process of it ---- */

static void limit(int what, rlim_t value)
{
        setrlimit((__rlimit_resource_t)what, &(struct rlimit){value, value});
}

static void be_harmless(const struct trouble *t)
{
        struct sched_param p = {.sched_priority = 0};

        setpriority(PRIO_PROCESS, 0, 19);
        if (t->kind->id == DRILL_SATURATION)
                sched_setscheduler(0, SCHED_IDLE, &p);
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_CPU, CPU_SECONDS);
        limit(RLIMIT_FSIZE, DRILL_DISK_BYTES);
        file_write_at(AT_FDCWD, "/proc/self/oom_score_adj", "1000");
}

/* Begins a process in the group; its pid, or a negative errno when it could not get there. */
static pid_t begin(const struct trouble *t, void (*run)(const struct trouble *t))
{
        pid_t self = getpid();
        int told[2], r = 0;

        if (pipe2(told, O_CLOEXEC) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != self)
                        _exit(EXIT_FAILURE);
                be_harmless(t);
                r = drill_group_enter(t->group);
                if (write(told[1], &r, sizeof r) != sizeof r || r < 0)
                        _exit(EXIT_FAILURE);
                close(told[0]);
                close(told[1]);
                run(t);
                _exit(EXIT_FAILURE);
        }
        r = pid < 0 ? -errno : -ESRCH;
        close(told[1]);
        if (pid > 0 && read(told[0], &r, sizeof r) != sizeof r)
                r = -ESRCH; /* it died before it could say */
        close(told[0]);
        return r < 0 ? r : pid;
}

/* ---- what the host has to have ---- */

static uint64_t memory_available(void)
{
        char text[4096];
        uint64_t kb;

        if (file_read_at(AT_FDCWD, "/proc/meminfo", text, sizeof text) <= 0)
                return 0;
        const char *p = text_line_value(text, "MemAvailable:");
        return p && text_u64(&p, &kb) ? kb << 10 : 0;
}

int trouble_check(const struct drill_kind *k, const struct drill_group *g, struct error *e)
{
        if (memory_available() < HOST_MEMORY)
                return error_set(e, -ENOMEM,
                        "this host has less than %d MB of memory available: no drill is staged on it",
                        HOST_MEMORY >> 20);
        if (k->id == DRILL_SATURATION && !g->has_cpu)
                return error_set(e, -ENOTSUP,
                        "its control group has no quota for the CPU (cpu isn't in cgroup.subtree_control of "
                        "the root): "
                        "without one it might burden the host");
        if (k->id == DRILL_MEMORY && !g->has_memory)
                return error_set(e, -ENOTSUP,
                        "its control group has no limit for memory (memory isn't in cgroup.subtree_control "
                        "of the "
                        "root), so that there is nothing to fill");
        return 0;
}

/* ---- staging ---- */

static int mount_small(int32_t number, struct error *e)
{
        char path[64], options[64];

        snprintf(path, sizeof path, DRILL_FOLDER "%d", number);
        snprintf(options, sizeof options, "size=%llu,nr_inodes=16,mode=0700",
                (unsigned long long)DRILL_DISK_BYTES);
        if (mkdir(path, 0700) < 0)
                return error_set(e, -errno, "cannot make %s: %s", path, strerror(errno));
        if (mount(DRILL_MOUNT, path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
                return error_set(e, -errno, "cannot mount a file system at %s: %s", path, strerror(errno));
        return 0;
}

int trouble_begin(struct trouble *t, struct error *e)
{
        static void (*const run[DRILL_KINDS])(const struct trouble *) = {
                [DRILL_ZOMBIES] = leave_zombies,
                [DRILL_RESTART_LOOP] = fail_soon,
                [DRILL_SATURATION] = be_busy,
                [DRILL_MEMORY] = fill_memory,
                [DRILL_DISK] = fill_mount,
        };
        bool busy = t->kind->id == DRILL_SATURATION;
        int r = t->kind->id == DRILL_DISK ? mount_small(t->number, e) : 0;

        if (busy)
                drill_group_humble(t->group);
        for (int k = 0; k < (busy ? BUSY_TASKS : 1) && r >= 0; k++) {
                r = begin(t, run[t->kind->id]);
                if (r < 0)
                        error_set(e, r, "no process could be put into the control group %s: %s",
                                t->group->path, strerror(-r));
        }
        if (r > 0 && t->kind->id == DRILL_RESTART_LOOP)
                t->life = r;
        return MIN(r, 0);
}

void trouble_ended(struct trouble *t, pid_t pid, uint64_t now_ns)
{
        if (pid != t->life)
                return;
        t->life = 0;
        t->next_ns = now_ns + PAUSE_NS;
}

uint64_t trouble_go_on(struct trouble *t, uint64_t now_ns)
{
        if (t->kind->id != DRILL_RESTART_LOOP || t->life)
                return 0;
        if (now_ns >= t->next_ns) {
                pid_t pid = begin(t, fail_soon);
                t->life = MAX(pid, 0);
                t->next_ns = now_ns + PAUSE_NS;
        }
        return t->life ? 0 : t->next_ns;
}
