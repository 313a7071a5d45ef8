/* What sexton doctor looks at: one function and one table line per check. Reads through folder descriptors,
 * so that tests hand in fixture trees for /proc and /sys.
 */
#pragma once

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_MISSING };

struct doctor_context {
        int proc_fd, sys_fd; /* /proc and /sys, or fixtures */
        const char *cgroup_root;
        const char *engine_socket; /* NULL: look for one */
        const char *daemon_socket;
};

struct doctor_result {
        enum doctor_state state;
        char text[400];   /* what is there */
        char advice[400]; /* what it means and what to do; "" when ok */
};

struct doctor_check {
        const char *name;
        bool essential; /* without it Sexton says little: exit code 1 */
        void (*look)(const struct doctor_context *c, struct doctor_result *r);
};

extern const struct doctor_check doctor_kernel_checks[], doctor_host_checks[];
extern const size_t doctor_kernel_checks_count, doctor_host_checks_count;

/* Set the result. */
void doctor_ok(struct doctor_result *r, const char *fmt, ...) printf_like(2, 3);
void doctor_not(struct doctor_result *r, enum doctor_state state, const char *text, const char *fmt, ...)
        printf_like(4, 5);
/* Runs fn in a child process; its result 0..125, or -1 when it couldn't run. */
int doctor_in_child(int (*fn)(void));
