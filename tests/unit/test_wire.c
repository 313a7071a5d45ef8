/* The board's seqlock and the event ring, with the writer and readers at work at the same time: copies are
 * never torn, events are never torn, doubled or out of order, and what a slow reader missed is counted
 * exactly.
 */
#include "base/util.h"
#include "tap.h"
#include "wire/board_map.h"
#include "wire/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

enum { WRITES = 3000, EVENTS = 60000, PROCESSES = 300 };

struct shared {
        int board_fd, ring_fd;
        struct board *board; /* the writer's map */
        struct ring *ring;
        bool done;
};

static void *write_board(void *ctx)
{
        struct shared *s = ctx;

        for (uint32_t n = 1; n <= WRITES; n++) {
                board_write_begin(s->board);
                s->board->zombies = n;
                for (uint32_t i = 1; i < PROCESSES; i++)
                        s->board->process[i].threads = n;
                s->board->leaders = n;
                board_write_end(s->board, n);
                usleep(20);
        }
        __atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
        return NULL;
}

static bool whole(const struct board *b)
{
        for (uint32_t i = 1; i < PROCESSES; i++)
                if (b->process[i].threads != b->zombies)
                        return false;
        return b->leaders == b->zombies && b->updated_ns == b->zombies;
}

static void board_copies_are_whole(void)
{
        struct shared s = {.board_fd = board_create()};
        struct board *seen = NULL;
        pthread_t writer;
        unsigned copies = 0, torn = 0, backwards = 0;
        uint32_t last = 0;

        check_int(board_map(s.board_fd, true, &s.board), 0);
        s.board->version = BOARD_VERSION;
        s.board->process_top = PROCESSES;
        check_int(board_map(s.board_fd, false, &seen), 0);
        check_int(pthread_create(&writer, NULL, write_board, &s), 0);
        while (!__atomic_load_n(&s.done, __ATOMIC_ACQUIRE)) {
                struct board *copy = board_snapshot(seen, BOARD_WHOLE, 50);
                if (!copy)
                        continue;
                copies++;
                torn += !whole(copy);
                backwards += copy->zombies < last;
                last = copy->zombies;
                board_snapshot_free(copy);
        }
        pthread_join(writer, NULL);
        check(copies > 0);
        check_int(torn, 0);
        check_int(backwards, 0);
        struct board *copy = board_snapshot(seen, BOARD_WHOLE, 1);
        check(copy && copy->zombies == WRITES);
        board_snapshot_free(copy);
        board_unmap(seen);
        board_unmap(s.board);
        close(s.board_fd);
}

/* A guard that died in the middle of a write leaves readers without a copy, not with half of one; the next
 * guard's first write mends it. */
static void board_of_a_dead_writer(void)
{
        struct board *b = NULL;
        int fd = board_create();

        check_int(board_map(fd, true, &b), 0);
        board_write_begin(b);
        errno = 0;
        check(!board_snapshot(b, BOARD_WHOLE, 3));
        check_int(errno, EAGAIN);
        board_write_begin(b);
        board_write_end(b, 1);
        struct board *copy = board_snapshot(b, BOARD_WHOLE, 1);
        check(copy != NULL);
        board_snapshot_free(copy);
        board_unmap(b);
        close(fd);
}

static void board_of_another_version(void)
{
        struct board *b = NULL, *other = NULL;
        int fd = board_create();

        check_int(board_map(fd, true, &b), 0);
        b->version = BOARD_VERSION + 1;
        check_int(board_map(fd, false, &other), -EPROTO);
        check(!other);
        board_unmap(b);
        close(fd);
        fd = memfd_create("short", MFD_CLOEXEC);
        check_int(board_map(fd, false, &other), -EPROTO);
        close(fd);
}

static void *append_events(void *ctx)
{
        struct shared *s = ctx;

        for (uint64_t n = 1; n <= EVENTS; n++) {
                struct event e = {.kind = EVENT_EXIT, .time_ns = n, .count = n, .cpu_ns = n, .start_ns = n};
                ring_append(s->ring, &e);
                if (n % 1024 == 0)
                        usleep(100);
        }
        __atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
        return NULL;
}

struct following {
        struct shared *s;
        struct ring_reader reader;
        bool slow;
        uint64_t read, lost, torn, disordered;
};

static void *follow(void *ctx)
{
        struct following *f = ctx;
        uint64_t last = 0;
        bool done = false;

        /* One pass more after the writer said it is done sees the last event. */
        for (bool again = true; again; again = !done) {
                struct event e;
                done = __atomic_load_n(&f->s->done, __ATOMIC_ACQUIRE);
                while (ring_read(&f->reader, &e)) {
                        f->read++;
                        f->torn += e.time_ns != e.count || e.count != e.cpu_ns || e.cpu_ns != e.start_ns;
                        f->disordered += e.count <= last;
                        last = e.count;
                        if (f->slow && f->read % 64 == 0)
                                usleep(2000);
                }
        }
        f->lost = f->reader.lost;
        return NULL;
}

static void ring_followed_by_readers(void)
{
        struct shared s = {.ring_fd = ring_create()};
        struct following f[2] = {{.s = &s}, {.s = &s, .slow = true}};
        struct ring *seen = NULL;
        pthread_t writer, readers[2];

        check_int(ring_map(s.ring_fd, true, &s.ring), 0);
        check_int(ring_map(s.ring_fd, false, &seen), 0);
        /* Before the writer starts: what was overwritten before a reader came isn't lost to it. */
        for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
                ring_reader_init(&f[i].reader, seen);
                check_int(pthread_create(&readers[i], NULL, follow, &f[i]), 0);
        }
        check_int(pthread_create(&writer, NULL, append_events, &s), 0);
        pthread_join(writer, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
                pthread_join(readers[i], NULL);
                check(f[i].read > 0);
                check_int(f[i].torn, 0);
                check_int(f[i].disordered, 0);
                check_int(f[i].read + f[i].lost, EVENTS);
        }
        ring_unmap(seen);
        ring_unmap(s.ring);
        close(s.ring_fd);
}

static void ring_reader_that_comes_late(void)
{
        struct ring *ring = NULL;
        struct ring_reader reader;
        struct event e = {.kind = EVENT_EXIT};
        int fd = ring_create();

        check_int(ring_map(fd, true, &ring), 0);
        ring_reader_init(&reader, ring);
        check(!ring_read(&reader, &e));
        for (uint64_t n = 1; n <= RING_EVENTS + 10; n++) {
                e.count = n;
                ring_append(ring, &e);
        }
        check(ring_read(&reader, &e));
        check_int(e.count, 11);
        check_int(reader.lost, 10);
        ring_reader_init(&reader, ring);
        check(ring_read(&reader, &e));
        check_int(e.count, 11);
        check_int(reader.lost, 0);
        ring_unmap(ring);
        close(fd);
}

static void all(void)
{
        test(board_copies_are_whole);
        test(board_of_a_dead_writer);
        test(board_of_another_version);
        test(ring_followed_by_readers);
        test(ring_reader_that_comes_late);
}

int main(void)
{
        return tap_main(all);
}
