/* Fuzzes the functions that make others' text harmless: what text_printable() returns is bounded, ends
 * with NUL and holds no control character; the field and number readers never run past the end.
 */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void printable(const uint8_t *data, size_t size)
{
        char out[64];
        size_t room = size ? 1 + data[0] % sizeof(out) : 1;
        size_t len = text_printable(out, room, (const char *)data, size);

        require(len < room && out[len] == '\0' && strlen(out) == len);
        for (size_t i = 0; i < len; i++)
                require((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
}

static void fields(const char *text)
{
        const char *p = text, *field;
        size_t len;
        uint64_t u;
        int64_t i;

        while (text_field(&p, &field, &len))
                require(len > 0 && field + len <= text + strlen(text));
        p = text;
        text_u64(&p, &u);
        p = text;
        text_i64(&p, &i);
        text_line_value(text, "MemFree:");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);
        char pattern[16];

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        printable(data, size);
        fields(text);
        text_copy(pattern, sizeof(pattern), text, strlen(text));
        text_glob(pattern, text);
        free(text);
        return 0;
}
