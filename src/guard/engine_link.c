/* The guard's end of the link to the engine process: takes in names and events, asks for command
 * lines. Nothing here waits: when the socket is full the question is asked again later.
 */
#include "guard/guard.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/proc/process.h"
#include "wire/board_map.h"
#include "wire/engine_tame.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { MESSAGES_PER_WAKE = 256 };

/* An event of the engine's history belongs to its own time, but never to the future. */
static uint64_t event_time(const struct engine_event *e, uint64_t now_ns)
{
        int64_t boot = e->unix_ns - clock_wall_offset_ns();

        return e->unix_ns && boot > 0 ? MIN((uint64_t)boot, now_ns) : now_ns;
}

static void state_changed(struct guard *g, const struct engine_msg *m, uint64_t now_ns)
{
        struct sources *s = &g->board->sources;
        char text[120];

        if (s->engine != m->state.state) {
                text_copy(text, sizeof text, m->state.text, strnlen(m->state.text, sizeof m->state.text - 1));
                world_event(&g->world, EVENT_ENGINE, 0, NULL, now_ns, m->state.state, text);
        }
        s->engine = m->state.state;
        text_copy(s->engine_text, sizeof s->engine_text, m->state.text,
                strnlen(m->state.text, sizeof m->state.text - 1));
        if (m->state.state == ENGINE_DOCKER || m->state.state == ENGINE_PODMAN)
                world_containers_synced(&g->world, true);
}

static void command_read(struct guard *g, const struct engine_command *c)
{
        uint32_t i = world_find(&g->world, c->pid);

        if (!i || !c->command[0])
                return;
        uint64_t was = g->board->process[i].start_ns;
        if (MAX(was, c->start_ns) - MIN(was, c->start_ns) < 30 * NSEC_PER_MSEC)
                world_set_command(&g->world, i, c->command, c->exe);
}

static void take(struct guard *g, const struct engine_msg *m, uint64_t now_ns)
{
        switch ((enum engine_msg_type)m->type) {
        case ENGINE_MSG_STATE:
                state_changed(g, m, now_ns);
                break;
        case ENGINE_MSG_CONTAINER:
                world_container(&g->world, &m->container, now_ns);
                break;
        case ENGINE_MSG_EVENT:
                world_container_event(&g->world, &m->event, event_time(&m->event, now_ns));
                g->container_started |= m->event.kind == CONTAINER_EVENT_START;
                break;
        case ENGINE_MSG_COMMAND:
                command_read(g, &m->command);
                break;
        case ENGINE_MSG_SYNCED:
                world_containers_synced(&g->world, false);
                break;
        case ENGINE_MSG_OPERATED:
                guard_operated(g, &m->operated);
                break;
        case ENGINE_MSG_ASK_COMMAND:
        case ENGINE_MSG_ASK_ALL:
        case ENGINE_MSG_ASK_OPERATE:
                break; /* only we ask */
        }
}

static void engine_ready(void *ctx, uint32_t events)
{
        static struct engine_msg m; /* a container's record is too big for the stack's taste */
        struct guard *g = ctx;
        uint64_t now_ns = clock_boot_ns();

        board_write_begin(g->board);
        for (int k = 0; k < MESSAGES_PER_WAKE; k++) {
                ssize_t n = recv(g->engine_watch.fd, &m, sizeof m, MSG_DONTWAIT);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                        loop_remove(&g->loop, &g->engine_watch);
                        g->board->sources.engine = ENGINE_UNREACHABLE;
                        text_set(g->board->sources.engine_text, sizeof g->board->sources.engine_text,
                                "the engine process is gone");
                        break;
                }
                if (n < 0)
                        break;
                if (engine_tame(&m, (size_t)n))
                        take(g, &m, now_ns);
        }
        guard_ladder_started(g, now_ns);
        board_write_end(g->board, clock_boot_ns());
}

int guard_engine_start(struct guard *g, int engine_fd)
{
        static const struct engine_msg ask_all = {.type = ENGINE_MSG_ASK_ALL};

        g->engine_watch = (struct loop_fd){.fd = engine_fd, .ready = engine_ready, .ctx = g};
        /* A guard that takes the place of one that died finds an engine process that has told all already. */
        send(engine_fd, &ask_all, sizeof ask_all, MSG_DONTWAIT | MSG_NOSIGNAL);
        return loop_add(&g->loop, &g->engine_watch, EPOLLIN);
}

bool guard_ask_command(struct guard *g, uint32_t i)
{
        static struct engine_msg m;
        struct process *p = &g->board->process[i];

        m.type = ENGINE_MSG_ASK_COMMAND;
        m.command = (struct engine_command){.pid = p->pid, .start_ns = p->start_ns};
        if (g->engine_watch.dead || send(g->engine_watch.fd, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return false;
        p->flags |= PROCESS_F_ASKED;
        return true;
}

bool guard_ask_operate(struct guard *g, const struct engine_operate *o)
{
        static struct engine_msg m;

        m.type = ENGINE_MSG_ASK_OPERATE;
        m.operate = *o;
        return !g->engine_watch.dead &&
               send(g->engine_watch.fd, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}
