/* What the workloads share: clocks, CPU times, and the end of life on demand. Each workload is one static
 * program that prints one line of JSON when it is ready or done, and ends when its standard input does.
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline double clock_of(clockid_t id)
{
        struct timespec t;

        clock_gettime(id, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double cpu_of(int who)
{
        struct rusage r;

        getrusage(who, &r);
        return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
               (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static inline void die(const char *what)
{
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static inline long number(const char *text)
{
        char *end;
        long n = strtol(text, &end, 10);

        if (*end != '\0' || end == text || n < 0) {
                fprintf(stderr, "not a number: %s\n", text);
                exit(2);
        }
        return n;
}

static inline void wait_for_end_of_input(void)
{
        char buffer[64];

        while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
                ;
}

/* The next line of input, without blocking signals; 0 at its end. */
static inline int wait_for_line(void)
{
        char c;

        while (read(STDIN_FILENO, &c, 1) == 1)
                if (c == '\n')
                        return 1;
        return 0;
}
