/* Fuzzes what the guard reads of the proc connector: datagrams, and the drops in /proc/net/netlink. */
#include "source/netlink/connector.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *copy = malloc(size + 1); /* of the exact length, so that a read past it shows */
        struct life_event e;
        uint64_t drops;

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        if (connector_parse(copy, size, 1000, &e) && e.comm[LIFE_COMM_SIZE - 1])
                abort();
        copy[size] = '\0';
        connector_parse_drops(copy, 4711, &drops);
        free(copy);
        return 0;
}
