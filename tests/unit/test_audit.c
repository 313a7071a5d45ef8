/* The audit: a ledger that lacks a zombie or has one too many is found wrong by the kernel's count, at least
 * every ten seconds, put right, and the correction told as a gap; with BPF's task iterator and without. The
 * dead are real, because the kernel is asked whether they are.
 */
#include "guard_lab.h"

#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST = 10 }; /* seconds in which a mistake must be found */

static int32_t pidfds[BOARD_PROCESSES];
static uint64_t now, due, wrong_ns; /* since when the ledger is wrong */
static pid_t dead;

static void begin(bool iterator)
{
        tree_init(&lab_tree);
        now = due = 100 * S;
        lab_stat(0, 0);
        lab_put_process(500, 50 * S, 0);
        lab_begin(now);
        lab_wanted = BPF_TASK_ZOMBIES;
        g->pidfd = pidfds;
        g->deaths_epoll = -1;
        g->world.announced = NULL;
        b->host.tasks = 2;
        b->sources.bpf = b->sources.bpf_iterator = iterator;
        if (!iterator)
                g->bpf = NULL;
        world_born(&g->world, 500, 0, 50 * S, 50 * S);
}

/* What the kernel counts. */
static void tasks(int n)
{
        char text[64];

        snprintf(text, sizeof text, "0.00 0.00 0.00 1/%d 77\n", n);
        tree_put(&lab_tree, "proc/loadavg", text);
}

/* Time goes by and audits with it, as the guard's clock has them. */
static void pass(int seconds)
{
        while (seconds--) {
                now += S;
                if (now >= due)
                        due = now + guard_audit(g, now);
        }
}

/* A child that has ended, and is in /proc and in the iterator's list. */
static void put_dead(void)
{
        char name[64], text[200];
        siginfo_t info;

        wrong_ns = now;
        dead = fork();
        if (dead == 0)
                _exit(3);
        check_int(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT), 0);
        snprintf(name, sizeof name, "proc/%d/stat", dead);
        snprintf(text, sizeof text, "%d (lost) Z 500 500 500 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 6000 0 0\n",
                dead);
        tree_put(&lab_tree, name, text);
        lab_put_task(dead, 60 * S, 0);
        lab_task[lab_tasks - 1].state = 'Z';
        tasks(2);
}

static void bury(void)
{
        char path[160];

        wrong_ns = now;
        check_int(waitpid(dead, NULL, 0), dead);
        lab_tasks = 0;
        snprintf(path, sizeof path, "%s/proc/%d/stat", lab_tree.root, dead);
        unlink(path);
        snprintf(path, sizeof path, "%s/proc/%d", lab_tree.root, dead);
        rmdir(path);
        tasks(1);
}

static void check_gap(uint64_t number, const char *text)
{
        const struct gap *gap = &b->gap[(b->gap_total - 1) % BOARD_GAPS];

        check_int(b->gap_total, number);
        check_int(b->self.audit_corrections, number);
        check_int(lab_told[EVENT_GAP], number);
        check_str(gap->source, "audit");
        check_int(gap->missed, 1);
        check_str(gap->text, text);
        check(gap->from_ns <= wrong_ns && gap->from_ns + LONGEST * S > wrong_ns); /* when it was last right */
        check(gap->to_ns > wrong_ns && gap->to_ns <= wrong_ns + LONGEST * S);
}

static void found_and_put_right(const char *missing, const char *stale)
{
        tasks(1);
        pass(100);
        check_int(b->gap_total, 0); /* nothing is wrong */
        put_dead();
        pass(LONGEST);
        check_int(b->zombies, 1);
        check_gap(1, missing);
        pass(100);
        check_gap(1, missing); /* once */
        bury();
        pass(LONGEST);
        check_int(b->zombies, 0);
        check_gap(2, stale);
        pass(100);
        check_gap(2, stale);
        lab_end();
}

static void with_the_iterator(void)
{
        begin(true);
        found_and_put_right("audit: 1 zombies were missing from the ledger",
                "audit: 1 entries of the ledger were already buried");
}

static void by_counts(void)
{
        begin(false);
        found_and_put_right("audit: 1 zombies differed from the kernel's count",
                "audit: 1 zombies differed from the kernel's count");
}

/* Threads that nobody told of: /proc is walked once, and then only when the difference changes. */
static void what_a_scan_does_not_explain_is_let_be(void)
{
        begin(false);
        tasks(3);
        pass(200);
        check_int(b->self.scans, 1);
        check_int(b->gap_total, 0);
        put_dead();
        tasks(4);
        pass(LONGEST);
        check_int(b->zombies, 1);
        check_gap(1, "audit: 1 zombies differed from the kernel's count");
        bury();
        lab_end();
}

static void a_moments_difference_is_none(void)
{
        begin(true);
        tasks(1);
        pass(100);
        for (int i = 0; i < 20; i++) { /* births and deaths, told a moment later */
                tasks(3);
                pass(1);
                tasks(1);
                pass(4);
        }
        check_int(b->gap_total, 0);
        check_int(b->zombies, 0);
        lab_end();
}

static void all(void)
{
        test(with_the_iterator);
        test(by_counts);
        test(what_a_scan_does_not_explain_is_let_be);
        test(a_moments_difference_is_none);
}

int main(void)
{
        return tap_main(all);
}
