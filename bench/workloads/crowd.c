/* crowd SLEEPERS ZOMBIES: keeps so many sleeping processes and so many unwaited dead ones until the input
 * ends. */
#include "bench.h"

#include <signal.h>
#include <sys/prctl.h>

static pid_t spawn(int sleeps)
{
        pid_t parent = getpid(), pid = fork();

        if (pid != 0)
                return pid;
        if (!sleeps)
                _exit(0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(0);
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        for (;;)
                pause();
}

int main(int argc, char **argv)
{
        if (argc != 3)
                return 2;
        long sleepers = number(argv[1]), zombies = number(argv[2]), made = 0, dead = 0;
        pid_t *pids = calloc((size_t)sleepers + 1, sizeof(*pids));

        if (!pids)
                die("calloc");
        while (dead < zombies && spawn(0) > 0)
                dead++;
        while (made < sleepers && (pids[made] = spawn(1)) > 0)
                made++;
        if (made < sleepers || dead < zombies)
                perror("fork");
        printf("{\"sleepers\": %ld, \"zombies\": %ld}\n", made, dead);
        fflush(stdout);
        wait_for_end_of_input();
        for (long i = 0; i < made; i++)
                kill(pids[i], SIGKILL);
        while (wait(NULL) > 0)
                ;
        free(pids);
        return EXIT_SUCCESS;
}
