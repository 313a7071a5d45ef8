/* Tests of source/engine/docker and json_split: recorded answers of Docker 20.10, hostile ones, answers split
 * at every byte, and memory that runs out anywhere.
 */
#include "base/util.h"
#include "source/engine/docker.h"
#include "source/engine/json_split.h"
#include "tap.h"

#include <errno.h>
#include <jansson.h>

#define ID "68d107562d5a4d87d4b7c03186aa891b6d79a62e2a5ae379a0673ae8e0b819de"

static char *fixture(const char *name, size_t *ret_len)
{
        char path[512];
        const char *root = getenv("SEXTON_FIXTURES");

        snprintf(path, sizeof path, "%s/docker/%s", root ? root : "tests/fixtures", name);
        FILE *f = fopen(path, "r");
        if (!f)
                abort();
        char *text = calloc(1, 1 << 16);
        *ret_len = fread(text, 1, (1 << 16) - 1, f);
        fclose(f);
        return text;
}

struct seen {
        struct docker_event event[32];
        int count, bad;
};

static void on_event(void *ctx, const char *text, size_t len)
{
        struct seen *s = ctx;

        if (s->count == 32 || docker_event_parse(text, len, &s->event[s->count]) < 0)
                s->bad++;
        else
                s->count++;
}

/* ---- json_split ---- */

static void events_split_anywhere(void)
{
        size_t len;
        char *text = fixture("events-20.10.jsonl", &len);

        for (size_t i = 0; i <= len; i++) {
                struct seen s = {0};
                struct json_split j;
                json_split_init(&j, 1 << 20, on_event, &s);
                check_int(json_split_feed(&j, text, i), 0);
                check_int(json_split_feed(&j, text + i, len - i), 0);
                check_int(s.count, 17);
                check_int(s.bad, 0);
                json_split_done(&j);
        }
        free(text);
}

static char got[8][64];
static int got_count;

static void on_object(void *ctx, const char *text, size_t len)
{
        if (got_count < 8)
                snprintf(got[got_count], sizeof got[0], "%.*s", (int)len, text);
        got_count++;
}

static int split(const char *text, size_t max)
{
        struct json_split j;

        got_count = 0;
        json_split_init(&j, max, on_object, NULL);
        int r = json_split_feed(&j, text, strlen(text));
        json_split_done(&j);
        return r;
}

static void objects_of_any_shape(void)
{
        check_int(split("[{\"a\":[1,{\"b\":2}]},\n {\"c\":\"}]\\\"{\"} ]\n{}", 100), 0);
        check_int(got_count, 3);
        check_str(got[0], "{\"a\":[1,{\"b\":2}]}");
        check_str(got[1], "{\"c\":\"}]\\\"{\"}");
        check_str(got[2], "{}");
        /* Longer than allowed: skipped, and the next one is found. */
        check_int(split("{\"a\":\"0123456789\\u0000\"}{\"b\":1}", 10), 0);
        check_int(got_count, 1);
        check_str(got[0], "{\"b\":1}");
        check_int(split("nonsense", 100), -EPROTO);
        check_int(split("{} garbage {}", 100), -EPROTO);
        check_int(split("{\"never\": \"ends", 100), 0);
        check_int(got_count, 0);
        /* An escaped NUL, which the JSON library refuses in keys; \\u0000 is none. */
        check_int(split("{\"a\\u0000\":\"\\\\u0000\\u0001\"}", 100), 0);
        check_str(got[0], "{\"a\\ufffd\":\"\\\\u0000\\u0001\"}");
}

/* ---- events ---- */

static const struct docker_event *of(const struct seen *s, enum docker_action a)
{
        for (int i = 0; i < s->count; i++)
                if (s->event[i].action == a)
                        return &s->event[i];
        return &s->event[31]; /* unused */
}

static void recorded_events(void)
{
        struct seen *s = calloc(1, sizeof *s);
        struct json_split j;
        size_t len;
        char *text = fixture("events-20.10.jsonl", &len);

        json_split_init(&j, 1 << 20, on_event, s);
        check_int(json_split_feed(&j, text, len), 0);
        json_split_done(&j);
        const struct docker_event *e = of(s, DOCKER_CREATE);
        check_str(e->container.id, "87d2d50a97b7b670ba74222204693544746bc1cb6d603c42da6843128f3aa481");
        check_str(e->container.name, "smp");
        check_str(e->container.project, "odin");
        check_str(e->container.compose_service, "celery-worker");
        check_str(e->container.image, "repro/base:1");
        check(e->unix_ns == 1795465722779850901);
        check_int(of(s, DOCKER_DIE)->exit_code, 137);
        check_int(of(s, DOCKER_KILL)->signal, 15);
        check_int(of(s, DOCKER_HEALTH)->health, HEALTH_HEALTHY);
        e = of(s, DOCKER_EXEC_START);
        check_str(e->command, "/bin/sh -c test -e /ok");
        check_str(e->exec_id, "c876ab402ffd0dcc54e87aa44db545018cedea786c66daac0913bd7b8a2a117b");
        check_int(of(s, DOCKER_EXEC_DIE)->exit_code, 0);
        for (enum docker_action a = DOCKER_CREATE; a <= DOCKER_EXEC_DIE; a++)
                check(a == DOCKER_RENAME || of(s, a)->action == a);
        free(text);
        free(s);
}

static void recorded_by_podman(void)
{
        struct seen *s = calloc(1, sizeof *s);
        struct json_split j;
        size_t len;
        char *text = fixture("events-podman-4.3.jsonl", &len);

        json_split_init(&j, 1 << 20, on_event, s);
        check_int(json_split_feed(&j, text, len), 0);
        json_split_done(&j);
        check_int(s->bad, 0);
        check_int(of(s, DOCKER_DIE)->exit_code, 3);
        check_str(of(s, DOCKER_START)->container.compose_service, "w");
        check_int(of(s, DOCKER_HEALTH)->health, HEALTH_NONE);
        check_str(of(s, DOCKER_EXEC_DIE)->exec_id, "");
        check_str(of(s, DOCKER_DESTROY)->container.name, "hc");
        free(text);
        free(s);
}

static int parse_event(const char *text, struct docker_event *e)
{
        memset(e, 0, sizeof *e);
        return docker_event_parse(text, strlen(text), e);
}

static void other_engines_events(void)
{
        struct docker_event e;

        /* New Docker: no status, id, from. */
        check_int(
                parse_event("{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID
                            "\",\"Attributes\":{\"execDuration\":\"12\",\"exitCode\":\"1\"}},\"timeNano\":5}",
                        &e),
                0);
        check_int(e.action, DOCKER_DIE);
        check_int(e.exit_code, 1);
        check_near(e.ran, 12, 0);
        /* Podman. */
        check_int(parse_event("{\"status\":\"health_status\",\"id\":\"" ID "\",\"Actor\":{\"Attributes\":"
                              "{\"health_status\":\"unhealthy\"}},\"time\":7}",
                          &e),
                0);
        check_int(e.health, HEALTH_UNHEALTHY);
        check(e.unix_ns == 7000000000);
        check_int(parse_event("{\"Type\":\"network\",\"Action\":\"connect\"}", &e), 0);
        check_int(e.action, DOCKER_OTHER);
}

static void hostile_events(void)
{
        struct docker_event e;
        static char big[200000];

        check_int(parse_event("", &e), -EBADMSG);
        check_int(parse_event("[]", &e), -EBADMSG);
        check_int(parse_event("{\"Type\":\"container\",\"Action\":\"die\"}", &e), -EBADMSG);
        check_int(
                parse_event("{\"Type\":7,\"Action\":[],\"Actor\":{\"ID\":\"" ID "\",\"Attributes\":8}}", &e),
                0);
        check_int(e.action, DOCKER_OTHER);
        check_int(
                parse_event("{\"Action\":\"start\",\"Actor\":{\"ID\":\"../../etc/passwd\"}}", &e), -EBADMSG);
        check_int(parse_event("{\"Action\":\"\xff\xfe\",\"Actor\":{\"ID\":\"" ID "\"}}", &e), -EBADMSG);
        check_int(parse_event("{\"Action\":\"\\ud800\",\"Actor\":{\"ID\":\"" ID "\"}}", &e), -EBADMSG);
        check_int(parse_event("{\"Action\":\"kill\",\"Actor\":{\"ID\":\"" ID
                              "\",\"Attributes\":{\"signal\":\"99999999999999999999\"}}}",
                          &e),
                0);
        check_int(e.signal, 0);
        /* A command of 128 KB with newlines and escapes: cut, the hash is of all of it. */
        int n = snprintf(
                big, sizeof big, "{\"Actor\":{\"ID\":\"" ID "\"},\"Action\":\"exec_start: a\\n\\u001b[31m");
        memset(big + n, 'x', 131072);
        strcpy(big + n + 131072, "\"}");
        check_int(parse_event(big, &e), 0);
        check_int(strlen(e.command), BOARD_STRING - 1);
        check(!strncmp(e.command, "a\n\033[31mxxx", 10));
        uint64_t hash = e.command_hash;
        big[n + 131071] = 'y';
        check_int(parse_event(big, &e), 0);
        check(e.command_hash != hash);
}

/* ---- inspections ---- */

static int parse_inspect(const char *text, struct docker_container *d)
{
        memset(d, 0, sizeof *d);
        return docker_inspect_parse(text, strlen(text), 1000000000, d);
}

static void recorded_inspections(void)
{
        size_t len;
        char *text = fixture("inspect-shell-timeout.json", &len);
        struct docker_container d;
        int64_t offset = docker_time_parse("2026-11-23T00:00:00Z");

        check_int(docker_inspect_parse(text, len, offset, &d), 0);
        check_str(d.c.id, ID);
        check_str(d.c.name, "shell");
        check_str(d.c.project, "odin");
        check_str(d.c.compose_service, "worker");
        check_str(d.c.number, "1");
        check_str(d.c.health_command, "/bin/sh -c sleep 3; true");
        check(d.c.health_shell);
        check(d.c.health_interval_ns == 2000000000 && d.c.health_timeout_ns == 1000000000);
        check_int(d.c.state, CONTAINER_RUNNING);
        check_int(d.c.health, HEALTH_UNHEALTHY);
        check_int(d.c.init_pid, 9465);
        check(!d.c.init && !d.init_by_default);
        check(d.c.started_ns == 80231388994765);
        check(d.c.finished_ns == 0);
        check_int(d.probe_count, 3);
        check(d.probe[0].timed_out && d.probe[2].timed_out);
        check(d.probe[1].end_unix_ns - d.probe[1].start_unix_ns == 1000948660);
        free(text);

        text = fixture("inspect-init.json", &len);
        check_int(docker_inspect_parse(text, len, offset, &d), 0);
        check(d.c.init && !d.c.health_shell);
        check_str(d.c.health_command, "sleep 3");
        free(text);

        /* ExitCode -1, but because there is no such program. */
        text = fixture("inspect-no-program.json", &len);
        check_int(docker_inspect_parse(text, len, offset, &d), 0);
        check_int(d.probe_count, 4);
        check_int(d.probe[3].exit_code, -1);
        check(!d.probe[3].timed_out);
        free(text);
}

static void synthetic_inspection(void)
{
        struct docker_container d;

        check_int(
                parse_inspect(
                        "{\"Id\":\"" ID "\",\"Name\":\"/a\",\"RestartCount\":3,\"Path\":\"/usr/bin/tini\","
                        "\"State\":{\"Status\":\"exited\",\"OOMKilled\":true,\"ExitCode\":137,"
                        "\"StartedAt\":\"1970-01-01T00:00:00.5Z\",\"FinishedAt\":\"1970-01-01T01:00:02+01:"
                        "00\"},"
                        "\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"unless-stopped\"},\"Memory\":1048576,"
                        "\"PidsLimit\":100,\"CpuQuota\":50000,\"CpuPeriod\":200000},"
                        "\"Config\":{\"Image\":\"i:1\",\"StopSignal\":\"SIGRTMIN+3\",\"Shell\":[\"/bin/"
                        "bash\","
                        "\"-ec\"],\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"x  y \"]},\"Labels\":{"
                        "\"com.docker.compose.config-hash\":\"abc\",\"sexton.protect\":\"\",\"autoheal\":"
                        "\"False\","
                        "\"sexton.zombies\":\"ignore\",\"sexton.mode\":\"enforce\",\"sexton.name\":\"n\"}}}",
                        &d),
                0);
        check_int(d.c.state, CONTAINER_EXITED);
        check_int(d.c.policy, RESTART_UNLESS_STOPPED);
        check_int(d.c.restart_count, 3);
        check(d.c.oom_killed && d.c.init && d.init_by_default);
        check_int(d.c.exit_code, 137);
        check(d.c.started_ns == 1); /* before the boot */
        check(d.c.finished_ns == 1000000000);
        check_int(d.c.memory_limit_bytes, 1048576);
        check_int(d.c.pids_limit, 100);
        check_int(d.c.cpu_quota_millicores, 250);
        check_str(d.c.health_command, "/bin/bash -ec x  y");
        check(d.c.health_timeout_ns == 30000000000 && d.c.health_interval_ns == 30000000000);
        check_int(d.stop_signal, 37);
        check_str(d.c.config_hash, "abc");
        check_str(d.c.label_name, "n");
        check(d.c.label_protect && !d.c.label_autoheal && d.c.label_zombies_ignore);
        check_int(d.c.labels.mode, 2);

        check_int(parse_inspect("{\"Id\":\"" ID "\",\"Config\":{\"Healthcheck\":{\"Test\":[\"NONE\"]}}}", &d),
                0);
        check_str(d.c.health_command, "");
        check_int(
                parse_inspect(
                        "{\"Id\":\"" ID "\",\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}}", &d),
                0);
        /* Docker writes its event with a blank at the end. */
        struct docker_event e;
        check_int(parse_event("{\"Action\":\"exec_start: true \",\"Actor\":{\"ID\":\"" ID "\"}}", &e), 0);
        check(e.command_hash == d.health_hash);
        check_str(e.command, "true");
}

static void hostile_inspections(void)
{
        struct docker_container d;
        static char big[300000];

        check_int(parse_inspect("{}", &d), -EBADMSG);
        check_int(parse_inspect("{\"Id\":\"" ID "\",\"State\":[],\"Config\":\"x\",\"HostConfig\":7}", &d), 0);
        check_int(parse_inspect("{\"Id\":\"" ID "\",\"State\":{\"Pid\":99999999999,\"Health\":{\"Log\":[1,{"
                                "\"ExitCode\":\"x\"},null]}},"
                                "\"HostConfig\":{\"Memory\":-1,\"PidsLimit\":null,\"CpuQuota\":-1,"
                                "\"RestartPolicy\":[]},"
                                "\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",7,{}],\"Timeout\":-5},"
                                "\"Labels\":{\"autoheal\":true,\"sexton.name\":[1]}}}",
                          &d),
                0);
        check_int(d.c.init_pid, INT32_MAX);
        check_int(d.c.memory_limit_bytes, 0);
        check_int(d.c.pids_limit, 0);
        check_int(d.probe_count, 3);
        check(!d.c.label_autoheal);
        check_str(d.c.label_name, "");
        check(d.c.health_timeout_ns == 30000000000);
        /* A label of 128 KB with newlines, escapes and half a character at the cut. */
        int n = snprintf(big, sizeof big,
                "{\"Id\":\"" ID
                "\",\"Config\":{\"Labels\":{\"a\\u0000b\":\"x\",\"sexton.name\":\"<\\n\\u001b[2J");
        for (int i = 0; i < 131072; i += 2)
                memcpy(big + n + i, "\xc3\xa4", 2);
        strcpy(big + n + 131072, "\"}}}");
        struct json_split j;
        got_count = 0;
        json_split_init(&j, sizeof big, on_object, NULL);
        check_int(json_split_feed(&j, big, strlen(big)), 0);
        check_int(got_count, 1);
        json_split_done(&j);
        memcpy(strstr(big, "\\u0000"), "\\ufffd", 6);
        check_int(parse_inspect(big, &d), 0);
        check_int(strlen(d.c.label_name), sizeof d.c.label_name - 1);
        check(!strncmp(d.c.label_name, "<\n\033[2J\xc3\xa4", 8));
}

static void lists_and_versions(void)
{
        static const char item[] =
                "{\"Id\":\"" ID "\",\"Names\":[\"/crash\"],\"Image\":\"i:1\",\"State\":\"running\","
                "\"Labels\":{\"com.docker.compose.project\":\"p\"}}";
        static const char docker[] =
                "{\"Components\":[{\"Name\":\"Engine\"}],\"Version\":\"20.10.24+dfsg1\"}";
        static const char podman[] = "{\"Components\":[{\"Name\":\"Podman Engine\"}],\"Version\":\"4.3.1\"}";
        struct container c;
        uint8_t state = 0;
        char name[64];

        check_int(docker_list_item_parse(item, sizeof item - 1, &c), 0);
        check_str(c.name, "crash");
        check_str(c.project, "p");
        check_int(c.state, CONTAINER_RUNNING);
        check_int(docker_list_item_parse("{\"Id\":\"x\"}", 10, &c), -EBADMSG);
        check_int(docker_version_parse(docker, sizeof docker - 1, &state, name), 0);
        check_int(state, ENGINE_DOCKER);
        check_str(name, "Docker 20.10.24+dfsg1");
        check_int(docker_version_parse(podman, sizeof podman - 1, &state, name), 0);
        check_int(state, ENGINE_PODMAN);
        check_int(docker_version_parse("{\"message\":\"x\"}", 15, &state, name), -EBADMSG);
}

static void times(void)
{
        check(docker_time_parse("2026-11-23T22:17:13.390159309Z") == 1795472233390159309);
        check(docker_time_parse("2026-11-24T00:17:13.39+02:00") == 1795472233390000000);
        check(docker_time_parse("2026-11-23T22:17:13Z") == 1795472233000000000);
        check(docker_time_parse("2026-11-23T22:17:13.1234567891234Z") == 1795472233123456789);
        static const char *const bad[] = {"", "0001-01-01T00:00:00Z", "2026-11-23", "2026-11-23T22:17:13",
                "2026-13-23T22:17:13Z", "9999-01-01T00:00:00Z", "2026-11-23T22:17:13X",
                "2026-11-23T22:17:13+02", "2026-11-23T22:17:13Zx"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                check_int(docker_time_parse(bad[i]), 0);
}

/* ---- memory ---- */

static int allocations_left;

static void *failing_malloc(size_t n)
{
        return allocations_left-- > 0 ? malloc(n) : NULL;
}

static void no_memory_anywhere(void)
{
        size_t len;
        char *text = fixture("inspect-shell-timeout.json", &len);
        struct docker_container d;
        int r = -1, tries = 0;

        json_set_alloc_funcs(failing_malloc, free);
        while (r != 0 && tries < 100000) {
                allocations_left = tries++;
                r = docker_inspect_parse(text, len, 0, &d);
                check(r == 0 || r == -ENOMEM || r == -EBADMSG);
        }
        json_set_alloc_funcs(malloc, free);
        check_int(r, 0);
        check(tries > 100);
        check_str(d.c.name, "shell");
        free(text);
}

static void labels_for_the_ladder(void)
{
        struct docker_container d;
        char text[1000];

#define LABELS "{\"Id\":\"" ID "\",\"Config\":{\"Labels\":{%s}}}"
        snprintf(text, sizeof text, LABELS,
                "\"sexton.ladder\":\"weight, quota,freeze\",\"sexton.restart-budget\":\"5/1h30m\","
                "\"sexton.cpu-max\":\"0.5\",\"sexton.memory-max\":\"512m\",\"sexton.bury\":\"true\"");
        check_int(parse_inspect(text, &d), 0);
        check_int(d.c.labels.steps, 1 << ACTION_WEIGHT | 1 << ACTION_QUOTA | 1 << ACTION_FREEZE);
        check(d.c.labels.has_steps && d.c.labels.bury && !d.c.labels.bad && !d.c.labels.mode);
        check_int(d.c.labels.restarts, 5);
        check_int(d.c.labels.restarts_window_ns / NSEC_PER_SEC, 5400);
        check_int(d.c.labels.cpu_max_millicores, 500);
        check_int(d.c.labels.memory_max_bytes, 512 << 20);
        static const struct {
                const char *label;
                enum label_bad bad;
        } wrong[] = {{"\"sexton.mode\":\"enforced\"", LABEL_BAD_MODE},
                {"\"sexton.ladder\":\"weight;quota\"", LABEL_BAD_LADDER},
                {"\"sexton.ladder\":\"weight,\"", LABEL_BAD_LADDER},
                {"\"sexton.ladder\":\"weightweightweightweight\"", LABEL_BAD_LADDER},
                {"\"sexton.restart-budget\":\"3\"", LABEL_BAD_BUDGET},
                {"\"sexton.restart-budget\":\"0/1h\"", LABEL_BAD_BUDGET},
                {"\"sexton.restart-budget\":\"32/1h\"", LABEL_BAD_BUDGET},
                {"\"sexton.restart-budget\":\"3/8d\"", LABEL_BAD_BUDGET},
                {"\"sexton.restart-budget\":\"3/1h \"", LABEL_BAD_BUDGET},
                {"\"sexton.cpu-max\":\"half\"", LABEL_BAD_CPU}, {"\"sexton.cpu-max\":\"0\"", LABEL_BAD_CPU},
                {"\"sexton.memory-max\":\"12\"", LABEL_BAD_MEMORY}};
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                snprintf(text, sizeof text, LABELS, wrong[i].label);
                check_int(parse_inspect(text, &d), 0);
                check_int(d.c.labels.bad, wrong[i].bad);
        }
        snprintf(text, sizeof text, LABELS, "\"sexton.ladder\":\"none\"");
        check_int(parse_inspect(text, &d), 0);
        check(d.c.labels.has_steps && d.c.labels.steps == 0 && !d.c.labels.bad);
}

static void all(void)
{
        test(labels_for_the_ladder);
        test(events_split_anywhere);
        test(objects_of_any_shape);
        test(recorded_events);
        test(recorded_by_podman);
        test(other_engines_events);
        test(hostile_events);
        test(recorded_inspections);
        test(synthetic_inspection);
        test(hostile_inspections);
        test(lists_and_versions);
        test(times);
        test(no_memory_anywhere);
}

int main(void)
{
        return tap_main(all);
}
