/* Who may be buried: the rule, what the board says about births, and what seccomp filters say to calls. */
#include "tap.h"

#include "act/bury_may.h"
#include "act/seccomp_filter.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#define OLD             (60 * NSEC_PER_SEC)
#define BURY_MIN_AGE_NS (10 * NSEC_PER_SEC)

static void adopted_ones_may(void)
{
        struct bury_facts f = {.birth = BURY_BIRTH_ADOPTED, .age_ns = OLD, .min_age_ns = BURY_MIN_AGE_NS};

        check_int(bury_may(&f), BURY_MAY);
        f.is_pid1 = f.handles_sigchld = f.has_waited = f.waits = true; /* node, as PID 1 of a container */
        check_int(bury_may(&f), BURY_MAY);
        f.is_pid1 = false;
        check_int(bury_may(&f), BURY_MAY_NOT_SUBREAPER);
        f.forced = true;
        check_int(bury_may(&f), BURY_MAY);
}

static void what_the_holder_may_ask_for_is_left(void)
{
        const struct bury_facts base = {
                .birth = BURY_BIRTH_ADOPTED, .age_ns = OLD, .min_age_ns = BURY_MIN_AGE_NS, .forced = true};
        struct bury_facts f = base;

        f.pidfd = true;
        check_int(bury_may(&f), BURY_MAY_NOT_PIDFD);
        f = base;
        f.traced = true;
        check_int(bury_may(&f), BURY_MAY_NOT_TRACED);
        f = base;
        f.age_ns = BURY_MIN_AGE_NS - 1;
        check_int(bury_may(&f), BURY_MAY_NOT_YET);
}

static void own_children_only_by_force_and_of_one_that_never_waits(void)
{
        for (uint8_t birth = 0; birth <= BURY_BIRTH_OWN; birth++) {
                if (birth == BURY_BIRTH_ADOPTED)
                        continue;
                struct bury_facts f = {.birth = birth, .age_ns = OLD, .is_pid1 = true};
                check_int(bury_may(&f), BURY_MAY_NOT_OWN);
                f.forced = true;
                check_int(bury_may(&f), BURY_MAY);
                f.handles_sigchld = true;
                check_int(bury_may(&f), BURY_MAY_NOT_WANTED);
                f.handles_sigchld = false;
                f.waits = true;
                check_int(bury_may(&f), BURY_MAY_NOT_WANTED);
                f.waits = false;
                f.has_waited = true;
                check_int(bury_may(&f), BURY_MAY_NOT_WANTED);
        }
}

static void every_verdict_has_words(void)
{
        for (enum bury_verdict v = 0; v < BURY_VERDICTS; v++)
                check(bury_verdict_text(v) != NULL);
        for (enum bury_end e = 0; e < BURY_ENDS; e++)
                check(bury_end_text(e) != NULL);
        check_str(bury_end_text(BURY_ENDS), "unknown");
}

/* ---- births ---- */

static enum bury_birth birth(struct process dead, struct process holder, const struct process *parent)
{
        static struct board b;

        b.process_top = 4;
        b.process[1] = holder;
        b.process[2] = dead;
        if (parent)
                b.process[3] = *parent;
        return bury_birth_of(&b, &b.process[2], &b.process[1]);
}

static void births_are_told_by_lineage(void)
{
        struct process holder = {.pid = 10, .sid = 10, .state = PROCESS_ALIVE};
        struct process parent = {.pid = 20, .sid = 10, .state = PROCESS_BURIED};
        struct process dead = {.pid = 30, .ppid = 10, .sid = 10, .state = PROCESS_ZOMBIE, .parent = 3};

        check_int(birth(dead, holder, &parent), BURY_BIRTH_ADOPTED);
        dead.parent = 1;
        check_int(birth(dead, holder, NULL), BURY_BIRTH_OWN);
        dead.parent = 0;
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
        dead.parent = BOARD_PROCESSES + 7; /* garbage */
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
}

static void births_unseen_are_told_by_session(void)
{
        struct process holder = {.pid = 10, .sid = 10, .state = PROCESS_ALIVE, .flags = PROCESS_F_INIT};
        struct process dead = {.pid = 30,
                .ppid = 10,
                .sid = 25,
                .state = PROCESS_ZOMBIE,
                .parent = 1,
                .flags = PROCESS_F_PRE_EXISTING};

        check_int(birth(dead, holder, NULL), BURY_BIRTH_ADOPTED);
        dead.sid = 10; /* the holder's */
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
        dead.sid = 30; /* its own: a child of the holder may begin one */
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
        dead.sid = 25;
        holder.flags = 0; /* a leader that isn't PID 1 may have come from session 25 */
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
        holder.sid = 9;
        check_int(birth(dead, holder, NULL), BURY_BIRTH_ADOPTED);
        dead.sid = 0; /* unknown */
        check_int(birth(dead, holder, NULL), BURY_BIRTH_UNKNOWN);
}

static void a_request_has_the_dead_of_one_holder(void)
{
        static struct board b;
        static struct bury_request q;

        b.process_top = 6;
        b.process[1] = (struct process){.pid = 10, .start_ns = 7, .state = PROCESS_ALIVE};
        b.process[2] = (struct process){
                .pid = 30, .ppid = 10, .state = PROCESS_ZOMBIE, .start_ns = 8, .exit_ns = 9, .list_next = 3};
        b.process[3] = (struct process){.pid = 31, .ppid = 11, .state = PROCESS_ZOMBIE, .list_next = 4};
        b.process[4] = (struct process){.pid = 32, .ppid = 10, .state = PROCESS_LEADER, .list_next = 5};
        b.process[5] = (struct process){
                .pid = 33, .ppid = 10, .state = PROCESS_ZOMBIE, .list_next = 2}; /* a circle */
        b.ledger_head = 2;
        bury_ask(&b, 1, &q);
        check_int(q.holder_pid, 10);
        check_int(q.holder_start_ns, 7);
        check(q.count >= 2 && q.count <= 6);
        check_int(q.dead[0].pid, 30);
        check_int(q.dead[0].start_ns, 8);
        check_int(q.dead[0].exit_ns, 9);
        check_int(q.dead[1].pid, 33);
        check(!q.forced && !q.restarting_too);
}

/* ---- filters ---- */

#define CALL(number) ((struct seccomp_data){.nr = number, .arch = AUDIT_ARCH_X86_64, .args = {41, 0, 7}})
#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)

static int64_t run(const struct sock_filter *program, size_t count, long nr)
{
        struct seccomp_data call = CALL((int)nr);
        uint32_t answer;

        return seccomp_filter_run(program, count, &call, &answer) ? (int64_t)answer : -1;
}

static void filters_decide_by_number_and_arguments(void)
{
        const struct sock_filter by_number[] = {
                LOAD(arch),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
                RETURN(SECCOMP_RET_KILL_PROCESS),
                LOAD(nr),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, 0, 1),
                RETURN(SECCOMP_RET_ERRNO | 1),
                RETURN(SECCOMP_RET_ALLOW),
        };
        const struct sock_filter by_argument[] = {
                LOAD(args[0]),
                BPF_STMT(BPF_MISC | BPF_TAX, 0),
                BPF_STMT(BPF_LD | BPF_IMM, 42),
                BPF_STMT(BPF_ST, 3),
                BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
                BPF_STMT(BPF_LDX | BPF_MEM, 3),
                BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0),
                BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
                BPF_STMT(BPF_RET | BPF_A, 0),
        };

        check_int(run(by_number, ARRAY_SIZE(by_number), SYS_wait4), SECCOMP_RET_ERRNO | 1);
        check_int(run(by_number, ARRAY_SIZE(by_number), SYS_read), SECCOMP_RET_ALLOW);
        check_int(run(by_argument, ARRAY_SIZE(by_argument), SYS_read), (42 - 41) * 42 * 2);
}

static void what_is_no_filter_is_refused(void)
{
        const struct sock_filter endless[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
        const struct sock_filter beyond[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)), RETURN(0)};
        const struct sock_filter crooked[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)};
        const struct sock_filter by_zero[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(0)};
        const struct sock_filter far[] = {BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RETURN(0)};
        const struct sock_filter scratch[] = {BPF_STMT(BPF_STX, BPF_MEMWORDS), RETURN(0)};
        const struct sock_filter half[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)};

        check_int(run(NULL, 0, 0), -1);
        check_int(run(endless, 1, 0), -1);
        check_int(run(beyond, 2, 0), -1);
        check_int(run(crooked, 2, 0), -1);
        check_int(run(by_zero, 2, 0), -1);
        check_int(run(far, 2, 0), -1);
        check_int(run(scratch, 2, 0), -1);
        check_int(run(half, 2, 0), -1);
}

static void all(void)
{
        test(adopted_ones_may);
        test(what_the_holder_may_ask_for_is_left);
        test(own_children_only_by_force_and_of_one_that_never_waits);
        test(every_verdict_has_words);
        test(births_are_told_by_lineage);
        test(births_unseen_are_told_by_session);
        test(a_request_has_the_dead_of_one_holder);
        test(filters_decide_by_number_and_arguments);
        test(what_is_no_filter_is_refused);
}

int main(void)
{
        return tap_main(all);
}
