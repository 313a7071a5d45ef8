/* Units by sd-bus: see units.h. */
#include "source/engine/units.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"
#define SERVICE     "org.freedesktop.systemd1"
#define OBJECT      "/org/freedesktop/systemd1"
#define MANAGER     "org.freedesktop.systemd1.Manager"

static void end(struct unit_job *j, int code, const char *text)
{
        if (!j->number || j->ended)
                return;
        j->ended = true;
        j->code = code;
        text_printable(j->text, sizeof j->text, text, strlen(text));
}

static void end_all(struct units *u, int code, const char *text)
{
        for (size_t i = 0; i < UNIT_JOBS; i++)
                end(&u->job[i], code, text);
}

static void disconnect(struct units *u)
{
        for (size_t i = 0; i < UNIT_JOBS; i++)
                if (u->job[i].slot)
                        u->job[i].slot = u->lib->slot_unref(u->job[i].slot);
        if (!u->bus)
                return;
        loop_remove(u->loop, &u->watch);
        loop_disarm(u->loop, &u->timer);
        u->bus = u->lib->close_unref(u->bus);
}

/* ---- what the bus says ---- */

static int code_of(const sd_bus_error *e)
{
        static const struct {
                const char *name;
                int code;
        } known[] = {
                {"org.freedesktop.systemd1.NoSuchUnit", -ENOENT},
                {"org.freedesktop.DBus.Error.AccessDenied", -EPERM},
                {"org.freedesktop.DBus.Error.NoReply", -ENOTCONN}, /* the bus is gone */
                {"org.freedesktop.DBus.Error.Timeout", -ETIMEDOUT},
                {"org.freedesktop.DBus.Error.ServiceUnknown", -ENOTCONN},
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (e->name && !strcmp(e->name, known[i].name))
                        return known[i].code;
        return -EIO;
}

/* The answer to StopUnit and its like: the job by which it is done. */
static int on_job(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
        struct unit_job *j = userdata;
        const struct systemd *lib = j->of->lib;
        const sd_bus_error *e = lib->message_get_error(m);
        const char *path = NULL;

        if (e)
                end(j, code_of(e), e->message ? e->message : e->name);
        else if (lib->message_read(m, "o", &path) < 0 ||
                 !text_copy(j->path, sizeof j->path, path, strlen(path)))
                end(j, -EPROTO, "systemd answers something else than a job");
        return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
        struct units *u = userdata;
        const char *path, *unit, *result;
        char text[120];
        uint32_t id;

        if (u->lib->message_read(m, "uoss", &id, &path, &unit, &result) < 0)
                return 0;
        snprintf(text, sizeof text, "systemd's job for it ended as: %s", result);
        for (size_t i = 0; i < UNIT_JOBS; i++) {
                struct unit_job *j = &u->job[i];
                if (!j->number || strcmp(j->path, path) != 0)
                        continue;
                if (!strcmp(result, "done"))
                        end(j, 0, "");
                else
                        end(j, !strcmp(result, "timeout") ? -ETIMEDOUT : -EIO, text);
        }
        return 0;
}

/* Without being subscribed to, systemd need not tell of the ends of jobs: then none is told of and time runs
 * out, which is told better by this. */
static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
        struct units *u = userdata;
        const sd_bus_error *e = u->lib->message_get_error(m);

        if (e)
                end_all(u, code_of(e), e->message ? e->message : e->name);
        return 0;
}

/* ---- the connection ---- */

static void hand_over(struct units *u)
{
        for (size_t i = 0; i < UNIT_JOBS; i++) {
                struct unit_job ended = u->job[i];
                if (!ended.number || !ended.ended)
                        continue;
                if (ended.slot)
                        u->lib->slot_unref(ended.slot);
                u->job[i] = (struct unit_job){0};
                u->ended(u->ctx, ended.number, ended.code, ended.text);
        }
}

/* 0 = nothing is under way */
static uint64_t next_due(const struct units *u)
{
        uint64_t due_ns = 0, usec = UINT64_MAX;

        for (size_t i = 0; i < UNIT_JOBS; i++)
                if (u->job[i].number)
                        due_ns = due_ns ? MIN(due_ns, u->job[i].give_up_ns) : u->job[i].give_up_ns;
        if (due_ns && u->lib->get_timeout(u->bus, &usec) >= 0 && usec != UINT64_MAX)
                due_ns = MIN(due_ns, usec * NSEC_PER_USEC + clock_mono_to_boot_offset_ns());
        return due_ns;
}

static void go_on(struct units *u)
{
        uint64_t now_ns = clock_boot_ns();
        char text[120];
        int r;

        while ((r = u->lib->process(u->bus, NULL)) > 0)
                ;
        int events = r < 0 ? r : u->lib->get_events(u->bus);
        if (events < 0) {
                snprintf(text, sizeof text, "the system bus: %s", strerror(-events));
                end_all(u, -ENOTCONN, text);
        }
        for (size_t i = 0; i < UNIT_JOBS; i++)
                if (now_ns >= u->job[i].give_up_ns)
                        end(&u->job[i], -ETIMEDOUT, "systemd does not answer; it may still do it");
        hand_over(u);
        uint64_t due_ns = next_due(u);
        if (!due_ns) {
                disconnect(u);
                return;
        }
        loop_modify(u->loop, &u->watch, (uint32_t)events); /* poll's and epoll's bits are the same */
        loop_arm(u->loop, &u->timer, due_ns);
}

static void on_bus(void *ctx, uint32_t events)
{
        go_on(ctx);
}

static void on_time(void *ctx, uint64_t now_ns)
{
        go_on(ctx);
}

static int connect_bus(struct units *u, struct error *e)
{
        int r;

        if (u->bus)
                return 0;
        if (!u->address && access("/run/systemd/system", F_OK) < 0) /* as sd_booted(3) has it */
                return error_set(e, -ENOTCONN, "systemd does not run here");
        u->lib = systemd_load(e);
        if (!u->lib)
                return -ELIBACC;
        r = u->lib->new (&u->bus);
        if (r >= 0)
                r = u->lib->set_address(u->bus, u->address ? u->address : BUS_ADDRESS);
        if (r >= 0)
                r = u->lib->set_bus_client(u->bus, 1);
        if (r >= 0)
                r = u->lib->start(u->bus);
        if (r >= 0)
                r = u->lib->get_fd(u->bus);
        if (r >= 0) {
                u->watch = (struct loop_fd){.fd = r, .ready = on_bus, .ctx = u};
                u->timer = (struct loop_timer){.fire = on_time, .ctx = u};
                r = loop_add(u->loop, &u->watch, EPOLLIN);
        }
        if (r >= 0) {
                r = u->lib->match_signal_async(
                        u->bus, NULL, SERVICE, OBJECT, MANAGER, "JobRemoved", on_removed, NULL, u);
                if (r >= 0)
                        r = u->lib->call_method_async(
                                u->bus, NULL, SERVICE, OBJECT, MANAGER, "Subscribe", on_subscribed, u, NULL);
                if (r < 0)
                        loop_remove(u->loop, &u->watch);
        }
        if (r >= 0)
                return 0;
        if (u->bus)
                u->bus = u->lib->close_unref(u->bus);
        return error_set(e, -ENOTCONN, "the system bus can't be reached: %s", strerror(-r));
}

/* ---- asking ---- */

/* Only services are acted on, and a name that is none must not become something else. */
static bool is_unit(const char *name)
{
        static const char ending[] = ".service";
        size_t n = strlen(name);

        return n >= sizeof ending && n < 256 && !strcmp(name + n - (sizeof ending - 1), ending) &&
               !strpbrk(name, "/*?[] \t\n");
}

int units_ask(struct units *u, uint32_t number, uint8_t operation, const char *unit, uint32_t within_ms,
        struct error *e)
{
        static const char *const method[ENGINE_OPERATIONS] = {
                [ENGINE_STOP] = "StopUnit",
                [ENGINE_START] = "StartUnit",
                [ENGINE_RESTART] = "RestartUnit",
        };
        struct unit_job *j = NULL;

        if (operation >= ENGINE_OPERATIONS || !method[operation] || !number || !is_unit(unit))
                return error_set(e, -EINVAL, "this can't be asked of systemd");
        for (size_t i = 0; i < UNIT_JOBS && !j; i++)
                if (!u->job[i].number)
                        j = &u->job[i];
        if (!j)
                return error_set(e, -EBUSY, "too many operations are under way");
        int r = connect_bus(u, e);
        if (r < 0)
                return r;
        *j = (struct unit_job){
                .of = u, .number = number, .give_up_ns = clock_boot_ns() + within_ms * NSEC_PER_MSEC};
        r = u->lib->call_method_async(u->bus, &j->slot, SERVICE, OBJECT, MANAGER, method[operation], on_job,
                j, "ss", unit, "replace");
        if (r < 0) {
                *j = (struct unit_job){0};
                r = error_set(e, -ENOTCONN, "the system bus can't be asked: %s", strerror(-r));
        }
        loop_arm(u->loop, &u->timer, clock_boot_ns()); /* what waits to be sent is sent from the loop */
        return r;
}

void units_done(struct units *u)
{
        disconnect(u);
        memset(u->job, 0, sizeof u->job);
}
