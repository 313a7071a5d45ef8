/* A hand without a machine: control groups of either version and /proc are folders of the test's own, the
 * engine is a list of what it was asked, and pids are larger than any kernel gives, so that no signal
 * reaches anybody.
 */
#pragma once

#include "act/act.h"
#include "act/change.h"
#include "act/kind.h"
#include "base/file.h"
#include "tap.h"
#include "tree.h"

#include <errno.h>
#include <sys/mman.h>

#define S NSEC_PER_SEC

enum { LAB_PID = 5000000, LAB_OPERATED = 64 };

static struct tree lab_tree;
static struct world *w;
static struct board *b;
static struct config lab_config;
static struct cgroup_layout lab_layout;
static struct journal *lab_journal;
static struct actor *a;
static struct error e;
static int lab_proc = -1, lab_journal_fd = -1;
static bool lab_v2, lab_engine_down;
static uint32_t lab_told;
static struct event lab_last;
static struct engine_operate lab_asked[LAB_OPERATED];
static uint32_t lab_asks;
static uint64_t lab_now;

static void lab_take_event(void *ctx, const struct event *ev)
{
        if (ev->kind != EVENT_ACTION)
                return;
        lab_told++;
        lab_last = *ev;
}

static bool lab_operate(void *ctx, const struct engine_operate *o)
{
        if (lab_engine_down)
                return false;
        lab_asked[lab_asks++ % LAB_OPERATED] = *o;
        return true;
}

static void *lab_map(size_t size)
{
        void *p =
                mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED)
                abort();
        return p;
}

/* The guard starts (again): a new world and actor on the same board and journal. */
static inline void lab_guard(void)
{
        static const struct act_ops ops = {.operate = lab_operate};

        if (w)
                munmap(w, sizeof *w);
        if (a)
                munmap(a, sizeof *a);
        w = lab_map(sizeof *w);
        a = lab_map(sizeof *a);
        world_init(w, b, lab_take_event, NULL, lab_now, 2);
        act_init(a, w, &lab_config, &lab_layout, lab_proc, lab_journal, &ops);
}

static inline void lab_begin(bool v2)
{
        static const char *const v1[] = {"cpu", "memory", "pids", "freezer"};
        char path[128], name[64];

        lab_v2 = v2;
        lab_now = 1000 * S;
        lab_told = lab_asks = 0;
        lab_engine_down = false;
        e = (struct error){0};
        tree_init(&lab_tree);
        tree_put(&lab_tree, "proc/", "");
        if (v2)
                tree_put(&lab_tree, "cg/cgroup.controllers", "cpu memory pids\n");
        for (size_t k = 0; k < ARRAY_SIZE(v1) && !v2; k++) {
                snprintf(name, sizeof name, "cg/%s/", v1[k]);
                tree_put(&lab_tree, name, "");
        }
        config_defaults(&lab_config);
        lab_config.actions.max_per_minute = 60;
        snprintf(path, sizeof path, "%s/proc", lab_tree.root);
        lab_proc = file_open_root(path);
        snprintf(path, sizeof path, "%s/cg", lab_tree.root);
        check_int(cgroup_init(&lab_layout, path), 0);
        lab_journal_fd = journal_create_in_memory();
        check_int(journal_map(lab_journal_fd, &lab_journal), 0);
        b = lab_map(sizeof *b);
        lab_guard();
}

static inline void lab_end(void)
{
        munmap(w, sizeof *w);
        munmap(a, sizeof *a);
        munmap(b, sizeof *b);
        munmap(lab_journal, sizeof *lab_journal);
        w = NULL;
        a = NULL;
        close(lab_journal_fd);
        close(lab_proc);
        cgroup_done(&lab_layout);
        tree_done(&lab_tree);
}

/* ---- groups ---- */

static const struct {
        const char *v1, *v2, *v1_text, *v2_text;
} lab_files[] = {
        {"cpu/%s/cpu.shares", "%s/cpu.weight", "1024\n", "100\n"},
        {"cpu/%s/cpu.cfs_quota_us", "%s/cpu.max", "-1\n", "max 100000\n"},
        {"cpu/%s/cpu.cfs_period_us", NULL, "100000\n", NULL},
        {"memory/%s/memory.limit_in_bytes", "%s/memory.high", "9223372036854771712\n", "max\n"},
        {"memory/%s/memory.usage_in_bytes", "%s/memory.current", "104857600\n", "104857600\n"},
        {"pids/%s/pids.max", "%s/pids.max", "max\n", "max\n"},
        {"pids/%s/pids.current", "%s/pids.current", "7\n", "7\n"},
        {"freezer/%s/freezer.state", "%s/cgroup.freeze", "THAWED\n", "0\n"},
};

enum lab_file {
        LAB_WEIGHT,
        LAB_QUOTA,
        LAB_PERIOD,
        LAB_MEMORY,
        LAB_USED,
        LAB_PIDS,
        LAB_TASKS,
        LAB_FREEZE,
        LAB_FILES
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static inline const char *lab_name(const char *group, enum lab_file f)
{
        static char name[400];
        char inner[300];

        snprintf(inner, sizeof inner, lab_v2 ? lab_files[f].v2 : lab_files[f].v1, group + 1);
        snprintf(name, sizeof name, "cg/%s", inner);
        return name;
}
#pragma GCC diagnostic pop

static inline void lab_put(const char *group, enum lab_file f, const char *text)
{
        tree_put(&lab_tree, lab_name(group, f), text);
}

static inline const char *lab_read(const char *group, enum lab_file f)
{
        static char text[100];
        char path[500];

        snprintf(path, sizeof path, "%s/%s", lab_tree.root, lab_name(group, f));
        text[0] = '\0';
        if (file_read_at(AT_FDCWD, path, text, sizeof text) < 0)
                return "(gone)";
        text[strcspn(text, "\n")] = '\0';
        return text;
}

/* As the kernel makes a group: every file with its default; a list of processes in each hierarchy. */
static inline void lab_group(const char *group)
{
        for (int f = 0; f < LAB_FILES; f++)
                if (!lab_v2 || lab_files[f].v2)
                        lab_put(group, (enum lab_file)f,
                                lab_v2 ? lab_files[f].v2_text : lab_files[f].v1_text);
}

static inline void lab_group_gone(const char *group)
{
        static const char *const v1[] = {"cpu/", "memory/", "pids/", "freezer/"};
        char path[500];

        for (size_t k = 0; k < (lab_v2 ? 1 : ARRAY_SIZE(v1)); k++) {
                snprintf(path, sizeof path, "%s/cg/%s%s", lab_tree.root, lab_v2 ? "" : v1[k], group + 1);
                nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
        }
}

static inline void lab_list(const char *group, int32_t pid)
{
        static const char *const v1[] = {"cpu/", "memory/", "pids/", "freezer/"};
        char path[500];

        for (size_t k = 0; k < (lab_v2 ? 1 : ARRAY_SIZE(v1)); k++) {
                snprintf(path, sizeof path, "%s/cg/%s%s/cgroup.procs", lab_tree.root, lab_v2 ? "" : v1[k],
                        group + 1);
                FILE *f = fopen(path, "ae");
                if (!f)
                        continue;
                fprintf(f, "%d\n", pid);
                fclose(f);
        }
}

/* ---- processes ---- */

/* Its state, the kernel's flags of it, 4 = it is dying, and how many threads it has. */
static inline void lab_stat(int32_t pid, char state, unsigned flags, int threads)
{
        char name[64], text[200];

        snprintf(name, sizeof name, "proc/%d/stat", pid);
        snprintf(text, sizeof text,
                "%d (worker) %c 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 %d 0 100 0 0 18446744073709551615 0 0 0 0 "
                "0 0 0 0 0 "
                "0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                pid, state, flags, threads);
        tree_put(&lab_tree, name, text);
}

/* One more process in the group, which must be there; on the board, in /proc and in the group's lists. */
static inline uint32_t lab_process(const char *group, int32_t pid, const char *comm)
{
        char name[64], text[600];

        uint32_t i = world_born(w, pid, 1, lab_now, lab_now);
        world_set_comm(w, i, comm);
        world_set_cgroup(w, i, world_cgroup(w, group));
        snprintf(name, sizeof name, "proc/%d/cgroup", pid);
        if (lab_v2)
                snprintf(text, sizeof text, "0::%s\n", group);
        else
                snprintf(text, sizeof text, "4:cpu,cpuacct:%s\n3:memory:%s\n2:pids:%s\n1:freezer:%s\n", group,
                        group, group, group);
        tree_put(&lab_tree, name, text);
        lab_stat(pid, 'S', 0, 1);
        lab_list(group, pid);
        return i;
}

static inline uint16_t lab_service(const char *group, int32_t pid, const char *comm)
{
        lab_group(group);
        return b->process[lab_process(group, pid, comm)].service;
}

/* ---- orders ---- */

static inline struct act_order lab_order(uint8_t kind, uint16_t service)
{
        return (struct act_order){
                .kind = kind, .service = service, .value = NAN, .who = "ladder", .reason = "it is a test"};
}

/* The id, or a negative errno. */
static inline int lab_do(uint8_t kind, uint16_t service)
{
        struct act_order o = lab_order(kind, service);
        uint32_t id = 0;

        e = (struct error){0};
        int r = act_take(a, &o, lab_now, &id, &e);
        return r < 0 ? r : (int)id;
}

static inline int lab_do_value(uint8_t kind, uint16_t service, double value)
{
        struct act_order o = lab_order(kind, service);
        uint32_t id = 0;

        o.value = value;
        int r = act_take(a, &o, lab_now, &id, &e);
        return r < 0 ? r : (int)id;
}

static inline uint8_t lab_state(int id)
{
        const struct action *row = act_find(a, (uint32_t)id);

        return row ? row->state : ACTION_FREE;
}

static inline uint32_t lab_written_down(void)
{
        struct journal_change c;
        uint32_t n = 0;

        for (int k = 0; k < JOURNAL_CHANGES; k++)
                n += journal_get(lab_journal, k, &c) != JOURNAL_FREE;
        return n;
}

static inline void lab_pass(uint64_t ns)
{
        lab_now += ns;
        b->updated_ns = lab_now;
        act_tick(a, lab_now);
}
