/* What the world tells of deaths: together, however many kinds and services there are. */
#include "world_lab.h"

static void deaths_are_told_together(void)
{
        begin();
        w->exact_cpu = true;
        uint32_t a = root_in("/system.slice/a.service", 10);
        for (int32_t k = 0; k < 50; k++) {
                born(11 + k, 10, 101 * S);
                freed(11 + k, 101 * S, MS, 102 * S);
        }
        world_deaths_flush(w);
        check_int(told[EVENT_EXIT], 1);
        check_int(last.count, 50);
        check_int(last.cpu_ns, 50 * MS);
        check_int(last.exit_status, 256);
        check_int(b->service[b->process[a].service].respawns.total, 49);
        w->exact_cpu = false;
        world_buried(w, born(99, 10, 103 * S), 104 * S);
        world_deaths_flush(w);
        check_int(last.exit_status, -1);
        check_int(b->service[b->process[a].service].deaths_signalled, 0);
        end();
}

static void die_as(int32_t pid, int32_t parent, const char *comm)
{
        uint32_t p = born(pid, parent, 101 * S);

        world_set_comm(w, p, comm);
        world_buried(w, p, 102 * S);
}

/* However many kinds there are: none is lost, and the lines of a second are bounded. */
static void many_kinds_of_deaths(void)
{
        enum { KINDS = 5000 };
        char comm[LIFE_COMM_SIZE];

        begin();
        root_in("/system.slice/a.service", 10);
        root_in("/system.slice/b.service", 20);
        for (int32_t k = 0; k < KINDS; k++) {
                snprintf(comm, sizeof comm, "job-%d", k);
                die_as(1000 + k, k % 2 ? 10 : 20, comm);
        }
        die_as(1000, 10, "job-1"); /* one that has a line of its own */
        check_int(told[EVENT_EXIT], 0);
        world_deaths_flush(w);
        check_int(told[EVENT_EXIT], WORLD_DEATHS_APART + 2);
        check_int(counted[EVENT_EXIT], KINDS + 1);
        check_str(last.comm, "(various)");
        check_int(last.count, (KINDS - WORLD_DEATHS_APART) / 2);
        check_str(last.service, "a.service");
        /* the next second begins anew */
        die_as(1000, 10, "job-4000");
        world_deaths_flush(w);
        check_str(last.comm, "job-4000");
        check_int(counted[EVENT_EXIT], KINDS + 2);
        end();
}

static void full_table_of_deaths(void)
{
        enum { SERVICES = WORLD_DEATHS + 100 };
        char path[60], comm[LIFE_COMM_SIZE];

        begin();
        for (int32_t k = 0; k < SERVICES; k++) {
                snprintf(path, sizeof path, "/system.slice/s%d.service", k);
                snprintf(comm, sizeof comm, "job-%d", k);
                root_in(path, 100 + k);
                die_as(5000 + k, 100 + k, comm);
        }
        world_deaths_flush(w);
        check_int(told[EVENT_EXIT], SERVICES);
        check_int(counted[EVENT_EXIT], SERVICES);
        end();
}

static void all(void)
{
        test(deaths_are_told_together);
        test(many_kinds_of_deaths);
        test(full_table_of_deaths);
}

int main(void)
{
        return tap_main(all);
}
