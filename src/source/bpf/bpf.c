/* Reading what the BPF programs left in the ring, and running the task iterator: see bpf.h. Nothing here
 * uses libbpf, so that its pages are never touched by the process that stays.
 */
#include "source/bpf/bpf.h"

#include "source/bpf/load.h"
#include "source/bpf/record_read.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

_Static_assert((int)BPF_TASK_ZOMBIES == RECORD_WANT_ZOMBIES && (int)BPF_TASK_ACTIVE == RECORD_WANT_ACTIVE &&
                       (int)BPF_TASK_ALL == RECORD_WANT_ALL,
        "the iterator filters by the same bits");
_Static_assert(LIFE_EXE_SIZE >= RECORD_EXE_SIZE && LIFE_COMMAND_SIZE >= RECORD_COMMAND_SIZE &&
                       LIFE_COMM_SIZE >= RECORD_COMM_SIZE,
        "records fit into events");

/* The kernel gives a task iterator at most 8 pages at a time. */
enum { TASK_CHUNK = 32 << 10 };

struct bpf_source {
        struct bpf_loaded loaded;
        size_t page, ring_bytes;
        /* The ring as the kernel lays it out: the consumer's position on a page of its own that we may
         * write; the producer's on the next; then the data. */
        unsigned long *consumed;
        const unsigned long *produced;
        const char *data;
        struct bpf_shared *shared;
        char chunk[TASK_CHUNK];
};

static int map_pages(void **ret, size_t size, int prot, int fd, size_t offset)
{
        void *p = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)offset);

        if (p == MAP_FAILED)
                return -errno;
        *ret = p;
        return 0;
}

static int map_source(struct bpf_source *s)
{
        void *consumed = NULL, *produced = NULL, *shared = NULL;
        int r;

        r = map_pages(&consumed, s->page, PROT_READ | PROT_WRITE, s->loaded.ring_fd, 0);
        if (r < 0)
                return r;
        s->consumed = consumed;
        /* The kernel offers the data twice in a row, so that no record is cut at the end; mapped once, half
         * the page tables do, and cut records are put together here. */
        r = map_pages(&produced, s->page + s->ring_bytes, PROT_READ, s->loaded.ring_fd, s->page);
        if (r < 0)
                return r;
        s->produced = produced;
        s->data = (const char *)produced + s->page;
        r = map_pages(&shared, s->page, PROT_READ | PROT_WRITE, s->loaded.shared_fd, 0);
        if (r < 0)
                return r;
        s->shared = shared;
        return 0;
}

static uint32_t ring_size(uint32_t wanted)
{
        uint32_t size = BPF_RING_MIN;

        if (!wanted)
                wanted = BPF_RING_DEFAULT;
        wanted = MIN(wanted, (uint32_t)BPF_RING_MAX);
        while (size < wanted || size < (uint32_t)sysconf(_SC_PAGESIZE))
                size *= 2;
        return size;
}

int bpf_source_open(const struct bpf_options *o, struct bpf_source **ret, struct error *e)
{
        struct bpf_options real = *o;
        struct bpf_source *s;
        int r;

        s = calloc(1, sizeof *s);
        if (!s)
                return error_set(e, -ENOMEM, "BPF: out of memory");
        memset(&s->loaded, 0xff, sizeof s->loaded);
        real.ring_bytes = ring_size(o->ring_bytes);
        s->ring_bytes = real.ring_bytes;
        s->page = (size_t)sysconf(_SC_PAGESIZE);
        r = bpf_load(&real, &s->loaded, e);
        if (r < 0) {
                bpf_source_free(s);
                return r;
        }
        r = map_source(s);
        if (r < 0) {
                bpf_source_free(s);
                return error_set(e, r, "BPF: mmap: %s", strerror(-r));
        }
        *ret = s;
        return 0;
}

void bpf_source_free(struct bpf_source *s)
{
        if (!s)
                return;
        if (s->consumed)
                munmap(s->consumed, s->page);
        if (s->produced)
                munmap((void *)(uintptr_t)s->produced, s->page + s->ring_bytes);
        if (s->shared)
                munmap(s->shared, s->page);
        bpf_loaded_done(&s->loaded);
        free(s);
}

int bpf_source_fd(const struct bpf_source *s)
{
        return s->loaded.ring_fd;
}

static size_t waiting(const struct bpf_source *s)
{
        return __atomic_load_n(s->produced, __ATOMIC_ACQUIRE) - *s->consumed;
}

bool bpf_source_sleep(struct bpf_source *s)
{
        __atomic_store_n(&s->shared->asleep, 1, __ATOMIC_SEQ_CST);
        /* A program reserves its record first and looks then; we the other way round: one sees the other. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!waiting(s))
                return true;
        __atomic_store_n(&s->shared->asleep, 0, __ATOMIC_RELAXED);
        return false;
}

bool bpf_source_is_filling(const struct bpf_source *s)
{
        return waiting(s) >= s->ring_bytes / 4;
}

/* The bytes at a position of the ring, in one piece. */
static const void *ring_at(const struct bpf_source *s, unsigned long at, uint32_t len, char *buf)
{
        size_t offset = at & (s->ring_bytes - 1);
        size_t first = s->ring_bytes - offset;

        if (first >= len)
                return s->data + offset;
        memcpy(buf, s->data + offset, first);
        memcpy(buf + first, s->data, len - first);
        return buf;
}

int bpf_source_drain(struct bpf_source *s, uint32_t max, life_fn fn, void *ctx)
{
        const uint32_t flags = BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT;
        unsigned long at = *s->consumed;
        unsigned long end = __atomic_load_n(s->produced, __ATOMIC_ACQUIRE);
        char piece[sizeof(struct record_exec)];
        struct record_text text;
        struct life_event event;
        uint32_t n = 0;

        while (at < end && n < max) {
                const char *header = s->data + (at & (s->ring_bytes - 1));
                uint32_t len = __atomic_load_n((const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);

                if (len & BPF_RINGBUF_BUSY_BIT)
                        break; /* still being written; those behind it wait too */
                uint32_t size = len & ~flags;
                if (!(len & BPF_RINGBUF_DISCARD_BIT) && size <= sizeof piece &&
                        record_read(ring_at(s, at + BPF_RINGBUF_HDR_SZ, size, piece), size, &text, &event)) {
                        fn(ctx, &event);
                        n++;
                }
                at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
                /* Room for the kernel at once: a burst goes on while we read. */
                __atomic_store_n(s->consumed, at, __ATOMIC_RELEASE);
        }
        return (int)n;
}

uint64_t bpf_source_lost(const struct bpf_source *s)
{
        return __atomic_load_n(&s->shared->lost, __ATOMIC_RELAXED);
}

/* ---- iterators ---- */

static struct bpf_task task_of(const struct record_task *r)
{
        struct bpf_task t = {
                .pid = r->pid,
                .ppid = r->ppid,
                .tid = r->tid,
                .sid = r->sid,
                .threads = r->threads,
                .tracer = r->tracer,
                .dead = r->exit_state != 0,
                .state = record_state_char(r->state, r->exit_state),
                .start_ns = r->start_ns,
                .cpu_ns = r->cpu_ns,
                .cgroup_id = r->cgroup_id,
                .switches = r->switches,
        };

        memcpy(t.comm, r->comm, sizeof r->comm);
        t.comm[sizeof t.comm - 1] = '\0';
        return t;
}

/* take() is shown what is left of a chunk and says how much of it one task was, 0 when there is no whole one.
 * The programs put whole records or none, and read() ends between two of them only because the chunk holds
 * all that the kernel gathers at a time. */
static int iterate(
        struct bpf_source *s, int link_fd, size_t (*take)(void *ctx, const char *p, size_t len), void *ctx)
{
        union bpf_attr attr = {.iter_create.link_fd = (uint32_t)link_fd};
        int n = 0;

        cleanup_close int fd = (int)syscall(__NR_bpf, BPF_ITER_CREATE, &attr, sizeof attr);
        if (fd < 0)
                return -errno;
        for (;;) {
                ssize_t len = read(fd, s->chunk, sizeof s->chunk);

                if (len == 0)
                        return n;
                if (len < 0 && (errno == EAGAIN || errno == EINTR))
                        continue;
                if (len < 0)
                        return -errno;
                for (size_t at = 0, used = 1; used && at < (size_t)len; at += used, n += used != 0)
                        used = take(ctx, s->chunk + at, (size_t)len - at);
        }
}

struct tasks {
        void (*fn)(void *ctx, const struct bpf_task *t);
        void *ctx;
};

static size_t take_task(void *ctx, const char *p, size_t len)
{
        const struct tasks *to = ctx;
        struct record_task r;

        if (len < sizeof r)
                return 0;
        memcpy(&r, p, sizeof r);
        struct bpf_task t = task_of(&r);
        to->fn(to->ctx, &t);
        return sizeof r;
}

int bpf_source_tasks(
        struct bpf_source *s, unsigned what, void (*fn)(void *ctx, const struct bpf_task *t), void *ctx)
{
        if (s->loaded.iter_fd < 0)
                return -ENOTSUP;
        __atomic_store_n(&s->shared->want, what, __ATOMIC_RELEASE);
        return iterate(s, s->loaded.iter_fd, take_task, &(struct tasks){fn, ctx});
}

struct stacks {
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len);
        void *ctx;
};

static size_t take_stack(void *ctx, const char *p, size_t len)
{
        const struct stacks *to = ctx;
        struct record_stack r;
        const char *text;
        size_t text_len, used = record_read_stack(p, len, &r, &text, &text_len);

        if (!used)
                return 0;
        struct bpf_task t = task_of(&r.task);
        to->fn(to->ctx, &t, text, text_len);
        return used;
}

int bpf_source_stacks(struct bpf_source *s, uint32_t blocked, uint32_t running,
        void (*fn)(void *ctx, const struct bpf_task *t, const char *stack, size_t len), void *ctx,
        uint32_t *ret_left_out)
{
        _Static_assert((int)BPF_STACK_DEPTH == RECORD_STACK_DEPTH, "as many frames as the program writes");

        if (s->loaded.stack_fd < 0)
                return -ENOTSUP;
        s->shared->stacks_left_out = 0;
        s->shared->stacks_running = running;
        __atomic_store_n(&s->shared->stacks_blocked, blocked, __ATOMIC_RELEASE);
        int n = iterate(s, s->loaded.stack_fd, take_stack, &(struct stacks){fn, ctx});
        if (n >= 0)
                *ret_left_out = __atomic_load_n(&s->shared->stacks_left_out, __ATOMIC_ACQUIRE);
        return n;
}
