/* sexton doctor: what the kernel offers and permits, found by trying it rather than by version. */
#include "cli/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "source/bpf/bpf.h"
#include "source/cgroup/cgroup.h"
#include "source/proc/host.h"
#include "source/proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pid_t fork_and_exit(void)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid;
}

int doctor_in_child(int (*fn)(void))
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(fn());
        if (pid < 0)
                return -1;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- proc connector ---- */

static int connector_say(int fd, enum proc_cn_mcast_op op)
{
        struct {
                struct nlmsghdr nl;
                struct cn_msg cn;
                enum proc_cn_mcast_op op;
        } __attribute__((packed)) m = {
                .nl = {.nlmsg_len = sizeof m, .nlmsg_type = NLMSG_DONE, .nlmsg_pid = (uint32_t)getpid()},
                .cn = {.id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC}, .len = sizeof op},
                .op = op,
        };
        return send(fd, &m, sizeof m, 0) < 0 ? -errno : 0;
}

/* True when it tells in time that a child of ours was born. Others that listen on this host have it speak
 * here, too, in namespaces where it takes no orders of ours: of pids that aren't ours. */
static bool connector_hears(int fd)
{
        char buf[8192];
        uint64_t until = clock_boot_ns() + 500 * NSEC_PER_MSEC;
        pid_t pid = fork_and_exit();
        bool heard = false;

        if (pid > 0)
                waitpid(pid, NULL, 0);
        while (!heard && clock_boot_ns() < until) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                if (poll(&p, 1, 100) <= 0)
                        continue;
                ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
                size_t head = NLMSG_LENGTH(sizeof(struct cn_msg));
                struct proc_event event;
                if (n < (ssize_t)(head + sizeof(struct proc_event)))
                        continue;
                memcpy(&event, buf + head, sizeof event);
                heard = event.what == PROC_EVENT_FORK && event.event_data.fork.child_tgid == pid;
        }
        return heard;
}

static void proc_connector(const struct doctor_context *c, struct doctor_result *r)
{
        struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
        cleanup_close int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
        const char *advice = "without BPF, births and deaths are then found by scanning";

        if (fd < 0) {
                doctor_not(r, DOCTOR_WARN, "the kernel has no connector", "%s; it needs CONFIG_PROC_EVENTS",
                        advice);
                return;
        }
        if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0) {
                doctor_not(r, DOCTOR_WARN, "may not be listened to",
                        "%s; run as root, or give it CAP_NET_ADMIN", advice);
                return;
        }
        int code = connector_say(fd, PROC_CN_MCAST_LISTEN);
        bool heard = code == 0 && connector_hears(fd);
        if (code == 0)
                connector_say(fd, PROC_CN_MCAST_IGNORE);
        if (heard)
                doctor_ok(r, "tells every birth, exec and death, where BPF can't");
        else
                doctor_not(r, DOCTOR_WARN, "stays silent",
                        "%s; it speaks only in the host's pid and network namespaces", advice);
}

/* ---- BPF ---- */

static void bpf(const struct doctor_context *c, struct doctor_result *r)
{
        struct bpf_source *source = NULL;
        struct bpf_options o = {0};
        struct cgroup_layout layout;
        struct error e = {0};

        if (cgroup_init(&layout, c->cgroup_root) == 0) {
                o.cgroup_v1 = layout.version != 2 && !layout.unified_has_controllers;
                cgroup_done(&layout);
        }
        int code = bpf_source_open(&o, &source, &e);
        if (code < 0) {
                doctor_not(r, DOCTOR_WARN, e.text[0] ? e.text : strerror(-code),
                        "the CPU of processes that live for milliseconds is then estimated from their "
                        "parents; %s",
                        code == -EPERM ? "run as root" : "see CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF");
                return;
        }
        bpf_source_free(source);
        if (proc_has_host_pids(c->proc_fd) == 0)
                doctor_not(r, DOCTOR_WARN, "programs load, but tell of pids that aren't this namespace's",
                        "they aren't used here; start the container with --pid host");
        else
                doctor_ok(r, "programs load and attach");
}

static void btf(const struct doctor_context *c, struct doctor_result *r)
{
        if (faccessat(c->sys_fd, "kernel/btf/vmlinux", R_OK, 0) == 0)
                doctor_ok(r, "the kernel describes its types");
        else
                doctor_not(r, DOCTOR_WARN, "/sys/kernel/btf/vmlinux isn't there",
                        "BPF programs can't fit themselves to this kernel; it needs "
                        "CONFIG_DEBUG_INFO_BTF");
}

/* ---- pidfd ---- */

static void pidfd(const struct doctor_context *c, struct doctor_result *r)
{
        cleanup_close int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

        if (fd >= 0)
                doctor_ok(r, "processes can be held without mistaking one for another");
        else
                doctor_not(r, DOCTOR_WARN, "pidfd_open is refused",
                        "zombies are then watched by asking again and again; it needs Linux 5.3 and a "
                        "container runtime that permits it");
}

static void pidfd_hup(const struct doctor_context *c, struct doctor_result *r)
{
        pid_t pid = fork_and_exit();
        cleanup_close int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (pid > 0) {
                if (fd >= 0)
                        poll(&p, 1, 500);
                waitpid(pid, NULL, 0);
        }
        p = (struct pollfd){.fd = fd};
        if (fd >= 0 && poll(&p, 1, 200) > 0 && (p.revents & POLLHUP))
                doctor_ok(r, "the kernel tells the moment a zombie is buried");
        else
                doctor_not(r, DOCTOR_WARN, "burials aren't told",
                        "burials are then found by asking, a little later and at a little cost; it needs "
                        "Linux 6.9");
}

/* ---- pressure ---- */

static void psi(const struct doctor_context *c, struct doctor_result *r)
{
        char text[256];
        ssize_t n = file_read_at(c->proc_fd, "pressure/cpu", text, sizeof text);

        if (n > 0)
                doctor_ok(r, "waiting for CPU, memory and I/O is measured");
        else
                doctor_not(r, DOCTOR_WARN,
                        n == -EOPNOTSUPP ? "switched off" : "the kernel doesn't measure it",
                        "saturation can't be told from a load that harms nobody; boot with psi=1, or take a "
                        "kernel with CONFIG_PSI");
}

static void psi_triggers(const struct doctor_context *c, struct doctor_result *r)
{
        cleanup_close int fd = host_psi_trigger(c->proc_fd, "cpu", 500000);

        if (fd >= 0)
                doctor_ok(r, "the kernel wakes Sexton when work stalls");
        else
                doctor_not(r, DOCTOR_WARN, "no trigger can be set",
                        "pressure is then read once a second (%s)", strerror(-fd));
}

/* ---- control groups ---- */

static void cgroups(const struct doctor_context *c, struct doctor_result *r)
{
        static const char *const names[] = {
                [0] = "none", [1] = "version 1", [2] = "version 2", [3] = "hybrid: version 1 beside 2"};
        struct cgroup_layout l;
        int code = cgroup_init(&l, c->cgroup_root);

        if (code == 0 && l.version == 0 && l.parts) {
                doctor_not(r, DOCTOR_MISSING, "only this container's own part is seen",
                        "services have no memory, limits or throttling, and their CPU is summed up from "
                        "processes; give the container the host's: --cgroupns host --volume %s:%s:ro",
                        c->cgroup_root, c->cgroup_root);
                cgroup_done(&l);
                return;
        }
        if (code < 0 || l.version == 0) {
                doctor_not(r, DOCTOR_MISSING, "no hierarchy is mounted",
                        "processes can't be told apart by service; mount %s", c->cgroup_root);
                if (code == 0)
                        cgroup_done(&l);
                return;
        }
        bool unified = l.unified_has_controllers;
        bool memory = unified || l.memory_fd >= 0, pids = unified || l.pids_fd >= 0;
        bool cpu = l.version == 2 || l.cpuacct_fd >= 0 || l.cpu_fd >= 0;
        const char *name = l.version < ARRAY_SIZE(names) ? names[l.version] : "of an unknown kind";
        cgroup_done(&l);
        if (memory && pids && cpu) {
                doctor_ok(r, "%s, with cpu, memory and pids", name);
                return;
        }
        char text[120];
        snprintf(text, sizeof text, "%s, without%s%s%s", name, cpu ? "" : " cpu", memory ? "" : " memory",
                pids ? "" : " pids");
        doctor_not(r, DOCTOR_WARN, text,
                "these numbers stay unknown per service; on the boot command line cgroup_enable=memory "
                "switches memory on");
}

const struct doctor_check doctor_kernel_checks[] = {
        {"proc_connector", false, proc_connector},
        {"bpf", false, bpf},
        {"btf", false, btf},
        {"pidfd", false, pidfd},
        {"pidfd_hup", false, pidfd_hup},
        {"cgroup", true, cgroups},
        {"psi", false, psi},
        {"psi_triggers", false, psi_triggers},
};
const size_t doctor_kernel_checks_count = ARRAY_SIZE(doctor_kernel_checks);
