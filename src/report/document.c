/* Documents without a format: see document.h. */
#include "report/document.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void document_init(struct document *d)
{
        *d = (struct document){.text = out_of(DOCUMENT_TEXT_MAX)};
}

void document_done(struct document *d)
{
        for (uint32_t i = 0; i < d->charts; i++)
                chart_done(&d->chart[i]);
        free(d->chart);
        free(d->node);
        out_done(&d->text);
        *d = (struct document){0};
}

static struct node *add(struct document *d, enum node_kind kind, const char *text)
{
        if (d->nodes == d->nodes_size && !d->failed) {
                uint32_t size = d->nodes_size ? d->nodes_size * 2 : 256;
                struct node *node = size <= DOCUMENT_NODES_MAX ? realloc(d->node, size * sizeof *node) : NULL;

                d->failed = !node;
                if (node) {
                        d->node = node;
                        d->nodes_size = size;
                }
        }
        if (d->failed)
                return NULL;
        struct node *n = &d->node[d->nodes++];

        *n = (struct node){.kind = kind, .text = (uint32_t)d->text.len};
        out_bytes(&d->text, text, strlen(text) + 1);
        d->failed = d->text.failed;
        return n;
}

void document_block(struct document *d, enum node_kind kind, const char *text)
{
        document_run(d, kind, text);
}

void document_table(struct document *d, const struct document_column *column, uint32_t columns)
{
        struct node *n = add(d, NODE_TABLE, "");

        if (n) {
                n->column = column;
                n->columns = columns;
        }
}

void document_chart(struct document *d, struct chart *c)
{
        if (!d->chart)
                d->chart = calloc(DOCUMENT_CHARTS, sizeof *d->chart);
        if (!d->chart)
                d->failed = true;
        char title[sizeof c->title];
        text_printable(title, sizeof title, c->title, strlen(c->title));
        memcpy(c->title, title, sizeof title);
        struct node *n = d->charts < DOCUMENT_CHARTS && !d->failed ? add(d, NODE_CHART, c->title) : NULL;

        if (!n) {
                chart_done(c);
                return;
        }
        n->chart = d->charts;
        d->chart[d->charts++] = *c;
        *c = (struct chart){0};
}

void document_run(struct document *d, enum node_kind kind, const char *text)
{
        char printable[DOCUMENT_RUN];

        text_printable(printable, sizeof printable, text, strlen(text));
        add(d, kind, printable);
}

void document_put(struct document *d, const char *fmt, ...)
{
        char text[DOCUMENT_RUN];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        document_run(d, NODE_PLAIN, text);
}

/* ---- walking ---- */

/* What must not stay open when a block of this kind begins. */
static bool same_group(const struct node *group, enum node_kind kind)
{
        if (!group)
                return false;
        if (group->kind == NODE_TABLE)
                return kind == NODE_ROW || kind == NODE_CELL;
        return group->kind == kind;
}

void document_walk(const struct document *d, const struct document_renderer *r, void *ctx)
{
        const struct node *group = NULL, *row = NULL, *block = NULL;

        for (uint32_t i = 0; i <= d->nodes; i++) {
                const struct node *n = i < d->nodes ? &d->node[i] : NULL;

                if (n && n->kind >= NODE_PLAIN) {
                        r->run(ctx, n);
                        continue;
                }
                if (block)
                        r->block(ctx, block, false);
                block = NULL;
                if (row && (!n || n->kind != NODE_CELL)) {
                        r->block(ctx, row, false);
                        row = NULL;
                }
                if (group && (!n || !same_group(group, n->kind))) {
                        r->group(ctx, group, false);
                        group = NULL;
                }
                if (!n)
                        return;
                if (n->kind == NODE_TABLE || (!group && (n->kind == NODE_FACT || n->kind == NODE_ITEM))) {
                        group = n;
                        r->group(ctx, group, true);
                }
                if (n->kind == NODE_TABLE)
                        continue;
                r->block(ctx, n, true);
                if (n->kind == NODE_ROW)
                        row = n;
                else
                        block = n;
        }
}
