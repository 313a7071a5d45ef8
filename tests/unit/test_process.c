/* /proc/PID readers: hostile names, cut and forged text, a fixture tree, and this very process. */
#include "tap.h"

#include "base/file.h"
#include "base/util.h"
#include "source/proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL                                                                                                 \
        " S 1 7 8 0 -1 4194304 99 10 0 0 11 12 13 14 20 0 3 0 247291 3133440 380 18446744073709551615 1 1 "  \
        "1 "                                                                                                 \
        "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1 1 1 1 1 1 1 9\n"

static int parse(const char *text, struct proc_stat *st)
{
        return proc_parse_stat(text, strlen(text), st);
}

static void stat_fields_are_told_apart(void)
{
        struct proc_stat st;

        check_int(parse("42 (cat)" TAIL, &st), 0);
        check_int(st.pid, 42);
        check_str(st.comm, "cat");
        check_int(st.state, 'S');
        check_int(st.ppid, 1);
        check_int(st.pgrp, 7);
        check_int(st.sid, 8);
        check_int(st.flags, 4194304);
        check_int(st.waited_minor_faults, 10);
        check_int(st.utime_ticks, 11);
        check_int(st.stime_ticks, 12);
        check_int(st.cutime_ticks, 13);
        check_int(st.cstime_ticks, 14);
        check_int(st.threads, 3);
        check_int(st.start_ticks, 247291);
        check_int(st.exit_code, 9);
}

static void stat_names_are_hostile(void)
{
        struct proc_stat st;

        check_int(parse("42 (a) R 1 (b)" TAIL, &st), 0);
        check_str(st.comm, "a) R 1 (b");
        check_int(st.ppid, 1);
        check_int(parse("42 (\n) Z\n)" TAIL, &st), 0);
        check_str(st.comm, "\n) Z\n");
        check_int(parse("42 ()" TAIL, &st), 0);
        check_str(st.comm, "");
        check_int(parse("42 (kworker/u256:0-events_unbound)" TAIL, &st), 0);
        check_str(st.comm, "kworker/u256:0-");
}

static void stat_is_refused_when_it_is_none(void)
{
        const char *bad[] = {"", "42", "42 (cat", "42 cat)", ")42 (", "x (cat)" TAIL, "0 (cat)" TAIL,
                "-1 (cat)" TAIL, "99999999999 (cat)" TAIL, "42(cat)" TAIL, "42 (cat)", "42 (cat) ",
                "42 (cat) S", "42 (cat) S 1 2 3", "42 (cat) S 1 2 3 x 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0",
                "42 (cat) S 1 7 8 0 -1 4194304 99 10 0 0 11 12 13 14 20 0 3 0 99999999999999999999999"};
        struct proc_stat st = {.pid = -7};

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                check_int(parse(bad[i], &st), -EBADMSG);
                check_int(st.pid, -7);
        }
        check_int(parse("42 (cat) S 1 7 8 0 -1 4194304 99 10 0 0 11 12 13 14 20 0 3 0 247291", &st), 0);
        check_int(st.exit_code, -1);
        /* every cut of a good line is either refused or sound */
        const char *good = "42 (cat)" TAIL;
        for (size_t n = 0; n < strlen(good); n++) {
                int r = proc_parse_stat(good, n, &st);
                check(r == -EBADMSG || (r == 0 && st.pid == 42));
        }
}

static void status_is_read(void)
{
        const char *text = "Name:\tcat\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t123\nNgid:\t0\nPid:\t123\n"
                           "PPid:\t1\nTracerPid:\t77\nNSpid:\t123\t45\t6\nVmRSS:\t    1508 kB\nThreads:\t4\n"
                           "SigIgn:\t0000000000001000\nSigCgt:\t0000000000010002\n"
                           "Seccomp:\t2\nSeccomp_filters:\t7\nx86_Thread_features:\tshstk wrss\n"
                           "voluntary_ctxt_switches:\t4000000000\nnonvoluntary_ctxt_switches:\t5\n";
        struct proc_status st;

        check_int(proc_parse_status(text, strlen(text), &st), 0);
        check_int(st.tgid, 123);
        check_int(st.tracer_pid, 77);
        check_int(st.ns_pid, 6);
        check_int(st.ns_depth, 3);
        check_int(st.ns_pids[0], 123);
        check_int(st.ns_pids[2], 6);
        check_int(st.seccomp, 2);
        check(st.shadow_stack);
        check(st.has_vmrss);
        check_int(st.vmrss_bytes, 1508 * 1024);
        check_int(st.threads, 4);
        check_int(st.sigign, 0x1000);
        check_int(st.sigcgt, 0x10002);
        check_int(st.switches, 4000000005);
        check_int(proc_parse_status("", 0, &st), -EBADMSG);
        check_int(proc_parse_status("Tgid\n", 5, &st), -EBADMSG);
        check_int(proc_parse_status("Tgid:\t-4\n", 9, &st), -EBADMSG);
        check_int(proc_parse_status("Tgid:\t4", 7, &st), -EBADMSG); /* cut */
}

/* /tmp/sexton-process-PID with 42/ in it. */
static int fixture(char dir[64])
{
        char path[96];

        snprintf(dir, 64, "/tmp/sexton-process-%d", getpid());
        mkdir(dir, 0755);
        snprintf(path, sizeof(path), "%s/42", dir);
        mkdir(path, 0755);
        return file_open_root(dir);
}

static void put(const char *dir, const char *name, const char *text, size_t len)
{
        char path[160];

        snprintf(path, sizeof(path), "%s/42/%s", dir, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        check_int(write(fd, text, len), len);
        close(fd);
}

static void long_groups_hide_nothing(void)
{
        static char text[400000];
        char dir[64], path[128];
        struct proc_status st;
        int fd = fixture(dir), n = snprintf(text, sizeof(text), "Name:\tx\nTgid:\t42\nGroups:\t");

        for (int i = 0; i < 50000; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "%d ", i);
        n += snprintf(text + n, sizeof(text) - (size_t)n, "\nNSpid:\t42\t1\nThreads:\t2\n");
        put(dir, "status", text, (size_t)n);
        check_int(proc_read_status(fd, 42, &st), 0);
        check_int(st.ns_pid, 1);
        check_int(st.threads, 2);
        check_int(st.has_vmrss, 0);

        char buf[64];
        uint64_t ns;
        put(dir, "cgroup", "0::/x\n", 6);
        put(dir, "schedstat", "12345 6 7\n", 10);
        check_int(proc_read_cgroup(fd, 42, buf, sizeof(buf)), 0);
        check_str(buf, "0::/x\n");
        check_int(proc_read_cgroup(fd, 42, buf, 6), -ENOBUFS);
        check_int(proc_read_schedstat(fd, 42, &ns), 0);
        check_int(ns, 12345);
        put(dir, "schedstat", "", 0);
        check_int(proc_read_schedstat(fd, 42, &ns), -EBADMSG);
        check_int(proc_read_schedstat(fd, 43, &ns), -ENOENT);
        check_int(proc_read_schedstat(fd, -1, &ns), -ESRCH);
        close(fd);
        const char *files[] = {"status", "cgroup", "schedstat", ""};
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                snprintf(path, sizeof(path), "%s/42/%s", dir, files[i]);
                remove(path);
        }
        rmdir(dir);
}

static int look_for(void *ctx, int32_t pid)
{
        int32_t *wanted = ctx;

        if (pid == *wanted)
                *wanted = -pid;
        return 0;
}

static int stop(void *ctx, int32_t pid)
{
        return 77;
}

static void the_real_proc_agrees(void)
{
        cleanup_close int proc = file_open_root("/proc");
        struct proc_stat st;
        struct proc_status status;
        uint64_t ns;
        int32_t me = getpid();
        char buf[4096], path[64];

        check_int(prctl(PR_SET_NAME, "a) Z 1 (\n"), 0);
        check_int(proc_read_stat(proc, me, &st), 0);
        check_int(st.pid, me);
        check_int(st.ppid, getppid());
        check_int(st.sid, getsid(0));
        check_int(st.pgrp, getpgrp());
        check_int(st.threads, 1);
        check_int(st.state, 'R');
        check_str(st.comm, "a) Z 1 (\n");
        check_int(proc_read_status(proc, me, &status), 0);
        check_int(status.tgid, me);
        check_int(status.threads, 1);
        check(status.has_vmrss && status.vmrss_bytes > 100000);
        check(status.ns_depth >= 1 && status.ns_pid == me);
        check_int(proc_read_cgroup(proc, me, buf, sizeof(buf)), 0);
        check(strchr(buf, ':') != NULL);
        snprintf(path, sizeof(path), "/proc/%d/schedstat", me);
        if (!access(path, R_OK)) {
                check_int(proc_read_schedstat(proc, me, &ns), 0);
                check(ns > 0);
        }
        check_int(proc_list(proc, look_for, &me), 0);
        check_int(me, -getpid());
        check_int(proc_list(proc, stop, NULL), 77);
        check_int(proc_read_stat(proc, 0x7ffffffe, &st), -ENOENT);
}

static void a_zombie_is_read(void)
{
        cleanup_close int proc = file_open_root("/proc");
        struct proc_stat st;
        struct proc_status status;
        siginfo_t info;
        pid_t child = fork();

        if (child == 0)
                _exit(3);
        check_int(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
        check_int(proc_read_stat(proc, child, &st), 0);
        check_int(st.state, 'Z');
        check_int(st.ppid, getpid());
        check_int(st.exit_code, 3 << 8);
        check_int(proc_read_status(proc, child, &status), 0);
        check(!status.has_vmrss);
        check_int(status.threads, 1);
        waitpid(child, NULL, 0);
        int r = proc_read_stat(proc, child, &st);
        check(r == -ENOENT || r == -ESRCH);
}

static void ticks(void)
{
        check_int(proc_ticks_to_ns(0), 0);
        check_int(proc_ticks_to_ns(100), (uint64_t)100 * 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
        check(proc_ticks_to_ns(UINT64_MAX) == UINT64_MAX);
}

static void all(void)
{
        test(stat_fields_are_told_apart);
        test(stat_names_are_hostile);
        test(stat_is_refused_when_it_is_none);
        test(status_is_read);
        test(long_groups_hide_nothing);
        test(the_real_proc_agrees);
        test(a_zombie_is_read);
        test(ticks);
}

int main(void)
{
        return tap_main(all);
}
