/* Samples: taking them from the board, and packing those of one service into few bytes. Internal to store/.
 */
#pragma once

#include "base/out.h"
#include "store/store.h"

enum { SAMPLES_PER_PACK = 12, SAMPLES_MAX = 20000 };

/* Samples of one service that are not packed yet. */
struct sampled {
        char service[BOARD_NAME];
        uint32_t count;
        struct store_sample sample[SAMPLES_PER_PACK];
};
struct sampler {
        struct sampled *of; /* [0] is the host once there is any */
        uint32_t count, size;
        uint64_t due_ns;
};

/* Samples of growing age or not, in order: a packed text of them is appended to `o`. Values are rounded to
 * the unit of their series. */
void sample_pack(const struct store_sample *s, uint32_t count, struct out *o);
/* Calls fn for each sample packed in data; -EBADMSG when it is none or broken: then those before the broken
 * place have been shown. */
int sample_unpack(
        const void *data, size_t len, void (*fn)(void *ctx, const struct store_sample *s), void *ctx);
