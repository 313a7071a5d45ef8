/* The store: documents, events and samples through restarts, kills, full and broken disks, corrupt, older and
 * newer files, and clocks that step.
 */
#include "base/clock.h"
#include "store/db.h"
#include "store/sample.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fake_board.h"
#include "tap.h"

enum { WAIT_MS = 60000 };

static char folder[] = "/tmp/sexton-store-XXXXXX", path[64];
static int64_t wall_ms = INT64_C(1800000000000);
static uint64_t ahead_ns;

static int64_t unix_ms(void)
{
        return wall_ms;
}

static uint64_t boot_ns(void)
{
        return clock_boot_ns() + ahead_ns;
}

static struct store *open_in(const char *where)
{
        struct store *s = store_new(&(struct store_options){.folder = where,
                .retention_ms = INT64_C(30) * 86400000,
                .max_bytes = STORE_MIN_BYTES,
                .unix_ms = unix_ms,
                .boot_ns = boot_ns});
        return s;
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

static struct event an_event(enum event_kind kind, const char *service, const char *comm, int status)
{
        struct event e = {.kind = (uint16_t)kind,
                .unix_ns = wall_ms * (int64_t)NSEC_PER_MSEC,
                .count = 1,
                .exit_status = status,
                .pid = 7,
                .cpu_ns = 1000,
                .value = NAN};
        snprintf(e.service, sizeof e.service, "%s", service);
        snprintf(e.comm, sizeof e.comm, "%s", comm);
        snprintf(e.text, sizeof e.text, "%s --now", comm);
        return e;
}

/* ---- documents ---- */

static char seen[4000];

static int note(void *ctx, const struct store_document *d)
{
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s%s=%s ", d->id, d->open ? "*" : "",
                d->service, d->json);
        return 0;
}

static const char *documents(struct store *s, const struct store_filter *f)
{
        seen[0] = '\0';
        check(store_documents(s, STORE_INCIDENT, f, note, NULL) >= 0);
        return seen;
}

static void put_three(struct store *s)
{
        check_int(store_document_put(s, STORE_INCIDENT, "9", false, "a", 10, "{9}", 3), 0);
        check_int(store_document_put(s, STORE_INCIDENT, "10", true, "b", 10, "{10}", 4), 0);
        check_int(store_document_put(s, STORE_INCIDENT, "8", true, "", 20, "{8}", 3), 0);
}

static void documents_in_memory_and_on_disk(void)
{
        struct history h;
        struct store *s = open_in(folder);

        history_init(&h, 1);
        put_three(s);
        check_str(documents(s, NULL), "8*={8} 10*b={10} 9a={9} ");
        check_int(store_flush(s, &h, WAIT_MS), 0);
        check_str(documents(s, NULL), "8*={8} 10*b={10} 9a={9} ");
        /* what waits hides what is stored */
        store_document_put(s, STORE_INCIDENT, "10", false, "b", 30, "{new}", 5);
        store_document_remove(s, STORE_INCIDENT, "8");
        check_str(documents(s, NULL), "10b={new} 9a={9} ");
        check_str(documents(s, &(struct store_filter){.only_open = true}), "");
        check_str(documents(s, &(struct store_filter){.service = "a"}), "9a={9} ");
        check_str(documents(s, &(struct store_filter){.id = "10"}), "10b={new} ");
        check_str(documents(s, &(struct store_filter){.limit = 1}), "10b={new} ");
        check_str(documents(s, &(struct store_filter){.from_ms = 5, .to_ms = 30}), "9a={9} ");
        check_int(store_flush(s, &h, WAIT_MS), 0);
        store_free(s, WAIT_MS);
        s = open_in(folder);
        check_str(documents(s, NULL), "10b={new} 9a={9} ");
        check_int(store_document_put(s, STORE_INCIDENT, "", true, "", 1, "", 0), -EINVAL);
        check_int(store_document_put(s, STORE_KINDS, "1", true, "", 1, "", 0), -EINVAL);
        check_int(store_document_put(s, STORE_NOTICE, "1", true, "", 1, "", STORE_JSON_MAX + 1), -E2BIG);
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

/* ---- events ---- */

static void note_event(void *ctx, const struct store_event *e)
{
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s/%s:%llu ", e->event.service,
                e->event.comm, (unsigned long long)e->event.count);
}

static const char *events(struct store *s, const struct history *h, struct store_query q)
{
        struct store_found f;

        seen[0] = '\0';
        q.limit = q.limit ? q.limit : 100;
        store_events(s, h, &q, note_event, NULL, &f);
        check(!f.cut);
        return seen;
}

static void note_text(void *ctx, const struct store_event *e)
{
        snprintf(seen, sizeof seen, "%s", e->event.text);
}

/* The text of the last event that is found. */
static const char *last_text(struct store *s, const struct history *h, struct store_query q)
{
        struct store_found f;

        seen[0] = '\0';
        q.limit = 100;
        store_events(s, h, &q, note_text, NULL, &f);
        return seen;
}

static void count_event(void *ctx, const struct store_event *e)
{
        ++*(uint32_t *)ctx;
}

static uint32_t count_events(struct store *s, struct store_query q)
{
        struct store_found f;
        uint32_t n = 0;

        q.limit = 10000;
        store_events(s, NULL, &q, count_event, &n, &f);
        check(!f.cut);
        return n;
}

static void events_outlive_memory(void)
{
        struct history h;
        struct store *s = open_in(folder);
        struct event e;

        history_init(&h, 100);
        for (int i = 0; i < 50; i++) {
                e = an_event(EVENT_EXIT, "web", i % 2 ? "sh" : "curl", 0);
                history_add(&h, &e);
        }
        e = an_event(EVENT_EXIT, "worker", "celery", 9);
        history_add(&h, &e);
        e = an_event(EVENT_OOM, "worker", "", -1);
        history_add(&h, &e);
        check_int(store_flush(s, &h, WAIT_MS), 0);
        check_int((long long)store_last_event(s), 151);
        store_free(s, WAIT_MS);
        history_done(&h);

        s = open_in(folder);
        history_init(&h, store_last_event(s) + 1);
        e = an_event(EVENT_EXIT, "new", "bash", 0);
        history_add(&h, &e);
        check_str(events(s, &h, (struct store_query){0}),
                "web/curl:25 web/sh:25 worker/celery:1 worker/:1 new/bash:1 ");
        check_str(events(s, &h, (struct store_query){.service = "worker"}), "worker/celery:1 worker/:1 ");
        check_str(events(s, &h, (struct store_query){.command = "cel*"}), "worker/celery:1 ");
        check_str(events(s, &h, (struct store_query){.kind = "oom"}), "worker/:1 ");
        check_str(events(s, &h, (struct store_query){.limit = 2}), "worker/:1 new/bash:1 ");
        check_str(events(s, &h, (struct store_query){.after = 149}), "worker/celery:1 worker/:1 new/bash:1 ");
        check_str(events(s, &h, (struct store_query){.since_ms = wall_ms + 1}), "");
        /* the same after they have moved to where they are indexed */
        ahead_ns += 3700 * NSEC_PER_SEC;
        check_int(store_flush(s, &h, WAIT_MS), 0);
        check_int(store_document_put(s, STORE_STATE, "x", false, "", 1, "", 0), 0);
        check_int(store_flush(s, &h, WAIT_MS), 0);
        ahead_ns += 3700 * NSEC_PER_SEC;
        check_int(store_document_put(s, STORE_STATE, "x", false, "", 1, "", 0), 0);
        check_int(store_flush(s, &h, WAIT_MS), 0);
        check_str(events(s, NULL, (struct store_query){.command = "cel*"}), "worker/celery:1 ");
        check_str(events(s, NULL, (struct store_query){.command = "celery"}), "worker/celery:1 ");
        check_str(events(s, NULL, (struct store_query){.service = "worker"}), "worker/celery:1 worker/:1 ");
        check_str(events(s, NULL, (struct store_query){.kind = "oom"}), "worker/:1 ");
        check_str(events(s, NULL, (struct store_query){.kind = "exit", .limit = 2}),
                "worker/celery:1 new/bash:1 ");
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

/* ---- samples ---- */

static void samples_come_back(void)
{
        struct board *b = fake_board();
        struct history h;
        struct store *s = open_in(folder);
        struct store_sample point[60];
        int64_t step, from = wall_ms;
        bool cut;

        history_init(&h, 1);
        b->updated_ns = FAKE_T0;
        uint16_t v = fake_service(b, "web", SERVICE_COMPOSE);
        b->service[v].processes = 3;
        b->service[v].memory_bytes = 1 << 20;
        for (int i = 0; i < 60; i++) {
                b->host.load1 = i;
                b->service[v].zombies = i == 30 ? 50 : 0;
                store_sample(s, b);
                wall_ms += 10000;
                ahead_ns += 10 * NSEC_PER_SEC;
        }
        for (int round = 0; round < 2; round++) {
                check_int(store_history(s, "", from, wall_ms, 60, point, &step, &cut), 60);
                check(!cut);
                check_int(step, 10000);
                check_near(point[42].value[STORE_LOAD1], 42, 0.01);
                check(isnan(point[42].value[STORE_PROCESSES]));
                check_int(store_history(s, "web", from, wall_ms, 10, point, &step, &cut), 10);
                check_int(step, 60000);
                check_near(point[5].value[STORE_ZOMBIES], 50, 0); /* not its mean */
                check_near(point[5].value[STORE_MEMORY], 1 << 20, 1);
                check_int(store_flush(s, &h, WAIT_MS), 0);
                ahead_ns += 3700 * NSEC_PER_SEC;
                store_document_put(s, STORE_STATE, "x", false, "", 1, "", 0);
                check_int(store_flush(s, &h, WAIT_MS), 0);
        }
        check_int(store_history(s, "", wall_ms, wall_ms, 10, point, &step, &cut), -EINVAL);
        check_int(store_history(s, "nobody", from, wall_ms, 10, point, &step, &cut), 10);
        check(isnan(point[3].value[STORE_LOAD1]));
        store_free(s, WAIT_MS);
        history_done(&h);
        fake_board_done(b);
        forget_all();
}

/* ---- files ---- */

static void write_file(const char *text, size_t len)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        check(fd >= 0 && write(fd, text, len) == (ssize_t)len);
        close(fd);
}

static void corrupt_file_is_set_aside(void)
{
        struct store_status st;
        char aside[80], junk[4096];
        struct history h;

        memset(junk, 'x', sizeof junk);
        write_file(junk, sizeof junk);
        history_init(&h, 1);
        struct store *s = open_in(folder);
        store_status(s, &st);
        check_int(st.state, STORE_ON_DISK);
        check(strstr(st.text, "was corrupt") && strstr(st.text, "set aside as history.db.corrupt"));
        snprintf(aside, sizeof aside, "%s.corrupt", path);
        check(access(aside, F_OK) == 0);
        put_three(s);
        check_int(store_flush(s, &h, WAIT_MS), 0);
        check_int((long long)h.events, 1); /* it says so */
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

static void newer_file_is_left_alone(void)
{
        struct db d = {.q = sqlite_load(NULL)};
        struct store_status st;
        struct history h;

        check_int(db_open(&d, path, NULL), 0);
        db_run(&d, "PRAGMA user_version = 99");
        db_close(&d);
        history_init(&h, 1);
        struct store *s = open_in(folder);
        store_status(s, &st);
        check_int(st.state, STORE_IN_MEMORY);
        check(strstr(st.text, "a newer Sexton wrote it"));
        put_three(s);
        seen[0] = '\0';
        check_int(store_documents(s, STORE_INCIDENT, NULL, note, NULL), -EIO); /* those in memory alone */
        check_str(seen, "8*={8} 10*b={10} 9a={9} ");
        check_int(store_flush(s, &h, WAIT_MS), -EIO);
        store_free(s, WAIT_MS);
        check_int(db_open_reader(&d, path), 0);
        check_int(db_number(&d, "PRAGMA user_version", 0), 99);
        check_int(db_number(&d, "SELECT count(*) FROM document", -1), 0);
        db_close(&d);
        history_done(&h);
        forget_all();
}

static void older_file_is_migrated(void)
{
        struct db d = {.q = sqlite_load(NULL)};
        struct history h;

        check_int(db_open_version(&d, path, 1, NULL), 0);
        check_int(db_number(&d, "PRAGMA user_version", 0), 1);
        check_int(db_run(&d, "INSERT INTO name VALUES (1, CAST('old' AS BLOB), 1);"
                             "INSERT INTO recent (id, time, kind, service, count, status) VALUES (5, 6, 4, "
                             "1, 1, -1);"
                             "INSERT INTO document VALUES (1, '3', 1, 's', 4, CAST('{}' AS BLOB))"),
                0);
        db_close(&d);
        struct store *s = open_in(folder);
        history_init(&h, 100);
        check_str(documents(s, NULL), "3*s={} ");
        check_str(events(s, &h, (struct store_query){.kind = "oom"}), "old/:1 ");
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

/* A process that writes and is killed at any moment: what it was told is on disk, is. */
static void killed_while_it_writes(void)
{
        int committed[2];
        struct db d = {.q = sqlite_load(NULL)};

        for (int round = 0; round < 25; round++) {
                int last = -1, n;
                if (pipe2(committed, O_CLOEXEC) < 0)
                        return;
                pid_t child = fork();
                if (child == 0) {
                        struct history h;
                        struct store *s = open_in(folder);
                        history_init(&h, store_last_event(s) + 1);
                        for (int i = 0;; i++) {
                                struct event e = an_event(EVENT_OOM, "web", "sh", 9);
                                char id[20];
                                history_add(&h, &e);
                                snprintf(id, sizeof id, "%d-%d", round, i);
                                store_document_put(s, STORE_NOTICE, id, true, "", 1, "{}", 2);
                                if (store_flush(s, &h, WAIT_MS) < 0 || write(committed[1], &i, sizeof i) < 0)
                                        _exit(1);
                        }
                }
                close(committed[1]);
                usleep((useconds_t)(20000 + round * 3777));
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
                while (read(committed[0], &n, sizeof n) == sizeof n)
                        last = n;
                close(committed[0]);
                if (last < 0)
                        continue;
                char sql[100];
                check_int(db_open(&d, path, NULL), 0);
                snprintf(sql, sizeof sql, "SELECT count(*) FROM document WHERE id LIKE '%d-%%'", round);
                check(db_number(&d, sql, -1) >= last + 1);
                check_int(db_number(&d,
                                  "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                                  -1),
                        0);
                db_close(&d);
        }
        forget_all();
}

static void clock_steps(void)
{
        struct history h;
        struct store *s = open_in(folder);
        static const int64_t steps[] = {0, -86400000, 400 * INT64_C(86400000), -500 * INT64_C(86400000), 0};
        int64_t begin = wall_ms;

        history_init(&h, 1);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                char comm[16];
                wall_ms = begin + steps[i];
                snprintf(comm, sizeof comm, "c%zu", i);
                struct event e = an_event(EVENT_OOM, "web", comm, 9);
                history_add(&h, &e);
                check_int(store_flush(s, &h, WAIT_MS), 0);
        }
        check_str(events(s, NULL, (struct store_query){0}), "web/c0:1 web/c1:1 web/c2:1 web/c3:1 web/c4:1 ");
        check_str(events(s, NULL, (struct store_query){.since_ms = begin}), "web/c0:1 web/c2:1 web/c4:1 ");
        wall_ms = begin;
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

/* Windows of time read little, and miss nothing of what a clock that steps has put elsewhere. */
static void windows_of_time(void)
{
        enum { HOURS = 6, EACH = 1500 };
        static int64_t at_ms[HOURS * EACH];
        struct history h;
        struct store *s = open_in(folder);
        int64_t begin = wall_ms;

        history_init(&h, 1);
        for (int i = 0; i < HOURS * EACH; i++) {
                at_ms[i] = wall_ms = begin + 2000 * (i % EACH) + 3600000 * (i / EACH == 3 ? 1 : i / EACH);
                struct event e = an_event(EVENT_EXIT, "web", i % 3 ? "a" : "b", 256);
                history_add(&h, &e);
                if (i % 500 == 499) {
                        ahead_ns += 1200 * NSEC_PER_SEC;
                        check_int(store_flush(s, &h, WAIT_MS), 0);
                }
        }
        for (int i = 0; i < 200; i++) {
                int64_t from = begin + (i * INT64_C(7919000)) % (HOURS * 3600000),
                        to = from + 1000 * (i * 7 % 900);
                uint32_t wanted = 0, wanted_of_b = 0;
                for (int k = 0; k < HOURS * EACH; k++) {
                        bool is_in = at_ms[k] >= from && at_ms[k] < to;
                        wanted += is_in;
                        wanted_of_b += is_in && k % 3 == 0;
                }
                check_int(count_events(s, (struct store_query){.since_ms = from, .until_ms = to}), wanted);
                check_int(count_events(
                                  s, (struct store_query){.since_ms = from, .until_ms = to, .command = "b"}),
                        wanted_of_b);
        }
        wall_ms = begin;
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

static uint64_t on_disk(void)
{
        char name[80];
        struct stat st;
        uint64_t sum = 0;
        static const char *const names[] = {"", "-wal", "-shm"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(name, sizeof name, "%s%s", path, names[i]);
                sum += stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
        }
        return sum;
}

/* The bound holds at every moment; the newest and what is open stays. */
static void size_is_bounded(void)
{
        struct history h;
        struct store *s = open_in(folder);
        uint64_t most = 0;
        char comm[16];

        history_init(&h, 1);
        put_three(s);
        for (int i = 0; i < 150; i++) {
                for (int k = 0; k < 1000; k++) {
                        snprintf(comm, sizeof comm, "%d.%d", i, k);
                        struct event e = an_event(EVENT_EXIT, "web", comm, 256);
                        history_add(&h, &e);
                }
                wall_ms += 60000;
                ahead_ns += 600 * NSEC_PER_SEC;
                check_int(store_flush(s, &h, WAIT_MS), 0);
                most = MAX(most, on_disk());
        }
        printf("# at most %.1f MB of %.1f MB\n", (double)most / 1e6, (double)STORE_MIN_BYTES / 1e6);
        check(most <= STORE_MIN_BYTES);
        check(most > STORE_MIN_BYTES / 3);
        check_str(events(s, NULL, (struct store_query){.command = "149.999"}), "web/149.999:1 ");
        check_str(documents(s, &(struct store_filter){.only_open = true}), "8*={8} 10*b={10} ");
        store_free(s, WAIT_MS);
        history_done(&h);
        forget_all();
}

/* A small file system, full: all goes on in memory, and is written when there is room. */
static void full_disk(void)
{
        struct store_status st;
        struct history h;
        char small[80], hog[100], zeros[4096] = {0};

        snprintf(small, sizeof small, "%s/small", folder);
        mkdir(small, 0700);
        if (mount("tmpfs", small, "tmpfs", 0, "size=1m") < 0) {
                rmdir(small);
                skip("needs root to mount a small tmpfs");
        }
        struct store *s = open_in(small);
        history_init(&h, 1);
        put_three(s);
        check_int(store_flush(s, &h, WAIT_MS), 0);
        snprintf(hog, sizeof hog, "%s/hog", small);
        int fd = open(hog, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        while (write(fd, zeros, sizeof zeros) > 0)
                ;
        for (int i = 0; i < 3000; i++) {
                char comm[16];
                snprintf(comm, sizeof comm, "c%d", i);
                struct event e = an_event(EVENT_EXIT, "web", comm, 256);
                history_add(&h, &e);
        }
        store_document_put(s, STORE_INCIDENT, "11", true, "c", 40, "{11}", 4);
        check_int(store_flush(s, &h, WAIT_MS), -EIO);
        store_status(s, &st);
        check_int(st.state, STORE_IN_MEMORY);
        check(strstr(st.text, "the disk is full"));
        check_str(documents(s, NULL), "11*c={11} 8*={8} 10*b={10} 9a={9} ");
        check_str(events(s, &h, (struct store_query){.kind = "store"}), "/:1 ");
        check(strstr(last_text(s, &h, (struct store_query){.kind = "store"}), "kept in memory only"));
        close(fd);
        unlink(hog);
        ahead_ns += 10 * NSEC_PER_SEC;
        check_int(store_flush(s, &h, WAIT_MS), 0);
        store_status(s, &st);
        check_int(st.state, STORE_ON_DISK);
        check_str(st.text, "");
        check_int((long long)st.lost_events, 0);
        check_str(events(s, &h, (struct store_query){.kind = "store"}), "/:1 /:1 ");
        check_str(
                last_text(s, &h, (struct store_query){.kind = "store"}), "history is written to disk again");
        store_free(s, WAIT_MS);
        s = open_in(small);
        check_str(documents(s, NULL), "11*c={11} 8*={8} 10*b={10} 9a={9} ");
        check_str(events(s, NULL, (struct store_query){.command = "c2999"}), "web/c2999:1 ");
        store_free(s, WAIT_MS);
        history_done(&h);
        check_int(umount(small), 0);
        rmdir(small);
}

/* ---- packing ---- */

static void keep_sample(void *ctx, const struct store_sample *s)
{
        struct store_sample **to = ctx;

        *(*to)++ = *s;
}

static void packing(void)
{
        struct store_sample in[100], out[100], *to = out;
        struct out o = out_of(1 << 20);

        for (int i = 0; i < 100; i++) {
                in[i].time_ms = wall_ms + i * 10000 - (i == 50 ? 5000000 : 0);
                for (int k = 0; k < STORE_SERIES_COUNT; k++)
                        in[i].value[k] = k == 0 ? NAN : k == 1 ? 5 : i % 7 == k ? NAN : (float)(i * k);
        }
        sample_pack(in, 100, &o);
        check_int(sample_unpack(o.buf, o.len, keep_sample, &to), 0);
        check_int(to - out, 100);
        for (int i = 0; i < 100; i++) {
                check_int(out[i].time_ms, in[i].time_ms);
                check(isnan(out[i].value[0]));
                check_near(out[i].value[1], 5, 0.001);
                check(isnan(out[i].value[STORE_ZOMBIES]) == isnan(in[i].value[STORE_ZOMBIES]));
                if (!isnan(in[i].value[STORE_ZOMBIES]))
                        check_near(out[i].value[STORE_ZOMBIES], in[i].value[STORE_ZOMBIES], 0.5);
        }
        for (size_t cut = 0; cut < o.len; cut += 7) {
                to = out;
                sample_unpack(o.buf, cut, keep_sample, &to);
                check(to - out <= 100);
        }
        check_int(sample_unpack("\x01\xff\xff\xff\x7f", 5, keep_sample, &to), -EBADMSG);
        out_done(&o);
}

static void all(void)
{
        struct error e;

        if (!sqlite_load(&e))
                abort();
        if (!mkdtemp(folder))
                abort();
        snprintf(path, sizeof path, "%s/history.db", folder);
        test(packing);
        test(documents_in_memory_and_on_disk);
        test(events_outlive_memory);
        test(samples_come_back);
        test(corrupt_file_is_set_aside);
        test(newer_file_is_left_alone);
        test(older_file_is_migrated);
        test(killed_while_it_writes);
        test(clock_steps);
        test(windows_of_time);
        test(size_is_bounded);
        test(full_disk);
        rmdir(folder);
}

int main(void)
{
        return tap_main(all);
}
