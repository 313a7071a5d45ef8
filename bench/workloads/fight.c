/* fight BURNERS: at the first line of input so many processes burn CPU, until the input ends.
 * fight 0 MEGABYTES: instead one process after the other takes that much memory and is killed for it, or
 * ends.
 */
#include "bench.h"

#include <signal.h>
#include <sys/prctl.h>

static void follow(pid_t parent)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(0);
}

static void burn(void)
{
        for (;;)
                __asm__ volatile("");
}

static void eat(size_t bytes)
{
        char *memory = malloc(bytes);

        for (size_t at = 0; memory && at < bytes; at += 4096)
                *(volatile char *)(memory + at) = 1;
        _exit(0);
}

int main(int argc, char **argv)
{
        if (argc < 2 || !wait_for_line())
                return 2;
        long burners = number(argv[1]), megabytes = argc > 2 ? number(argv[2]) : 0;
        pid_t parent = getpid(), keeper = 0;

        for (long i = 0; i < burners; i++)
                if (fork() == 0) {
                        follow(parent);
                        burn();
                }
        if (megabytes && (keeper = fork()) == 0) {
                follow(parent);
                for (;;) {
                        pid_t self = getpid(), eater = fork();
                        if (eater == 0) {
                                follow(self);
                                eat((size_t)megabytes << 20);
                        }
                        waitpid(eater, NULL, 0);
                        usleep(50000);
                }
        }
        printf("{\"burners\": %ld}\n", burners);
        fflush(stdout);
        wait_for_end_of_input();
        return EXIT_SUCCESS; /* they die with us */
}
