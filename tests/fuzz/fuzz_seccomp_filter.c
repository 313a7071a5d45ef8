/* Fuzzes the reader of other programs' seccomp filters: any bytes as a program, any call. */
#include "act/seccomp_filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct seccomp_data call;
        uint32_t answer = 0;

        if (size < sizeof call)
                return 0;
        memcpy(&call, data, sizeof call);
        size_t count = (size - sizeof call) / sizeof(struct sock_filter);
        /* exactly as long, so that a read beyond is caught */
        struct sock_filter *program = malloc(count * sizeof *program + 1);
        if (!program)
                return 0;
        memcpy(program, data + sizeof call, count * sizeof *program);
        seccomp_filter_run(program, count, &call, &answer);
        free(program);
        return 0;
}
