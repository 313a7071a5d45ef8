/* The store when its disk fails at any point: reads, writes, syncs and truncations that fail once or until
 * they are mended, power lost in between, and memory that runs out. Whatever happens, nothing crashes, the
 * store says what is wrong, the file stays sound, and what store_flush() confirmed is in it.
 */
#include "base/clock.h"
#include "store/db.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "failing_malloc.h"
#include "fake_board.h"
#include "faulty_vfs.h"
#include "tap.h"

/* What is there before, and how often more is written while the disk fails. Small: each point at which it may
 * fail is a run of its own. */
enum { WAIT_MS = 60000, BEFORE = 3, STEPS = 3, ALL = BEFORE + STEPS, TRIES = 4, RUNS_MAX = 3000 };
/* Each point where it may fail; of them every seventh under the thread sanitizer, which looks at how threads
 * meet and takes twenty times as long. */
#ifdef __SANITIZE_THREAD__
enum { POINTS_APART = 7 };
#else
enum { POINTS_APART = 1 };
#endif
#define BEGIN_MS INT64_C(1800000000000)

/* In memory when there is such a place: thousands of files are synced. */
static char folder[40], path[64], saved[64];
static struct board *board;
static int bulk; /* large documents with each step: enough of them, and the WAL is cut back after it */
static int64_t wall_ms;
static uint64_t ahead_ns;

static int64_t unix_ms(void)
{
        return wall_ms;
}

static uint64_t boot_ns(void)
{
        return clock_boot_ns() + ahead_ns;
}

static struct store *open_store(void)
{
        return store_new(&(struct store_options){.folder = folder,
                .retention_ms = INT64_C(30) * 86400000,
                .max_bytes = STORE_MIN_BYTES,
                .unix_ms = unix_ms,
                .boot_ns = boot_ns});
}

static void forget_all(void)
{
        static const char *const names[] = {"", "-wal", "-shm", ".corrupt", ".corrupt-wal", ".corrupt-shm"};
        char name[100];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(name, sizeof name, "%s%s", path, names[i]);
                unlink(name);
        }
}

static void copy_file(const char *from, const char *to)
{
        char buf[16384];
        cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC);
        cleanup_close int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        for (ssize_t n; (n = read(in, buf, sizeof buf)) != 0;)
                if (n < 0 || write(out, buf, (size_t)n) != n)
                        abort();
}

/* ---- what is written ---- */

struct life {
        struct store *s;
        struct history h;
        int put, confirmed;  /* steps, BEFORE included */
        bool samples_may_go; /* without memory */
};

/* Without memory it says so, and the second time there is. */
static void put(struct store *s, enum store_kind kind, const char *id, const char *json, size_t len)
{
        int r = store_document_put(s, kind, id, true, "web", wall_ms, json, len);

        check(r == 0 || r == -ENOMEM);
        if (r == -ENOMEM)
                check_int(store_document_put(s, kind, id, true, "web", wall_ms, json, len), 0);
}

/* One event, two documents and a sample, by number. */
static void put_step(struct life *l, int i)
{
        struct event e = {.kind = EVENT_OOM,
                .unix_ns = wall_ms * (int64_t)NSEC_PER_MSEC,
                .count = 1,
                .exit_status = 9,
                .pid = 7 + i,
                .cpu_ns = 1000,
                .value = NAN,
                .service = "web"};
        char id[20], json[1500];

        wall_ms = BEGIN_MS + i * 60000;
        ahead_ns += 60 * NSEC_PER_SEC;
        snprintf(e.comm, sizeof e.comm, "c%d", i);
        snprintf(e.text, sizeof e.text, "text %d", i);
        check(history_add(&l->h, &e) || history_add(&l->h, &e));
        /* of more than a page */
        memset(json, 'a' + i, sizeof json);
        snprintf(id, sizeof id, "n%d", i);
        put(l->s, STORE_NOTICE, id, json, sizeof json);
        put(l->s, STORE_STATE, "step", id, strlen(id));
        for (int k = 0; k < bulk; k++) {
                static char large[STORE_JSON_MAX];
                snprintf(id, sizeof id, "large%d", k);
                put(l->s, STORE_STATE, id, large, sizeof large);
        }
        board->host.load1 = i + 1;
        store_sample(l->s, board);
        l->put = i + 1;
}

/* The hour's work in the middle. */
static void pass_an_hour(void)
{
        ahead_ns += 3700 * NSEC_PER_SEC;
}

static void begin(struct life *l, int from)
{
        *l = (struct life){.s = open_store(), .put = from, .confirmed = from};
        if (l->s)
                history_init(&l->h, 1000 * (uint64_t)(from + 1));
}

static void end(struct life *l)
{
        store_free(l->s, WAIT_MS);
        history_done(&l->h);
}

/* ---- what is found ---- */

static int count_document(void *ctx, const struct store_document *d)
{
        int *seen = ctx, i = d->id[1] - '0';
        bool known = i >= 0 && i < ALL;

        check(known && d->len == 1500 && d->json[0] == 'a' + i && d->json[1499] == 'a' + i);
        if (known)
                *seen |= 1 << i;
        return 0;
}

static void count_event(void *ctx, const struct store_event *e)
{
        int *seen = ctx, i = e->event.comm[1] - '0';
        bool known = i >= 0 && i < ALL && !strcmp(e->event.service, "web");

        if (e->event.kind != EVENT_OOM)
                return;
        check(known);
        if (!known)
                return;
        check(!(*seen & 1 << i)); /* once */
        *seen |= 1 << i;
}

/* What is asked for while the disk fails is there, or the answer says that it may not be. */
static void look(struct life *l, bool must)
{
        int documents = 0, events = 0, want = (1 << l->confirmed) - 1;
        struct store_found f;
        struct store_sample point[ALL];
        int64_t step;
        bool cut;

        int r = store_documents(l->s, STORE_NOTICE, NULL, count_document, &documents);
        check(r < 0 ? !must && r == -EIO : (documents & want) == want);
        store_events(
                l->s, &l->h, &(struct store_query){.limit = 100, .service = "web"}, count_event, &events, &f);
        check(f.cut ? !must : (events & want) == want);
        r = store_history(l->s, "", BEGIN_MS, BEGIN_MS + ALL * 60000, ALL, point, &step, &cut);
        check(must || r == ALL || r == -ENOMEM);
        check(!must || !cut);
        for (int i = 0; i < l->confirmed && r == ALL && !cut; i++)
                if (!l->samples_may_go || !isnan(point[i].value[STORE_LOAD1]))
                        check_near(point[i].value[STORE_LOAD1], i + 1, 0.01);
}

static void check_sound(void)
{
        struct db d = {.q = sqlite_load(NULL)};

        check_int(db_open(&d, path, NULL), 0);
        check_int(db_number(&d, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                          -1),
                0);
        check_int(db_number(&d, "SELECT count(*) FROM recent WHERE pid AND service IS NULL", -1), 0);
        db_close(&d);
}

/* After a restart, with a disk that works again. */
static void check_kept(const struct life *before)
{
        struct life l;
        struct store_status st;
        char aside[80];

        faulty_use(false);
        check_sound();
        begin(&l, before->put);
        l.confirmed = before->confirmed;
        l.samples_may_go = before->samples_may_go;
        store_status(l.s, &st);
        check_int(st.state, STORE_ON_DISK);
        check_str(st.text, "");
        look(&l, true);
        snprintf(aside, sizeof aside, "%s.corrupt", path);
        check(access(aside, F_OK) < 0);
        end(&l);
}

/* ---- lives ---- */

static void must_say_why(struct life *l, int r)
{
        struct store_status st;

        store_status(l->s, &st);
        check(r == -EIO || r == -ENOMEM || r == -ETIMEDOUT);
        if (r == -EIO)
                check(st.state == STORE_IN_MEMORY && st.text[0]);
}

/* Writes all steps, however the disk fails, until power is lost. */
static void live(struct life *l)
{
        for (int i = l->put; i < ALL && !faulty.down; i++) {
                int r = -1;
                put_step(l, i);
                if (i == BEFORE + 1)
                        pass_an_hour();
                for (int k = 0; k < TRIES && r < 0 && !faulty.down; k++) {
                        r = store_flush(l->s, &l->h, WAIT_MS);
                        if (r < 0)
                                must_say_why(l, r);
                        look(l, false);
                        if (k == 1)
                                faulty.lasting = false;
                        ahead_ns += 10 * NSEC_PER_SEC;
                }
                if (r == 0)
                        l->confirmed = i + 1;
        }
}

/* One run from the file with BEFORE steps, or none; whether the fault came at all. */
static bool run(struct faulty how, bool fresh, uint32_t seed)
{
        struct life l;
        int from = fresh ? 0 : BEFORE;

        forget_all();
        faulty_use(true);
        if (!fresh)
                copy_file(saved, path);
        wall_ms = BEGIN_MS + from * 60000;
        faulty = how;
        begin(&l, from);
        check(l.s);
        live(&l);
        bool up = !faulty.down;
        end(&l);
        bool came = faulty.nth == 0;
        if (faulty.down)
                faulty_power_lost(seed);
        if (up)
                check_int(l.confirmed, ALL);
        faulty_reset();
        check_kept(&l);
        return came;
}

/* Run after run until one goes through; how many there were. */
static int at_every_point(struct faulty how, bool fresh, uint32_t seed)
{
        int n = 1;
        bool came = true;

        for (; n < RUNS_MAX && came && tap_ok_now; n += POINTS_APART) {
                how.nth = n;
                came = run(how, fresh, seed);
        }
        check(!came);
        printf("# operation %d, %s file, code %d%s%s, seed %u: %d runs\n", how.op, fresh ? "no" : "a",
                how.code, how.lasting ? ", lasting" : "", how.power ? ", power lost" : "", seed,
                (n - 1) / POINTS_APART);
        fflush(stdout);
        forget_all();
        return (n - 1) / POINTS_APART;
}

static void reads_fail(void)
{
        for (int fresh = 0; fresh < 2; fresh++) {
                at_every_point((struct faulty){.op = FAULTY_READ}, fresh, 0);
                at_every_point((struct faulty){.op = FAULTY_READ, .lasting = true}, fresh, 0);
        }
}

static void writes_fail(void)
{
        for (int fresh = 0; fresh < 2; fresh++) {
                at_every_point((struct faulty){.op = FAULTY_WRITE, .code = SQLITE_IOERR_WRITE}, fresh, 0);
                at_every_point(
                        (struct faulty){.op = FAULTY_WRITE, .code = SQLITE_FULL, .lasting = true}, fresh, 0);
        }
}

static void syncs_fail(void)
{
        for (int fresh = 0; fresh < 2; fresh++) {
                at_every_point((struct faulty){.op = FAULTY_SYNC}, fresh, 0);
                at_every_point((struct faulty){.op = FAULTY_SYNC, .lasting = true}, fresh, 0);
        }
}

static void truncations_fail(void)
{
        bulk = 5;
        check(at_every_point((struct faulty){.op = FAULTY_TRUNCATE}, false, 0) > 1);
        at_every_point((struct faulty){.op = FAULTY_TRUNCATE, .lasting = true}, false, 0);
        for (uint32_t seed = 0; seed < 3; seed++)
                at_every_point((struct faulty){.op = FAULTY_TRUNCATE, .power = true}, false, seed);
        bulk = 0;
}

static void power_is_lost(void)
{
        static const uint32_t seeds[] = {0, 1, 1234};

        for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
                for (int fresh = 0; fresh < 2; fresh++) {
                        at_every_point((struct faulty){.op = FAULTY_WRITE, .power = true}, fresh, seeds[i]);
                        at_every_point((struct faulty){.op = FAULTY_SYNC, .power = true}, fresh, seeds[i]);
                }
}

/* Unless it had no memory for its thread, and said so. */
static void must_be_done(struct life *l)
{
        struct store_status st;

        store_status(l->s, &st);
        if (!strstr(st.text, "no thread"))
                check_int(l->confirmed, ALL);
}

/* SQLite's memory included, which is the C library's. */
static void memory_runs_out(void)
{
        enum { FAR = 20 }; /* points that one run is apart from the next, once they are many */

        if (!FAILING_MALLOC)
                skip("beside a sanitizer malloc can't be replaced");
        bool came = true;
        long n = 0;
        int runs = 0;
        for (; came && tap_ok_now && runs < RUNS_MAX; n += n < 200 ? 1 : FAR, runs++) {
                struct life l;
                forget_all();
                copy_file(saved, path);
                wall_ms = BEGIN_MS + BEFORE * 60000;
                failing_malloc_left = n;
                begin(&l, BEFORE);
                l.samples_may_go = true;
                if (l.s)
                        live(&l);
                came = failing_malloc_left < 0;
                failing_malloc_left = -1;
                if (l.s)
                        must_be_done(&l);
                end(&l);
                check_kept(&l);
        }
        printf("# %d runs, %ld allocations\n", runs, n);
        check(!came);
        forget_all();
}

static void save_before(void)
{
        struct life l;

        begin(&l, 0);
        for (int i = 0; i < BEFORE; i++) {
                put_step(&l, i);
                if (i == 1)
                        pass_an_hour();
                check_int(store_flush(l.s, &l.h, WAIT_MS), 0);
        }
        end(&l);
        copy_file(path, saved);
        forget_all();
}

static void all(void)
{
        struct error e;

        snprintf(folder, sizeof folder, "%s/sexton-faults-XXXXXX",
                access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!sqlite_load(&e) || !mkdtemp(folder))
                abort();
        snprintf(path, sizeof path, "%s/history.db", folder);
        snprintf(saved, sizeof saved, "%s/saved", folder);
        board = fake_board();
        board->updated_ns = FAKE_T0;
        wall_ms = BEGIN_MS;
        test(save_before);
        test(reads_fail);
        test(writes_fail);
        test(syncs_fail);
        test(truncations_fail);
        test(power_is_lost);
        test(memory_runs_out);
        faulty_use(false);
        fake_board_done(board);
        unlink(saved);
        rmdir(folder);
}

int main(void)
{
        return tap_main(all);
}
