/* Packed samples: see sample.h.
 *
 * version 1, count, time of the first in ms, then the differences of times; then for each series a mode:
 * nothing known, or one value for all, or for each sample 0 for unknown, else 1 + zigzag of the difference to
 * the one before. All are variable-length integers of 7 bits a byte.
 */
#include "store/sample.h"

#include <errno.h>
#include <math.h>

enum { VERSION = 1, ABSENT = 0, SAME = 1, EACH = 2 };

static const double units[STORE_SERIES_COUNT] = {
#define X(name, json, join, of, unit) unit,
        STORE_SERIES(X)
#undef X
};

static void put(struct out *o, uint64_t n)
{
        char bytes[10];
        size_t len = 0;

        do {
                bytes[len++] = (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
                n >>= 7;
        } while (n);
        out_bytes(o, bytes, len);
}

static uint64_t zigzag(int64_t n)
{
        return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t n)
{
        return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* In units of the series, within what a double holds exactly; false when unknown. */
static bool whole(const struct store_sample *s, int series, int64_t *ret)
{
        double v = round((double)s->value[series] / units[series]);

        if (!isfinite(v) || fabs(v) > 9e15)
                return false;
        *ret = (int64_t)v;
        return true;
}

static void pack_series(const struct store_sample *s, uint32_t count, int series, struct out *o)
{
        int64_t first = 0, n = 0, before = 0;
        uint32_t known = 0, same = 0;

        for (uint32_t i = 0; i < count; i++)
                if (whole(&s[i], series, &n)) {
                        if (!known++)
                                first = n;
                        same += n == first;
                }
        put(o, !known ? ABSENT : same == count ? SAME : EACH);
        if (!known)
                return;
        if (same == count) {
                put(o, zigzag(first));
                return;
        }
        for (uint32_t i = 0; i < count; i++) {
                if (!whole(&s[i], series, &n)) {
                        put(o, 0);
                        continue;
                }
                put(o, 1 + zigzag(n - before));
                before = n;
        }
}

void sample_pack(const struct store_sample *s, uint32_t count, struct out *o)
{
        put(o, VERSION);
        put(o, count);
        for (uint32_t i = 0; i < count; i++)
                put(o, zigzag((int64_t)((uint64_t)s[i].time_ms - (i ? (uint64_t)s[i - 1].time_ms : 0))));
        for (int series = 0; series < STORE_SERIES_COUNT; series++)
                pack_series(s, count, series, o);
}

/* ---- reading ---- */

struct bytes {
        const unsigned char *p, *end;
        bool broken;
};

static uint64_t take(struct bytes *b)
{
        uint64_t n = 0;

        for (unsigned shift = 0; shift < 64 && b->p < b->end; shift += 7) {
                unsigned char c = *b->p++;
                n |= (uint64_t)(c & 0x7f) << shift;
                if (!(c & 0x80))
                        return n;
        }
        b->broken = true;
        return 0;
}

/* What one series says, sample by sample. */
struct column {
        struct bytes at;
        int64_t value;
        uint64_t mode;
};

static float next_value(struct column *c, double unit)
{
        if (c->mode == ABSENT)
                return NAN;
        if (c->mode == EACH) {
                uint64_t n = take(&c->at);
                if (n == 0)
                        return NAN;
                /* unsigned, because hostile differences may overflow */
                c->value = (int64_t)((uint64_t)c->value + (uint64_t)unzigzag(n - 1));
        }
        return (float)((double)c->value * unit);
}

/* Each series begins where the one before ends: found by reading over it. */
static bool find_columns(struct bytes b, uint64_t count, struct column c[STORE_SERIES_COUNT])
{
        for (int series = 0; series < STORE_SERIES_COUNT; series++) {
                c[series] = (struct column){.mode = b.p < b.end ? take(&b) : ABSENT};
                if (c[series].mode > EACH)
                        return false;
                if (c[series].mode == SAME)
                        c[series].value = unzigzag(take(&b));
                c[series].at = b;
                for (uint64_t i = 0; c[series].mode == EACH && i < count && !b.broken; i++)
                        take(&b);
                if (b.broken)
                        return false;
        }
        return true;
}

int sample_unpack(
        const void *data, size_t len, void (*fn)(void *ctx, const struct store_sample *s), void *ctx)
{
        struct bytes b = {.p = data, .end = (const unsigned char *)data + len}, times;
        struct column c[STORE_SERIES_COUNT];
        struct store_sample s = {0};

        if (take(&b) != VERSION)
                return -EBADMSG;
        uint64_t count = take(&b);
        if (b.broken || count > SAMPLES_MAX || count > len)
                return -EBADMSG;
        times = b;
        for (uint64_t i = 0; i < count; i++)
                take(&b);
        if (b.broken || !find_columns(b, count, c))
                return -EBADMSG;
        for (uint64_t i = 0; i < count; i++) {
                s.time_ms = (int64_t)((uint64_t)s.time_ms + (uint64_t)unzigzag(take(&times)));
                for (int series = 0; series < STORE_SERIES_COUNT; series++)
                        s.value[series] = next_value(&c[series], units[series]);
                fn(ctx, &s);
        }
        return 0;
}
