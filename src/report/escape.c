/* Escaping for HTML and Markdown: see escape.h. */
#include "report/escape.h"

#include <ctype.h>
#include <string.h>

void escape_html(struct out *o, const char *text)
{
        for (; *text; text++) {
                size_t n = strcspn(text, "<>&\"'");

                out_bytes(o, text, n);
                text += n;
                switch (*text) {
                case '<':
                        out_text(o, "&lt;");
                        break;
                case '>':
                        out_text(o, "&gt;");
                        break;
                case '&':
                        out_text(o, "&amp;");
                        break;
                case '"':
                        out_text(o, "&quot;");
                        break;
                case '\'':
                        out_text(o, "&#39;");
                        break;
                default:
                        return;
                }
        }
}

static bool is_word(char c)
{
        return isalnum((unsigned char)c) || (c & 0x80);
}

/* Would p[0] begin or end something? Within a word some characters don't. */
static bool is_special(const char *text, const char *p)
{
        char before = p > text ? p[-1] : ' ', after = p[1];

        switch (*p) {
        case '\\':
        case '`':
        case '*':
        case '[':
        case ']':
        case '<':
        case '>':
        case '|':
        case '~':
        case '$':
                return true;
        case '_':
                return !is_word(before) || !is_word(after);
        case '&':
                return after == '#' || isalpha((unsigned char)after);
        case '/': /* no link is made of http://... */
                return before == ':' && after == '/';
        case '.': /* nor of www. */
                return p - text >= 3 && (p[-1] | 0x20) == 'w' && (p[-2] | 0x20) == 'w' &&
                       (p[-3] | 0x20) == 'w';
        default:
                return false;
        }
}

/* How many bytes come before a character that would make a heading, a list or a rule of a block's beginning;
 * -1 when none does. */
static int block_marker(const char *text)
{
        size_t digits = strspn(text, "0123456789");

        if (*text && strchr("#+-=", *text))
                return 0;
        if (!digits || digits >= 10 || (text[digits] != '.' && text[digits] != ')'))
                return -1;
        return text[digits + 1] == ' ' || !text[digits + 1] ? (int)digits : -1;
}

void escape_markdown(struct out *o, const char *text, bool starts)
{
        int marker = starts ? block_marker(text + strspn(text, " ")) : -1;

        if (starts)
                text += strspn(text, " "); /* four blanks would be code */
        for (const char *p = text; *p; p++) {
                if (is_special(text, p) || p - text == marker)
                        out_text(o, "\\");
                out_bytes(o, p, 1);
        }
}

void escape_markdown_code(struct out *o, const char *text, bool in_table)
{
        size_t longest = 0, blanks = strspn(text, " ");

        /* No way of quoting has both a backtick fence and a bar in a table. */
        if (!text[blanks] || (in_table && strchr(text, '|'))) {
                escape_markdown(o, text, false);
                return;
        }
        for (const char *p = text; (p = strchr(p, '`'));) {
                size_t n = strspn(p, "`");
                longest = MAX(longest, n);
                p += n;
        }
        size_t end = strlen(text) - 1;
        bool pad = text[0] == '`' || text[end] == '`' || (text[0] == ' ' && text[end] == ' ');
        for (size_t i = 0; i <= longest; i++)
                out_text(o, "`");
        out_text(o, pad ? " " : "");
        out_text(o, text);
        out_text(o, pad ? " " : "");
        for (size_t i = 0; i <= longest; i++)
                out_text(o, "`");
}
