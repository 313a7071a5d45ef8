/* Whole-file reads and writes for kernel files and small configuration, relative to a folder
 * descriptor. A reader takes a root folder as dirfd, so that tests hand it a fixture tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads at most size-1 bytes and ends them with NUL. Returns the length or a negative errno. */
ssize_t file_read_at(int dirfd, const char *path, char *buf, size_t size);
/* The same on a kept descriptor, from offset 0. */
ssize_t file_reread(int fd, char *buf, size_t size);
/* Writes all of text with one write(2). 0 or a negative errno. */
int file_write_at(int dirfd, const char *path, const char *text);
/* Opens a folder as root for the readers; a negative errno on failure. */
int file_open_root(const char *path);
