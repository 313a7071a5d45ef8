/* Values as people write them: durations, ratios, sizes, words, addresses; and their checks. */
#include "config/table.h"

#include "base/quantity.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static bool digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool ratio(const char *text, double *ret)
{
        const char *p = text;
        double v;

        if (!quantity_number(&p, &v))
                return false;
        if (*p == '%') {
                v /= 100;
                p++;
        }
        *ret = v;
        return *p == '\0';
}

static bool plain_number(const char *text, double *ret)
{
        const char *p = text;

        return quantity_number(&p, ret) && *p == '\0';
}

static bool boolean(const char *text, double *ret)
{
        static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (!strcasecmp(words[i], text)) {
                        *ret = (double)(i % 2);
                        return true;
                }
        return false;
}

const char *value_show(enum key_type type, double value, char ret[static 40])
{
        const struct quantity_unit *u = type == KEY_DURATION ? quantity_durations
                                        : type == KEY_BYTES  ? quantity_sizes
                                                             : NULL;

        if (type == KEY_RATIO) {
                snprintf(ret, 40, "%.10g%%", value * 100);
        } else if (type == KEY_BOOL) {
                snprintf(ret, 40, "%s", value != 0 ? "true" : "false");
        } else if (u && value > 0) {
                /* the largest unit that leaves a whole number */
                while (u[1].name && fabs(value / u->factor - round(value / u->factor)) > 1e-9)
                        u++;
                snprintf(ret, 40, "%.10g%s", value / u->factor, u->name);
        } else {
                snprintf(ret, 40, "%.10g%s", value, type == KEY_DURATION ? "s" : "");
        }
        return ret;
}

const char *value_wanted(const struct key *k, char ret[static 160])
{
        static const char *const wanted[] = {
                [KEY_DURATION] = "a duration such as 10s, 5m or 500ms",
                [KEY_NUMBER] = "a number such as 1.5",
                [KEY_RATIO] = "a ratio such as 80% or 0.8",
                [KEY_COUNT] = "a whole number",
                [KEY_BYTES] = "a size such as 512MiB",
                [KEY_BOOL] = "true or false",
                [KEY_PATH] = "an absolute path",
                [KEY_LISTEN] = "a loopback address and port such as 127.0.0.1:9790",
                [KEY_ADDRESS] = "an address of this host and a port such as 127.0.0.1:9722",
                [KEY_URL] = "a URL that starts with http:// or https://",
                [KEY_SECRET] = "the absolute path of a file, or the name of a systemd credential",
                [KEY_CLOCK] = "a time of day such as \"22:00\"",
                [KEY_LIST] = "a list of texts",
                [KEY_NAME] = "a text",
                [KEY_GLOBS] = "a list of patterns",
                [KEY_NOTIFY] = "a list of mappings with name, type and url",
        };
        size_t n = 0;

        if (!k->choices) {
                snprintf(ret, 160, "%s", wanted[k->type]);
                return ret;
        }
        for (size_t i = 0; k->choices[i] && n < 160; i++)
                n += (size_t)snprintf(ret + n, 160 - n, "%s%s", i ? " or " : "", k->choices[i]);
        return ret;
}

static int unwanted(const struct key *k, const char *text, struct error *e)
{
        char wanted[160], shown[100];

        text_printable(shown, sizeof shown, text, strlen(text));
        return error_set(e, -EINVAL, "wants %s, not \"%s\"", value_wanted(k, wanted), shown);
}

static int set_number(void *base, const struct key *k, const char *text, struct error *e)
{
        char *field = (char *)base + k->offset;
        char low[40], high[40], is[40];
        double v;
        bool ok;

        if (k->type == KEY_DURATION)
                ok = quantity_read(text, quantity_durations, &v);
        else if (k->type == KEY_BYTES)
                ok = quantity_read(text, quantity_sizes, &v);
        else if (k->type == KEY_RATIO)
                ok = ratio(text, &v);
        else if (k->type == KEY_BOOL)
                ok = boolean(text, &v);
        else
                ok = plain_number(text, &v);
        if (!ok || ((k->type == KEY_COUNT || k->type == KEY_BYTES) && v != floor(v)))
                return unwanted(k, text, e);
        if (k->type != KEY_BOOL && (v < k->min || v > k->max))
                return error_set(e, -ERANGE, "must be between %s and %s, is %s",
                        value_show(k->type, k->min, low), value_show(k->type, k->max, high),
                        value_show(k->type, v, is));
        if (k->size == sizeof(bool)) {
                bool b = v != 0;
                memcpy(field, &b, sizeof b);
        } else {
                memcpy(field, &v, sizeof v);
        }
        return 0;
}

static int set_choice(void *base, const struct key *k, const char *text, struct error *e)
{
        struct nearest near = {.word = text};
        char shown[100], wanted[160];

        for (unsigned i = 0; k->choices[i]; i++) {
                if (!strcmp(k->choices[i], text)) {
                        char *field = (char *)base + k->offset;
                        if (k->type == KEY_WORD)
                                memcpy(field, &i, sizeof i);
                        else
                                text_set(field, k->size, text);
                        return 0;
                }
                nearest_try(&near, k->choices[i]);
        }
        if (!near.best)
                return unwanted(k, text, e);
        text_printable(shown, sizeof shown, text, strlen(text));
        return error_set(e, -EINVAL, "wants %s, not \"%s\"; did you mean %s?", value_wanted(k, wanted), shown,
                near.best);
}

struct place {
        char host[64], shown[100];
        uint64_t port;
        bool loopback, any; /* any: all addresses of the host */
};

/* HOST:PORT taken apart; false when it isn't that. */
static bool read_place(const char *text, struct place *ret)
{
        const char *colon = strrchr(text, ':');
        const char *p = colon ? colon + 1 : "";
        struct in6_addr six;
        struct in_addr four;

        if (!colon || colon == text || !text_u64(&p, &ret->port) || *p || ret->port > 65535 ||
                !text_copy(ret->host, sizeof ret->host, text, (size_t)(colon - text)))
                return false;
        text_printable(ret->shown, sizeof ret->shown, ret->host, strlen(ret->host));
        size_t n = strlen(ret->host);
        if (ret->host[0] == '[' && ret->host[n - 1] == ']') {
                ret->host[n - 1] = '\0';
                if (inet_pton(AF_INET6, ret->host + 1, &six) != 1)
                        return false;
                ret->loopback = IN6_IS_ADDR_LOOPBACK(&six);
                ret->any = IN6_IS_ADDR_UNSPECIFIED(&six);
                if (IN6_IS_ADDR_V4MAPPED(&six)) /* names an IPv4 address in disguise */
                        return false;
                return true;
        }
        if (!strcmp(ret->host, "localhost")) {
                ret->loopback = true;
                ret->any = false;
                return true;
        }
        if (inet_pton(AF_INET, ret->host, &four) != 1)
                return false;
        ret->loopback = ntohl(four.s_addr) >> 24 == 127;
        ret->any = four.s_addr == INADDR_ANY;
        return true;
}

/* Who can reach the console has to be decided: all addresses are one too many. */
static int check_address(const struct key *k, const char *text, struct error *e)
{
        struct place at;

        if (*text == '\0')
                return 0;
        if (!read_place(text, &at) || !at.port)
                return unwanted(k, text, e);
        if (at.any)
                return error_set(e, -EINVAL,
                        "must name one address, such as 127.0.0.1:9722 or that of an administration network; "
                        "%s "
                        "is all of them",
                        at.shown);
        return 0;
}

/* Without TLS and tokens the API must not leave the machine. */
static int check_listen(const struct key *k, const char *text, struct error *e)
{
        struct place at;

        if (*text == '\0')
                return 0;
        if (!read_place(text, &at))
                return unwanted(k, text, e);
        if (!at.loopback)
                return error_set(e, -EINVAL,
                        "must be a loopback address such as 127.0.0.1:9790, is %s; put a proxy with TLS and "
                        "authentication in front of it",
                        at.shown);
        return 0;
}

static int check_url(const struct key *k, const char *text, struct error *e)
{
        static const char *const scheme[] = {"http://", "https://", "smtp://", "smtps://"};
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(scheme); i++)
                if (!strncmp(text, scheme[i], strlen(scheme[i])))
                        n = strlen(scheme[i]);
        if (!n || !text[n] || text[n] == '/') /* not shown: an address may be a secret */
                return error_set(e, -EINVAL, "wants a URL that starts with http:// or https://");
        if (memchr(text + n, '@', strcspn(text + n, "/?#")))
                return error_set(e, -EINVAL, "must not name a user; give username and password_file");
        if (strpbrk(text, " \"<>\\^`{|}"))
                return error_set(e, -EINVAL, "holds a character that must be written as %%XX in a URL");
        return 0;
}

static bool is_clock(const char *t)
{
        return strlen(t) == 5 && digit(t[0]) && digit(t[1]) && t[2] == ':' && digit(t[3]) && digit(t[4]) &&
               (t[0] - '0') * 10 + t[1] - '0' < 24 && t[3] < '6';
}

static int check_text(const struct key *k, const char *text, struct error *e)
{
        if (k->type == KEY_LISTEN)
                return check_listen(k, text, e);
        if (k->type == KEY_ADDRESS)
                return check_address(k, text, e);
        if (k->type == KEY_PATH && text[0] != '/' && !(*text == '\0' && k->def && *k->def == '\0'))
                return unwanted(k, text, e);
        if (k->type == KEY_URL)
                return check_url(k, text, e);
        if (k->type == KEY_CLOCK && !(*text == '\0' && k->def) && !is_clock(text))
                return unwanted(k, text, e);
        if (k->type == KEY_SECRET &&
                ((*text == '\0' && !k->def) || (*text != '/' && (strchr(text, '/') || *text == '.'))))
                return unwanted(k, text, e);
        if (k->type == KEY_NAME && *text == '\0')
                return error_set(e, -EINVAL, "must not be empty");
        return 0;
}

int value_set(void *base, const struct key *k, const char *text, struct error *e)
{
        if (k->type <= KEY_BOOL)
                return set_number(base, k, text, e);
        if (k->type == KEY_WORD || k->type == KEY_CHOICE)
                return set_choice(base, k, text, e);
        if (k->type == KEY_GLOBS || k->type == KEY_NOTIFY || k->type == KEY_LIST)
                return unwanted(k, text, e);
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return error_set(e, -EINVAL, "holds a control character");
        int r = check_text(k, text, e);
        if (r < 0)
                return r;
        if (strlen(text) >= k->size)
                return error_set(e, -ENAMETOOLONG, "is too long: %zu bytes, %u at most", strlen(text),
                        (unsigned)k->size - 1);
        text_set((char *)base + k->offset, k->size, text);
        return 0;
}
