/* Tests of source/bpf against the running kernel: what it says about children whose truth the test
 * knows. Skipped, with the kernel's reason, where BPF can't be loaded.
 */
#include "base/clock.h"
#include "source/bpf/bpf.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* An event with its texts kept. */
struct kept {
        struct life_event e;
        char command[LIFE_COMMAND_SIZE], exe[LIFE_EXE_SIZE];
        bool has_command, has_exe;
};

struct log {
        struct kept *events;
        size_t n, room;
};

static void log_done(struct log *l)
{
        free(l->events);
}

static void keep(void *ctx, const struct life_event *e)
{
        struct log *l = ctx;

        if (l->n == l->room) {
                l->room = l->room ? l->room * 2 : 1024;
                l->events = realloc(l->events, l->room * sizeof *l->events);
        }
        struct kept *k = &l->events[l->n++];
        *k = (struct kept){.e = *e, .has_command = e->command != NULL, .has_exe = e->exe != NULL};
        if (e->command)
                snprintf(k->command, sizeof k->command, "%s", e->command);
        if (e->exe)
                snprintf(k->exe, sizeof k->exe, "%s", e->exe);
}

static const struct kept *find(const struct log *l, enum life_type type, pid_t pid)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->events[i].e.type == type && l->events[i].e.pid == pid)
                        return &l->events[i];
        return NULL;
}

static const struct kept *find_exit(const struct log *l, pid_t pid, bool leader)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->events[i].e.type == LIFE_EXIT && l->events[i].e.pid == pid &&
                        (l->events[i].e.tid == pid) == leader)
                        return &l->events[i];
        return NULL;
}

static void drain(struct bpf_source *s, struct log *l)
{
        while (bpf_source_drain(s, 100, keep, l) == 100)
                ;
}

/* Drains until pid is buried; burial comes an RCU grace period after the wait. NULL when it never comes:
 * see bpf.h, some kernels skip us now and then. */
static const struct kept *drain_until_free(struct bpf_source *s, struct log *l, pid_t pid)
{
        for (int i = 0; i < 400; i++) {
                drain(s, l);
                const struct kept *k = find(l, LIFE_FREE, pid);
                if (k)
                        return k;
                usleep(5000);
        }
        return NULL;
}

static bool on_v1(void)
{
        return access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) == 0;
}

/* NULL when there is no BPF here; the test then skips with the reason. */
static struct bpf_source *open_source(uint32_t ring_bytes)
{
        struct bpf_options o = {.cgroup_v1 = on_v1(), .ring_bytes = ring_bytes};
        struct bpf_source *s = NULL;
        static struct error e;

        e = (struct error){0};
        int r = bpf_source_open(&o, &s, &e);
        if (r < 0) {
                check(e.code == r && e.text[0]);
                tap_skip_reason = e.text;
                if (geteuid() == 0 && r == -EPERM)
                        tap_skip_reason = "not permitted here";
                return NULL;
        }
        return s;
}

static void spin(uint64_t ns)
{
        struct timespec t;
        uint64_t now, end = 0;

        do {
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
                now = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
                if (!end)
                        end = now + ns;
        } while (now < end);
}

static void *spin_thread(void *ns)
{
        spin(*(uint64_t *)ns);
        return NULL;
}

static pid_t spinning_child(uint64_t ns, int threads)
{
        pid_t pid = fork();

        if (pid == 0) {
                pthread_t t[4];
                for (int i = 0; i < threads; i++)
                        pthread_create(&t[i], NULL, spin_thread, &ns);
                for (int i = 0; i < threads; i++)
                        pthread_join(t[i], NULL);
                if (!threads)
                        spin(ns);
                _exit(3);
        }
        return pid;
}

static uint64_t rusage_ns(const struct rusage *u)
{
        return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * NSEC_PER_SEC +
               (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* Every child's exact CPU against what wait4(2) told its parent. */
static void cpu_matches_wait4(int threads)
{
        enum { CHILDREN = 60 };
        struct bpf_source *s = open_source(0);
        struct log l = {0};
        uint64_t truth[CHILDREN], total = 0, seen = 0;
        pid_t pids[CHILDREN];
        int wrong = 0, unseen = 0;

        if (!s)
                return;
        for (int i = 0; i < CHILDREN; i++) {
                struct rusage u;
                int status;
                pids[i] = spinning_child((uint64_t)(300 + 45 * i) * NSEC_PER_USEC, threads);
                check(wait4(pids[i], &status, 0, &u) == pids[i]);
                truth[i] = rusage_ns(&u);
                total += truth[i];
        }
        for (int i = 0; i < CHILDREN; i++) {
                /* Each processor buries its own, so the last one's burial says nothing of the others. */
                const struct kept *k = drain_until_free(s, &l, pids[i]);
                if (!k) {
                        unseen++;
                        total -= truth[i];
                        continue;
                }
                double ratio = (double)k->e.cpu_ns / (double)truth[i];
                seen += k->e.cpu_ns;
                wrong += ratio < 0.98 || ratio > 1.02;
                check_int(k->e.exit_status, 3 << 8);
                check_int(k->e.tid, pids[i]);
                check(k->e.start_ns && k->e.start_ns < k->e.time_ns && k->e.time_ns <= clock_boot_ns());
        }
        printf("# %d threads: CPU seen / wait4 = %.4f, %d of %d children off by more than 2 %%\n", threads,
                (double)seen / (double)total, wrong, CHILDREN);
        check_near((double)seen / (double)total, 1.0, 0.02);
        check(wrong <= CHILDREN / 10);
        if (unseen)
                printf("# %d burials never seen\n", unseen);
        check(unseen <= CHILDREN / 10);
        check_int(bpf_source_lost(s), 0);
        log_done(&l);
        bpf_source_free(s);
}

static void cpu_of_single_threaded(void)
{
        cpu_matches_wait4(0);
}

static void cpu_of_multithreaded(void)
{
        cpu_matches_wait4(3);
}

static pid_t exec_child(const char *exe, char *const argv[])
{
        pid_t pid = fork();

        if (pid == 0) {
                execv(exe, argv);
                _exit(127);
        }
        waitpid(pid, NULL, 0);
        return pid;
}

static void exec_tells_program_and_arguments(void)
{
        struct bpf_source *s = open_source(0);
        struct log l = {0};
        char longer[400];
        char *hostile[] = {(char[]){"x"}, (char[]){"a\nb\033[31m"}, (char[]){"<script>"},
                (char[]){"\xff\xfe"}, (char[]){""}, (char[]){"z"}, NULL};
        char *lengthy[] = {(char[]){"true"}, longer, NULL};

        if (!s)
                return;
        memset(longer, 'y', sizeof longer - 1);
        longer[sizeof longer - 1] = '\0';
        pid_t first = exec_child("/bin/true", hostile);
        pid_t second = exec_child("/../bin/./true", lengthy);
        drain(s, &l);

        const struct kept *k = find(&l, LIFE_EXEC, first);
        check(k && k->has_command && k->has_exe);
        if (k) {
                check_str(k->command, "x a\nb\033[31m <script> \xff\xfe  z");
                check_str(k->exe, "/bin/true");
                check_str(k->e.comm, "true");
                check(k->e.cgroup_id);
                check_int(k->e.ppid, getpid());
                check_int(k->e.sid, getsid(0));
                check(!find(&l, LIFE_COMM, first)); /* its name came with the exec */
        }
        k = find(&l, LIFE_EXEC, second);
        check(k && k->has_command);
        if (k) {
                check_int(strlen(k->command), LIFE_COMMAND_SIZE - 1);
                check(strncmp(k->command, "true yyyy", 9) == 0);
                check_str(k->exe, "/../bin/./true");
        }
        log_done(&l);
        bpf_source_free(s);
}

struct task_log {
        struct bpf_task t[64];
        int n;
        pid_t pid, tid; /* 0 = any */
};

static void keep_task(void *ctx, const struct bpf_task *t)
{
        struct task_log *l = ctx;

        if ((!l->pid || t->pid == l->pid) && (!l->tid || t->tid == l->tid) && l->n < 64)
                l->t[l->n++] = *t;
}

static void iterator_lists_zombies(void)
{
        struct bpf_source *s = open_source(0);
        struct task_log l = {0};
        siginfo_t info;

        if (!s)
                return;
        pid_t pid = fork();
        if (pid == 0) {
                prctl(PR_SET_NAME, "a\nz");
                spin(2 * NSEC_PER_MSEC);
                _exit(7);
        }
        check(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
        l.pid = pid;
        check(bpf_source_tasks(s, BPF_TASK_ZOMBIES, keep_task, &l) >= 1);
        check_int(l.n, 1);
        check_int(l.t[0].state, 'Z');
        check(l.t[0].dead);
        check_int(l.t[0].ppid, getpid());
        check_int(l.t[0].sid, getsid(0));
        check_int(l.t[0].threads, 1);
        check_str(l.t[0].comm, "a\nz");
        check(l.t[0].cpu_ns >= 2 * NSEC_PER_MSEC && l.t[0].cpu_ns < 20 * NSEC_PER_MSEC);
        l.n = 0;
        check(bpf_source_tasks(s, BPF_TASK_ACTIVE, keep_task, &l) >= 0);
        check_int(l.n, 0);
        waitpid(pid, NULL, 0);
        bpf_source_tasks(s, BPF_TASK_ZOMBIES, keep_task, &l);
        check_int(l.n, 0);
        bpf_source_free(s);
}

struct spinner {
        volatile bool stop;
        volatile pid_t tid;
};

static void *spin_until(void *ctx)
{
        struct spinner *s = ctx;

        s->tid = (pid_t)syscall(SYS_gettid);
        while (!s->stop)
                ;
        return NULL;
}

static uint64_t process_cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void iterator_lists_active_threads(void)
{
        struct bpf_source *s = open_source(0);
        struct spinner spinner = {0};
        struct task_log l = {.pid = getpid()};
        pthread_t t;

        if (!s)
                return;
        uint64_t before = process_cpu_ns();
        check(pthread_create(&t, NULL, spin_until, &spinner) == 0);
        while (!spinner.tid || process_cpu_ns() < before + 10 * NSEC_PER_MSEC)
                usleep(1000);
        check(bpf_source_tasks(s, BPF_TASK_ACTIVE, keep_task, &l) >= 1);
        check_int(l.n, 1); /* the spinner, not the caller */
        check_int(l.t[0].tid, spinner.tid);
        check_int(l.t[0].state, 'R');
        check(!l.t[0].dead);
        check(l.t[0].cpu_ns > 5 * NSEC_PER_MSEC);

        /* Also within a walk over everything: the leader and the active thread, once each; by their numbers,
         * which may have begun anew in between. */
        l.n = 0;
        before = process_cpu_ns();
        int n = bpf_source_tasks(s, BPF_TASK_ACTIVE | BPF_TASK_ALL, keep_task, &l);
        uint64_t cpu = process_cpu_ns();
        check(n > 2);
        check_int(l.n, 2);
        const struct bpf_task *leader = &l.t[l.t[0].tid != getpid()];
        check_int(leader->tid, getpid());
        check_int(leader->threads, 2);
        printf("# CPU of the whole process / its clock = %.3f\n", (double)leader->cpu_ns / (double)cpu);
        /* who runs has been charged for all but the last tick */
        check(leader->cpu_ns <= cpu && leader->cpu_ns + 15 * NSEC_PER_MSEC >= before);
        spinner.stop = true;
        pthread_join(t, NULL);

        /* A thread that is gone still counts. */
        l.n = 0;
        bpf_source_tasks(s, BPF_TASK_ALL, keep_task, &l);
        check_int(l.n, 1);
        check(l.t[0].cpu_ns + 5 * NSEC_PER_MSEC >= cpu);
        bpf_source_free(s);
}

/* Looks until the one task of the log is in that state. */
static bool task_becomes(struct bpf_source *s, struct task_log *l, char state)
{
        for (int i = 0; i < 1000; i++) {
                l->n = 0;
                bpf_source_tasks(s, BPF_TASK_ALL, keep_task, l);
                if (l->n == 1 && l->t[0].state == state)
                        return true;
                usleep(10000);
        }
        return false;
}

/* Whoever called vfork waits in D until the child is gone: it doesn't run, so its count of switches stays. */
static void iterator_tells_who_has_not_run(void)
{
        struct bpf_source *s = open_source(0);
        int gate[2];
        char c;

        if (!s)
                return;
        check(pipe(gate) == 0);
        struct task_log l = {.pid = fork()};
        if (!l.pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(gate[1]);
                if (!vfork()) {
                        while (read(gate[0], &c, 1) < 0)
                                ;
                        _exit(0);
                }
                for (;;)
                        pause();
        }
        close(gate[0]);
        check(task_becomes(s, &l, 'D'));
        uint64_t before = 0;
        /* it is called so before it has given up its processor */
        for (int k = 0; k < 1000 && (!before || l.t[0].switches != before); k++) {
                before = l.t[0].switches;
                usleep(10000);
                l.n = 0;
                bpf_source_tasks(s, BPF_TASK_ACTIVE, keep_task, &l);
        }
        check(before > 0);
        l.n = 0;
        bpf_source_tasks(s, BPF_TASK_ACTIVE, keep_task, &l);
        check_int(l.n, 1);
        check_int(l.t[0].switches, before);
        close(gate[1]); /* the child ends; it runs, and waits for a signal */
        check(task_becomes(s, &l, 'S'));
        check(l.t[0].switches > before);
        kill(l.pid, SIGKILL);
        waitpid(l.pid, NULL, 0);
        bpf_source_free(s);
}

/* A leader that died before its threads is a dead leader with a count of threads above one. */
static void iterator_tells_leader_with_threads(void)
{
        struct bpf_source *s = open_source(0);
        struct task_log l = {0};

        if (!s)
                return;
        pid_t pid = fork();
        if (pid == 0) {
                struct spinner forever = {0};
                pthread_t t;
                pthread_create(&t, NULL, spin_until, &forever);
                syscall(SYS_exit, 0);
        }
        l.pid = pid;
        for (int i = 0; i < 200 && !l.n; i++) {
                usleep(5000);
                bpf_source_tasks(s, BPF_TASK_ZOMBIES, keep_task, &l);
        }
        check_int(l.n, 1);
        check_int(l.t[0].state, 'Z');
        check_int(l.t[0].threads, 2);
        l.n = 0;
        bpf_source_tasks(s, BPF_TASK_ACTIVE, keep_task, &l);
        check_int(l.n, 1);
        check(l.t[0].tid != pid);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        bpf_source_free(s);
}

/* Told by two sources, one after the other. */
static bool same_event(const struct life_event *a, const struct life_event *b)
{
        return a->pid == b->pid && a->tid == b->tid && a->type == b->type &&
               MAX(a->time_ns, b->time_ns) - MIN(a->time_ns, b->time_ns) < NSEC_PER_MSEC;
}

/* Two rings see the same events; what the tiny one lacks it has counted. */
static void loss_is_counted_exactly(void)
{
        struct bpf_source *big = open_source(8 << 20), *tiny = NULL;
        struct log all = {0}, few = {0};
        pid_t pid = 0;
        uint64_t lost = 0, want = 0;

        if (!big)
                return;
        tiny = open_source(4096);
        check(tiny);
        for (int i = 0; i < 500; i++) {
                pid = fork();
                if (pid == 0)
                        _exit(0);
                waitpid(pid, NULL, 0);
        }
        drain_until_free(big, &all, pid);
        while (bpf_source_drain(tiny, 7, keep, &few))
                ;
        check(few.n > 0);
        size_t first = 0;
        while (few.n && first < all.n && !same_event(&all.events[first].e, &few.events[0].e))
                first++;
        /* Others live on this machine too: count again until no event came between the two readings. */
        for (int i = 0; i < 100; i++) {
                bpf_source_drain(big, 100000, keep, &all);
                bpf_source_drain(tiny, 100000, keep, &few);
                lost = bpf_source_lost(tiny);
                want = all.n - first;
                if (few.n + lost == want)
                        break;
        }
        printf("# tiny ring: %zu seen, %llu lost, of %llu\n", few.n, (unsigned long long)lost,
                (unsigned long long)want);
        check(lost >= 400);
        check_int(few.n + lost, want);
        check_int(bpf_source_lost(big), 0);
        bpf_source_free(tiny);
        bpf_source_free(big);
        log_done(&all);
        log_done(&few);
}

static int woken(int ep, int timeout_ms)
{
        struct epoll_event got;

        return epoll_wait(ep, &got, 1, timeout_ms);
}

/* The first of a batch wakes, those after it don't until a quarter of the ring has filled. */
static void wakes_once_a_batch_and_when_it_fills(void)
{
        struct bpf_source *s = open_source(64 << 10);
        struct epoll_event watch = {.events = EPOLLIN | EPOLLET};
        struct log l = {0};
        int wakes = 0;

        if (!s)
                return;
        int ep = epoll_create1(EPOLL_CLOEXEC);
        check(epoll_ctl(ep, EPOLL_CTL_ADD, bpf_source_fd(s), &watch) == 0);
        while (!bpf_source_sleep(s)) /* what was there before */
                drain(s, &l);
        while (woken(ep, 0) > 0)
                ;
        waitpid(spinning_child(0, 0), NULL, 0);
        check_int(woken(ep, 3000), 1);
        check(!bpf_source_sleep(s));
        for (int i = 0; i < 20; i++)
                waitpid(spinning_child(0, 0), NULL, 0);
        if (!bpf_source_is_filling(s))
                check_int(woken(ep, 0), 0);
        while (!bpf_source_is_filling(s)) {
                waitpid(spinning_child(0, 0), NULL, 0);
                wakes += woken(ep, 0);
        }
        wakes += woken(ep, 3000);
        check(wakes >= 1 && wakes <= 2);
        close(ep);
        log_done(&l);
        bpf_source_free(s);
}

static void *exit_late(void *unused)
{
        usleep(30000);
        _exit(5);
}

static void sees_birth_and_death(void)
{
        struct bpf_source *s = open_source(0);
        struct log l = {0};
        uint64_t ns = NSEC_PER_MSEC;

        if (!s)
                return;
        pid_t plain = fork();
        if (plain == 0) {
                pthread_t t;
                prctl(PR_SET_NAME, "renamed");
                pthread_create(&t, NULL, spin_thread, &ns);
                pthread_join(t, NULL);
                _exit(7);
        }
        waitpid(plain, NULL, 0);
        pid_t killed = fork();
        if (killed == 0) {
                pause();
                _exit(0);
        }
        kill(killed, SIGTERM);
        waitpid(killed, NULL, 0);
        pid_t leader_first = fork();
        if (leader_first == 0) {
                pthread_t t;
                pthread_create(&t, NULL, exit_late, NULL);
                syscall(SYS_exit, 9);
        }
        waitpid(leader_first, NULL, 0);
        const struct kept *freed = drain_until_free(s, &l, leader_first);

        const struct kept *k = find(&l, LIFE_FORK, plain);
        check(k && k->e.ppid == getpid() && k->e.start_ns && k->e.cgroup_id);
        check(k && k->e.sid == getsid(0));
        check(find(&l, LIFE_THREAD, plain));
        k = find(&l, LIFE_COMM, plain);
        check(k && !strcmp(k->e.comm, "renamed"));
        k = find_exit(&l, plain, false);
        check(k && k->e.others == LIFE_OTHERS_LIVE && k->e.exit_signal == -1);
        k = find_exit(&l, plain, true);
        check(k && k->e.others == LIFE_OTHERS_NONE && k->e.exit_status == 7 << 8);
        check(k && k->e.exit_signal == SIGCHLD && k->e.ppid == getpid());
        check(k && !strcmp(k->e.comm, "renamed") && k->e.cgroup_id);

        k = find_exit(&l, killed, true);
        check(k && k->e.exit_status == SIGTERM);

        k = find_exit(&l, leader_first, true);
        check(k && k->e.others == LIFE_OTHERS_LIVE && k->e.exit_status == 9 << 8);
        k = find_exit(&l, leader_first, false);
        check(k && k->e.others == LIFE_OTHERS_NONE && k->e.exit_status == 5 << 8);
        check(!freed || freed->e.exit_status == 5 << 8);
        log_done(&l);
        bpf_source_free(s);
}

/* The folder of our own group below a hierarchy's mount; false when there is none. */
static bool own_group(const char *controller, const char *mount, char *path, size_t size)
{
        FILE *f = fopen("/proc/self/cgroup", "re");
        char line[512];
        bool found = false;

        while (f && fgets(line, sizeof line, f)) {
                char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
                if (!group)
                        continue;
                *group++ = '\0';
                group[strcspn(group, "\n")] = '\0';
                if (!strcmp(kind + 1, controller)) {
                        snprintf(path, size, "%s%s", mount, group);
                        found = access(path, W_OK) == 0;
                }
        }
        if (f)
                fclose(f);
        return found;
}

static void write_pid(const char *folder, pid_t pid)
{
        char path[700];

        snprintf(path, sizeof path, "%s/cgroup.procs", folder);
        FILE *f = fopen(path, "we");
        check(f);
        if (f) {
                fprintf(f, "%d", pid);
                check(fclose(f) == 0);
        }
}

static void cgroup_moves_and_ids(void)
{
        char own[600], other[600], child_group[660], other_group[660];
        struct bpf_source *s = NULL;
        struct log l = {0};
        struct task_log tasks = {0};
        struct stat st, st_own;
        int hold[2];

        if (!(on_v1() ? own_group("memory", "/sys/fs/cgroup/memory", own, sizeof own)
                      : own_group("", "/sys/fs/cgroup", own, sizeof own)))
                skip("no cgroup of our own that can be written");
        s = open_source(0);
        if (!s)
                return;
        snprintf(child_group, sizeof child_group, "%s/sexton-test-%d", own, getpid());
        check(mkdir(child_group, 0755) == 0 && stat(child_group, &st) == 0 && stat(own, &st_own) == 0);
        bool two = on_v1() && own_group("freezer", "/sys/fs/cgroup/freezer", other, sizeof other);
        snprintf(other_group, sizeof other_group, "%s/sexton-test-%d", two ? other : "", getpid());
        if (two)
                check(mkdir(other_group, 0755) == 0);

        check(pipe2(hold, O_CLOEXEC) == 0);
        pid_t pid = fork();
        if (pid == 0) {
                char c;
                close(hold[1]);
                _exit((int)read(hold[0], &c, 1));
        }
        close(hold[0]);
        write_pid(child_group, pid);
        if (two)
                write_pid(other_group, pid);
        close(hold[1]);
        siginfo_t info;
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
        tasks.pid = pid; /* a zombie's group on v1 is hidden in /proc, not from us */
        bpf_source_tasks(s, BPF_TASK_ZOMBIES, keep_task, &tasks);
        check(tasks.n == 1 && tasks.t[0].cgroup_id == st.st_ino);
        tasks = (struct task_log){.pid = getpid()};
        bpf_source_tasks(s, BPF_TASK_ALL, keep_task, &tasks);
        check(tasks.n == 1 && tasks.t[0].cgroup_id == st_own.st_ino);
        waitpid(pid, NULL, 0);
        drain_until_free(s, &l, pid);
        const struct kept *dead = find_exit(&l, pid, true);
        check(dead && dead->e.cgroup_id == st.st_ino);

        int moves = 0;
        for (size_t i = 0; i < l.n; i++)
                moves += l.events[i].e.type == LIFE_CGROUP && l.events[i].e.pid == pid;
        check_int(moves, 1);
        const struct kept *k = find(&l, LIFE_CGROUP, pid);
        check(k && k->e.cgroup_id == st.st_ino);
        check(rmdir(child_group) == 0);
        if (two)
                check(rmdir(other_group) == 0);
        log_done(&l);
        bpf_source_free(s);
}

static void says_when_not_permitted(void)
{
        if (geteuid() != 0)
                skip("needs root to give it up");
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
                struct bpf_options o = {0};
                struct bpf_source *s;
                struct error e = {0};
                if (setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(2);
                int r = bpf_source_open(&o, &s, &e);
                _exit((r == -EPERM || r == -ENOTSUP) && e.code == r && e.text[0] ? 0 : 1);
        }
        int status;
        waitpid(pid, &status, 0);
        check_int(status, 0);
}

static void all(void)
{
        test(cpu_of_single_threaded);
        test(cpu_of_multithreaded);
        test(exec_tells_program_and_arguments);
        test(iterator_lists_zombies);
        test(iterator_lists_active_threads);
        test(iterator_tells_who_has_not_run);
        test(iterator_tells_leader_with_threads);
        test(loss_is_counted_exactly);
        test(wakes_once_a_batch_and_when_it_fills);
        test(sees_birth_and_death);
        test(cgroup_moves_and_ids);
        test(says_when_not_permitted);
}

int main(void)
{
        return tap_main(all);
}
