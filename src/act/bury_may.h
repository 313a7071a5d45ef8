/* Whether one of the dead may be buried at all. To take a status that the holder still wants would be worse
 * than the zombie, so the rule is about who could know the pid:
 *
 * - Never one that the holder has a pidfd of (it is going to ask), one that is traced, or one that died a
 * moment ago.
 * - An *adopted* one may: somebody else forked it, and the kernel gave it to this holder when that parent was
 *   gone. The holder never learnt its pid. PID 1 of a container is made to adopt; a holder that asked to
 *   (PR_SET_CHILD_SUBREAPER) and has a handler for SIGCHLD is about to bury them itself, so those only when
 * forced.
 * - One that the holder *forked itself* only when forced, and even then only if nothing says that it ever
 * waits: no handler for SIGCHLD, no thread in wait4 or waitid, no child of its own that it has waited for
 * until now.
 * - One whose birth nobody saw counts as its own, unless its session proves another parent: a fork inherits
 * the session, so a session that is neither the holder's nor begun by the dead itself came from somebody
 * else. This proves nothing where the holder itself may have changed its session, that is, where it leads it
 * and isn't PID 1.
 *
 * That the holder as such may be touched is for act/touch.h to say.
 */
#pragma once

#include "act/bury.h"
#include "model/board.h"

struct bury_facts {
        /* the holder */
        bool is_pid1; /* of a pid namespace */
        bool handles_sigchld;
        bool waits;      /* a thread of it is in wait4 or waitid now */
        bool has_waited; /* for a child, ever, but for what burying did */
        /* the dead one */
        bool traced;
        bool pidfd;    /* the holder has a pidfd of it, or too many descriptors to know */
        uint8_t birth; /* enum bury_birth */
        uint64_t age_ns;
        /* the asker */
        bool forced;
        uint64_t min_age_ns;
};

/* Pure. */
enum bury_verdict bury_may(const struct bury_facts *f);
/* For people, of one or more: "forked by the holder itself". */
const char *bury_verdict_text(enum bury_verdict verdict);

/* Who forked it, by the board: pure. */
enum bury_birth bury_birth_of(
        const struct board *b, const struct process *dead, const struct process *holder);
/* A request for the dead of this holder (an entry of the board), as many as fit: pure. The rest is the
 * asker's. */
void bury_ask(const struct board *b, uint32_t holder, struct bury_request *ret);

/* The holder's part from /proc. 0, or a negative errno: it is gone. */
int bury_look_at_holder(int proc_fd, int32_t pid, uint64_t waited_faults, struct bury_facts *ret);
/* Sets wanted[k] where the holder has a pidfd of dead[k]; everywhere when its descriptors can't all be read.
 */
void bury_look_for_pidfds(
        int proc_fd, int32_t pid, const struct bury_dead *dead, bool *wanted, uint32_t count);
