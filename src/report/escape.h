/* Printable text within Markup: what it holds means itself and nothing else. */
#pragma once

#include "base/out.h"

/* For the contents of elements and of attributes in double quotes. */
void escape_html(struct out *o, const char *text);

/* For plain Markdown (GitHub's dialect), `starts` at the beginning of a block. */
void escape_markdown(struct out *o, const char *text, bool starts);
/* As a code span; within a table's row `|` ends a cell even there. */
void escape_markdown_code(struct out *o, const char *text, bool in_table);
