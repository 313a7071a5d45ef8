/* Private to burying: one hold of a program's main thread, from the moment it stops until it goes on. */
#pragma once

#include "act/bury_machine.h"

struct bury_hold {
        int32_t pid;
        const struct bury_code *code;
        bool restarting_too;
        struct bury_machine *machine; /* all zero at the first hold of a program */
        int stop;                     /* the wait status of the stop it is in */
        bool gone;                    /* it has ended */
        bool runs;                    /* it does not stand still: nothing can be done to it */
        bool filtered;                /* seccomp filters have a say */
        bool placed;                  /* its registers are ours, and have to be given back */
        uint64_t seen_ns;             /* when it was seen to stand still */
        uint64_t held_ns;             /* set by release */
};

/* Seizes and stops it, and looks whether it may be used. BURY_DONE: it stands, and must be released. Else it
 * has been let go already, as it was. */
enum bury_end bury_hold_take(struct bury_hold *h, int proc_fd, uint64_t start_ns);
/* Its answer to wait4(ns_pid, NULL, WNOHANG | __WALL, NULL) in *ret. When this fails it is to be released,
 * too. */
enum bury_end bury_hold_wait4(struct bury_hold *h, int32_t ns_pid, long *ret);
/* Back from the call to where it can be given its registers. As release, which is due whatever this says. */
enum bury_end bury_hold_leave(struct bury_hold *h);
/* Gives back its registers and lets it go. BURY_DONE; BURY_GONE if it has ended meanwhile; BURY_SLOW or
 * BURY_LOST: it is let go when we end. */
enum bury_end bury_hold_release(struct bury_hold *h);
