/* Fuzzes the reading of /proc/PID/cgroup and of what a path means: whatever the bytes, a path begins
 * with '/', fits, and is classified into a name that fits and a root that is a part of it.
 */
#include "source/cgroup/cgroup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void classify(const char *path)
{
        char name[BOARD_NAME];
        uint32_t root_len = UINT32_MAX;
        enum cgroup_owner owner = cgroup_classify(path, name, &root_len);

        if (!memchr(name, '\0', sizeof(name)) || name[0] == '\0')
                abort();
        if (owner == CGROUP_OWNER_ROOT ? root_len != 1 : root_len > strlen(path) || root_len == 0)
                abort();
        if (owner == CGROUP_OWNER_CONTAINER && strlen(name) != 64)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1), path[CGROUP_PATH];

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        if (cgroup_parse(text, path)) {
                if (path[0] != '/' || !memchr(path, '\0', sizeof(path)))
                        abort();
                classify(path);
        }
        classify(text);
        free(text);
        return 0;
}
