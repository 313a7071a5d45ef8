/* The line editor: see line.h. */
#include "rescue/line.h"

#include "base/text.h"

#include <string.h>

enum { ESCAPE_NONE = 0, ESCAPE_BEGUN, ESCAPE_SEQUENCE };
enum { CTRL_C = 3, CTRL_D = 4, CTRL_H = 8, CTRL_L = 12, CTRL_U = 21, CTRL_W = 23, ESC = 27, DEL = 127 };

static void echo(const struct line *l, struct page *p, const char *bytes, size_t len)
{
        if (l->echo)
                page_raw(p, bytes, len);
}

/* Takes the last character away, all its bytes. */
static void rub_out(struct line *l, struct page *p)
{
        if (!l->len)
                return;
        while (l->len > 1 && ((unsigned char)l->text[l->len - 1] & 0xc0) == 0x80)
                l->len--;
        l->len--;
        echo(l, p, "\b \b", 3);
}

static void rub_out_all(struct line *l, struct page *p)
{
        while (l->len)
                rub_out(l, p);
}

static void rub_out_word(struct line *l, struct page *p)
{
        while (l->len && l->text[l->len - 1] == ' ')
                rub_out(l, p);
        while (l->len && l->text[l->len - 1] != ' ')
                rub_out(l, p);
}

static void show_older(struct line *l, struct page *p, bool back)
{
        size_t kept = MIN(l->older_count, (size_t)LINE_OLDER);

        if (back ? l->older_at == kept : l->older_at == 0)
                return;
        l->older_at += back ? 1 : (size_t)-1;
        rub_out_all(l, p);
        if (!l->older_at)
                return;
        const char *older = l->older[(l->older_count - l->older_at) % LINE_OLDER];
        l->len = strlen(older);
        memcpy(l->text, older, l->len);
        echo(l, p, l->text, l->len);
}

/* Keys send ESC [ parameters letter, or ESC O letter. */
static bool in_sequence(struct line *l, char c, struct page *p)
{
        if (c == ESC) {
                l->escape = ESCAPE_BEGUN;
                return true;
        }
        if (l->escape == ESCAPE_BEGUN) {
                l->escape = c == '[' || c == 'O' ? ESCAPE_SEQUENCE : ESCAPE_NONE;
                return true;
        }
        if (l->escape != ESCAPE_SEQUENCE)
                return false;
        if (c >= 0x40 && c != DEL) {
                l->escape = ESCAPE_NONE;
                if (c == 'A' || c == 'B')
                        show_older(l, p, c == 'A');
        } else if ((unsigned char)c < 0x20 || (unsigned char)c >= DEL) {
                l->escape = ESCAPE_NONE; /* no sequence of a key */
        }
        return true;
}

static enum line_event control(struct line *l, char c, struct page *p)
{
        switch (c) {
        case CTRL_C:
                l->len = 0;
                echo(l, p, "^C\r\n", 4);
                return LINE_BREAK;
        case CTRL_D:
                return l->len ? LINE_MORE : LINE_END;
        case CTRL_L:
                return LINE_CLEAR;
        case CTRL_H:
        case DEL:
                rub_out(l, p);
                break;
        case CTRL_U:
                rub_out_all(l, p);
                break;
        case CTRL_W:
                rub_out_word(l, p);
                break;
        case '\t':
                return line_feed(l, ' ', p);
        default:
                break;
        }
        return LINE_MORE;
}

enum line_event line_feed(struct line *l, char c, struct page *p)
{
        bool after_return = l->after_return;

        l->after_return = false;
        if (l->echo && in_sequence(l, c, p))
                return LINE_MORE;
        if (c == '\r' || (c == '\n' && !after_return)) {
                l->after_return = c == '\r';
                echo(l, p, "\r\n", 2);
                return LINE_DONE;
        }
        if (c == '\n')
                return LINE_MORE;
        if (l->echo && ((unsigned char)c < 0x20 || c == DEL))
                return control(l, c, p);
        /* one byte too many is kept, so that the parser says that the line is too long */
        if (l->len == sizeof l->text || (l->echo && l->len == sizeof l->text - 1)) {
                echo(l, p, "\a", 1);
                return LINE_MORE;
        }
        l->text[l->len++] = c;
        echo(l, p, &c, 1);
        return LINE_MORE;
}

void line_next(struct line *l)
{
        if (l->echo && l->len && l->len < sizeof l->text) {
                l->text[l->len] = '\0';
                bool again = l->older_count && !strcmp(l->older[(l->older_count - 1) % LINE_OLDER], l->text);
                if (!again)
                        text_copy(l->older[l->older_count++ % LINE_OLDER], COMMAND_LINE, l->text, l->len);
        }
        l->len = l->older_at = 0;
}
