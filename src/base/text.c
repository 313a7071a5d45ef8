/* Text that others wrote: see text.h. */
#include "base/text.h"

#include "base/util.h"

#include <stdio.h>
#include <string.h>

bool text_copy(char *dst, size_t size, const char *src, size_t len)
{
        size_t n = MIN(len, size - 1);

        memcpy(dst, src, n);
        dst[n] = '\0';
        return n == len;
}

bool text_set(char *dst, size_t size, const char *src)
{
        return text_copy(dst, size, src, strlen(src));
}

bool text_u64(const char **p, uint64_t *ret)
{
        const char *s = *p;
        uint64_t v = 0;

        if (*s < '0' || *s > '9')
                return false;
        for (; *s >= '0' && *s <= '9'; s++)
                if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
                        __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
                        return false;
        *p = s;
        *ret = v;
        return true;
}

bool text_i64(const char **p, int64_t *ret)
{
        const char *s = *p;
        bool negative = *s == '-';
        uint64_t v;

        if (negative)
                s++;
        if (!text_u64(&s, &v) || v > (uint64_t)INT64_MAX)
                return false;
        *p = s;
        *ret = negative ? -(int64_t)v : (int64_t)v;
        return true;
}

bool text_field(const char **p, const char **ret_field, size_t *ret_len)
{
        const char *s = *p;

        while (*s == ' ' || *s == '\t')
                s++;
        if (*s == '\0' || *s == '\n')
                return false;
        size_t n = strcspn(s, " \t\n");
        *ret_field = s;
        *ret_len = n;
        *p = s + n;
        return true;
}

const char *text_line_value(const char *text, const char *key)
{
        size_t n = strlen(key);

        for (const char *line = text; line && *line;) {
                if (!strncmp(line, key, n)) {
                        line += n;
                        return line + strspn(line, " \t");
                }
                line = strchr(line, '\n');
                if (line)
                        line++;
        }
        return NULL;
}

/* Length of the valid UTF-8 sequence at s (at most len bytes), 0 when invalid. */
static size_t utf8_sequence(const unsigned char *s, size_t len)
{
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t n;
        uint32_t c;

        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xc2 && s[0] < 0xe0)
                n = 2, c = s[0] & 0x1fu;
        else if (s[0] >= 0xe0 && s[0] < 0xf0)
                n = 3, c = s[0] & 0x0fu;
        else if (s[0] >= 0xf0 && s[0] < 0xf5)
                n = 4, c = s[0] & 0x07u;
        else
                return 0;
        if (n > len)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3fu);
        }
        if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        return n;
}

size_t text_printable(char *dst, size_t size, const char *src, size_t len)
{
        const unsigned char *s = (const unsigned char *)src;
        size_t n = 0;

        for (size_t i = 0; i < len;) {
                size_t k = utf8_sequence(s + i, len - i);
                bool control = k == 1 && (s[i] < ' ' || s[i] == 0x7f);
                /* C1 controls, encoded, and the bidirectional overrides that can reorder a line */
                if (k == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0)
                        control = true;
                if (k == 3 && s[i] == 0xe2 &&
                        ((s[i + 1] == 0x80 && s[i + 2] >= 0xa8 && s[i + 2] <= 0xae) ||
                                (s[i + 1] == 0x81 && s[i + 2] >= 0xa6 && s[i + 2] <= 0xa9)))
                        control = true;
                if (k && !control) {
                        if (n + k >= size)
                                break;
                        memcpy(dst + n, s + i, k);
                        n += k;
                        i += k;
                        continue;
                }
                if (n + 4 >= size)
                        break;
                snprintf(dst + n, 5, "\\x%02x", s[i]);
                n += 4;
                i++;
        }
        dst[n] = '\0';
        return n;
}

uint32_t text_hash(const char *s)
{
        uint32_t h = 2166136261u;

        for (; *s; s++)
                h = (h ^ (unsigned char)*s) * 16777619u;
        return h;
}

bool text_glob(const char *pattern, const char *s)
{
        const char *star = NULL, *retry = NULL;

        while (*s) {
                if (*pattern == '*') {
                        star = ++pattern;
                        retry = s;
                } else if (*pattern == '?' || *pattern == *s) {
                        pattern++;
                        s++;
                } else if (star) {
                        pattern = star;
                        s = ++retry;
                } else {
                        return false;
                }
        }
        while (*pattern == '*')
                pattern++;
        return *pattern == '\0';
}

size_t text_distance(const char *a, const char *b)
{
        enum { LONGEST = 63 };
        /* Three rows of the edit matrix: this one, the one before, and the one before that for swaps. */
        size_t row[3][LONGEST + 1];
        size_t la = strlen(a), lb = strlen(b);

        if (la > LONGEST || lb > LONGEST)
                return SIZE_MAX;
        for (size_t j = 0; j <= lb; j++)
                row[0][j] = j;
        for (size_t i = 1; i <= la; i++) {
                size_t *now = row[i % 3];
                const size_t *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];

                now[0] = i;
                for (size_t j = 1; j <= lb; j++) {
                        size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
                        size_t gap = MIN(up[j], now[j - 1]) + 1;
                        best = MIN(best, gap);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = MIN(best, up2[j - 2] + 1);
                        now[j] = best;
                }
        }
        return row[la % 3][lb];
}
