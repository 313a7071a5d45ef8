/* Loading the BPF programs in a child process: see load.h. */
#include "source/bpf/load.h"

#include "base/file.h"
#include "base/text.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "source/bpf/record.h"

/* Generated; it does not keep our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "lifecycle.skel.h"
#pragma GCC diagnostic pop

enum { LOAD_TIMEOUT_MS = 30000, FDS = sizeof(struct bpf_loaded) / sizeof(int) };

/* What the child tells; the descriptors that are there come with it, in the order of `present`. */
struct load_answer {
        struct error error;
        uint32_t present; /* bit i: descriptor i of struct bpf_loaded */
};

union fd_control {
        char buf[CMSG_SPACE(sizeof(int) * FDS)];
        struct cmsghdr first;
};

void bpf_loaded_done(struct bpf_loaded *l)
{
        int *fds = (int *)l;

        for (int i = 0; i < FDS; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

/* ---- the child ---- */

/* libbpf's last complaint, kept to explain a failure. One process, one load: a plain static will do. */
static char complaint[300];

static int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list args)
{
        if (level == LIBBPF_WARN) {
                vsnprintf(complaint, sizeof complaint, fmt, args);
                complaint[strcspn(complaint, "\n")] = '\0';
        }
        return 0;
}

static bool on_v1_hierarchy(const char *cgroups, const char *controller)
{
        const char *p = text_line_value(cgroups, controller);
        uint64_t hierarchy;

        return p && text_u64(&p, &hierarchy) && hierarchy != 0;
}

static enum cgroup_pick pick_cgroup(bool v1)
{
        char text[4096];

        if (!v1 || file_read_at(AT_FDCWD, "/proc/cgroups", text, sizeof text) < 0)
                return CGROUP_PICK_UNIFIED;
        if (on_v1_hierarchy(text, "memory\t"))
                return CGROUP_PICK_MEMORY;
        if (on_v1_hierarchy(text, "pids\t"))
                return CGROUP_PICK_PIDS;
        return on_v1_hierarchy(text, "cpuacct\t") ? CGROUP_PICK_CPUACCT : CGROUP_PICK_UNIFIED;
}

/* What an older kernel may refuse is left out, one kind after the other. */
enum programs { NEEDED, OPTIONAL, STACKS };

static int load_skeleton(const struct bpf_options *o, enum programs which, struct lifecycle_bpf **ret)
{
        struct lifecycle_bpf *s = lifecycle_bpf__open();
        int r;

        if (!s)
                return -errno;
        s->rodata->cgroup_pick = pick_cgroup(o->cgroup_v1);
        s->rodata->wake_bytes = o->ring_bytes / 4;
        bpf_map__set_max_entries(s->maps.ring, o->ring_bytes);
        bpf_program__set_autoload(s->progs.on_rename, which >= OPTIONAL);
        bpf_program__set_autoload(s->progs.on_cgroup, which >= OPTIONAL);
        bpf_program__set_autoload(s->progs.on_task, which >= OPTIONAL);
        bpf_program__set_autoload(s->progs.on_stack, which >= STACKS);
        r = lifecycle_bpf__load(s);
        if (r == 0)
                r = lifecycle_bpf__attach(s);
        if (r < 0) {
                lifecycle_bpf__destroy(s);
                return r;
        }
        *ret = s;
        return 0;
}

static int link_fd(const struct bpf_link *link)
{
        return link ? bpf_link__fd(link) : -1;
}

static int explain(int code, struct error *e)
{
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                return error_set(
                        e, -ENOTSUP, "BPF: the kernel has no type information (CONFIG_DEBUG_INFO_BTF)");
        if (code == -EPERM)
                return error_set(
                        e, -EPERM, "BPF: not permitted (CAP_BPF and CAP_PERFMON, or root, are needed)");
        if (code == -EACCES)
                return error_set(e, -ENOTSUP, "BPF: this kernel refuses a program: %s", complaint);
        if (code == -ESRCH || code == -EINVAL || code == -ENOTSUP || code == -EOPNOTSUPP || code == -ENOENT)
                return error_set(e, -ENOTSUP, "BPF: this kernel lacks what is needed: %s", complaint);
        return error_set(e, code, "BPF: %s: %s", strerror(-code), complaint);
}

static int load_here(const struct bpf_options *o, struct bpf_loaded *l, struct error *e)
{
        struct lifecycle_bpf *s = NULL;
        int r;

        libbpf_set_print(keep_complaint);
        r = load_skeleton(o, STACKS, &s);
        if (r < 0 && r != -EPERM)
                r = load_skeleton(o, OPTIONAL, &s);
        if (r < 0 && r != -EPERM)
                r = load_skeleton(o, NEEDED, &s);
        if (r < 0)
                return explain(r, e);
        *l = (struct bpf_loaded){
                .ring_fd = bpf_map__fd(s->maps.ring),
                .shared_fd = bpf_map__fd(s->maps.bss),
                .iter_fd = link_fd(s->links.on_task),
                .stack_fd = link_fd(s->links.on_stack),
                .link_fds = {link_fd(s->links.on_exec), link_fd(s->links.on_free),
                        link_fd(s->links.on_cgroup), link_fd(s->links.on_fork), link_fd(s->links.on_exit),
                        link_fd(s->links.on_rename)},
        };
        return 0;
}

static int send_answer(int sock, struct load_answer *answer, const struct bpf_loaded *l)
{
        union fd_control control = {0};
        struct iovec iov = {.iov_base = answer, .iov_len = sizeof *answer};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        int present[FDS];
        size_t n = 0;

        for (int i = 0; i < FDS; i++) {
                int fd = ((const int *)l)[i];
                if (fd < 0)
                        continue;
                answer->present |= 1U << i;
                present[n++] = fd;
        }
        if (n) {
                msg.msg_control = control.buf;
                msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
                control.first = (struct cmsghdr){
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(n * sizeof(int)),
                };
                memcpy(CMSG_DATA(&control.first), present, n * sizeof(int));
        }
        return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static _Noreturn void child_main(const struct bpf_options *o, int sock)
{
        struct load_answer answer = {0};
        struct bpf_loaded l;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        memset(&l, 0xff, sizeof l);
        load_here(o, &l, &answer.error);
        _exit(send_answer(sock, &answer, &l) < 0);
}

/* ---- the parent ---- */

static void take_fds(struct msghdr *msg, uint32_t present, struct bpf_loaded *l)
{
        struct cmsghdr *c = CMSG_FIRSTHDR(msg);

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                return;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), at = 0;
        for (int i = 0; i < FDS && at < n; i++)
                if (present & 1U << i)
                        memcpy((int *)l + i, CMSG_DATA(c) + at++ * sizeof(int), sizeof(int));
}

static int receive_answer(int sock, struct bpf_loaded *ret, struct error *e)
{
        struct load_answer answer;
        union fd_control control;
        struct iovec iov = {.iov_base = &answer, .iov_len = sizeof answer};
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control.buf,
                .msg_controllen = sizeof control.buf,
        };
        struct pollfd p = {.fd = sock, .events = POLLIN};
        struct bpf_loaded l;

        if (poll(&p, 1, LOAD_TIMEOUT_MS) == 0)
                return error_set(e, -ETIMEDOUT, "BPF: loading took longer than %d s", LOAD_TIMEOUT_MS / 1000);
        ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n != (ssize_t)sizeof answer)
                return error_set(e, -EIO, "BPF: the loading process died");
        memset(&l, 0xff, sizeof l);
        take_fds(&msg, answer.present, &l);
        if (answer.error.code == 0 && (msg.msg_flags & MSG_CTRUNC || l.ring_fd < 0 || l.shared_fd < 0)) {
                bpf_loaded_done(&l);
                return error_set(e, -EMFILE, "BPF: no room for its descriptors");
        }
        if (answer.error.code < 0)
                return error_set(e, answer.error.code, "%s", answer.error.text);
        *ret = l;
        return 0;
}

int bpf_load(const struct bpf_options *o, struct bpf_loaded *ret, struct error *e)
{
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(e, -errno, "BPF: socketpair: %s", strerror(errno));
        pid_t pid = fork();
        if (pid == 0)
                child_main(o, pair[1]);
        r = -errno;
        close(pair[1]);
        if (pid > 0) {
                r = receive_answer(pair[0], ret, e);
                if (r == -ETIMEDOUT)
                        kill(pid, SIGKILL);
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        } else {
                error_set(e, r, "BPF: fork: %s", strerror(-r));
        }
        close(pair[0]);
        return r;
}
