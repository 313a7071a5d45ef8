/* Fuzzes the guard's side of the link to the engine process: messages of a process that may have been
 * taken over are tamed and fed into a world, whose names must stay ended texts.
 */
#include "wire/board_map.h"
#include "wire/engine_tame.h"
#include "world/world.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *ctx, const struct event *e)
{
        if (memchr(e->service, 0, sizeof e->service) == NULL || memchr(e->text, 0, sizeof e->text) == NULL)
                abort();
}

static void feed(struct world *w, struct engine_msg *m, uint64_t now_ns)
{
        if (m->type == ENGINE_MSG_CONTAINER)
                world_container(w, &m->container, now_ns);
        else if (m->type == ENGINE_MSG_EVENT)
                world_container_event(w, &m->event, now_ns);
        else if (m->type == ENGINE_MSG_SYNCED)
                world_containers_synced(w, false);
        else if (m->type == ENGINE_MSG_OPERATED && !memchr(m->operated.text, 0, sizeof m->operated.text))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct board *b;
        static struct world *w;
        static struct engine_msg m;
        uint64_t now_ns = UINT64_C(1000000000);

        if (!b) {
                b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                        -1, 0);
                w = calloc(1, sizeof *w);
                if (b == MAP_FAILED || !w)
                        abort();
        }
        memset(w, 0, sizeof *w);
        world_init(w, b, ignore, NULL, now_ns, 10);
        world_born(w, 100, 0, now_ns, now_ns);
        /* Messages one after the other, the last one filled up with what was there before. */
        while (size) {
                size_t n = size < sizeof m ? size : sizeof m;
                memcpy(&m, data, n);
                data += n;
                size -= n;
                m.type %= ENGINE_MSG_OPERATED + 2;
                now_ns += 1000000;
                if (engine_tame(&m, sizeof m))
                        feed(w, &m, now_ns);
        }
        for (uint32_t i = 0; i < b->service_top; i++)
                if (!memchr(b->service[i].name, 0, sizeof b->service[i].name))
                        abort();
        return 0;
}
