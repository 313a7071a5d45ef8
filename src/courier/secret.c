/* Secrets: see secret.h. */
#include "courier/secret.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A regular file, whole, within its bound. */
static char *read_file(const char *path, size_t max, struct error *e)
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
        cleanup_free char *text = malloc(max + 1);
        for (ssize_t r = 1; text && r > 0 && n<max; n += r> 0 ? (size_t)r : 0)
                r = read(fd, text + n, max - n);
        if (!text)
                return NULL;
        text[n] = '\0';
        if (strlen(text) != n) {
                error_set(e, -EINVAL, "%s: holds a NUL byte", path);
                return NULL;
        }
        char *fit = realloc(text, n + 1);
        if (fit)
                text = NULL;
        return fit;
}

static bool is_line(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        return false;
        return true;
}

static void read_value(struct secret *s, const char *file, const char *folder)
{
        char path[512];

        if (file[0] != '/' && !folder) {
                error_set(&s->problem, -ENOENT,
                        "%s: no credentials were handed over (LoadCredential= of systemd); else give an "
                        "absolute path",
                        file);
                return;
        }
        snprintf(path, sizeof path, "%s%s%s", file[0] == '/' ? "" : folder, file[0] == '/' ? "" : "/", file);
        cleanup_free char *text = read_file(path, SECRET_MAX, &s->problem);
        if (!text)
                return;
        text[strcspn(text, "\r\n")] = '\0';
        if (!*text || !is_line(text))
                error_set(&s->problem, -EINVAL, "%s: its first line is empty or holds control characters",
                        path);
        else
                s->value = TAKE_PTR(text);
}

void secret_read(struct secret *s, const struct notify_config *n, const char *credentials_folder)
{
        *s = (struct secret){0};
        if (n->secret_file[0])
                read_value(s, n->secret_file, credentials_folder);
        if (n->ca_file[0] && !s->problem.code)
                s->ca = read_file(n->ca_file, SECRET_CA_MAX, &s->problem);
        if (s->value && n->secret_is_url && strncmp(s->value, "http://", 7) &&
                strncmp(s->value, "https://", 8))
                error_set(&s->problem, -EINVAL, "%s: wants a URL that starts with http:// or https://",
                        n->secret_file);
}

void secret_done(struct secret *s)
{
        if (s->value)
                explicit_bzero(s->value, strlen(s->value));
        free(s->value);
        free(s->ca);
        *s = (struct secret){0};
}

static void scrub(char *text, size_t size, const char *what)
{
        size_t n = strlen(what);

        if (n < 4) /* too common to take out; and too short for a secret */
                return;
        for (char *at; (at = strstr(text, what));) {
                memmove(at + 3, at + n, strlen(at + n) + 1);
                memcpy(at, "***", 3);
        }
}

static void base64(const char *in, char *out, size_t size)
{
        static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        size_t n = strlen(in), o = 0;

        for (size_t i = 0; i < n && o + 5 <= size; i += 3) {
                unsigned v = (unsigned)(unsigned char)in[i] << 16;
                v |= i + 1 < n ? (unsigned)(unsigned char)in[i + 1] << 8 : 0;
                v |= i + 2 < n ? (unsigned char)in[i + 2] : 0;
                out[o++] = digit[v >> 18];
                out[o++] = digit[v >> 12 & 63];
                out[o++] = i + 1 < n ? digit[v >> 6 & 63] : '=';
                out[o++] = i + 2 < n ? digit[v & 63] : '=';
        }
        out[o] = '\0';
}

void secret_scrub(const struct secret *s, const struct notify_config *n, char *text, size_t size)
{
        const char *url = s->value && n->secret_is_url ? s->value : n->url;
        const char *host = strstr(url, "://"), *path = host ? strpbrk(host + 3, "/?#") : NULL;
        char pair[SECRET_MAX + 100], coded[2 * sizeof pair];

        if (s->value) {
                scrub(text, size, s->value);
                snprintf(pair, sizeof pair, "%s:%s", n->username, s->value);
                base64(pair, coded, sizeof coded);
                scrub(text, size, coded);
                base64(s->value, coded, sizeof coded);
                scrub(text, size, coded);
        }
        if (path && strlen(path) > 8)
                scrub(text, size, path);
}
