/* Who may change anything: see leave.h. */
#include "recorder/leave.h"

#include "base/log.h"
#include "base/secret_file.h"
#include "base/text.h"
#include "base/util.h"
#include "recorder/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { GROUPS = 1024, TOKEN_LEAST = 16 };
#define WRONG_WITHIN_NS (60 * NSEC_PER_SEC) /* so many wrong tokens within this: none is looked at */

/* ---- beginning ---- */

/* What can be sent in a header, and is too long to be guessed. */
static bool is_token(const char *s)
{
        for (const char *p = s; *p; p++)
                if (*p <= ' ' || *p >= 0x7f)
                        return false;
        return strlen(s) >= TOKEN_LEAST;
}

static void read_token(struct leave *l, const char *file)
{
        struct error e = {0};

        l->token = secret_file_line(file, getenv("CREDENTIALS_DIRECTORY"), true, &e);
        if (l->token && !is_token(l->token)) {
                error_set(&e, -EINVAL, "%s: a token has at least %d characters, and no blanks", file,
                        TOKEN_LEAST);
                secret_free(l->token);
                l->token = NULL;
        }
        if (l->token)
                return;
        log_error("http.token_file: %s; nothing can be changed over TCP", e.text);
        text_set(l->why_no_token, sizeof l->why_no_token,
                "the token of http.token_file can't be used: see the log");
}

void leave_start(struct leave *l, uid_t owner, gid_t group, const char *token_file)
{
        unsigned char random[LEAVE_SECRET / 2];

        *l = (struct leave){.owner = owner, .group = group};
        if (*token_file)
                read_token(l, token_file);
        else
                text_set(l->why_no_token, sizeof l->why_no_token,
                        "it takes a token, and none is configured (http.token_file)");
        if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
                return;
        for (size_t i = 0; i < sizeof random; i++)
                snprintf(l->anti_forgery + 2 * i, 3, "%02x", random[i]);
}

void leave_done(struct leave *l)
{
        secret_free(l->token);
        l->token = NULL;
}

/* ---- the Unix socket ---- */

static bool in_group(const struct leave *l, int fd, gid_t first)
{
        gid_t groups[GROUPS];
        socklen_t len = sizeof groups;

        if (l->group == (gid_t)-1)
                return false;
        if (first == l->group)
                return true;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
                return false;
        for (size_t i = 0; i < len / sizeof groups[0]; i++)
                if (groups[i] == l->group)
                        return true;
        return false;
}

void leave_peer(const struct leave *l, int fd, struct peer *ret)
{
        struct ucred c;
        socklen_t len = sizeof c;

        *ret = (struct peer){0};
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
                return;
        *ret = (struct peer){.known = true, .uid = c.uid, .pid = c.pid, .in_group = in_group(l, fd, c.gid)};
}

static bool is_one_of_us(const struct leave *l, const struct peer *p, char who[static LEAVE_WHO])
{
        if (!confine_user_name(p->uid, who, LEAVE_WHO))
                snprintf(who, LEAVE_WHO, "uid %u", (unsigned)p->uid);
        return p->uid == 0 || p->uid == l->owner || p->in_group;
}

/* ---- secrets ---- */

/* Takes as long whatever the difference is; the length is no secret. */
static bool same_secret(const char *given, const char *secret)
{
        size_t n = strlen(secret);
        volatile unsigned char differs = strlen(given) != n;

        if (differs)
                return false;
        for (size_t i = 0; i < n; i++)
                differs |= (unsigned char)(given[i] ^ secret[i]);
        return !differs;
}

static bool too_many_wrong(const struct leave *l, uint64_t now_ns)
{
        uint64_t oldest = l->wrong_ns[l->wrong % LEAVE_WRONG];

        return oldest && now_ns - MIN(oldest, now_ns) < WRONG_WITHIN_NS;
}

static int refuse_token(struct leave *l, bool counts, uint64_t now_ns, struct error *e)
{
        if (counts) {
                l->wrong_ns[l->wrong++ % LEAVE_WRONG] = now_ns;
                if (l->wrong % LEAVE_WRONG == 1)
                        log_warning("a wrong token came over HTTP (%u since the start)", l->wrong);
        }
        error_set(e, -EACCES, "this is not the token");
        return 401;
}

static int check_token(
        struct leave *l, const char *authorization, bool counts, uint64_t now_ns, struct error *e)
{
        static const char scheme[] = "Bearer ";

        if (!l->token) {
                error_set(e, -EPERM,
                        "over TCP nothing can be changed: %s. Use the verbs of sexton, or curl "
                        "--unix-socket",
                        l->why_no_token);
                return 403;
        }
        if (!authorization) {
                error_set(e, -EACCES, "over TCP this takes the token: Authorization: Bearer TOKEN");
                return 401;
        }
        if (too_many_wrong(l, now_ns)) {
                error_set(e, -EAGAIN, "too many wrong tokens came within a minute: none is looked at now");
                return 429;
        }
        if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
                return refuse_token(l, counts, now_ns, e);
        authorization += sizeof scheme - 1;
        authorization += strspn(authorization, " ");
        return same_secret(authorization, l->token) ? 0 : refuse_token(l, counts, now_ns, e);
}

/* ---- browsers ---- */

bool leave_is_our_name(const char *host)
{
        char name[64];
        struct in_addr four;
        const char *end = host[0] == '[' ? strchr(host, ']') : strchrnul(host, ':');

        if (!end || !text_copy(name, sizeof name, host, (size_t)(end - host)))
                return false;
        if (host[0] == '[') {
                if (strcmp(name, "[::1") != 0)
                        return false;
                end++;
        } else if (strcasecmp(name, "localhost") != 0 &&
                   (inet_pton(AF_INET, name, &four) != 1 || ntohl(four.s_addr) >> 24 != 127)) {
                return false;
        }
        const char *p = end + 1;
        uint64_t port;
        return *end == '\0' || (*end == ':' && text_u64(&p, &port) && port <= 65535 && *p == '\0');
}

static bool is_our_page(const struct asker *a)
{
        const char *from = a->origin ? strstr(a->origin, "://") : NULL;

        if (a->fetch_site && strcmp(a->fetch_site, "same-origin") != 0)
                return false;
        if (!a->host || !leave_is_our_name(a->host))
                return false;
        return !a->origin || (from && !strcasecmp(from + 3, a->host));
}

static int check_browser(const struct leave *l, const struct asker *a, struct error *e)
{
        if (!a->origin && !a->fetch_site)
                return 0; /* none */
        if (!is_our_page(a)) {
                error_set(e, -EPERM, "a page of somebody else's asks for this");
                return 403;
        }
        if (!*l->anti_forgery || !a->anti_forgery || !same_secret(a->anti_forgery, l->anti_forgery)) {
                error_set(e, -EPERM,
                        "X-Sexton-Anti-Forgery is missing or from before a restart: /sexton/v1/session "
                        "tells it");
                return 403;
        }
        return 0;
}

/* ---- all together ---- */

int leave_to_change(struct leave *l, const struct asker *a, bool counts, uint64_t now_ns,
        char who[static LEAVE_WHO], struct error *e)
{
        int refused = check_browser(l, a, e);

        if (refused)
                return refused;
        if (a->peer.known && is_one_of_us(l, &a->peer, who))
                return 0;
        if (a->peer.known && !a->authorization) {
                error_set(e, -EPERM, "%s may look and not change: that is for root%s", who,
                        l->group == (gid_t)-1 ? ", and for who started the daemon"
                                              : " and the group of the socket");
                return 403;
        }
        refused = check_token(l, a->authorization, counts, now_ns, e);
        text_set(who, LEAVE_WHO, "token");
        return refused;
}
