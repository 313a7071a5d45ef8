/* A document as Markdown: tables and code spans of GitHub's dialect, else plain CommonMark. A chart is told
 * as a line of blocks with its extremes.
 */
#include "report/escape.h"
#include "report/report.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { SPARK = 60 };

struct markdown {
        const struct document *d;
        struct out *o;
        bool in_table, starts;
};

static void group(void *ctx, const struct node *n, bool begins)
{
        struct markdown *m = ctx;

        m->in_table = begins && n->kind != NODE_ITEM;
        if (!begins) {
                out_text(m->o, "\n");
                return;
        }
        if (n->kind == NODE_FACT)
                out_text(m->o, "| | |\n|---|---|\n");
        for (uint32_t i = 0; i < n->columns; i++)
                out_format(m->o, "| %s ", n->column[i].title);
        out_text(m->o, n->columns ? "|\n" : "");
        for (uint32_t i = 0; i < n->columns; i++)
                out_text(m->o, n->column[i].right ? "|---:" : "|---");
        out_text(m->o, n->columns ? "|\n" : "");
}

static void chart(struct markdown *m, const struct chart *c)
{
        char from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE], n[UNITS_SIZE];

        if (!c->points)
                return;
        out_text(m->o, "**");
        escape_markdown(m->o, c->title, false);
        clock_rfc3339((int64_t)c->time[0] * (int64_t)NSEC_PER_SEC, from);
        clock_rfc3339((int64_t)c->time[c->points - 1] * (int64_t)NSEC_PER_SEC, to);
        out_format(m->o, "**, %.16s to %.16s UTC\n\n", from, to);
        for (uint32_t i = 0; i < c->lines; i++) {
                int peak = chart_peak(c, i);

                out_text(m->o, "    ");
                chart_sparkline(c, i, SPARK, m->o);
                out_format(m->o, "  %s: %s%s\n", c->line[i].name, peak < 0 ? "unknown" : "at most ",
                        peak < 0 ? "" : chart_value(c, c->line[i].value[peak], n));
        }
        out_text(m->o, "\n");
}

static void begin(struct markdown *m, const struct node *n)
{
        const char *text = document_text(m->d, n);

        m->starts = true;
        switch (n->kind) {
        case NODE_TITLE:
                out_text(m->o, "# ");
                escape_markdown(m->o, text, false);
                break;
        case NODE_SECTION:
                out_text(m->o, "## ");
                escape_markdown(m->o, text, false);
                break;
        case NODE_FACT:
                out_text(m->o, "| **");
                escape_markdown(m->o, text, false);
                out_text(m->o, "** | ");
                break;
        case NODE_QUOTE:
                out_text(m->o, "> ");
                break;
        case NODE_ITEM:
                out_text(m->o, "- ");
                break;
        case NODE_CELL:
                out_text(m->o, "| ");
                break;
        case NODE_CHART:
                chart(m, &m->d->chart[n->chart]);
                break;
        default:
                break;
        }
}

static void end(struct markdown *m, const struct node *n)
{
        switch (n->kind) {
        case NODE_FACT:
                out_text(m->o, " |\n");
                break;
        case NODE_ROW:
                out_text(m->o, "|\n");
                break;
        case NODE_CELL:
                out_text(m->o, " ");
                break;
        case NODE_ITEM:
                out_text(m->o, "\n");
                break;
        case NODE_CHART:
                break;
        default:
                out_text(m->o, "\n\n");
                break;
        }
}

static void block(void *ctx, const struct node *n, bool begins)
{
        (begins ? begin : end)(ctx, n);
}

static void run(void *ctx, const struct node *n)
{
        struct markdown *m = ctx;
        const char *text = document_text(m->d, n);

        switch (n->kind) {
        case NODE_CODE:
                escape_markdown_code(m->o, text, m->in_table);
                break;
        case NODE_STRONG:
        case NODE_SEVERITY:
                out_text(m->o, "**");
                escape_markdown(m->o, text, false);
                out_text(m->o, "**");
                break;
        case NODE_REF:
        case NODE_ANCHOR:
                out_text(m->o, n->kind == NODE_REF ? " \\[" : "\\[");
                escape_markdown(m->o, text, false);
                out_text(m->o, "\\]");
                break;
        default:
                escape_markdown(m->o, text, m->starts);
                break;
        }
        m->starts = false;
}

void report_markdown(const struct document *d, struct out *o)
{
        static const struct document_renderer renderer = {.group = group, .block = block, .run = run};
        struct markdown m = {.d = d, .o = o};

        document_walk(d, &renderer, &m);
}
