/* Small helpers used everywhere: cleanup attributes, hand-over of owned values, array bounds.
 * The habits come from systemd: an owned local is marked with its cleanup, TAKE_* hands it over.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Each expansion has names of its own, so that MIN(MIN(a, b), c) shadows nothing. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define PICK_(a, op, b, x, y)                                                                                \
        ({                                                                                                   \
                __typeof__(a) x = (a);                                                                       \
                __typeof__(b) y = (b);                                                                       \
                x op y ? x : y;                                                                              \
        })
#define MIN(a, b) PICK_(a, <, b, JOIN(min_a_, __COUNTER__), JOIN(min_b_, __COUNTER__))
#define MAX(a, b) PICK_(a, >, b, JOIN(max_a_, __COUNTER__), JOIN(max_b_, __COUNTER__))

#define cleanup(f)        __attribute__((cleanup(f)))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

static inline void cleanup_free_impl(void *p)
{
        free(*(void **)p);
}
static inline void cleanup_close_impl(const int *fd)
{
        if (*fd >= 0)
                close(*fd);
}
#define cleanup_free  cleanup(cleanup_free_impl)
#define cleanup_close cleanup(cleanup_close_impl)

#define TAKE_PTR(p)                                                                                          \
        ({                                                                                                   \
                __typeof__(p) take_ = (p);                                                                   \
                (p) = NULL;                                                                                  \
                take_;                                                                                       \
        })
#define TAKE_FD(fd)                                                                                          \
        ({                                                                                                   \
                int take_ = (fd);                                                                            \
                (fd) = -1;                                                                                   \
                take_;                                                                                       \
        })

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)
