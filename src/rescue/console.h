/* One person at the console, whatever carries the bytes: SSH with or without a terminal, one command by
 * SSH, a serial line. It reads lines, shows answers into a page that the carrier empties, asks the guard and
 * waits for it, and shows `top` again each second. Pure but for what `ops` does; takes no memory.
 */
#pragma once

#include "model/request.h"
#include "rescue/line.h"

/* So long the guard may take to begin with what it is asked for; a little later the person is told. */
#define CONSOLE_PATIENCE_NS (2500 * NSEC_PER_MSEC)

enum { CONSOLE_INPUT = 1024, CONSOLE_WHO = 48 };

/* As of the verbs of the CLI. */
enum console_exit {
        CONSOLE_DONE = 0,
        CONSOLE_BAD = 1,    /* the answer is "no" or "bad" */
        CONSOLE_USAGE = 2,  /* the command is not understood */
        CONSOLE_SILENT = 3, /* the guard doesn't answer */
};

struct console;

struct console_ops {
        /* Shows what is asked, at a page that is `width` columns wide. */
        enum console_exit (*show)(void *ctx, const struct command *command, unsigned width, struct page *p);
        /* Makes requests of a command that acts and sends them; how many answers are to come, or a negative
         * errno, with the page told why. */
        int (*ask)(void *ctx, const struct command *command, struct console *c);
};

enum console_state { CONSOLE_READING, CONSOLE_WAITING, CONSOLE_WATCHING, CONSOLE_ENDED };

struct console {
        const struct console_ops *ops;
        void *ctx;
        char who[CONSOLE_WHO]; /* for the record of what is done */
        char host[65];         /* for the prompt */
        bool terminal;
        unsigned width, height;

        enum console_state state;
        bool once;                     /* one command, no prompt */
        bool eof;                      /* nothing more will be typed */
        int exit_code;                 /* of the last command */
        int answers;                   /* still to come */
        uint32_t asked_from, asked_to; /* numbers of its last requests, both included; set by ask() */
        uint64_t due_ns;               /* WAITING: until when; WATCHING: when next */
        struct line line;
        struct page page;
        char input[CONSOLE_INPUT];
        size_t input_len, input_at;
};

/* `who` is copied. */
void console_init(struct console *c, const struct console_ops *ops, void *ctx, const char *who);
/* Begins to read commands, with a prompt on a terminal; `host` is copied. */
void console_start(struct console *c, bool terminal, const char *host, uint64_t now_ns);
/* Runs one command and ends. */
void console_run(struct console *c, const char *line, size_t len, uint64_t now_ns);
/* Of the terminal; 0 = unknown. */
void console_resize(struct console *c, unsigned width, unsigned height);

/* How many bytes may be typed now. */
size_t console_room(const struct console *c);
/* Takes at most that many. */
void console_type(struct console *c, const char *bytes, size_t len, uint64_t now_ns);
void console_type_end(struct console *c, uint64_t now_ns);
/* The carrier has sent some of the page. */
void console_sent(struct console *c, size_t len, uint64_t now_ns);
/* An answer to one of its requests. */
void console_answer(struct console *c, const struct answer *a, uint64_t now_ns);
/* When console_tick() is due, 0 = never. */
uint64_t console_due(const struct console *c);
void console_tick(struct console *c, uint64_t now_ns);
/* Ended, and all of the page is sent. */
static inline bool console_is_over(const struct console *c)
{
        return c->state == CONSOLE_ENDED && page_is_sent(&c->page);
}
