/* Fuzzes the configuration's parser: whatever the file holds, each problem is a bounded text without
 * control characters, and what was accepted keeps to its bounds.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct config c;
        struct config_problem problems[16];
        uint32_t count = 0;

        config_defaults(&c);
        int r = config_parse(&c, "f.yaml", (const char *)data, size, problems, 16, &count);
        require((r == 0) == (count == 0));
        for (uint32_t i = 0; i < count && i < 16; i++) {
                size_t n = strnlen(problems[i].text, sizeof problems[i].text);
                require(n > 0 && n < sizeof problems[i].text);
                for (size_t j = 0; j < n; j++)
                        require((unsigned char)problems[i].text[j] >= ' ');
        }
        require(c.mode == MODE_OBSERVE || c.mode == MODE_ENFORCE);
        require(c.grace >= 0 && c.grace <= 86400);
        require(c.act_only_in_count <= CONFIG_GLOBS && c.notify_count <= CONFIG_NOTIFIERS);
        require(c.detect.disk_free >= 0 && c.detect.disk_free <= 1);
        require(memchr(c.listen, 0, sizeof c.listen) && memchr(c.socket, 0, sizeof c.socket));
        return 0;
}
