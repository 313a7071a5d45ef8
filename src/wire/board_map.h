/* Sharing the board: the supervisor creates it as a sealed memfd, the guard maps it writable, everyone
 * else read-only. A seqlock lets readers take a consistent private copy without the guard noticing.
 */
#pragma once

#include "model/board.h"

/* A zero-filled memfd of the board's size that cannot shrink or grow. Descriptor or negative errno. */
int board_create(void);
/* Maps it; *ret_board stays valid until board_unmap(). Checks version and size when not writable. */
int board_map(int fd, bool writable, struct board **ret_board);
void board_unmap(struct board *b);

/* The guard brackets each batch of changes. */
void board_write_begin(struct board *b);
void board_write_end(struct board *b, uint64_t now_ns);

/* How much of it a copy holds: what each process is doing, and its command line, is most of it. */
enum board_part { BOARD_WHOLE, BOARD_SERVICES_ONLY };

/* A consistent private copy of what is in use (the rest reads as zero), made with at most `tries`
 * attempts 200 us apart. NULL with errno EAGAIN when the guard wrote all the time or is gone in the
 * middle of a write. Free with board_snapshot_free(). */
struct board *board_snapshot(const struct board *b, enum board_part part, int tries);
void board_snapshot_free(struct board *copy);

/* The same into memory of the caller, who reads only entries below the copy's tops. 0 or -EAGAIN, the copy
 * then being of no use. */
int board_copy(struct board *copy, const struct board *b, enum board_part part, int tries);
/* What stands there when no consistent copy is to be had: parts may not fit together, texts end. */
void board_copy_torn(struct board *copy, const struct board *b, enum board_part part);
