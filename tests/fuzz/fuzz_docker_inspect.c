/* Descriptions of containers: inspection, entry of the list, version, times. */
#include "source/engine/docker.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;
        struct docker_container d;
        struct container c;
        uint8_t state;
        char name[64], time[40];

        if (docker_inspect_parse(text, size, 1000000000, &d) == 0 &&
                (d.probe_count > DOCKER_PROBES || strspn(d.c.id, "0123456789abcdef") != strlen(d.c.id) ||
                        strnlen(d.c.health_command, sizeof d.c.health_command) == sizeof d.c.health_command))
                abort();
        docker_list_item_parse(text, size, &c);
        docker_version_parse(text, size, &state, name);
        size_t n = size < sizeof time - 1 ? size : sizeof time - 1;
        memcpy(time, data, n);
        time[n] = '\0';
        docker_time_parse(time);
        return 0;
}
