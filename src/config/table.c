/* The table of keys and what is said from it: see table.h. */
#include "config/table.h"

#include "base/text.h"

#include <string.h>

#define AT(field) sizeof(((struct config *)NULL)->field), offsetof(struct config, field)

static const char *const mode_choices[] = {[MODE_OBSERVE] = "observe", [MODE_ENFORCE] = "enforce", NULL};
static const char *const severity_choices[] = {
        [SEVERITY_INFO] = "info", [SEVERITY_WARNING] = "warning", [SEVERITY_CRITICAL] = "critical", NULL};
static const char *const step_choices[] = {
        "weight", "quota", "memory", "pids", "freeze", "hold", "stop", "restart", "quarantine", "bury", NULL};
static const char *const day_choices[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

const struct key config_keys[] = {
        {"mode", KEY_WORD, AT(mode), .choices = mode_choices, .def = "observe",
                .prose = "observe only looks and tells; enforce may act on what it finds"},
        {"grace", KEY_DURATION, AT(grace), 0, 86400,
                .prose = "a zombie younger than this is transient and worries nobody"},
        {"act_only_in", KEY_GLOBS, AT(act_only_in), .def = "[]",
                .prose = "services (patterns with * and ?) that actions may touch; empty: all but those that "
                         "are never "
                         "touched"},
        {"actions.max_per_minute", KEY_COUNT, AT(actions.max_per_minute), 0, 60,
                .prose =
                        "Sexton takes at most so many actions a minute by itself; a person may ask for more"},
        {"actions.dead_man", KEY_DURATION, AT(actions.dead_man), 2, 300,
                .prose = "when the guard has not moved for so long, all that it did to services is undone"},
        {"listen", KEY_LISTEN, AT(listen),
                .prose = "loopback address and port of the HTTP API; port 0 takes any free one, \"\" opens "
                         "none"},
        {"socket", KEY_PATH, AT(socket), .prose = "Unix socket of the HTTP API, which the verbs ask"},
        {"http.token_file", KEY_SECRET, AT(http.token_file), .def = "",
                .prose = "file whose first line is the token that lets who sends it change things over TCP; "
                         "\"\" lets nobody; it is read when the recorder starts"},
        {"data_dir", KEY_PATH, AT(data_dir), .prose = "folder for what is kept on disk"},
        {"proc_root", KEY_PATH, AT(proc_root), .prose = "where the host's /proc is mounted"},
        {"cgroup_root", KEY_PATH, AT(cgroup_root), .prose = "where the host's cgroup hierarchy is mounted"},
        {"engine.enabled", KEY_BOOL, AT(engine.enabled),
                .prose = "ask the container engine for names, labels and health"},
        {"engine.socket", KEY_PATH, AT(engine.socket), .def = "",
                .prose = "the engine's API socket; \"\" looks for Docker's, then Podman's"},
        {"sources.netlink", KEY_BOOL, AT(sources.netlink),
                .prose = "use the kernel's process connector where BPF can't be used"},
        {"sources.bpf", KEY_BOOL, AT(sources.bpf),
                .prose = "use BPF programs: all of each life, with the exact CPU of the short-lived"},
        {"sources.pidfd", KEY_BOOL, AT(sources.pidfd), .prose = "use a pidfd per zombie to see its burial"},
        {"sources.psi", KEY_BOOL, AT(sources.psi), .prose = "use pressure triggers"},
        {"sources.scan_interval", KEY_DURATION, AT(sources.scan_interval), 0.1, 3600,
                .prose = "how often /proc is read when nothing tells of births and deaths"},
        {"sources.drain_interval", KEY_DURATION, AT(sources.drain_interval), 0.001, 1,
                .prose = "how long kernel events are gathered before one wake-up takes them"},
        {"store.retention", KEY_DURATION, AT(store.retention), 3600, 315360000,
                .prose = "events, samples and what is resolved are kept for so long"},
        {"store.max_size", KEY_BYTES, AT(store.max_size), 16 << 20, 1e12,
                .prose = "and in so many bytes, the write-ahead log included: the oldest go first"},
        {"watchdog.hang", KEY_DURATION, AT(watchdog.hang), 5, 3600,
                .prose = "a guard or recorder that shows no sign of life for so long is ended and started "
                         "again"},
        {"watchdog.device", KEY_PATH, AT(watchdog.device), .def = "",
                .prose = "the kernel's watchdog, such as /dev/watchdog, which resets the host when the guard "
                         "shows no sign of life for as long as the device allows; \"\" uses none"},
        {"incident.calm", KEY_DURATION, AT(incident.calm), 0, 86400,
                .prose = "an incident is resolved when all its findings have been over for so long"},
        {"incident.reopen", KEY_DURATION, AT(incident.reopen), 0, 604800,
                .prose = "trouble that comes back sooner after it was resolved is the same incident again"},
        {"rescue.listen", KEY_ADDRESS, AT(rescue.listen), .def = "",
                .prose = "address and port of the rescue console, such as 127.0.0.1:9722; \"\" has none"},
        {"rescue.authorized_keys", KEY_PATH, AT(rescue.authorized_keys),
                .prose = "file of the keys that may log in at the rescue console, as sshd's authorized_keys"},
        {"rescue.serial", KEY_PATH, AT(rescue.serial), .def = "",
                .prose = "serial line on which the rescue console answers without a login, such as "
                         "/dev/ttyS1; "
                         "\"\" has none"},
        {"notify", KEY_NOTIFY, AT(notify), .def = "[]",
                .prose = "who is told of incidents: a list of {name, type, ...}, see docs/notify.md"},
        {"quiet_hours.from", KEY_CLOCK, AT(quiet_hours.from), .def = "",
                .prose = "when quiet hours begin, such as \"22:00\", in the zone of the host; \"\" has none; "
                         "what is held back is told when they end"},
        {"quiet_hours.to", KEY_CLOCK, AT(quiet_hours.to), .def = "",
                .prose = "when they end; earlier than from means the next day"},
        {"quiet_hours.days", KEY_LIST, AT(quiet_hours.days), .def = "[]", .choices = day_choices,
                .prose = "days on which they begin; empty: every day"},
        {"quiet_hours.min_severity", KEY_WORD, AT(quiet_hours.min_severity), .def = "critical",
                .choices = severity_choices,
                .prose = "incidents at least as severe are told at once all the same"},
#define P(section, key, type, def_, min_, max_, prose_)                                                      \
        {"detect." #section "." #key, KEY_##type, AT(detect.section##_##key), min_, max_, .prose = prose_},
        DETECT_PARAMS(P)
#undef P
#define R(detector, steps, prose_)                                                                           \
        {"ladder." #detector, KEY_LIST, AT(ladder.rule_##detector), .choices = step_choices, .prose = prose_},
                LADDER_RULES(R)
#undef R
                        {"breaker.steps", KEY_LIST, AT(ladder.breaker_steps), .choices = step_choices,
                                .prose = "steps against the top contributor while it is open"},
#define S(key, field_, type, def_, min_, max_, prose_)                                                       \
        {key, KEY_##type, AT(ladder.field_), min_, max_, .prose = prose_},
        LADDER_PARAMS(S)
#undef S
};
const size_t config_keys_count = ARRAY_SIZE(config_keys);

const struct key *table_find(const char *name)
{
        for (size_t i = 0; i < config_keys_count; i++)
                if (!strcmp(config_keys[i].name, name))
                        return &config_keys[i];
        return NULL;
}

bool table_is_section(const char *name)
{
        size_t n = strlen(name);

        for (size_t i = 0; i < config_keys_count; i++)
                if (!strncmp(config_keys[i].name, name, n) && config_keys[i].name[n] == '.')
                        return true;
        return false;
}

/* Part of the key `full` that stands directly below prefix, into part[64]; false when it is elsewhere. */
static bool part_below(const char *full, const char *prefix, char part[static 64])
{
        size_t n = strlen(prefix);

        if (n && (strncmp(full, prefix, n) || full[n] != '.'))
                return false;
        full += n ? n + 1 : 0;
        n = strcspn(full, ".");
        if (n >= 64)
                return false;
        memcpy(part, full, n);
        part[n] = '\0';
        return true;
}

/* A whole part of `full`, other than directly below the top, that equals name: keeps the path to it. */
static bool path_to(const char *full, const char *name, char ret[static 200])
{
        size_t n = strlen(name);

        for (const char *p = strchr(full, '.'); p; p = strchr(p + 1, '.'))
                if (!strncmp(p + 1, name, n) && (p[1 + n] == '.' || p[1 + n] == '\0')) {
                        snprintf(ret, 200, "%.*s", (int)(p + 1 + n - full), full);
                        return true;
                }
        return false;
}

void nearest_try(struct nearest *n, const char *candidate)
{
        size_t letters = MAX(strlen(n->word), strlen(candidate));
        size_t d = text_distance(n->word, candidate);

        if (d > MAX(letters / 3, (size_t)1) || d >= letters)
                return;
        if (!n->best || d < n->distance) {
                n->best = candidate;
                n->distance = d;
        }
}

const char *table_suggest(const char *prefix, const char *name, char ret[static 200])
{
        static const char *const top[] = {"actions", "detect", "engine", "http", "ladder", "quiet_hours",
                "rescue", "sources", "steps", "watchdog", NULL};
        struct nearest near = {.word = name};
        char part[64], best[64];

        for (size_t i = 0; i < config_keys_count; i++) {
                if (!part_below(config_keys[i].name, prefix, part))
                        continue;
                nearest_try(&near, part);
                if (near.best == part) /* the next row writes over part[] */
                        near.best = strcpy(best, part);
        }
        if (near.best) {
                snprintf(ret, 200, "%s", best);
                return ret;
        }
        /* "zombie_leak:" at the top, which belongs below "detect:"; or a top key too deep */
        for (size_t i = 0; i < config_keys_count; i++)
                if (path_to(config_keys[i].name, name, ret))
                        return ret;
        for (size_t i = 0; top[i]; i++)
                if (!strcmp(top[i], name)) {
                        snprintf(ret, 200, "%s at the top of the file", name);
                        return ret;
                }
        return NULL;
}

static const char *type_name(const struct key *k)
{
        static const char *const names[] = {
                [KEY_DURATION] = "duration",
                [KEY_NUMBER] = "number",
                [KEY_RATIO] = "ratio",
                [KEY_COUNT] = "whole number",
                [KEY_BYTES] = "bytes",
                [KEY_BOOL] = "true or false",
                [KEY_PATH] = "path",
                [KEY_LISTEN] = "host:port",
                [KEY_ADDRESS] = "address:port",
                [KEY_URL] = "URL",
                [KEY_NAME] = "text",
                [KEY_GLOBS] = "list",
                [KEY_LIST] = "list",
                [KEY_CLOCK] = "time of day",
                [KEY_SECRET] = "path or credential",
                [KEY_NOTIFY] = "list",
        };
        return k->type == KEY_WORD || k->type == KEY_CHOICE ? "word" : names[k->type];
}

static bool is_number(const struct key *k)
{
        return k->type <= KEY_BYTES;
}

/* "[a, b]" of what is kept with newlines between. */
static void list_show(const char *text, char ret[static 300])
{
        size_t n = 1;

        ret[0] = '[';
        for (; *text && n < 296; text++) {
                if (*text == '\n')
                        ret[n++] = ',';
                ret[n++] = *text == '\n' ? ' ' : *text;
        }
        ret[n++] = ']';
        ret[n] = '\0';
}

static const char *default_of(const struct config *c, const struct key *k, char ret[static 300])
{
        const char *field = (const char *)c + k->offset;
        char number[40];

        if (k->def)
                snprintf(ret, 300, "%s", *k->def ? k->def : "\"\"");
        else if (k->type == KEY_LIST)
                list_show(field, ret);
        else if (k->type == KEY_BOOL && k->size == sizeof(bool))
                snprintf(ret, 300, "%s", *(const bool *)field ? "true" : "false");
        else if (is_number(k) || k->type == KEY_BOOL) {
                double v;
                memcpy(&v, field, sizeof v);
                snprintf(ret, 300, "%s", value_show(k->type, v, number));
        } else
                snprintf(ret, 300, "%s", field);
        return ret;
}

static const char *bounds_of(const struct key *k, char ret[static 120])
{
        char low[40], high[40];
        size_t n = 0;

        ret[0] = '\0';
        if (is_number(k))
                snprintf(ret, 120, "%s to %s", value_show(k->type, k->min, low),
                        value_show(k->type, k->max, high));
        for (size_t i = 0; k->choices && k->choices[i] && n < 120; i++)
                n += (size_t)snprintf(ret + n, 120 - n, "%s%s", i ? " or " : "", k->choices[i]);
        return ret;
}

void config_describe(FILE *out, bool mdoc)
{
        struct config c;
        char def[300], bounds[120];

        config_defaults(&c);
        if (mdoc)
                fputs(".Bl -tag -width Ds\n", out);
        for (size_t i = 0; i < config_keys_count; i++) {
                const struct key *k = &config_keys[i];
                default_of(&c, k, def);
                bounds_of(k, bounds);
                if (mdoc)
                        fprintf(out, ".It Ic %s\n.Pq %s%s%s, default %s\n%c%s.\n", k->name, type_name(k),
                                *bounds ? ", " : "", bounds, *def == '"' ? "empty" : def,
                                k->prose[0] >= 'a' && k->prose[0] <= 'z' ? k->prose[0] - 'a' + 'A'
                                                                         : k->prose[0],
                                k->prose + 1);
                else
                        fprintf(out, "%s: %s\n    %s%s%s. %s.\n", k->name, def, type_name(k),
                                *bounds ? ", " : "", bounds, k->prose);
        }
        if (mdoc)
                fputs(".El\n", out);
}

/* The parts of a dotted name that the one before didn't have yet, each a line; then the key itself. */
static void example_key(FILE *out, const char *name, const char *before, const char *value)
{
        const char *part = name;
        int depth = 0;
        bool same = true;

        for (const char *dot; (dot = strchr(part, '.')); part = dot + 1, depth++) {
                same = same && !strncmp(name, before, (size_t)(dot + 1 - name));
                if (!same)
                        fprintf(out, "#%*s%.*s:\n", 2 * depth, "", (int)(dot - part), part);
        }
        fprintf(out, "#%*s%s: %s\n", 2 * depth, "", part, value);
}

void config_example(FILE *out)
{
        const char *before = "";
        char def[300], bounds[120];
        struct config c;

        config_defaults(&c);
        fputs("# Configuration of Sexton: every key with its default. A line takes effect without its first "
              "#,\n"
              "# together with the lines of the sections it stands in. What conf.d/*.yaml beside this file "
              "say\n"
              "# comes later and wins. sexton check-config finds mistakes; sexton.yaml(5) is the manual.\n",
                out);
        for (size_t i = 0; i < config_keys_count; i++) {
                const struct key *k = &config_keys[i];
                bounds_of(k, bounds);
                fprintf(out, "\n# %s (%s%s%s)\n", k->prose, type_name(k), *bounds ? ", " : "", bounds);
                example_key(out, k->name, before, default_of(&c, k, def));
                before = k->name;
        }
}
