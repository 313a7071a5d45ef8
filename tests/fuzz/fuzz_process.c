/* Fuzzes the parsers of /proc/PID/stat and /proc/PID/status: any bytes, no crash, and a result that
 * keeps the promises of the header.
 */
#include "source/proc/process.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1); /* exactly as long, so that a read beyond is caught */
        struct proc_stat stat;
        struct proc_status status;

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        if (proc_parse_stat(text, size, &stat) == 0 && (stat.pid <= 0 || stat.comm[PROC_COMM - 1]))
                abort();
        if (proc_parse_status(text, size, &status) == 0 && (status.tgid < 0 || status.tracer_pid < 0))
                abort();
        free(text);
        return 0;
}
