/* Burying on x86-64: registers, system calls that were interrupted, and the signal frame that makes the
 * holder whole if we die while its registers are ours.
 */
#include "act/bury_machine.h"

#include <asm/unistd.h>
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/rseq.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>

/* What an interrupted call leaves in rax for the kernel to see (its include/linux/errno.h). */
enum { RESTART_SYS = -512, RESTART_NO_INTR = -513, RESTART_NO_HAND = -514, RESTART_BLOCK = -516 };

enum {
        CODE_SEGMENT_64 = 0x33,
        TRAP_FLAG = 0x100,
        RED_ZONE = 128,           /* below the stack pointer, but in use */
        HANDLER_ROOM = 32 * 1024, /* for a signal handler on top of our frame */
        SYSCALL_LEN = 2,          /* bytes of the instruction */
        FPSTATE_SOFTWARE = 464,   /* where the kernel keeps its notes in an XSAVE area */
        FPSTATE_HEADER = 512,
        FPSTATE_EXTENDED = 576,
        FPSTATE_MAX = 12 * 1024,
        FPSTATE_LEAF = 0xd,
        AMX_DATA = 18, /* 8 KB of tiles, not in frames unless the program asked for them */
        FRAME_MAX = FPSTATE_MAX + 1024,
};
/* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, which headers of 2022 don't know. */
#define GET_DISPATCH_CONFIG ((enum __ptrace_request)0x4211)
/* Flags of a frame, its magic numbers, and an alternate stack that sigreturn leaves alone because it is no
 * good. */
#define FRAME_FLAGS     (1 | 2 | 4) /* extended state; stack segment is right; and to be restored strictly */
#define FPSTATE_MAGIC1  UINT32_C(0x46505853)
#define FPSTATE_MAGIC2  UINT32_C(0x46505845)
#define NO_SIGNAL_STACK 0x7fff

/* As the kernel lays it out below a handler: where to return to, then the context. */
struct frame {
        uint64_t sigreturn;
        uint64_t flags, link;
        stack_t stack;
        mcontext_t context;
        uint64_t mask;
};

struct fpstate_notes {
        uint32_t magic1, extended_size;
        uint64_t features;
        uint32_t size, padding[7];
};

struct sequence {
        uint32_t version, flags;
        uint64_t start, len, abort;
};

const struct bury_patterns *bury_machine_patterns(void)
{
        static const struct bury_patterns patterns = {
                .call = {3, {0x0f, 0x05, 0xc3}},
                .sigreturn = {{9, {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}},
                        {7, {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05}}},
        };

        return &patterns;
}

/* ---- may it be used ---- */

static int get_registers(int32_t pid, struct user_regs_struct *ret)
{
        struct iovec io = {ret, sizeof *ret};

        if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &io) < 0)
                return -errno;
        return io.iov_len == sizeof *ret ? 0 : -EMEDIUMTYPE; /* a 32-bit task has others */
}

static int set_registers(int32_t pid, const struct user_regs_struct *regs)
{
        struct user_regs_struct copy = *regs;
        struct iovec io = {&copy, sizeof copy};

        return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &io) < 0 ? -errno : 0;
}

static bool in_system_call(const struct user_regs_struct *r)
{
        return (int64_t)r->orig_rax >= 0;
}

static bool will_be_restarted(const struct user_regs_struct *r)
{
        long result = (long)r->rax;

        return in_system_call(r) && (result == RESTART_SYS || result == RESTART_NO_INTR ||
                                            result == RESTART_NO_HAND || result == RESTART_BLOCK);
}

/* epoll_wait says EINTR for a stop that nobody was to see. One without a time-out can simply be restarted,
 * and the kernel knows how to do that unless a handler runs first. */
static bool is_endless_poll(const struct user_regs_struct *r)
{
        if ((long)r->rax != -EINTR)
                return false;
        if (r->orig_rax == __NR_epoll_wait || r->orig_rax == __NR_epoll_pwait)
                return (int32_t)r->r10 < 0;
        return r->orig_rax == __NR_epoll_pwait2 && !r->r10;
}

static int peek(int32_t pid, uint64_t at, void *to, size_t len)
{
        struct iovec local = {to, len}, remote = {(void *)(uintptr_t)at, len};

        return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

/* A restartable sequence that we lead out of and back into would not be restarted, although it was disturbed.
 */
static bool in_restartable_sequence(int32_t pid, uint64_t rip)
{
        struct __ptrace_rseq_configuration of;
        struct sequence now;
        uint64_t at = 0;

        if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, pid, (void *)sizeof of, &of) < 0 || !of.rseq_abi_pointer)
                return false;
        if (peek(pid, of.rseq_abi_pointer + offsetof(struct rseq, rseq_cs), &at, sizeof at) < 0)
                return true;
        /* what it points to stays after the sequence has ended, until the kernel sees it */
        return at && (peek(pid, at, &now, sizeof now) < 0 || rip - now.start < now.len);
}

/* System calls that the program handles itself. Kernels before 6.4 can't be asked. */
static bool dispatches_calls(int32_t pid)
{
        uint64_t config[4] = {0}; /* mode, selector, offset, length */

        return ptrace(GET_DISPATCH_CONFIG, pid, (void *)sizeof config, config) >= 0 && config[0];
}

static bool is_code(int32_t pid, uint64_t at, const struct bury_pattern *p)
{
        uint8_t bytes[BURY_PATTERN];

        return !peek(pid, at, bytes, p->len) && !memcmp(bytes, p->bytes, p->len);
}

/* Remembers what restart_syscall will go on with, as long as it is still that call. */
static void follow_restarts(struct bury_machine *m, const struct user_regs_struct *before)
{
        const struct user_regs_struct *r = &m->found;

        if (r->orig_rax == __NR_restart_syscall) {
                if (r->rip != before->rip || r->rsp != before->rsp)
                        m->restarted = 0;
                return;
        }
        m->restarted = (long)r->rax == RESTART_BLOCK ? r->orig_rax : 0;
}

static enum bury_end look_at_registers(struct bury_machine *m, int32_t pid, bool restarting_too)
{
        struct user_regs_struct *r = &m->found, before = m->found;
        int got = get_registers(pid, r);

        if (got < 0)
                return got == -EMEDIUMTYPE ? BURY_NOT64 : got == -ESRCH ? BURY_GONE : BURY_LOST;
        if (r->cs != CODE_SEGMENT_64)
                return BURY_NOT64;
        if (r->eflags & TRAP_FLAG)
                return BURY_TRACED;
        follow_restarts(m, &before);
        if (!in_system_call(r))
                return in_restartable_sequence(pid, r->rip) ? BURY_ATOMIC : BURY_DONE;
        return r->orig_rax == __NR_restart_syscall && !restarting_too ? BURY_RESTARTING : BURY_DONE;
}

void bury_machine_spare(int32_t pid)
{
        struct user_regs_struct r;

        if (get_registers(pid, &r) < 0 || r.cs != CODE_SEGMENT_64 || !is_endless_poll(&r))
                return;
        r.rax = (unsigned long long)RESTART_NO_HAND;
        set_registers(pid, &r);
}

enum bury_end bury_machine_look(
        struct bury_machine *m, int32_t pid, const struct bury_code *code, bool restarting_too)
{
        const struct bury_patterns *p = bury_machine_patterns();
        enum bury_end end = look_at_registers(m, pid, restarting_too);

        if (end)
                return end;
        if (dispatches_calls(pid))
                return BURY_GUARDED;
        if (m->found.rsp < code->stack + RED_ZONE + FRAME_MAX + HANDLER_ROOM ||
                m->found.rsp > code->stack_end)
                return BURY_STACK;
        if (!is_code(pid, code->call, &p->call))
                return BURY_NO_CODE;
        for (size_t k = 0; k < BURY_SIGRETURNS; k++)
                if (is_code(pid, code->sigreturn, &p->sigreturn[k]))
                        return BURY_DONE;
        return BURY_NO_CODE;
}

void bury_machine_calls(const struct bury_machine *m, const struct bury_code *code, int32_t ns_pid,
        struct seccomp_data ret[BURY_CALLS])
{
        const struct user_regs_struct *r = &m->found;

        ret[0] = (struct seccomp_data){
                .nr = __NR_wait4,
                .arch = AUDIT_ARCH_X86_64,
                .instruction_pointer = code->call + SYSCALL_LEN,
                .args = {(uint64_t)ns_pid, 0, WNOHANG | __WALL, 0, r->r8, r->r9},
        };
        ret[1] = ret[0];
        ret[1].nr = __NR_rt_sigreturn;
        ret[1].instruction_pointer = code->sigreturn + code->sigreturn_len;
}

/* ---- the frame ---- */

/* Bytes of extended state in the frames of a program that never asked for more. */
static uint32_t fpstate_size(uint64_t features)
{
        uint32_t size = FPSTATE_EXTENDED, bytes, offset, c, d;

        for (uint32_t k = 2; k < 63; k++)
                if (features >> k & 1 && __get_cpuid_count(FPSTATE_LEAF, k, &bytes, &offset, &c, &d) && bytes)
                        size = MAX(size, offset + bytes);
        return size;
}

/* The thread's extended state as a frame has it; its length, 0 when it can't be had. */
static uint32_t save_fpstate(int32_t pid, uint8_t to[FPSTATE_MAX])
{
        static _Alignas(64) uint8_t all[32 * 1024]; /* a processor's whole state, tiles included */
        struct iovec io = {all, sizeof all};
        uint64_t features, in_use;
        uint32_t magic2 = FPSTATE_MAGIC2;

        if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &io) < 0 || io.iov_len < FPSTATE_EXTENDED)
                return 0;
        memcpy(&features, all + FPSTATE_SOFTWARE, sizeof features);
        memcpy(&in_use, all + FPSTATE_HEADER, sizeof in_use);
        features &= ~(UINT64_C(1) << AMX_DATA);
        uint32_t size = fpstate_size(features);
        if (in_use & ~features || size > io.iov_len || size + sizeof magic2 > FPSTATE_MAX)
                return 0;
        memcpy(to, all, size);
        struct fpstate_notes notes = {FPSTATE_MAGIC1, size + (uint32_t)sizeof magic2, features, size, {0}};
        memcpy(to + FPSTATE_SOFTWARE, &notes, sizeof notes);
        memcpy(to + size, &magic2, sizeof magic2);
        return size + (uint32_t)sizeof magic2;
}

/* rax and rip as they should be found by a program that was interrupted, without the kernel's help. */
static void alone(const struct bury_machine *m, uint64_t *ret_rax, uint64_t *ret_rip)
{
        const struct user_regs_struct *r = &m->found;
        uint64_t call = r->orig_rax == __NR_restart_syscall ? m->restarted : r->orig_rax;

        *ret_rax = r->rax;
        *ret_rip = r->rip;
        if (!will_be_restarted(r))
                return;
        if (r->orig_rax == __NR_restart_syscall && !call) {
                *ret_rax = (uint64_t)-EINTR;
                return;
        }
        *ret_rax = call;
        *ret_rip = r->rip - SYSCALL_LEN;
}

static void fill(struct frame *f, const struct bury_machine *m, uint64_t fpstate)
{
        const struct user_regs_struct *r = &m->found;
        greg_t *g = f->context.gregs;
        uint64_t rax, rip;

        alone(m, &rax, &rip);
        f->flags = FRAME_FLAGS;
        f->stack.ss_flags = NO_SIGNAL_STACK;
        g[REG_R8] = (greg_t)r->r8;
        g[REG_R9] = (greg_t)r->r9;
        g[REG_R10] = (greg_t)r->r10;
        g[REG_R11] = (greg_t)r->r11;
        g[REG_R12] = (greg_t)r->r12;
        g[REG_R13] = (greg_t)r->r13;
        g[REG_R14] = (greg_t)r->r14;
        g[REG_R15] = (greg_t)r->r15;
        g[REG_RDI] = (greg_t)r->rdi;
        g[REG_RSI] = (greg_t)r->rsi;
        g[REG_RBP] = (greg_t)r->rbp;
        g[REG_RBX] = (greg_t)r->rbx;
        g[REG_RDX] = (greg_t)r->rdx;
        g[REG_RAX] = (greg_t)rax;
        g[REG_RCX] = (greg_t)r->rcx;
        g[REG_RSP] = (greg_t)r->rsp;
        g[REG_RIP] = (greg_t)rip;
        g[REG_EFL] = (greg_t)r->eflags;
        g[REG_CSGSFS] = (greg_t)(r->cs | r->gs << 16 | r->fs << 32 | r->ss << 48);
        f->context.fpregs = (fpregset_t)(uintptr_t)fpstate;
}

enum bury_end bury_machine_prepare(struct bury_machine *m, int32_t pid, const struct bury_code *code)
{
        static uint8_t fpstate[FPSTATE_MAX];
        struct frame f = {.sigreturn = code->sigreturn};
        uint32_t size = save_fpstate(pid, fpstate);

        if (!size || ptrace(PTRACE_GETSIGMASK, pid, (void *)sizeof f.mask, &f.mask) < 0)
                return BURY_LOST;
        uint64_t fp_at = (m->found.rsp - RED_ZONE - size) & ~UINT64_C(63);
        /* as on entry to a handler: 16 bytes aligned before the return address was put there */
        m->frame = ((fp_at - sizeof f) & ~UINT64_C(15)) - 8;
        fill(&f, m, fp_at);
        struct iovec local[] = {{&f, sizeof f}, {fpstate, size}};
        struct iovec remote[] = {{(void *)(uintptr_t)m->frame, sizeof f}, {(void *)(uintptr_t)fp_at, size}};
        ssize_t written = process_vm_writev(pid, local, 2, remote, 2, 0);
        return written == (ssize_t)(sizeof f + size) ? BURY_DONE : BURY_STACK;
}

/* ---- the call ---- */

int bury_machine_call(const struct bury_machine *m, int32_t pid, const struct bury_code *code, int32_t ns_pid)
{
        struct user_regs_struct r = m->found;

        r.orig_rax = (unsigned long long)-1; /* in no call: nothing to be restarted */
        r.rax = __NR_wait4;
        r.rdi = (unsigned long long)ns_pid;
        r.rsi = 0; /* no status, no usage: nothing is written */
        r.rdx = WNOHANG | __WALL;
        r.r10 = 0;
        r.rsp = m->frame;
        r.rip = code->call;
        return set_registers(pid, &r);
}

int bury_machine_result(int32_t pid, long *ret)
{
        struct user_regs_struct r;
        int got = get_registers(pid, &r);

        if (!got)
                *ret = (long)r.rax;
        return got;
}

int bury_machine_restore(const struct bury_machine *m, int32_t pid)
{
        return set_registers(pid, &m->found);
}
