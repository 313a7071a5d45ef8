/* One line of authorized_keys: see key_line.h. */
#include "rescue/key_line.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Types of keys that libssh checks; ssh-dss is too weak. */
static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "ssh-rsa", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"};

struct cursor {
        const char *at, *end;
};

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *c)
{
        while (c->at < c->end && is_blank(*c->at))
                c->at++;
}

/* The word at the cursor; moves behind it. */
static size_t word(struct cursor *c, const char **ret)
{
        *ret = c->at;
        while (c->at < c->end && !is_blank(*c->at))
                c->at++;
        return (size_t)(c->at - *ret);
}

static bool is_type(const char *w, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (strlen(types[i]) == len && !strncmp(types[i], w, len))
                        return true;
        return false;
}

/* ---- options ---- */

/* NAME or NAME="VALUE", where \" is a quote. */
static int option(struct cursor *c, char *name, size_t name_size, char *value, size_t value_size,
        bool *ret_has_value, struct error *e)
{
        const char *start = c->at;
        size_t n = 0;

        while (c->at < c->end && *c->at != '=' && *c->at != ',' && !is_blank(*c->at))
                c->at++;
        if (c->at == start || !text_copy(name, name_size, start, (size_t)(c->at - start)))
                return error_set(e, -EINVAL, "neither a key nor an option stands at its beginning");
        *ret_has_value = c->at < c->end && *c->at == '=';
        value[0] = '\0';
        if (!*ret_has_value)
                return 0;
        if (c->at + 1 == c->end || c->at[1] != '"')
                return error_set(e, -EINVAL, "option %s: its value wants quotes", name);
        for (c->at += 2; c->at < c->end && *c->at != '"'; c->at++) {
                if (*c->at == '\\' && c->at + 1 < c->end && c->at[1] == '"')
                        c->at++;
                if (n + 1 == value_size)
                        return error_set(e, -EINVAL, "option %s: its value is too long", name);
                value[n++] = *c->at;
        }
        value[n] = '\0';
        if (c->at == c->end)
                return error_set(e, -EINVAL, "option %s: its quotes are not closed", name);
        c->at++;
        return 0;
}

/* What is never given here needs no option to take it away. */
static bool is_idle(const char *name)
{
        static const char *const idle[] = {
                "no-port-forwarding", "no-agent-forwarding", "no-X11-forwarding", "no-user-rc"};

        for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
                if (!strcasecmp(name, idle[i]))
                        return true;
        return false;
}

static int heed(struct key_line *k, const char *name, bool has_value, const char *value, struct error *e)
{
        char shown[80];

        if (!has_value && is_idle(name))
                return 0;
        if (!has_value && (!strcasecmp(name, "no-pty") || !strcasecmp(name, "restrict"))) {
                k->no_pty = true;
                return 0;
        }
        if (!has_value && !strcasecmp(name, "pty")) {
                k->no_pty = false;
                return 0;
        }
        if (*value && !strcasecmp(name, "from")) {
                text_set(k->from, sizeof k->from, value);
                return 0;
        }
        if (*value && !strcasecmp(name, "command")) {
                text_set(k->command, sizeof k->command, value);
                return 0;
        }
        text_printable(shown, sizeof shown, name, strlen(name));
        return error_set(e, -EINVAL,
                "option %s is not known here, and a limit must not be passed over (known: from, command, "
                "restrict, pty, no-pty, no-*-forwarding, no-user-rc)",
                shown);
}

static int options(struct cursor *c, struct key_line *k, struct error *e)
{
        char name[40], value[KEY_LINE_COMMAND] = "";
        bool has_value = false;

        for (;;) {
                int r = option(c, name, sizeof name, value, sizeof value, &has_value, e);
                if (r == 0)
                        r = heed(k, name, has_value, value, e);
                if (r < 0)
                        return r;
                if (c->at == c->end || is_blank(*c->at))
                        return 0;
                if (*c->at != ',')
                        return error_set(e, -EINVAL, "option %s: a comma or a blank has to follow", name);
                c->at++;
        }
}

int key_line_parse(const char *line, size_t len, struct key_line *ret, struct error *e)
{
        struct cursor c = {line, line + len};
        struct key_line k = {0};
        const char *w;

        while (c.end > c.at && (is_blank(c.end[-1]) || c.end[-1] == '\r'))
                c.end--;
        skip_blanks(&c);
        if (c.at == c.end || *c.at == '#')
                return 0;
        if (memchr(c.at, '\0', (size_t)(c.end - c.at)))
                return error_set(e, -EINVAL, "holds a NUL");
        const char *start = c.at;
        size_t n = word(&c, &w);
        if (!is_type(w, n)) {
                c.at = start;
                int r = options(&c, &k, e);
                if (r < 0)
                        return r;
                skip_blanks(&c);
                n = word(&c, &w);
        }
        if (!is_type(w, n))
                return error_set(
                        e, -EINVAL, "its type of key is not known here (known: ed25519, ecdsa, rsa, sk-*)");
        text_copy(k.type, sizeof k.type, w, n);
        skip_blanks(&c);
        k.base64_len = word(&c, &k.base64);
        if (!k.base64_len)
                return error_set(e, -EINVAL, "the key itself is missing");
        skip_blanks(&c);
        text_copy(k.comment, sizeof k.comment, c.at, (size_t)(c.end - c.at));
        *ret = k;
        return 1;
}

/* ---- from="..." ---- */

/* ADDRESS/BITS; false when it is no such pattern or doesn't match. */
static bool in_network(const char *pattern, const char *address)
{
        unsigned char net[16], is[16];
        const char *slash = strchr(pattern, '/');
        char host[64];
        uint64_t bits;

        if (!slash || !text_copy(host, sizeof host, pattern, (size_t)(slash - pattern)))
                return false;
        int family = strchr(host, ':') ? AF_INET6 : AF_INET;
        size_t size = family == AF_INET6 ? 16 : 4;
        slash++;
        if (!text_u64(&slash, &bits) || *slash || bits > size * 8 || inet_pton(family, host, net) != 1 ||
                inet_pton(family, address, is) != 1)
                return false;
        if (memcmp(net, is, bits / 8) != 0)
                return false;
        unsigned rest = bits % 8;
        return !rest || (net[bits / 8] ^ is[bits / 8]) >> (8 - rest) == 0;
}

bool key_line_admits(const char *from, const char *address)
{
        bool admitted = !*from;

        while (*from) {
                char pattern[KEY_LINE_FROM];
                size_t n = strcspn(from, ",");
                text_copy(pattern, sizeof pattern, from, n);
                bool not = *pattern == '!';
                if (text_glob(pattern + not, address) || in_network(pattern + not, address)) {
                        if (not )
                                return false;
                        admitted = true;
                }
                from += n + (from[n] == ',');
        }
        return admitted;
}
