/* SSH sessions: see session.h. */
#include "rescue/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { ACCEPTED_AT_ONCE = 16, WRITTEN_AT_ONCE = 8 << 10, WRITE_ROUNDS = 16 };
#define LOGIN_NS       (30 * NSEC_PER_SEC)  /* for everything before a command */
#define GIVES_WAY_NS   (2 * NSEC_PER_SEC)   /* a login that takes longer yields its place to a newer one */
#define IDLE_NS        (900 * NSEC_PER_SEC) /* nothing typed, nothing watched */
#define IDLE_YIELDS_NS (60 * NSEC_PER_SEC)  /* so long idle, it yields to somebody new */
/* the client hangs up: closing first could lose the last bytes */
#define CLOSING_NS      (5 * NSEC_PER_SEC)
#define LISTEN_AGAIN_NS (200 * NSEC_PER_MSEC)
#define TOLD_EACH_NS    (10 * NSEC_PER_SEC)

static const char user_name[] = "rescue";

/* ---- the end ---- */

static void session_end(struct session *s)
{
        const struct ssh *ssh = s->of->ssh;

        if (s->phase == SESSION_FREE)
                return;
        if (s->key)
                log_info("%s left (%s)", s->address, s->console ? s->console->who : "");
        if (s->events)
                loop_remove(s->of->loop, &s->watch);
        loop_disarm(s->of->loop, &s->timer);
        if (s->event) {
                ssh->event_remove_session(s->event, s->ssh);
                ssh->event_free(s->event);
        }
        if (s->ssh) {
                ssh->silent_disconnect(s->ssh);
                ssh->free(s->ssh); /* its channel with it */
        }
        if (s->console)
                s->console->ops = NULL;                         /* back to the pool */
        *s = (struct session){.of = s->of, .watch.dead = true}; /* an event for it may still be under way */
}

static void set_phase(struct session *s, enum session_phase phase, uint64_t now_ns)
{
        s->phase = phase;
        s->since_ns = s->active_ns = now_ns;
}

/* A line for each that fails to log in would let strangers fill the log. */
static void tell_refusal(struct sessions *s, const struct session *one, const char *why, uint64_t now_ns)
{
        if (s->told_ns && now_ns - s->told_ns < TOLD_EACH_NS) {
                s->untold++;
                return;
        }
        if (s->untold)
                log_warning("%s: %s (and %llu more refused since the last such line)", one->address, why,
                        (unsigned long long)s->untold);
        else
                log_warning("%s: %s", one->address, why);
        s->told_ns = now_ns;
        s->untold = 0;
}

/* ---- logging in ---- */

static void refuse_key(struct session *s, const char *why)
{
        uint64_t now_ns = clock_boot_ns();

        s->refusals++;
        s->paused_ns = now_ns + gate_delay_ns(s->refusals);
        if (why)
                tell_refusal(s->of, s, why, now_ns);
}

static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state, void *ctx)
{
        struct session *s = ctx;
        const struct allowed_key *known = keys_find(s->of->ssh, s->of->keys, key, s->address);
        char fingerprint[80];

        if (s->phase != SESSION_LOGIN || s->refusals >= SESSION_TRIES)
                return SSH_AUTH_DENIED;
        if (!known || strcmp(user, user_name) != 0) {
                refuse_key(s,
                        known ? "a known key, but for another user than rescue" : "a key that is not known");
                return SSH_AUTH_DENIED;
        }
        if (state == SSH_PUBLICKEY_STATE_NONE)
                return SSH_AUTH_SUCCESS; /* asks whether the key would do; it is not logged in by that */
        if (state != SSH_PUBLICKEY_STATE_VALID) {
                refuse_key(s, "a known key with a wrong signature");
                return SSH_AUTH_DENIED;
        }
        s->key = known;
        set_phase(s, SESSION_ASKED, clock_boot_ns());
        gate_welcome(&s->of->gate, &s->gate);
        log_info("%s logged in with key %s (%s)", s->address,
                keys_fingerprint(s->of->ssh, key, fingerprint, sizeof fingerprint), known->line.comment);
        return SSH_AUTH_SUCCESS;
}

static int on_none(ssh_session ssh, const char *user, void *ctx)
{
        return SSH_AUTH_DENIED; /* how clients ask what there is; costs no try */
}

static int on_password(ssh_session ssh, const char *user, const char *password, void *ctx)
{
        refuse_key(ctx, "a password, where only keys are taken");
        return SSH_AUTH_DENIED;
}

/* ---- the channel ---- */

/* A console of the pool; of one that has been idle for long, when all are taken. */
static struct console *take_console(struct sessions *all, uint64_t now_ns)
{
        struct session *idle = NULL;

        for (size_t k = 0; k < SESSIONS_CONSOLES; k++)
                if (!all->console[k].ops)
                        return &all->console[k];
        for (size_t k = 0; k < SESSIONS; k++) {
                struct session *one = &all->session[k];
                if (one->console && one->console->state != CONSOLE_WATCHING &&
                        now_ns - one->active_ns > IDLE_YIELDS_NS &&
                        (!idle || one->active_ns < idle->active_ns))
                        idle = one;
        }
        if (!idle)
                return NULL;
        struct console *c = idle->console;
        log_info("%s was idle and gives way", idle->address);
        session_end(idle);
        return c;
}

static void close_channel(struct session *s, int exit_code)
{
        const struct ssh *ssh = s->of->ssh;

        ssh->channel_request_send_exit_status(s->channel, exit_code);
        ssh->channel_send_eof(s->channel);
        ssh->channel_close(s->channel);
        set_phase(s, SESSION_CLOSING, clock_boot_ns());
}

static bool sit_down(struct session *s)
{
        static const char full[] = "four others are at the console, none of them idle for a minute\r\n";
        uint64_t now_ns = clock_boot_ns();
        char who[CONSOLE_WHO];

        if (s->phase != SESSION_ASKED)
                return false;
        s->console = take_console(s->of, now_ns);
        if (!s->console) {
                s->of->ssh->channel_write(s->channel, full, sizeof full - 1);
                close_channel(s, CONSOLE_BAD);
                return false;
        }
        snprintf(who, sizeof who, "rescue %.20s@%.19s", s->key->line.comment, s->address);
        console_init(s->console, s->of->ops, s->of->ops_ctx, who);
        console_resize(s->console, s->width, s->height);
        set_phase(s, SESSION_TALKING, now_ns);
        return true;
}

/* The key's own command, whatever was asked for. */
static bool run_forced(struct session *s)
{
        const char *forced = s->key->line.command;

        if (*forced)
                console_run(s->console, forced, strlen(forced), clock_boot_ns());
        return *forced != '\0';
}

static int on_terminal(ssh_session ssh, ssh_channel channel, const char *term, int width, int height, int px,
        int py, void *ctx)
{
        struct session *s = ctx;

        if (s->phase != SESSION_ASKED || s->key->line.no_pty)
                return -1;
        s->terminal = true;
        s->width = width > 0 ? (unsigned)width : 0;
        s->height = height > 0 ? (unsigned)height : 0;
        return 0;
}

static int on_resize(ssh_session ssh, ssh_channel channel, int width, int height, int px, int py, void *ctx)
{
        struct session *s = ctx;

        if (s->console)
                console_resize(
                        s->console, width > 0 ? (unsigned)width : 0, height > 0 ? (unsigned)height : 0);
        return 0;
}

static int on_shell(ssh_session ssh, ssh_channel channel, void *ctx)
{
        struct session *s = ctx;

        if (!sit_down(s))
                return s->phase == SESSION_CLOSING ? 0 : -1;
        if (!run_forced(s))
                console_start(s->console, s->terminal, s->of->host, clock_boot_ns());
        return 0;
}

static int on_exec(ssh_session ssh, ssh_channel channel, const char *command, void *ctx)
{
        struct session *s = ctx;

        if (!sit_down(s))
                return s->phase == SESSION_CLOSING ? 0 : -1;
        s->console->page.crlf = s->terminal;
        if (!run_forced(s))
                console_run(s->console, command, strlen(command), clock_boot_ns());
        return 0;
}

static ssh_channel on_channel(ssh_session ssh, void *ctx)
{
        struct session *s = ctx;

        if (s->phase != SESSION_ASKED || s->channel)
                return NULL;
        s->channel = s->of->ssh->channel_new(ssh);
        if (!s->channel)
                return NULL;
        s->channel_calls = (struct ssh_channel_callbacks_struct){
                .userdata = s,
                .channel_pty_request_function = on_terminal,
                .channel_pty_window_change_function = on_resize,
                .channel_shell_request_function = on_shell,
                .channel_exec_request_function = on_exec,
        };
        ssh_callbacks_init(&s->channel_calls);
        s->of->ssh->set_channel_callbacks(s->channel, &s->channel_calls);
        return s->channel;
}

/* ---- talking ---- */

static bool is_broken(const struct session *s)
{
        return s->of->ssh->get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR);
}

/* Only while nothing waits to be sent: what libssh queues takes memory. */
static bool may_write(const struct session *s)
{
        return !(s->of->ssh->get_poll_flags(s->ssh) & SSH_WRITE_PENDING) &&
               s->of->ssh->channel_window_size(s->channel) > 0;
}

static bool write_page(struct session *s, uint64_t now_ns)
{
        struct console *c = s->console;

        for (int k = 0; k < WRITE_ROUNDS && !page_is_sent(&c->page) && may_write(s); k++) {
                size_t n = MIN(c->page.len - c->page.sent, (size_t)WRITTEN_AT_ONCE);
                n = MIN(n, (size_t)s->of->ssh->channel_window_size(s->channel));
                int r = s->of->ssh->channel_write(s->channel, c->page.text + c->page.sent, (uint32_t)n);
                if (r < 0 && r != SSH_AGAIN)
                        return false;
                if (r <= 0)
                        break;
                console_sent(c, (size_t)r, now_ns);
        }
        return true;
}

static bool read_input(struct session *s, uint64_t now_ns)
{
        char bytes[CONSOLE_INPUT];

        while (console_room(s->console)) {
                int n = s->of->ssh->channel_read_nonblocking(
                        s->channel, bytes, (uint32_t)console_room(s->console), 0);
                if (n == SSH_ERROR)
                        return false;
                if (n <= 0)
                        break;
                s->active_ns = now_ns;
                console_type(s->console, bytes, (size_t)n, now_ns);
        }
        if (!s->console->eof && console_room(s->console) && s->of->ssh->channel_is_eof(s->channel))
                console_type_end(s->console, now_ns);
        return true;
}

static bool talk(struct session *s, uint64_t now_ns)
{
        if (!read_input(s, now_ns) || !write_page(s, now_ns))
                return false;
        if (console_is_over(s->console))
                close_channel(s, s->console->exit_code);
        return true;
}

/* ---- driving ---- */

static uint64_t ends_at(const struct session *s)
{
        switch (s->phase) {
        case SESSION_LOGIN:
        case SESSION_ASKED:
                return s->since_ns + LOGIN_NS;
        case SESSION_TALKING:
                return s->active_ns + IDLE_NS;
        case SESSION_CLOSING:
                return s->since_ns + CLOSING_NS;
        case SESSION_FREE:
                break;
        }
        return UINT64_MAX;
}

/* What to wait for next: bytes, room for bytes, a moment. */
static void arrange(struct session *s, uint64_t now_ns)
{
        bool paused = s->paused_ns > now_ns;
        bool pending = s->of->ssh->get_poll_flags(s->ssh) & SSH_WRITE_PENDING;
        uint32_t events = paused ? 0 : (uint32_t)EPOLLIN | (pending ? (uint32_t)EPOLLOUT : 0);
        uint64_t due = paused ? s->paused_ns : ends_at(s);
        uint64_t console = s->phase == SESSION_TALKING ? console_due(s->console) : 0;
        int r = 0;

        if (!events && s->events)
                loop_remove(s->of->loop, &s->watch);
        else if (events && !s->events)
                r = loop_add(s->of->loop, &s->watch, events);
        else if (events != s->events)
                r = loop_modify(s->of->loop, &s->watch, events);
        s->events = events;
        if (r < 0) {
                session_end(s);
                return;
        }
        loop_arm(s->of->loop, &s->timer, console ? MIN(due, console) : due);
}

/* libssh takes what came and sends what it can, then the console has its turn. */
static void drive(struct session *s, uint64_t now_ns)
{
        if (s->paused_ns <= now_ns) {
                bool ok = s->of->ssh->event_dopoll(s->event, 0) != SSH_ERROR && !is_broken(s) &&
                          s->refusals < SESSION_TRIES;
                if (ok && s->phase == SESSION_TALKING)
                        ok = talk(s, now_ns) && !is_broken(s);
                if (!ok) {
                        session_end(s);
                        return;
                }
        }
        arrange(s, now_ns);
}

static void on_ready(void *ctx, uint32_t events)
{
        drive(ctx, clock_boot_ns());
}

static void on_time(void *ctx, uint64_t now_ns)
{
        struct session *s = ctx;

        if (s->phase == SESSION_TALKING && s->console->state == CONSOLE_WATCHING)
                s->active_ns = now_ns; /* it watches: that is not idle */
        if (now_ns >= ends_at(s)) {
                if (s->phase == SESSION_LOGIN)
                        tell_refusal(s->of, s, "took too long to log in", now_ns);
                session_end(s);
                return;
        }
        if (s->phase == SESSION_TALKING)
                console_tick(s->console, now_ns);
        drive(s, now_ns);
}

/* ---- new ones ---- */

/* A free place, or the one of the slowest to log in. */
static struct session *take_place(struct sessions *all, uint64_t now_ns)
{
        struct session *slow = NULL;

        for (size_t k = 0; k < SESSIONS; k++) {
                struct session *s = &all->session[k];
                if (s->phase == SESSION_FREE)
                        return s;
                if (s->phase == SESSION_LOGIN && now_ns - s->since_ns > GIVES_WAY_NS &&
                        (!slow || s->since_ns < slow->since_ns))
                        slow = s;
        }
        if (slow)
                session_end(slow);
        return slow;
}

static bool begin(struct session *s, int fd, uint64_t now_ns)
{
        const struct ssh *ssh = s->of->ssh;

        set_phase(s, SESSION_LOGIN, now_ns);
        s->ssh = ssh->new ();
        /* the descriptor is libssh's from bind_accept_fd() on */
        if (!s->ssh || ssh->options_set(s->ssh, SSH_OPTIONS_COMPRESSION, "no") < 0 ||
                ssh->bind_accept_fd(s->of->bind, s->ssh, fd) != SSH_OK) {
                close(fd);
                return false;
        }
        ssh->set_blocking(s->ssh, 0);
        s->watch = (struct loop_fd){.fd = fd, .ready = on_ready, .ctx = s};
        s->timer = (struct loop_timer){.fire = on_time, .ctx = s};
        s->server_calls = (struct ssh_server_callbacks_struct){
                .userdata = s,
                .auth_none_function = on_none,
                .auth_password_function = on_password,
                .auth_pubkey_function = on_key,
                .channel_open_request_session_function = on_channel,
        };
        ssh_callbacks_init(&s->server_calls);
        ssh->set_server_callbacks(s->ssh, &s->server_calls);
        ssh->set_auth_methods(s->ssh, SSH_AUTH_METHOD_PUBLICKEY);
        s->event = ssh->event_new();
        if (!s->event)
                return false;
        int r = ssh->handle_key_exchange(s->ssh);
        return (r == SSH_OK || r == SSH_AGAIN) && ssh->event_add_session(s->event, s->ssh) == SSH_OK;
}

static void address_of(const struct sockaddr_storage *a, struct session *s)
{
        const struct sockaddr_in *four = (const struct sockaddr_in *)a;
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;

        s->gate = (struct gate_address){.family = (uint8_t)a->ss_family};
        if (a->ss_family == AF_INET6) {
                memcpy(s->gate.bytes, &six->sin6_addr, sizeof s->gate.bytes);
                inet_ntop(AF_INET6, &six->sin6_addr, s->address, sizeof s->address);
        } else {
                memcpy(s->gate.bytes, &four->sin_addr, sizeof four->sin_addr);
                inet_ntop(AF_INET, &four->sin_addr, s->address, sizeof s->address);
        }
}

static void tune(int fd)
{
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, sizeof(int));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){10}, sizeof(int));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
}

static void welcome(struct sessions *all, int fd, const struct sockaddr_storage *from, uint64_t now_ns)
{
        struct session stranger = {0};

        address_of(from, &stranger);
        bool admitted = gate_admit(&all->gate, &stranger.gate, now_ns);
        struct session *s = admitted ? take_place(all, now_ns) : NULL;
        if (!s) {
                tell_refusal(all, &stranger, admitted ? "no place is free" : "too many connections", now_ns);
                close(fd);
                return;
        }
        memcpy(s->address, stranger.address, sizeof s->address);
        s->gate = stranger.gate;
        tune(fd);
        if (begin(s, fd, now_ns))
                drive(s, now_ns);
        else
                session_end(s);
}

static void on_connection(void *ctx, uint32_t events)
{
        struct sessions *s = ctx;

        for (int k = 0; k < ACCEPTED_AT_ONCE; k++) {
                struct sockaddr_storage from = {0};
                socklen_t len = sizeof from;
                int fd =
                        accept4(s->listener.fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
                if (fd >= 0) {
                        welcome(s, fd, &from, clock_boot_ns());
                } else if (errno == EAGAIN) {
                        return;
                } else if (errno != ECONNABORTED && errno != EINTR) {
                        /* no descriptor or no memory: not again at once, or we would do nothing else */
                        loop_remove(s->loop, &s->listener);
                        loop_arm(s->loop, &s->listen_again, clock_boot_ns() + LISTEN_AGAIN_NS);
                        return;
                }
        }
}

static void listen_again(void *ctx, uint64_t now_ns)
{
        struct sessions *s = ctx;

        if (loop_add(s->loop, &s->listener, EPOLLIN) < 0)
                loop_arm(s->loop, &s->listen_again, now_ns + LISTEN_AGAIN_NS);
}

/* ---- frame ---- */

/* Modern and cheap; what every client of the last ten years knows. */
static int choose(const struct ssh *ssh, ssh_bind bind, ssh_key host_key)
{
        static const bool no = false;
        static const struct {
                enum ssh_bind_options_e option;
                const char *value;
        } text[] = {
                {SSH_BIND_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-"
                                                "nistp256,ecdh-sha2-nistp384"},
                {SSH_BIND_OPTIONS_CIPHERS_C_S, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-"
                                               "gcm@openssh.com,aes256-ctr"},
                {SSH_BIND_OPTIONS_CIPHERS_S_C, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-"
                                               "gcm@openssh.com,aes256-ctr"},
                {SSH_BIND_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"},
                {SSH_BIND_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"},
                {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
                        "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-"
                        "256,"
                        "rsa-sha2-512,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com"},
                {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519"},
                {SSH_BIND_OPTIONS_BANNER, "sexton"},
        };

        if (ssh->bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) < 0 ||
                ssh->bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, host_key) < 0)
                return -EINVAL;
        for (size_t k = 0; k < ARRAY_SIZE(text); k++)
                if (ssh->bind_options_set(bind, text[k].option, text[k].value) < 0)
                        return -EINVAL;
        return 0;
}

int sessions_start(struct sessions *s, const struct ssh *ssh, struct loop *loop, int listen_fd,
        ssh_key host_key, const struct keys *keys, const struct console_ops *ops, void *ops_ctx,
        const char *host, struct error *e)
{
        s->ssh = ssh;
        s->loop = loop;
        s->keys = keys;
        s->ops = ops;
        s->ops_ctx = ops_ctx;
        s->host = host;
        for (size_t k = 0; k < SESSIONS; k++)
                s->session[k].of = s;
        s->bind = ssh->bind_new();
        if (!s->bind || choose(ssh, s->bind, host_key) < 0)
                return error_set(e, -EINVAL, "libssh: %s", s->bind ? ssh->get_error(s->bind) : "no memory");
        s->listener = (struct loop_fd){.fd = listen_fd, .ready = on_connection, .ctx = s};
        s->listen_again = (struct loop_timer){.fire = listen_again, .ctx = s};
        int r = loop_add(loop, &s->listener, EPOLLIN);
        return r < 0 ? error_set(e, r, "watching for connections: %s", strerror(-r)) : 0;
}

void sessions_done(struct sessions *s)
{
        if (!s->bind)
                return;
        for (size_t k = 0; k < SESSIONS; k++)
                session_end(&s->session[k]);
        loop_disarm(s->loop, &s->listen_again);
        loop_remove(s->loop, &s->listener);
        s->ssh->bind_free(s->bind);
        s->bind = NULL;
}

unsigned sessions_logged_in(const struct sessions *s)
{
        unsigned n = 0;

        for (size_t k = 0; k < SESSIONS; k++)
                n += s->session[k].key != NULL;
        return n;
}

void sessions_answer(struct sessions *s, const struct answer *a, uint64_t now_ns)
{
        for (size_t k = 0; k < SESSIONS; k++) {
                struct session *one = &s->session[k];
                if (one->phase != SESSION_TALKING)
                        continue;
                console_answer(one->console, a, now_ns);
                drive(one, now_ns);
        }
}
