/* The black box in shared memory: see blackbox_map.h. */
#include "wire/blackbox_map.h"

#include "base/shared.h"
#include "base/util.h"
#include "wire/capture_tame.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int blackbox_create(void)
{
        return shared_create("sexton-blackbox", sizeof(struct blackbox));
}

int blackbox_receipts_create(void)
{
        return shared_create("sexton-receipts", sizeof(struct blackbox_receipts));
}

int blackbox_map(int fd, bool writable, struct blackbox **ret)
{
        void *p;
        int r = shared_map(fd, sizeof(struct blackbox), writable, &p);

        if (r < 0)
                return r;
        struct blackbox *box = p;
        if (box->version && box->version != BLACKBOX_VERSION) {
                munmap(box, sizeof *box);
                return -EPROTO;
        }
        *ret = box;
        return 0;
}

int blackbox_receipts_map(int fd, bool writable, struct blackbox_receipts **ret)
{
        void *p;
        int r = shared_map(fd, sizeof(struct blackbox_receipts), writable, &p);

        if (r == 0)
                *ret = p;
        return r;
}

/* ---- writing ---- */

void blackbox_change_begin(struct blackbox_slot *slot)
{
        /* |1 and not +1: a guard that died in a change left the number odd */
        __atomic_store_n(&slot->sequence, slot->sequence | 1u, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void blackbox_change_end(struct blackbox_slot *slot)
{
        __atomic_store_n(&slot->sequence, (slot->sequence | 1u) + 1u, __ATOMIC_RELEASE);
}

void blackbox_end(struct blackbox_slot *slot)
{
        slot->whole = 1;
        blackbox_change_end(slot);
}

void blackbox_drop(struct blackbox_slot *slot)
{
        slot->whole = 0;
        slot->capture.number = 0;
        blackbox_change_end(slot);
}

void blackbox_mend(struct blackbox *box)
{
        box->version = BLACKBOX_VERSION;
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++) {
                struct blackbox_slot *slot = &box->slot[i];
                if (!slot->whole)
                        blackbox_drop(slot);
                else if (slot->sequence & 1u)
                        blackbox_change_end(slot); /* a reason was being added: counted when it is complete */
        }
}

static bool is_saved(const struct blackbox *box, const struct blackbox_receipts *receipts, uint32_t i)
{
        return __atomic_load_n(&receipts->saved[i], __ATOMIC_ACQUIRE) == box->slot[i].sequence;
}

/* The one with exactly `older` older ones among those that are saved or not. */
static struct blackbox_slot *nth(
        struct blackbox *box, const struct blackbox_receipts *receipts, bool saved, uint32_t older)
{
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++) {
                uint32_t n = 0;
                if (is_saved(box, receipts, i) != saved)
                        continue;
                for (uint32_t k = 0; k < BLACKBOX_SLOTS; k++)
                        n += is_saved(box, receipts, k) == saved &&
                             box->slot[k].capture.number < box->slot[i].capture.number;
                if (n == older)
                        return &box->slot[i];
        }
        return NULL;
}

static struct blackbox_slot *choose(
        struct blackbox *box, const struct blackbox_receipts *receipts, bool only_free)
{
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++)
                if (!box->slot[i].whole)
                        return &box->slot[i];
        struct blackbox_slot *slot = nth(box, receipts, true, 0);
        if (slot || only_free)
                return slot;
        box->given_up++;
        slot = nth(box, receipts, false, BLACKBOX_SLOTS / 2);
        return slot ? slot : &box->slot[0]; /* a receipt came just now */
}

struct blackbox_slot *blackbox_begin(
        struct blackbox *box, const struct blackbox_receipts *receipts, bool only_free)
{
        struct blackbox_slot *slot = choose(box, receipts, only_free);

        if (!slot)
                return NULL;
        blackbox_change_begin(slot);
        slot->whole = 0;
        memset(&slot->capture, 0, sizeof slot->capture);
        slot->capture.number = ++box->next_number;
        return slot;
}

/* ---- reading ---- */

bool blackbox_has_other(const struct blackbox *box, uint32_t slot, uint32_t sequence)
{
        const struct blackbox_slot *s = &box->slot[slot];
        uint32_t now = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);

        return !(now & 1u) && now != sequence && s->whole;
}

bool blackbox_read(const struct blackbox *box, uint32_t slot, struct capture *ret, uint32_t *ret_sequence)
{
        const struct blackbox_slot *s = &box->slot[slot];
        uint32_t before = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);

        if (before & 1u || s->whole != 1)
                return false;
        memcpy(ret, &s->capture, sizeof *ret);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&s->sequence, __ATOMIC_RELAXED) != before)
                return false;
        capture_tame(ret);
        *ret_sequence = before;
        return true;
}
