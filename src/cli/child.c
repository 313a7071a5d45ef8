/* sexton child: hidden; becomes one of the daemon's processes with the descriptors that the
 * supervisor hands over by number.
 */
#include "cli/child.h"

#include "act/bury_child.h"
#include "act/deadman.h"
#include "base/log.h"
#include "cli/verb.h"
#include "courier/courier.h"
#include "guard/guard.h"
#include "recorder/recorder.h"
#include "rescue/rescue.h"
#include "source/engine/engine.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define FD(name) (1u << CHILD_FD_##name)

static const struct {
        const char *name;
        uint32_t fds;
} roles[CHILD_ROLES] = {
        [CHILD_GUARD] = {"guard", FD(CONFIG) | FD(BOARD) | FD(RING) | FD(ALIVE) | FD(ENGINE_GUARD) |
                                          FD(REQUESTS_GUARD) | FD(BURY_GUARD) | FD(JOURNAL) |
                                          FD(RESCUE_GUARD) | FD(BLACKBOX) | FD(RECEIPTS)},
        [CHILD_ENGINE] = {"engine", FD(CONFIG) | FD(ENGINE)},
        [CHILD_RECORDER] = {"recorder", FD(CONFIG) | FD(BOARD) | FD(RING) | FD(ALIVE) | FD(COURIER_RECORDER) |
                                                FD(REQUESTS_RECORDER) | FD(BLACKBOX) | FD(RECEIPTS)},
        [CHILD_DEADMAN] = {"deadman", FD(CONFIG) | FD(JOURNAL) | FD(ALIVE)},
        [CHILD_COURIER] = {"courier", FD(CONFIG) | FD(COURIER) | FD(ALIVE)},
        [CHILD_BURY] = {"bury", FD(BURY) | FD(ALIVE)},
        [CHILD_RESCUE] = {"rescue", FD(CONFIG) | FD(BOARD) | FD(RING) | FD(ALIVE) | FD(RESCUE)},
};

static const char *const fd_names[CHILD_FDS] = {
        [CHILD_FD_CONFIG] = "config",
        [CHILD_FD_BOARD] = "board",
        [CHILD_FD_RING] = "ring",
        [CHILD_FD_ALIVE] = "alive",
        [CHILD_FD_ENGINE_GUARD] = "engine-guard",
        [CHILD_FD_ENGINE] = "engine",
        [CHILD_FD_COURIER_RECORDER] = "courier-recorder",
        [CHILD_FD_COURIER] = "courier",
        [CHILD_FD_REQUESTS_GUARD] = "requests-guard",
        [CHILD_FD_REQUESTS_RECORDER] = "requests-recorder",
        [CHILD_FD_BURY_GUARD] = "bury-guard",
        [CHILD_FD_BURY] = "bury",
        [CHILD_FD_JOURNAL] = "journal",
        [CHILD_FD_RESCUE_GUARD] = "rescue-guard",
        [CHILD_FD_RESCUE] = "rescue",
        [CHILD_FD_BLACKBOX] = "blackbox",
        [CHILD_FD_RECEIPTS] = "receipts",
};

const char *child_role_name(enum child_role role)
{
        return roles[role].name;
}

const char *child_fd_name(enum child_fd fd)
{
        return fd_names[fd];
}

bool child_is_given(enum child_role role, enum child_fd fd)
{
        return roles[role].fds & 1u << fd;
}

static int become(enum child_role role, const int fd[CHILD_FDS])
{
        static struct config c;
        char title[16];

        if (child_is_given(role, CHILD_FD_CONFIG) && pread(fd[CHILD_FD_CONFIG], &c, sizeof c, 0) != sizeof c)
                return EXIT_USAGE;
        log_init(child_role_name(role), LOG_LEVEL_INFO);
        /* what ps and top show */
        snprintf(title, sizeof title, "sexton-%s", child_role_name(role));
        prctl(PR_SET_NAME, title);
        switch (role) {
        case CHILD_GUARD:
                return guard_main(&c, &(struct guard_fds){.config = fd[CHILD_FD_CONFIG],
                                              .board = fd[CHILD_FD_BOARD],
                                              .ring = fd[CHILD_FD_RING],
                                              .engine = fd[CHILD_FD_ENGINE_GUARD],
                                              .requests = fd[CHILD_FD_REQUESTS_GUARD],
                                              .bury = fd[CHILD_FD_BURY_GUARD],
                                              .journal = fd[CHILD_FD_JOURNAL],
                                              .rescue = fd[CHILD_FD_RESCUE_GUARD],
                                              .blackbox = fd[CHILD_FD_BLACKBOX],
                                              .receipts = fd[CHILD_FD_RECEIPTS],
                                              .alive = fd[CHILD_FD_ALIVE]});
        case CHILD_ENGINE:
                return engine_main(&c, fd[CHILD_FD_CONFIG], fd[CHILD_FD_ENGINE]);
        case CHILD_RECORDER:
                return recorder_main(&c, &(struct recorder_fds){.config = fd[CHILD_FD_CONFIG],
                                                 .board = fd[CHILD_FD_BOARD],
                                                 .ring = fd[CHILD_FD_RING],
                                                 .courier = fd[CHILD_FD_COURIER_RECORDER],
                                                 .requests = fd[CHILD_FD_REQUESTS_RECORDER],
                                                 .blackbox = fd[CHILD_FD_BLACKBOX],
                                                 .receipts = fd[CHILD_FD_RECEIPTS],
                                                 .alive = fd[CHILD_FD_ALIVE]});
        case CHILD_COURIER:
                return courier_main(&c, fd[CHILD_FD_COURIER], fd[CHILD_FD_ALIVE]);
        case CHILD_BURY:
                return bury_child_main(fd[CHILD_FD_BURY], fd[CHILD_FD_ALIVE]);
        case CHILD_DEADMAN:
                return deadman_main(&c, fd[CHILD_FD_JOURNAL], fd[CHILD_FD_ALIVE]);
        case CHILD_RESCUE:
                return rescue_main(&c, &(struct rescue_fds){.config = fd[CHILD_FD_CONFIG],
                                               .board = fd[CHILD_FD_BOARD],
                                               .ring = fd[CHILD_FD_RING],
                                               .alive = fd[CHILD_FD_ALIVE],
                                               .requests = fd[CHILD_FD_RESCUE]});
        case CHILD_ROLES:
                break;
        }
        return EXIT_USAGE;
}

/* "NAME=NUMBER" into fd[]; false when that is nothing the role is given. */
static bool take_fd(enum child_role role, const char *arg, int fd[CHILD_FDS])
{
        const char *number = strchr(arg, '=');

        for (int k = 0; number && k < CHILD_FDS; k++)
                if (strlen(fd_names[k]) == (size_t)(number - arg) &&
                        !strncmp(fd_names[k], arg, (size_t)(number - arg)) &&
                        child_is_given(role, (enum child_fd)k)) {
                        fd[k] = atoi(number + 1);
                        return true;
                }
        return false;
}

static int run(int argc, char **argv)
{
        int fd[CHILD_FDS];
        int role = 0;

        while (role < CHILD_ROLES && (argc < 2 || strcmp(argv[1], roles[role].name) != 0))
                role++;
        if (role == CHILD_ROLES)
                return EXIT_USAGE;
        for (int k = 0; k < CHILD_FDS; k++)
                fd[k] = -1;
        for (int k = 2; k < argc; k++)
                if (!take_fd((enum child_role)role, argv[k], fd))
                        return EXIT_USAGE;
        for (int k = 0; k < CHILD_FDS; k++)
                if (fd[k] < 0 && child_is_given((enum child_role)role, (enum child_fd)k))
                        return EXIT_USAGE;
        return become((enum child_role)role, fd);
}

const struct verb verb_child = {
        .name = "child",
        .args = "ROLE NAME=FD...",
        .summary = "a part of the daemon; started by run only",
        .description = "Started by run only.",
        .hidden = true,
        .run = run,
};
