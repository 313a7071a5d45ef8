/* The recorder's memory: see memory.h. */
#include "recorder/memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "wire/board_map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RESOLVED = 200, STOP_MS = 5000 }; /* the supervisor kills after 10 s */

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
        /* when the guard began on this board is another for each ring */
        uint64_t next = store_ring_next(m->store, shared->started_ns);
        if (next <= __atomic_load_n(&reader->ring->written, __ATOMIC_ACQUIRE) + 1)
                reader->next = MAX(reader->next, next);
        return 0;
}

/* ---- documents ---- */

static void put_incident(void *ctx, uint64_t id, bool open, const char *service, int64_t opened_ms,
        const char *json, size_t len)
{
        struct memory *m = ctx;
        char key[24];

        snprintf(key, sizeof key, "%llu", (unsigned long long)id);
        int r = store_document_put(m->store, STORE_INCIDENT, key, open, service, opened_ms, json, len);
        if (r < 0)
                log_warning("incident %s is not remembered: %s", key, strerror(-r));
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

struct restoring {
        struct book *book;
        struct tell *tell;
        const char *kind;
};

static int restore(void *ctx, const struct store_document *d)
{
        const struct restoring *r = ctx;
        int n = r->book ? book_restore(r->book, d->json, d->len, clock_boot_ns(), clock_wall_offset_ns())
                        : policy_restore(&r->tell->policy, r->kind, d->json, d->len, tell_now());

        if (n < 0)
                log_warning(
                        "what was remembered as %s %s is not understood: %s", r->kind, d->id, strerror(-n));
        return 0;
}

void memory_restore(struct memory *m, struct book *b, struct tell *t)
{
        static const struct {
                enum store_kind kind;
                const char *name;
                bool open;
        } all[] = {{STORE_INCIDENT, "incident", true}, {STORE_INCIDENT, "incident", false},
                {STORE_NOTICE, "notice", false}, {STORE_SILENCE, "silence", false}};

        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                bool incident = all[i].kind == STORE_INCIDENT;
                struct restoring r = {
                        .book = incident ? b : NULL, .tell = incident ? NULL : t, .kind = all[i].name};
                /* all that is open; of incidents that are over, the newest */
                struct store_filter f = {.only_open = all[i].open,
                        .only_closed = incident && !all[i].open,
                        .limit = incident && !all[i].open ? RESOLVED : 0};
                store_documents(m->store, all[i].kind, &f, restore, &r);
        }
        book_keep(b, &(struct book_keeper){.ctx = m, .put = put_incident, .resolved = resolved});
}

/* ---- running ---- */

void memory_tick(struct memory *m)
{
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
