/* Private to burying: finding instructions and the stack in a running program. */
#pragma once

#include "act/bury_machine.h"

/* BURY_DONE, or why not. Takes the target's mmap lock for reading, as any reader of its maps. */
enum bury_end bury_code_find(int proc_fd, int32_t pid, struct bury_code *ret);
