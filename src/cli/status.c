/* sexton status: the host now, what is wrong with it, and what Sexton itself can't see. */
#include "base/text.h"
#include "base/units.h"
#include "cli/client.h"
#include "cli/findings.h"

#include <math.h>
#include <string.h>
#include <time.h>

extern const struct verb verb_status;

static const struct verb_option options[] = {OPTIONS_OF_CLIENTS, OPTIONS_OF_WATCHERS};

static void host_line(const struct screen *s, json_t *j)
{
        char name[80], kernel[80], memory[UNITS_SIZE], up[UNITS_SIZE], text[80];
        double cpus = answer_number(j, "host.cpus");
        double boot = units_unix(answer_text(j, "host.boot_time", text, sizeof text));

        screen_put(s, INK_BOLD, "%s", answer_text_or(j, "host.name", "this host", name, sizeof name));
        if (!isnan(cpus))
                screen_put(s, INK_PLAIN, ": %.0f CPU%s", cpus, cpus == 1 ? "" : "s");
        screen_put(s, INK_PLAIN, ", %s, Linux %s, up %s\n\n",
                units_bytes(answer_number(j, "host.memory_bytes"), memory),
                answer_text_or(j, "host.kernel", "?", kernel, sizeof kernel),
                units_duration((double)time(NULL) - boot, up));
}

static enum ink ink_above(double value, double yellow, double red)
{
        if (isnan(value) || value <= yellow)
                return INK_PLAIN;
        return value > red ? INK_RED : INK_YELLOW;
}

static void row(const struct screen *s, const char *name)
{
        screen_put(s, INK_DIM, "%-11s", name);
}

static void load_row(const struct screen *s, json_t *j)
{
        json_t *load = answer_list(j, "load");
        double cpus = answer_number(j, "host.cpus");

        row(s, "load");
        for (size_t i = 0; i < 3; i++) {
                json_t *n = json_array_get(load, i);
                double value = json_is_number(n) ? json_number_value(n) : NAN;
                char text[UNITS_SIZE];
                screen_put(s, ink_above(value / cpus, 1, 2), "%s%s", i ? "  " : "", units_cores(value, text));
                if (i == 2 && cpus > 0 && json_is_number(json_array_get(load, 0)))
                        screen_put(s, INK_DIM, "   %.2f per core",
                                json_number_value(json_array_get(load, 0)) / cpus);
        }
        screen_put(s, INK_PLAIN, "\n");
}

static void host_rows(const struct screen *s, json_t *j)
{
        static const struct {
                const char *name, *path;
        } pressure[] = {{"CPU", "psi.cpu"}, {"memory", "psi.memory"}, {"I/O", "psi.io"}};
        double cpu = answer_number(j, "cpu_busy_ratio"), memory = answer_number(j, "memory_used_ratio");
        double zombies = answer_number(j, "zombies"), open = answer_number(j, "incidents_open");
        char text[UNITS_SIZE];

        load_row(s, j);
        row(s, "CPU");
        screen_put(s, ink_above(cpu, 0.8, 0.95), "%s busy\n", units_percent(cpu, text));
        row(s, "memory");
        screen_put(s, ink_above(memory, 0.8, 0.95), "%s used\n", units_percent(memory, text));
        row(s, "pressure");
        for (size_t i = 0; i < ARRAY_SIZE(pressure); i++) {
                double p = answer_number(j, pressure[i].path);
                screen_put(s, ink_above(p, 0.2, 0.5), "%s%s %s", i ? ", " : "", pressure[i].name,
                        units_percent(p, text));
        }
        screen_put(s, INK_PLAIN, "\n");
        row(s, "zombies");
        screen_put(s, ink_above(zombies, 0, 99), "%s\n", units_count(zombies, text));
        row(s, "services");
        screen_put(s, INK_PLAIN, "%s\n", units_count(answer_number(j, "services"), text));
        row(s, "incidents");
        screen_put(s, open > 0 ? INK_RED : INK_PLAIN, "%s open\n", units_count(open, text));
}

/* What a source that doesn't run takes away. */
static const struct {
        const char *key, *why_key, *text;
} lacks[] = {
        {"root", NULL, "without root's rights (CAP_SYS_PTRACE): other users' processes tell less"},
        {"host_pids", NULL, "not in the host's pid namespace: only the processes of this one are seen"},
        {"host_cgroups", NULL,
                "the host's control groups aren't visible: no memory or limits of services, their CPU is a "
                "sum "
                "of processes"},
        {"netlink", "why_not_netlink", "no proc connector"},
        {"bpf", "why_not_bpf", "no BPF: the CPU of processes that live shorter than a sample is estimated"},
        {"pidfd", NULL, "no pidfds: burials are polled"},
        {"pidfd_hup", NULL, "pidfds don't tell burials (kernel before 6.9): they are polled"},
        {"psi_triggers", NULL, "no pressure triggers: pressure is polled"},
};

static void source_rows(const struct screen *s, json_t *j)
{
        json_t *sources = answer_at(j, "sources");
        char text[400];

        row(s, "sources");
        answer_text_or(sources, "lifecycle", "unknown", text, sizeof text);
        screen_put(s, strcmp(text, "scan") != 0 ? INK_PLAIN : INK_YELLOW, "lifecycle %s", text);
        answer_text_or(sources, "engine", "unknown", text, sizeof text);
        screen_put(s, strcmp(text, "unreachable") != 0 ? INK_PLAIN : INK_RED, ", engine %s", text);
        if (*answer_text(sources, "cgroup", text, sizeof text))
                screen_put(s, INK_PLAIN, ", cgroup %s", text);
        screen_put(s, INK_PLAIN, "\n");
        if (*answer_text(sources, "engine_text", text, sizeof text)) {
                row(s, "");
                screen_put(s, INK_DIM, "engine: %s\n", text);
        }
        for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
                if (!json_is_false(answer_at(sources, lacks[i].key)))
                        continue;
                if (!strcmp(lacks[i].key, "netlink") && json_is_true(answer_at(sources, "bpf")))
                        continue; /* it would only tell the same again */
                if (lacks[i].why_key)
                        answer_text(sources, lacks[i].why_key, text, sizeof text);
                else
                        *text = '\0';
                row(s, "");
                screen_put(s, INK_YELLOW, "%s%s%s%s\n", lacks[i].text, *text ? " (" : "", text,
                        *text ? ")" : "");
        }
}

static void store_row(const struct screen *s, json_t *j)
{
        char state[20], text[320], bytes[UNITS_SIZE], oldest[UNITS_SIZE], time[80];
        json_t *store = answer_at(j, "store");

        if (!json_is_object(store) || !json_object_size(store))
                return;
        row(s, "history");
        answer_text_or(store, "state", "?", state, sizeof state);
        if (!strcmp(state, "disk"))
                screen_put(s, INK_DIM, "%s on disk, since %s\n",
                        units_bytes(answer_number(store, "file_bytes"), bytes),
                        units_time(answer_text_or(store, "oldest", "now", time, sizeof time), oldest));
        else
                screen_put(s, strcmp(state, "off") ? INK_YELLOW : INK_DIM, "in memory only\n");
        answer_text(store, "text", text, sizeof text);
        if (*text) {
                row(s, "");
                screen_put(s, INK_YELLOW, "%s\n", text);
        }
}

static void self_row(const struct screen *s, json_t *j)
{
        char guard[UNITS_SIZE], recorder[UNITS_SIZE], cpu[UNITS_SIZE];

        if (!json_is_object(answer_at(j, "self")))
                return;
        row(s, "sexton");
        screen_put(s, INK_DIM, "guard %s, recorder %s, %s of a core\n",
                units_bytes(answer_number(j, "self.guard_rss_bytes"), guard),
                units_bytes(answer_number(j, "self.recorder_rss_bytes"), recorder),
                units_percent(answer_number(j, "self.cpu_ratio"), cpu));
        if (isnan(answer_number(j, "self.rescue_pid")))
                return;
        row(s, "");
        if (answer_true(j, "self.rescue_real_time"))
                screen_put(s, INK_DIM, "rescue console with a real-time share\n");
        else
                screen_put(s, INK_YELLOW,
                        "rescue console without a real-time share: slower under load, or still "
                        "waiting for its keys; see its log\n");
}

static void gaps(const struct screen *s, json_t *j)
{
        enum { SHOWN = 5 };
        json_t *list = answer_list(j, "gaps"), *gap;
        size_t count = json_array_size(list), i;
        char from[UNITS_SIZE], to[UNITS_SIZE], source[40], missed[UNITS_SIZE], text[200], time[80];

        if (!count)
                return;
        screen_put(s, INK_BOLD, "\nGaps: what Sexton missed\n");
        if (count > SHOWN)
                screen_put(s, INK_DIM, "  %zu earlier ones, and\n", count - SHOWN);
        json_array_foreach(list, i, gap)
        {
                if (i + SHOWN < count)
                        continue;
                units_time(answer_text(gap, "from", time, sizeof time), from);
                units_time(answer_text(gap, "to", time, sizeof time), to);
                answer_text_or(gap, "source", "?", source, sizeof source);
                double n = answer_number(gap, "missed");
                screen_put(s, INK_YELLOW, "  %s to %s  %s  ", from, to, source);
                if (isnan(n))
                        screen_put(s, INK_PLAIN, "unknown how many");
                else
                        screen_put(s, INK_PLAIN, "%s missed", units_count(n, missed));
                answer_text(gap, "text", text, sizeof text);
                screen_put(s, INK_DIM, "%s%s\n", *text ? "  " : "", text);
        }
}

static void print(const struct options *o, const struct screen *s, json_t *j)
{
        host_line(s, j);
        host_rows(s, j);
        source_rows(s, j);
        store_row(s, j);
        self_row(s, j);
        findings_print(s, answer_list(j, "findings"), answer_list(j, "pending"));
        gaps(s, j);
}

static int exit_of(json_t *j)
{
        return findings_firing(answer_list(j, "findings")) ? EXIT_BAD : EXIT_DONE;
}

static int once(const struct options *o)
{
        struct target t;

        target_init(&t, "status");
        return client_show(o, &t, print, exit_of);
}

static int run(int argc, char **argv)
{
        struct options o;
        int r = options_parse(&o, &verb_status, 0, argc, argv);

        return r == OPTIONS_GO_ON ? client_watch(&o, once) : r;
}

const struct verb verb_status = {
        .name = "status",
        .args = "",
        .summary = "show the host, what is wrong with it, and what can't be seen",
        .description =
                "Shows load, CPU, memory and pressure of the host, how many zombies and services there are, "
                "which sources of facts run and why others don't, every open finding with its remedy, what "
                "isn't a finding yet because it has not lasted long enough, and the gaps: spans in which "
                "events were missed.\n\n"
                "Pressure is the share of time in which some task waited for the resource, over the last "
                "ten seconds. Load alone says little; load together with pressure means that work waits.",
        .bad = "a finding of severity warning or critical is open",
        .examples = "sexton status --watch\nLook at the host every two seconds.\n"
                    "sexton status --json | jq .findings\nThe open findings for another program.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .asks_daemon = true,
        .run = run,
};
