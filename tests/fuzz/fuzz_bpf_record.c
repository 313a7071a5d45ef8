/* Fuzzes the decoding of what the BPF programs wrote, records from the ring and tasks with their stacks:
 * whatever the bytes, texts are bounded and end with NUL, and nothing is read past the record.
 */
#include "source/bpf/record_read.h"

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
        struct record_text text;
        struct life_event e;
        void *exact = calloc(1, size ? size : 1); /* so that one byte too far is seen */

        if (!exact)
                return 0;
        if (size)
                memcpy(exact, data, size);
        if (record_read(exact, size, &text, &e)) {
                require(size >= sizeof(struct record));
                require(memchr(e.comm, 0, sizeof e.comm));
                require(!e.command || memchr(e.command, 0, LIFE_COMMAND_SIZE));
                require(!e.exe || memchr(e.exe, 0, LIFE_EXE_SIZE));
        }
        struct record_stack stack;
        const char *lines;
        size_t len, used = record_read_stack(exact, size, &stack, &lines, &len);
        if (used) {
                require(used == sizeof stack + len && used <= size);
                require(!len || lines[len - 1] == '\n');
        }
        free(exact);
        return 0;
}
