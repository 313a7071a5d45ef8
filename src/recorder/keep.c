/* Captures to disk: see keep.h. */
#include "recorder/keep.h"

#include "api/capture_json.h"
#include "base/log.h"
#include "wire/blackbox_map.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define AGAIN_NS (5 * NSEC_PER_SEC)

void keep_start(struct keep *k, int box_fd, int receipts_fd)
{
        struct blackbox *box = NULL;
        int r;

        *k = (struct keep){0};
        if (box_fd < 0 || receipts_fd < 0)
                return;
        r = blackbox_map(box_fd, false, &box);
        if (r == 0)
                r = blackbox_receipts_map(receipts_fd, true, &k->receipts);
        if (r < 0)
                log_error("cannot map the black box (%s): what is captured isn't kept", strerror(-r));
        else
                k->box = box;
}

void keep_stop(struct keep *k)
{
        if (!k->box)
                return;
        munmap((void *)(uintptr_t)k->box, sizeof *k->box);
        munmap(k->receipts, sizeof *k->receipts);
        k->box = NULL;
}

/* 0, or why the store doesn't take it. */
static int put(struct keep *k, uint32_t slot, struct store *s, struct capture *c)
{
        struct json_out j = json_out_of(STORE_JSON_MAX);
        char name[CAPTURE_ID];
        uint32_t sequence;

        if (!blackbox_read(k->box, slot, c, &sequence))
                return 0; /* it is being changed: the next time */
        capture_json(c, &j);
        int r = j.out.failed ? -ENOMEM
                             : store_document_put(s, STORE_CAPTURE, capture_id(capture_unix_ms(c), name),
                                       false, NULL, capture_unix_ms(c), j.out.buf, j.out.len);
        json_out_done(&j);
        if (r < 0)
                return r;
        k->put[slot] = sequence;
        k->id[slot] = capture_unix_ms(c);
        return 0;
}

static int look_at(struct keep *k, uint32_t slot, struct store *s, enum store_state state)
{
        char name[CAPTURE_ID];

        if (!blackbox_has_other(k->box, slot, k->receipts->saved[slot]))
                return 0;
        if (!k->put[slot] || blackbox_has_other(k->box, slot, k->put[slot])) {
                struct capture *c = malloc(sizeof *c);
                int r = c ? put(k, slot, s, c) : -ENOMEM;
                free(c);
                return r;
        }
        if (state == STORE_OFF || !store_document_waits(s, STORE_CAPTURE, capture_id(k->id[slot], name)))
                __atomic_store_n(&k->receipts->saved[slot], k->put[slot], __ATOMIC_RELEASE);
        return 0;
}

void keep_tick(struct keep *k, struct store *s, uint64_t now_ns)
{
        struct store_status status;
        uint32_t wanted = 0;

        for (uint32_t i = 0; k->box && i < BLACKBOX_SLOTS; i++)
                wanted += blackbox_has_other(k->box, i, k->receipts->saved[i]);
        if (!wanted || now_ns < k->again_ns)
                return;
        store_status(s, &status);
        if (status.state == STORE_IN_MEMORY)
                return;
        for (uint32_t i = 0; i < BLACKBOX_SLOTS; i++) {
                int r = look_at(k, i, s, status.state);
                if (r < 0) {
                        log_warning("a capture can't be kept yet: %s", strerror(-r));
                        k->again_ns = now_ns + AGAIN_NS;
                        return;
                }
        }
}
