/* SSH sessions: from an accepted connection over the key to a console. libssh speaks the protocol; sessions
 * never block, never read a file, and can't take more than their share of places, time and memory.
 */
#pragma once

#include "base/loop.h"
#include "rescue/console.h"
#include "rescue/gate.h"
#include "rescue/keys.h"
#include "rescue/ssh.h"

enum {
        SESSIONS = 12,         /* at once, logged in or not */
        SESSIONS_CONSOLES = 4, /* of them logged in */
        SESSION_TRIES = 6,     /* keys that one connection may offer */
};

struct sessions;

enum session_phase {
        SESSION_FREE = 0,
        SESSION_LOGIN,   /* up to the key */
        SESSION_ASKED,   /* logged in; has not said what it wants */
        SESSION_TALKING, /* at the console */
        SESSION_CLOSING, /* everything is said; the last bytes are on their way */
};

struct session {
        struct sessions *of;
        enum session_phase phase;
        struct loop_fd watch;
        struct loop_timer timer;
        uint32_t events;    /* what the loop watches for; 0 = not in the loop */
        uint64_t since_ns;  /* of the phase */
        uint64_t active_ns; /* last input */
        uint64_t paused_ns; /* no bytes are taken before */
        unsigned refusals;
        char address[48];
        struct gate_address gate;
        const struct allowed_key *key;
        bool terminal;
        unsigned width, height;
        ssh_session ssh;
        ssh_event event;
        ssh_channel channel;
        struct ssh_server_callbacks_struct server_calls;
        struct ssh_channel_callbacks_struct channel_calls;
        struct console *console; /* of the pool */
};

struct sessions {
        const struct ssh *ssh;
        struct loop *loop;
        const struct keys *keys;
        ssh_bind bind;
        const struct console_ops *ops;
        void *ops_ctx;
        const char *host;
        struct gate gate;
        struct loop_fd listener;
        struct loop_timer listen_again;
        uint64_t told_ns; /* when a refusal was last logged... */
        uint64_t untold;  /* ...and how many there were since */
        struct session session[SESSIONS];
        struct console console[SESSIONS_CONSOLES];
};

/* Takes connections of listen_fd, which stays the caller's. host_key becomes its own. */
int sessions_start(struct sessions *s, const struct ssh *ssh, struct loop *loop, int listen_fd,
        ssh_key host_key, const struct keys *keys, const struct console_ops *ops, void *ops_ctx,
        const char *host, struct error *e);
void sessions_done(struct sessions *s);
/* How many are logged in. */
unsigned sessions_logged_in(const struct sessions *s);
/* An answer of the guard, to whoever asked. */
void sessions_answer(struct sessions *s, const struct answer *a, uint64_t now_ns);
