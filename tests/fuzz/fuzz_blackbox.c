/* Fuzzes what reads the black box: a capture as it may stand in shared memory, made harmless and written as
 * JSON, which must be JSON; and an answer as it comes to the verb, which must be printed whatever it says.
 */
#include "api/capture_json.h"
#include "cli/blackbox.h"
#include "wire/capture_tame.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

static void show(json_t *answer)
{
        static struct screen s;

        if (!s.out)
                s.out = fopen("/dev/null", "we");
        s.width = 100;
        blackbox_print(&s, answer, true);
}

/* Few bytes stand for many: they are repeated. */
static void capture(const uint8_t *data, size_t size)
{
        static struct capture c;
        struct json_out j = json_out_of(64 << 20);

        for (size_t at = 0; at < sizeof c; at += size)
                memcpy((char *)&c + at, data, size < sizeof c - at ? size : sizeof c - at);
        capture_tame(&c);
        capture_json(&c, &j);
        require(!j.out.failed);
        json_t *document = json_loadb(j.out.buf, j.out.len, 0, NULL);
        require(document != NULL);
        json_decref(document);
        json_out_done(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_t *answer;

        if (size < 2)
                return 0;
        if (data[0] != '{') {
                capture(data, size);
                return 0;
        }
        answer = json_loadb((const char *)data, size, 0, NULL);
        if (answer)
                show(answer);
        json_decref(answer);
        return 0;
}
