/* The sentences of view.h: why a zombie is not buried, what to change, and how numbers are said. */
#include "world/view.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const char *view_span(double seconds, char buf[VIEW_SPAN])
{
        if (!isfinite(seconds))
                snprintf(buf, VIEW_SPAN, "an unknown time");
        else if (seconds < 10)
                snprintf(buf, VIEW_SPAN, "%.1f s", seconds);
        else if (seconds < 120)
                snprintf(buf, VIEW_SPAN, "%.0f s", seconds);
        else if (seconds < 7200)
                snprintf(buf, VIEW_SPAN, "%.0f min", seconds / 60);
        else if (seconds < 48 * 3600.0)
                snprintf(buf, VIEW_SPAN, "%.1f h", seconds / 3600);
        else
                snprintf(buf, VIEW_SPAN, "%.0f days", MIN(seconds / 86400, 1e6));
        return buf;
}

const char *view_bytes(double bytes, char buf[VIEW_SPAN])
{
        static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
        size_t u = 0;

        if (!isfinite(bytes)) {
                snprintf(buf, VIEW_SPAN, "unknown");
                return buf;
        }
        while (fabs(bytes) >= 1024 && u + 1 < ARRAY_SIZE(units)) {
                bytes /= 1024;
                u++;
        }
        snprintf(buf, VIEW_SPAN, u == 0 || fabs(bytes) >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
        return buf;
}

const char *view_exit(int32_t status, char buf[VIEW_EXIT])
{
        if (WIFEXITED(status)) {
                snprintf(buf, VIEW_EXIT, "exit code %d", WEXITSTATUS(status));
                return buf;
        }
        const char *name = signal_name(WTERMSIG(status));

        if (name)
                snprintf(buf, VIEW_EXIT, "%s", name);
        else
                snprintf(buf, VIEW_EXIT, "signal %d", WTERMSIG(status));
        return buf;
}

static bool is_container(const struct service *s)
{
        return s && (s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER);
}

static const char *born_of(enum origin origin)
{
        switch (origin) {
        case ORIGIN_HEALTHCHECK:
                return "a health check";
        case ORIGIN_EXEC:
                return "a command executed in the container";
        case ORIGIN_TASK:
                return "a task of the service";
        case ORIGIN_UNKNOWN:
        default:
                return "a process not seen";
        }
}

void view_why(const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns,
        char *buf, size_t size)
{
        const struct process *holder = view_holder(b, ix, p);
        char who[64] = "a process not on record", age[VIEW_SPAN];

        if (holder)
                view_command(b, holder, who, sizeof who);
        if ((p->flags & PROCESS_F_PTRACED) && p->state != PROCESS_LEADER) {
                snprintf(buf, size,
                        "Process %d (%s) traces it, and its parent can't wait for it until that ends.",
                        p->tracer_pid, who);
                return;
        }
        switch (view_kind_held(b, p, holder, now_ns)) {
        case ZOMBIE_LEADER:
                snprintf(buf, size,
                        "Its main thread has ended, but %u other thread%s: not a true zombie; it may use CPU "
                        "and memory.",
                        p->threads > 1 ? p->threads - 1 : 1, p->threads > 2 ? "s live on" : " lives on");
                break;
        case ZOMBIE_TRANSIENT:
                snprintf(buf, size, "It died only %s ago; its parent may still wait for it.",
                        view_span(view_age(p->exit_ns, now_ns), age));
                break;
        case ZOMBIE_ORPHAN:
                snprintf(buf, size,
                        "It was born of %s, whose process ended first; so it fell to %s (pid %d), %s, which "
                        "doesn't wait for "
                        "children that aren't its own%s.",
                        born_of(p->origin), who, holder ? holder->pid : p->ppid,
                        view_is_pid1(holder) ? "PID 1 there" : "a subreaper",
                        holder && (holder->flags & PROCESS_F_HOLDER_IGNORES)
                                ? " (it has no handler for SIGCHLD)"
                                : "");
                break;
        case ZOMBIE_UNREAPED:
        default:
                snprintf(buf, size, "Its parent %s (pid %d) lives and hasn't waited for it.", who,
                        holder ? holder->pid : p->ppid);
        }
}

static void orphan_remedy(const struct view_leak *l, const char *name, char *buf, size_t size)
{
        const struct service *s = l->service;
        bool container = is_container(s);

        if (container && s->has_init)
                snprintf(buf, size,
                        "%s has an init, yet it doesn't reap: see whether that init is stopped or frozen, "
                        "and whether %s "
                        "took its place as subreaper.",
                        name, l->holder[0] ? l->holder : "another process");
        else if (container && l->origin == ORIGIN_HEALTHCHECK)
                snprintf(buf, size,
                        "Give %s a PID 1 that reaps (`init: true`, or `docker run --init`)%s, with a timeout "
                        "longer than it "
                        "takes under load. A restart of %s clears what is there.",
                        name,
                        s->health_shell ? "; give the health check in exec form (`test: [\"CMD\", ...]`, or "
                                          "`exec` before the command)"
                                        : "; see that the health check ends what it starts",
                        name);
        else if (container)
                snprintf(buf, size,
                        "Give %s a PID 1 that reaps (`init: true`, or `docker run --init`); let parents wait "
                        "for their "
                        "children before they end. A restart of %s clears what is there.",
                        name, name);
        else
                snprintf(buf, size,
                        "%s took over children whose parents ended and doesn't wait for them: let it wait "
                        "for any child "
                        "(waitpid -1 on SIGCHLD), or not be a subreaper; restarting it hands them to PID 1.",
                        l->holder[0] ? l->holder : name);
}

void view_leak_remedy(const struct view_leak *l, char *buf, size_t size)
{
        const char *name = l->service && l->service->name[0] ? l->service->name : "the service";
        const char *holder = l->holder[0] ? l->holder : "the parent";

        if (l->holder_pid == 1 && (l->kind == ZOMBIE_ORPHAN || l->kind == ZOMBIE_UNREAPED)) {
                snprintf(buf, size,
                        "The host's PID 1, %s, buries nobody. An init does unless it has crashed or is "
                        "stopped "
                        "(`journalctl -b _PID=1`; a reboot ends that); another program in an init's place "
                        "must "
                        "wait for any child (waitpid -1 on SIGCHLD).",
                        holder);
                return;
        }
        if (l->traced) {
                snprintf(buf, size, "End the tracer %s: the parent can wait for them then.", holder);
                return;
        }
        switch (l->kind) {
        case ZOMBIE_LEADER:
                snprintf(buf, size,
                        "Let the program end its threads before its main thread returns (join them, or end "
                        "with exit()); a "
                        "restart of %s stops what runs now.",
                        name);
                break;
        case ZOMBIE_TRANSIENT:
                snprintf(buf, size, "Nothing: it is younger than the grace period.");
                break;
        case ZOMBIE_ORPHAN:
                orphan_remedy(l, name, buf, size);
                break;
        case ZOMBIE_UNREAPED:
        default:
                snprintf(buf, size,
                        "Make %s wait for its children (wait, waitpid, Popen.wait, or SIGCHLD set to "
                        "SIG_IGN); an init doesn't "
                        "help while that parent lives. A restart of %s clears what is there.",
                        holder, name);
        }
}

void view_remedy(const struct board *b, const struct view_index *ix, const struct process *p, uint64_t now_ns,
        char *buf, size_t size)
{
        const struct process *holder = view_holder(b, ix, p);
        char who[64] = "";

        if (holder)
                view_command(b, holder, who, sizeof who);
        view_leak_remedy(&(struct view_leak){.kind = view_kind_held(b, p, holder, now_ns),
                                 .origin = p->origin,
                                 .traced = (p->flags & PROCESS_F_PTRACED) && p->state != PROCESS_LEADER,
                                 .holder_pid = holder ? holder->pid : 0,
                                 .service = view_service(b, holder ? holder->service : p->service),
                                 .holder = who},
                buf, size);
}
