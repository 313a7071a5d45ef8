/* Secrets: read from their files while the courier still is root, and taken out of every text that leaves it.
 */
#pragma once

#include "base/secret_file.h"
#include "config/config.h"

enum { SECRET_CA_MAX = 1 << 20 };

struct secret {
        char *value; /* NULL = none, or it could not be read */
        char *ca;    /* PEM; NULL = the system's */
        struct error problem;
};

/* A name without a slash is a credential of systemd's, in credentials_folder (NULL: there are none). */
void secret_read(struct secret *s, const struct notify_config *n, const char *credentials_folder);
void secret_done(struct secret *s);

/* Puts *** in place of the secret, of what it looks like in basic authorization, and of what is behind the
 * host in the url: some put a secret there. */
void secret_scrub(const struct secret *s, const struct notify_config *n, char *text, size_t size);
