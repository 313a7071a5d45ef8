/* Text in a fixed buffer: see page.h. */
#include "rescue/page.h"

#include "base/text.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 2000, CUT_ROOM = 64 };

void page_clear(struct page *p)
{
        p->len = p->sent = 0;
        p->cut = p->erase = false;
        p->rows = UINT_MAX;
}

static bool append(struct page *p, const char *bytes, size_t len)
{
        if (len > sizeof p->text - CUT_ROOM - p->len) {
                static const char told[] = "\r\n... (cut: there is more than fits)\r\n";
                if (!p->cut) {
                        memcpy(p->text + p->len, told, sizeof told - 1);
                        p->len += sizeof told - 1;
                }
                p->cut = true;
        }
        if (p->cut)
                return false;
        memcpy(p->text + p->len, bytes, len);
        p->len += len;
        return true;
}

void page_raw(struct page *p, const char *bytes, size_t len)
{
        append(p, bytes, len);
}

/* Line feeds become what the other side wants. */
static void put_lines(struct page *p, const char *text)
{
        while (*text && p->rows) {
                size_t n = strcspn(text, "\n");
                if (!append(p, text, n))
                        return;
                text += n;
                if (*text == '\n') {
                        if (p->erase)
                                append(p, "\033[K", 3);
                        append(p, p->crlf ? "\r\n" : "\n", p->crlf ? 2 : 1);
                        p->rows -= p->rows != UINT_MAX;
                        text++;
                }
        }
}

void page_put(struct page *p, const char *fmt, ...)
{
        char piece[PIECE];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(piece, sizeof piece, fmt, ap);
        va_end(ap);
        put_lines(p, piece);
}

static bool begins_character(char c)
{
        return ((unsigned char)c & 0xc0) != 0x80;
}

unsigned page_columns(const char *text)
{
        unsigned n = 0;

        for (; *text; text++)
                n += begins_character(*text);
        return n;
}

/* Length in bytes of the first `columns` characters. */
static size_t bytes_of(const char *text, unsigned columns)
{
        size_t n = 0;

        while (text[n]) {
                if (begins_character(text[n]) && columns-- == 0)
                        break;
                n++;
        }
        return n;
}

void page_fold(struct page *p, unsigned indent, unsigned width, const char *text)
{
        char shown[PIECE];
        const char *at = shown;
        unsigned room = width > indent + 20 ? width - indent : 0;

        text_printable(shown, sizeof shown, text, strlen(text));
        do {
                size_t n = room ? bytes_of(at, room) : strlen(at);
                if (at[n] && at[n] != ' ') {
                        /* back to the last blank; a longer word is not broken */
                        size_t cut = n;
                        while (cut > 0 && at[cut] != ' ')
                                cut--;
                        n = cut ? cut : n + strcspn(at + n, " ");
                }
                page_put(p, "%*s%.*s\n", (int)indent, "", (int)n, at);
                at += n;
                at += strspn(at, " ");
        } while (*at);
}

const char *page_shown(char buf[PAGE_CELL], const char *text)
{
        text_printable(buf, PAGE_CELL, text, strlen(text));
        return buf;
}

const char *page_shown_in(char buf[PAGE_CELL], const char *text, unsigned columns)
{
        page_shown(buf, text);
        if (columns && page_columns(buf) > columns) {
                size_t n = bytes_of(buf, columns - 1);
                buf[n] = '~';
                buf[n + 1] = '\0';
        }
        return buf;
}
