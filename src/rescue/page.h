/* What a console shows: text in a fixed buffer, so that showing takes no memory. What doesn't fit is cut,
 * and the cut is told. Text of others goes through page_shown(), which makes it safe on a terminal.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>

enum { PAGE_SIZE_MAX = 64 << 10, PAGE_CELL = 200 };

struct page {
        char text[PAGE_SIZE_MAX];
        size_t len, sent;
        bool crlf;     /* a terminal in raw mode: each line ends with CR LF */
        bool erase;    /* and what stood behind it before is erased */
        unsigned rows; /* lines that are still wanted; UINT_MAX: all */
        bool cut;
};

/* Begins anew, with all lines wanted. */
void page_clear(struct page *p);
/* True when all of it has been taken. */
static inline bool page_is_sent(const struct page *p)
{
        return p->sent == p->len;
}
/* A formatted piece of at most 2,000 bytes. */
void page_put(struct page *p, const char *fmt, ...) printf_like(2, 3);
/* Bytes as they are: echo and control sequences of our own. */
void page_raw(struct page *p, const char *bytes, size_t len);
/* Text of others, made printable, folded at `width` columns (0 = not) behind `indent` blanks, and a newline.
 */
void page_fold(struct page *p, unsigned indent, unsigned width, const char *text);
/* Text of others, made printable and cut at PAGE_CELL - 1 bytes, into buf; returns buf. */
const char *page_shown(char buf[PAGE_CELL], const char *text);
/* The same, and cut to `columns`, the last one a tilde when something was left out. */
const char *page_shown_in(char buf[PAGE_CELL], const char *text, unsigned columns);
/* Columns of printable text, one for each character. */
unsigned page_columns(const char *text);
