/* Burying on processors that nobody has measured it on: refused. */
#include "act/bury_machine.h"

#include <errno.h>

const struct bury_patterns *bury_machine_patterns(void)
{
        return NULL;
}

void bury_machine_spare(int32_t pid)
{
}

enum bury_end bury_machine_look(
        struct bury_machine *m, int32_t pid, const struct bury_code *code, bool restarting_too)
{
        return BURY_ARCH;
}

void bury_machine_calls(const struct bury_machine *m, const struct bury_code *code, int32_t ns_pid,
        struct seccomp_data ret[BURY_CALLS])
{
}

enum bury_end bury_machine_prepare(struct bury_machine *m, int32_t pid, const struct bury_code *code)
{
        return BURY_ARCH;
}

int bury_machine_call(const struct bury_machine *m, int32_t pid, const struct bury_code *code, int32_t ns_pid)
{
        return -ENOSYS;
}

int bury_machine_result(int32_t pid, long *ret)
{
        return -ENOSYS;
}

int bury_machine_restore(const struct bury_machine *m, int32_t pid)
{
        return -ENOSYS;
}
