/* One person at the console: see console.h. */
#include "rescue/console.h"

#include "base/text.h"

#include <limits.h>
#include <string.h>

enum { WIDTH = 80, HEIGHT = 24, ECHO_ROOM = 2048, LEAST = 20, MOST = 500 };
#define ANSWER_NS (CONSOLE_PATIENCE_NS + 500 * NSEC_PER_MSEC)
#define WATCH_NS  NSEC_PER_SEC

static void prompt(struct console *c)
{
        if (c->terminal)
                page_put(&c->page, "sexton %s> ", c->host);
}

void console_init(struct console *c, const struct console_ops *ops, void *ctx, const char *who)
{
        c->ops = ops;
        c->ctx = ctx;
        c->terminal = c->once = c->eof = false;
        c->width = WIDTH;
        c->height = HEIGHT;
        c->state = CONSOLE_READING;
        c->exit_code = CONSOLE_DONE;
        c->answers = 0;
        c->due_ns = 0;
        c->line = (struct line){0};
        c->page.crlf = false;
        page_clear(&c->page);
        c->input_len = c->input_at = 0;
        text_set(c->who, sizeof c->who, who);
        c->host[0] = '\0';
}

void console_resize(struct console *c, unsigned width, unsigned height)
{
        c->width = width ? MIN(MAX(width, (unsigned)LEAST), (unsigned)MOST) : WIDTH;
        c->height = height ? MIN(MAX(height, 2u), (unsigned)MOST) : HEIGHT;
}

/* ---- commands ---- */

/* The command is done: the next one, or the end. */
static void finish(struct console *c, int exit_code)
{
        c->exit_code = exit_code;
        c->due_ns = 0;
        c->state = c->once ? CONSOLE_ENDED : CONSOLE_READING;
        if (c->state == CONSOLE_READING)
                prompt(c);
}

static void draw(struct console *c)
{
        static const struct command top = {.verb = COMMAND_TOP};
        static const char home[] = "\033[H", rest[] = "\033[J";

        page_raw(&c->page, home, sizeof home - 1);
        c->page.erase = true;
        c->page.rows = c->height - 1;
        c->ops->show(c->ctx, &top, c->width, &c->page);
        c->page.erase = false;
        page_raw(&c->page, rest, sizeof rest - 1);
}

static void watch(struct console *c, uint64_t now_ns)
{
        c->due_ns = now_ns + WATCH_NS;
        if (!page_is_sent(&c->page))
                return; /* the other side is slow: it gets fewer pictures, not older ones */
        page_clear(&c->page);
        draw(c);
}

static void watch_end(struct console *c)
{
        c->page.rows = UINT_MAX;
        page_put(&c->page, "\n");
        finish(c, CONSOLE_DONE);
}

static bool acts(enum command_verb v)
{
        return v >= COMMAND_FREEZE && v <= COMMAND_BREAKER;
}

static void execute(struct console *c, const char *line, size_t len, uint64_t now_ns)
{
        static const char clear[] = "\033[2J";
        struct command command;
        struct error e = {0};

        if (command_parse(line, len, &command, &e) < 0) {
                page_put(&c->page, "%s\n", e.text);
                finish(c, CONSOLE_USAGE);
        } else if (command.verb == COMMAND_EXIT) {
                c->state = CONSOLE_ENDED;
        } else if (command.verb == COMMAND_TOP && c->terminal && !c->once) {
                page_raw(&c->page, clear, sizeof clear - 1);
                c->state = CONSOLE_WATCHING;
                c->due_ns = now_ns + WATCH_NS;
                draw(c);
        } else if (acts(command.verb)) {
                c->exit_code = CONSOLE_DONE;
                int n = c->ops->ask(c->ctx, &command, c);
                c->answers = n;
                c->state = CONSOLE_WAITING;
                c->due_ns = now_ns + ANSWER_NS;
                if (n <= 0)
                        finish(c, n < 0 ? CONSOLE_BAD : CONSOLE_DONE);
        } else if (command.verb == COMMAND_NONE) {
                finish(c, c->once ? CONSOLE_USAGE : c->exit_code);
        } else {
                finish(c, (int)c->ops->show(c->ctx, &command, c->width, &c->page));
        }
}

/* ---- what is typed ---- */

static void heed(struct console *c, enum line_event event, uint64_t now_ns)
{
        static const char clear[] = "\033[H\033[2J";

        switch (event) {
        case LINE_MORE:
                break;
        case LINE_DONE: {
                char text[COMMAND_LINE];
                size_t len = c->line.len;
                memcpy(text, c->line.text, len);
                line_next(&c->line);
                execute(c, text, len, now_ns);
                break;
        }
        case LINE_BREAK:
                prompt(c);
                break;
        case LINE_END:
                page_put(&c->page, "\n");
                c->state = CONSOLE_ENDED;
                break;
        case LINE_CLEAR:
                page_raw(&c->page, clear, sizeof clear - 1);
                prompt(c);
                page_raw(&c->page, c->line.text, c->line.len);
                break;
        }
}

static void watched_key(struct console *c, char key)
{
        if (key == 'q' || key == 'Q' || key == '\r' || key == 3 || key == 4)
                watch_end(c);
}

/* A line is heeded once the page has room for the answer to it. */
static bool may_read(const struct console *c)
{
        if (c->state == CONSOLE_WATCHING)
                return true;
        return c->state == CONSOLE_READING && (page_is_sent(&c->page) || c->page.len < ECHO_ROOM);
}

static void pump(struct console *c, uint64_t now_ns)
{
        while (c->input_at < c->input_len && may_read(c)) {
                if (page_is_sent(&c->page))
                        page_clear(&c->page);
                char key = c->input[c->input_at++];
                if (c->state == CONSOLE_WATCHING)
                        watched_key(c, key);
                else
                        heed(c, line_feed(&c->line, key, &c->page), now_ns);
        }
        if (c->input_at < c->input_len || !c->eof || c->state != CONSOLE_READING)
                return;
        /* what was typed last may lack its line feed */
        if (c->line.len && !c->terminal && may_read(c))
                heed(c, line_feed(&c->line, '\n', &c->page), now_ns);
        else if (!c->line.len || c->terminal)
                c->state = CONSOLE_ENDED;
}

size_t console_room(const struct console *c)
{
        if (c->once || c->state == CONSOLE_ENDED)
                return sizeof c->input; /* thrown away */
        return c->input_at == c->input_len ? sizeof c->input : 0;
}

void console_type(struct console *c, const char *bytes, size_t len, uint64_t now_ns)
{
        if (c->once || c->state == CONSOLE_ENDED)
                return;
        len = MIN(len, console_room(c));
        if (len) {
                memcpy(c->input, bytes, len);
                c->input_len = len;
                c->input_at = 0;
        }
        pump(c, now_ns);
}

void console_type_end(struct console *c, uint64_t now_ns)
{
        c->eof = true;
        if (c->state == CONSOLE_WATCHING)
                watch_end(c);
        pump(c, now_ns);
}

void console_sent(struct console *c, size_t len, uint64_t now_ns)
{
        c->page.sent = MIN(c->page.sent + len, c->page.len);
        if (page_is_sent(&c->page))
                page_clear(&c->page);
        pump(c, now_ns);
}

/* ---- beginning, time, answers ---- */

void console_start(struct console *c, bool terminal, const char *host, uint64_t now_ns)
{
        text_printable(c->host, sizeof c->host, host, strlen(host));
        c->terminal = c->line.echo = c->page.crlf = terminal;
        if (terminal)
                page_put(&c->page,
                        "Sexton's rescue console. help lists what can be asked and done; Ctrl-D leaves.\n");
        prompt(c);
        pump(c, now_ns);
}

void console_run(struct console *c, const char *line, size_t len, uint64_t now_ns)
{
        c->once = true;
        execute(c, line, len, now_ns);
}

void console_answer(struct console *c, const struct answer *a, uint64_t now_ns)
{
        char text[sizeof a->text * 4 + 1];

        /* not of a request that was given up */
        if (c->state != CONSOLE_WAITING || a->number < c->asked_from || a->number > c->asked_to)
                return;
        text_printable(text, sizeof text, a->text, strnlen(a->text, sizeof a->text));
        page_put(&c->page, "%s%s\n", a->code < 0 ? "no: " : "",
                *text         ? text
                : a->code < 0 ? "refused"
                              : "done");
        if (a->code < 0)
                c->exit_code = CONSOLE_BAD;
        if (--c->answers > 0)
                return;
        finish(c, c->exit_code);
        pump(c, now_ns);
}

uint64_t console_due(const struct console *c)
{
        return c->state == CONSOLE_WAITING || c->state == CONSOLE_WATCHING ? c->due_ns : 0;
}

void console_tick(struct console *c, uint64_t now_ns)
{
        if (!console_due(c) || now_ns < c->due_ns)
                return;
        if (c->state == CONSOLE_WATCHING) {
                watch(c, now_ns);
                return;
        }
        page_put(&c->page,
                "The guard did not answer within 3 s. It may be hanging or starting. It will not do "
                "later what it has not begun: see top and actions.\n");
        finish(c, CONSOLE_SILENT);
        pump(c, now_ns);
}
