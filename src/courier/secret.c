/* Secrets: see secret.h. */
#include "courier/secret.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void secret_read(struct secret *s, const struct notify_config *n, const char *credentials_folder)
{
        *s = (struct secret){0};
        if (n->secret_file[0])
                s->value = secret_file_line(n->secret_file, credentials_folder, false, &s->problem);
        if (n->ca_file[0] && !s->problem.code)
                s->ca = secret_file_read(n->ca_file, SECRET_CA_MAX, &s->problem);
        if (s->value && n->secret_is_url && strncmp(s->value, "http://", 7) &&
                strncmp(s->value, "https://", 8))
                error_set(&s->problem, -EINVAL, "%s: wants a URL that starts with http:// or https://",
                        n->secret_file);
}

void secret_done(struct secret *s)
{
        secret_free(s->value);
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
