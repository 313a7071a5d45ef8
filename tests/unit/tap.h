/* The unit tests' own TAP writer: each test program is a list of functions; every check prints both
 * operands when it fails; at the end the plan is computed and open descriptors are compared with the
 * start, so that a leak fails the program.
 */
#pragma once

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;
static bool tap_ok_now;
static const char *tap_skip_reason;

static inline int tap_open_fds(void)
{
        int n = 0;
        DIR *d = opendir("/proc/self/fd");

        if (!d)
                return -1;
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

#define check(cond)                                                                                          \
        do {                                                                                                 \
                if (!(cond)) {                                                                               \
                        tap_ok_now = false;                                                                  \
                        printf("# %s:%d: failed: %s\n", __FILE__, __LINE__, #cond);                          \
                }                                                                                            \
        } while (0)
#define check_int(a, b)                                                                                      \
        do {                                                                                                 \
                long long tap_a = (long long)(a), tap_b = (long long)(b);                                    \
                if (tap_a != tap_b) {                                                                        \
                        tap_ok_now = false;                                                                  \
                        printf("# %s:%d: %s == %s: got %lld, want %lld\n", __FILE__, __LINE__, #a, #b,       \
                                tap_a, tap_b);                                                               \
                }                                                                                            \
        } while (0)
#define check_near(a, b, eps)                                                                                \
        do {                                                                                                 \
                double tap_a = (double)(a), tap_b = (double)(b);                                             \
                if (!(fabs(tap_a - tap_b) <= (double)(eps))) {                                               \
                        tap_ok_now = false;                                                                  \
                        printf("# %s:%d: %s ~ %s: got %g, want %g\n", __FILE__, __LINE__, #a, #b, tap_a,     \
                                tap_b);                                                                      \
                }                                                                                            \
        } while (0)
#define check_str(a, b)                                                                                      \
        do {                                                                                                 \
                const char *tap_a = (a), *tap_b = (b);                                                       \
                if (!tap_a || !tap_b || strcmp(tap_a, tap_b)) {                                              \
                        tap_ok_now = false;                                                                  \
                        printf("# %s:%d: %s: got \"%s\", want \"%s\"\n", __FILE__, __LINE__, #a,             \
                                tap_a ? tap_a : "(null)", tap_b ? tap_b : "(null)");                         \
                }                                                                                            \
        } while (0)
/* Ends the test as skipped, with the reason. */
#define skip(reason)                                                                                         \
        do {                                                                                                 \
                tap_skip_reason = (reason);                                                                  \
                return;                                                                                      \
        } while (0)

#define test(fn) tap_run(#fn, fn)

static inline void tap_run(const char *name, void (*fn)(void))
{
        tap_ok_now = true;
        tap_skip_reason = NULL;
        fn();
        tap_count++;
        if (!tap_ok_now)
                tap_failed++;
        printf("%sok %d - %s", tap_ok_now ? "" : "not ", tap_count, name);
        if (tap_skip_reason)
                printf(" # SKIP %s", tap_skip_reason);
        putchar('\n');
        fflush(stdout);
}

/* int main(void) { return tap_main(all); } where all() calls test(x) for each. */
static inline int tap_main(void (*all)(void))
{
        int fds = tap_open_fds();

        all();
        int left = tap_open_fds();
        tap_count++;
        if (fds != left) {
                tap_failed++;
                printf("not ok %d - no descriptor leaked: %d open before, %d after\n", tap_count, fds, left);
        } else {
                printf("ok %d - no descriptor leaked\n", tap_count);
        }
        printf("1..%d\n", tap_count);
        return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
