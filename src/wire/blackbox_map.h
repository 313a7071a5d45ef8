/* The black box between processes: the supervisor makes it, the guard fills its slots, the recorder takes
 * what is whole to disk and leaves a receipt. Nobody waits for anybody: a reader copies a slot and keeps the
 * copy if its sequence is even and the same before and after.
 */
#pragma once

#include "model/blackbox.h"

/* Zero-filled memfds of fixed size. Descriptor or negative errno. */
int blackbox_create(void);
int blackbox_receipts_create(void);
/* -EPROTO: of another version or size. Both stay mapped until munmap(). */
int blackbox_map(int fd, bool writable, struct blackbox **ret);
int blackbox_receipts_map(int fd, bool writable, struct blackbox_receipts **ret);

/* ---- for the guard ---- */

/* At its start: what a predecessor had not ended is given up; what was whole stays. */
void blackbox_mend(struct blackbox *box);
/* A slot for a new capture, zeroed but for its number. An empty one, else the oldest that is saved; when none
 * is, those of the beginning are kept and the newest, and the one in the middle gives way, which is counted.
 * only_free: NULL rather than to give up one that isn't saved. */
struct blackbox_slot *blackbox_begin(
        struct blackbox *box, const struct blackbox_receipts *receipts, bool only_free);
void blackbox_end(struct blackbox_slot *slot);
/* As if it had never been begun. */
void blackbox_drop(struct blackbox_slot *slot);
/* Brackets a change of one that is whole; readers take it anew. */
void blackbox_change_begin(struct blackbox_slot *slot);
void blackbox_change_end(struct blackbox_slot *slot);

/* ---- for readers ---- */

/* Copies a whole capture and makes the copy harmless; *ret_sequence is what a receipt has to say. False when
 * there is none in the slot, or it is being changed. */
bool blackbox_read(const struct blackbox *box, uint32_t slot, struct capture *ret, uint32_t *ret_sequence);
/* Is there something whole in it that is not `sequence`? Costs nothing. */
bool blackbox_has_other(const struct blackbox *box, uint32_t slot, uint32_t sequence);
