/* The event stream of a container engine, cut anywhere: split, parsed, tracked. */
#include "source/engine/json_split.h"
#include "source/engine/tracker.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *ctx, const struct engine_event *e)
{
        /* Whatever came in, these end inside their fields. */
        if (strnlen(e->id, sizeof e->id) == sizeof e->id ||
                strnlen(e->exec_id, sizeof e->exec_id) == sizeof e->exec_id ||
                strnlen(e->command, sizeof e->command) == sizeof e->command)
                abort();
}

static void on_container(void *ctx, const struct container *c)
{
        if (strnlen(c->name, sizeof c->name) == sizeof c->name)
                abort();
}

static void on_synced(void *ctx)
{
}

static void on_object(void *ctx, const char *text, size_t len)
{
        struct tracker *t = ctx;
        struct docker_event e;
        char id[72];

        if (docker_event_parse(text, len, &e) < 0)
                return;
        struct tracker_time now = {.boot_ns = (uint64_t)e.unix_ns, .unix_ns = e.unix_ns};
        tracker_event(t, &e, false, now);
        uint64_t next;
        if (tracker_next_inspection(t, now.boot_ns, id, &next)) {
                struct docker_container d = {.c = e.container, .health_hash = e.command_hash};
                strcpy(d.c.id, id);
                d.c.health_timeout_ns = 1000000000;
                strcpy(d.c.health_command, "x");
                tracker_inspected(t, &d, now);
        }
        tracker_tick(t, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct tracker_ops ops = {on_event, on_container, on_synced};
        const char *text = (const char *)data;
        struct tracker t;
        struct json_split s;
        size_t cut = size ? data[0] % size : 0;

        tracker_init(&t, &ops, NULL);
        json_split_init(&s, 1 << 16, on_object, &t);
        if (json_split_feed(&s, text, cut) == 0)
                json_split_feed(&s, text + cut, size - cut);
        json_split_done(&s);
        tracker_done(&t);
        return 0;
}
