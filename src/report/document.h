/* A document before it has a format: a flat list of nodes, blocks followed by the runs of text in them, and
 * charts. What it says is decided once; Markdown and HTML are two ways to write the same list down.
 *
 * All text becomes printable as it comes in (text_printable); escaping is the renderers' affair. Everything
 * is bounded: what no longer fits, or meets no memory, makes the document failed, which sticks.
 */
#pragma once

#include "base/out.h"
#include "report/chart.h"

#include <stdint.h>

enum node_kind {
        /* blocks */
        NODE_TITLE,
        NODE_FACT, /* text = its label, runs = its value */
        NODE_SECTION,
        NODE_PARAGRAPH,
        NODE_QUOTE,
        NODE_ITEM,
        NODE_TABLE, /* followed by rows of cells */
        NODE_ROW,
        NODE_CELL,
        NODE_CHART,
        /* runs of text within a block */
        NODE_PLAIN,
        NODE_STRONG,
        NODE_CODE,
        NODE_SEVERITY, /* info, warning, critical: in its colour */
        NODE_REF,      /* [E12]: leads to the anchor of that name */
        NODE_ANCHOR,
};

struct document_column {
        const char *title;
        bool right;  /* numbers */
        bool narrow; /* times, words: not broken */
};

struct node {
        uint8_t kind;  /* enum node_kind */
        uint32_t text; /* in the document's pool, ends with NUL */
        uint32_t chart;
        const struct document_column *column; /* of a table; static */
        uint32_t columns;
};

struct document {
        struct node *node;
        uint32_t nodes, nodes_size;
        struct chart *chart; /* each owned */
        uint32_t charts;
        struct out text;
        bool failed;
};

enum { DOCUMENT_TEXT_MAX = 8 << 20, DOCUMENT_NODES_MAX = 200000, DOCUMENT_CHARTS = 12, DOCUMENT_RUN = 2400 };

void document_init(struct document *d);
void document_done(struct document *d);

/* Opens a block; `text` for those that have one, else "". */
void document_block(struct document *d, enum node_kind kind, const char *text);
void document_table(struct document *d, const struct document_column *column, uint32_t columns);
/* Takes over what the chart owns. */
void document_chart(struct document *d, struct chart *c);

/* Runs, into the block opened last. At most DOCUMENT_RUN - 1 bytes of one are kept. */
void document_put(struct document *d, const char *fmt, ...) printf_like(2, 3);
void document_run(struct document *d, enum node_kind kind, const char *text);

static inline const char *document_text(const struct document *d, const struct node *n)
{
        return d->text.buf + n->text;
}

/* Walks through the list and tells what begins and ends. A group is what encloses blocks that follow each
 * other: facts, items, the rows of a table. */
struct document_renderer {
        void (*group)(void *ctx, const struct node *first, bool begins);
        void (*block)(void *ctx, const struct node *n, bool begins);
        void (*run)(void *ctx, const struct node *n);
};
void document_walk(const struct document *d, const struct document_renderer *r, void *ctx);
