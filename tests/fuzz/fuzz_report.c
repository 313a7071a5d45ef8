/* Fuzzes the way from the records of an incident to its report: any JSON gives an error or a report in both
 * formats, without scripts, without numbers that are none, and the same each time.
 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static bool holds(const struct out *o, const char *text)
{
        return o->len && memmem(o->buf, o->len, text, strlen(text)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct out html = out_of(64 << 20), markdown = out_of(64 << 20), again = out_of(64 << 20);
        const char *facts = size ? (const char *)data : "";
        struct error e = {0};
        int h = report_write(facts, size, REPORT_HTML, &html, &e);
        int m = report_write(facts, size, REPORT_MARKDOWN, &markdown, &e);

        require(h == m);
        require((h == 0) == (html.len > 0) && (h == 0) == (markdown.len > 0));
        if (h == 0) {
                require(!holds(&html, "<script") && !holds(&html, "=\"nan") && !holds(&html, "=\"inf"));
                require(report_write(facts, size, REPORT_HTML, &again, &e) == 0);
                require(again.len == html.len && !memcmp(again.buf, html.buf, html.len));
        } else {
                require(e.text[0]);
        }
        out_done(&html);
        out_done(&markdown);
        out_done(&again);
        return 0;
}
