/* The post-mortem of an incident: a pure function from records to a document, and from that to Markdown or
 * to one HTML file that needs nothing else. See records.h for the JSON it is made from.
 *
 * It claims no more than the records do: shares and counts are told as observed, a cause as likely, and what
 * is missing has a section of its own. Every number carries the label of the record it stands in.
 */
#pragma once

#include "base/error.h"
#include "report/document.h"

#include <jansson.h>

enum report_format { REPORT_MARKDOWN, REPORT_HTML };

/* Fills a document that document_done() frees, also after an error: -EINVAL when there is no incident in the
 * facts, -ENOMEM. */
int report_build(json_t *facts, struct document *ret, struct error *e);
/* Both in one, from text to text: appends to `o`, which fails when it is full. */
int report_write(const char *facts, size_t len, enum report_format format, struct out *o, struct error *e);

void report_markdown(const struct document *d, struct out *o);
void report_html(const struct document *d, struct out *o);
