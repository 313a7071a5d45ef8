/* burn PROCESSES MIN_US MAX_US: so many processes one after the other, each burning a random CPU time between
 * the bounds. Starts at the first line of input. Says what wait4 said they used, and what it used itself.
 */
#include "bench.h"

static void spin(double seconds)
{
        double end = clock_of(CLOCK_THREAD_CPUTIME_ID) + seconds;

        while (clock_of(CLOCK_THREAD_CPUTIME_ID) < end)
                ;
}

int main(int argc, char **argv)
{
        uint32_t random = 7;

        if (argc != 4)
                return 2;
        long processes = number(argv[1]), min = number(argv[2]), max = number(argv[3]);
        if (max < min || !wait_for_line())
                return 2;
        double start = clock_of(CLOCK_MONOTONIC), before = cpu_of(RUSAGE_SELF), children = 0;
        for (long i = 0; i < processes; i++) {
                random = random * 1664525u + 1013904223u;
                double us = (double)min + (double)((random >> 8) % (uint32_t)(max - min + 1));
                struct rusage r;
                pid_t pid = fork();
                if (pid < 0)
                        die("fork");
                if (pid == 0) {
                        spin(us * 1e-6);
                        _exit(0);
                }
                if (wait4(pid, NULL, 0, &r) != pid)
                        die("wait4");
                children += (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
                            (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
        }
        printf("{\"processes\": %ld, \"wall\": %.6f, \"children\": %.6f, \"own\": %.6f}\n", processes,
                clock_of(CLOCK_MONOTONIC) - start, children, cpu_of(RUSAGE_SELF) - before);
        fflush(stdout);
        wait_for_end_of_input();
        return EXIT_SUCCESS;
}
