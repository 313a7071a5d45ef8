/* The courier process: takes jobs from the recorder and carries them out: HTTP, mail, programs. Alone it
 * reads secrets, as root, before it gives up being root. It is dormant until there is a job, and executed
 * anew after one, which gives back the memory of all the libraries, and lets it read secrets again.
 */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM, end-of-file on alive_fd, or until a new one should take its place. Returns the exit
 * code: EXIT_SUCCESS in all these cases. */
int courier_main(const struct config *c, int link_fd, int alive_fd);
