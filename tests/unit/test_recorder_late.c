/* The recorder whose history can't be opened at its start: because it is elsewhere, or because the disk does
 * not answer for longer than the recorder waits for it.
 */
#include "recorder_rig.h"

#include "base/error.h"
#include "faulty_vfs.h"
#include "store/sqlite.h"

static void move_data(const char *from, const char *to)
{
        static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm"};
        char old[100], new[100];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(old, sizeof old, "%s/%s/%s", folder, from, names[i]);
                snprintf(new, sizeof new, "%s/%s/%s", folder, to, names[i]);
                if (rename(old, new) < 0 && errno != ENOENT)
                        check_int(errno, 0);
        }
}

static uint32_t count_of(const char *text)
{
        uint32_t n = 0;

        for (const char *p = body_of; p && (p = strstr(p, text)); p++)
                n++;
        return n;
}

static void wait_for(const char *path, const char *text)
{
        bool is_there = false;

        for (int i = 0; i < 600 && !is_there; i++) {
                touch();
                check_int(ask(connect_unix, "GET", path, ""), 200);
                is_there = strstr(body_of, text);
                if (!is_there)
                        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        }
        check(is_there);
}

/* History can't be opened at the start: all goes on, and what it knows comes back when it can, once. */
static void history_comes_late(void)
{
        char away[100];

        oom_of(77);
        put_finding();
        uint64_t id = open_incident();
        stop_recorder();
        snprintf(away, sizeof away, "%s/away", folder);
        mkdir(away, 0755);
        move_data("data", "away");
        snprintf(away, sizeof away, "%s/data/history.db", folder);
        mkdir(away, 0755);
        if (pipe2(alive, O_CLOEXEC) < 0)
                return;
        start_recorder();
        oom_of(78);
        wait_for("/sexton/v1/status", "\"state\":\"memory\"");
        check(open_incident() != id);
        rmdir(away);
        move_data("away", "data");
        wait_for("/sexton/v1/status", "\"state\":\"disk\"");
        wait_for("/sexton/v1/events?kind=oom&since=1h", "\"pid\":78");
        check_int(count_of("\"pid\":77"), 1);
        check_int(count_of("\"pid\":78"), 1);
        snprintf(away, sizeof away, "{\"incidents\":[{\"id\":%llu,", (unsigned long long)id);
        wait_for("/sexton/v1/incidents?state=open", away);
        check_int(count_of("\"suspects\":"), 1);
        stop_recorder();
        snprintf(away, sizeof away, "%s/away", folder);
        rmdir(away);
}

/* The same, and the disk hangs: nothing is moved, nothing fails. */
static void history_opens_late(void)
{
        char held[100], open[100];

        oom_of(87);
        put_finding();
        uint64_t id = open_incident();
        stop_recorder();
        snprintf(held, sizeof held, "%s/held", folder);
        close(creat(held, 0644));
        faulty_use(true);
        faulty_held = held;
        if (pipe2(alive, O_CLOEXEC) < 0)
                return;
        start_recorder();
        ask(connect_unix, "GET", "/-/healthy", ""); /* it waits for the disk, and then no longer */
        wait_for("/sexton/v1/status", "the disk does not answer");
        oom_of(88);
        check(open_incident() != id);
        unlink(held);
        wait_for("/sexton/v1/status", "\"state\":\"disk\"");
        wait_for("/sexton/v1/events?kind=oom&since=1h", "\"pid\":88");
        check_int(count_of("\"pid\":87"), 1);
        check_int(count_of("\"pid\":88"), 1);
        snprintf(open, sizeof open, "{\"incidents\":[{\"id\":%llu,", (unsigned long long)id);
        wait_for("/sexton/v1/incidents?state=open", open);
        check_int(count_of("\"suspects\":"), 1);
        stop_recorder();
        faulty_use(false);
        faulty_held = NULL;
        if (pipe2(alive, O_CLOEXEC) < 0)
                return;
        start_recorder(); /* all of it is on the disk */
        wait_for("/sexton/v1/events?kind=oom&since=1h", "\"pid\":88");
        check_int(count_of("\"pid\":87"), 1);
        stop_recorder();
}

static void all(void)
{
        struct error e;

        if (!sqlite_load(&e))
                skip("no SQLite here");
        set_up();
        test(history_comes_late);
        if (pipe2(alive, O_CLOEXEC) < 0)
                abort();
        start_recorder();
        test(history_opens_late);
        tear_down();
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return tap_main(all);
}
