/* The store as its caller sees it: the thread's life, what is handed to it when, and what is told of it. See
 * store.h and, for how the parts work together, internal.h.
 */
#include "store/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define COMMIT_EVERY_NS (120 * NSEC_PER_SEC)
#define PROMPT_EVERY_NS (300 * NSEC_PER_SEC) /* one more early commit: what bounds the disk's wear */
#define PROMPT_AFTER_NS (3 * NSEC_PER_SEC)   /* what is no routine waits so long for more of its kind */
#define RETRY_NS        (5 * NSEC_PER_SEC)
#define READER_IDLE_NS  (30 * NSEC_PER_SEC)
#define OPEN_WAIT_NS    (8 * NSEC_PER_SEC)
enum {
        PROMPTS_MAX = 30, /* early commits in a row; see PROMPT_EVERY_NS */
        WAITING_EVENTS = 4000,
        STACK_BYTES = 256 << 10,
};

int store_make_folder(const char *folder, uid_t uid, gid_t gid, struct error *e)
{
        if (mkdir(folder, 0750) < 0 && errno != EEXIST)
                return error_set(e, -errno, "%s: cannot be made: %s", folder, strerror(errno));
        cleanup_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set(e, -errno, "%s: %s", folder, strerror(errno));
        if (uid == (uid_t)-1 && gid == (gid_t)-1)
                return 0;
        /* files that root left there, by a start as another user, too; nothing is followed out of the folder
         */
        static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (fchownat(fd, names[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                        return error_set(e, -errno, "%s/%s: %s", folder, names[i], strerror(errno));
        /* command lines and logs of others are nobody's business */
        if (fchown(fd, uid, gid) < 0 || fchmod(fd, 0750) < 0)
                return error_set(e, -errno, "%s: %s", folder, strerror(errno));
        return 0;
}

/* ---- the thread ---- */

static void *work(void *ctx)
{
        struct store *s = ctx;

        writer_open(&s->writer);
        pthread_mutex_lock(&s->lock);
        for (;;) {
                s->out = s->writer.out;
                s->working = false;
                pthread_cond_signal(&s->done);
                while (!s->working && !s->quit)
                        pthread_cond_wait(&s->wake, &s->lock);
                if (!s->working)
                        break;
                pthread_mutex_unlock(&s->lock);
                writer_apply(&s->writer, &s->job);
                pthread_mutex_lock(&s->lock);
        }
        pthread_mutex_unlock(&s->lock);
        writer_close(&s->writer);
        return NULL;
}

/* Signals belong to the caller's thread. */
static int start_thread(struct store *s)
{
        pthread_attr_t a;
        sigset_t all, before;

        if (pthread_attr_init(&a) != 0)
                return -ENOMEM;
        pthread_attr_setstacksize(&a, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        s->working = true;
        int r = pthread_create(&s->thread, &a, work, s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&a);
        s->has_thread = r == 0; /* and `working` is the thread's business from now on */
        if (r != 0)
                s->working = false;
        return -r;
}

/* Until the thread has nothing to do, at most so long; false when it still has. */
static bool wait_idle(struct store *s, uint64_t ns)
{
        struct timespec end;

        clock_gettime(CLOCK_MONOTONIC, &end);
        ns += (uint64_t)end.tv_nsec;
        end.tv_sec += (time_t)(ns / NSEC_PER_SEC);
        end.tv_nsec = (long)(ns % NSEC_PER_SEC);
        pthread_mutex_lock(&s->lock);
        while (s->working && pthread_cond_timedwait(&s->done, &s->lock, &end) == 0)
                ;
        bool idle = !s->working;
        pthread_mutex_unlock(&s->lock);
        return idle;
}

/* ---- its state ---- */

static void set_state(struct store *s, enum store_state state, const char *text)
{
        s->state = state;
        text_set(s->text, sizeof s->text, text);
}

/* What the thread found out becomes what the caller knows. */
static void learn(struct store *s)
{
        const struct outcome *o = &s->seen;

        set_state(s, o->code == 0 && o->opened ? STORE_ON_DISK : STORE_IN_MEMORY, o->text);
        s->stored = MAX(s->stored, o->last_event);
        s->next_pack = MAX(s->next_pack, o->last_pack);
}

struct store *store_new(const struct store_options *o)
{
        struct store *s = calloc(1, sizeof *s);
        struct error e = {0};
        pthread_condattr_t clock;

        if (!s)
                return NULL;
        s->options = *o;
        s->options.max_bytes = MAX(o->max_bytes, STORE_MIN_BYTES);
        s->prompts = PROMPTS_MAX;
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->wake, NULL);
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_cond_init(&s->done, &clock);
        pthread_condattr_destroy(&clock);
        if (!o->folder || !*o->folder) {
                set_state(s, STORE_OFF, "");
                return s;
        }
        text_set(s->folder, sizeof s->folder, o->folder);
        snprintf(s->path, sizeof s->path, "%s/history.db", s->folder);
        s->q = s->reader.q = sqlite_load(&e);
        s->writer = (struct writer){.db.q = s->q,
                .retention_ms = o->retention_ms,
                .max_bytes = s->options.max_bytes,
                .unix_ms = o->unix_ms,
                .boot_ns = o->boot_ns};
        memcpy(s->writer.path, s->path, sizeof s->path);
        if (!s->q) {
                set_state(s, STORE_IN_MEMORY, e.text);
        } else if (start_thread(s) < 0) {
                set_state(s, STORE_IN_MEMORY, "no thread can be started");
        } else if (wait_idle(s, OPEN_WAIT_NS)) {
                s->seen = s->out;
                learn(s);
        } else {
                set_state(s, STORE_IN_MEMORY, "the disk does not answer");
                s->flying = true; /* without a job */
        }
        return s;
}

static void tell(struct store *s, struct history *h)
{
        struct event e = {.kind = EVENT_STORE,
                .time_ns = s->options.boot_ns(),
                .unix_ns = s->options.unix_ms() * (int64_t)NSEC_PER_MSEC,
                .count = 1,
                .exit_status = -1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = NAN};
        bool news = s->state != s->told || (s->text[0] && s->seen.generation != s->told_generation);

        if (s->state == STORE_OFF || !news)
                return;
        if (s->state == STORE_IN_MEMORY)
                snprintf(e.text, sizeof e.text, "history is kept in memory only: %.80s", s->text);
        else if (s->text[0])
                snprintf(e.text, sizeof e.text, "%.119s", s->text);
        else
                snprintf(e.text, sizeof e.text, "history is written to disk again");
        s->told = s->state;
        s->told_generation = s->seen.generation;
        if (s->state == STORE_IN_MEMORY)
                log_warning("%s", e.text);
        else
                log_info("%s", e.text);
        history_add(h, &e);
}

void store_status(struct store *s, struct store_status *ret)
{
        *ret = (struct store_status){.state = s->state,
                .file_bytes = s->seen.file_bytes,
                .max_bytes = s->options.max_bytes,
                .oldest_ms = s->seen.oldest_ms,
                .waiting_events = s->waiting_events,
                .lost_events = s->lost_events,
                .lost_documents = s->lost_documents,
                .commits = s->seen.commits};
        text_set(ret->path, sizeof ret->path, s->path);
        text_set(ret->text, sizeof ret->text, s->text);
        for (const struct waiting *d = s->waiting; d; d = d->next)
                ret->waiting_documents += !d->gone;
}

void store_ring(struct store *s, uint64_t ring, uint64_t next)
{
        s->ring = ring;
        s->ring_next = next;
}

uint64_t store_ring_next(struct store *s, uint64_t ring)
{
        return ring && s->seen.ring == ring ? s->seen.ring_next : 0;
}

uint64_t store_last_event(struct store *s)
{
        return s->stored;
}

/* ---- jobs ---- */

/* Events that memory gave up before the disk took them. */
static void count_lost(struct store *s, struct history *h)
{
        uint64_t first = history_first(h), lost = first > s->stored + 1 ? first - s->stored - 1 : 0;

        /* numbers of a predecessor, or of a history that begins */
        if (!s->begun)
                lost = 0;
        s->begun = true;
        if (first > s->stored + 1)
                s->stored = first - 1;
        s->looked = MAX(s->looked, s->stored);
        if (!lost || s->state == STORE_OFF)
                return;
        s->lost_events += lost;
        struct event e = {.kind = EVENT_GAP,
                .time_ns = s->options.boot_ns(),
                .unix_ns = s->options.unix_ms() * (int64_t)NSEC_PER_MSEC,
                .count = lost,
                .exit_status = -1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = NAN};
        snprintf(e.text, sizeof e.text, "store: %llu events were forgotten before the disk took them",
                (unsigned long long)lost);
        history_add(h, &e);
}

static void end_job(struct store *s, bool written)
{
        documents_taken(s, &s->job, written);
        if (written) {
                s->stored = MAX(s->stored, s->job.through);
                samples_written(s, s->job.packs_end);
        }
        free(TAKE_PTR(s->job.rows));
        s->job = (struct job){0};
}

/* Takes back a job that is over; false while one is under way. */
static bool take_back(struct store *s)
{
        if (!s->flying)
                return true;
        pthread_mutex_lock(&s->lock);
        bool over = !s->working;
        if (over)
                s->seen = s->out;
        pthread_mutex_unlock(&s->lock);
        if (!over)
                return false;
        s->flying = false;
        learn(s);
        if (s->state != STORE_ON_DISK)
                s->retry_ns = s->options.boot_ns() + RETRY_NS;
        end_job(s, s->seen.written);
        return true;
}

static bool is_due(struct store *s, const struct history *h, uint64_t now)
{
        bool prompt;

        if (now < s->retry_ns)
                return false;
        s->waiting_events = events_waiting(s, h, &prompt);
        if (prompt && !s->prompt_ns)
                s->prompt_ns = now + PROMPT_AFTER_NS;
        if (documents_due_ns(s) <= now || now >= s->commit_ns || s->state != STORE_ON_DISK ||
                s->waiting_events > WAITING_EVENTS || s->more_events)
                return true;
        if (!s->prompt_ns || now < s->prompt_ns || s->prompts < 1)
                return false;
        s->prompts--;
        return true;
}

static void hand_over(struct store *s, const struct history *h, uint64_t now, bool all)
{
        s->prompts = MIN(s->prompts + (double)(now - MIN(s->handed_ns, now)) / (double)PROMPT_EVERY_NS,
                (double)PROMPTS_MAX);
        s->handed_ns = now;
        s->prompt_ns = 0;
        s->commit_ns = now + COMMIT_EVERY_NS;
        s->job = (struct job){.packs = s->packs};
        if (documents_take(s, &s->job, now, all) < 0 || events_take(s, &s->job, h) < 0) {
                end_job(s, false); /* no memory: later */
                s->retry_ns = now + RETRY_NS;
                return;
        }
        s->more_events = s->job.through && s->job.through + 1 < h->next_number;
        s->looked = MAX(s->looked, s->job.through);
        s->flying = true;
        pthread_mutex_lock(&s->lock);
        s->working = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
}

static void close_idle_reader(struct store *s, uint64_t now)
{
        if (s->reader.c && now > s->reader_used_ns + READER_IDLE_NS)
                db_close(&s->reader);
}

void store_tick(struct store *s, struct history *h)
{
        uint64_t now = s->options.boot_ns();

        if (s->has_thread && take_back(s))
                tell(s, h);
        count_lost(s, h);
        close_idle_reader(s, now);
        if (!s->has_thread) {
                tell(s, h);
                samples_pack(s, false);
        } else if (!s->flying && is_due(s, h, now)) {
                hand_over(s, h, now, false);
        }
}

int store_flush(struct store *s, struct history *h, int timeout_ms)
{
        uint64_t end = s->options.boot_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;

        if (!s->has_thread)
                return -EIO;
        samples_pack(s, true);
        for (;;) {
                if (!wait_idle(s, (uint64_t)timeout_ms * NSEC_PER_MSEC))
                        return -ETIMEDOUT;
                bool wrote = s->flying && s->job.documents;
                take_back(s);
                tell(s, h);
                count_lost(s, h);
                if (wrote && s->state != STORE_ON_DISK)
                        return -EIO;
                if (!s->waiting && !s->packs && s->stored + 1 >= h->next_number)
                        return 0;
                if (s->options.boot_ns() > end)
                        return -ETIMEDOUT;
                hand_over(s, h, s->options.boot_ns(), true);
                if (!s->flying)
                        return -ENOMEM;
        }
}

void store_free(struct store *s, int timeout_ms)
{
        if (!s)
                return;
        bool idle = !s->has_thread || wait_idle(s, (uint64_t)timeout_ms * NSEC_PER_MSEC);
        if (!idle)
                return; /* it hangs in the disk, and what it uses must stay: the process ends now anyway */
        if (s->has_thread) {
                pthread_mutex_lock(&s->lock);
                s->quit = true;
                pthread_cond_signal(&s->wake);
                pthread_mutex_unlock(&s->lock);
                pthread_join(s->thread, NULL);
        }
        if (s->flying)
                end_job(s, false);
        db_close(&s->reader);
        documents_free(s);
        samples_free(s);
        pthread_cond_destroy(&s->wake);
        pthread_cond_destroy(&s->done);
        pthread_mutex_destroy(&s->lock);
        free(s);
}

/* ---- reading ---- */

struct db *store_reader(struct store *s)
{
        if (!s->has_thread || !s->seen.opened)
                return NULL;
        if (s->reader.c && s->reader_generation != s->seen.generation)
                db_close(&s->reader);
        if (!s->reader.c && db_open_reader(&s->reader, s->path) < 0)
                return NULL;
        s->reader_generation = s->seen.generation;
        s->reader_used_ns = s->options.boot_ns();
        db_limit(&s->reader, clock_boot_ns() + QUERY_MS * NSEC_PER_MSEC);
        return &s->reader;
}
