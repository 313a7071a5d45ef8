/* Whole-file reads and writes: see file.h. */
#include "base/file.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static ssize_t read_full(int fd, char *buf, size_t size)
{
        size_t n = 0;

        while (n < size - 1) {
                ssize_t r = pread(fd, buf + n, size - 1 - n, (off_t)n);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        buf[n] = '\0';
        return (ssize_t)n;
}

ssize_t file_read_at(int dirfd, const char *path, char *buf, size_t size)
{
        cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -errno;
        return read_full(fd, buf, size);
}

ssize_t file_reread(int fd, char *buf, size_t size)
{
        return read_full(fd, buf, size);
}

int file_write_at(int dirfd, const char *path, const char *text)
{
        cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
        size_t len = strlen(text);

        if (fd < 0)
                return -errno;
        ssize_t r = write(fd, text, len);
        if (r < 0)
                return -errno;
        return (size_t)r == len ? 0 : -EIO;
}

int file_open_root(const char *path)
{
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}
