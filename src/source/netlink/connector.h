/* The kernel's proc connector: births, execs, deaths of all processes over a netlink socket. Meant to
 * be drained in batches (waking per event costs the watched program tens of microseconds). Needs
 * CAP_NET_ADMIN in the initial network and pid namespace.
 */
#pragma once

#include "base/error.h"
#include "model/life.h"

#include <stdbool.h>
#include <stddef.h>

struct connector {
        int fd; /* readable when events wait; -1 closed */
        uint64_t inode;
        uint64_t drops_seen;
        bool overrun; /* the kernel said that events were dropped */
};

/* Subscribes and waits for the kernel's word that it did. -EPERM, -ECONNREFUSED (other network
 * namespace), -ETIMEDOUT...; e says it in words. */
int connector_open(struct connector *c, struct error *e);
void connector_close(struct connector *c);

/* Hands over what waits, at most max events; returns how many. */
int connector_drain(struct connector *c, uint32_t max, life_fn fn, void *ctx);

/* One datagram of the kernel's; false when it is no event that the world keeps. offset_ns: from the
 * kernel's clock to boot time. */
bool connector_parse(const char *buf, size_t len, uint64_t offset_ns, struct life_event *ret);
/* The drops of the socket with this inode in the text of /proc/net/netlink; false when it isn't there. */
bool connector_parse_drops(const char *text, uint64_t inode, uint64_t *ret_drops);

/* Events dropped since the last call: exact, from /proc/net/netlink. Cheap only when c->overrun is
 * looked at first. */
uint64_t connector_take_drops(struct connector *c, int proc_fd);
