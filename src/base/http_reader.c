/* Reading an HTTP response: see http_reader.h. */
#include "base/http_reader.h"

#include <errno.h>
#include <string.h>

static int on_headers_complete(http_parser *p)
{
        struct http_reader *r = p->data;

        r->status = (int)p->status_code;
        /* A body in another protocol would be handed to us as if it were HTTP. */
        return p->upgrade ? -1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
        struct http_reader *r = p->data;

        r->refused = r->body(r->ctx, at, len);
        return r->refused < 0 ? -1 : 0;
}

static int on_message_complete(http_parser *p)
{
        struct http_reader *r = p->data;

        if (p->status_code >= 200) { /* 1xx announces another one */
                r->complete = true;
                http_parser_pause(p, 1);
        }
        return 0;
}

static const http_parser_settings settings = {
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
};

void http_reader_init(struct http_reader *r, int (*body)(void *ctx, const char *data, size_t len), void *ctx)
{
        memset(r, 0, sizeof *r);
        http_parser_init(&r->parser, HTTP_RESPONSE);
        r->parser.data = r;
        r->body = body;
        r->ctx = ctx;
}

int http_reader_feed(struct http_reader *r, const char *data, size_t len)
{
        if (r->complete)
                return 0;
        size_t parsed = http_parser_execute(&r->parser, &settings, data, len);
        if (r->refused < 0)
                return r->refused;
        if (r->complete)
                return 0;
        if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK || parsed != len || len == 0)
                return -EPROTO;
        return 0;
}

const char *http_reader_problem(const struct http_reader *r)
{
        if (r->refused < 0)
                return strerror(-r->refused);
        if (HTTP_PARSER_ERRNO(&r->parser) == HPE_OK)
                return "the connection was closed before an answer";
        if (HTTP_PARSER_ERRNO(&r->parser) == HPE_INVALID_EOF_STATE)
                return "the connection was closed in the middle of the answer";
        if (!r->status)
                return "the answer is not HTTP";
        return http_errno_description(HTTP_PARSER_ERRNO(&r->parser));
}
