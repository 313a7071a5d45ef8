/* Whether one of the dead may be buried at all. To take a status that the holder still wants would be worse than
 * the zombie, so the rule is about who could know the pid:
 *
 * - Never those of a holder that must not be touched, those it has a pidfd of (it is going to ask), those that are
 *   traced, and those that died a moment ago.
 * - An *adopted* one may: somebody else forked it, and the kernel gave it to this holder when that parent was
 *   gone. The holder never learnt its pid. PID 1 of a container is made to adopt; a holder that asked to
 *   (PR_SET_CHILD_SUBREAPER) and has a handler for SIGCHLD is about to bury them itself, so those only when forced.
 * - One that the holder *forked itself* only when forced, and even then only if nothing says that it ever waits: no
 *   handler for SIGCHLD, no thread in wait4 or waitid, no child of its own that it has waited for until now.
 * - One whose birth nobody saw counts as its own, unless its session proves another parent: a fork inherits the
 *   session, so a session that is neither the holder's nor begun by the dead itself came from somebody else. This
 *   proves nothing where the holder itself may have changed its session, that is, where it leads it and isn't PID 1.
 */
#pragma once

#include "model/board.h"
#include "world/view.h"

enum bury_birth { BURY_BIRTH_UNKNOWN = 0, BURY_BIRTH_ADOPTED, BURY_BIRTH_OWN };

#define BURY_MIN_AGE_SEC 30 /* a holder that is only slow has had its chance */

struct bury_facts {
        /* the holder */
        bool never_touch; /* says the list of those who must not be touched (act/touch.h) */
        bool is_pid1;     /* of a pid namespace */
        bool handles_sigchld;
        bool waits;      /* a thread of it is in wait4 or waitid now */
        bool has_waited; /* for a child, ever, but for what burying did */
        /* the dead one */
        bool dead; /* a zombie without living threads, and this holder's */
        bool traced;
        bool pidfd; /* the holder has a pidfd of it, or too many descriptors to know */
        enum bury_birth birth;
        double age_sec; /* since its death; INFINITY when that was before Sexton */
        /* the asker */
        bool forced;
        double min_age_sec;
};

enum bury_verdict {
        BURY_MAY = 0,
        BURY_MAY_NOT_TOUCH,
        BURY_MAY_NOT_ALIVE,
        BURY_MAY_NOT_TRACED,
        BURY_MAY_NOT_PIDFD,
        BURY_MAY_NOT_YET,
        BURY_MAY_NOT_SUBREAPER,
        BURY_MAY_NOT_OWN,     /* forked by the holder; not forced */
        BURY_MAY_NOT_WANTED,  /* forked by the holder, which does wait for children */
        BURY_VERDICTS
};

/* Pure. */
enum bury_verdict bury_may(const struct bury_facts *f);
/* For people: "its holder forked it itself: ...". */
const char *bury_verdict_text(enum bury_verdict verdict);

/* What the board says about birth: pure. */
enum bury_birth bury_birth_of(const struct board *b, const struct process *dead, const struct process *holder);

/* The holder's part, from /proc: once per holder. waited_faults: the sum of what bury_result said for it until
 * now. 0 or a negative errno: it is gone. May block like any reader of a strange /proc; not for the guard's loop. */
int bury_facts_of_holder(int proc_fd, const struct process *holder, uint64_t waited_faults, struct bury_facts *ret);
/* Whether the holder has a pidfd of any of these pids: sets pidfd[k] for dead[k]. All of them when there are
 * too many descriptors to look at, or they can't be read. */
void bury_facts_pidfds(int proc_fd, int32_t holder, const int32_t *dead, bool *pidfd, uint32_t count);
