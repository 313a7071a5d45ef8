/* What a seccomp filter of somebody else says to a system call, without making it: the classic BPF that
 * the kernel takes for seccomp (load words of the call's data, scratch memory, arithmetic, forward jumps).
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False when this is no program that the kernel would have taken: any bytes may be given. */
bool seccomp_filter_run(const struct sock_filter *program, size_t count, const struct seccomp_data *call,
        uint32_t *ret_answer);
