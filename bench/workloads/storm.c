/* storm vfork|exec CYCLES [LEAVE]: lives and deaths as fast as one thread can make them. vfork is the bare
 * cycle of vfork, exit and wait; exec also runs this program anew in the child. The first LEAVE children are
 * not waited for until the input ends.
 */
#include "bench.h"

static pid_t bare(void)
{
        pid_t pid = vfork();

        if (pid == 0)
                _exit(0);
        return pid;
}

static pid_t with_exec(void)
{
        static char *const argv[] = {"storm", NULL}, *const envp[] = {NULL};
        pid_t pid = vfork();

        if (pid == 0) {
                execve("/proc/self/exe", argv, envp);
                _exit(127);
        }
        return pid;
}

int main(int argc, char **argv)
{
        if (argc == 1) /* the child of an exec cycle */
                return EXIT_SUCCESS;
        if (argc < 3 || (strcmp(argv[1], "vfork") && strcmp(argv[1], "exec")))
                return 2;
        pid_t (*one)(void) = strcmp(argv[1], "exec") ? bare : with_exec;
        long cycles = number(argv[2]), leave = argc > 3 ? number(argv[3]) : 0;

        for (long i = 0; i < leave; i++)
                if (one() < 0)
                        die("vfork");
        double start = clock_of(CLOCK_MONOTONIC);
        for (long i = 0; i < cycles; i++) {
                pid_t pid = one();
                if (pid < 0 || waitpid(pid, NULL, 0) != pid)
                        die("vfork or waitpid");
        }
        double wall = clock_of(CLOCK_MONOTONIC) - start;
        printf("{\"cycles\": %ld, \"wall\": %.6f, \"cpu\": %.6f}\n", cycles, wall,
                cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN));
        fflush(stdout);
        if (leave) {
                wait_for_end_of_input();
                while (wait(NULL) > 0)
                        ;
        }
        return EXIT_SUCCESS;
}
