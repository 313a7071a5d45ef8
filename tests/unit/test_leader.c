/* A main thread that ends before the others: a leader, and no zombie until the last of them is gone. With no
 * pidfd to tell of that moment the guard looks again for as long as a thread that has ended is still there.
 */
#include "guard_lab.h"

#include <signal.h>
#include <sys/wait.h>

static pid_t child; /* there must be a process with the pid */

static void put_stat(char state, unsigned threads)
{
        char name[64], text[300];

        snprintf(name, sizeof name, "proc/%d/stat", child);
        snprintf(text, sizeof text,
                "%d (worker) %c 1 %d %d 0 -1 %u 0 0 0 0 0 0 0 0 20 0 %u 0 5000"
                " 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                child, state, child, child, 0u, threads);
        tree_put(&lab_tree, name, text);
}

static void thread(int32_t tid, bool there)
{
        char name[64];

        snprintf(name, sizeof name, "proc/%d/task/%d/", child, tid);
        tree_put(&lab_tree, name, "");
        if (!there) {
                char path[128];
                snprintf(path, sizeof path, "%s/%s", lab_tree.root, name);
                check_int(rmdir(path), 0);
        }
}

static void told(enum life_type type, int32_t tid, enum life_others others)
{
        lab_life[lab_lives++] = (struct life_event){.type = type,
                .pid = child,
                .tid = tid,
                .ppid = 1,
                .others = others,
                .time_ns = 60 * S,
                .start_ns = 50 * S};
}

static const struct process *the_process(void)
{
        return &b->process[world_find(&g->world, child)];
}

/* Alive with one thread more, and then its main thread ends. */
static void begin(void)
{
        tree_init(&lab_tree);
        lab_stat(0, 0);
        lab_begin(100 * S);
        g->pidfd = lab_map(BOARD_PROCESSES * sizeof *g->pidfd);
        child = fork();
        if (child < 0)
                abort();
        if (!child)
                for (;;)
                        pause();
        told(LIFE_FORK, child, LIFE_OTHERS_UNKNOWN);
        told(LIFE_THREAD, child + 1, LIFE_OTHERS_UNKNOWN);
        told(LIFE_EXIT, child, LIFE_OTHERS_LIVE);
        put_stat('Z', 2);
        thread(child + 1, true);
        guard_drain(g, 101 * S);
        check_int(the_process()->state, PROCESS_LEADER);
        check_int(g->candidates, 0); /* nothing to look at before another thread ends */
}

static void end(void)
{
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        munmap(g->pidfd, BOARD_PROCESSES * sizeof *g->pidfd);
        lab_end();
}

static void the_last_thread_takes_its_time(void)
{
        begin();
        told(LIFE_EXIT, child + 1, LIFE_OTHERS_NONE);
        guard_drain(g, 102 * S);
        check_int(the_process()->state, PROCESS_LEADER);
        check_int(g->candidates, 1);
        check(g->drain_timer.due_ns); /* soon, by itself */
        guard_drain(g, 103 * S);
        check_int(g->candidates, 1);
        put_stat('Z', 1);
        thread(child + 1, false);
        guard_drain(g, 104 * S);
        check_int(the_process()->state, PROCESS_ZOMBIE);
        check_int(g->candidates, 0);
        end();
}

static void others_live_on(void)
{
        begin();
        told(LIFE_EXIT, child + 1, LIFE_OTHERS_UNKNOWN); /* as the connector says it */
        thread(child + 1, false);
        guard_drain(g, 102 * S);
        check_int(the_process()->state, PROCESS_LEADER);
        check_int(g->candidates, 0);
        end();
}

static void all(void)
{
        test(the_last_thread_takes_its_time);
        test(others_live_on);
}

int main(void)
{
        return tap_main(all);
}
