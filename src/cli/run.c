/* sexton run: the supervisor. It makes the board and the ring, starts guard, engine, recorder and courier as
 * re-exec'd children of the same binary, restarts what dies, passes on reloads and stops everything.
 * It does nothing else, so that nothing can make it fall.
 */
#include "act/change.h"
#include "act/journal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/service_manager.h"
#include "base/signals.h"
#include "cli/child.h"
#include "cli/options.h"
#include "cli/vigil.h"
#include "config/config.h"
#include "model/names.h"
#include "recorder/listen.h"
#include "rescue/rescue.h"
#include "wire/blackbox_map.h"
#include "wire/board_map.h"
#include "wire/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PROBLEMS_SHOWN = 50 };
#define STOP_AFTER_NS   (10 * NSEC_PER_SEC) /* a child that does not stop by then is killed */
#define STOP_LAST_NS    (3 * NSEC_PER_SEC)  /* so long the recorder waits for the guard's last words */
#define RESTART_SLOW_NS NSEC_PER_SEC        /* one that died younger than this waits as long */

static const struct verb_option run_options[] = {
        {"--config", "FILE", "configuration file; default /etc/sexton/sexton.yaml, which may be absent"},
        {"--data-dir", "DIR", "where history is kept; default /var/lib/sexton"},
        {"--listen", "HOST:PORT", "address of the HTTP port; default 127.0.0.1:9790"},
        {"--socket", "PATH", "the daemon's socket; default /run/sexton/sexton.sock"},
};

struct child {
        enum child_role role;
        pid_t pid;
        int pidfd;
        struct loop_fd watch;
        struct loop_timer restart;
        uint64_t started_ns;
        struct supervisor *of;
};

struct supervisor {
        const struct options *options;
        struct config config;
        struct loop loop;
        int fd[CHILD_FDS]; /* what children are given */
        int alive;         /* the other end of CHILD_FD_ALIVE */
        struct board *board;
        struct child child[CHILD_ROLES];
        struct loop_fd signals;
        struct loop_fd to_bury; /* a request waits for the child that buries, which doesn't run */
        struct loop_timer kill;
        struct vigil vigil;
        bool stopping;
};

/* ---- configuration ---- */

static int load_config(const struct options *o, struct config *c)
{
        static struct config_problem problem[PROBLEMS_SHOWN];
        const char *path = options_get(o, "--config");
        static const char *const given[] = {"--data-dir", "--listen", "--socket"};
        static const char *const key[] = {"data_dir", "listen", "socket"};
        struct error e = {0};
        uint32_t count = 0;

        config_defaults(c);
        int r = config_load(
                c, path ? path : "/etc/sexton/sexton.yaml", !path, problem, PROBLEMS_SHOWN, &count);
        for (uint32_t k = 0; k < MIN(count, (uint32_t)PROBLEMS_SHOWN); k++)
                log_error("%s", problem[k].text);
        for (size_t k = 0; k < ARRAY_SIZE(given); k++) {
                const char *value = options_get(o, given[k]);
                if (value && config_set(c, key[k], value, &e) < 0) {
                        log_error("%s: %s", given[k], e.text);
                        r = -EINVAL;
                }
        }
        return r;
}

static int make_folder(const char *path)
{
        char part[256];
        struct stat st;

        snprintf(part, sizeof part, "%s", path);
        for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(part, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        if (mkdir(part, 0755) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        return stat(part, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int make_folders(const struct config *c)
{
        char folder[sizeof c->socket];
        int r = make_folder(c->data_dir);

        if (r < 0) {
                log_error("cannot make %s: %s (choose another with --data-dir)", c->data_dir, strerror(-r));
                return r;
        }
        snprintf(folder, sizeof folder, "%s", c->socket);
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
                return 0;
        *slash = '\0';
        r = make_folder(folder);
        if (r < 0)
                log_error("cannot make %s: %s (choose another with --socket)", folder, strerror(-r));
        return r;
}

/* ---- children ---- */

static void exec_child(const struct supervisor *s, enum child_role role, pid_t supervisor)
{
        char text[CHILD_FDS][40];
        char *argv[CHILD_FDS + 4];
        char title[] = "sexton", verb[] = "child", name[16];
        size_t n = 0;
        sigset_t none;

        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != supervisor)
                _exit(EXIT_FAILURE); /* it died before the line above */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        service_manager_forget();
        snprintf(name, sizeof name, "%s", child_role_name(role));
        argv[n++] = title;
        argv[n++] = verb;
        argv[n++] = name;
        for (int k = 0; k < CHILD_FDS; k++) {
                if (!child_is_given(role, (enum child_fd)k))
                        continue;
                fcntl(s->fd[k], F_SETFD, 0);
                snprintf(text[k], sizeof text[k], "%s=%d", child_fd_name((enum child_fd)k), s->fd[k]);
                argv[n++] = text[k];
        }
        argv[n] = NULL;
        execv("/proc/self/exe", argv);
        _exit(127);
}

static void child_ended(void *ctx, uint32_t events);

static int start_child(struct supervisor *s, enum child_role role)
{
        struct child *c = &s->child[role];
        pid_t self = getpid();
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (!pid)
                exec_child(s, role, self);
        c->pid = pid;
        c->started_ns = clock_boot_ns();
        c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (c->pidfd < 0)
                return -errno;
        c->watch = (struct loop_fd){.fd = c->pidfd, .ready = child_ended, .ctx = c};
        return loop_add(&s->loop, &c->watch, EPOLLIN);
}

/* The guard learns its siblings' pids here: the one part of the board that it does not write. */
static void publish_pids(struct supervisor *s)
{
        int32_t *family = s->board->family_pid;

        family[0] = getpid();
        for (int role = 0; role < CHILD_ROLES; role++)
                family[1 + role] = s->child[role].pid;
}

/* Without anybody to tell there is no courier, and without an address or a line no rescue console; who buries
 * is started when there is something to bury. */
static bool is_wanted(const struct supervisor *s, enum child_role role)
{
        if (role == CHILD_RESCUE)
                return s->config.rescue.listen[0] || s->config.rescue.serial[0];
        return role != CHILD_BURY && (role != CHILD_COURIER || s->config.notify_count > 0);
}

/* They end when they have done their work, or when there is another configuration. */
static bool may_end(enum child_role role)
{
        return role == CHILD_COURIER || role == CHILD_RESCUE;
}

static bool any_left(const struct supervisor *s)
{
        for (int role = 0; role < CHILD_ROLES; role++)
                if (s->child[role].pid)
                        return true;
        return false;
}

static void signal_child(const struct child *c, int sig)
{
        if (c->pid)
                syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

static void child_ended(void *ctx, uint32_t events)
{
        struct child *c = ctx;
        struct supervisor *s = c->of;
        uint64_t now_ns = clock_boot_ns();
        int status = 0;

        if (waitpid(c->pid, &status, WNOHANG) != c->pid)
                return;
        loop_remove(&s->loop, &c->watch);
        close(TAKE_FD(c->pidfd));
        c->pid = 0;
        if (s->stopping) {
                s->loop.stop = !any_left(s);
                if (c->role == CHILD_GUARD)
                        signal_child(&s->child[CHILD_RECORDER], SIGTERM);
                return;
        }
        bool at_once = now_ns - c->started_ns >= RESTART_SLOW_NS;
        if (may_end(c->role) && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                if (is_wanted(s, c->role))
                        loop_arm(&s->loop, &c->restart, at_once ? now_ns : now_ns + RESTART_SLOW_NS);
                return;
        }
        if (c->role == CHILD_BURY && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                loop_arm(&s->loop, &c->restart, now_ns);
                return;
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                log_error("cannot execute myself again for the %s", child_role_name(c->role));
        log_error("%s ended by %s %d; starting it again", child_role_name(c->role),
                WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        loop_arm(&s->loop, &c->restart, at_once ? now_ns : now_ns + RESTART_SLOW_NS);
}

static void watch_for_burials(struct supervisor *s)
{
        loop_modify(&s->loop, &s->to_bury, EPOLLIN | EPOLLONESHOT);
}

static void restart_child(void *ctx, uint64_t now_ns)
{
        struct child *c = ctx;

        if (c->role == CHILD_BURY)
                watch_for_burials(c->of);
        if (c->of->stopping || !is_wanted(c->of, c->role))
                return;
        int r = start_child(c->of, c->role);
        if (r < 0) {
                log_error("cannot start the %s: %s", child_role_name(c->role), strerror(-r));
                loop_arm(&c->of->loop, &c->restart, now_ns + RESTART_SLOW_NS);
        }
        publish_pids(c->of);
}

/* The request is left for the child to read. */
static void burial_asked(void *ctx, uint32_t events)
{
        struct supervisor *s = ctx;
        struct child *c = &s->child[CHILD_BURY];

        if (s->stopping)
                return;
        int r = start_child(s, CHILD_BURY);
        if (r < 0) {
                log_error("cannot start the %s: %s", child_role_name(CHILD_BURY), strerror(-r));
                loop_arm(&s->loop, &c->restart, clock_boot_ns() + RESTART_SLOW_NS);
        }
        publish_pids(s);
}

/* ---- stop, reload, readiness ---- */

static void signal_all(const struct supervisor *s, int sig)
{
        for (int role = 0; role < CHILD_ROLES; role++)
                signal_child(&s->child[role], sig);
}

static void kill_rest(void *ctx, uint64_t now_ns)
{
        log_warning("not everything stopped in time: killing the rest");
        signal_all(ctx, SIGKILL);
}

static void stop_last(void *ctx, uint64_t now_ns)
{
        struct supervisor *s = ctx;

        signal_child(&s->child[CHILD_RECORDER], SIGTERM);
        s->kill.fire = kill_rest;
        loop_arm(&s->loop, &s->kill, now_ns + STOP_AFTER_NS - STOP_LAST_NS);
}

static void stop(struct supervisor *s)
{
        if (s->stopping)
                return;
        s->stopping = true;
        vigil_stop(&s->vigil);
        service_manager_tell("STOPPING=1");
        for (int role = 0; role < CHILD_ROLES; role++)
                if (role != CHILD_RECORDER || !s->child[CHILD_GUARD].pid)
                        signal_child(&s->child[role], SIGTERM);
        loop_arm(&s->loop, &s->kill, clock_boot_ns() + STOP_LAST_NS);
        s->loop.stop = !any_left(s);
}

static void reload(struct supervisor *s)
{
        static struct config fresh;
        int r;

        /* with the time, for managers that match the two by it */
        service_manager_tell("RELOADING=1\nMONOTONIC_USEC=%llu",
                (unsigned long long)((clock_boot_ns() - clock_mono_to_boot_offset_ns()) / NSEC_PER_USEC));
        r = load_config(s->options, &fresh);
        /* what is open stays open, also for a recorder that is started again */
        memcpy(fresh.socket, s->config.socket, sizeof fresh.socket);
        memcpy(fresh.listen, s->config.listen, sizeof fresh.listen);
        memcpy(fresh.data_dir, s->config.data_dir, sizeof fresh.data_dir);
        if (r < 0) {
                log_error("the configuration has mistakes: the old one stays");
        } else if (pwrite(s->fd[CHILD_FD_CONFIG], &fresh, sizeof fresh, 0) == sizeof fresh) {
                s->config = fresh;
                signal_all(s, SIGHUP);
                for (int role = 0; role < CHILD_ROLES; role++) {
                        struct child *c = &s->child[role];
                        if (!c->pid && !c->restart.due_ns && is_wanted(s, (enum child_role)role))
                                loop_arm(&s->loop, &c->restart, clock_boot_ns());
                }
                log_info("configuration reloaded");
        }
        service_manager_tell("READY=1");
}

static void signalled(void *ctx, uint32_t events)
{
        struct supervisor *s = ctx;

        for (int sig; (sig = signals_next(&s->signals));) {
                if (sig == SIGHUP)
                        reload(s);
                else
                        stop(s);
        }
}

static void hung(void *ctx, enum child_role role)
{
        const struct supervisor *s = ctx;

        if (!s->child[role].pid)
                return;
        log_error("the %s hangs: ending it", child_role_name(role));
        syscall(SYS_pidfd_send_signal, s->child[role].pidfd, SIGKILL, NULL, 0);
}

static void ready(void *ctx)
{
        struct supervisor *s = ctx;

        log_info("ready: sexton status --socket %s", s->config.socket);
}

/* ---- start ---- */

static void told_undone(const struct journal_change *c, int how)
{
        if (how < 0)
                log_error("an earlier run left %s of %s changed: %s", change_file_name(c->file), c->service,
                        strerror(-how));
        else
                log_warning("an earlier run was killed: its %s of %s is undone", action_kind_name(c->kind),
                        c->service);
}

/* What an earlier run could not undo. True when nothing of it is left. */
static bool undo_leftovers(const struct supervisor *s, const char *path)
{
        cleanup_close int fd = journal_open(path);
        struct cgroup_layout layout;
        struct journal *j;
        uint32_t failed;

        if (fd == -ENOENT)
                return true;
        int r = fd < 0 ? fd : journal_map(fd, &j);
        if (r < 0) {
                /* of an earlier boot, whose groups are gone, or of another version */
                log_info("%s tells nothing: %s", path, strerror(-r));
                return true;
        }
        r = cgroup_init(&layout, s->config.cgroup_root);
        if (r < 0)
                log_error("no control groups at %s: %s", s->config.cgroup_root, strerror(-r));
        failed = r < 0 ? 0 : journal_undo_all(j, &layout, false, told_undone);
        cgroup_done(&layout);
        munmap(j, sizeof *j);
        return !failed;
}

static void journal_path(const struct supervisor *s, char path[static sizeof s->config.socket + 8])
{
        const char *slash = strrchr(s->config.socket, '/');
        int folder = slash ? (int)(slash - s->config.socket) + 1 : 0;

        snprintf(path, sizeof s->config.socket + 8, "%.*sactions", folder, s->config.socket);
}

static int make_journal(struct supervisor *s)
{
        char path[sizeof s->config.socket + 8];

        journal_path(s, path);
        undo_leftovers(s, path);
        int fd = journal_create(path);
        if (fd < 0) {
                log_error("cannot make %s: %s; if all of Sexton is killed at once, what it did to services "
                          "stays",
                        path, strerror(-fd));
                fd = journal_create_in_memory();
        }
        s->fd[CHILD_FD_JOURNAL] = fd;
        return MIN(fd, 0);
}

/* Also when the guard and the dead-man were killed. */
static void end_journal(const struct supervisor *s)
{
        char path[sizeof s->config.socket + 8];

        journal_path(s, path);
        if (undo_leftovers(s, path))
                unlink(path);
}

/* A link whose two ends outlive the processes that hold them. */
static int make_link(struct supervisor *s, enum child_fd one, enum child_fd other)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -errno;
        s->fd[one] = pair[0];
        s->fd[other] = pair[1];
        return 0;
}

static int make_links(struct supervisor *s)
{
        static const enum child_fd ends[][2] = {
                {CHILD_FD_ENGINE_GUARD, CHILD_FD_ENGINE},
                {CHILD_FD_COURIER_RECORDER, CHILD_FD_COURIER},
                {CHILD_FD_REQUESTS_GUARD, CHILD_FD_REQUESTS_RECORDER},
                {CHILD_FD_BURY_GUARD, CHILD_FD_BURY},
                {CHILD_FD_RESCUE_GUARD, CHILD_FD_RESCUE},
        };
        int alive[2];
        int r = 0;

        for (size_t k = 0; k < ARRAY_SIZE(ends) && !r; k++)
                r = make_link(s, ends[k][0], ends[k][1]);
        if (r < 0 || pipe2(alive, O_CLOEXEC) < 0)
                return r < 0 ? r : -errno;
        s->fd[CHILD_FD_ALIVE] = alive[0];
        s->alive = alive[1];
        return 0;
}

static int make_shared(struct supervisor *s)
{
        int config = memfd_create("sexton-config", MFD_CLOEXEC);

        if (config < 0 || pwrite(config, &s->config, sizeof s->config, 0) != sizeof s->config)
                return -errno;
        s->fd[CHILD_FD_CONFIG] = config;
        s->fd[CHILD_FD_BOARD] = board_create();
        if (s->fd[CHILD_FD_BOARD] < 0)
                return s->fd[CHILD_FD_BOARD];
        s->fd[CHILD_FD_RING] = ring_create();
        if (s->fd[CHILD_FD_RING] < 0)
                return s->fd[CHILD_FD_RING];
        s->fd[CHILD_FD_BLACKBOX] = blackbox_create();
        if (s->fd[CHILD_FD_BLACKBOX] < 0)
                return s->fd[CHILD_FD_BLACKBOX];
        s->fd[CHILD_FD_RECEIPTS] = blackbox_receipts_create();
        if (s->fd[CHILD_FD_RECEIPTS] < 0)
                return s->fd[CHILD_FD_RECEIPTS];
        int r = make_journal(s);
        if (!r)
                r = make_links(s);
        return r < 0 ? r : board_map(s->fd[CHILD_FD_BOARD], true, &s->board);
}

static int supervise(struct supervisor *s)
{
        int r = loop_init(&s->loop);

        if (!r)
                r = make_shared(s);
        if (!r)
                r = signals_watch(&s->loop, &s->signals, signalled, s);
        if (!r) {
                s->to_bury = (struct loop_fd){.fd = s->fd[CHILD_FD_BURY], .ready = burial_asked, .ctx = s};
                r = loop_add(&s->loop, &s->to_bury, EPOLLIN | EPOLLONESHOT);
        }
        for (int role = 0; role < CHILD_ROLES && !r; role++) {
                s->child[role] = (struct child){.role = (enum child_role)role, .of = s, .pidfd = -1};
                s->child[role].restart = (struct loop_timer){.fire = restart_child, .ctx = &s->child[role]};
                if (is_wanted(s, (enum child_role)role))
                        r = start_child(s, (enum child_role)role);
        }
        if (r < 0) {
                log_error("cannot start: %s", strerror(-r));
                signal_all(s, SIGKILL);
                return r;
        }
        publish_pids(s);
        s->kill = (struct loop_timer){.fire = stop_last, .ctx = s};
        vigil_start(&s->vigil, &s->loop, s->board, &s->config,
                &(struct vigil_told){.ready = ready, .hung = hung, .ctx = s});
        return loop_run(&s->loop);
}

extern const struct verb verb_run;

static int run(int argc, char **argv)
{
        static struct supervisor s;
        struct error e = {0};
        char known_hosts[200];
        struct options o;
        int r = options_parse(&o, &verb_run, 0, argc, argv);

        if (r != OPTIONS_GO_ON)
                return r;
        s.options = &o;
        log_init("run", LOG_LEVEL_INFO);
        if (load_config(&o, &s.config) < 0)
                return EXIT_USAGE;
        if (make_folders(&s.config) < 0)
                return EXIT_USAGE;
        /* what is at the socket's place is removed at the end, so it must not be somebody else's */
        if (listen_unix_clear(s.config.socket, &e) < 0) {
                log_error("%s (choose another with --socket)", e.text);
                return EXIT_USAGE;
        }
        r = supervise(&s);
        end_journal(&s);
        unlink(s.config.socket);
        unlink(rescue_known_hosts(&s.config, known_hosts, sizeof known_hosts));
        return r < 0 ? EXIT_BAD : EXIT_DONE;
}

const struct verb verb_run = {
        .name = "run",
        .args = "",
        .summary = "watch this host, in the foreground",
        .description =
                "Runs the daemon in the foreground until SIGTERM or Ctrl-C: the guard, which sees; the "
                "engine, "
                "which asks the container engine for names; the recorder, which keeps history and answers; "
                "the courier, if anybody is to be told of incidents; the rescue console, if it has an "
                "address. Whichever of them dies is started "
                "again, also a guard or recorder that hangs (watchdog.hang).\n\n"
                "SIGHUP reads the configuration again; mistakes in it are told and the old one stays. "
                "Addresses "
                "and sockets change at the next start only.\n\n"
                "A service manager that waits for notification (Type=notify) is told when questions are "
                "answered, and then, if it keeps a watchdog, again and again as long as the guard moves and "
                "the recorder answers. Where standard error is the journal, each line has its level.",
        .options = run_options,
        .options_count = ARRAY_SIZE(run_options),
        .run = run,
};
