/* deaths: at every line of input one child dies and is left unwaited; prints its pid and the boot time at
 * which it was about to end.
 */
#include "bench.h"

#include <sys/mman.h>

int main(void)
{
        double *at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED)
                die("mmap");
        while (wait_for_line()) {
                siginfo_t info;
                pid_t pid = fork();
                if (pid < 0)
                        die("fork");
                if (pid == 0) {
                        *at = clock_of(CLOCK_BOOTTIME);
                        _exit(0);
                }
                if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
                        die("waitid");
                printf("{\"pid\": %d, \"at\": %.6f}\n", (int)pid, *at);
                fflush(stdout);
        }
        while (wait(NULL) > 0)
                ;
        return EXIT_SUCCESS;
}
