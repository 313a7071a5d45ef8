/* Makes the n-th allocation from now fail, in the program and in every library it calls: the test's
 * own malloc() takes the place of the C library's. Not possible beside a sanitizer, which does the
 * same. Include it in one file of a test program.
 */
#pragma once

#include <errno.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAILING_MALLOC 0
static long failing_malloc_left = -1;
#else
#define FAILING_MALLOC 1
static long failing_malloc_left = -1; /* allocations until the one that fails; negative: none does */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

static inline int failing_malloc_now(void)
{
        if (failing_malloc_left < 0 || failing_malloc_left-- > 0)
                return 0;
        errno = ENOMEM;
        return 1;
}

void *malloc(size_t size)
{
        return failing_malloc_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
        return failing_malloc_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
        return failing_malloc_now() ? NULL : __libc_realloc(p, size);
}
#endif
