/* The names of drills: see drill.h. */
#include "model/drill.h"

#include <string.h>

int32_t drill_pid(const char *name, const char *prefix)
{
        size_t n = strlen(prefix);
        int32_t pid = 0;

        if (strncmp(name, prefix, n) != 0 || name[n] == '0')
                return 0;
        for (name += n; *name; name++) {
                if (*name < '0' || *name > '9' || pid > (INT32_MAX - 9) / 10)
                        return 0;
                pid = pid * 10 + (*name - '0');
        }
        return pid;
}
