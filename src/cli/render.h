/* What people see: colours when wanted, columns measured as the terminal shows them, text folded or cut
 * to the width. Everything from the daemon was written by others; it comes here through answer.h, which
 * makes it printable first.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_RED, INK_YELLOW, INK_GREEN, INK_CYAN };

struct screen {
        FILE *out;
        bool color;
        int width; /* columns; 0 = no limit (not a terminal) */
};

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Chooses colours and width by the stream, NO_COLOR and COLUMNS. */
void screen_init(struct screen *s, FILE *out, enum color_mode mode);
void screen_put(const struct screen *s, enum ink ink, const char *fmt, ...) printf_like(3, 4);
/* Text in lines of the screen's width, each behind `indent` blanks; words longer than a line are left. */
void screen_fold(const struct screen *s, int indent, enum ink ink, const char *text);
/* The same for text that begins where the cursor already stands, `indent` columns in. */
void screen_fold_behind(const struct screen *s, int indent, enum ink ink, const char *text);

/* Columns that valid UTF-8 takes on a terminal. */
int render_columns(const char *text);
/* Copies so much of src as fits into `columns`, the last one an ellipsis when something was left out. */
void render_cut(char *dst, size_t size, const char *src, int columns);

/* Rows of cells under titles. The column marked as stretching is cut first when a row is too wide. */
struct column {
        const char *title;
        bool right;   /* numbers */
        bool stretch; /* may be cut to fit the screen */
};
struct table;

struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *t);
/* The next cell, left to right, row by row. */
void table_cell(struct table *t, enum ink ink, const char *fmt, ...) printf_like(3, 4);
/* Behind `indent` blanks; columns whose cells are all empty or "-" are left out. */
void table_print(const struct table *t, const struct screen *s, int indent);
size_t table_rows(const struct table *t);

static inline void table_cleanup(struct table **t)
{
        table_free(*t);
}
#define cleanup_table cleanup(table_cleanup)
