/* HTTP responses, cut anywhere. */
#include "base/http_reader.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_body(void *ctx, const char *data, size_t len)
{
        size_t *total = ctx;

        *total += len;
        return *total > 4096 ? -7 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        struct http_reader r;
        size_t total = 0, cut = size ? data[size - 1] % size : 0;
        int k = 0;

        http_reader_init(&r, on_body, &total);
        if (cut)
                k = http_reader_feed(&r, text, cut);
        if (k == 0 && size > cut)
                k = http_reader_feed(&r, text + cut, size - cut);
        if (k == 0)
                k = http_reader_feed(&r, "", 0);
        if (k == 0 && !r.complete)
                abort();
        if (total > size || !http_reader_problem(&r))
                abort();
        return 0;
}
