/* A document as one HTML file: style and charts are in it, scripts and requests are not. */
#include "report/escape.h"
#include "report/report.h"

#include <string.h>

struct html {
        const struct document *d;
        struct out *o;
        bool in_section;
        const struct node *table;
        uint32_t column; /* of the next cell */
};

static const char style[] =
        ":root{color-scheme:light "
        "dark;--page:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5b6675;--rule:#dde2e9;"
        "--link:#1f5fae;--c0:#1f6fd0;--c1:#c2570c;--c2:#2f8f4e;--c3:#8a4fbf;--span:#d9484822;--mark:#8b95a3;"
        "--red:#b42318;--redbg:#fde7e4;--amber:#8a5300;--amberbg:#fdf0d5;--blue:#1d4f91;--bluebg:#e3eefb}"
        "@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e4e9f0;--soft:#9aa6b5;"
        "--rule:#2d3643;--link:#7fb4f5;--c0:#6aa9f7;--c1:#f2994a;--c2:#6fcf8b;--c3:#c49bf0;--span:#ff6b6b26;"
        "--mark:#6d7887;--red:#ff9d94;--redbg:#4a1f1c;--amber:#f5c76a;--amberbg:#43330f;--blue:#9cc5f8;"
        "--bluebg:#1b3557}}"
        "*{box-sizing:border-box}"
        "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe "
        "UI',Roboto,'Helvetica Neue','DejaVu Sans',sans-serif}"
        "main{max-width:60rem;margin:2rem auto;padding:2.2rem 2.6rem 3rem;background:var(--card);border:1px "
        "solid var(--rule);border-radius:10px}"
        "h1{font-size:1.65rem;line-height:1.25;margin:0 0 1.2rem;overflow-wrap:anywhere}"
        "h2{font-size:1.15rem;margin:2.2rem 0 .7rem;padding-bottom:.3rem;border-bottom:1px solid var(--rule)}"
        "p,li,dd,td,blockquote{overflow-wrap:anywhere}p{margin:.6rem 0}"
        "dl{display:grid;grid-template-columns:repeat(3,1fr);gap:1px;margin:0 0 "
        "1.2rem;background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden}"
        "dl div{background:var(--card);padding:.6rem .9rem}"
        "dt{font-size:.75rem;letter-spacing:.04em;text-transform:uppercase;color:var(--soft)}"
        "dd{margin:.1rem 0 0;font-weight:600}dd code{background:none;padding:0}"
        "blockquote{margin:.8rem 0;padding:.7rem 1rem;border-left:4px solid var(--c0);background:var(--page);"
        "border-radius:0 6px 6px 0}"
        "ul{padding-left:1.2rem;margin:.6rem 0}li{margin:.3rem 0}"
        "code{font:.86em/1.4 ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace;background:"
        "var(--page);padding:.08em .32em;border-radius:4px;overflow-wrap:anywhere}"
        ".wide{overflow-x:auto;margin:.8rem 0}"
        "table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}"
        "th{text-align:left;font-size:.75rem;letter-spacing:.03em;color:var(--soft);font-weight:600;"
        "white-space:nowrap}th,td{padding:.42rem .7rem .42rem 0;border-bottom:1px solid var(--rule);"
        "vertical-align:top}tr:last-child td{border-bottom:0}.n{text-align:right;white-space:nowrap}"
        ".t{white-space:nowrap}"
        ".badge{display:inline-block;padding:.05em .6em;border-radius:99px;font-size:.86em;font-weight:600;"
        "background:var(--bluebg);color:var(--blue)}.warning{background:var(--amberbg);color:var(--amber)}"
        ".critical{background:var(--redbg);color:var(--red)}"
        "a.ref{font-size:.72em;font-weight:400;color:var(--soft);text-decoration:none;vertical-align:.25em;"
        "margin-left:.2em;white-space:nowrap}a.ref:hover,a.ref:focus{color:var(--link);"
        "text-decoration:underline}:target{outline:2px solid var(--c0);outline-offset:3px;border-radius:3px}"
        "figure{margin:1.2rem 0;break-inside:avoid}figcaption{font-size:.88rem;font-weight:600;"
        "margin-bottom:.2rem}.chart{display:block;width:100%;height:auto}"
        ".chart text{font-size:11px;fill:var(--soft);font-family:inherit}.chart .peak{fill:var(--ink);"
        "font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3px}.chart "
        ".marked{font-size:10px}"
        ".grid{stroke:var(--rule)}.axis{stroke:var(--mark)}.span{fill:var(--span)}"
        ".mark{stroke:var(--mark);stroke-dasharray:2 3}.level{stroke:var(--soft);stroke-dasharray:6 4}"
        ".line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.l0{stroke:var(--c0)}"
        ".l1{stroke:var(--c1)}.l2{stroke:var(--c2)}.l3{stroke:var(--c3)}.dot{fill:var(--c0)}"
        "@media(max-width:40rem){dl{grid-template-columns:1fr 1fr}main{margin:0;padding:1.2rem "
        "1rem;border:0;border-radius:0}}"
        "@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#ccc;"
        "--link:#000;--c0:#1f6fd0;--c1:#c2570c;--c2:#2f8f4e;--c3:#8a4fbf;--span:#d9484822;--mark:#888;"
        "--red:#b42318;--redbg:#fff;--amber:#8a5300;--amberbg:#fff;--blue:#1d4f91;--bluebg:#fff}"
        "body{font-size:10.5pt}main{margin:0;padding:0;border:0;max-width:none}h2{break-after:avoid}"
        "tr,li,blockquote{break-inside:avoid}thead{display:table-header-group}.badge{border:1px solid}"
        "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

static void put(const struct html *h, const char *before, const char *text, const char *after)
{
        out_text(h->o, before);
        escape_html(h->o, text);
        out_text(h->o, after);
}

static void group(void *ctx, const struct node *n, bool begins)
{
        struct html *h = ctx;

        if (n->kind != NODE_TABLE) {
                const char *tag = n->kind == NODE_FACT ? "dl" : "ul";
                out_format(h->o, "<%s%s>\n", begins ? "" : "/", tag);
                return;
        }
        if (!begins) {
                out_text(h->o, "</tbody></table></div>\n");
                return;
        }
        h->table = n;
        out_text(h->o, "<div class=\"wide\"><table><thead><tr>");
        for (uint32_t i = 0; i < n->columns; i++)
                put(h, n->column[i].right ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">",
                        n->column[i].title, "</th>");
        out_text(h->o, "</tr></thead><tbody>\n");
}

static void section(struct html *h, const char *title)
{
        out_text(h->o, h->in_section ? "</section>\n<section>\n" : "<section>\n");
        h->in_section = true;
        put(h, "<h2>", title, "</h2>\n");
}

static void chart(struct html *h, const struct chart *c)
{
        put(h, "<figure><figcaption>", c->title, "</figcaption>\n");
        chart_svg(c, h->o);
        out_text(h->o, "</figure>\n");
}

static const char *cell(struct html *h)
{
        uint32_t at = h->column++;

        if (at >= h->table->columns)
                return "<td>";
        const struct document_column *c = &h->table->column[at];
        return c->right ? "<td class=\"n\">" : c->narrow ? "<td class=\"t\">" : "<td>";
}

static void block(void *ctx, const struct node *n, bool begins)
{
        struct html *h = ctx;

        switch (n->kind) {
        case NODE_TITLE:
                put(h, begins ? "<h1>" : "</h1>\n", begins ? document_text(h->d, n) : "", "");
                break;
        case NODE_FACT:
                put(h, begins ? "<div><dt>" : "</dd></div>\n", begins ? document_text(h->d, n) : "",
                        begins ? "</dt><dd>" : "");
                break;
        case NODE_SECTION:
                if (begins)
                        section(h, document_text(h->d, n));
                break;
        case NODE_PARAGRAPH:
                out_text(h->o, begins ? "<p>" : "</p>\n");
                break;
        case NODE_QUOTE:
                out_text(h->o, begins ? "<blockquote>" : "</blockquote>\n");
                break;
        case NODE_ITEM:
                out_text(h->o, begins ? "<li>" : "</li>\n");
                break;
        case NODE_ROW:
                h->column = 0;
                out_text(h->o, begins ? "<tr>" : "</tr>\n");
                break;
        case NODE_CELL:
                out_text(h->o, begins ? cell(h) : "</td>");
                break;
        case NODE_CHART:
                if (begins)
                        chart(h, &h->d->chart[n->chart]);
                break;
        default:
                break;
        }
}

static void severity(const struct html *h, const char *word)
{
        bool critical = !strcmp(word, "critical"), warning = !strcmp(word, "warning");

        put(h,
                critical  ? "<span class=\"badge critical\">"
                : warning ? "<span class=\"badge warning\">"
                          : "<span class=\"badge\">",
                word, "</span>");
}

static void run(void *ctx, const struct node *n)
{
        struct html *h = ctx;
        const char *text = document_text(h->d, n);

        switch (n->kind) {
        case NODE_STRONG:
                put(h, "<strong>", text, "</strong>");
                break;
        case NODE_CODE:
                put(h, "<code>", text, "</code>");
                break;
        case NODE_SEVERITY:
                severity(h, text);
                break;
        case NODE_REF:
                put(h, "<a class=\"ref\" href=\"#", text, "\">[");
                put(h, "", text, "]</a>");
                break;
        case NODE_ANCHOR:
                put(h, "<span class=\"t\" id=\"", text, "\">");
                put(h, "[", text, "]</span>");
                break;
        default:
                escape_html(h->o, text);
                break;
        }
}

void report_html(const struct document *d, struct out *o)
{
        static const struct document_renderer renderer = {.group = group, .block = block, .run = run};
        struct html h = {.d = d, .o = o};

        out_text(o, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                    "'unsafe-inline'\">\n<title>");
        escape_html(o, d->nodes ? document_text(d, &d->node[0]) : "");
        out_text(o, "</title>\n<style>");
        out_text(o, style);
        out_text(o, "</style>\n</head>\n<body>\n<main>\n");
        document_walk(d, &renderer, &h);
        out_text(o, h.in_section ? "</section>\n</main>\n</body>\n</html>\n" : "</main>\n</body>\n</html>\n");
}
