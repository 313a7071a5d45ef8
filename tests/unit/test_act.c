/* Actions on control groups of both versions: taken, kept, undone exactly; guards that die, groups that are
 * made anew, people who set something else.
 */
#include "act_lab.h"

static const char SHOP[] = "/shop";

/* ---- the values ---- */

static void each_value_and_back(void)
{
        static const struct {
                uint8_t kind;
                double value;
                enum lab_file file;
                const char *v1, *v2;
        } want[] = {
                {ACTION_WEIGHT, 10, LAB_WEIGHT, "102", "10"},
                {ACTION_QUOTA, 0.5, LAB_QUOTA, "50000", "50000 100000"},
                {ACTION_MEMORY, 200 << 20, LAB_MEMORY, "209715200", "209715200"},
                {ACTION_PIDS, 20, LAB_PIDS, "20", "20"},
                {ACTION_PIDS, NAN, LAB_PIDS, "7", "7"},
                {ACTION_FREEZE, NAN, LAB_FREEZE, "FROZEN", "1"},
                {ACTION_HOLD, NAN, LAB_FREEZE, "FROZEN", "1"},
        };
        char before[64];

        for (int v2 = 0; v2 < 2; v2++) {
                lab_begin(v2);
                uint16_t s = lab_service(SHOP, LAB_PID, "worker");
                for (size_t k = 0; k < ARRAY_SIZE(want); k++) {
                        snprintf(before, sizeof before, "%s", lab_read(SHOP, want[k].file));
                        int id = lab_do_value(want[k].kind, s, want[k].value);
                        check(id > 0);
                        check_str(lab_read(SHOP, want[k].file), v2 ? want[k].v2 : want[k].v1);
                        check_int(lab_state(id), ACTION_ACTIVE);
                        check_int(act_undo(a, (uint32_t)id, "asked for", lab_now, &e), 0);
                        check_str(lab_read(SHOP, want[k].file), before);
                        check_int(lab_state(id), ACTION_UNDONE);
                        check_int(lab_written_down(), 0);
                }
                check_int(lab_told, 2 * ARRAY_SIZE(want));
                lab_end();
        }
}

/* Never so low that the write would have to wait for memory, or kill. */
static void memory_leaves_what_is_used(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        check(lab_do_value(ACTION_MEMORY, s, 1 << 20) > 0);
        check(atof(lab_read(SHOP, LAB_MEMORY)) >= 104857600);
        lab_end();
        lab_begin(true);
        s = lab_service(SHOP, LAB_PID, "worker");
        check(lab_do_value(ACTION_MEMORY, s, 1 << 20) > 0);
        check(atof(lab_read(SHOP, LAB_MEMORY)) >= 0.89 * 104857600);
        lab_end();
}

static void only_ever_tighter(void)
{
        lab_begin(true);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        lab_put(SHOP, LAB_WEIGHT, "5\n");
        lab_put(SHOP, LAB_QUOTA, "20000 100000\n");
        lab_put(SHOP, LAB_MEMORY, "1000000\n");
        lab_put(SHOP, LAB_PIDS, "3\n");
        check_int(lab_do(ACTION_WEIGHT, s), -EALREADY);
        check_int(lab_do_value(ACTION_QUOTA, s, 0.3), -EALREADY);
        check_int(lab_do(ACTION_MEMORY, s), -EALREADY);
        check_int(lab_do(ACTION_PIDS, s), -EALREADY);
        check_str(lab_read(SHOP, LAB_QUOTA), "20000 100000");
        lab_end();
}

static void without_the_controller(void)
{
        lab_begin(true);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        char path[400];
        snprintf(path, sizeof path, "%s/cg/shop/cpu.max", lab_tree.root);
        check_int(unlink(path), 0);
        check_int(lab_do(ACTION_QUOTA, s), -ENOTSUP);
        check(strstr(e.text, "not enabled"));
        lab_end();
}

/* Where nothing lives any more a frozen group would keep its runtime from clearing it away. */
static void a_deserted_group_is_not_kept_frozen(void)
{
        for (int v2 = 0; v2 < 2; v2++) {
                lab_begin(v2);
                uint16_t s = lab_service(SHOP, LAB_PID, "worker");
                lab_stat(LAB_PID, 'R', 4, 1); /* it began to die before it was frozen */
                check_int(lab_do(ACTION_FREEZE, s), -ESRCH);
                check(strstr(e.text, "nothing of it lives"));
                check_str(lab_read(SHOP, LAB_FREEZE), v2 ? "0" : "THAWED");
                check_int(lab_written_down(), 0);
                lab_stat(LAB_PID, 'S', 0, 1);
                int id = lab_do(ACTION_HOLD, s);
                check(id > 0);
                lab_pass(2 * NSEC_PER_SEC);
                check_int(lab_state(id), ACTION_ACTIVE);
                lab_stat(LAB_PID, 'Z', 4, 3); /* its first thread has ended, and it goes on */
                lab_pass(2 * NSEC_PER_SEC);
                check_int(lab_state(id), ACTION_ACTIVE);
                lab_stat(LAB_PID, 'Z', 4, 1); /* killed in spite of it, as on v2 */
                a->due_ns = 0;
                act_group_emptied(a);
                check_int(a->due_ns, 1);
                act_tick(a, lab_now);
                check_int(lab_state(id), ACTION_UNDONE);
                check_str(lab_read(SHOP, LAB_FREEZE), v2 ? "0" : "THAWED");
                check_int(lab_written_down(), 0);
                a->due_ns = 0;
                act_group_emptied(a); /* nobody is still */
                check_int(a->due_ns, 0);
                lab_end();
        }
}

/* On v1 each controller has its own tree; one in which the service is in the root is no group of its own. */
static void without_a_group_of_its_own(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        tree_put(&lab_tree, "proc/5000000/cgroup", "4:cpu,cpuacct:/\n3:memory:/shop\n1:freezer:/shop\n");
        check_int(lab_do(ACTION_QUOTA, s), -ENOTSUP);
        check(strstr(e.text, "cpu"));
        check(lab_do(ACTION_FREEZE, s) > 0);
        lab_process(SHOP, LAB_PID + 1, "other"); /* the first is only on its way, then */
        check(lab_do(ACTION_QUOTA, s) > 0);
        tree_put(&lab_tree, "proc/5000001/cgroup", "4:cpu,cpuacct:/\n3:memory:/shop\n1:freezer:/shop\n");
        check_int(lab_do_value(ACTION_QUOTA, s, 0.3), -ENOTSUP);
        lab_stat(LAB_PID + 1, 'Z', 4, 1);
        lab_stat(LAB_PID, 'Z', 4, 1); /* it died just now, and has left its groups by that */
        check_int(lab_do(ACTION_QUOTA, s), -ESRCH);
        lab_end();
}

static void dry_run_changes_nothing(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        struct act_order o = lab_order(ACTION_FREEZE, s);
        uint32_t id = 0;
        o.dry_run = true;
        check_int(act_take(a, &o, lab_now, &id, &e), 0);
        check_int(lab_state((int)id), ACTION_WOULD);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check_int(lab_told, 1);
        check(strstr(lab_last.text, "would be done"));
        check_int(act_undo(a, id, "asked for", lab_now, &e), -EALREADY);
        check(strstr(e.text, "has ended: would"));
        check_int(act_undo(a, id + 1, "asked for", lab_now, &e), -ENOENT);
        lab_end();
}

static int dry(uint8_t kind, uint16_t service, double value)
{
        struct act_order o = lab_order(kind, service);
        uint32_t id = 77;

        o.dry_run = o.by_person = true;
        o.value = value;
        e = (struct error){0};
        int r = act_take(a, &o, lab_now, &id, &e);
        check_int(id, r < 0 ? 77 : 0);
        return r;
}

/* It says what would be changed, from what to what, and neither a row nor an event tells of it. */
static void persons_dry_runs_leave_no_trace(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        uint32_t rows = b->action_top;

        check_int(dry(ACTION_FREEZE, s, NAN), 0);
        check_str(
                a->said, "would be done for 10m00s (freezer.state from THAWED to FROZEN in 1 control group)");
        check_int(dry(ACTION_QUOTA, s, 0.25), 0);
        check_str(
                a->said, "would be done for 10m00s (cpu.cfs_quota_us from none to 25000 in 1 control group)");
        check_int(dry(ACTION_MEMORY, s, NAN), 0);
        check(strstr(a->said, "memory.limit_in_bytes from none to "));
        check_int(dry(ACTION_STOP, s, NAN), 0);
        check_str(a->said, "would be done (ends its 1 process by signals)");
        check_int(dry(ACTION_BURY, s, NAN), -ENOTSUP); /* nobody buries in this lab */
        check_int(dry(ACTION_RESTART, s, NAN), -ENOTSUP);
        b->service[s].protect = true;
        check_int(dry(ACTION_FREEZE, s, NAN), -EPERM);
        b->service[s].protect = false;
        check_int(b->action_top, rows);
        check_int(lab_told, 0);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");

        int id = lab_do_value(ACTION_QUOTA, s, 0.25);
        check_int(dry(ACTION_QUOTA, s, 0.25), 0);
        check(strstr(a->said, "it stands already"));
        check_int(dry(ACTION_QUOTA, s, 0.5), 0);
        check(strstr(a->said, "in place of the 0.25 cores"));
        check_str(lab_read(SHOP, LAB_QUOTA), "25000");
        check_int(act_undo(a, (uint32_t)id, NULL, lab_now, &e), 0);
        check_int(act_release(a, s, false, NULL, lab_now), 1);
        check_int(lab_state(id), ACTION_ACTIVE);
        lab_end();
}

static uint64_t counted(uint8_t kind, uint8_t state, const char *service)
{
        for (int k = 0; k < ACTION_COUNTS; k++) {
                const struct action_count *c = &b->action_count[k];
                if (c->count && c->kind == kind && c->state == state && !strcmp(c->service_name, service))
                        return c->count;
        }
        return 0;
}

static void counted_by_what_became_of_them(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");

        for (int k = 0; k < 3; k++) {
                check(lab_do(ACTION_FREEZE, s) > 0);
                check(lab_do(ACTION_FREEZE, s) > 0); /* prolonged: that is no other one */
                act_release(a, s, false, "over", lab_now);
        }
        check_int(dry(ACTION_FREEZE, s, NAN), 0);
        struct act_order o = lab_order(ACTION_FREEZE, s);
        uint32_t id;
        o.dry_run = true;
        check_int(act_take(a, &o, lab_now, &id, &e), 0);
        b->service[s].protect = true;
        check_int(lab_do(ACTION_STOP, s), -EPERM);
        check_int(counted(ACTION_FREEZE, ACTION_ACTIVE, SHOP), 3);
        check_int(counted(ACTION_FREEZE, ACTION_UNDONE, SHOP), 3);
        check_int(counted(ACTION_FREEZE, ACTION_WOULD, SHOP), 1);
        check_int(counted(ACTION_STOP, ACTION_REFUSED, SHOP), 1);
        /* more services than there is room for */
        for (int k = 0; k < ACTION_COUNTS; k++) {
                struct action row = {.kind = ACTION_STOP};
                snprintf(row.service_name, sizeof row.service_name, "s%d", k);
                row_count(a, &row, ACTION_DONE);
        }
        check_int(counted(ACTION_STOP, ACTION_DONE, "s0"), 1);
        check_int(counted(ACTION_STOP, ACTION_DONE, "s500"), 0);
        check_int(counted(ACTION_STOP, ACTION_DONE, "(other)"), ACTION_COUNTS_OTHER + 4);
        lab_guard(); /* a guard that is started again goes on counting */
        check_int(counted(ACTION_FREEZE, ACTION_ACTIVE, SHOP), 3);
        lab_end();
}

static void thawed_alone(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int quota = lab_do(ACTION_QUOTA, s), freeze = lab_do(ACTION_FREEZE, s);

        check(strstr(a->said, "done for 10m00s (freezer.state"));
        check(lab_do(ACTION_FREEZE, s) == freeze);
        check_str(a->said, "it is frozen already, for 10m00s");
        check_int(act_release(a, s, true, "asked for by root", lab_now), 1);
        check_int(lab_state(freeze), ACTION_UNDONE);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check_int(lab_state(quota), ACTION_ACTIVE);
        check_int(act_release(a, s, true, "asked for by root", lab_now), 0);
        lab_end();
}

/* ---- while it stands ---- */

static void ends_by_itself(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        struct act_order o = lab_order(ACTION_FREEZE, s);
        uint32_t id;
        o.ttl_ns = 60 * S;
        check_int(act_take(a, &o, lab_now, &id, &e), 0);
        lab_pass(59 * S);
        check_str(lab_read(SHOP, LAB_FREEZE), "FROZEN");
        check_int(act_take(a, &o, lab_now, &id, &e), 0); /* once more: goes on */
        check_int(act_standing(a, s, ACTION_FREEZE), id);
        lab_pass(59 * S);
        check_str(lab_read(SHOP, LAB_FREEZE), "FROZEN");
        lab_pass(2 * S);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check(strstr(lab_last.text, "its time is over"));
        lab_end();
}

static void put_back_and_given_up(void)
{
        lab_begin(true);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int id = lab_do_value(ACTION_QUOTA, s, 0.5);
        for (int k = 0; k < ACT_REVERTS; k++) {
                lab_put(SHOP, LAB_QUOTA, "max 100000\n"); /* systemctl daemon-reload */
                lab_pass(S);
                check_str(lab_read(SHOP, LAB_QUOTA), "50000 100000");
                check_int(act_find(a, (uint32_t)id)->reasserted, k + 1);
        }
        lab_put(SHOP, LAB_QUOTA, "max 100000\n");
        lab_pass(S);
        check_str(lab_read(SHOP, LAB_QUOTA), "max 100000");
        check_int(lab_state(id), ACTION_UNDONE);
        check(strstr(lab_last.text, "again and again"));
        lab_end();
}

static void what_a_person_sets_stays(void)
{
        lab_begin(true);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int id = lab_do_value(ACTION_QUOTA, s, 0.5);
        lab_put(SHOP, LAB_QUOTA, "150000 100000\n");
        lab_pass(S);
        check_str(lab_read(SHOP, LAB_QUOTA), "150000 100000");
        check_int(lab_state(id), ACTION_UNDONE);
        check(strstr(lab_last.text, "which stays"));
        id = lab_do_value(ACTION_QUOTA, s, 0.5);
        lab_put(SHOP, LAB_QUOTA, "70000 100000\n");
        check_int(act_undo(a, (uint32_t)id, "asked for", lab_now, &e), 0); /* before any look at it */
        check_str(lab_read(SHOP, LAB_QUOTA), "70000 100000");
        lab_end();
}

static uint16_t a_container(char group[100], int32_t pid)
{
        struct container c = {.state = CONTAINER_RUNNING, .init_pid = pid};

        snprintf(group, 100, "/docker/%064d", 7);
        snprintf(c.id, sizeof c.id, "%064d", 7);
        snprintf(c.name, sizeof c.name, "web");
        lab_service(group, pid, "web");
        world_container(w, &c, lab_now);
        return b->process[world_find(w, pid)].service;
}

static void paused_by_a_person(void)
{
        char group[100];

        lab_begin(false);
        uint16_t s = a_container(group, LAB_PID);
        lab_put(group, LAB_FREEZE, "FROZEN\n");
        check_int(lab_do(ACTION_FREEZE, s), -EALREADY);
        lab_put(group, LAB_FREEZE, "THAWED\n");
        int id = lab_do(ACTION_FREEZE, s);
        b->container[1].state = CONTAINER_PAUSED; /* docker pause, while ours stands */
        check_int(act_undo(a, (uint32_t)id, "asked for", lab_now, &e), 0);
        check_str(lab_read(group, LAB_FREEZE), "FROZEN");
        check_int(lab_written_down(), 0);
        lab_end();
}

/* A container's next life has a group of its own: limits go with the service, a freeze does not. */
static void a_group_made_anew(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int frozen = lab_do(ACTION_FREEZE, s), limited = lab_do_value(ACTION_QUOTA, s, 0.5);
        check(frozen > 0 && limited > 0);
        uint32_t old = world_find(w, LAB_PID);
        lab_group_gone(SHOP);
        world_buried(w, old, lab_now);
        lab_group("/keeps-the-inode"); /* so that the folder made anew has another one */
        lab_service(SHOP, LAB_PID + 1, "worker");
        act_group_seen(a);
        check(a->due_ns && a->due_ns <= lab_now);
        lab_pass(S);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check_int(lab_state(frozen), ACTION_UNDONE);
        check_str(lab_read(SHOP, LAB_QUOTA), "50000");
        check_int(lab_state(limited), ACTION_ACTIVE);
        act_stop_all(a, "the test ends", lab_now);
        check_str(lab_read(SHOP, LAB_QUOTA), "-1");
        lab_end();
}

static void no_more_than_so_many_a_minute(void)
{
        char group[32];

        lab_begin(false);
        lab_config.actions.max_per_minute = 3;
        for (int k = 0; k < 5; k++) {
                snprintf(group, sizeof group, "/s%d", k);
                int r = lab_do(ACTION_FREEZE, lab_service(group, LAB_PID + k, "worker"));
                check_int(r > 0, k < 3);
                if (r < 0)
                        check_int(r, -EAGAIN);
        }
        struct act_order o = lab_order(ACTION_FREEZE, lab_service("/s9", LAB_PID + 9, "worker"));
        uint32_t id;
        o.by_person = true;
        check_int(act_take(a, &o, lab_now, &id, &e), 0);
        lab_pass(61 * S);
        check(lab_do(ACTION_FREEZE, b->process[world_find(w, LAB_PID + 4)].service) > 0);
        lab_end();
}

static void rows_run_out(void)
{
        char group[32];
        int r = 0, n = 0;

        lab_begin(true);
        for (; n < 2 * BOARD_ACTIONS && r >= 0; n++) {
                snprintf(group, sizeof group, "/s%d", n);
                struct act_order o = lab_order(ACTION_FREEZE, lab_service(group, LAB_PID + n, "worker"));
                uint32_t id;
                o.by_person = true;
                r = act_take(a, &o, lab_now, &id, &e);
        }
        check_int(r, -ENOSPC);
        check_int(n, BOARD_ACTIONS); /* the last of them failed; row 0 is unused */
        check_str(lab_read(group, LAB_FREEZE), "0");
        act_stop_all(a, "the test ends", lab_now);
        check_int(lab_written_down(), 0);
        check_str(lab_read("/s0", LAB_FREEZE), "0");
        lab_pass(61 * S);
        check(lab_do(ACTION_FREEZE, 5) > 0); /* those that ended give way */
        lab_end();
}

/* ---- guards that die ---- */

static void a_new_guard_goes_on(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int id = lab_do(ACTION_FREEZE, s);
        lab_guard(); /* killed, and started again */
        lab_process(SHOP, LAB_PID, "worker");
        act_adopt(a, lab_now);
        check_int(lab_state(id), ACTION_ACTIVE);
        lab_pass(S);
        check_str(lab_read(SHOP, LAB_FREEZE), "FROZEN");
        int next = lab_do(ACTION_QUOTA, b->process[world_find(w, LAB_PID)].service);
        check(next > id);
        check_int(act_undo(a, (uint32_t)id, "asked for", lab_now, &e), 0);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        lab_end();
}

/* Killed between the journal and the board, on either side. */
static void a_guard_killed_half_way(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int id = lab_do(ACTION_FREEZE, s);
        memset(&b->action[1], 0xff, sizeof b->action[1]); /* torn */
        lab_guard();
        act_adopt(a, lab_now);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check_int(lab_written_down(), 0);
        check_int(lab_state(id), ACTION_FREE);

        lab_process(SHOP, LAB_PID, "worker");
        id = lab_do(ACTION_FREEZE, b->process[world_find(w, LAB_PID)].service);
        for (int k = 0; k < JOURNAL_CHANGES; k++)
                journal_remove(lab_journal, k);
        lab_guard();
        act_adopt(a, lab_now);
        check_int(lab_state(id), ACTION_UNDONE);
        lab_end();
}

static void half_an_entry_is_none(void)
{
        struct journal_change c;

        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        check(lab_do(ACTION_FREEZE, s) > 0);
        lab_journal->change[0].before[0] ^= 1;
        check_int(journal_get(lab_journal, 0, &c), JOURNAL_FREE);
        lab_journal->change[0].before[0] ^= 1;
        check_int(journal_get(lab_journal, 0, &c), JOURNAL_STANDS);
        act_stop_all(a, "the test ends", lab_now);
        lab_end();
}

static int told_how;

static void told(const struct journal_change *c, int how)
{
        told_how = how;
}

/* The guard is stopped; the dead-man undoes; the guard goes on. */
static void the_dead_man(void)
{
        lab_begin(false);
        uint16_t s = lab_service(SHOP, LAB_PID, "worker");
        int id = lab_do(ACTION_FREEZE, s);
        check_int(journal_undo_all(lab_journal, &lab_layout, true, told), 0);
        check_int(told_how, CHANGE_RESTORED);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        uint64_t beats = atomic_load(&lab_journal->beats);
        lab_pass(S);
        check_int(atomic_load(&lab_journal->beats), beats + 1);
        check_int(lab_state(id), ACTION_UNDONE);
        check_int(act_find(a, (uint32_t)id)->reasserted, 0);
        check_str(lab_read(SHOP, LAB_FREEZE), "THAWED");
        check_int(lab_written_down(), 0);
        check(strstr(lab_last.text, "dead-man"));
        lab_end();
}

/* ---- what the engine does ---- */

static void stopped_by_the_engine(void)
{
        char group[100];

        lab_begin(false);
        b->sources.engine = ENGINE_DOCKER;
        uint16_t s = a_container(group, LAB_PID);
        int frozen = lab_do(ACTION_FREEZE, s);
        lab_pass(S);
        int id = lab_do(ACTION_QUARANTINE, s);
        check_int(lab_state(frozen), ACTION_UNDONE); /* a frozen container can't be stopped */
        check_str(lab_read(group, LAB_FREEZE), "THAWED");
        check_int(lab_asks, 1);
        check_int(lab_asked[0].operation, ENGINE_STOP);
        check_int(lab_state(id), ACTION_ASKED);
        act_operated(a, &(struct engine_operated){.number = (uint32_t)id}, lab_now);
        check_int(lab_state(id), ACTION_ACTIVE);
        lab_pass(S); /* its end isn't known yet: nobody has started it again */
        check_int(lab_state(id), ACTION_ACTIVE);
        world_buried(w, world_find(w, LAB_PID), lab_now);
        b->container[1].state = CONTAINER_EXITED;
        b->container[1].finished_ns = lab_now;
        lab_pass(S);
        check_int(act_undo(a, (uint32_t)id, "asked for", lab_now, &e), 0);
        check_int(lab_asks, 2);
        check_int(lab_asked[1].operation, ENGINE_START);
        lab_end();
}

static void started_again_by_a_person(void)
{
        char group[100];

        lab_begin(false);
        b->sources.engine = ENGINE_DOCKER;
        uint16_t s = a_container(group, LAB_PID);
        int id = lab_do(ACTION_QUARANTINE, s);
        act_operated(a, &(struct engine_operated){.number = (uint32_t)id}, lab_now);
        world_buried(w, world_find(w, LAB_PID), lab_now);
        lab_pass(5 * S);
        check_int(lab_state(id), ACTION_ACTIVE);
        lab_process(group, LAB_PID + 1, "web");
        lab_pass(S);
        check_int(lab_state(id), ACTION_UNDONE);
        check(strstr(lab_last.text, "started it again"));
        lab_end();
}

static void an_engine_that_does_not_answer(void)
{
        char group[100];

        lab_begin(false);
        b->sources.engine = ENGINE_DOCKER;
        uint16_t s = a_container(group, LAB_PID);
        int id = lab_do(ACTION_STOP, s);
        check_int(lab_state(id), ACTION_ASKED);
        lab_pass(16 * S);
        check_int(lab_state(id), ACTION_ACTIVE); /* by signals */
        world_buried(w, world_find(w, LAB_PID), lab_now);
        lab_pass(S);
        check_int(lab_state(id), ACTION_DONE);
        /* what can't be restarted must not be ended */
        lab_process(group, LAB_PID + 1, "web");
        b->sources.engine = ENGINE_UNREACHABLE;
        b->service[s].policy = RESTART_NO;
        check_int(lab_do(ACTION_RESTART, s), -ENOTSUP);
        lab_end();
}

static void all(void)
{
        test(each_value_and_back);
        test(memory_leaves_what_is_used);
        test(only_ever_tighter);
        test(without_the_controller);
        test(a_deserted_group_is_not_kept_frozen);
        test(without_a_group_of_its_own);
        test(dry_run_changes_nothing);
        test(persons_dry_runs_leave_no_trace);
        test(thawed_alone);
        test(counted_by_what_became_of_them);
        test(ends_by_itself);
        test(put_back_and_given_up);
        test(what_a_person_sets_stays);
        test(paused_by_a_person);
        test(a_group_made_anew);
        test(no_more_than_so_many_a_minute);
        test(rows_run_out);
        test(a_new_guard_goes_on);
        test(a_guard_killed_half_way);
        test(half_an_entry_is_none);
        test(the_dead_man);
        test(stopped_by_the_engine);
        test(started_again_by_a_person);
        test(an_engine_that_does_not_answer);
}

int main(void)
{
        return tap_main(all);
}
