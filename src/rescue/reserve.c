/* Staying able to answer: see reserve.h. */
#include "rescue/reserve.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum {
        HEAP_BYTES = 6 << 20,    /* twelve sessions, measured, take 3.1 MB */
        STACK_BYTES = 256 << 10, /* deepest use, measured, is a tenth */
        GROWTH_BYTES = 24 << 20, /* what may be added to the address space by any client */
        OOM_SCORE = -900,        /* as sshd has, nearly: hardly ever chosen */
        ROOM = 64,               /* entries that may come within seconds, when no page is to be had */
        ROOM_STRINGS = 512,
        ROOM_PROCESSES = 2048,
};
#define WINDOW_NS NSEC_PER_SEC
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* takes address space as it likes */
#else
#define SANITIZED false
#endif
#define SHARE_NS (300 * NSEC_PER_MSEC) /* of one core in each window */
/* One turn of the loop takes milliseconds. Who computes this long without pause has gone wrong: the kernel
 * ends it, and the supervisor starts another. */
#define RUNAWAY_USEC 1000000

void reserve_heap(void)
{
        /* one piece, below which nothing is given back or mapped apart: freed memory is there for the next */
        mallopt(M_ARENA_MAX, 1);
        mallopt(M_MMAP_MAX, 0);
        mallopt(M_TRIM_THRESHOLD, INT32_MAX);
        mallopt(M_TOP_PAD, 1 << 20);
}

static void touch_heap(void)
{
        char *p = malloc(HEAP_BYTES);

        if (p)
                explicit_bzero(p, HEAP_BYTES); /* the compiler must not see that nobody reads it */
        free(p);
}

static void touch_stack(void)
{
        char room[STACK_BYTES];

        explicit_bzero(room, sizeof room);
}

/* What a session runs through; other libraries of the binary are used by other processes only. */
static bool is_needed(const char *name)
{
        static const char *const needed[] = {"/libssh.", "/libcrypto.", "/libc.", "/ld-linux", "/libm."};

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
                if (strstr(name, needed[i]))
                        return true;
        return *name == '\0'; /* the program itself */
}

static int populate(struct dl_phdr_info *info, size_t size, void *ctx)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

        for (int i = 0; i < info->dlpi_phnum && is_needed(info->dlpi_name); i++) {
                const ElfW(Phdr) *h = &info->dlpi_phdr[i];
                union {
                        uintptr_t number;
                        void *pointer;
                } from = {.number = (info->dlpi_addr + h->p_vaddr) & ~(page - 1)};
                if (h->p_type == PT_LOAD)
                        madvise(from.pointer, info->dlpi_addr + h->p_vaddr + h->p_memsz - from.number,
                                h->p_flags & PF_W ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
        }
        return 0;
}

static void lacks(struct reserve *r, const char *what, int code, const char *then)
{
        log_warning("no %s (%s): %s", what, strerror(code), then);
        if (!*r->why_not)
                snprintf(r->why_not, sizeof r->why_not, "no %s: %s", what, strerror(code));
}

static void set_limit(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
        if (setrlimit(what, &(struct rlimit){soft, hard}) < 0)
                log_warning("limit %d can't be set: %s", (int)what, strerror(errno));
}

static uint64_t address_space(void)
{
        char text[64] = "";
        const char *p = text;
        uint64_t pages = 0;
        cleanup_close int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

        if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
                text_u64(&p, &pages);
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void hide_from_oom_killer(void)
{
        char text[16];
        cleanup_close int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        int n = snprintf(text, sizeof text, "%d", OOM_SCORE);

        if (fd < 0 || write(fd, text, (size_t)n) != n)
                log_info("oom_score_adj stays as it is: %s", strerror(errno));
}

void reserve_take(struct reserve *r)
{
        struct sched_param p = {.sched_priority = 1};

        touch_heap();
        touch_stack();
        dl_iterate_phdr(populate, NULL);
        /* ONFAULT: the wide, mostly untouched tables of the board cost nothing */
        bool unlimited = setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0;
        /* where the limit stays, what is added later is not locked: it could not be added at all */
        r->locked = mlockall(MCL_CURRENT | MCL_ONFAULT | (unlimited ? MCL_FUTURE : 0)) == 0;
        if (!r->locked)
                lacks(r, "locked memory", errno, "slower when memory is short");
        uint64_t now = SANITIZED ? 0 : address_space();
        if (now)
                set_limit(RLIMIT_AS, now + GROWTH_BYTES, now + GROWTH_BYTES);
        hide_from_oom_killer();
        set_limit(RLIMIT_RTTIME, RUNAWAY_USEC, RUNAWAY_USEC);
        set_limit(RLIMIT_CORE, 0, 0); /* it would hold the host key */
        r->real_time = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p) == 0;
        if (!r->real_time) {
                int code = errno;
                lacks(r, "real-time share", code,
                        code == EPERM
                                ? "slower under load; a control group of version 1 with a CPU controller "
                                  "grants it by cpu.rt_runtime_us"
                                : "slower under load");
                setpriority(PRIO_PROCESS, 0, -10);
        }
}

static void touch(void *table, uint32_t top, uint32_t room, uint32_t max, size_t each)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        size_t entries = MIN((size_t)top + top / 4 + room, (size_t)max);
        union {
                uintptr_t number;
                void *pointer;
        } from = {.pointer = table};
        uintptr_t end = from.number + entries * each;

        from.number &= ~(page - 1);
        madvise(from.pointer, end - from.number, MADV_POPULATE_WRITE);
}

void reserve_copy(struct board *copy, const struct board *from)
{
        touch(copy, 1, 0, 1, offsetof(struct board, finding));
        touch(copy->finding, from->finding_top, ROOM, BOARD_FINDINGS, sizeof copy->finding[0]);
        touch(copy->pending, 1, 0, 1, offsetof(struct board, service) - offsetof(struct board, pending));
        touch(copy->service, from->service_top, ROOM, BOARD_SERVICES, sizeof copy->service[0]);
        touch(copy->container, from->container_top, ROOM, BOARD_CONTAINERS, sizeof copy->container[0]);
        touch(copy->string, from->string_top, ROOM_STRINGS, BOARD_STRINGS, sizeof copy->string[0]);
        touch(copy->process, from->process_top, ROOM_PROCESSES, BOARD_PROCESSES, sizeof copy->process[0]);
}

void reserve_pace(struct reserve *r)
{
        uint64_t now_ns = clock_boot_ns(), cpu_ns = clock_thread_cpu_ns();

        if (now_ns - r->window_ns >= WINDOW_NS) {
                r->window_ns = now_ns;
                r->window_cpu_ns = cpu_ns;
        } else if (cpu_ns - r->window_cpu_ns > SHARE_NS) {
                struct timespec rest = {.tv_nsec = (long)(WINDOW_NS - 1 - (now_ns - r->window_ns))};
                nanosleep(&rest, NULL);
        }
}
