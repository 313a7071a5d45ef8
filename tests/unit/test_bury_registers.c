/* Burying a holder that is in the middle of a computation: each of its registers, up to the widest, must come
 * back, also when the process that buries is killed at any moment.
 */
#include "tap.h"

#include "bury_lab.h"

#include "act/bury_machine.h"

#if defined(__x86_64__)

enum { GENERAL = 14, VECTORS = 32, VECTOR_BYTES = 64, MASKS = 8 };

/* What the registers hold, and what they held at the end. */
static _Alignas(64) uint64_t general[GENERAL], general_seen[GENERAL];
static _Alignas(64) uint8_t vector[VECTORS][VECTOR_BYTES], vector_seen[VECTORS][VECTOR_BYTES];
static uint64_t mask[MASKS], mask_seen[MASKS];
static uint32_t width; /* 0 SSE, 1 AVX, 2 AVX-512 */
static volatile uint32_t enough;
static volatile uint64_t rounds;

static void on_enough(int sig)
{
        enough = 1;
}

/* One line for each register; the C side knows the order. */
#define EACH_GENERAL(DO)                                                                                     \
        DO(0, "rbx")                                                                                         \
        DO(1, "rcx")                                                                                         \
        DO(2, "rdx")                                                                                         \
        DO(3, "rsi")                                                                                         \
        DO(4, "rdi")                                                                                         \
        DO(5, "rbp")                                                                                         \
        DO(6, "r8")                                                                                          \
        DO(7, "r9")                                                                                          \
        DO(8, "r10")                                                                                         \
        DO(9, "r11")                                                                                         \
        DO(10, "r12")                                                                                        \
        DO(11, "r13")                                                                                        \
        DO(12, "r14")                                                                                        \
        DO(13, "r15")
#define LOAD_GENERAL(k, r)  "mov general+8*" #k "(%%rip), %%" r "\n"
#define STORE_GENERAL(k, r) "mov %%" r ", general_seen+8*" #k "(%%rip)\n"

#define EACH_LOW(DO)                                                                                         \
        DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define EACH_HIGH(DO)                                                                                        \
        DO(16)                                                                                               \
        DO(17)                                                                                               \
        DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31)
#define EACH_MASK(DO)   DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define LOAD_SSE(k)     "movdqa vector+64*" #k "(%%rip), %%xmm" #k "\n"
#define STORE_SSE(k)    "movdqa %%xmm" #k ", vector_seen+64*" #k "(%%rip)\n"
#define LOAD_AVX(k)     "vmovdqa vector+64*" #k "(%%rip), %%ymm" #k "\n"
#define STORE_AVX(k)    "vmovdqa %%ymm" #k ", vector_seen+64*" #k "(%%rip)\n"
#define LOAD_AVX512(k)  "vmovdqa64 vector+64*" #k "(%%rip), %%zmm" #k "\n"
#define STORE_AVX512(k) "vmovdqa64 %%zmm" #k ", vector_seen+64*" #k "(%%rip)\n"
#define LOAD_MASK(k)    "kmovq mask+8*" #k "(%%rip), %%k" #k "\n"
#define STORE_MASK(k)   "kmovq %%k" #k ", mask_seen+8*" #k "(%%rip)\n"

/* Fills every register, turns until it is told to stop, and writes down what they hold then. The names of the
 * variables are the assembler's, too: they are static and nothing else is called so here. */
static __attribute__((noinline)) void turn_with_full_registers(void)
{
        __asm__ volatile(
                "sub $256, %%rsp\n" /* over the red zone */
                "push %%rbp\n"
                "push %%rbx\n" EACH_LOW(
                        LOAD_SSE) "cmpl $1, width(%%rip)\n"
                                  "jb 1f\n" EACH_LOW(
                                          LOAD_AVX) "cmpl $2, width(%%rip)\n"
                                                    "jb 1f\n" EACH_LOW(LOAD_AVX512) EACH_HIGH(LOAD_AVX512) EACH_MASK(LOAD_MASK) "1:\n" EACH_GENERAL(
                                                            LOAD_GENERAL) "mov $0x1234567890, %%rax\n"
                                                                          "2: incq rounds(%%rip)\n"
                                                                          "cmpl $0, enough(%%rip)\n"
                                                                          "je 2b\n"
                                                                          /* rax shows as one of the others */
                                                                          "mov %%rbx, general_seen(%%rip)\n"
                                                                          "mov %%rax, %%rbx\n"
                                                                          "mov $0x1234567890, %%rax\n"
                                                                          "sub %%rax, %%rbx\n"
                                                                          "add general_seen(%%rip), "
                                                                          "%%rbx\n" EACH_GENERAL(STORE_GENERAL) EACH_LOW(
                                                                                  STORE_SSE) "cmpl $1, "
                                                                                             "width(%%rip)\n"
                                                                                             "jb "
                                                                                             "3f\n" EACH_LOW(
                                                                                                     STORE_AVX) "cmpl $2, width(%%rip)\n"
                                                                                                                "jb 3f\n" EACH_LOW(
                                                                                                                        STORE_AVX512)
                                                                                                                        EACH_HIGH(STORE_AVX512) EACH_MASK(
                                                                                                                                STORE_MASK) "3: pop %%rbx\n"
                                                                                                                                            "pop %%rbp\n"
                                                                                                                                            "add $256, %%rsp\n"
                :
                :
                : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}

static uint32_t widest(void)
{
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
                return 2;
        return __builtin_cpu_supports("avx") ? 1 : 0;
}

static void computes(struct stage *s)
{
        static const size_t shown[] = {16, 32, 64};
        size_t bytes, vectors;

        width = widest();
        bytes = shown[width];
        vectors = width == 2 ? VECTORS : VECTORS / 2;
        for (size_t k = 0; k < GENERAL; k++)
                general[k] = UINT64_C(0x9e3779b97f4a7c15) * (k + 1);
        for (size_t k = 0; k < VECTORS; k++)
                for (size_t i = 0; i < VECTOR_BYTES; i++)
                        vector[k][i] = (uint8_t)(k * 71 + i * 7);
        for (size_t k = 0; k < MASKS; k++)
                mask[k] = ~general[k];
        signal(SIGUSR1, on_enough);
        s->ready = true;
        turn_with_full_registers();
        holder_check(!memcmp(general, general_seen, sizeof general));
        for (size_t k = 0; k < vectors; k++)
                holder_check(!memcmp(vector[k], vector_seen[k], bytes));
        holder_check(width < 2 || !memcmp(mask, mask_seen, sizeof mask));
        s->turns = (long)rounds;
}

static void every_register_comes_back(void)
{
        struct lab l;

        check(begin(&l, computes));
        for (uint32_t k = 0; k < DEAD; k++) {
                /* one at a time: so many stops as there are dead */
                struct bury_request all = l.request;
                l.request.count = 1;
                l.request.dead[0] = all.dead[k];
                bury(&l);
                check_int(l.result.end, BURY_DONE);
                check_int(l.result.buried, 1);
                all.waited_faults += l.result.waited_faults;
                l.request = all;
        }
        check_int(buried(&l), DEAD);
        kill(l.holder, SIGUSR1);
        end(&l);
}

/* ---- killed in the middle ---- */

/* Somewhen: after a time, or, because most of that time the holder isn't held, when so many are buried. */
static void await_moment(const struct lab *l, uint32_t attempt)
{
        uint32_t random = attempt * UINT32_C(2654435761) >> 8;
        uint64_t after_ns = attempt % 2 ? random % 2500 * NSEC_PER_USEC : random % 60 * NSEC_PER_USEC;

        for (int k = 0; !(attempt % 2) && k < PATIENCE_MS * 100; k++)
                if (state_of(l, l->stage->dead[random / 64 % (DEAD - 1)]) == '-')
                        break;
        for (uint64_t end_ns = clock_boot_ns() + after_ns; clock_boot_ns() < end_ns;)
                ;
}

/* Buries in a process of its own, which is killed. */
static void bury_and_die(struct lab *l, uint32_t attempt)
{
        int started[2], status;
        char byte;

        check_int(pipe(started), 0);
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) {
                (void)!write(started[1], "x", 1);
                bury_run(l->proc_fd, NULL, &l->request, &l->result);
                for (;;)
                        pause();
        }
        check_int(read(started[0], &byte, 1), 1);
        await_moment(l, attempt);
        kill(pid, SIGKILL);
        check_int(waitpid(pid, &status, 0), pid);
        close(started[0]);
        close(started[1]);
}

static void killed(void (*life)(struct stage *s), int wakes)
{
        const char *wanted = getenv("SEXTON_KILLS");
        uint32_t kills = wanted ? (uint32_t)atoi(wanted) : 40, half_way = 0;

        for (uint32_t k = 0; k < kills && tap_ok_now; k++) {
                struct lab l;
                if (!begin(&l, life)) {
                        check(!"begun");
                        return;
                }
                l.stage->held = !(k % 2);
                bury_and_die(&l, k);
                uint32_t n = buried(&l);
                half_way += n && n < DEAD;
                /* who needs no signal may have come to his end by himself, on a slow machine */
                check(!wakes || !is_gone(&l));
                kill(l.holder, wakes);
                end(&l);
        }
        printf("# %u times killed, %u of them with some of the dead buried and some not\n", kills, half_way);
}

static void a_computation_survives_our_death(void)
{
        killed(computes, SIGUSR1);
}

static void waits_for_signal(struct stage *s)
{
        sigset_t usr, old;
        int sig = 0;

        sigemptyset(&usr);
        sigaddset(&usr, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr, &old);
        s->ready = true;
        /* sigwait has no time-out, so it is restarted; the mask has to be what it was */
        while (sigwait(&usr, &sig) == EINTR)
                ;
        holder_check(sig == SIGUSR1);
        sigprocmask(SIG_BLOCK, NULL, &old);
        holder_check(sigismember(&old, SIGUSR1) == 1 && sigismember(&old, SIGUSR2) == 0);
}

static void a_wait_survives_our_death(void)
{
        killed(waits_for_signal, SIGUSR1);
}

static void waits_for_events(struct stage *s)
{
        int ep = epoll_create1(0), fd, n;
        struct epoll_event e = {.events = EPOLLIN};
        sigset_t usr;

        sigemptyset(&usr);
        sigaddset(&usr, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr, NULL);
        fd = signalfd(-1, &usr, 0);
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        s->ready = true;
        /* between our stop and our first look at its registers it is on its own */
        while ((n = epoll_wait(ep, &e, 1, -1)) < 0)
                holder_check(errno == EINTR && !s->held);
        holder_check(n == 1);
}

static void a_poll_survives_our_death(void)
{
        killed(waits_for_events, SIGUSR1);
}

static void sleeps_a_moment(struct stage *s)
{
        uint64_t began = clock_boot_ns();

        s->ready = true;
        holder_check(poll(NULL, 0, 60) == 0);
        holder_check(clock_boot_ns() - began >= 60 * NSEC_PER_MSEC);
}

/* It may last longer, but neither end early nor fail. */
static void a_sleep_survives_our_death(void)
{
        killed(sleeps_a_moment, 0);
}

static void all(void)
{
        test(every_register_comes_back);
        test(a_computation_survives_our_death);
        test(a_wait_survives_our_death);
        test(a_poll_survives_our_death);
        test(a_sleep_survives_our_death);
}

#else

static void elsewhere(void)
{
        skip("burying is known for x86-64 only");
}

static void all(void)
{
        test(elsewhere);
}

#endif

int main(void)
{
        return tap_main(all);
}
