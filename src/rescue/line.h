/* The line editor of a console on a terminal: bytes in, an edited line out, echo to a page. Pure.
 * Backspace, Ctrl-U, Ctrl-W, Ctrl-C, Ctrl-D, Ctrl-L, and older lines with the arrows.
 */
#pragma once

#include "rescue/command.h"
#include "rescue/page.h"

enum { LINE_OLDER = 8 };

enum line_event {
        LINE_MORE = 0, /* nothing to do yet */
        LINE_DONE,     /* a line is there: text[0..len) */
        LINE_BREAK,    /* Ctrl-C */
        LINE_END,      /* Ctrl-D on an empty line */
        LINE_CLEAR,    /* Ctrl-L: the screen is to be cleared and the prompt shown anew */
};

struct line {
        char text[COMMAND_LINE];
        size_t len;
        bool echo;         /* a terminal; without it lines are only split */
        uint8_t escape;    /* inside a control sequence of a key */
        bool after_return; /* a line feed behind a carriage return is not another line */
        char older[LINE_OLDER][COMMAND_LINE];
        size_t older_count, older_at; /* ever kept; steps back from the newest */
};

/* One byte. After LINE_DONE the caller takes the line and calls line_next(). */
enum line_event line_feed(struct line *l, char c, struct page *echo);
/* Keeps the line among the older ones and begins an empty one. */
void line_next(struct line *l);
