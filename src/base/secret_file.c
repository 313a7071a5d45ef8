/* Files that hold secrets: see secret_file.h. */
#include "base/secret_file.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *read_whole(const char *path, size_t max, bool private, struct error *e)
{
        cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        size_t n = 0;

        if (fd < 0 || fstat(fd, &st) < 0) {
                error_set(e, -errno, "%s: %s", path, strerror(errno));
                return NULL;
        }
        if (!S_ISREG(st.st_mode) || st.st_size > (off_t)max) {
                error_set(e, -EINVAL, "%s: is no file, or larger than %zu bytes", path, max);
                return NULL;
        }
        if (private && st.st_mode & S_IROTH) {
                error_set(e, -EPERM, "%s: everybody may read it; chmod o-r takes that away", path);
                return NULL;
        }
        cleanup_free char *text = malloc(max + 1);
        ssize_t r = text ? 1 : -1;
        while (r > 0 && n < max) {
                r = read(fd, text + n, max - n);
                n += r > 0 ? (size_t)r : 0;
        }
        if (r < 0) { /* a part of a secret is none */
                error_set(e, -errno, "%s: %s", path, strerror(errno));
                return NULL;
        }
        text[n] = '\0';
        if (strlen(text) != n) {
                error_set(e, -EINVAL, "%s: holds a NUL byte", path);
                return NULL;
        }
        char *fit = realloc(text, n + 1);
        if (!fit)
                return TAKE_PTR(text);
        text = NULL;
        return fit;
}

char *secret_file_read(const char *path, size_t max, struct error *e)
{
        return read_whole(path, max, false, e);
}

static bool is_line(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        return false;
        return true;
}

char *secret_file_line(const char *file, const char *folder, bool private, struct error *e)
{
        char path[512];

        if (file[0] != '/' && !folder) {
                error_set(e, -ENOENT,
                        "%s: no credentials were handed over (LoadCredential= of systemd); else give an "
                        "absolute path",
                        file);
                return NULL;
        }
        snprintf(path, sizeof path, "%s%s%s", file[0] == '/' ? "" : folder, file[0] == '/' ? "" : "/", file);
        cleanup_free char *text = read_whole(path, SECRET_MAX, private, e);
        if (!text)
                return NULL;
        text[strcspn(text, "\r\n")] = '\0';
        if (*text && is_line(text))
                return TAKE_PTR(text);
        error_set(e, -EINVAL, "%s: its first line is empty or holds control characters", path);
        return NULL;
}

void secret_free(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}
