/* Memory shared between processes: a memfd that can neither shrink nor grow, so that nobody who maps it
 * can be made to fault by another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Zero-filled. Descriptor or a negative errno. */
int shared_create(const char *name, size_t size);
/* -EPROTO when the descriptor is of another size. Ends with munmap(). */
int shared_map(int fd, size_t size, bool writable, void **ret);
