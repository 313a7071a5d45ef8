/* Sharing the board: see board_map.h. */
#include "wire/board_map.h"

#include "base/shared.h"
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

int board_create(void)
{
        return shared_create("sexton-board", sizeof(struct board));
}

int board_map(int fd, bool writable, struct board **ret_board)
{
        void *p;
        int r = shared_map(fd, sizeof(struct board), writable, &p);

        if (r < 0)
                return r;
        struct board *b = p;
        if (b->version && b->version != BOARD_VERSION) {
                munmap(b, sizeof *b);
                return -EPROTO;
        }
        *ret_board = b;
        return 0;
}

void board_unmap(struct board *b)
{
        if (b)
                munmap(b, sizeof *b);
}

void board_write_begin(struct board *b)
{
        /* |1 and not +1: a guard that died inside a write left the number odd */
        __atomic_store_n(&b->sequence, b->sequence | 1u, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void board_write_end(struct board *b, uint64_t now_ns)
{
        b->updated_ns = now_ns;
        __atomic_store_n(&b->sequence, (b->sequence | 1u) + 1u, __ATOMIC_RELEASE);
}

static size_t used(uint32_t top, uint32_t max, size_t each)
{
        return (size_t)MIN(top, max) * each;
}

static void copy_used(struct board *to, const struct board *from, enum board_part part)
{
        memcpy(to, from, offsetof(struct board, finding));
        memcpy(to->finding, from->finding, used(to->finding_top, BOARD_FINDINGS, sizeof to->finding[0]));
        memcpy(to->action, from->action, used(to->action_top, BOARD_ACTIONS, sizeof to->action[0]));
        memcpy(to->service, from->service, used(to->service_top, BOARD_SERVICES, sizeof to->service[0]));
        if (part == BOARD_SERVICES_ONLY) {
                to->container_top = to->string_top = to->process_top = 0;
                return;
        }
        memcpy(to->container, from->container,
                used(to->container_top, BOARD_CONTAINERS, sizeof to->container[0]));
        memcpy(to->string, from->string, used(to->string_top, BOARD_STRINGS, sizeof to->string[0]));
        memcpy(to->process, from->process, used(to->process_top, BOARD_PROCESSES, sizeof to->process[0]));
}

struct board *board_snapshot(const struct board *b, enum board_part part, int tries)
{
        struct board *copy = mmap(NULL, sizeof *copy, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (copy == MAP_FAILED)
                return NULL;
        for (int i = 0; i < tries; i++) {
                uint32_t before = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);
                if (!(before & 1u)) {
                        copy_used(copy, b, part);
                        __atomic_thread_fence(__ATOMIC_ACQUIRE);
                        if (__atomic_load_n(&b->sequence, __ATOMIC_RELAXED) == before)
                                return copy;
                }
                nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        }
        munmap(copy, sizeof *copy);
        errno = EAGAIN;
        return NULL;
}

void board_snapshot_free(struct board *copy)
{
        board_unmap(copy);
}
