/* The event ring: see ring.h. */
#include "wire/ring.h"

#include "base/shared.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int ring_create(void)
{
        return shared_create("sexton-ring", sizeof(struct ring));
}

int ring_map(int fd, bool writable, struct ring **ret_ring)
{
        void *p;
        int r = shared_map(fd, sizeof(struct ring), writable, &p);

        if (r == 0)
                *ret_ring = p;
        return r;
}

void ring_unmap(struct ring *r)
{
        if (r)
                munmap(r, sizeof *r);
}

void ring_append(struct ring *r, const struct event *e)
{
        uint64_t number = r->written + 1;
        __typeof__(&r->slot[0]) s = &r->slot[number % RING_EVENTS];

        __atomic_store_n(&s->number, 0, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        s->event = *e;
        __atomic_store_n(&s->number, number, __ATOMIC_RELEASE);
        __atomic_store_n(&r->written, number, __ATOMIC_RELEASE);
}

void ring_reader_init(struct ring_reader *rd, const struct ring *r)
{
        uint64_t written = __atomic_load_n(&r->written, __ATOMIC_ACQUIRE);

        *rd = (struct ring_reader){.ring = r, .next = written > RING_EVENTS ? written - RING_EVENTS + 1 : 1};
}

bool ring_read(struct ring_reader *rd, struct event *ret)
{
        for (;;) {
                uint64_t written = __atomic_load_n(&rd->ring->written, __ATOMIC_ACQUIRE);
                if (rd->next > written)
                        return false;
                if (written - rd->next >= RING_EVENTS) {
                        uint64_t oldest = written - RING_EVENTS + 1;
                        rd->lost += oldest - rd->next;
                        rd->next = oldest;
                }
                __typeof__(&rd->ring->slot[0]) s = &rd->ring->slot[rd->next % RING_EVENTS];
                if (__atomic_load_n(&s->number, __ATOMIC_ACQUIRE) == rd->next) {
                        *ret = s->event;
                        __atomic_thread_fence(__ATOMIC_ACQUIRE);
                        if (__atomic_load_n(&s->number, __ATOMIC_RELAXED) == rd->next) {
                                rd->next++;
                                return true;
                        }
                }
                /* overwritten while we looked */
                rd->lost++;
                rd->next++;
        }
}
