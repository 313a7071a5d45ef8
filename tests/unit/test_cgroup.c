/* Layouts, counters and unreaped tasks: fixture trees of v1, v2 and hybrid, then this machine's own
 * hierarchies with real processes in them.
 */
#include "tap.h"
#include "tree.h"

#include "source/cgroup/cgroup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define UNKNOWN ((long long)BOARD_UNKNOWN)

/* ---- fixtures ---- */

static void make_v1(const struct tree *t)
{
        tree_put(t, "cpuacct/g/cpuacct.usage", "123456789\n");
        tree_put(t, "cpu/g/cpu.stat",
                "nr_periods 10\nnr_throttled 3\nthrottled_time 4567\nnr_bursts 0\nburst_time 0\n");
        tree_put(t, "memory/g/memory.usage_in_bytes", "1000000\n");
        tree_put(t, "memory/g/memory.stat",
                "cache 5\nrss 6\ninactive_file 111\ntotal_cache 5\ntotal_inactive_file 400000\n");
        tree_put(t, "memory/g/memory.limit_in_bytes", "9223372036854771712\n");
        tree_put(t, "memory/g/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
        tree_put(t, "pids/g/pids.current", "12\n");
        tree_put(t, "pids/g/pids.max", "100\n");
        tree_put(t, "blkio/", "");
        tree_put(t, "freezer/", "");
        tree_put(t, "systemd/", "");
}

static void make_unified(const struct tree *t, const char *at)
{
        static const struct {
                const char *name, *text;
        } files[] = {
                {"cgroup.controllers", "cpuset cpu io memory pids\n"},
                {"g/cpu.stat", "usage_usec 5000\nuser_usec 4000\nsystem_usec 1000\nnr_periods 9\n"
                               "nr_throttled 2\nthrottled_usec 33\n"},
                {"g/memory.current", "2000000\n"},
                {"g/memory.stat", "anon 1\nfile 2\ninactive_anon 3\nactive_file 5\ninactive_file 500000\n"},
                {"g/memory.max", "3000000\n"},
                {"g/memory.events", "low 0\nhigh 0\nmax 8\noom 5\noom_kill 4\noom_group_kill 1\n"},
                {"g/pids.current", "21\n"},
                {"g/pids.max", "max\n"},
                {"g/cpu.pressure", "some avg10=12.34 avg60=3.54 avg300=3.61 total=45980641\n"
                                   "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
                {"g/memory.pressure", "some avg10=0.05 avg60=0.00 avg300=0.00 total=1\n"},
                {"g/io.pressure", "some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n"},
        };
        char name[128];

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                snprintf(name, sizeof(name), "%s%s", at, files[i].name);
                tree_put(t, name, files[i].text);
        }
}

static void v1_counters(void)
{
        struct tree t;
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        uint64_t ns;

        tree_init(&t);
        make_v1(&t);
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 1);
        check(!l.unified_has_controllers && l.unified_fd < 0 && l.freezer_fd >= 0);
        check_int(cgroup_watch_open(&l, "/g", &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.cpu_ns, 123456789);
        check_int(s.periods, 10);
        check_int(s.throttled_periods, 3);
        check_int(s.throttled_ns, 4567);
        check_int(s.memory_bytes, 600000);
        check_int(s.memory_limit_bytes, UNKNOWN);
        check_int(s.oom_kills, 7);
        check_int(s.oom_events, UNKNOWN);
        check_int(s.pids, 12);
        check_int(s.pids_limit, 100);
        check(isnan(s.psi_cpu) && isnan(s.psi_memory) && isnan(s.psi_io));
        check_int(cgroup_watch_cpu(&w, &ns), 0);
        check_int(ns, 123456789);

        /* a limit that changes is seen, though not at once */
        tree_put(&t, "memory/g/memory.limit_in_bytes", "800000\n");
        tree_put(&t, "pids/g/pids.max", "max\n");
        for (int i = 0; i < 4; i++)
                check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.memory_limit_bytes, 800000);
        check_int(s.pids_limit, UNKNOWN);

        /* opening again closes what was open; what isn't there is said */
        check_int(cgroup_watch_open(&l, "/g", &w), 0);
        check_int(cgroup_watch_open(&l, "/absent", &w), -ENOENT);
        check_int(cgroup_watch_sample(&w, &s), -ENODEV);
        check_int(cgroup_watch_cpu(&w, &ns), -ENODEV);
        check(cgroup_id(&l, "/g") != 0);
        check(cgroup_id(&l, "/g") != cgroup_id(&l, "/"));
        check_int(cgroup_id(&l, "/absent"), 0);
        cgroup_watch_close(&w);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        cgroup_done(&l);
        tree_done(&t);
}

static void v2_counters(void)
{
        struct tree t;
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;

        tree_init(&t);
        make_unified(&t, "");
        tree_put(&t, "memory/", ""); /* a group that somebody calls memory */
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 2);
        check(l.unified_has_controllers && l.memory_fd < 0);
        check_int(cgroup_watch_open(&l, "/g", &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.cpu_ns, 5000000);
        check_int(s.periods, 9);
        check_int(s.throttled_periods, 2);
        check_int(s.throttled_ns, 33000);
        check_int(s.memory_bytes, 1500000);
        check_int(s.memory_limit_bytes, 3000000);
        check_int(s.oom_kills, 4);
        check_int(s.oom_events, 5);
        check_int(s.pids, 21);
        check_int(s.pids_limit, UNKNOWN);
        check_near(s.psi_cpu, 0.1234, 1e-9);
        check_near(s.psi_memory, 0.0005, 1e-9);
        check_near(s.psi_io, 1.0, 1e-9);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        tree_done(&t);
}

static void hybrid_counters(void)
{
        struct tree t;
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;

        tree_init(&t);
        make_v1(&t);
        make_unified(&t, "unified/");
        tree_put(&t, "unified/cgroup.controllers", "\n");
        tree_put(&t, "unified/only2/cpu.stat", "usage_usec 77\n");
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 3);
        check(!l.unified_has_controllers);
        check_int(cgroup_watch_open(&l, "/g", &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.cpu_ns, 123456789); /* v1 first */
        check_int(s.memory_bytes, 600000);
        check_near(s.psi_cpu, 0.1234, 1e-9); /* what only v2 has */
        /* a unit without a v1 group still has its CPU on the unified side */
        check_int(cgroup_watch_open(&l, "/only2", &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.cpu_ns, 77000);
        check_int(s.pids, UNKNOWN);
        check_int(s.memory_bytes, UNKNOWN);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        tree_done(&t);
}

/* As an engine makes it: one hierarchy after the other, while we look. */
static void half_made_group(void)
{
        struct cgroup_layout l = {0};
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        struct tree t;
        uint64_t cpu;

        tree_init(&t);
        tree_put(&t, "cpuacct/cpuacct.usage", "1\n");
        tree_put(&t, "pids/cgroup.procs", "");
        tree_put(&t, "memory/memory.usage_in_bytes", "4096\n");
        tree_put(&t, "memory/g/memory.usage_in_bytes", "4096\n");
        check_int(cgroup_init(&l, t.root), 0);
        check_int(cgroup_watch_open(&l, "/g", &w), 0);
        check_int(cgroup_watch_cpu(&w, &cpu), -ENOTSUP);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check(s.cpu_ns == BOARD_UNKNOWN && s.pids == BOARD_UNKNOWN);
        tree_put(&t, "cpuacct/g/cpuacct.usage", "5000\n");
        tree_put(&t, "pids/g/pids.current", "7\n");
        check_int(cgroup_watch_cpu(&w, &cpu), 0);
        check_int(cpu, 5000);
        for (int i = 0; i < 4; i++)
                check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.cpu_ns, 5000);
        check_int(s.pids, 7);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        tree_done(&t);
}

static void layouts(void)
{
        struct tree t;
        struct cgroup_layout l;
        char link[128];

        tree_init(&t);
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 0);
        cgroup_done(&l);

        /* mounted together, with the links that systemd makes and without them */
        tree_put(&t, "cpu,cpuacct/g/cpuacct.usage", "5\n");
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 1);
        check(l.cpu_fd >= 0 && l.cpuacct_fd >= 0);
        cgroup_done(&l);
        snprintf(link, sizeof(link), "%s/cpuacct", t.root);
        check_int(symlink("cpu,cpuacct", link), 0);
        check_int(cgroup_init(&l, t.root), 0);
        check(l.cpu_fd >= 0 && l.cpuacct_fd >= 0);
        check_int(cgroup_unreaped(&l, "/g", &(uint64_t){0}), -ENOTSUP);
        cgroup_done(&l);
        check_int(cgroup_init(&l, "/nowhere/at/all"), -ENOENT);
        tree_done(&t);
}

static void bad_content_is_unknown(void)
{
        static const char *const bad[] = {"", "\n", "x", "-5\n", "99999999999999999999999999\n", "max\n",
                "usage_usec\n", "usage_usec 99999999999999999999\n", "usage_usec 18446744073709551000\n",
                "some avg10=\n", "some avg10=5\n", "some avg10=999.00\n", "some avg10=5.\n",
                "nr_periods x\n"};
        static const char *const files[] = {"cpu.stat", "memory.stat", "memory.events", "memory.current",
                "memory.max", "pids.current", "pids.max", "cpu.pressure", "memory.pressure", "io.pressure",
                "cgroup.threads"};
        struct tree t;
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        char name[64];

        tree_init(&t);
        tree_put(&t, "cgroup.controllers", "memory pids\n");
        check_int(cgroup_init(&l, (tree_put(&t, "g/", ""), t.root)), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
                        snprintf(name, sizeof(name), "g/%s", files[k]);
                        tree_put(&t, name, bad[i]);
                }
                check_int(cgroup_watch_open(&l, "/g", &w), 0);
                check_int(cgroup_watch_sample(&w, &s), 0);
                check_int(s.cpu_ns, UNKNOWN);
                check_int(s.throttled_ns, UNKNOWN);
                check_int(s.memory_bytes, UNKNOWN);
                check_int(s.memory_limit_bytes, UNKNOWN);
                check_int(s.pids, UNKNOWN);
                check_int(s.pids_limit, UNKNOWN);
                check_int(s.oom_kills, UNKNOWN);
                check(isnan(s.psi_cpu) && isnan(s.psi_memory) && isnan(s.psi_io));
                check_int(cgroup_watch_cpu(&w, &(uint64_t){0}), -ENOTSUP);
                check_int(cgroup_unreaped(&l, "/g", &(uint64_t){0}), -EBADMSG);
        }
        /* inactive file beyond usage: no underflow */
        tree_put(&t, "g/memory.current", "10\n");
        tree_put(&t, "g/memory.stat", "inactive_file 11\n");
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.memory_bytes, 0);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        tree_done(&t);
}

static void no_way_out_of_the_tree(void)
{
        struct tree t;
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        char path[400];

        tree_init(&t);
        tree_put(&t, "r/cgroup.controllers", "memory pids\n");
        tree_put(&t, "r/..x/pids.current", "1\n");
        tree_put(&t, "out/pids.current", "1\n");
        snprintf(path, sizeof(path), "%s/r", t.root);
        check_int(cgroup_init(&l, path), 0);
        check_int(cgroup_watch_open(&l, "/../out", &w), -ENOENT);
        check_int(cgroup_watch_open(&l, "/..x/../../out", &w), -ENOENT);
        check_int(cgroup_watch_open(&l, "../out", &w), -ENOENT);
        check_int(cgroup_watch_open(&l, "/..x", &w), 0); /* an odd name, and a good one */
        check_int(cgroup_unreaped(&l, "/../out", &(uint64_t){0}), -ENOENT);
        check_int(cgroup_id(&l, "/.."), 0);
        memset(path, 'a', sizeof(path) - 1);
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        check_int(cgroup_watch_open(&l, path, &w), -ENAMETOOLONG);
        check_int(cgroup_unreaped(&l, path, &(uint64_t){0}), -ENAMETOOLONG);
        cgroup_watch_close(&w);
        cgroup_done(&l);
        tree_done(&t);
}

static void unreaped_sums_the_tree(void)
{
        struct tree t;
        struct cgroup_layout l;
        uint64_t n = 0;
        char deep[512] = "g/";

        tree_init(&t);
        tree_put(&t, "cgroup.controllers", "memory pids\n");
        tree_put(&t, "g/pids.current", "10\n");
        tree_put(&t, "g/cgroup.threads", "1\n2\n3\n");
        tree_put(&t, "g/a/cgroup.threads", "4\n");
        tree_put(&t, "g/a/b/cgroup.threads", "5\n6\n");
        tree_put(&t, "g/vanishing/", ""); /* no list: as if it went away under us */
        check_int(cgroup_init(&l, t.root), 0);
        check_int(cgroup_unreaped(&l, "/g", &n), 0);
        check_int(n, 4);
        tree_put(&t, "g/pids.current", "5\n"); /* births between the reads: never below nothing */
        check_int(cgroup_unreaped(&l, "/g", &n), 0);
        check_int(n, 0);
        tree_put(&t, "cgroup.threads", "1\n");
        check_int(cgroup_unreaped(&l, "/", &n), -ENOTSUP);
        check_int(cgroup_unreaped(&l, "/absent", &n), -ENOENT);
        for (int i = 0; i < 30; i++) {
                strcat(deep, "d/");
                tree_put(&t, deep, "");
                char name[600];
                snprintf(name, sizeof(name), "%scgroup.threads", deep);
                tree_put(&t, name, "");
        }
        check_int(cgroup_unreaped(&l, "/g", &n), -E2BIG);
        cgroup_done(&l);
        tree_done(&t);
}

/* ---- this machine ---- */

#define PIDS "/sys/fs/cgroup/pids"

static char group[128], nested[160];

static bool write_text(const char *dir, const char *file, const char *text)
{
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", dir, file);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
        if (fd >= 0)
                close(fd);
        return ok;
}

static void *sleep_on(void *unused)
{
        for (;;)
                pause();
        return unused;
}

/* The child's main thread ends while another lives on. */
static void leave_leader(void)
{
        pthread_t thread;

        if (pthread_create(&thread, NULL, sleep_on, NULL))
                _exit(1);
        syscall(SYS_exit, 0); /* of the thread alone */
}

enum life { LIVE, LIVE_THREADS, DIE, DIE_LEADER };

/* A child in the group, in the wanted state when this returns. */
static pid_t spawn_in(const char *dir, enum life life)
{
        int ready[2];
        char c;

        if (pipe(ready))
                abort();
        pid_t pid = fork();
        if (pid == 0) {
                pthread_t thread;
                close(ready[0]);
                if (!write_text(dir, "cgroup.procs", "0"))
                        _exit(1);
                if (life == LIVE_THREADS)
                        for (int i = 0; i < 3; i++)
                                pthread_create(&thread, NULL, sleep_on, NULL);
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                close(ready[1]);
                if (life == DIE)
                        _exit(0);
                if (life == DIE_LEADER)
                        leave_leader();
                sleep_on(NULL);
        }
        close(ready[1]);
        if (read(ready[0], &c, 1) != 1)
                c = 0;
        close(ready[0]);
        if (life == DIE)
                waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
        return pid;
}

/* The kernel lets go of a dying task in its own time: wait for the answer, up to two seconds. */
static uint64_t unreaped_becomes(const struct cgroup_layout *l, const char *path, uint64_t want)
{
        uint64_t n = 12345;

        for (int i = 0; i < 200; i++) {
                check_int(cgroup_unreaped(l, path, &n), 0);
                if (n == want)
                        break;
                usleep(10000);
        }
        return n;
}

static void real_zombies_are_counted(void)
{
        struct cgroup_layout l;
        pid_t pids[40];
        int count = 0;

        snprintf(group, sizeof(group), PIDS "/sexton-test-%d", getpid());
        snprintf(nested, sizeof(nested), "%s/nested", group);
        if (geteuid() != 0)
                skip("not root");
        if (access(PIDS "/tasks", F_OK))
                skip("no v1 pids hierarchy");
        if (mkdir(group, 0755) || mkdir(nested, 0755))
                skip("no group can be made below " PIDS);
        const char *path = group + strlen(PIDS), *nested_path = nested + strlen(PIDS);
        check_int(cgroup_init(&l, "/sys/fs/cgroup"), 0);

        check_int(unreaped_becomes(&l, path, 0), 0);
        for (int i = 0; i < 4; i++)
                pids[count++] = spawn_in(group, LIVE);
        pids[count++] = spawn_in(group, LIVE_THREADS);
        pids[count++] = spawn_in(nested, LIVE);
        check_int(unreaped_becomes(&l, path, 0), 0);
        for (int i = 0; i < 5; i++)
                pids[count++] = spawn_in(group, DIE);
        check_int(unreaped_becomes(&l, path, 5), 5);
        for (int i = 0; i < 3; i++)
                pids[count++] = spawn_in(nested, DIE);
        check_int(unreaped_becomes(&l, path, 8), 8);
        check_int(unreaped_becomes(&l, nested_path, 3), 3);
        pids[count++] = spawn_in(nested, DIE_LEADER); /* dead leader, living thread: it is unreaped too */
        check_int(unreaped_becomes(&l, path, 9), 9);
        check_int(unreaped_becomes(&l, nested_path, 4), 4);

        for (int i = 0; i < count; i++) {
                kill(pids[i], SIGKILL);
                waitpid(pids[i], NULL, 0);
        }
        check_int(unreaped_becomes(&l, path, 0), 0);
        uint64_t n;
        check_int(cgroup_unreaped(&l, "/", &n), -ENOTSUP);
        for (int i = 0; i < 100 && rmdir(nested); i++)
                usleep(10000);
        for (int i = 0; i < 100 && rmdir(group); i++)
                usleep(10000);
        check(access(group, F_OK) != 0);
        check_int(cgroup_unreaped(&l, path, &n), -ENOENT);
        cgroup_done(&l);
}

static void real_counters_make_sense(void)
{
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        char dir[128];
        uint64_t ns;

        if (cgroup_init(&l, "/sys/fs/cgroup"))
                skip("no /sys/fs/cgroup");
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/pids/sexton-watch-%d", getpid());
        if (geteuid() != 0 || l.pids_fd < 0 || mkdir(dir, 0755)) {
                cgroup_done(&l);
                skip("no root, or no v1 pids hierarchy");
        }
        check(cgroup_id(&l, "/") != 0);
        char path[CGROUP_PATH];
        int r = cgroup_path_of_id(&l, cgroup_id(&l, "/"), path);
        if (r == 0)
                check_str(path, "/");
        else
                check(r == -EPERM || r == -EOPNOTSUPP);
        check_int(cgroup_watch_open(&l, "/", &w), 0); /* the whole host */
        check_int(cgroup_watch_sample(&w, &s), 0);
        check(s.cpu_ns != BOARD_UNKNOWN && s.cpu_ns > 0);
        check_int(cgroup_watch_cpu(&w, &ns), 0);
        check(ns >= s.cpu_ns);
        cgroup_watch_close(&w);

        check_int(cgroup_watch_open(&l, dir + strlen(PIDS), &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.pids, 0);
        check_int(s.pids_limit, UNKNOWN);
        pid_t child = spawn_in(dir, LIVE_THREADS);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.pids, 4);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        for (int i = 0; i < 100 && rmdir(dir); i++)
                usleep(10000);
        check_int(cgroup_watch_sample(&w, &s), -ENODEV);
        cgroup_watch_close(&w);
        cgroup_done(&l);
}

/* Touches more memory than the group may have. Only the group's own limit is in danger. */
static void outgrow(const char *dir)
{
        if (write_text(dir, "cgroup.procs", "0")) {
                for (int i = 0; i < 64; i++) {
                        volatile char *p = malloc(1 << 20);
                        for (size_t k = 0; p && k < 1 << 20; k += 4096)
                                p[k] = 1;
                }
        }
        _exit(0);
}

static void a_real_oom_kill_is_counted(void)
{
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        char dir[128];
        int status = 0;

        if (cgroup_init(&l, "/sys/fs/cgroup"))
                skip("no /sys/fs/cgroup");
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/memory/sexton-oom-%d", getpid());
        if (geteuid() != 0 || l.memory_fd < 0 || mkdir(dir, 0755)) {
                cgroup_done(&l);
                skip("no root, or no v1 memory hierarchy");
        }
        write_text(dir, "memory.limit_in_bytes", "16777216");
        write_text(dir, "memory.swappiness", "0");
        check_int(cgroup_watch_open(&l, dir + strlen("/sys/fs/cgroup/memory"), &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.memory_limit_bytes, 16777216);
        check_int(s.oom_kills, 0);
        pid_t child = fork();
        if (child == 0)
                outgrow(dir);
        waitpid(child, &status, 0);
        check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check_int(s.oom_kills, 1);
        check(s.memory_bytes != BOARD_UNKNOWN && s.memory_bytes <= 16777216);
        cgroup_watch_close(&w);
        for (int i = 0; i < 100 && rmdir(dir); i++)
                usleep(10000);
        check(access(dir, F_OK) != 0);
        cgroup_done(&l);
}

/* What a container sees of v1: its own group in the root's place. */
static void a_part_is_not_the_hosts(void)
{
        struct cgroup_layout l;
        struct tree t;
        char dir[128], link_to[300];

        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/memory/sexton-part-%d", getpid());
        if (geteuid() != 0 || access("/sys/fs/cgroup/memory/tasks", F_OK) || mkdir(dir, 0755))
                skip("no root, or no v1 memory hierarchy");
        tree_init(&t);
        snprintf(link_to, sizeof(link_to), "%s/memory", t.root);
        check(symlink(dir, link_to) == 0);
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 0);
        check(l.parts);
        check_int(l.memory_fd, -1);
        cgroup_done(&l);
        /* one that is whole beside it is used */
        snprintf(link_to, sizeof(link_to), "%s/pids", t.root);
        check(symlink("/sys/fs/cgroup/pids", link_to) == 0);
        check_int(cgroup_init(&l, t.root), 0);
        check_int(l.version, 1);
        check(l.parts && l.pids_fd >= 0);
        cgroup_done(&l);
        tree_done(&t);
        check(rmdir(dir) == 0);
}

/* The same of v2, where the group is what is mounted. */
static void a_part_of_the_unified_one_neither(void)
{
        struct cgroup_layout l;
        char dir[128];

        if (cgroup_init(&l, "/sys/fs/cgroup"))
                skip("no /sys/fs/cgroup");
        check(!l.parts);
        bool unified = l.unified_fd >= 0;
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/%ssexton-part-%d", l.version == 2 ? "" : "unified/",
                getpid());
        cgroup_done(&l);
        if (geteuid() != 0 || !unified || mkdir(dir, 0755))
                skip("no root, or no unified hierarchy");
        check_int(cgroup_init(&l, dir), 0);
        check_int(l.version, 0);
        check(l.parts);
        check_int(l.unified_fd, -1);
        cgroup_done(&l);
        check(rmdir(dir) == 0);
}

/* What is only on the unified side of a hybrid: CPU and pressure, without any controller. */
static void the_real_unified_side_answers(void)
{
        struct cgroup_layout l;
        struct cgroup_watch w = {0};
        struct cgroup_sample s;
        char dir[128];

        if (cgroup_init(&l, "/sys/fs/cgroup"))
                skip("no /sys/fs/cgroup");
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/unified/sexton-unified-%d", getpid());
        if (geteuid() != 0 || l.version != 3 || mkdir(dir, 0755)) {
                cgroup_done(&l);
                skip("no root, or no hybrid");
        }
        pid_t child = fork();
        if (child == 0) {
                write_text(dir, "cgroup.procs", "0");
                struct timespec t = {0};
                while (t.tv_nsec < 30000000 && t.tv_sec == 0)
                        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
                _exit(0);
        }
        waitpid(child, NULL, 0);
        check_int(cgroup_watch_open(&l, strrchr(dir, '/'), &w), 0);
        check_int(cgroup_watch_sample(&w, &s), 0);
        check(s.cpu_ns != BOARD_UNKNOWN && s.cpu_ns > 20000000 && s.cpu_ns < 1000000000);
        if (w.pressure)
                check(s.psi_cpu >= 0 && s.psi_cpu <= 1);
        cgroup_watch_close(&w);
        for (int i = 0; i < 100 && rmdir(dir); i++)
                usleep(10000);
        cgroup_done(&l);
}

static void all(void)
{
        test(v1_counters);
        test(v2_counters);
        test(hybrid_counters);
        test(half_made_group);
        test(layouts);
        test(bad_content_is_unknown);
        test(no_way_out_of_the_tree);
        test(unreaped_sums_the_tree);
        test(real_zombies_are_counted);
        test(real_counters_make_sense);
        test(a_real_oom_kill_is_counted);
        test(a_part_is_not_the_hosts);
        test(a_part_of_the_unified_one_neither);
        test(the_real_unified_side_answers);
}

int main(void)
{
        return tap_main(all);
}
