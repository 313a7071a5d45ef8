/* The configuration: values, and the words of every kind of mistake. */
#include "base/util.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "tap.h"

static struct config c;
static struct config_problem problems[8];
static uint32_t count;

static int parse(const char *text)
{
        config_defaults(&c);
        memset(problems, 0, sizeof problems);
        return config_parse(&c, "t.yaml", text, strlen(text), problems, ARRAY_SIZE(problems), &count);
}

/* One problem exactly, with this text. */
#define check_problem(yaml, want)                                                                            \
        do {                                                                                                 \
                check_int(parse(yaml), -EINVAL);                                                             \
                check_int(count, 1);                                                                         \
                check_str(problems[0].text, want);                                                           \
        } while (0)

static void defaults_are_sound(void)
{
        check_int(parse(""), 0);
        check_int(count, 0);
        check_int(c.mode, MODE_OBSERVE);
        check_near(c.grace, 10, 0);
        check_str(c.socket, "/run/sexton/sexton.sock");
        check(c.sources.netlink && c.sources.bpf && c.engine.enabled);
        check_near(c.detect.restart_loop_window, 3600, 0);
        check_int(parse("# only a comment\n"), 0);
        check_int(parse("---\n...\n"), 0);
        check_int(parse("engine:\nact_only_in:\n"), 0);
}

static void every_key_is_read(void)
{
        check_int(parse("mode: enforce\n"
                        "grace: 1m30s\n"
                        "act_only_in: [shop/*, 'web-?']\n"
                        "listen: \"[::1]:0\"\n"
                        "socket: /tmp/s.sock\n"
                        "data_dir: /tmp/d\n"
                        "proc_root: /host/proc\n"
                        "cgroup_root: /host/cgroup\n"
                        "engine: {enabled: no, socket: /tmp/docker.sock}\n"
                        "sources: {netlink: off, bpf: false, pidfd: FALSE, psi: false, scan_interval: 500ms, "
                        "drain_interval: 0.05}\n"
                        "notify:\n"
                        "  - {name: hook, type: webhook, url: \"http://127.0.0.1:9999/hook\"}\n"
                        "detect:\n"
                        "  zombie_leak: {for: 0, critical_count: 7}\n"
                        "  memory: {used: 75%, critical: 0.9}\n"
                        "  saturation: {load_warning: 1.5e0}\n"),
                0);
        check_str(problems[0].text, "");
        check_int(c.mode, MODE_ENFORCE);
        check_near(c.grace, 90, 0);
        check_int(c.act_only_in_count, 2);
        check_str(c.act_only_in[0], "shop/*");
        check_str(c.act_only_in[1], "web-?");
        check_str(c.listen, "[::1]:0");
        check_str(c.socket, "/tmp/s.sock");
        check_str(c.data_dir, "/tmp/d");
        check_str(c.proc_root, "/host/proc");
        check_str(c.cgroup_root, "/host/cgroup");
        check(!c.engine.enabled);
        check_str(c.engine.socket, "/tmp/docker.sock");
        check(!c.sources.netlink && !c.sources.bpf && !c.sources.pidfd && !c.sources.psi);
        check_near(c.sources.scan_interval, 0.5, 1e-12);
        check_near(c.sources.drain_interval, 0.05, 1e-12);
        check_int(c.notify_count, 1);
        check_str(c.notify[0].url, "http://127.0.0.1:9999/hook");
        check_near(c.detect.zombie_leak_for, 0, 0);
        check_near(c.detect.zombie_leak_critical_count, 7, 0);
        check_near(c.detect.memory_used, 0.75, 1e-12);
        check_near(c.detect.memory_critical, 0.9, 1e-12);
        check_near(c.detect.saturation_load_warning, 1.5, 1e-12);
}

static void json_is_yaml(void)
{
        check_int(parse("{\"mode\": \"observe\", \"grace\": \"2s\", \"engine\": {\"socket\": \"/x/y\"},\n"
                        " \"sources\": {\"bpf\": false}}"),
                0);
        check_near(c.grace, 2, 0);
        check(!c.sources.bpf);
}

static void unknown_words(void)
{
        check_problem("mdoe: observe\n", "t.yaml:1:1: mdoe: unknown key; did you mean mode?");
        check_problem("mode: enforec\n",
                "t.yaml:1:7: mode: wants observe or enforce, not \"enforec\"; did you mean enforce?");
        check_problem("mode: xyzzy\n", "t.yaml:1:7: mode: wants observe or enforce, not \"xyzzy\"");
        check_problem("detect:\n  zombie_leek:\n    for: 3s\n",
                "t.yaml:2:3: detect.zombie_leek: unknown key; did you mean zombie_leak?");
        check_problem("detect: {zombie_leak: {fro: 3s}}\n",
                "t.yaml:1:24: detect.zombie_leak.fro: unknown key; did you mean for?");
        check_problem("zombie_leak: {for: 3s}\n",
                "t.yaml:1:1: zombie_leak: unknown key; did you mean detect.zombie_leak?");
        check_problem("qqqqqq: 1\n", "t.yaml:1:1: qqqqqq: unknown key");
        check_problem("engine.socket: /x\n",
                "t.yaml:1:1: engine.socket: unknown key; write the part behind each dot on its own line, "
                "indented below the one before");
        check_problem("notify:\n- {name: a, type: webhook, urll: \"http://a\", url: \"http://a\"}\n",
                "t.yaml:2:28: notify.urll: unknown key; did you mean url?");
        check_problem("ladder:\n  saturatoin: [weight]\n",
                "t.yaml:2:3: ladder.saturatoin: unknown key; did you mean saturation?");
        check_problem("ladder: {pids: [pids, freze]}\n",
                "t.yaml:1:23: ladder.pids: wants weight or quota or memory or pids or freeze or hold or stop "
                "or "
                "restart or quarantine or bury, not \"freze\"; did you mean freeze?");
}

static void wrong_values(void)
{
        check_problem("grace: soon\n",
                "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not \"soon\"");
        check_problem("grace: 5 parsecs\n",
                "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not \"5 parsecs\"");
        check_problem("grace: 2d\n", "t.yaml:1:8: grace: must be between 0s and 1d, is 2d");
        check_problem(
                "grace: -1\n", "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not \"-1\"");
        check_problem(
                "grace: nan\n", "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not \"nan\"");
        check_problem("grace: 1e999\n",
                "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not \"1e999\"");
        check_problem(
                "grace:\n", "t.yaml:1:7: grace: has no value; it wants a duration such as 10s, 5m or 500ms");
        check_problem("grace: \"1\\0s\"\n", "t.yaml:1:8: grace: holds a NUL byte");
        check_problem("detect: {memory: {used: 180%}}\n",
                "t.yaml:1:25: detect.memory.used: must be between 0% and 100%, is 180%");
        check_problem("detect: {oom: {critical: 2.5}}\n",
                "t.yaml:1:26: detect.oom.critical: wants a whole number, not \"2.5\"");
        check_problem(
                "sources: {bpf: maybe}\n", "t.yaml:1:16: sources.bpf: wants true or false, not \"maybe\"");
        check_problem("socket: run/x\n", "t.yaml:1:9: socket: wants an absolute path, not \"run/x\"");
        check_problem("socket: \"/a\\nb\"\n", "t.yaml:1:9: socket: holds a control character");
        check_problem("listen: 0.0.0.0:9790\n",
                "t.yaml:1:9: listen: must be a loopback address such as 127.0.0.1:9790, is 0.0.0.0; put a "
                "proxy with TLS and authentication in front of it");
        check_problem("listen: 127.0.0.1:99999\n",
                "t.yaml:1:9: listen: wants a loopback address and port such as 127.0.0.1:9790, not "
                "\"127.0.0.1:99999\"");
        check_problem("notify: [{name: a, type: webhook, url: \"ftp://x\"}]\n",
                "t.yaml:1:40: notify.url: wants a URL that starts with http:// or https://");
        check_problem("notify: [{name: a, type: webhook}]\n",
                "t.yaml:1:10: notify.url: is missing; webhook needs it, or url_file");
        check_int(parse("listen: localhost:80\n"), 0);
        check_int(parse("listen: \"\"\n"), 0);
}

static void wrong_shapes(void)
{
        check_problem("grace: [1, 2]\n",
                "t.yaml:1:8: grace: wants a duration such as 10s, 5m or 500ms, not a list");
        check_problem("engine: docker\n", "t.yaml:1:9: engine: wants a mapping of keys, not a value");
        check_problem(
                "act_only_in: all\n", "t.yaml:1:14: act_only_in: wants a list of patterns, not a value");
        check_problem("notify: [hook]\n",
                "t.yaml:1:10: notify: wants mappings with name, type and more, not a value");
        check_problem("- mode\n", "t.yaml:1:1: wants keys and values, not a list");
        check_problem("mode\n", "t.yaml:1:1: wants keys and values, not a lone value");
        check_problem("? [a]\n: b\n", "t.yaml:1:3: the file: a key must be a word, not a list");
        check_problem(
                "grace: 1s\nmode: observe\ngrace: 2s\n", "t.yaml:3:1: grace: given twice, first in line 1");
        check_problem("mode: observe\n---\nmode: enforce\n",
                "t.yaml:2:1: a second document begins; only one is read");
}

static void broken_yaml(void)
{
        check_int(parse("mode: [observe\ngrace: 1s\n"), -EINVAL);
        check_int(count, 1);
        check(strstr(problems[0].text, "t.yaml:2:") && strstr(problems[0].text, "not YAML: "));
        check_int(parse("mode: \xff\xfe\n"), -EINVAL);
        check(strstr(problems[0].text, "not YAML: "));
        check_int(parse("a: *nobody\n"), -EINVAL);
        check(strstr(problems[0].text, "t.yaml:1:4: not YAML: found undefined alias"));
        check_int(parse("\tmode: observe\n"), -EINVAL);
}

static void all_at_once(void)
{
        check_int(
                parse("mode: loud\ngrace: x\nlisten: y\nengine:\n  socket: z\n  sokcet: /a\ndetect:\n  oom:\n"
                      "    critical: 0\n    window: 9d\n  disc: {}\nbogus: 1\n"),
                -EINVAL);
        check_int(count, 9);
        check_str(problems[4].text, "t.yaml:6:3: engine.sokcet: unknown key; did you mean socket?");
        check_str(problems[7].text, "t.yaml:11:3: detect.disc: unknown key; did you mean disk?");
}

static void hostile_files(void)
{
        static char big[600 << 10];

        /* deep */
        memset(big, '[', 100000);
        big[100000] = '\0';
        check_int(parse(big), -EINVAL);
        check(strstr(problems[0].text, "nested too deeply"));
        /* wide */
        size_t n = 0;
        for (int i = 0; i < 20000; i++)
                n += (size_t)sprintf(big + n, "k%d: 1\n", i);
        check_int(parse(big), -EINVAL);
        check(strstr(problems[0].text, "too many values"));
        /* large */
        memset(big, '#', sizeof big - 1);
        big[sizeof big - 1] = '\0';
        check_int(parse(big), -EINVAL);
        check_str(problems[0].text, "t.yaml: too large, 256 KiB at most");
        /* aliases that would be 10^9 values if written out, and one that holds itself */
        check_int(parse("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                        "act_only_in: *d\n"),
                -EINVAL);
        check_int(parse("engine: &e {engine: *e, socket: /x}\n"), -EINVAL);
        check_str(c.engine.socket, "/x");
        /* names with escapes */
        check_problem("\"\\e[31mred\": 1\n", "t.yaml:1:1: \\x1b[31mred: unknown key");
}

static void from_files(void)
{
        char dir[] = "/tmp/sexton-config-XXXXXX", path[64], extra[80], folder[64];

        if (!mkdtemp(dir)) {
                check(!"mkdtemp");
                return;
        }
        snprintf(path, sizeof path, "%s/sexton.yaml", dir);
        snprintf(folder, sizeof folder, "%s/conf.d", dir);
        config_defaults(&c);
        check_int(config_load(&c, path, true, problems, 8, &count), 0);
        check_int(config_load(&c, path, false, problems, 8, &count), -ENOENT);
        check_int(count, 1);
        check(strstr(problems[0].text, "cannot be opened: No such file"));
        mkdir(folder, 0700);
        const char *const files[][2] = {{"20-b.yaml", "grace: 20s\n"},
                {"10-a.yaml", "grace: 15s\nmode: enforce\n"}, {"30-c.yaml", "gracee: 1\n"},
                {"ignored.txt", "nonsense"}, {".hidden.yaml", "nonsense"}};
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                snprintf(extra, sizeof extra, "%s/%s", folder, files[i][0]);
                FILE *f = fopen(extra, "w");
                fputs(files[i][1], f);
                fclose(f);
        }
        FILE *f = fopen(path, "w");
        fputs("grace: 5s\nmode: observe\n", f);
        fclose(f);
        check_int(config_load(&c, path, true, problems, 8, &count), -EINVAL);
        check_int(count, 1);
        check(strstr(problems[0].text, "30-c.yaml:1:1: gracee: unknown key; did you mean grace?"));
        check_near(c.grace, 20, 0);
        check_int(c.mode, MODE_ENFORCE);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                snprintf(extra, sizeof extra, "%s/%s", folder, files[i][0]);
                unlink(extra);
        }
        rmdir(folder);
        unlink(path);
        /* what can be opened but not read: a folder, and memory that is not there */
        check_int(config_load(&c, dir, true, problems, 8, &count), -EISDIR);
        check(strstr(problems[0].text, "cannot be read: Is a directory"));
        check_int(config_load(&c, "/proc/self/mem", true, problems, 8, &count), -EIO);
        check(strstr(problems[0].text, "cannot be read: Input/output error"));
        rmdir(dir);
}

static void without_memory(void)
{
        if (!FAILING_MALLOC)
                skip("a sanitizer owns malloc");
        const char *text = "mode: enforce\nact_only_in: [&a x, *a]\ndetect: {oom: {critical: 5}}\n";
        long n;
        for (n = 0; n < 10000; n++) {
                failing_malloc_left = n;
                int r = parse(text);
                bool came = failing_malloc_left < 0;
                failing_malloc_left = -1;
                if (!came) {
                        check_int(r, 0);
                        break;
                }
                check_int(r, -ENOMEM);
                check_int(count, 1);
                check(strstr(problems[0].text, "t.yaml: cannot be read: Cannot allocate memory"));
                if (!tap_ok_now)
                        break;
        }
        check(n > 20 && n < 10000);
}

static void single_keys(void)
{
        struct error e = {0};

        config_defaults(&c);
        check_int(config_set(&c, "listen", "127.0.0.1:1", &e), 0);
        check_str(c.listen, "127.0.0.1:1");
        check_int(config_set(&c, "listen", "8.8.8.8:1", &e), -EINVAL);
        check(strstr(e.text, "listen: must be a loopback"));
        check_int(config_set(&c, "nothing", "1", &e), -ENOENT);
        check_int(config_set(&c, "notify", "1", &e), -EINVAL);
}

static void described(void)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        config_describe(f, false);
        config_describe(f, true);
        fclose(f);
        check(strstr(text, "grace: 10s\n    duration, 0s to 1d. a zombie younger"));
        check(strstr(text, "mode: observe\n    word, observe or enforce."));
        check(strstr(text, "detect.disk.free: 10%\n    ratio, 0% to 100%."));
        check(strstr(text, "engine.socket: \"\"\n"));
        check(strstr(text, ".It Ic detect.restart_loop.window\n.Pq duration, 1s to 7d, default 1h\n"));
        check(!strstr(text, "nan"));
        free(text);
}

static void all(void)
{
        test(defaults_are_sound);
        test(every_key_is_read);
        test(json_is_yaml);
        test(unknown_words);
        test(wrong_values);
        test(wrong_shapes);
        test(broken_yaml);
        test(all_at_once);
        test(hostile_files);
        test(from_files);
        test(without_memory);
        test(single_keys);
        test(described);
}

int main(void)
{
        return tap_main(all);
}
