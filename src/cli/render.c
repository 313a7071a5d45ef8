/* What people see: see render.h. */
#include "cli/render.h"

#include "base/text.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

enum { CELL_SIZE = 512, STRETCH_LEAST = 12 };

static const char *ink_code(enum ink ink)
{
        static const char *const codes[] = {
                [INK_PLAIN] = "",
                [INK_BOLD] = "1",
                [INK_DIM] = "2",
                [INK_RED] = "1;31",
                [INK_YELLOW] = "33",
                [INK_GREEN] = "32",
                [INK_CYAN] = "36",
        };
        return codes[ink];
}

static int terminal_width(FILE *out)
{
        const char *columns = getenv("COLUMNS");
        struct winsize w;
        uint64_t n;

        if (!isatty(fileno(out)))
                return 0;
        if (ioctl(fileno(out), TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
                return MAX((int)w.ws_col, 40);
        if (columns && text_u64(&columns, &n) && n >= 40 && n < 10000)
                return (int)n;
        return 80;
}

void screen_init(struct screen *s, FILE *out, enum color_mode mode)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        /* For wcwidth() alone; numbers and messages stay as in the C locale. */
        setlocale(LC_CTYPE, "C.UTF-8");
        s->out = out;
        s->width = terminal_width(out);
        s->color = mode == COLOR_ALWAYS;
        if (mode == COLOR_AUTO)
                s->color = s->width > 0 && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

static void put_text(const struct screen *s, enum ink ink, const char *text)
{
        size_t len = strlen(text);
        bool newline = len > 0 && text[len - 1] == '\n';

        /* The colour ends before the line does. */
        if (s->color && ink != INK_PLAIN && len > newline)
                fprintf(s->out, "\033[%sm%.*s\033[0m%s", ink_code(ink), (int)(len - newline), text,
                        newline ? "\n" : "");
        else
                fputs(text, s->out);
}

void screen_put(const struct screen *s, enum ink ink, const char *fmt, ...)
{
        char text[4096];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        put_text(s, ink, text);
}

/* Decodes one character: its length in bytes, its columns in *ret_columns. Malformed bytes count as one
 * column, so that no text can make the measure fail. */
static size_t next_character(const char *text, int *ret_columns)
{
        const unsigned char *s = (const unsigned char *)text;
        size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
        wchar_t c = n == 1 ? s[0] : s[0] & (0x3f >> (n - 1));

        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80) {
                        n = 1;
                        c = L'?';
                        break;
                }
                c = c << 6 | (s[i] & 0x3f);
        }
        int w = wcwidth(c);
        *ret_columns = w < 0 ? 1 : w;
        return n;
}

int render_columns(const char *text)
{
        int total = 0;

        while (*text) {
                int w;
                text += next_character(text, &w);
                total += w;
        }
        return total;
}

/* Length in bytes of the longest beginning of text that takes at most `columns`. */
static size_t fitting(const char *text, int columns)
{
        size_t n = 0;

        while (text[n]) {
                int w;
                size_t k = next_character(text + n, &w);
                if (w > columns)
                        break;
                columns -= w;
                n += k;
        }
        return n;
}

void render_cut(char *dst, size_t size, const char *src, int columns)
{
        static const char ellipsis[] = "…";
        size_t n = fitting(src, columns);

        if (!src[n] && text_set(dst, size, src))
                return;
        n = fitting(src, columns - 1);
        n = MIN(n, size - sizeof ellipsis);
        while (n > 0 && ((unsigned char)src[n] & 0xc0) == 0x80)
                n--;
        memcpy(dst, src, n);
        memcpy(dst + n, ellipsis, sizeof ellipsis);
}

void screen_fold(const struct screen *s, int indent, enum ink ink, const char *text)
{
        fprintf(s->out, "%*s", indent, "");
        screen_fold_behind(s, indent, ink, text);
}

void screen_fold_behind(const struct screen *s, int indent, enum ink ink, const char *text)
{
        bool first = true;

        int room = s->width ? MAX(s->width - indent, 20) : 0;
        char line[2048];

        do {
                size_t n = room ? fitting(text, room) : strlen(text);
                if (text[n]) {
                        /* Back to the last blank; a word longer than a line is broken nowhere. */
                        size_t cut = n;
                        while (cut > 0 && text[cut] != ' ')
                                cut--;
                        n = cut > 0 ? cut : strcspn(text, " ");
                }
                text_copy(line, sizeof line, text, n);
                if (!first)
                        fprintf(s->out, "%*s", indent, "");
                first = false;
                put_text(s, ink, line);
                fputc('\n', s->out);
                text += n;
                text += strspn(text, " ");
        } while (*text);
}

/* ---- tables ---- */

struct cell {
        char *text;
        int columns;
        enum ink ink;
};

struct table {
        const struct column *columns;
        size_t count, cells, size;
        struct cell *cell;
};

struct table *table_new(const struct column *columns, size_t count)
{
        struct table *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        t->columns = columns;
        t->count = count;
        return t;
}

void table_free(struct table *t)
{
        if (!t)
                return;
        for (size_t i = 0; i < t->cells; i++)
                free(t->cell[i].text);
        free(t->cell);
        free(t);
}

void table_cell(struct table *t, enum ink ink, const char *fmt, ...)
{
        char text[CELL_SIZE];
        va_list ap;

        if (!t)
                return;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        if (t->cells == t->size) {
                size_t size = MAX(t->size * 2, (size_t)64);
                struct cell *grown = reallocarray(t->cell, size, sizeof *grown);
                if (!grown)
                        return;
                t->cell = grown;
                t->size = size;
        }
        char *copy = strdup(text);
        if (!copy)
                return;
        t->cell[t->cells++] = (struct cell){copy, render_columns(copy), ink};
}

size_t table_rows(const struct table *t)
{
        return t ? t->cells / t->count : 0;
}

static void print_cell(
        const struct screen *s, const struct column *c, const struct cell *cell, int width, bool last)
{
        char cut[CELL_SIZE];
        const char *text = cell->text;
        int columns = cell->columns;

        if (columns > width) {
                render_cut(cut, sizeof cut, text, width);
                text = cut;
                columns = render_columns(cut);
        }
        if (c->right)
                fprintf(s->out, "%*s", width - columns, "");
        put_text(s, cell->ink, text);
        if (!c->right && !last)
                fprintf(s->out, "%*s", width - columns, "");
}

enum { TABLE_COLUMNS = 24 };

/* Width of each column, 0 for one that says nothing. Returns the last that is shown. */
static size_t measure(const struct table *t, const struct screen *s, int indent, int width[TABLE_COLUMNS])
{
        size_t rows = table_rows(t), last = 0, stretch = t->count;
        int total = indent - 2; /* two blanks between columns, so one pair less */

        for (size_t c = 0; c < t->count; c++) {
                bool says = false;
                width[c] = 0;
                for (size_t r = 0; r < rows; r++) {
                        const struct cell *cell = &t->cell[r * t->count + c];
                        width[c] = MAX(width[c], cell->columns);
                        says = says || (*cell->text && strcmp(cell->text, "-") != 0);
                }
                if (!says) {
                        width[c] = 0;
                        continue;
                }
                width[c] = MAX(width[c], render_columns(t->columns[c].title));
                total += width[c] + 2;
                last = c;
                if (t->columns[c].stretch && (stretch == t->count || width[c] > width[stretch]))
                        stretch = c;
        }
        if (s->width && total > s->width && stretch < t->count)
                width[stretch] =
                        MAX(width[stretch] - (total - s->width), MIN(width[stretch], (int)STRETCH_LEAST));
        return last;
}

void table_print(const struct table *t, const struct screen *s, int indent)
{
        int width[TABLE_COLUMNS];
        size_t rows = table_rows(t);

        if (!rows || t->count > TABLE_COLUMNS)
                return;
        size_t last = measure(t, s, indent, width);
        for (size_t r = 0; r <= rows; r++) {
                bool first = true;
                fprintf(s->out, "%*s", indent, "");
                for (size_t c = 0; c < t->count; c++) {
                        struct cell title = {.ink = INK_BOLD};
                        char text[64];
                        if (!width[c])
                                continue;
                        text_set(text, sizeof text, t->columns[c].title);
                        title.text = text;
                        title.columns = render_columns(text);
                        if (!first)
                                fputs("  ", s->out);
                        first = false;
                        print_cell(s, &t->columns[c], r ? &t->cell[(r - 1) * t->count + c] : &title, width[c],
                                c == last);
                }
                fputc('\n', s->out);
        }
}
