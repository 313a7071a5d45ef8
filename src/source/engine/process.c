/* The engine process: see engine.h. Wiring only: the link with the guard, the conversation with the daemon,
 * the reader of names, and the confinement of all three.
 */
#include "source/engine/engine.h"

#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "source/engine/link.h"
#include "source/engine/namer.h"
#include "source/engine/operate.h"
#include "source/engine/session.h"

#include <cap-ng.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

struct engine {
        struct config config; /* as of the last reload */
        int config_fd;
        struct loop loop;
        struct loop_fd signals;
        struct link link;
        struct session session;
        struct namer namer;
        struct operate operate;
        int proc_fd;
};

/* Whoever takes this process over through the daemon's answers shall gain little. As root the daemon's socket
 * stays ours to connect to as its owner, without a capability. Kept are CAP_SYS_PTRACE, without which
 * /proc/PID/exe of other users' processes cannot be read, and CAP_DAC_READ_SEARCH, for /proc mounted with
 * hidepid and for sockets below folders closed to others. */
static void confine(void)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                log_warning("cannot give up gaining privileges: %s", strerror(errno));
        if (capng_get_caps_process() < 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
                return;
        bool ptrace = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_PTRACE);
        bool search = capng_have_capability(CAPNG_PERMITTED, CAP_DAC_READ_SEARCH);
        capng_clear(CAPNG_SELECT_BOTH);
        if (ptrace)
                capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_PTRACE);
        if (search)
                capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_READ_SEARCH);
        /* The bounding set can be dropped only with CAP_SETPCAP, and without a later exec it means nothing.
         */
        if (capng_apply(CAPNG_SELECT_CAPS) < 0)
                log_warning("cannot drop capabilities");
}

/* A container's description lives for a millisecond: its memory goes back at once. */
static void keep_memory_small(void)
{
        mallopt(M_ARENA_MAX, 1);
        mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        mallopt(M_TRIM_THRESHOLD, 64 * 1024);
}

static void send_to_guard(void *ctx, const struct engine_msg *m)
{
        struct engine *e = ctx;

        link_send(&e->link, m);
}

static void on_answer(void *ctx, const struct engine_command *c)
{
        struct engine_msg m = {.type = ENGINE_MSG_COMMAND, .command = *c};

        send_to_guard(ctx, &m);
}

/* The last socket that answered, also while the daemon hangs: it may come back in time. */
static const char *engine_socket(void *ctx)
{
        struct engine *e = ctx;

        return e->session.known ? e->session.path : NULL;
}

static void on_operated(void *ctx, const struct engine_operated *o)
{
        struct engine_msg m = {.type = ENGINE_MSG_OPERATED, .operated = *o};

        send_to_guard(ctx, &m);
}

static void on_asked(void *ctx, const struct engine_msg *m)
{
        struct engine *e = ctx;

        if (m->type == ENGINE_MSG_ASK_COMMAND)
                namer_ask(&e->namer, m->command.pid, m->command.start_ns);
        else if (m->type == ENGINE_MSG_ASK_ALL)
                session_resend(&e->session);
        else if (m->type == ENGINE_MSG_ASK_OPERATE)
                operate_ask(&e->operate, &m->operate);
        else
                log_warning("message of unknown type %u from the guard", m->type);
}

static void on_recovered(void *ctx)
{
        struct engine *e = ctx;

        log_warning("the guard was too busy for %llu messages; telling all containers again",
                (unsigned long long)e->link.dropped);
        session_resend(&e->session);
}

static void on_closed(void *ctx)
{
        struct engine *e = ctx;

        e->loop.stop = true;
}

static void start_session(struct engine *e)
{
        session_init(&e->session, &e->loop, &e->config, e->proc_fd, send_to_guard, e);
        session_start(&e->session);
}

/* Only another socket, or switching on or off, is worth a new conversation. */
static void reload(struct engine *e)
{
        struct config *fresh = malloc(sizeof *fresh);

        if (fresh && e->config_fd >= 0 && pread(e->config_fd, fresh, sizeof *fresh, 0) == sizeof *fresh &&
                (fresh->engine.enabled != e->config.engine.enabled ||
                        strcmp(fresh->engine.socket, e->config.engine.socket) != 0)) {
                session_done(&e->session);
                e->config = *fresh;
                start_session(e);
        }
        free(fresh);
}

static void on_signal(void *ctx, uint32_t events)
{
        struct engine *e = ctx;

        for (int s; (s = signals_next(&e->signals));) {
                if (s == SIGHUP)
                        reload(e);
                else if (s == SIGTERM)
                        e->loop.stop = true;
        }
}

static int run(struct engine *e, int link_fd)
{
        int r = loop_init(&e->loop);

        if (r < 0)
                return r;
        e->proc_fd = file_open_root(e->config.proc_root[0] ? e->config.proc_root : "/proc");
        r = signals_watch(&e->loop, &e->signals, on_signal, e);
        if (r < 0)
                goto out;
        e->link = (struct link){.asked = on_asked, .recovered = on_recovered, .closed = on_closed, .ctx = e};
        r = link_init(&e->link, &e->loop, link_fd);
        if (r < 0)
                goto out;
        e->namer.answer = on_answer;
        e->namer.ctx = e;
        r = namer_start(&e->namer, &e->loop, e->proc_fd);
        if (r < 0)
                log_error("no thread to read command lines: %s", strerror(-r));
        e->operate.loop = &e->loop;
        e->operate.socket = engine_socket;
        e->operate.operated = on_operated;
        e->operate.ctx = e;
        start_session(e);
        r = loop_run(&e->loop);
        operate_done(&e->operate);
        session_done(&e->session);
        link_done(&e->link);
out:
        signals_done(&e->loop, &e->signals);
        loop_done(&e->loop);
        return r;
}

int engine_main(const struct config *c, int config_fd, int link_fd)
{
        struct engine *e;

        keep_memory_small();
        confine();
        e = calloc(1, sizeof *e);
        if (e) {
                e->config = *c;
                e->config_fd = config_fd;
        }
        int r = e ? run(e, link_fd) : -ENOMEM;
        if (r < 0)
                log_error("%s", strerror(-r));
        if (e && namer_stop(&e->namer)) {
                if (e->proc_fd >= 0)
                        close(e->proc_fd);
                free(e);
        }
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
