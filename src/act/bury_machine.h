/* Private to burying: what depends on the kind of processor. bury_machine_x86_64.c knows one; elsewhere
 * bury_machine_none.c refuses before anything is touched. All calls are about a thread in a ptrace stop.
 */
#pragma once

#include "act/bury.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/user.h>

enum { BURY_PATTERN = 16, BURY_CALLS = 2, BURY_SIGRETURNS = 2 };

struct bury_pattern {
        size_t len;
        uint8_t bytes[BURY_PATTERN];
};

/* Instructions to be found in the holder's code. */
struct bury_patterns {
        struct bury_pattern call; /* a system call, then return to the address on the stack */
        struct bury_pattern sigreturn[BURY_SIGRETURNS]; /* any: the call that ends a signal handler */
};

/* Where they are in the holder, and its main thread's stack as mapped. */
struct bury_code {
        uint64_t call, sigreturn;
        size_t sigreturn_len;
        uint64_t stack, stack_end;
};

struct bury_machine {
        /* The call that restart_syscall goes on with, 0 unknown: only who saw it interrupted knows, so this
         * and the registers are kept from one hold to the next. */
        uint64_t restarted;
        struct user_regs_struct found; /* registers as they were, and as they are given back */
        uint64_t frame;                /* what the call returns into if we are gone */
};

/* NULL: not on this kind. */
const struct bury_patterns *bury_machine_patterns(void);

/* Lets an endless epoll_wait that our stop has ended be restarted, instead of being told of a signal that
 * nobody sent. Due in whatever stop it is, first of all: from then on it may be let go at any moment. */
void bury_machine_spare(int32_t pid);
/* Reads the registers and judges them; changes nothing. */
enum bury_end bury_machine_look(
        struct bury_machine *m, int32_t pid, const struct bury_code *code, bool restarting_too);
/* What seccomp filters will be asked: the call itself, and the frame's sigreturn. */
void bury_machine_calls(const struct bury_machine *m, const struct bury_code *code, int32_t ns_pid,
        struct seccomp_data ret[BURY_CALLS]);
/* Writes the frame below the stack pointer; registers stay. */
enum bury_end bury_machine_prepare(struct bury_machine *m, int32_t pid, const struct bury_code *code);
/* Registers for the call: from now on the frame is what holds should we die. 0 or a negative errno. */
int bury_machine_call(
        const struct bury_machine *m, int32_t pid, const struct bury_code *code, int32_t ns_pid);
int bury_machine_result(int32_t pid, long *ret);
int bury_machine_restore(const struct bury_machine *m, int32_t pid);
