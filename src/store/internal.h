/* How the parts of the store work together. Internal to store/.
 *
 * The caller's thread keeps what waits (documents, samples; events wait in the history) and makes a `job` of
 * what is due; the store's thread writes it in one transaction and says how it went. One job at a time: while
 * it is under way, what it points to stays as it is.
 */
#pragma once

#include "store/db.h"
#include "store/sample.h"
#include "store/store.h"

#include <pthread.h>

enum {
        JOB_EVENTS = 1024,               /* rows in one job; more follow in the next */
        WAITING_DOCUMENTS_MAX = 4 << 20, /* bytes of documents that the disk has not taken */
        WAITING_SAMPLES_MAX = 512 << 10, /* bytes of samples */
        QUERY_MS = 500,
};

/* A document that is not on disk yet in this version. */
struct waiting {
        struct waiting *next;
        enum store_kind kind;
        char id[STORE_ID + 1];
        char service[BOARD_NAME];
        bool open, removed;
        bool flying; /* part of the job under way: must not be changed, only replaced */
        bool gone;   /* replaced while it flew: freed when the job is over */
        int64_t time_ms;
        uint64_t due_ns;
        size_t len;
        char json[]; /* len bytes and a NUL */
};

/* One service's samples of two minutes or so, packed. */
struct pack {
        struct pack *next;
        uint64_t id;
        int64_t from_ms, to_ms;
        char service[BOARD_NAME]; /* "" = the host */
        size_t len;
        unsigned char data[];
};

struct row {
        struct event event;
        uint64_t number;
        int64_t start_ms, span_ms;
};

struct job {
        struct waiting **documents;
        uint32_t document_count;
        struct row *rows;
        uint32_t row_count;
        struct pack *packs, *packs_end; /* from, up to but without */
        uint64_t through;               /* the last event in it, 0 = none */
        uint64_t ring, ring_next;       /* written with it; ring 0 = not known */
};

/* What the thread has found out. */
struct outcome {
        int code;            /* 0, or why the last job is not on disk */
        char text[300];      /* of the code; or what was set aside */
        bool opened;         /* the database is open */
        bool written;        /* the last job is on disk, even if what came after it failed */
        uint64_t generation; /* counts files begun or opened */
        uint64_t commits, file_bytes;
        int64_t oldest_ms;
        uint64_t last_event, last_pack, ring, ring_next; /* as found when it was opened */
};

/* The thread's own. */
struct writer {
        struct db db;
        char path[300];
        int64_t retention_ms;
        uint64_t max_bytes;
        int64_t (*unix_ms)(void);
        uint64_t (*boot_ns)(void);
        uint64_t packed_ns;
        uint64_t device, inode; /* of the open file */
        bool refused;           /* the last job, by a disk or memory that is full: out.text says so */
        struct outcome out;
};

void writer_open(struct writer *w);
/* Writes a job (NULL: opens if needed); the result is in w->out. */
void writer_apply(struct writer *w, const struct job *j);
void writer_close(struct writer *w);
/* house.c. The hourly work: rows move where they can be found; age and size are kept. `now`: even if the
 * hour is not over. SQLITE_OK or why not. */
int writer_keep_house(struct writer *w, bool now);
/* Deletes the oldest until the database fits well into its bound; SQLITE_FULL when nothing is left to go. */
int writer_make_room(struct writer *w);
/* The database, not the disk, has no room. */
bool writer_at_bound(const struct writer *w);

struct store {
        struct store_options options;
        char folder[256], path[300];
        const struct sqlite *q;

        /* shared with the thread, under the lock */
        pthread_mutex_t lock;
        pthread_cond_t wake, done;
        bool working, quit;
        struct outcome out;

        pthread_t thread;
        bool has_thread;
        struct writer writer; /* the thread's */
        struct job job;       /* the thread's while `working` */

        /* the caller's */
        struct outcome seen;
        bool flying; /* a job was handed over and not taken back */
        uint64_t retry_ns, commit_ns, prompt_ns, handed_ns;
        uint64_t waiting_events;
        bool begun, more_events;
        double prompts; /* early commits that may still be made */
        uint64_t told_generation;
        enum store_state state, told;
        char text[300];
        uint64_t stored; /* the last event on disk */
        uint64_t looked; /* the last one that was looked at for being prompt */
        uint64_t lost_events, lost_documents;
        uint64_t ring, ring_next;
        struct waiting *waiting;
        size_t waiting_bytes;
        struct pack *packs, *packs_last;
        size_t packs_bytes;
        uint64_t next_pack;
        struct sampler sampler;
        struct db reader;
        uint64_t reader_generation, reader_used_ns;
};

/* The reader's connection, opened when needed and limited to QUERY_MS; NULL when the disk can't be read. */
struct db *store_reader(struct store *s);

/* document.c: those that are due at now_ns go into the job. Forgets what a job has written. */
int documents_take(struct store *s, struct job *j, uint64_t now_ns, bool all);
void documents_taken(struct store *s, struct job *j, bool written);
void documents_free(struct store *s);
uint64_t documents_due_ns(const struct store *s); /* UINT64_MAX = none */

/* event.c: events behind `stored` go into the job, like ones in one row. */
int events_take(struct store *s, struct job *j, const struct history *h);
/* How many wait, and whether one of them should not wait long. */
uint64_t events_waiting(const struct store *s, const struct history *h, bool *ret_prompt);

/* series.c */
void samples_pack(struct store *s, bool all);
void samples_written(struct store *s, const struct pack *end); /* up to but without */
void samples_free(struct store *s);
