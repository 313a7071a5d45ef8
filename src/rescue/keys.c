/* Keys that may log in, and the host key: see keys.h. */
#include "rescue/keys.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MOST = 64 << 10, KEY_FILE_MOST = 8 << 10 };

/* A file whose writer has root's rights or ours, and nobody else. */
static int open_trusted(const char *path, bool secret, struct error *e)
{
        struct stat st;
        cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set(e, -errno, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return error_set(e, -EINVAL, "%s: no regular file", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return error_set(
                        e, -EPERM, "%s: belongs to user %u instead of root (chown root)", path, st.st_uid);
        if (st.st_mode & 022)
                return error_set(e, -EPERM, "%s: others may write it (chmod go-w)", path);
        if (secret && st.st_mode & 077)
                return error_set(e, -EPERM, "%s: others may read it (chmod 600)", path);
        return TAKE_FD(fd);
}

/* ---- authorized_keys ---- */

static int import(const struct ssh *ssh, const struct key_line *line, ssh_key *ret, struct error *e)
{
        char base64[KEY_FILE_MOST];

        if (!text_copy(base64, sizeof base64, line->base64, line->base64_len))
                return error_set(e, -EINVAL, "the key is too long");
        if (ssh->pki_import_pubkey_base64(base64, ssh->key_type_from_name(line->type), ret) != SSH_OK)
                return error_set(e, -EINVAL, "the key is damaged, or not of the type that it says");
        return 0;
}

static void take_line(const struct ssh *ssh, struct keys *k, const char *path, unsigned number,
        const char *text, size_t len)
{
        struct error e = {0};
        struct key_line line;
        int r = key_line_parse(text, len, &line, &e);

        if (r == 0)
                return;
        if (r > 0 && k->count == KEYS_MOST)
                r = error_set(&e, -E2BIG, "left out: only %d keys are taken", KEYS_MOST);
        ssh_key key = NULL;
        if (r > 0)
                r = import(ssh, &line, &key, &e);
        if (r < 0) {
                log_warning("%s:%u: %s; this line lets nobody in", path, number, e.text);
                return;
        }
        line.base64 = NULL;
        k->allowed[k->count++] = (struct allowed_key){.key = key, .line = line};
}

int keys_read(const struct ssh *ssh, struct keys *ret, const char *path, struct error *e)
{
        cleanup_free char *text = malloc(FILE_MOST);
        cleanup_close int fd = open_trusted(path, false, e);
        unsigned number = 1;

        *ret = (struct keys){0};
        if (fd < 0)
                return e->code;
        ssize_t len = text ? file_reread(fd, text, FILE_MOST) : -ENOMEM;
        if (len < 0)
                return error_set(e, (int)len, "%s: %s", path, strerror((int)-len));
        if (len == FILE_MOST - 1)
                log_warning("%s: only the first %d bytes are read", path, FILE_MOST - 1);
        for (const char *p = text, *end = text + len; p < end; number++) {
                const char *lf = memchr(p, '\n', (size_t)(end - p));
                take_line(ssh, ret, path, number, p, (size_t)((lf ? lf : end) - p));
                p = lf ? lf + 1 : end;
        }
        return 0;
}

void keys_done(const struct ssh *ssh, struct keys *k)
{
        while (k->count)
                ssh->key_free(k->allowed[--k->count].key);
}

const struct allowed_key *keys_find(
        const struct ssh *ssh, const struct keys *k, const ssh_key key, const char *address)
{
        for (size_t i = 0; i < k->count; i++)
                if (ssh->key_cmp(k->allowed[i].key, key, SSH_KEY_CMP_PUBLIC) == 0 &&
                        key_line_admits(k->allowed[i].line.from, address))
                        return &k->allowed[i];
        return NULL;
}

/* ---- the host key ---- */

static int read_host_key(const struct ssh *ssh, const char *path, ssh_key *ret, struct error *e)
{
        char text[KEY_FILE_MOST];
        cleanup_close int fd = open_trusted(path, true, e);

        if (fd < 0)
                return e->code;
        ssize_t len = file_reread(fd, text, sizeof text);
        int r = len > 0 ? ssh->pki_import_privkey_base64(text, NULL, NULL, NULL, ret) : SSH_ERROR;
        explicit_bzero(text, sizeof text);
        if (r != SSH_OK)
                return error_set(e, -EINVAL, "%s: no private key (remove it to have another made)", path);
        return 0;
}

/* In one piece or not at all: half a key would keep the console from starting for ever. */
static int keep(const char *path, const char *text)
{
        char fresh[320];
        int r = 0;

        snprintf(fresh, sizeof fresh, "%s.new", path);
        unlink(fresh);
        cleanup_close int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, text, strlen(text));
        if (n != (ssize_t)strlen(text))
                r = n < 0 ? -errno : -ENOSPC;
        else if (fsync(fd) < 0 || rename(fresh, path) < 0)
                r = -errno;
        if (r < 0)
                unlink(fresh);
        return r;
}

static int make_host_key(const struct ssh *ssh, const char *path, ssh_key *ret, struct error *e)
{
        char *text = NULL;

        if (ssh->pki_generate(SSH_KEYTYPE_ED25519, 0, ret) != SSH_OK)
                return error_set(e, -EIO, "libssh can't make a host key");
        int r = ssh->pki_export_privkey_base64(*ret, NULL, NULL, NULL, &text) == SSH_OK ? 0 : -EIO;
        if (r == 0)
                r = keep(path, text);
        if (text) {
                explicit_bzero(text, strlen(text));
                ssh->string_free_char(text);
        }
        if (r < 0)
                log_warning("%s can't be kept (%s): the next start has another host key", path, strerror(-r));
        return 0;
}

int keys_host(const struct ssh *ssh, const char *folder, ssh_key *ret, struct error *e)
{
        char path[300];

        snprintf(path, sizeof path, "%s/rescue_host_key", folder);
        int r = read_host_key(ssh, path, ret, e);
        return r == -ENOENT ? make_host_key(ssh, path, ret, e) : r;
}

void keys_publish(const struct ssh *ssh, ssh_key host_key, const char *path)
{
        char *base64 = NULL, line[1000], fresh[320];

        if (!*path || ssh->pki_export_pubkey_base64(host_key, &base64) != SSH_OK)
                return;
        snprintf(line, sizeof line, "sexton-rescue ssh-ed25519 %s\n", base64);
        ssh->string_free_char(base64);
        snprintf(fresh, sizeof fresh, "%s.new", path);
        unlink(fresh);
        cleanup_close int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line) ||
                rename(fresh, path) < 0)
                log_warning("%s: %s; sexton rescue can't know the host key", path, strerror(errno));
}

const char *keys_fingerprint(const struct ssh *ssh, ssh_key key, char *buf, size_t size)
{
        unsigned char *hash = NULL;
        size_t len;
        char *text = NULL;

        text_set(buf, size, "?");
        if (ssh->get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) != 0)
                return buf;
        text = ssh->get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
        if (text)
                text_set(buf, size, text);
        ssh->string_free_char(text);
        ssh->clean_pubkey_hash(&hash);
        return buf;
}
