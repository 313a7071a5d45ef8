/* Packed samples as they come back from a database that somebody else may have written: whatever is in them,
 * reading ends, and what was read can be packed and read again.
 */
#include "store/sample.h"

#include <stdlib.h>

#define require(cond)                                                                                        \
        do {                                                                                                 \
                if (!(cond))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct kept {
        struct store_sample s[256];
        uint32_t count, all;
};

static void keep(void *ctx, const struct store_sample *s)
{
        struct kept *k = ctx;

        k->all++;
        if (k->count < 256)
                k->s[k->count++] = *s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct kept first = {0}, again = {0};
        struct out o = out_of(1 << 20);

        sample_unpack(data, size, keep, &first);
        require(first.all <= SAMPLES_MAX);
        sample_pack(first.s, first.count, &o);
        require(!o.failed && sample_unpack(o.buf, o.len, keep, &again) == 0);
        require(again.count == first.count);
        for (uint32_t i = 0; i < first.count; i++)
                require(again.s[i].time_ms == first.s[i].time_ms);
        out_done(&o);
        return 0;
}
