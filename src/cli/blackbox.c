/* Captures as text: see blackbox.h. */
#include "cli/blackbox.h"

#include "base/text.h"
#include "base/units.h"
#include "cli/process_tree.h"

#include <math.h>
#include <string.h>

static void print_reasons(const struct screen *s, json_t *capture)
{
        char time[80], when[UNITS_SIZE], what[64], service[160], who[80], text[400];
        double left_out = answer_number(capture, "reasons_left_out");
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(capture, "reasons"), i, one)
        {
                bool action = !strcmp(answer_raw(one, "cause"), "action");
                units_time(answer_text(one, "time", time, sizeof time), when);
                answer_text_or(one, "what", "?", what, sizeof what);
                answer_text_or(one, "service", "the host", service, sizeof service);
                screen_put(s, INK_DIM, "  %s  ", when);
                if (action)
                        screen_put(s, INK_BOLD, "before %s of %s, by %s\n", what, service,
                                answer_text_or(one, "who", "?", who, sizeof who));
                else
                        screen_put(s, INK_BOLD, "%s of %s became critical\n", what, service);
                if (*answer_text(one, "text", text, sizeof text))
                        screen_fold(s, 4, INK_PLAIN, text);
        }
        if (left_out > 0)
                screen_put(s, INK_DIM, "  (%.0f more reasons are left out)\n", left_out);
}

static void print_head(const struct screen *s, json_t *capture)
{
        char time[80], when[UNITS_SIZE];

        screen_put(s, INK_BOLD, "Captured %s\n",
                units_time(answer_text(capture, "captured_at", time, sizeof time), when));
        print_reasons(s, capture);
}

/* ---- figures ---- */

static void print_host(const struct screen *s, json_t *h)
{
        char a[UNITS_SIZE], b[UNITS_SIZE], c[UNITS_SIZE], d[UNITS_SIZE], e[UNITS_SIZE];
        json_t *load = answer_list(h, "load");

        screen_put(s, INK_BOLD, "\n  The host\n");
        screen_put(s, INK_PLAIN, "    load %s %s %s on %s cores, CPU %s\n",
                units_cores(answer_number(json_array_get(load, 0), ""), a),
                units_cores(answer_number(json_array_get(load, 1), ""), b),
                units_cores(answer_number(json_array_get(load, 2), ""), c),
                units_count(answer_number(h, "cpus"), d),
                units_percent(answer_number(h, "cpu_busy_ratio"), e));
        screen_put(s, INK_PLAIN, "    memory %s of %s in use, %s available, swap %s free\n",
                units_percent(answer_number(h, "memory_used_ratio"), a),
                units_bytes(answer_number(h, "memory_bytes"), b),
                units_bytes(answer_number(h, "memory_available_bytes"), c),
                units_bytes(answer_number(h, "swap_free_bytes"), d));
        screen_put(s, INK_PLAIN,
                "    pressure: CPU %s, memory %s (all stalled %s), I/O %s (all stalled %s)\n",
                units_percent(answer_number(h, "psi.cpu"), a),
                units_percent(answer_number(h, "psi.memory"), b),
                units_percent(answer_number(h, "psi.memory_full"), c),
                units_percent(answer_number(h, "psi.io"), d),
                units_percent(answer_number(h, "psi.io_full"), e));
        screen_put(s, INK_PLAIN,
                "    %s runnable, %s blocked, of %s tasks; %s zombies, %s OOM kills since boot\n",
                units_count(answer_number(h, "runnable"), a), units_count(answer_number(h, "blocked"), b),
                units_count(answer_number(h, "tasks"), c), units_count(answer_number(h, "zombies"), d),
                units_count(answer_number(h, "oom_kills"), e));
}

static void print_services(const struct screen *s, json_t *list)
{
        static const struct column columns[] = {{.title = "SERVICE", .stretch = true},
                {.title = "LOAD", .right = true}, {.title = "CPU", .right = true},
                {.title = "MEMORY", .right = true}, {.title = "TASKS", .right = true},
                {.title = "RUN", .right = true}, {.title = "BLOCKED", .right = true},
                {.title = "ZOMBIES", .right = true}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        char name[160], n[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (!t)
                return;
        json_array_foreach(list, i, one)
        {
                bool about = answer_true(one, "is_about");
                if (!about && !answer_true(one, "contributes"))
                        continue;
                table_cell(t, about ? INK_RED : INK_PLAIN, "%s",
                        answer_text_or(one, "service", "?", name, sizeof name));
                table_cell(t, INK_PLAIN, "%s", units_cores(answer_number(one, "load"), n));
                table_cell(t, INK_PLAIN, "%s", units_cores(answer_number(one, "cpu_ratio"), n));
                table_cell(t, INK_PLAIN, "%s", units_bytes(answer_number(one, "memory_bytes"), n));
                table_cell(t, INK_PLAIN, "%s", units_count(answer_number(one, "threads"), n));
                table_cell(t, INK_PLAIN, "%s", units_count(answer_number(one, "runnable"), n));
                table_cell(t, INK_PLAIN, "%s", units_count(answer_number(one, "blocked"), n));
                table_cell(t, INK_PLAIN, "%s", units_count(answer_number(one, "zombies_held"), n));
        }
        if (!table_rows(t))
                return;
        screen_put(s, INK_BOLD, "\n  Who contributes\n");
        table_print(t, s, 4);
}

/* ---- tasks ---- */

static void print_task(const struct screen *s, json_t *task, json_t *before)
{
        char state[8], service[160], name[64], wait[128], frame[160];
        json_t *stack = answer_list(task, "stack"), *one;
        size_t i;

        answer_text_or(task, "state", "?", state, sizeof state);
        screen_put(s, !strcmp(state, "D") ? INK_RED : INK_PLAIN, "    %s", state);
        screen_put(s, INK_PLAIN, " %.0f", answer_number(task, "pid"));
        if (answer_number(task, "tid") != answer_number(task, "pid"))
                screen_put(s, INK_DIM, "/%.0f", answer_number(task, "tid"));
        screen_put(s, INK_PLAIN, " %s", answer_text_or(task, "name", "?", name, sizeof name));
        screen_put(s, INK_DIM, "  %s", answer_text_or(task, "service", "", service, sizeof service));
        if (*answer_text(task, "wait", wait, sizeof wait))
                screen_put(s, INK_PLAIN, "  in %s", wait);
        fputc('\n', s->out);
        if (json_array_size(stack) && before && json_equal(stack, answer_list(before, "stack"))) {
                screen_put(s, INK_DIM, "        the same\n");
                return;
        }
        json_array_foreach(stack, i, one)
                screen_put(s, INK_DIM, "        %s\n", answer_text(one, "", frame, sizeof frame));
}

static bool is_about(json_t *capture, json_t *task)
{
        json_t *one;
        size_t i;

        json_array_foreach(answer_list(capture, "services"), i,
                one) if (answer_true(one, "is_about") &&
                         !strcmp(answer_raw(one, "service"), answer_raw(task, "service"))) return true;
        return false;
}

/* First those of the services that it is about, and of both first the blocked ones. */
static int place_of(json_t *capture, json_t *task)
{
        return 2 * !is_about(capture, task) + (strcmp(answer_raw(task, "state"), "D") != 0);
}

static void print_tasks(const struct screen *s, json_t *capture)
{
        json_t *list = answer_list(capture, "tasks"), *one, *before = NULL;
        double left_out = answer_number(capture, "tasks_left_out");
        const char *stacks = answer_raw(capture, "stacks");
        char why[160];
        size_t i;

        screen_put(s, INK_BOLD, "\n  Running and blocked tasks\n");
        if (!json_array_size(list))
                screen_put(s, INK_DIM, "    none\n");
        for (int place = 0; place < 4; place++)
                json_array_foreach(list, i, one)
                {
                        if (place_of(capture, one) != place)
                                continue;
                        print_task(s, one, before);
                        before = one;
                }
        if (left_out > 0)
                screen_put(s, INK_DIM, "    (%.0f more are left out)\n", left_out);
        if (!strcmp(stacks, "none"))
                screen_put(s, INK_DIM,
                        "    (no kernel stacks: they need BPF, and a kernel that shows them to it)\n");
        else if (!strcmp(stacks, "failed"))
                screen_put(s, INK_DIM, "    (no kernel stacks: %s)\n",
                        answer_text_or(capture, "stacks_error", "?", why, sizeof why));
}

/* ---- what happened before ---- */

static void print_deaths(const struct screen *s, json_t *list)
{
        static const struct column columns[] = {{.title = "TIME"}, {.title = "PID", .right = true},
                {.title = "ENDED"}, {.title = "COUNT", .right = true}, {.title = "CPU", .right = true},
                {.title = "SERVICE"}, {.title = "COMMAND", .stretch = true}};
        cleanup_table struct table *t = table_new(columns, ARRAY_SIZE(columns));
        char text[400], n[UNITS_SIZE];
        json_t *one;
        size_t i;

        if (!t || !json_array_size(list))
                return;
        json_array_foreach(list, i, one)
        {
                double code = answer_number(one, "exit_code");
                table_cell(t, INK_DIM, "%s", units_time(answer_text(one, "time", text, 80), n));
                table_cell(t, INK_PLAIN, "%.0f", answer_number(one, "pid"));
                if (isnan(code))
                        table_cell(t, INK_RED, "%s", answer_text_or(one, "signal", "?", text, 80));
                else
                        table_cell(t, code == 0 ? INK_PLAIN : INK_YELLOW, "exit %.0f", code);
                table_cell(t, INK_PLAIN, "%s", units_count(answer_number(one, "count"), n));
                table_cell(t, INK_PLAIN, "%s", units_duration(answer_number(one, "cpu_seconds"), n));
                table_cell(t, INK_DIM, "%s", answer_text(one, "service", text, sizeof text));
                if (!*answer_text(one, "command", text, sizeof text))
                        answer_text(one, "name", text, sizeof text);
                table_cell(t, INK_PLAIN, "%s", text);
        }
        screen_put(s, INK_BOLD, "\n  Last deaths\n");
        table_print(t, s, 4);
}

static void print_log(const struct screen *s, json_t *capture)
{
        char text[900];
        json_t *one;
        size_t i;

        screen_put(s, INK_BOLD, "\n  The kernel's log\n");
        if (*answer_text(capture, "kernel_log_error", text, sizeof text))
                screen_put(s, INK_DIM, "    (can't be read: %s)\n", text);
        json_array_foreach(answer_list(capture, "kernel_log"), i, one)
        {
                double missed = answer_number(one, "missed_before");
                if (missed > 0)
                        screen_put(s, INK_DIM, "    (%.0f lines were not read)\n", missed);
                screen_put(s, INK_DIM, "    [%12.6f] ", answer_number(one, "seconds"));
                screen_put(s, answer_number(one, "level") <= 3 ? INK_RED : INK_PLAIN, "%s\n",
                        answer_text(one, "text", text, sizeof text));
        }
}

static void print_whole(const struct screen *s, json_t *capture)
{
        char took[UNITS_SIZE], held_up[UNITS_SIZE];
        double left_out = answer_number(capture, "texts_left_out");

        print_host(s, answer_at(capture, "host"));
        print_services(s, answer_list(capture, "services"));
        print_tasks(s, capture);
        process_tree_print(
                s, answer_list(capture, "processes"), answer_number(capture, "processes_left_out"));
        print_deaths(s, answer_list(capture, "deaths"));
        print_log(s, capture);
        if (left_out > 0)
                screen_put(s, INK_DIM, "\n  (%.0f texts are left out for want of room)\n", left_out);
        screen_put(s, INK_DIM, "\n  Taken within %s ms; what it was for waited %s ms.\n",
                units_count(round(answer_number(capture, "took") * 1e4) / 10, took),
                units_count(round(answer_number(capture, "held_up") * 1e4) / 10, held_up));
}

void blackbox_print(const struct screen *s, json_t *answer, bool all)
{
        json_t *list = answer_list(answer, "captures"), *one;
        double left_out = answer_number(answer, "captures_left_out");
        char why[400];
        size_t i;

        if (!json_array_size(list)) {
                screen_fold(s, 0, INK_PLAIN, "Nothing was captured.");
                if (*answer_text(answer, "why_none", why, sizeof why))
                        screen_fold(s, 2, INK_PLAIN, why);
                return;
        }
        json_array_foreach(list, i, one)
        {
                if (i > 0)
                        fputc('\n', s->out);
                print_head(s, one);
                if (i == 0 || all)
                        print_whole(s, one);
        }
        if (left_out > 0)
                screen_put(s, INK_DIM, "(%.0f older ones are left out)\n", left_out);
        if (!all && json_array_size(list) > 1)
                screen_put(s, INK_DIM, "(the first one is shown whole; --all shows all of them)\n");
}
