/* The tree: see process_tree.h. The list comes with the most telling first, and so does the tree: of the
 * branches of a process, that one in which the first of them is. */
#include "cli/process_tree.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { PROCESSES = 512, DEPTH = 24, INDENT = 4 };

struct tree {
        const struct screen *s;
        size_t count;
        struct {
                json_t *json;
                double pid, ppid;
                size_t parent; /* in the list; count = none */
                size_t first;  /* of the list, in its branch */
                bool drawn;
        } process[PROCESSES];
};

static void put_state(const struct screen *s, json_t *p)
{
        char state[8];

        answer_text_or(p, "state", answer_true(p, "gone") ? "gone" : "?", state, sizeof state);
        screen_put(s,
                !strcmp(state, "D") || !strcmp(state, "Z") ? INK_RED
                : !strcmp(state, "R")                      ? INK_YELLOW
                                                           : INK_DIM,
                " %s ", state);
}

static void put_facts(const struct screen *s, json_t *p)
{
        double threads = answer_number(p, "threads"), zombies = answer_number(p, "zombies"),
               cpu = answer_number(p, "cpu_seconds"), memory = answer_number(p, "memory_bytes"),
               code = answer_number(p, "exit_code");
        char n[UNITS_SIZE], signal[32];

        if (threads > 1)
                screen_put(s, INK_DIM, "  %s threads", units_count(threads, n));
        if (cpu >= 0.05)
                screen_put(s, INK_DIM, "  CPU %s", units_duration(cpu, n));
        if (memory > 0)
                screen_put(s, INK_DIM, "  %s", units_bytes(memory, n));
        if (zombies > 0)
                screen_put(s, INK_RED, "  holds %s dead", units_count(zombies, n));
        if (!isnan(code))
                screen_put(s, INK_DIM, "  ended with exit %.0f", code);
        else if (*answer_text(p, "signal", signal, sizeof signal))
                screen_put(s, INK_DIM, "  ended by %s", signal);
        if (answer_true(p, "is_probe"))
                screen_put(s, INK_DIM, "  health check");
        if (answer_true(p, "is_pid1"))
                screen_put(s, INK_DIM, "  PID 1 of its container");
}

static void draw_one(
        const struct tree *t, size_t i, const char *prefix, const char *branch, const char *above)
{
        const struct screen *s = t->s;
        json_t *p = t->process[i].json;
        char command[400], shown[400], service[160];
        int room = s->width ? MAX(s->width - INDENT - render_columns(prefix) - 40, 20) : (int)sizeof shown;

        answer_text_or(p, "command", "?", command, sizeof command);
        render_cut(shown, sizeof shown, command, room);
        screen_put(s, INK_DIM, "%*s%s%s", INDENT, "", prefix, branch);
        screen_put(s, INK_PLAIN, "%.0f", t->process[i].pid);
        put_state(s, p);
        screen_put(s, answer_true(p, "is_context") ? INK_DIM : INK_PLAIN, "%s", shown);
        put_facts(s, p);
        answer_text(p, "service", service, sizeof service);
        if (*service && strcmp(service, above) != 0)
                screen_put(s, INK_CYAN, "  [%s]", service);
        fputc('\n', s->out);
}

/* The child of the most telling branch that isn't drawn yet; t->count = none. */
static size_t next_child(const struct tree *t, double pid)
{
        size_t best = t->count;

        for (size_t i = 0; i < t->count; i++)
                if (!t->process[i].drawn && t->process[i].ppid == pid &&
                        (best == t->count || t->process[i].first < t->process[best].first))
                        best = i;
        return best;
}

/* prefix: what stands before the branches of those below. */
static void draw(
        struct tree *t, size_t i, const char *prefix, const char *branch, const char *above, int depth)
{
        char below[8 * DEPTH] = "", service[160];

        t->process[i].drawn = true;
        draw_one(t, i, prefix, branch, above);
        answer_text(t->process[i].json, "service", service, sizeof service);
        if (depth >= DEPTH)
                return; /* those below are drawn as roots */
        if (*branch)
                snprintf(below, sizeof below, "%s%s", prefix, !strncmp(branch, "└", 3) ? "   " : "│  ");
        for (size_t k; (k = next_child(t, t->process[i].pid)) < t->count;) {
                t->process[k].drawn = true;
                bool last = next_child(t, t->process[i].pid) == t->count;
                draw(t, k, below, last ? "└─ " : "├─ ", service, depth + 1);
        }
}

static size_t parent_of(const struct tree *t, size_t i)
{
        for (size_t k = 0; k < t->count; k++)
                if (k != i && t->process[k].pid == t->process[i].ppid)
                        return k;
        return t->count;
}

/* Each tells those above it where it stands in the list; the first to come is the first. */
static void rank(struct tree *t)
{
        for (size_t i = 0; i < t->count; i++) {
                t->process[i].first = t->count;
                t->process[i].parent = parent_of(t, i);
        }
        for (size_t i = 0; i < t->count; i++)
                for (size_t k = i; k < t->count && t->process[k].first == t->count; k = t->process[k].parent)
                        t->process[k].first = i;
}

/* The most telling root; in the second round whatever hangs in a circle or too deep. */
static size_t next_root(const struct tree *t, int round)
{
        size_t best = t->count;

        for (size_t i = 0; i < t->count; i++)
                if (!t->process[i].drawn && (round == 1 || t->process[i].parent == t->count) &&
                        (best == t->count || t->process[i].first < t->process[best].first))
                        best = i;
        return best;
}

void process_tree_print(const struct screen *s, json_t *list, double left_out)
{
        struct tree *t = calloc(1, sizeof *t);
        json_t *one;
        size_t i;

        if (!t)
                return;
        t->s = s;
        json_array_foreach(list, i, one)
        {
                if (t->count == PROCESSES)
                        break;
                t->process[t->count].json = one;
                t->process[t->count].pid = answer_number(one, "pid");
                t->process[t->count++].ppid = answer_number(one, "ppid");
        }
        rank(t);
        screen_put(s, INK_BOLD, "\n  Processes\n");
        for (int round = 0; round < 2; round++)
                while ((i = next_root(t, round)) < t->count)
                        draw(t, i, "", "", "", 0);
        if (left_out > 0)
                screen_put(s, INK_DIM, "    (%.0f more processes of the host are left out)\n", left_out);
        free(t);
}
