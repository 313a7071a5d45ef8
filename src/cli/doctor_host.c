/* sexton doctor: what this process may do here, its limits, and who else is there. */
#include "cli/doctor.h"

#include "base/file.h"
#include "base/http_client.h"
#include "base/text.h"
#include "cli/client.h"
#include "source/cgroup/cgroup.h"
#include "source/proc/process.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { ANSWER_MS = 2000, LOCKED_BYTES = 16 << 20, DESCRIPTORS = 4096 };

/* CAP_SYS_ADMIN holds the two for BPF, which older container engines don't know by name. */
static bool has_capability(unsigned capability)
{
        return capng_have_capability(CAPNG_EFFECTIVE, capability) ||
               ((capability == CAP_BPF || capability == CAP_PERFMON) &&
                       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN));
}

static void privileges(const struct doctor_context *c, struct doctor_result *r)
{
        static const struct {
                unsigned capability;
                const char *name, *use;
        } wanted[] = {
                {CAP_NET_ADMIN, "CAP_NET_ADMIN", "hear births and deaths"},
                {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "see what others' processes run"},
                {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "read control groups"},
                {CAP_BPF, "CAP_BPF", "load BPF programs"},
                {CAP_PERFMON, "CAP_PERFMON", "attach BPF programs"},
                {CAP_SYS_NICE, "CAP_SYS_NICE", "answer while the host is overloaded"},
                {CAP_IPC_LOCK, "CAP_IPC_LOCK", "stay in memory"},
        };
        char text[200] = "", advice[300] = "";
        size_t n = 0, a = 0;

        if (capng_get_caps_process() == 0)
                for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
                        if (has_capability(wanted[i].capability))
                                continue;
                        n += (size_t)snprintf(
                                text + n, sizeof text - n, "%s%s", n ? ", " : "without ", wanted[i].name);
                        a += (size_t)snprintf(
                                advice + a, sizeof advice - a, "%s%s", a ? ", " : "", wanted[i].use);
                }
        if (!n)
                doctor_ok(r, geteuid() == 0 ? "root, with every capability that is needed"
                                            : "every capability that is needed");
        else
                doctor_not(r, geteuid() == 0 ? DOCTOR_WARN : DOCTOR_MISSING, text, "Sexton can't: %s; %s",
                        advice,
                        geteuid() == 0 ? "give its container these capabilities (--cap-add)"
                                       : "run it as root");
}

static void host_pids(const struct doctor_context *c, struct doctor_result *r)
{
        int is = proc_has_host_pids(c->proc_fd);

        if (is < 0)
                doctor_not(r, DOCTOR_WARN, "can't be told",
                        "/proc is restricted; if this is a container, give it the host's pids");
        else if (is)
                doctor_ok(r, "this is the host's pid namespace");
        else
                doctor_not(r, DOCTOR_MISSING, "this is a container's own pid namespace",
                        "only this container's processes are seen; start it with --pid host");
}

static void open_files(const struct doctor_context *c, struct doctor_result *r)
{
        struct rlimit l;
        char text[80];

        if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_max >= DESCRIPTORS) {
                doctor_ok(r, "up to %llu descriptors", (unsigned long long)l.rlim_max);
                return;
        }
        snprintf(text, sizeof text, "at most %llu descriptors", (unsigned long long)l.rlim_max);
        doctor_not(r, DOCTOR_WARN, text,
                "each watched zombie takes one; beyond that they are asked about one by one: raise the "
                "limit (LimitNOFILE=) to %d or more",
                DESCRIPTORS);
}

static void pid_max(const struct doctor_context *c, struct doctor_result *r)
{
        char text[64];
        const char *p = text;
        uint64_t n;

        if (file_read_at(c->proc_fd, "sys/kernel/pid_max", text, sizeof text) <= 0 || !text_u64(&p, &n)) {
                doctor_not(r, DOCTOR_WARN, "unknown", "when pids run out can't be foretold");
                return;
        }
        doctor_ok(r, "%llu pids", (unsigned long long)n);
}

/* ---- the container engine ---- */

static void engine(const struct doctor_context *c, struct doctor_result *r)
{
        static const char *const known[] = {
                "/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"};
        struct error e = {0};
        char text[400];

        for (size_t i = 0; i < ARRAY_SIZE(known) && !c->engine_socket; i++) {
                struct http_response h = {0};
                struct stat st;
                if (stat(known[i], &st) < 0 || !S_ISSOCK(st.st_mode))
                        continue;
                int code = http_get(known[i], "/_ping", ANSWER_MS, &h, &e);
                http_response_done(&h);
                if (code == 0) {
                        doctor_ok(r, "an engine answers at %s", known[i]);
                        return;
                }
        }
        if (c->engine_socket) {
                struct http_response h = {0};
                int code = http_get(c->engine_socket, "/_ping", ANSWER_MS, &h, &e);
                http_response_done(&h);
                if (code == 0) {
                        doctor_ok(r, "an engine answers at %s", c->engine_socket);
                        return;
                }
        }
        if (!e.code) {
                doctor_not(r, DOCTOR_WARN, "no socket of Docker or Podman",
                        "fine without containers; else start the engine, or name its socket as "
                        "engine.socket in sexton.yaml");
                return;
        }
        text_printable(text, sizeof text, e.text, strlen(e.text));
        doctor_not(r, DOCTOR_WARN, text, "containers keep their ids for names until it answers: %s",
                e.code == -EACCES ? "run as root, or join the engine's group" : "look at the engine's log");
}

/* ---- surviving ---- */

static struct cgroup_layout realtime_layout; /* doctor_in_child() hands nothing over */

static int try_realtime(void)
{
        return -cgroup_real_time(&realtime_layout);
}

static void realtime(const struct doctor_context *c, struct doctor_result *r)
{
        cgroup_init(&realtime_layout, c->cgroup_root);
        if (doctor_in_child(try_realtime) == 0)
                doctor_ok(r, "granted: Sexton sees and answers on an overloaded host");
        else
                doctor_not(r, DOCTOR_WARN, "refused",
                        "on an overloaded host Sexton is late; run it as root, and on cgroup v1 let it enter "
                        "the "
                        "root cpu control group, or give its own some cpu.rt_runtime_us");
        cgroup_done(&realtime_layout);
}

static int try_lock(void)
{
        void *p = mmap(NULL, LOCKED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED || mlock(p, LOCKED_BYTES) < 0 ? errno : 0;
}

static void memory_lock(const struct doctor_context *c, struct doctor_result *r)
{
        if (doctor_in_child(try_lock) == 0)
                doctor_ok(r, "memory can be locked");
        else
                doctor_not(r, DOCTOR_WARN, "memory can't be locked",
                        "when memory runs out Sexton has to wait for its own pages; run it as root, or raise "
                        "LimitMEMLOCK=");
}

static void clock_source(const struct doctor_context *c, struct doctor_result *r)
{
        static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "xen"};
        char raw[64], name[64 * 4];
        ssize_t n = file_read_at(
                c->sys_fd, "devices/system/clocksource/clocksource0/current_clocksource", raw, sizeof raw);

        if (n <= 0) {
                doctor_not(r, DOCTOR_WARN, "unknown", "only the cost of reading the time depends on it");
                return;
        }
        raw[strcspn(raw, "\n")] = '\0';
        text_printable(name, sizeof name, raw, strlen(raw));
        for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
                if (!strcmp(raw, slow[i])) {
                        doctor_not(r, DOCTOR_WARN, name,
                                "reading the time is slow with it and costs every program; prefer tsc or "
                                "kvm-clock");
                        return;
                }
        }
        doctor_ok(r, "%s", name);
}

/* ---- neighbours ---- */

static void systemd(const struct doctor_context *c, struct doctor_result *r)
{
        if (access("/run/systemd/system", F_OK) == 0)
                doctor_ok(r, "it is the init system");
        else
                doctor_not(r, DOCTOR_WARN, "it isn't the init system",
                        "services of the host have no unit names, and something else has to restart Sexton");
}

static void daemon_state(const struct doctor_context *c, struct doctor_result *r)
{
        struct http_response h = {0};
        struct error e = {0};
        char text[700];
        int code = http_get(c->daemon_socket, "/sexton/v1/status", ANSWER_MS, &h, &e);
        int status = h.status;

        http_response_done(&h);
        if (code < 0) {
                client_explain(text, sizeof text, c->daemon_socket, code, &e);
                doctor_not(r, DOCTOR_WARN, "it doesn't answer", "%s", text);
        } else if (status != 200) {
                doctor_not(r, DOCTOR_WARN, "it isn't ready", "it answers with HTTP status %d: see its log",
                        status);
        } else {
                doctor_ok(r, "it runs and answers");
        }
}

const struct doctor_check doctor_host_checks[] = {
        {"privileges", true, privileges},
        {"host_pids", true, host_pids},
        {"open_files", false, open_files},
        {"pid_max", false, pid_max},
        {"engine", false, engine},
        {"realtime", false, realtime},
        {"memory_lock", false, memory_lock},
        {"clock_source", false, clock_source},
        {"systemd", false, systemd},
        {"daemon", false, daemon_state},
};
const size_t doctor_host_checks_count = ARRAY_SIZE(doctor_host_checks);
