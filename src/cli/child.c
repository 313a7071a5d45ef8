/* sexton child: hidden; becomes one of the daemon's processes with the descriptors that the
 * supervisor hands over by number.
 */
#include "cli/child.h"

#include "base/log.h"
#include "cli/verb.h"
#include "courier/courier.h"
#include "guard/guard.h"
#include "recorder/recorder.h"
#include "source/engine/engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

enum { FD_CONFIG, FD_BOARD, FD_RING, FD_LINK, FD_ALIVE, FDS };

const char *child_role_name(enum child_role role)
{
        static const char *const name[CHILD_ROLES] = {
                [CHILD_GUARD] = "guard",
                [CHILD_ENGINE] = "engine",
                [CHILD_RECORDER] = "recorder",
                [CHILD_COURIER] = "courier",
        };

        return name[role];
}

static int become(enum child_role role, const int fd[FDS])
{
        static struct config c;
        char title[16];

        if (pread(fd[FD_CONFIG], &c, sizeof c, 0) != sizeof c)
                return EXIT_USAGE;
        log_init(child_role_name(role), LOG_LEVEL_INFO);
        /* what ps and top show */
        snprintf(title, sizeof title, "sexton-%s", child_role_name(role));
        prctl(PR_SET_NAME, title);
        switch (role) {
        case CHILD_GUARD:
                return guard_main(&c, fd[FD_CONFIG], fd[FD_BOARD], fd[FD_RING], fd[FD_LINK], fd[FD_ALIVE]);
        case CHILD_ENGINE:
                return engine_main(&c, fd[FD_CONFIG], fd[FD_LINK]);
        case CHILD_RECORDER:
                return recorder_main(&c, &(struct recorder_fds){.config = fd[FD_CONFIG],
                                                 .board = fd[FD_BOARD],
                                                 .ring = fd[FD_RING],
                                                 .courier = fd[FD_LINK],
                                                 .alive = fd[FD_ALIVE]});
        case CHILD_COURIER:
                return courier_main(&c, fd[FD_LINK], fd[FD_ALIVE]);
        case CHILD_ROLES:
                break;
        }
        return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
        int fd[FDS];

        if (argc != 2 + FDS)
                return EXIT_USAGE;
        for (int k = 0; k < FDS; k++)
                fd[k] = atoi(argv[2 + k]);
        for (int role = 0; role < CHILD_ROLES; role++)
                if (!strcmp(argv[1], child_role_name((enum child_role)role)))
                        return become((enum child_role)role, fd);
        return EXIT_USAGE;
}

const struct verb verb_child = {
        .name = "child",
        .args = "ROLE FD...",
        .summary = "a part of the daemon; started by run only",
        .description = "Started by run only.",
        .hidden = true,
        .run = run,
};
