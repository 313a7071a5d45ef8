/* Messages of the engine process made harmless: see engine_tame.h. */
#include "wire/engine_tame.h"

#include "base/util.h"

#include <errno.h>

#define END(text) ((text)[sizeof(text) - 1] = '\0')

/* A bool that holds neither 0 nor 1 must not even be read as one. */
static void tame_flag(bool *flag)
{
        unsigned char *byte = (unsigned char *)flag;

        *byte = *byte != 0;
}

static void tame_labels(struct labels *l)
{
        tame_flag(&l->has_steps);
        tame_flag(&l->bury);
        l->mode = l->mode <= 2 ? l->mode : 0;
        l->steps &= (1u << ACTION_KINDS) - 2;
        l->restarts = MIN(l->restarts, (uint32_t)BOARD_RECENT - 1);
        l->restarts_window_ns = MIN(l->restarts_window_ns, LABEL_WINDOW_MAX);
}

static void tame_container(struct container *c)
{
        END(c->id);
        END(c->name);
        END(c->project);
        END(c->compose_service);
        END(c->number);
        END(c->image);
        END(c->image_id);
        END(c->config_hash);
        END(c->health_command);
        END(c->label_name);
        tame_flag(&c->health_shell);
        tame_flag(&c->init);
        tame_flag(&c->oom_killed);
        tame_flag(&c->label_protect);
        tame_flag(&c->label_autoheal);
        tame_flag(&c->label_zombies_ignore);
        c->state = c->state <= CONTAINER_REMOVED ? c->state : CONTAINER_UNKNOWN;
        c->health = c->health <= HEALTH_UNHEALTHY ? c->health : HEALTH_NONE;
        c->policy = c->policy <= RESTART_UNLESS_STOPPED ? c->policy : RESTART_NO;
        tame_labels(&c->labels);
        c->service = 0; /* the world's to fill */
}

static void tame_event(struct engine_event *e)
{
        END(e->id);
        END(e->exec_id);
        END(e->command);
        tame_flag(&e->timed_out);
        tame_flag(&e->replayed);
        if (e->kind == CONTAINER_EVENT_HEALTH && (e->code < HEALTH_NONE || e->code > HEALTH_UNHEALTHY))
                e->code = HEALTH_NONE;
        /* an exit code is a byte; shifted into a wait status it must not overflow */
        if (e->code < 0 || e->code > 255)
                e->code = 255;
}

bool engine_tame(struct engine_msg *m, size_t len)
{
        if (len != sizeof *m)
                return false;
        switch ((enum engine_msg_type)m->type) {
        case ENGINE_MSG_STATE:
                END(m->state.text);
                m->state.state = m->state.state <= ENGINE_UNREACHABLE ? m->state.state : ENGINE_NONE;
                return true;
        case ENGINE_MSG_CONTAINER:
                tame_container(&m->container);
                return m->container.id[0];
        case ENGINE_MSG_EVENT:
                tame_event(&m->event);
                return m->event.id[0] && m->event.kind >= CONTAINER_EVENT_CREATE &&
                       m->event.kind <= CONTAINER_EVENT_EXEC_END;
        case ENGINE_MSG_COMMAND:
                END(m->command.command);
                END(m->command.exe);
                return true;
        case ENGINE_MSG_OPERATED:
                END(m->operated.text);
                m->operated.code =
                        m->operated.code >= -4095 && m->operated.code <= 0 ? m->operated.code : -EIO;
                return m->operated.number;
        case ENGINE_MSG_SYNCED:
                return true;
        case ENGINE_MSG_ASK_COMMAND:
        case ENGINE_MSG_ASK_ALL:
        case ENGINE_MSG_ASK_OPERATE:
                break; /* only the guard asks */
        }
        return false;
}
