/* Files that hold secrets: a path, or the name of a credential that systemd has handed over
 * (LoadCredential=).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_MAX = 4096 };

/* A regular file as a whole, at most max bytes, without a NUL byte; the caller frees it. NULL with the error
 * set, which names the file. */
char *secret_file_read(const char *path, size_t max, struct error *e);
/* Its first line, which must not be empty nor hold control characters. A name without a slash is a
 * credential, in credentials_folder (NULL: there are none). With `private` the file must not be readable by
 * others than its owner and group. */
char *secret_file_line(const char *file, const char *credentials_folder, bool private, struct error *e);
/* Overwrites and frees it; takes NULL. */
void secret_free(char *secret);
