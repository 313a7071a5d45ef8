/* Filters of system calls, for good: of the whole process or of the thread that asks, and of whatever it
 * starts. What a process that was taken over would call kills it, so that it is seen; what is merely not
 * foreseen fails with EPERM: a C library of another version may call something harmless, and a process that
 * lives with one refused call serves better than one that dies. Names that this kernel's library doesn't know
 * are passed over.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct syscalls {
        const char *const *allowed; /* NULL: all but what follows. Else nothing but these, and memory that
                                       can't be executed. Lists end with NULL; a list that is NULL is empty */
        const char *const *refused, *const *deadly;
        const unsigned long *ioctls; /* allowed, too; ends with 0 */
        bool all_threads;            /* that there are already */
};

/* Of a process that has everything open that it needs: starting programs, changing users, namespaces, the
 * kernel, other processes, new sockets. */
extern const char *const syscalls_of_intruders[];

/* Does nothing where a sanitizer's runtime needs calls of its own. */
int syscalls_filter(const struct syscalls *s, struct error *e);
