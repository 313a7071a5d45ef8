/* Whom actions never touch: see touch.h. */
#include "act/touch.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* What runs containers, and what lets people in. By name, and only outside containers: inside one anybody
 * may call himself so, to be left alone. */
static const struct {
        const char *name; /* a pattern for the command's name, which the kernel cuts at 15 bytes */
        const char *what;
} untouchable[] = {
        {"containerd-shim*", "a container shim"},
        {"conmon", "a container shim"},
        {"dockerd", "the container engine"},
        {"docker-proxy", "the container engine"},
        {"containerd", "the container engine"},
        {"podman", "the container engine"},
        {"crio", "the container engine"},
        {"sshd*", "a way into this host"},
        {"dropbear", "a way into this host"},
        {"login", "a way into this host"},
        {"agetty", "a way into this host"},
        {"tailscaled", "a way into this host"},
        {"systemd", "the service manager"},
        {"systemd-*", "the service manager"},
        {"(sd-pam)", "the service manager"},
        {"dbus-daemon", "the message bus that logins need"},
        {"dbus-broker*", "the message bus that logins need"},
        {"NetworkManager", "the network of this host"},
        {"dhclient", "the network of this host"},
};

static bool is_container(const struct service *s)
{
        return s->kind == SERVICE_COMPOSE || s->kind == SERVICE_CONTAINER;
}

static bool lives(const struct process *p)
{
        return p->state == PROCESS_ALIVE || p->state == PROCESS_LEADER;
}

static int refuse(struct error *e, const struct process *p, const char *what)
{
        char comm[LIFE_COMM_SIZE * 4];

        text_printable(comm, sizeof comm, p->comm, strnlen(p->comm, sizeof p->comm));
        return error_set(e, -EPERM, "never touched: process %d (%s) is %s", p->pid, comm, what);
}

/* The file it runs from counts as well as the name it gave itself. */
static bool is_called(const struct board *b, const struct process *p, const char *pattern)
{
        const char *exe = p->exe ? strrchr(b->string[p->exe].text, '/') : NULL;

        return text_glob(pattern, p->comm) || (exe && text_glob(pattern, exe + 1));
}

static int check_process(const struct board *b, const struct process *p, struct error *e)
{
        if (p->pid == 1)
                return refuse(e, p, "PID 1");
        if (p->flags & PROCESS_F_KTHREAD)
                return refuse(e, p, "the kernel's");
        if (p->flags & PROCESS_F_SELF)
                return refuse(e, p, "Sexton itself");
        for (size_t k = 0; k < ARRAY_SIZE(untouchable); k++)
                if (!is_container(&b->service[p->service]) && is_called(b, p, untouchable[k].name))
                        return refuse(e, p, untouchable[k].what);
        return 0;
}

static bool is_allowed(const struct config *c, const char *name)
{
        for (uint32_t k = 0; k < c->act_only_in_count; k++)
                if (text_glob(c->act_only_in[k], name))
                        return true;
        return !c->act_only_in_count;
}

/* What its kind, its label and the configuration say, its processes apart. */
static int check_service(const struct board *b, const struct config *c, uint16_t service, struct error *e)
{
        const struct service *s = &b->service[service];

        if (!s->kind)
                return error_set(e, -ENOENT, "no such service");
        if (s->kind == SERVICE_HOST)
                return error_set(e, -EPERM, "never touched: this is the host itself, not a service");
        if (s->kind == SERVICE_KERNEL)
                return error_set(e, -EPERM, "never touched: these are the kernel's threads");
        if (s->is_self)
                return error_set(e, -EPERM, "never touched: this is Sexton itself");
        if (s->kind == SERVICE_SESSION)
                return error_set(e, -EPERM, "never touched: this is the login session of a person");
        if (s->protect)
                return error_set(e, -EPERM, "never touched: it is labelled sexton.protect");
        if (!is_allowed(c, s->name))
                return error_set(e, -EPERM, "not touched: act_only_in in the configuration doesn't name it");
        return 0;
}

int touch_service(
        const struct board *b, const struct config *c, uint16_t service, int32_t asker_pid, struct error *e)
{
        if (!service || service >= b->service_top)
                return error_set(e, -ENOENT, "no such service");
        int r = check_service(b, c, service, e);
        for (uint32_t i = 1; i < b->process_top && !r; i++) {
                const struct process *p = &b->process[i];
                if (!lives(p) || p->service != service)
                        continue;
                r = check_process(b, p, e);
                if (!r && asker_pid && p->pid == asker_pid)
                        r = refuse(e, p, "who asks for it");
        }
        return r;
}

int touch_process(
        const struct board *b, const struct config *c, uint32_t process, int32_t asker_pid, struct error *e)
{
        const struct process *p = &b->process[process];

        if (!process || process >= b->process_top || !lives(p))
                return error_set(e, -ESRCH, "no such process");
        int r = check_process(b, p, e);
        if (!r && asker_pid && p->pid == asker_pid)
                r = refuse(e, p, "who asks for it");
        return r ? r : check_service(b, c, p->service, e);
}
