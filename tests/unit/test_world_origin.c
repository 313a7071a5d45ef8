/* Where the dead come from, as far as a Sexton can know that was not there when they died: a scan finds
 * only a foster parent and the session they were born in, and the engine's word comes later still.
 */
#include "base/util.h"
#include "tap.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ID "6faa5f1b6ba8632dee023865045077fcf045125e6c5e51e33fec694c862df6a6"
#define S  NSEC_PER_SEC

static struct world *w;
static struct board *b;

static void ignore(void *ctx, const struct event *e)
{
}

static void begin(void)
{
        b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        w = calloc(1, sizeof *w);
        if (b == MAP_FAILED || !w)
                abort();
        world_init(w, b, ignore, NULL, 100 * S, 2);
}

static void end(void)
{
        free(w);
        munmap(b, sizeof *b);
}

/* As a scan finds it. */
static uint32_t found(int32_t pid, int32_t ppid, int32_t sid)
{
        uint32_t i = world_born(w, pid, ppid, 50 * S, 100 * S);

        b->process[i].sid = sid;
        b->process[i].flags |= PROCESS_F_PRE_EXISTING;
        world_set_cgroup(w, i, world_cgroup(w, "/docker/" ID));
        return i;
}

static void engine_says(bool probed)
{
        struct container c = {.id = ID, .name = "worker", .state = CONTAINER_RUNNING};

        if (probed)
                strcpy(c.health_command, "/bin/sh -c celery inspect ping");
        world_container(w, &c, 101 * S);
}

static void scanned_by_session(void)
{
        begin();
        world_entered(w, found(10, 9, 10), true);
        uint32_t probe = found(20, 10, 19), task = found(21, 10, 10), daemon = found(22, 10, 22);
        world_zombie(w, probe, 0, 0, 100 * S);
        world_zombie(w, task, 0, 0, 100 * S);
        world_zombie(w, daemon, 0, 0, 100 * S);
        check_int(b->process[probe].origin, ORIGIN_EXEC); /* its session's leader is dead */
        check_int(b->process[task].origin, ORIGIN_TASK);
        check_int(b->process[daemon].origin, ORIGIN_TASK); /* it made a session of its own */
        end();
}

static void engine_tells_of_the_probe(void)
{
        begin();
        world_entered(w, found(10, 9, 10), true);
        uint32_t probe = found(20, 10, 19), task = found(21, 10, 10), leftover = found(23, 10, 19);
        world_zombie(w, probe, 0, 0, 100 * S);
        world_zombie(w, task, 0, 0, 100 * S);
        engine_says(false);
        check_int(b->process[probe].origin, ORIGIN_EXEC);
        engine_says(true);
        check_int(b->process[probe].origin, ORIGIN_HEALTHCHECK);
        check_int(b->process[task].origin, ORIGIN_TASK);
        uint32_t child = world_born(w, 24, 23, 102 * S, 102 * S);
        world_zombie(w, child, 103 * S, 0, 103 * S);
        check_int(b->process[child].origin, ORIGIN_HEALTHCHECK);
        world_leader(w, leftover, 103 * S);
        check_int(b->process[leftover].origin, ORIGIN_HEALTHCHECK);
        end();
}

static void executed_from_outside(void)
{
        begin();
        world_entered(w, found(10, 9, 10), true);
        engine_says(true);
        uint32_t unread = found(20, 9, 20), other = found(21, 9, 21), probe = found(22, 9, 22);
        world_entered(w, unread, false); /* died before its command line could be read */
        world_entered(w, other, false);
        world_entered(w, probe, false);
        world_set_command(w, other, "bash", NULL);
        world_set_command(w, probe, "/bin/sh -c celery inspect ping", NULL);
        check_int(world_origin(w, unread), ORIGIN_HEALTHCHECK);
        check_int(world_origin(w, other), ORIGIN_EXEC);
        check_int(world_origin(w, probe), ORIGIN_HEALTHCHECK);
        struct engine_event e = {.kind = CONTAINER_EVENT_EXEC_START, .id = ID};
        world_container_event(w, &e, 50 * S); /* when it was born */
        check_int(world_origin(w, unread), ORIGIN_EXEC);
        end();
}

static void all(void)
{
        test(executed_from_outside);
        test(scanned_by_session);
        test(engine_tells_of_the_probe);
}

int main(void)
{
        return tap_main(all);
}
