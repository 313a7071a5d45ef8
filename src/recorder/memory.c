/* The recorder's memory: see memory.h. */
#include "recorder/memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/board_map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NUMBER "{\"next\":"

enum { RESOLVED = 200, STOP_MS = 5000 }; /* the supervisor kills after 10 s */
#define LEAVE_RING_NS (60 * NSEC_PER_SEC)

static int64_t unix_ms(void)
{
        return ((int64_t)clock_boot_ns() + clock_wall_offset_ns()) / (int64_t)NSEC_PER_MSEC;
}

void memory_prepare(const struct config *c, const struct confine_user *user)
{
        bool root = geteuid() == 0;
        struct error e = {0};

        if (store_make_folder(c->data_dir, root ? user->uid : (uid_t)-1, root ? user->gid : (gid_t)-1, &e) <
                0)
                log_warning("%s", e.text);
}

static bool is_in_memory(const struct memory *m)
{
        struct store_status s;

        store_status(m->store, &s);
        return s.state == STORE_IN_MEMORY;
}

/* The ring outlives its reader: what a predecessor has stored of it is not read again. */
static void skip_stored(struct memory *m)
{
        /* when the guard began on this board is another for each ring */
        uint64_t next = store_ring_next(m->store, m->board->started_ns);

        if (next <= __atomic_load_n(&m->reader->ring->written, __ATOMIC_ACQUIRE) + 1)
                m->reader->next = MAX(m->reader->next, next);
}

int memory_start(struct memory *m, const struct config *c, const struct board *shared, struct history *h,
        struct ring_reader *reader)
{
        *m = (struct memory){.history = h, .board = shared, .reader = reader};
        m->store = store_new(&(struct store_options){.folder = c->data_dir,
                .retention_ms = (int64_t)(c->store.retention * 1000),
                .max_bytes = (uint64_t)c->store.max_size,
                .unix_ms = unix_ms,
                .boot_ns = clock_boot_ns});
        if (!m->store)
                return -ENOMEM;
        h->next_number = MAX(h->next_number, store_last_event(m->store) + 1);
        m->started_ns = clock_boot_ns();
        m->late = is_in_memory(m);
        if (!m->late)
                skip_stored(m);
        return 0;
}

bool memory_leaves_ring(const struct memory *m)
{
        if (!m->late || clock_boot_ns() > m->started_ns + LEAVE_RING_NS)
                return false;
        uint64_t written = __atomic_load_n(&m->reader->ring->written, __ATOMIC_ACQUIRE);
        return written - MIN(m->reader->next, written) < RING_EVENTS / 2;
}

/* ---- documents ---- */

/* Numbers of incidents outlive the documents, which are deleted by age. */
static void remember_number(struct memory *m, uint64_t next)
{
        char json[40];

        if (next <= m->next_incident)
                return;
        m->next_incident = next;
        int n = snprintf(json, sizeof json, NUMBER "%llu}", (unsigned long long)next);
        store_document_put(m->store, STORE_STATE, "incident", false, NULL, 0, json, (size_t)n);
}

static int recall_number(void *ctx, const struct store_document *d)
{
        const char *p = d->json + sizeof NUMBER - 1;
        uint64_t *ret = ctx;

        if (d->len > sizeof NUMBER && !strncmp(d->json, NUMBER, sizeof NUMBER - 1))
                text_u64(&p, ret);
        return 0;
}

/* They begin with 1 in a new file; where nothing on disk can tell which were given out, with Unix seconds. */
static void number_incidents(struct memory *m, struct book *b)
{
        struct store_filter f = {.id = "incident", .limit = 1};
        struct store_status s;

        store_status(m->store, &s);
        if (s.state != STORE_ON_DISK || s.text[0])
                book_number_from(b, (uint64_t)(unix_ms() / 1000));
        store_documents(m->store, STORE_STATE, &f, recall_number, &m->next_incident);
        book_number_from(b, m->next_incident);
}

static void put_incident(void *ctx, uint64_t id, bool open, const char *service, int64_t opened_ms,
        const char *json, size_t len)
{
        struct memory *m = ctx;
        char key[24];

        snprintf(key, sizeof key, "%llu", (unsigned long long)id);
        int r = store_document_put(m->store, STORE_INCIDENT, key, open, service, opened_ms, json, len);
        if (r < 0)
                log_warning("incident %s is not remembered: %s", key, strerror(-r));
        remember_number(m, id + 1);
}

struct each {
        void (*fn)(void *to, const char *json, size_t len);
        void *to;
};

static int show_resolved(void *ctx, const struct store_document *d)
{
        const struct each *e = ctx;

        e->fn(e->to, d->json, d->len);
        return 0;
}

static void resolved(
        void *ctx, uint64_t id, uint32_t limit, void (*fn)(void *to, const char *json, size_t len), void *to)
{
        struct memory *m = ctx;
        struct each e = {.fn = fn, .to = to};
        struct store_filter f = {.only_closed = true, .limit = limit};
        char key[24];

        snprintf(key, sizeof key, "%llu", (unsigned long long)id);
        if (id)
                f.id = key;
        store_documents(m->store, STORE_INCIDENT, &f, show_resolved, &e);
}

static enum store_kind kind_of(const char *kind)
{
        return !strcmp(kind, "notice")    ? STORE_NOTICE
               : !strcmp(kind, "silence") ? STORE_SILENCE
                                          : STORE_STATE;
}

static void put(void *ctx, const char *kind, const char *id, bool open, const char *service, int64_t time_ms,
        const char *json, size_t len)
{
        struct memory *m = ctx;
        int r = store_document_put(m->store, kind_of(kind), id, open, service, time_ms, json, len);

        if (r < 0)
                log_warning("%s %s is not remembered: %s", kind, id, strerror(-r));
}

static void forget(void *ctx, const char *kind, const char *id)
{
        struct memory *m = ctx;

        store_document_remove(m->store, kind_of(kind), id);
}

struct tell_keeper memory_tell_keeper(struct memory *m)
{
        return (struct tell_keeper){.ctx = m, .put = put, .remove = forget};
}

/* Documents as they were stored: those who read them may put others at once, which asking does not allow. */
struct stored {
        struct stored *next;
        bool open;
        size_t len;
        char json[];
};
struct stored_list {
        struct stored *first, **end;
};

static int collect(void *ctx, const struct store_document *d)
{
        struct stored_list *l = ctx;
        struct stored *one = malloc(sizeof *one + d->len + 1);

        if (!one)
                return -ENOMEM;
        *one = (struct stored){.open = d->open, .len = d->len};
        memcpy(one->json, d->json, d->len + 1);
        *l->end = one;
        l->end = &one->next;
        return 0;
}

static int restore_incident(struct book *b, struct tell *t, const struct stored *d)
{
        int r = book_restore(b, d->json, d->len, clock_boot_ns(), clock_wall_offset_ns());

        /* what has been told of it is known from the notices; one that is over may have been kept back at
         * night */
        if (r == 0)
                tell_restore_incident(t, d->json, d->len);
        return r == -EEXIST ? 0 : r;
}

static void restore(struct memory *m, struct book *b, struct tell *t, enum store_kind kind, const char *name,
        const struct store_filter *f)
{
        struct stored_list l = {.end = &l.first};

        if (store_documents(m->store, kind, f, collect, &l) < 0)
                log_warning("not all that was remembered as %s can be read", name);
        for (struct stored *d; (d = l.first); free(d)) {
                l.first = d->next;
                int r = kind == STORE_INCIDENT
                                ? restore_incident(b, t, d)
                                : policy_restore(&t->policy, name, d->json, d->len, tell_now());
                if (r < 0)
                        log_warning("a remembered %s is not understood: %s", name, strerror(-r));
        }
}

static void restore_all(struct memory *m)
{
        struct book *b = m->book;
        struct tell *t = m->tell;

        restore(m, b, t, STORE_NOTICE, "notice", NULL);
        restore(m, b, t, STORE_SILENCE, "silence", NULL);
        restore(m, b, t, STORE_INCIDENT, "incident", &(struct store_filter){.only_open = true});
        /* of those that are over, the newest */
        restore(m, b, t, STORE_INCIDENT, "incident",
                &(struct store_filter){.only_closed = true, .limit = RESOLVED});
}

void memory_restore(struct memory *m, struct book *b, struct tell *t)
{
        m->book = b;
        m->tell = t;
        number_incidents(m, b);
        book_keep(b, &(struct book_keeper){.ctx = m, .put = put_incident, .resolved = resolved});
        if (!m->late)
                restore_all(m);
}

/* ---- running ---- */

/* The disk has answered at last. What was opened meanwhile joins what it belongs to. */
static void catch_up(struct memory *m)
{
        log_info("the store is open: what it remembers is taken up");
        m->late = false;
        skip_stored(m);
        number_incidents(m, m->book);
        restore_all(m);
        tell_poke(m->tell);
}

void memory_tick(struct memory *m)
{
        if (m->late && !is_in_memory(m))
                catch_up(m);
        if (!m->late)
                store_ring(m->store, m->board->started_ns, m->reader->next);
        store_sample(m->store, m->board);
        store_tick(m->store, m->history);
}

void memory_stop(struct memory *m)
{
        if (m->store && store_flush(m->store, m->history, STOP_MS) < 0)
                log_warning("not all of the history is on disk");
        store_free(m->store, STOP_MS);
        m->store = NULL;
}
