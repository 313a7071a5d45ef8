/* wake [fifo]: sleeps 100 ms again and again, from the first line of input to the second, and says how late
 * it woke. With `fifo` as the guard does, with memory locked and the lowest real-time priority: what the
 * kernel makes possible at best.
 */
#include "bench.h"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>

enum { PERIOD_MS = 100, WAKES_MAX = 100000 };

static int by_size(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
        static double late[WAKES_MAX];
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        struct sched_param lowest = {.sched_priority = 1};
        size_t count = 0, above = 0;

        if (argc > 1 &&
                (mlockall(MCL_CURRENT | MCL_FUTURE) < 0 || sched_setscheduler(0, SCHED_FIFO, &lowest) < 0))
                die(argv[1]);
        if (!wait_for_line())
                return 2;
        while (count < WAKES_MAX) {
                double slept = clock_of(CLOCK_MONOTONIC);
                int told = poll(&input, 1, PERIOD_MS);
                if (told < 0)
                        die("poll");
                if (told)
                        break;
                late[count] = clock_of(CLOCK_MONOTONIC) - slept - PERIOD_MS * 1e-3;
                above += late[count++] > 0.5e-3;
        }
        if (!count)
                return 2;
        qsort(late, count, sizeof late[0], by_size);
        printf("{\"count\": %zu, \"above\": %zu, \"p50\": %.6f, \"p99\": %.6f, \"max\": %.6f}\n", count,
                above, late[count / 2], late[count * 99 / 100], late[count - 1]);
        return EXIT_SUCCESS;
}
