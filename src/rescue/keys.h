/* The keys that may log in, and the console's own host key. Read before root is given up, kept in memory.
 */
#pragma once

#include "rescue/key_line.h"
#include "rescue/ssh.h"

enum { KEYS_MOST = 64 };

struct allowed_key {
        ssh_key key;
        struct key_line line; /* but for base64 */
};

struct keys {
        struct allowed_key allowed[KEYS_MOST];
        size_t count;
};

/* Reads `path`, which only root (or who runs this) may have written. A line that can't be used is told in the
 * log and left out. -ENOENT and others with the error set; 0 also when there is no key in it. */
int keys_read(const struct ssh *ssh, struct keys *ret, const char *path, struct error *e);
void keys_done(const struct ssh *ssh, struct keys *k);
/* The entry of that key, whose from="..." admits the address; NULL when there is none. */
const struct allowed_key *keys_find(
        const struct ssh *ssh, const struct keys *k, const ssh_key key, const char *address);

/* The host key in folder/rescue_host_key, made at the first time. A new one that can't be kept is told in the
 * log and used all the same. */
int keys_host(const struct ssh *ssh, const char *folder, ssh_key *ret, struct error *e);
/* Writes its public half as a known_hosts line for the name sexton-rescue, for the verb that reaches the
 * console; "" is no path. */
void keys_publish(const struct ssh *ssh, ssh_key host_key, const char *path);
/* "SHA256:..." into buf; returns buf. */
const char *keys_fingerprint(const struct ssh *ssh, ssh_key key, char *buf, size_t size);
