/* Random lives of a host against a model: orders for whatever comes to mind, people and tools that revert or
 * set something else, groups made anew, guards killed, dead-men, clocks that jump. Checked after every
 * step: who must not be touched isn't; what stands is written down; each change has been told; never more
 * than so many a minute. And at the end: everything is as it was, or as somebody else has set it.
 */
#include "act_lab.h"
#include "model/names.h"

#include <inttypes.h>

enum { SERVICES = 8, PROTECTED = 3, STEPS = 400, RUNS = 24, PER_MINUTE = 6 };

struct one {
        char group[40];
        int32_t pid;
        bool changed_by_others[LAB_FILES];
};

static struct one one[SERVICES];
static uint64_t seed, taken_at[64];
static uint32_t taken, born;

static uint32_t any(uint32_t n)
{
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(seed >> 33) % n;
}

static const char *fresh(enum lab_file f)
{
        static char text[64];

        snprintf(text, sizeof text, "%s", lab_v2 ? lab_files[f].v2_text : lab_files[f].v1_text);
        text[strcspn(text, "\n")] = '\0';
        return text;
}

/* The first three: sshd is in it; it is labelled; it is not in act_only_in. */
static void come_to_life(int k)
{
        one[k].pid = LAB_PID + (int32_t)++born;
        lab_process(one[k].group, one[k].pid, k == 0 ? "sshd" : "worker");
        uint16_t s = b->process[world_find(w, one[k].pid)].service;
        if (k == 1)
                b->service[s].protect = true;
}

static uint16_t service_of(int k)
{
        uint32_t i = world_find(w, one[k].pid);

        return i ? b->process[i].service : 0;
}

static void made_anew(int k)
{
        char other[40];
        uint32_t i = world_find(w, one[k].pid);

        if (i)
                world_buried(w, i, lab_now);
        lab_group_gone(one[k].group);
        snprintf(other, sizeof other, "/other%u", born);
        lab_group(other); /* takes the inode */
        lab_group(one[k].group);
        memset(one[k].changed_by_others, 0, sizeof one[k].changed_by_others);
        come_to_life(k);
        act_group_seen(a);
}

static void guard_killed(void)
{
        lab_guard();
        for (int k = 0; k < SERVICES; k++) {
                lab_process(one[k].group, one[k].pid, k == 0 ? "sshd" : "worker");
                if (k == 1)
                        b->service[service_of(k)].protect = true;
        }
        act_adopt(a, lab_now);
}

static void ignore(const struct journal_change *c, int how)
{
}

static void order(void)
{
        static const uint8_t kinds[] = {ACTION_WEIGHT, ACTION_QUOTA, ACTION_MEMORY, ACTION_PIDS,
                ACTION_FREEZE, ACTION_HOLD, ACTION_STOP, ACTION_RESTART, ACTION_QUARANTINE};
        int k = (int)any(SERVICES);
        struct act_order o = lab_order(kinds[any(ARRAY_SIZE(kinds))], service_of(k));
        uint32_t id = 0, told_before = lab_told,
                 standing = o.service ? act_standing(a, o.service, o.kind) : 0;

        if (o.kind == ACTION_QUOTA)
                o.value = 0.1 * (1 + any(9));
        o.ttl_ns = (1 + any(90)) * S;
        o.dry_run = any(8) == 0;
        int r = act_take(a, &o, lab_now, &id, &e);
        check(r <= 0);
        if (r == 0 && k < PROTECTED) {
                printf("# touched: %s of %s\n", action_kind_name(o.kind), one[k].group);
                tap_ok_now = false;
        }
        if (r == 0 && id != standing)
                check(lab_told > told_before); /* no step without a record */
        if (r == 0 && !o.dry_run && id != standing)
                taken_at[taken++ % ARRAY_SIZE(taken_at)] = lab_now;
}

static void others_set(void)
{
        static const struct {
                enum lab_file file;
                const char *v1, *v2;
        } set[] = {{LAB_WEIGHT, "2048\n", "77\n"}, {LAB_QUOTA, "70000\n", "70000 100000\n"},
                {LAB_PIDS, "99\n", "99\n"}};
        int k = (int)any(SERVICES);
        size_t what = any(ARRAY_SIZE(set));

        lab_put(one[k].group, set[what].file, lab_v2 ? set[what].v2 : set[what].v1);
        one[k].changed_by_others[set[what].file] = true;
}

/* Puts back what the files were at first, as a reload does. */
static void others_revert(void)
{
        static const enum lab_file files[] = {LAB_WEIGHT, LAB_QUOTA, LAB_PIDS, LAB_MEMORY};
        int k = (int)any(SERVICES);
        enum lab_file f = files[any(ARRAY_SIZE(files))];
        char text[80];

        if (one[k].changed_by_others[f])
                return; /* it would be another value by now */
        snprintf(text, sizeof text, "%s\n", fresh(f));
        lab_put(one[k].group, f, text);
}

static void step(void)
{
        switch (any(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
                order();
                break;
        case 4:
                others_set();
                break;
        case 5:
                others_revert();
                break;
        case 6:
                made_anew((int)any(SERVICES));
                break;
        case 7:
                guard_killed();
                break;
        case 8:
                journal_undo_all(lab_journal, &lab_layout, true, ignore);
                break;
        case 9:
                act_undo(a, any(lab_journal->next_id), "asked for", lab_now, NULL);
                break;
        case 10: /* the clock jumps, once in a while back */
                lab_now = any(4) ? lab_now + any(7200) * S : lab_now - MIN(lab_now - 1, any(5) * S);
                break;
        default:
                act_operated(a,
                        &(struct engine_operated){
                                .number = any(lab_journal->next_id), .code = any(2) ? 0 : -EIO},
                        lab_now);
                break;
        }
        lab_pass(any(3) * S / 2);
}

static void check_untouched(void)
{
        for (int k = 0; k < PROTECTED; k++)
                for (int f = 0; f < LAB_FILES; f++)
                        if ((!lab_v2 || lab_files[f].v2) && !one[k].changed_by_others[f])
                                check_str(lab_read(one[k].group, (enum lab_file)f), fresh((enum lab_file)f));
}

/* Whatever differs from how it was made, and nobody else has set, is in the journal. */
static void check_written_down(void)
{
        struct journal_change c;

        for (int k = PROTECTED; k < SERVICES; k++)
                for (int f = 0; f < LAB_FILES; f++) {
                        bool found = false;
                        if ((lab_v2 && !lab_files[f].v2) || one[k].changed_by_others[f] ||
                                !strcmp(lab_read(one[k].group, (enum lab_file)f), fresh((enum lab_file)f)))
                                continue;
                        for (int j = 0; j < JOURNAL_CHANGES && !found; j++)
                                found = journal_get(lab_journal, j, &c) == JOURNAL_STANDS &&
                                        !strcmp(c.path, one[k].group);
                        check(found);
                }
}

static void check_rate(void)
{
        uint32_t n = 0;

        for (uint32_t k = 0; k < MIN(taken, (uint32_t)ARRAY_SIZE(taken_at)); k++)
                n += taken_at[k] <= lab_now && lab_now - taken_at[k] < 60 * S;
        check(n <= PER_MINUTE);
}

static void live(uint64_t run)
{
        seed = run * 7919 + 17;
        taken = 0;
        lab_begin(run % 2);
        lab_config.actions.max_per_minute = PER_MINUTE;
        b->sources.engine = any(2) ? ENGINE_DOCKER : ENGINE_UNREACHABLE;
        snprintf(lab_config.act_only_in[0], 128, "/s*");
        lab_config.act_only_in_count = 1;
        for (int k = 0; k < SERVICES; k++) {
                one[k] = (struct one){0};
                snprintf(one[k].group, sizeof one[k].group, "%s%d", k == 2 ? "/elsewhere" : "/s", k);
                lab_group(one[k].group);
                come_to_life(k);
        }
        for (int k = 0; k < STEPS && tap_ok_now; k++) {
                step();
                check_untouched();
                check_written_down();
                check_rate();
                if (!tap_ok_now)
                        printf("# run %" PRIu64 ", step %d\n", run, k);
        }
        act_stop_all(a, "the test ends", lab_now);
        check_int(lab_written_down(), 0);
        for (uint32_t k = 1; k < b->action_top; k++)
                check(!action_stands(&b->action[k]));
        check_written_down(); /* nothing is: so nothing differs */
        lab_end();
}

static void random_lives(void)
{
        for (uint64_t run = 0; run < RUNS && tap_ok_now; run++)
                live(run);
}

static void all(void)
{
        test(random_lives);
}

int main(void)
{
        return tap_main(all);
}
