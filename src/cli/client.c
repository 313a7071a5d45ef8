/* Asking the daemon: see client.h. */
#include "cli/client.h"

#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#define DEFAULT_SOCKET "/run/sexton/sexton.sock"

/* ---- target ---- */

static void append(struct target *t, const char *s, size_t n)
{
        if (t->len + n >= sizeof t->text) {
                t->too_long = true;
                return;
        }
        memcpy(t->text + t->len, s, n);
        t->len += n;
        t->text[t->len] = '\0';
}

void target_init(struct target *t, const char *verb)
{
        *t = (struct target){0};
        append(t, "/sexton/v1/", strlen("/sexton/v1/"));
        append(t, verb, strlen(verb));
}

void target_add(struct target *t, const char *key, const char *value)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
        char escaped[4];

        if (!value)
                return;
        append(t, t->query ? "&" : "?", 1);
        append(t, key, strlen(key));
        append(t, "=", 1);
        t->query = true;
        for (const char *p = value; *p; p++) {
                if (strchr(plain, *p)) {
                        append(t, p, 1);
                } else {
                        snprintf(escaped, sizeof escaped, "%%%02X", (unsigned char)*p);
                        append(t, escaped, 3);
                }
        }
}

/* ---- what went wrong ---- */

const char *client_socket(const struct options *o)
{
        const char *given = options_get(o, "--socket"), *env = getenv("SEXTON_SOCKET");

        if (given)
                return given;
        return env && *env ? env : DEFAULT_SOCKET;
}

/* The command that starts a daemon which then answers there. */
static void start_command(char *buf, size_t size, const char *path)
{
        static const char *const units[] = {"/etc/systemd/system/sexton.service",
                "/usr/lib/systemd/system/sexton.service", "/lib/systemd/system/sexton.service"};

        bool elsewhere = strcmp(path, DEFAULT_SOCKET) != 0, unit = false;

        /* The folder exists only where systemd runs as the init system: see sd_booted(3). */
        if (!elsewhere && access("/run/systemd/system", F_OK) == 0)
                for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                        unit |= access(units[i], F_OK) == 0;
        if (unit)
                snprintf(buf, size, "systemctl start sexton");
        else
                snprintf(buf, size, "%ssexton run%s%s", geteuid() == 0 ? "" : "sudo ",
                        elsewhere ? " --socket " : "", elsewhere ? path : "");
}

static void explain_permission(char *buf, size_t size, const char *path)
{
        struct stat st;
        struct group *group = stat(path, &st) == 0 && (st.st_mode & S_IWGRP) ? getgrgid(st.st_gid) : NULL;

        if (group && st.st_gid != 0)
                snprintf(buf, size,
                        "permission denied on %s: it is for root and the group %s; ask with sudo, or join "
                        "the group",
                        path, group->gr_name);
        else
                snprintf(buf, size, "permission denied on %s: it is for root; ask with sudo", path);
}

void client_explain(char *buf, size_t size, const char *raw_path, int code, const struct error *e)
{
        char path[300], start[340];

        text_printable(path, sizeof path, raw_path, strlen(raw_path));
        start_command(start, sizeof start, path);
        switch (-code) {
        case ENOENT:
                snprintf(
                        buf, size, "the daemon isn't running (no socket %s); start it with: %s", path, start);
                break;
        case ECONNREFUSED:
                snprintf(buf, size,
                        "the daemon isn't running (%s is left from one that ended); start it with: %s", path,
                        start);
                break;
        case EACCES:
        case EPERM:
                explain_permission(buf, size, path);
                break;
        case ETIMEDOUT:
                snprintf(buf, size,
                        "the daemon runs but doesn't answer at %s in time; the host may be overloaded: try "
                        "--timeout 60s, or 'sexton doctor', which needs no daemon",
                        path);
                break;
        default:
                text_printable(buf, size, e->text, strlen(e->text));
        }
}

/* ---- asking ---- */

static volatile sig_atomic_t progress_shown;

static void progress_tick(int sig)
{
        static const char first[] = "waiting for the daemon", dot[] = ".";
        int saved = errno;
        ssize_t r =
                progress_shown ? write(STDERR_FILENO, dot, 1) : write(STDERR_FILENO, first, sizeof first - 1);

        (void)r;
        progress_shown = 1;
        errno = saved;
}

/* Says on a terminal that it waits, from the second second on; http_get() goes on after the signal. */
static bool progress_start(void)
{
        struct sigaction act = {.sa_handler = progress_tick, .sa_flags = SA_RESTART};

        if (!isatty(STDERR_FILENO))
                return false;
        sigaction(SIGALRM, &act, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){{.tv_sec = 1}, {.tv_sec = 1}}, NULL);
        return true;
}

static void progress_stop(void)
{
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
        signal(SIGALRM, SIG_IGN);
        if (progress_shown)
                fputs("\r\033[K", stderr);
        progress_shown = 0;
}

/* What an answer says that isn't the wanted one, and the exit code that it means. */
static int not_ok(const struct reply *r, char *buf, size_t size)
{
        answer_text(r->json, "error", buf, size);
        if (!*buf && r->http.status == 404)
                snprintf(buf, size, "the daemon doesn't know this; is it an older one?");
        else if (!*buf)
                snprintf(buf, size, "the daemon answers with HTTP status %d", r->http.status);
        switch (r->http.status) {
        case 403:
        case 409:
        case 429:
                return EXIT_BAD; /* understood, and the answer is no */
        default:
                return r->http.status >= 400 && r->http.status < 500 ? EXIT_USAGE : EXIT_UNREACHABLE;
        }
}

int client_try(const char *path, const char *method, const struct target *t, const char *body, int timeout_ms,
        struct reply *ret, char *problem, size_t size)
{
        cleanup_reply struct reply r = {0};
        struct error e = {0};
        int code = http_call(path, method, t->text, body, timeout_ms, &r.http, &e);

        if (code < 0) {
                client_explain(problem, size, path, code, &e);
                return EXIT_UNREACHABLE;
        }
        if (r.http.status != 200) {
                r.json = json_loadb(r.http.body, r.http.len, JSON_ALLOW_NUL, NULL);
                return not_ok(&r, problem, size);
        }
        *ret = r;
        r = (struct reply){0};
        return EXIT_DONE;
}

int client_ask(const struct options *o, const struct target *t, struct reply *ret)
{
        return client_send(o, "GET", t, NULL, ret);
}

int client_fetch(const struct options *o, const char *method, const struct target *t, const char *body,
        struct reply *ret)
{
        const char *path = client_socket(o), *verb = o->verb->name;
        char text[700];
        double timeout;

        if (options_duration(o, "--timeout", 10, &timeout) < 0)
                return EXIT_USAGE;
        if (t->too_long) {
                fprintf(stderr, "sexton %s: the arguments are too long\n", verb);
                return EXIT_USAGE;
        }
        bool shown = progress_start();
        int code = client_try(path, method, t, body, (int)MIN(timeout * 1000, 1e9), ret, text, sizeof text);
        if (shown)
                progress_stop();
        if (code != EXIT_DONE)
                fprintf(stderr, "sexton %s: %s\n", verb, text);
        return code;
}

int client_send(const struct options *o, const char *method, const struct target *t, const char *body,
        struct reply *ret)
{
        cleanup_reply struct reply r = {0};
        int code = client_fetch(o, method, t, body, &r);

        if (code != EXIT_DONE)
                return code;
        if (!reply_parse(&r)) {
                fprintf(stderr, "sexton %s: what answers at the socket is no Sexton: not a JSON object\n",
                        o->verb->name);
                return EXIT_UNREACHABLE;
        }
        *ret = r;
        r = (struct reply){0};
        return EXIT_DONE;
}

bool reply_parse(struct reply *r)
{
        r->json = json_loadb(r->http.body, r->http.len, JSON_ALLOW_NUL, NULL);
        return json_is_object(r->json);
}

void reply_done(struct reply *r)
{
        json_decref(r->json);
        http_response_done(&r->http);
        r->json = NULL;
}

void client_print_json(const struct reply *r)
{
        if (isatty(STDOUT_FILENO)) {
                /* In ASCII, so that no byte from outside means anything to the terminal. */
                json_dumpf(r->json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
                putchar('\n');
                return;
        }
        fwrite(r->http.body, 1, r->http.len, stdout);
        if (r->http.len == 0 || r->http.body[r->http.len - 1] != '\n')
                putchar('\n');
}

int client_show(const struct options *o, const struct target *t,
        void (*print)(const struct options *o, const struct screen *s, json_t *j), int (*exit_of)(json_t *j))
{
        cleanup_reply struct reply r = {0};
        enum color_mode color;
        struct screen s;

        if (options_color(o, &color) < 0)
                return EXIT_USAGE;
        int code = client_ask(o, t, &r);
        if (code != EXIT_DONE)
                return code;
        if (options_get(o, "--json")) {
                client_print_json(&r);
        } else {
                screen_init(&s, stdout, color);
                print(o, &s, r.json);
        }
        return exit_of ? exit_of(r.json) : EXIT_DONE;
}

int client_watch(const struct options *o, int (*once)(const struct options *o))
{
        double interval;

        if (options_duration(o, "--interval", 2, &interval) < 0)
                return EXIT_USAGE;
        if (!options_get(o, "--watch"))
                return once(o);
        interval = MAX(interval, 0.1);
        for (;;) {
                if (isatty(STDOUT_FILENO))
                        fputs("\033[H\033[2J", stdout);
                int code = once(o);
                if (fflush(stdout) != 0 || code == EXIT_USAGE)
                        return code;
                nanosleep(&(struct timespec){.tv_sec = (time_t)interval,
                                  .tv_nsec = (long)((interval - (double)(time_t)interval) * 1e9)},
                        NULL);
        }
}
