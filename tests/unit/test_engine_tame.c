/* Tests of what the guard accepts from the engine process, which reads untrusted text. */
#include "tap.h"
#include "wire/board_map.h"
#include "wire/engine_tame.h"
#include "world/world.h"

#include <errno.h>
#include <sys/mman.h>

static struct engine_msg m;

static void texts_are_ended(void)
{
        memset(&m, 'x', sizeof m);
        m.type = ENGINE_MSG_CONTAINER;
        check(engine_tame(&m, sizeof m));
        check_int(strlen(m.container.id), sizeof m.container.id - 1);
        check_int(strlen(m.container.name), sizeof m.container.name - 1);
        check_int(m.container.init, 1);
        check_int(m.container.state, CONTAINER_UNKNOWN);
        check_int(m.container.health, HEALTH_NONE);
        check_int(m.container.service, 0);
        check_int(m.container.labels.mode, 0);
        check_int(m.container.labels.has_steps, 1);
        check_int(m.container.labels.steps & ~((1 << ACTION_KINDS) - 2), 0);
        check(m.container.labels.restarts < BOARD_RECENT);
        check(m.container.labels.restarts_window_ns <= LABEL_WINDOW_MAX);
}

static void nonsense_is_refused(void)
{
        memset(&m, 0, sizeof m);
        m.type = ENGINE_MSG_CONTAINER;
        check(!engine_tame(&m, sizeof m)); /* no id */
        check(!engine_tame(&m, sizeof m - 1));
        check(!engine_tame(&m, 0));
        m.type = ENGINE_MSG_ASK_COMMAND;
        check(!engine_tame(&m, sizeof m));
        m.type = 4711;
        check(!engine_tame(&m, sizeof m));
        m.type = ENGINE_MSG_ASK_OPERATE;
        check(!engine_tame(&m, sizeof m));
        m.type = ENGINE_MSG_OPERATED;
        m.operated = (struct engine_operated){.code = 5};
        check(!engine_tame(&m, sizeof m)); /* of nothing that was asked */
        m.operated.number = 1;
        check(engine_tame(&m, sizeof m));
        check_int(m.operated.code, -EIO);
        m.type = ENGINE_MSG_EVENT;
        memset(&m.event, 0, sizeof m.event);
        memcpy(m.event.id, "abc", 4);
        m.event.kind = 200;
        check(!engine_tame(&m, sizeof m));
        m.event.kind = CONTAINER_EVENT_DIE;
        m.event.code = 1 << 30;
        check(engine_tame(&m, sizeof m));
        check_int(m.event.code, 255);
}

static void ignore(void *ctx, const struct event *e)
{
}

/* A container called like Sexton or the kernel is a service of its own, that can be blamed. */
static void reserved_names_stay_reserved(void)
{
        static const char *const name[] = {"sexton", "kernel", "/"};
        struct board *b = mmap(
                NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        struct world *w = calloc(1, sizeof *w);

        check(b != MAP_FAILED && w);
        world_init(w, b, ignore, NULL, 1, 10);
        uint32_t before = b->service_top;
        for (size_t k = 0; k < 3; k++) {
                struct container c = {.state = CONTAINER_RUNNING};
                snprintf(c.id, sizeof c.id, "%064zu", k + 1);
                snprintf(c.name, sizeof c.name, "%s", name[k]);
                world_container(w, &c, 2);
                const struct service *s = &b->service[b->container[world_container_find(w, c.id)].service];
                check(strcmp(s->name, name[k]) != 0);
                check(strstr(s->name, name[k]) == s->name);
                check(!s->is_self);
                check_int(s->kind, SERVICE_CONTAINER);
        }
        check_int(b->service_top, before + 3);
        free(w);
        munmap(b, sizeof *b);
}

static void all(void)
{
        test(texts_are_ended);
        test(nonsense_is_refused);
        test(reserved_names_stay_reserved);
}

int main(void)
{
        return tap_main(all);
}
