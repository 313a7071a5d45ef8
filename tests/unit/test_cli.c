/* The verbs against a canned daemon: what people see, what programs get, exit codes, and every way in
 * which asking can go wrong. Each verb runs in a child process. SEXTON_GOLDEN=write renews the texts.
 */
#include "base/file.h"
#include "base/util.h"
#include "cli/doctor.h"
#include "cli/verb.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pty.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char folder[64], socket_path[96];
static const char *fixtures;

/* ---- the canned daemon ---- */

enum behaviour { ANSWER, HANG, CUT_SHORT };

struct canned {
        enum behaviour behaviour;
        const char *head; /* NULL: 200 with the body's length */
        const char *body;
        size_t len;
        size_t repeat;    /* the body so many times */
        const char *then; /* NULL: the same again; from the third request on this body */
};

static char *last_request, *last_body; /* shared with the daemon's process; the first line, and the body */
static pid_t daemon_pid;

static void send_all(int fd, const char *data, size_t len)
{
        while (len > 0) {
                ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                data += n;
                len -= (size_t)n;
        }
}

static bool has_all(const char *request)
{
        const char *end = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");

        return end && (!length || length > end || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void serve_one(int fd, const struct canned *c, int before)
{
        bool then = c->then && before >= 2;
        const char *body = then ? c->then : c->body;
        size_t len = then ? strlen(c->then) : c->len;

        char head[256];
        size_t n = 0, times = c->repeat ? c->repeat : 1;

        while (n < 4000 && !has_all(last_request)) {
                ssize_t r = recv(fd, last_request + n, 4000 - n, 0);
                if (r <= 0)
                        return;
                n += (size_t)r;
                last_request[n] = '\0';
        }
        snprintf(last_body, 4000, "%s", strstr(last_request, "\r\n\r\n") + 4);
        last_request[strcspn(last_request, "\r")] = '\0';
        if (c->behaviour == HANG) {
                pause();
                return;
        }
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len * times);
        send_all(fd, c->head ? c->head : head, strlen(c->head ? c->head : head));
        for (size_t i = 0; i < times; i++)
                send_all(fd, body, c->behaviour == CUT_SHORT ? len / 2 : len);
}

static int listen_at(const char *path)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        unlink(path);
        snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 8) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

static void daemon_start(const struct canned *c)
{
        int fd = listen_at(socket_path);

        fflush(NULL);
        daemon_pid = fork();
        if (daemon_pid == 0) {
                for (int before = 0;; before++) {
                        int one = accept(fd, NULL, NULL);
                        serve_one(one, c, before);
                        close(one);
                }
        }
        close(fd);
}

static void daemon_stop(void)
{
        kill(daemon_pid, SIGKILL);
        waitpid(daemon_pid, NULL, 0);
        unlink(socket_path);
}

/* ---- running a verb ---- */

struct outcome {
        int code; /* -1: it crashed */
        char *out, *err;
        size_t out_len;
};

static char *take_file(int fd, size_t *ret_len)
{
        struct stat st;

        fstat(fd, &st);
        char *text = calloc(1, (size_t)st.st_size + 1);
        if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
                text[0] = '\0';
        *ret_len = (size_t)st.st_size;
        close(fd);
        return text;
}

static void outcome_done(struct outcome *o)
{
        free(o->out);
        free(o->err);
}

static int terminal = -1; /* where a verb complains instead of into its outcome; -1: nowhere */

static struct outcome run_as(uid_t uid, const char *const *words)
{
        int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC), status;
        struct outcome o = {.code = -1};
        char *argv[16];
        int argc = 0;
        size_t len;

        for (; words[argc]; argc++)
                argv[argc] = strdup(words[argc]);
        argv[argc] = NULL;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
                dup2(out, 1);
                dup2(terminal < 0 ? err : terminal, 2);
                setenv("SEXTON_SOCKET", socket_path, 1);
                setenv("TZ", "UTC", 1);
                if (uid && setuid(uid) < 0)
                        _exit(99);
                int code = verb_find(argv[0])->run(argc, argv);
                exit(code); /* not _exit(): the leak sanitizer has its say */
        }
        if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
                o.code = WEXITSTATUS(status);
        for (int i = 0; i < argc; i++)
                free(argv[i]);
        o.out = take_file(out, &o.out_len);
        o.err = take_file(err, &len);
        return o;
}
#define run(...)        run_as(0, (const char *const[]){__VA_ARGS__, NULL})
#define cleanup_outcome cleanup(outcome_done)

static char *fixture(const char *name, size_t *ret_len)
{
        char path[512];

        snprintf(path, sizeof path, "%s/cli/%s", fixtures, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
                *ret_len = 0;
                return strdup("");
        }
        return take_file(fd, ret_len);
}

static void against_golden(const char *name, const char *text)
{
        const char *golden_mode = getenv("SEXTON_GOLDEN");
        char path[512];
        size_t len;

        if (golden_mode && !strcmp(golden_mode, "write")) {
                snprintf(path, sizeof path, "%s/cli/%s", fixtures, name);
                FILE *f = fopen(path, "we");
                fputs(text, f);
                fclose(f);
        }
        cleanup_free char *want = fixture(name, &len);
        check_str(text, want);
}

/* ---- what people and programs get ---- */

static const struct {
        const char *verb, *json, *text;
        int code;
        const char *argument; /* NULL = none */
} canned_answers[] = {
        {"status", "status.json", "status.txt", EXIT_BAD},
        {"status", "status_pending.json", "status_pending.txt", EXIT_DONE},
        {"services", "services.json", "services.txt", EXIT_DONE},
        {"zombies", "zombies.json", "zombies.txt", EXIT_BAD},
        {"zombies", "zombies_none.json", "zombies_none.txt", EXIT_DONE},
        {"events", "events.json", "events.txt", EXIT_DONE},
        {"why", "why.json", "why.txt", EXIT_BAD},
        {"why", "why_calm.json", "why_calm.txt", EXIT_DONE},
        {"incidents", "incidents.json", "incidents.txt", EXIT_BAD},
        {"incidents", "incident.json", "incident.txt", EXIT_BAD, "2"},
        {"incidents", "blackbox.json", "blackbox.txt", EXIT_DONE, "--blackbox"},
        {"incidents", "blackbox_none.json", "blackbox_none.txt", EXIT_BAD, "--blackbox"},
        {"actions", "actions.json", "actions.txt", EXIT_DONE},
        {"actions", "actions_none.json", "actions_none.txt", EXIT_DONE},
        {"freeze", "freeze.json", "freeze.txt", EXIT_DONE, "odin/celery-worker"},
        {"stop", "stop.json", "stop.txt", EXIT_DONE, "odin/celery-worker"},
        {"bury", "bury.json", "bury.txt", EXIT_BAD, "odin/celery-worker"},
        {"quarantine", "quarantine.json", "quarantine.txt", EXIT_DONE, "odin/celery-worker"},
        {"breaker", "breaker.json", "breaker.txt", EXIT_DONE},
};

static bool clean(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < ' ' && *text != '\n')
                        return false;
        return true;
}

static void texts(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(canned_answers); i++) {
                struct canned c = {0};
                cleanup_free char *body = fixture(canned_answers[i].json, &c.len);
                c.body = body;
                daemon_start(&c);
                cleanup_outcome struct outcome o = run(canned_answers[i].verb, canned_answers[i].argument);
                daemon_stop();
                check_int(o.code, canned_answers[i].code);
                check_str(o.err, "");
                check(clean(o.out));
                against_golden(canned_answers[i].text, o.out);
        }
}

static void several_at_once(void)
{
        struct canned c = {0};
        cleanup_free char *body = fixture("limit.json", &c.len);

        c.body = body;
        daemon_start(&c);
        cleanup_outcome struct outcome o =
                run("limit", "odin/celery-worker", "--cpus", "0.5", "--memory", "512m");
        daemon_stop();
        check_int(o.code, EXIT_DONE);
        against_golden("limit.txt", o.out);
}

static void passed_through(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(canned_answers); i++) {
                struct canned c = {0};
                cleanup_free char *body = fixture(canned_answers[i].json, &c.len);
                c.body = body;
                daemon_start(&c);
                cleanup_outcome struct outcome o =
                        run(canned_answers[i].verb, "--json", canned_answers[i].argument);
                daemon_stop();
                check_int(o.code, canned_answers[i].code);
                check_str(o.out, body);
        }
}

static void colors(void)
{
        struct canned c = {0};
        cleanup_free char *body = fixture("status.json", &c.len);

        c.body = body;
        daemon_start(&c);
        cleanup_outcome struct outcome always = run("status", "--color", "always");
        cleanup_outcome struct outcome never = run("status", "--color=never");
        cleanup_outcome struct outcome other = run("status", "--color=nver");
        daemon_stop();
        check(strstr(always.out, "\033[1;31mcritical\033[0m") != NULL);
        check(!strchr(never.out, '\033'));
        check_int(other.code, EXIT_USAGE);
        check(strstr(other.err, "'nver' is not auto, always or never") != NULL);
}

static void targets(void)
{
        struct canned c = {.body = "{}", .len = 2};

        daemon_start(&c);
        cleanup_outcome struct outcome a = run("zombies", "--service", "a/b c&d", "--kind=orphan");
        check_str(last_request, "GET /sexton/v1/zombies?service=a%2Fb%20c%26d&kind=orphan HTTP/1.1");
        cleanup_outcome struct outcome b = run("why", "shop/worker");
        check_str(last_request, "GET /sexton/v1/why?subject=shop%2Fworker HTTP/1.1");
        cleanup_outcome struct outcome d = run("events", "--since", "10m", "--limit", "5");
        check_str(last_request, "GET /sexton/v1/events?since=10m&limit=5 HTTP/1.1");
        cleanup_outcome struct outcome e = run("services", "--sort", "cpu", "--", "-x");
        check_str(last_request, "GET /sexton/v1/services?service=-x HTTP/1.1");
        check_int(e.code, EXIT_BAD); /* there is none of that name */
        cleanup_outcome struct outcome f = run("incidents", "7", "--limit", "3");
        check_str(last_request, "GET /sexton/v1/incidents?id=7&limit=3 HTTP/1.1");
        cleanup_outcome struct outcome box = run("incidents", "--blackbox", "7");
        check_str(last_request, "GET /sexton/v1/blackbox?id=7 HTTP/1.1");
        daemon_stop();
        check_int(box.code, EXIT_BAD); /* nothing was captured */
        check_int(f.code, EXIT_DONE);
        check_int(a.code, EXIT_DONE);
        check_int(b.code, EXIT_DONE);
        check_int(d.code, EXIT_DONE);
}

/* What is sent by the verbs that act. */
static void orders(void)
{
        static const struct {
                const char *words[8], *body;
        } sent[] = {
                {{"freeze", "a/b", "--for", "2m", "--reason", "why \"not\"?"},
                        "{\"action\":\"freeze\",\"service\":\"a/b\",\"reason\":\"why \\\"not\\\"?\","
                        "\"dry_run\":false,\"seconds\":120.0}"},
                {{"thaw", "a/b", "--dry-run"}, "{\"action\":\"thaw\",\"service\":\"a/b\",\"dry_run\":true}"},
                {{"stop", "--", "-x"}, "{\"action\":\"stop\",\"service\":\"-x\",\"dry_run\":false}"},
                {{"restart", "a"}, "{\"action\":\"restart\",\"service\":\"a\",\"dry_run\":false}"},
                {{"quarantine", "a", "--for=1d"}, "{\"action\":\"quarantine\",\"service\":\"a\",\"dry_run\":"
                                                  "false,\"seconds\":86400.0}"},
                {{"bury", "a"}, "{\"action\":\"bury\",\"service\":\"a\",\"dry_run\":false}"},
                {{"bury", "a", "--force"},
                        "{\"action\":\"bury\",\"service\":\"a\",\"dry_run\":false,\"force\":true}"},
                {{"release", "a"}, "{\"action\":\"release\",\"service\":\"a\",\"dry_run\":false}"},
                {{"limit", "a", "--cpus", "0.5", "--memory", "512m"},
                        "{\"action\":\"limit\",\"service\":\"a\",\"dry_run\":false,\"cpus\":0.5,"
                        "\"memory\":536870912.0}"},
                {{"limit", "a", "--pids=100", "--weight=10"}, "{\"action\":\"limit\",\"service\":\"a\",\"dry_"
                                                              "run\":false,\"weight\":10.0,\"pids\":100.0}"},
                {{"actions", "--undo", "12"}, "{\"action\":\"undo\",\"dry_run\":false,\"id\":12}"},
                {{"breaker", "open"}, "{\"action\":\"breaker\",\"dry_run\":false,\"state\":\"open\"}"},
                {{"breaker", "auto", "--dry-run"},
                        "{\"action\":\"breaker\",\"dry_run\":true,\"state\":\"auto\"}"},
        };
        struct canned c = {.body = "{\"results\":[{\"text\":\"done\\u001b[2J\"}]}", .len = 0};

        c.len = strlen(c.body);
        daemon_start(&c);
        for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
                cleanup_outcome struct outcome o = run_as(0, sent[i].words);
                check_int(o.code, EXIT_DONE);
                check_str(last_request, "POST /sexton/v1/actions HTTP/1.1");
                check_str(last_body, sent[i].body);
                check(strstr(o.out, "done\\x1b[2J"));
        }
        daemon_stop();
}

/* Understood, and the answer is no: 1. Not understood: 2. Nobody there to do it: 3. */
static void no_is_an_answer(void)
{
        static const struct {
                const char *head;
                int code;
        } heads[] = {{"403 Forbidden", EXIT_BAD}, {"409 Conflict", EXIT_BAD},
                {"429 Too Many Requests", EXIT_BAD}, {"404 Not Found", EXIT_USAGE},
                {"400 Bad Request", EXIT_USAGE}, {"503 Service Unavailable", EXIT_UNREACHABLE}};
        struct canned c = {.body = "{\"error\":\"because\"}"};
        char head[100];

        c.len = strlen(c.body);
        c.head = head;
        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", heads[i].head,
                        c.len);
                daemon_start(&c);
                cleanup_outcome struct outcome o = run("freeze", "a");
                daemon_stop();
                check_int(o.code, heads[i].code);
                check_str(o.err, "sexton freeze: because\n");
                check_str(o.out, "");
        }
}

/* What goes on is asked for again until it has ended. */
static void followed(void)
{
        struct canned c = {
                .body = "{\"results\":[{\"id\":5,\"text\":\"begun\"}],\"actions\":[{\"id\":5,"
                        "\"kind\":\"stop\",\"stands\":true,\"state\":\"asked\",\"service\":\"a\"}]}",
                .then = "{\"actions\":[{\"id\":5,\"kind\":\"stop\",\"stands\":false,\"state\":\"failed\","
                        "\"service\":\"a\",\"result\":\"stuck\"}]}"};

        c.len = strlen(c.body);
        daemon_start(&c);
        cleanup_outcome struct outcome o = run("stop", "a");
        daemon_stop();
        check_int(o.code, EXIT_BAD);
        check_str(o.out, "a was not stopped\n  stuck\n  begun\n");
        check_str(last_request, "GET /sexton/v1/actions?id=5 HTTP/1.1");
        c.then = "{\"actions\":[]}"; /* forgotten meanwhile */
        daemon_start(&c);
        cleanup_outcome struct outcome p = run("stop", "a");
        daemon_stop();
        check_int(p.code, EXIT_BAD);
        check(strstr(p.err, "not listed any more"));
        c.then = "{\"actions\":[{\"id\":5,\"kind\":\"stop\",\"stands\":false,\"state\":\"done\"}]}";
        daemon_start(&c);
        cleanup_outcome struct outcome q = run("stop", "a", "--json");
        daemon_stop();
        check_int(q.code, EXIT_DONE);
        check(strstr(q.out, "\"state\":\"done\""));
}

static void all_zombies(void)
{
        enum { MANY = 20000 };
        static const char one[] = "{\"pid\":1,\"kind\":\"orphan\",\"command\":\"x\",\"age\":1},";
        struct canned c = {0};
        size_t lines = 0, n = 0;
        cleanup_free char *body = malloc(MANY * sizeof one + 64);

        n += (size_t)sprintf(body, "{\"zombies\":[");
        for (size_t i = 0; i < MANY; i++)
                n += (size_t)sprintf(body + n, "%s", one);
        n += (size_t)sprintf(body + n - 1, "]}") - 1;
        c.body = body;
        c.len = n;
        daemon_start(&c);
        cleanup_outcome struct outcome few = run("zombies");
        cleanup_outcome struct outcome every = run("zombies", "--all");
        daemon_stop();
        check_int(few.code, EXIT_BAD);
        check(strstr(few.out, "... and 19980 more") != NULL);
        for (const char *p = every.out; (p = strchr(p, '\n')); p++)
                lines++;
        check_int(lines, MANY + 1);
}

/* ---- what can go wrong ---- */

static const char *const asking[] = {
        "status", "services", "zombies", "events", "why", "incidents", "actions", "breaker"};

static void absent(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(asking); i++) {
                cleanup_outcome struct outcome o = run(asking[i]);
                check_int(o.code, EXIT_UNREACHABLE);
                check_str(o.out, "");
                check(strstr(o.err, "the daemon isn't running") != NULL);
                check(strstr(o.err, "start it with: ") != NULL);
                check(strstr(o.err, "sexton run --socket ") && strstr(strstr(o.err, "run --"), socket_path));
        }
}

static void stale(void)
{
        close(listen_at(socket_path));
        cleanup_outcome struct outcome o = run("status", "--json");
        unlink(socket_path);
        check_int(o.code, EXIT_UNREACHABLE);
        check(strstr(o.err, "is left from one that ended") != NULL);
}

static void forbidden(void)
{
        struct canned c = {.body = "{}", .len = 2};

        if (geteuid() != 0)
                skip("only root can become somebody else");
        daemon_start(&c);
        chmod(socket_path, 0600);
        cleanup_outcome struct outcome o = run_as(65534, (const char *const[]){"status", NULL});
        daemon_stop();
        check_int(o.code, EXIT_UNREACHABLE);
        check(strstr(o.err, "permission denied") != NULL);
        check(strstr(o.err, "sudo") != NULL);
}

static void hung(void)
{
        struct canned c = {.behaviour = HANG};

        daemon_start(&c);
        cleanup_outcome struct outcome o = run("status", "--timeout", "300ms");
        daemon_stop();
        check_int(o.code, EXIT_UNREACHABLE);
        check(strstr(o.err, "runs but doesn't answer") != NULL);
}

/* Who waits at a terminal is told so after a second, and nothing of it stays. */
static void waiting(void)
{
        struct canned c = {.behaviour = HANG};
        char said[1024] = "";
        int pty;

        check_int(openpty(&pty, &terminal, NULL, NULL, NULL), 0);
        daemon_start(&c);
        cleanup_outcome struct outcome o = run("status", "--timeout", "1200ms");
        daemon_stop();
        check(read(pty, said, sizeof said - 1) > 0 && !strncmp(said, "waiting for the daemon", 22));
        const char *cleared = strstr(said, "\r\033[K");
        check(cleared && strstr(cleared, "sexton status: the daemon runs but doesn't answer"));
        check_int(o.code, EXIT_UNREACHABLE);
        close(terminal);
        close(pty);
        terminal = -1;
}

static void no_sexton(void)
{
        static char block[1 << 16];
        static const struct canned garbage[] = {
                {.head = "SSH-2.0-OpenSSH_9.2\r\n", .body = "", .len = 0}, {.body = "<html>", .len = 6},
                {.body = "[1,2]", .len = 5}, {.body = "{\"zombies\":[", .len = 12}, {.body = "", .len = 0},
                {.behaviour = CUT_SHORT, .body = "{\"zombies\":[]}", .len = 14},
                {.head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
                        .body = "",
                        .len = 0},
                {.body = block, .len = sizeof block, .repeat = 65 << 4}, /* 65 MiB: beyond every bound */
        };

        for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
                daemon_start(&garbage[i]);
                cleanup_outcome struct outcome o = run("zombies");
                daemon_stop();
                check_int(o.code, EXIT_UNREACHABLE);
                check_str(o.out, "");
                check(strlen(o.err) > 20 && clean(o.err));
        }
}

static void refused(void)
{
        static const char body[] = "{\"error\":\"since: wants a time\\u001b[2J\"}";
        struct canned c = {.head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 40\r\n\r\n",
                .body = body,
                .len = sizeof body - 1};

        check_int(sizeof body - 1, 40);
        daemon_start(&c);
        cleanup_outcome struct outcome o = run("events", "--since", "soon");
        daemon_stop();
        check_int(o.code, EXIT_USAGE);
        check_str(o.err, "sexton events: since: wants a time\\x1b[2J\n");
}

/* Right JSON, wrong types everywhere: told as unknown, never a crash. */
static void wrong_types(void)
{
        static const char *const bodies[] = {
                "{}",
                "{\"host\":7,\"load\":{},\"psi\":[],\"zombies\":\"x\",\"findings\":[1,null,\"x\",{},[]],"
                "\"gaps\":[[],{}],\"sources\":\"x\",\"self\":{},\"services\":[{},4,{\"service\":[]}],"
                "\"by_holder\":[null,{\"holder\":\"x\"}],\"events\":[3,{\"time\":5}],\"evidence\":[[],2,"
                "\"e\"],"
                "\"refuted\":[\"r\"],\"remedy\":[{},7,\"m\"],\"incidents\":[{},{\"id\":\"i\"},9]}",
                "{\"zombies\":[{},1,{\"pid\":1e308,\"age\":-1e308,\"holder\":[],\"signal\":9}],\"by_holder\":"
                "[{\"count\":1e308,\"per_hour\":-5,\"exhausted_in\":1e308}],\"load\":[1e308,-1,null]}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                struct canned c = {.body = bodies[i], .len = strlen(bodies[i])};
                daemon_start(&c);
                for (size_t k = 0; k < ARRAY_SIZE(asking); k++) {
                        cleanup_outcome struct outcome o = run(asking[k]);
                        check(o.code == EXIT_DONE || o.code == EXIT_BAD);
                        check(clean(o.out));
                }
                daemon_stop();
        }
}

static void wrong_usage(void)
{
        cleanup_outcome struct outcome a = run("status", "--jsno");
        cleanup_outcome struct outcome b = run("zombies", "--service");
        cleanup_outcome struct outcome c = run("status", "--timeout", "soon");
        cleanup_outcome struct outcome d = run("status", "extra");
        cleanup_outcome struct outcome e = run("events", "--limit=0");
        cleanup_outcome struct outcome f = run("status", "--json=1");
        cleanup_outcome struct outcome g = run("services", "--sort", "size");
        const struct outcome *all[] = {&a, &b, &c, &d, &e, &f, &g};

        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                check_int(all[i]->code, EXIT_USAGE);
                check_str(all[i]->out, "");
                check(strlen(all[i]->err) > 10);
        }
        check(strstr(a.err, "did you mean --json?") != NULL);
}

/* ---- verbs without the daemon ---- */

static void mistyped_verbs(void)
{
        check_str(verb_near("stauts")->name, "status");
        check_str(verb_near("zombie")->name, "zombies");
        check_str(verb_near("check_config")->name, "check-config");
        check_str(verb_near("serv")->name, "services");
        check(!verb_near("xyzzy"));
        check(!verb_near(""));
        check(!verb_near("chld")); /* hidden ones aren't offered */
        check(!verb_find("nothing"));
}

static void help(void)
{
        cleanup_outcome struct outcome o = run("help");
        cleanup_outcome struct outcome unknown = run("help", "stauts");

        check_int(o.code, EXIT_DONE);
        check_int(unknown.code, EXIT_USAGE);
        check(strstr(unknown.err, "did you mean 'sexton status'?") != NULL);
        for (size_t i = 0; i < verbs_count; i++) {
                const struct verb *v = verbs[i];
                char line[80];
                snprintf(line, sizeof line, "\n  %s ", v->name);
                check((strstr(o.out, line) != NULL) == !v->hidden);
                check(v->summary[0] >= 'a' && v->summary[0] <= 'z');
                if (v->hidden)
                        continue;
                cleanup_outcome struct outcome one = run(v->name, "--help");
                check_int(one.code, EXIT_DONE);
                check(strstr(one.out, "Usage: sexton ") == one.out);
        }
}

static void write_text(const char *name, const char *text, char path[static 128])
{
        snprintf(path, 128, "%s/%s", folder, name);
        FILE *f = fopen(path, "we");
        fputs(text, f);
        fclose(f);
}

static void configuration(void)
{
        char good[128], bad[128];

        write_text("good.yaml",
                "grace: 3s\nnotify:\n  - {name: hook, type: webhook, url: \"http://h/secret\"}\n", good);
        write_text("bad.yaml", "grcae: 3s\nmode: sleep\n", bad);
        cleanup_outcome struct outcome a = run("check-config", "--config", good);
        cleanup_outcome struct outcome b = run("check-config", "--config", bad);
        cleanup_outcome struct outcome c = run("check-config", "--config", bad, "--json");
        cleanup_outcome struct outcome d = run("check-config", "--config", "/nonexistent/sexton.yaml");
        cleanup_outcome struct outcome e = run("check-config", "--defaults");
        cleanup_outcome struct outcome f = run("check-config", "--config", good, "--socket", "/nonexistent");
        cleanup_outcome struct outcome g = run("version", "--json", "--socket", "/nonexistent");
        unlink(good);
        unlink(bad);
        check_int(a.code, EXIT_DONE);
        check(strstr(a.out, "grace: 3s  (default 10s)\n") != NULL);
        check(strstr(a.out, "notify[0]: hook, webhook\n") != NULL);
        check(!strstr(a.out, "secret"));
        check_int(b.code, EXIT_BAD);
        check(strstr(b.out, "bad.yaml:1:1: grcae: unknown key") != NULL);
        check(strstr(b.out, "bad.yaml:2:") != NULL);
        check_int(c.code, EXIT_BAD);
        json_t *j = json_loads(c.out, 0, NULL);
        check_int(json_array_size(json_object_get(j, "problems")), 2);
        check(json_is_false(json_object_get(j, "ok")));
        json_decref(j);
        check_int(d.code, EXIT_USAGE);
        check_int(e.code, EXIT_DONE);
        check(strstr(e.out, "detect.zombie_leak.for") != NULL);
        check_str(f.out, a.out);
        check(f.code == EXIT_DONE && g.code == EXIT_DONE);
}

static void doctor(void)
{
        cleanup_outcome struct outcome o =
                run("doctor", "--json", "--engine-socket", "/nonexistent/engine.sock");
        cleanup_outcome struct outcome text = run("doctor");
        json_t *j = json_loads(o.out, 0, NULL), *list = json_object_get(j, "checks"), *one;
        size_t i;

        check(o.code == EXIT_DONE || o.code == EXIT_BAD);
        check_int(text.code, o.code);
        check(json_array_size(list) >= 15);
        json_array_foreach(list, i, one)
        {
                const char *state = json_string_value(json_object_get(one, "state"));
                const char *advice = json_string_value(json_object_get(one, "advice"));
                bool ok = state && !strcmp(state, "ok");
                check(ok || (state && (!strcmp(state, "warn") || !strcmp(state, "missing"))));
                /* Whatever is not well comes with advice. */
                check(advice && (ok ? !*advice : *advice));
                check(strstr(text.out, json_string_value(json_object_get(one, "name"))) != NULL);
        }
        check(strstr(text.out, "the daemon isn't running") != NULL);
        json_decref(j);
}

static struct doctor_result look(const char *name, const struct doctor_context *c)
{
        struct doctor_result r = {.state = DOCTOR_OK, .text = "no such check"};

        for (size_t i = 0; i < doctor_host_checks_count; i++)
                if (!strcmp(doctor_host_checks[i].name, name))
                        doctor_host_checks[i].look(c, &r);
        for (size_t i = 0; i < doctor_kernel_checks_count; i++)
                if (!strcmp(doctor_kernel_checks[i].name, name))
                        doctor_kernel_checks[i].look(c, &r);
        return r;
}

static void doctor_of_a_poor_host(void)
{
        cleanup_close int nothing = file_open_root(folder);
        struct doctor_context c = {.proc_fd = nothing,
                .sys_fd = nothing,
                .cgroup_root = folder,
                .engine_socket = socket_path,
                .daemon_socket = socket_path};
        struct canned hang = {.behaviour = HANG};

        check_int(look("cgroup", &c).state, DOCTOR_MISSING);
        check_int(look("psi", &c).state, DOCTOR_WARN);
        check_int(look("psi_triggers", &c).state, DOCTOR_WARN);
        check_int(look("btf", &c).state, DOCTOR_WARN);
        check_int(look("pid_max", &c).state, DOCTOR_WARN);
        check_int(look("host_pids", &c).state, DOCTOR_WARN);
        check_int(look("clock_source", &c).state, DOCTOR_WARN);
        check_int(look("engine", &c).state, DOCTOR_WARN);
        daemon_start(&hang);
        struct doctor_result r = look("daemon", &c);
        daemon_stop();
        check_int(r.state, DOCTOR_WARN);
        check(strstr(r.advice, "runs but doesn't answer") != NULL);
}

static void all(void)
{
        fixtures = getenv("SEXTON_FIXTURES");
        strcpy(folder, "/tmp/sexton-cli-XXXXXX");
        if (!fixtures || !mkdtemp(folder)) {
                printf("Bail out! no fixtures or no temporary folder\n");
                return;
        }
        chmod(folder, 0755);
        snprintf(socket_path, sizeof socket_path, "%s/sexton.sock", folder);
        last_request = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        last_body = last_request + 4096;
        test(texts);
        test(several_at_once);
        test(passed_through);
        test(colors);
        test(targets);
        test(orders);
        test(no_is_an_answer);
        test(followed);
        test(all_zombies);
        test(absent);
        test(stale);
        test(forbidden);
        test(hung);
        test(waiting);
        test(no_sexton);
        test(refused);
        test(wrong_types);
        test(wrong_usage);
        test(mistyped_verbs);
        test(help);
        test(configuration);
        test(doctor);
        test(doctor_of_a_poor_host);
        rmdir(folder);
}

int main(void)
{
        return tap_main(all);
}
