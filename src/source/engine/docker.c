/* The Docker API's JSON: see docker.h. Everything in it that a container's author chose (names, labels,
 * commands) is kept as bytes, cut to its field; a value of another type than expected reads as not there.
 */
#include "source/engine/docker.h"

#include "base/text.h"
#include "base/util.h"
#include "source/engine/labels.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* What Docker takes when a health check says nothing. */
#define HEALTH_DEFAULT_NS (30 * NSEC_PER_SEC)
#define TIMED_OUT_TEXT    "Health check exceeded timeout"
#define FNV_START         UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME         UINT64_C(0x100000001b3)

static void decref_impl(json_t **j)
{
        json_decref(*j);
}
#define cleanup_json cleanup(decref_impl)

static int parse(const char *text, size_t len, json_t **ret)
{
        json_error_t e;
        json_t *j = json_loadb(text, len, JSON_ALLOW_NUL, &e);

        if (!j)
                return json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
        if (!json_is_object(j)) {
                json_decref(j);
                return -EBADMSG;
        }
        *ret = j;
        return 0;
}

/* ---- values: the neutral one when absent or of another type ---- */

static const char *str(const json_t *o, const char *key)
{
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

static int64_t integer(const json_t *o, const char *key)
{
        return json_integer_value(json_object_get(o, key));
}

static uint64_t positive(const json_t *o, const char *key)
{
        int64_t v = integer(o, key);

        return v > 0 ? (uint64_t)v : 0;
}

static bool truth(const json_t *o, const char *key)
{
        return json_is_true(json_object_get(o, key));
}

/* Numbers in event attributes are strings. */
static int64_t attribute_number(const json_t *o, const char *key, int64_t otherwise)
{
        const char *s = str(o, key);
        int64_t v;

        return text_i64(&s, &v) && !*s ? v : otherwise;
}

static int32_t to_i32(int64_t v)
{
        return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

struct word {
        const char *name;
        int value;
};

static int word_value(const struct word *w, size_t n, const char *s, int otherwise)
{
        for (size_t i = 0; i < n; i++)
                if (!strcmp(w[i].name, s))
                        return w[i].value;
        return otherwise;
}
#define lookup(words, s, otherwise) word_value(words, ARRAY_SIZE(words), s, otherwise)

static const struct word state_words[] = {
        {"created", CONTAINER_CREATED},
        {"configured", CONTAINER_CREATED}, /* Podman */
        {"running", CONTAINER_RUNNING},
        {"paused", CONTAINER_PAUSED},
        {"restarting", CONTAINER_RESTARTING},
        {"exited", CONTAINER_EXITED},
        {"stopped", CONTAINER_EXITED}, /* Podman */
        {"dead", CONTAINER_EXITED},
        {"removing", CONTAINER_EXITED},
};
static const struct word health_words[] = {
        {"starting", HEALTH_STARTING},
        {"healthy", HEALTH_HEALTHY},
        {"unhealthy", HEALTH_UNHEALTHY},
};
static const struct word policy_words[] = {
        {"always", RESTART_ALWAYS},
        {"unless-stopped", RESTART_UNLESS_STOPPED},
        {"on-failure", RESTART_ON_FAILURE},
};
/* Programs that wait for orphans when they are PID 1, as images bring them. */
static const struct word init_words[] = {
        {"tini", 1},
        {"tini-static", 1},
        {"dumb-init", 1},
        {"docker-init", 1},
        {"catatonit", 1},
        {"s6-svscan", 1},
        {"systemd", 1},
};
static const struct word action_words[] = {
        {"create", DOCKER_CREATE},
        {"start", DOCKER_START},
        {"die", DOCKER_DIE},
        {"died", DOCKER_DIE}, /* Podman's own words, which some of its versions let through */
        {"stop", DOCKER_STOP},
        {"kill", DOCKER_KILL},
        {"restart", DOCKER_RESTART},
        {"pause", DOCKER_PAUSE},
        {"unpause", DOCKER_UNPAUSE},
        {"destroy", DOCKER_DESTROY},
        {"remove", DOCKER_DESTROY},
        {"oom", DOCKER_OOM},
        {"update", DOCKER_UPDATE},
        {"rename", DOCKER_RENAME},
        {"health_status", DOCKER_HEALTH},
        {"exec_start", DOCKER_EXEC_START},
        {"exec_die", DOCKER_EXEC_DIE},
        {"exec_died", DOCKER_EXEC_DIE},
};

/* ---- commands ---- */

/* Joins words with blanks: the first bytes to dst, a hash of all. Blanks at the end count for nothing:
 * Docker writes "exec_start: true " for a command without arguments. */
struct joined {
        char *dst;
        size_t size, len, blanks;
        uint64_t hash;
};

static void joined_byte(struct joined *j, char c)
{
        j->hash = (j->hash ^ (unsigned char)c) * FNV_PRIME;
        if (j->len + 1 < j->size)
                j->dst[j->len++] = c;
        j->dst[j->len] = '\0';
}

static void joined_add(struct joined *j, const char *s)
{
        for (; *s; s++) {
                if (*s == ' ') {
                        j->blanks++;
                        continue;
                }
                for (; j->blanks; j->blanks--)
                        joined_byte(j, ' ');
                joined_byte(j, *s);
        }
}

static void joined_word(struct joined *j, const char *s, bool first)
{
        if (!first)
                j->blanks++;
        joined_add(j, s);
}

static struct joined joined_into(char *dst, size_t size)
{
        dst[0] = '\0';
        return (struct joined){.dst = dst, .size = size, .hash = FNV_START};
}

static void health_command(const json_t *config, struct docker_container *d)
{
        const json_t *check = json_object_get(config, "Healthcheck");
        const json_t *test = json_object_get(check, "Test");
        const json_t *shell = json_object_get(config, "Shell");
        const char *form = json_string_value(json_array_get(test, 0));
        struct joined j = joined_into(d->c.health_command, sizeof d->c.health_command);
        bool first = true;

        if (!form || json_array_size(test) < 2)
                return;
        d->c.health_shell = !strcmp(form, "CMD-SHELL");
        if (!d->c.health_shell && strcmp(form, "CMD"))
                return; /* NONE */
        if (d->c.health_shell && json_array_size(shell) == 0) {
                joined_word(&j, "/bin/sh -c", true);
                first = false;
        } else if (d->c.health_shell) {
                for (size_t i = 0; i < json_array_size(shell); i++, first = false) {
                        const char *s = json_string_value(json_array_get(shell, i));
                        joined_word(&j, s ? s : "", first);
                }
        }
        for (size_t i = 1; i < json_array_size(test); i++, first = false) {
                const char *s = json_string_value(json_array_get(test, i));
                joined_word(&j, s ? s : "", first);
        }
        d->health_hash = j.hash;
        uint64_t interval = positive(check, "Interval"), timeout = positive(check, "Timeout");
        d->c.health_interval_ns = interval ? interval : HEALTH_DEFAULT_NS;
        d->c.health_timeout_ns = timeout ? timeout : HEALTH_DEFAULT_NS;
}

/* ---- labels ---- */

static const char *label(const void *labels, const char *name)
{
        return json_string_value(json_object_get(labels, name));
}

static void read_labels(const json_t *labels, struct container *c)
{
        static const char compose[] = "com.docker.compose.";
        const struct {
                const char *name;
                char *dst;
                size_t size;
        } texts[] = {
                {"project", c->project, sizeof c->project},
                {"service", c->compose_service, sizeof c->compose_service},
                {"container-number", c->number, sizeof c->number},
                {"config-hash", c->config_hash, sizeof c->config_hash},
        };
        char key[64];

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                snprintf(key, sizeof key, "%s%s", compose, texts[i].name);
                text_set(texts[i].dst, texts[i].size, str(labels, key));
        }
        text_set(c->label_name, sizeof c->label_name, str(labels, "sexton.name"));
        c->label_protect = labels_on(label(labels, "sexton.protect"));
        c->label_autoheal = labels_on(label(labels, "autoheal"));
        c->label_zombies_ignore = !strcmp(str(labels, "sexton.zombies"), "ignore");
        labels_read(&c->labels, label, labels);
}

static void read_name(const char *name, struct container *c)
{
        text_set(c->name, sizeof c->name, *name == '/' ? name + 1 : name);
}

/* Ids go into URLs and file names: hexadecimal digits only, else the container is not one. */
static bool read_id(const char *id, char *dst, size_t size)
{
        size_t n = strspn(id, "0123456789abcdef");

        return n >= 12 && id[n] == '\0' && n < size && text_set(dst, size, id);
}

/* ---- times ---- */

static bool digits(const char **p, int n, int *ret)
{
        *ret = 0;
        for (int i = 0; i < n; i++, (*p)++) {
                if (**p < '0' || **p > '9')
                        return false;
                *ret = *ret * 10 + (**p - '0');
        }
        return true;
}

static bool zone(const char *p, int *ret_seconds)
{
        int h, m, sign = *p == '-' ? -1 : 1;

        *ret_seconds = 0;
        if ((*p == 'Z' || *p == 'z') && !p[1])
                return true;
        if (*p != '+' && *p != '-')
                return false;
        p++;
        if (!digits(&p, 2, &h) || *p++ != ':' || !digits(&p, 2, &m) || *p)
                return false;
        *ret_seconds = sign * (h * 3600 + m * 60);
        return true;
}

int64_t docker_time_parse(const char *s)
{
        static const char separators[] = "--T::";
        int v[6], offset;
        int64_t ns = 0;
        const char *p = s;

        for (int i = 0; i < 6; i++)
                if (!digits(&p, i ? 2 : 4, &v[i]) || (i < 5 && *p++ != separators[i]))
                        return 0;
        if (*p == '.') {
                int64_t unit = (int64_t)NSEC_PER_SEC;
                for (p++; *p >= '0' && *p <= '9'; p++)
                        ns += (*p - '0') * (unit /= 10);
        }
        if (v[1] > 12 || v[2] > 31 || v[3] > 24 || v[4] > 60 || v[5] > 60)
                return 0;
        /* Before 1970 is Go's zero time; behind 2262 nanoseconds don't fit. */
        if (!zone(p, &offset) || v[0] < 1970 || v[0] > 2261)
                return 0;
        struct tm tm = {.tm_year = v[0] - 1900,
                .tm_mon = v[1] - 1,
                .tm_mday = v[2],
                .tm_hour = v[3],
                .tm_min = v[4],
                .tm_sec = v[5]};
        return ((int64_t)timegm(&tm) - offset) * (int64_t)NSEC_PER_SEC + ns;
}

/* Boot time of a wall time; what happened before the host's boot reads as 1, its first moment. */
static uint64_t boot_time(int64_t unix_ns, int64_t wall_offset_ns)
{
        if (unix_ns == 0)
                return 0;
        return unix_ns <= wall_offset_ns ? 1 : (uint64_t)(unix_ns - wall_offset_ns);
}

/* ---- events ---- */

static int32_t signal_number(const char *s)
{
        int64_t v;
        const char *p = s;

        if (text_i64(&p, &v))
                return *p || v < 0 || v > 64 ? 0 : (int32_t)v;
        if (!strncmp(s, "SIG", 3))
                s += 3;
        if (!strncmp(s, "RTMIN+", 6)) {
                p = s + 6;
                return text_i64(&p, &v) && v >= 0 && v < 30 ? 34 + (int32_t)v : 0;
        }
        for (int i = 1; i < 32; i++) {
                const char *name = sigabbrev_np(i);
                if (name && !strcmp(name, s))
                        return i;
        }
        return 0;
}

/* "exec_start: /bin/sh -c true": action, then its argument. */
static void read_action(const char *action, const json_t *attributes, struct docker_event *e)
{
        char word[16];
        const char *colon = strstr(action, ": ");
        const char *argument = colon ? colon + 2 : "";

        text_copy(word, sizeof word, action, colon ? (size_t)(colon - action) : strlen(action));
        e->action = lookup(action_words, word, DOCKER_OTHER);
        if (e->action == DOCKER_HEALTH)
                e->health = (uint8_t)lookup(
                        health_words, *argument ? argument : str(attributes, "health_status"), HEALTH_NONE);
        if (e->action == DOCKER_EXEC_START) {
                struct joined j = joined_into(e->command, sizeof e->command);
                joined_add(&j, argument);
                e->command_hash = j.hash;
        }
}

int docker_event_parse(const char *text, size_t len, struct docker_event *ret)
{
        cleanup_json json_t *j = NULL;
        int r = parse(text, len, &j);

        if (r < 0)
                return r;
        const json_t *actor = json_object_get(j, "Actor");
        const json_t *attributes = json_object_get(actor, "Attributes");
        struct docker_event e = {.ran = NAN};

        const char *type = str(j, "Type");
        if (*type && strcmp(type, "container")) {
                *ret = e;
                return 0;
        }
        /* Newer versions have only the first of each pair, old ones only the second. */
        const char *id = str(actor, "ID"), *action = str(j, "Action");
        if (!read_id(*id ? id : str(j, "id"), e.container.id, sizeof e.container.id))
                return -EBADMSG;
        read_action(*action ? action : str(j, "status"), attributes, &e);
        e.unix_ns = integer(j, "timeNano");
        if (e.unix_ns <= 0)
                e.unix_ns = MIN(positive(j, "time"), (uint64_t)INT32_MAX * 4) * NSEC_PER_SEC;
        e.exit_code = to_i32(attribute_number(attributes, "exitCode", -1));
        e.signal = signal_number(str(attributes, "signal"));
        int64_t ran = attribute_number(attributes, "execDuration", -1);
        if (ran >= 0)
                e.ran = (double)ran;
        text_set(e.exec_id, sizeof e.exec_id, str(attributes, "execID"));
        read_name(str(attributes, "name"), &e.container);
        text_set(e.container.image, sizeof e.container.image, str(attributes, "image"));
        read_labels(attributes, &e.container);
        *ret = e;
        return 0;
}

/* ---- containers ---- */

static void read_probes(const json_t *health, struct docker_container *d)
{
        const json_t *log = json_object_get(health, "Log");
        size_t n = json_array_size(log);

        for (size_t i = n > DOCKER_PROBES ? n - DOCKER_PROBES : 0; i < n; i++) {
                const json_t *one = json_array_get(log, i);
                struct docker_probe *p = &d->probe[d->probe_count++];
                p->start_unix_ns = docker_time_parse(str(one, "Start"));
                p->end_unix_ns = docker_time_parse(str(one, "End"));
                p->exit_code = to_i32(integer(one, "ExitCode"));
                /* -1 alone also means a program that could not be started. */
                p->timed_out = p->exit_code == -1 &&
                               !strncmp(str(one, "Output"), TIMED_OUT_TEXT, sizeof TIMED_OUT_TEXT - 1);
        }
}

static void read_state(const json_t *state, int64_t wall_offset_ns, struct docker_container *d)
{
        struct container *c = &d->c;
        const json_t *health = json_object_get(state, "Health");

        c->state = (uint8_t)lookup(state_words, str(state, "Status"), CONTAINER_UNKNOWN);
        c->oom_killed = truth(state, "OOMKilled");
        c->init_pid = to_i32(integer(state, "Pid"));
        c->exit_code = to_i32(integer(state, "ExitCode"));
        d->started_unix_ns = docker_time_parse(str(state, "StartedAt"));
        c->started_ns = boot_time(d->started_unix_ns, wall_offset_ns);
        c->finished_ns = boot_time(docker_time_parse(str(state, "FinishedAt")), wall_offset_ns);
        c->health = (uint8_t)lookup(health_words, str(health, "Status"), HEALTH_NONE);
        read_probes(health, d);
}

static void read_host_config(const json_t *h, struct docker_container *d)
{
        struct container *c = &d->c;
        const json_t *init = json_object_get(h, "Init");
        uint64_t quota = positive(h, "CpuQuota"), period = positive(h, "CpuPeriod");

        c->policy =
                (uint8_t)lookup(policy_words, str(json_object_get(h, "RestartPolicy"), "Name"), RESTART_NO);
        c->memory_limit_bytes = positive(h, "Memory");
        c->pids_limit = positive(h, "PidsLimit");
        c->cpu_quota_millicores = positive(h, "NanoCpus") / 1000000;
        if (!c->cpu_quota_millicores && quota)
                c->cpu_quota_millicores =
                        (uint64_t)((double)quota * 1000 / (double)(period ? period : 100000));
        c->init = json_is_true(init);
        d->init_by_default = !init || json_is_null(init);
}

static bool path_reaps(const char *path)
{
        const char *slash = strrchr(path, '/');

        return lookup(init_words, slash ? slash + 1 : path, 0);
}

int docker_inspect_parse(const char *text, size_t len, int64_t wall_offset_ns, struct docker_container *ret)
{
        cleanup_json json_t *j = NULL;
        cleanup_free struct docker_container *d = calloc(1, sizeof *d);
        int r = d ? parse(text, len, &j) : -ENOMEM;

        if (r < 0)
                return r;
        const json_t *config = json_object_get(j, "Config");
        if (!read_id(str(j, "Id"), d->c.id, sizeof d->c.id))
                return -EBADMSG;
        read_name(str(j, "Name"), &d->c);
        text_set(d->c.image, sizeof d->c.image, str(config, "Image"));
        text_set(d->c.image_id, sizeof d->c.image_id, str(j, "Image"));
        d->c.restart_count = (uint32_t)MIN(positive(j, "RestartCount"), (uint64_t)UINT32_MAX);
        read_labels(json_object_get(config, "Labels"), &d->c);
        read_state(json_object_get(j, "State"), wall_offset_ns, d);
        read_host_config(json_object_get(j, "HostConfig"), d);
        if (path_reaps(str(j, "Path")))
                d->c.init = true;
        health_command(config, d);
        d->stop_signal = signal_number(str(config, "StopSignal"));
        *ret = *d;
        return 0;
}

int docker_list_item_parse(const char *text, size_t len, struct container *ret)
{
        cleanup_json json_t *j = NULL;
        struct container c = {0};
        int r = parse(text, len, &j);

        if (r < 0)
                return r;
        if (!read_id(str(j, "Id"), c.id, sizeof c.id))
                return -EBADMSG;
        const char *name = json_string_value(json_array_get(json_object_get(j, "Names"), 0));
        read_name(name ? name : "", &c);
        text_set(c.image, sizeof c.image, str(j, "Image"));
        text_set(c.image_id, sizeof c.image_id, str(j, "ImageID"));
        c.state = (uint8_t)lookup(state_words, str(j, "State"), CONTAINER_UNKNOWN);
        read_labels(json_object_get(j, "Labels"), &c);
        *ret = c;
        return 0;
}

int docker_version_parse(const char *text, size_t len, uint8_t *ret_engine_state, char name[64])
{
        cleanup_json json_t *j = NULL;
        int r = parse(text, len, &j);

        if (r < 0)
                return r;
        const json_t *components = json_object_get(j, "Components");
        bool podman = false;
        for (size_t i = 0; i < json_array_size(components); i++)
                if (!strncasecmp(str(json_array_get(components, i), "Name"), "podman", 6))
                        podman = true;
        if (!json_is_string(json_object_get(j, "Version")))
                return -EBADMSG;
        char version[32];
        text_set(version, sizeof version, str(j, "Version"));
        *ret_engine_state = podman ? ENGINE_PODMAN : ENGINE_DOCKER;
        snprintf(name, 64, "%s %s", podman ? "Podman" : "Docker", version);
        return 0;
}
