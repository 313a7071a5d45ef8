/* Deaths as fast as they go, on one core, in one of two ways: `recorder` plays the guard, from its world on
 * (world, deaths told once a second, board and ring are the guard's own), before a real recorder; `rows`
 * puts a row for each death into SQLite, in a transaction a second. Prints what it took as JSON.
 */
#include "base/clock.h"
#include "base/util.h"
#include "cli/child.h"
#include "config/config.h"
#include "store/sqlite.h"
#include "wire/board_map.h"
#include "wire/ring.h"
#include "world/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { BATCH = 500, FIRST_PID = 1000, PIDS = 30000, MAIN_PID = 100 };

struct flood {
        const char *folder;
        double seconds, stall; /* the recorder is stopped for so long in the middle */
        uint32_t services, commands;
        uint64_t deaths, random;
};

static void fail(const char *what)
{
        fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static double cpu_of(int who)
{
        struct rusage u;

        getrusage(who, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* What dies next: of any service, any of its commands, every fourth badly. */
struct death {
        uint32_t service, command;
        int status;
};

static struct death next_death(struct flood *f)
{
        f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t r = (uint32_t)(f->random >> 33), kind = r % (f->services * f->commands);

        f->deaths++;
        return (struct death){kind % f->services, kind / f->services, kind % 4 ? 0 : 1 << 8};
}

/* ---- through the recorder ---- */

struct play {
        struct board *board;
        struct ring *ring;
        struct world *world;
        pid_t recorder;
        int fd[CHILD_FDS];
        int alive; /* closed, the recorder ends */
        int32_t pid;
        uint64_t told, longest_ns;
        long switches;
};

static void emit(void *ctx, const struct event *e)
{
        struct play *p = ctx;

        ring_append(p->ring, e);
        p->told++;
}

static int config_fd(const char *folder)
{
        static struct config c;
        struct error e = {0};
        char path[200];
        int fd = memfd_create("config", 0);

        config_defaults(&c);
        snprintf(path, sizeof path, "%s/data", folder);
        int r = config_set(&c, "data_dir", path, &e);
        snprintf(path, sizeof path, "%s/socket", folder);
        r = r < 0 ? r : config_set(&c, "socket", path, &e);
        c.listen[0] = '\0';
        if (r < 0 || fd < 0 || write(fd, &c, sizeof c) != (ssize_t)sizeof c)
                fail("configuration");
        return fd;
}

static void start_recorder(struct play *p, const char *program, const char *folder)
{
        char name[] = "sexton", verb[] = "child", role[] = "recorder", text[CHILD_FDS][40];
        char *argv[CHILD_FDS + 4] = {name, verb, role};
        int pair[2], n = 3;

        p->fd[CHILD_FD_CONFIG] = config_fd(folder);
        for (int k = 0; k < CHILD_FDS; k++) {
                if (!child_is_given(CHILD_RECORDER, (enum child_fd)k))
                        continue;
                if (!p->fd[k]) { /* links to those who don't run here; theirs stays open */
                        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
                                fail("socketpair");
                        p->fd[k] = pair[0];
                        if (k == CHILD_FD_ALIVE)
                                p->alive = pair[1];
                }
                fcntl(p->fd[k], F_SETFD, 0);
                snprintf(text[k], sizeof text[k], "%s=%d", child_fd_name((enum child_fd)k), p->fd[k]);
                argv[n++] = text[k];
        }
        p->recorder = fork();
        if (p->recorder < 0)
                fail("fork");
        if (!p->recorder) {
                close(p->alive);
                execv(program, argv);
                fail(program);
        }
        close(p->fd[CHILD_FD_ALIVE]);
}

static void wait_for_store(const struct play *p, const char *folder)
{
        char path[200];
        struct stat st;

        snprintf(path, sizeof path, "%s/data/history.db-wal", folder);
        for (int i = 0; i < 3000; i++) {
                if (stat(path, &st) == 0)
                        return;
                if (waitpid(p->recorder, NULL, WNOHANG) != 0)
                        fail("the recorder ended");
                usleep(10000);
        }
        fail("no store");
}

static void begin(struct play *p, const char *program, const struct flood *f)
{
        char path[60], command[60];

        p->fd[CHILD_FD_BOARD] = board_create();
        p->fd[CHILD_FD_RING] = ring_create();
        p->world = calloc(1, sizeof *p->world);
        if (!p->world || board_map(p->fd[CHILD_FD_BOARD], true, &p->board) < 0 ||
                ring_map(p->fd[CHILD_FD_RING], true, &p->ring) < 0)
                fail("board and ring");
        uint64_t now = clock_boot_ns();
        board_write_begin(p->board);
        world_init(p->world, p->board, emit, p, now, 10);
        for (uint32_t s = 0; s < f->services; s++) {
                uint32_t i = world_born(p->world, (int32_t)(MAIN_PID + s), 0, now, now);
                snprintf(path, sizeof path, "/flood-%u", s);
                snprintf(command, sizeof command, "/usr/bin/service-%u --serve", s);
                world_set_cgroup(p->world, i, world_cgroup(p->world, path));
                world_set_command(p->world, i, command, NULL);
        }
        board_write_end(p->board, now);
        start_recorder(p, program, f->folder);
        wait_for_store(p, f->folder);
}

static void bury_one(struct play *p, struct flood *f, uint64_t now_ns)
{
        struct death d = next_death(f);
        char comm[LIFE_COMM_SIZE];
        int32_t pid = FIRST_PID + p->pid++ % PIDS;
        uint32_t i =
                world_born(p->world, pid, (int32_t)(MAIN_PID + d.service), now_ns - NSEC_PER_MSEC, now_ns);

        snprintf(comm, sizeof comm, "worker-%u", d.command % 100000);
        world_exec(p->world, i, now_ns);
        world_set_command(p->world, i, comm, NULL);
        world_set_comm(p->world, i, comm);
        p->board->process[i].cpu_ns = 300000;
        p->board->process[i].exit_status = d.status;
        world_buried(p->world, i, now_ns);
}

/* As the guard: each batch under the board's lock, and once a second what has died is told. */
static void batch(struct play *p, struct flood *f, uint64_t *tick_ns)
{
        uint64_t now = clock_boot_ns();

        board_write_begin(p->board);
        for (int i = 0; i < BATCH; i++)
                bury_one(p, f, now);
        if (now >= *tick_ns) {
                world_recount(p->world, now);
                world_deaths_flush(p->world);
                *tick_ns = now + NSEC_PER_SEC;
        }
        board_write_end(p->board, now);
}

static void flood_recorder(struct flood *f, const char *program)
{
        struct play p = {0};
        struct rusage before, after;
        int status;

        begin(&p, program, f);
        uint64_t start = clock_boot_ns(), now = start, tick = start + NSEC_PER_SEC;
        uint64_t end = start + (uint64_t)(f->seconds * 1e9);
        uint64_t stop = f->stall > 0 ? (start + end) / 2 : UINT64_MAX, go = UINT64_MAX;
        double cpu = cpu_of(RUSAGE_SELF);
        getrusage(RUSAGE_SELF, &before);
        for (; now < end; now = clock_boot_ns()) {
                batch(&p, f, &tick);
                if (now >= stop) {
                        kill(p.recorder, SIGSTOP);
                        go = now + (uint64_t)(f->stall * 1e9);
                        stop = UINT64_MAX;
                }
                if (now >= go) {
                        kill(p.recorder, SIGCONT);
                        go = UINT64_MAX;
                }
        }
        getrusage(RUSAGE_SELF, &after);
        cpu = cpu_of(RUSAGE_SELF) - cpu;
        world_deaths_flush(p.world);
        kill(p.recorder, SIGCONT);
        close(p.alive);
        if (waitpid(p.recorder, &status, 0) < 0 || status)
                fail("the recorder's end");
        printf("{\"deaths\": %llu, \"told\": %llu, \"seconds\": %.3f, \"guard_cpu\": %.3f, \"recorder_cpu\": "
               "%.3f,"
               " \"waits\": %ld}\n",
                (unsigned long long)f->deaths, (unsigned long long)p.told,
                (double)(clock_boot_ns() - start) / 1e9, cpu, cpu_of(RUSAGE_CHILDREN),
                after.ru_nvcsw - before.ru_nvcsw);
        ring_unmap(p.ring);
        board_unmap(p.board);
        free(p.world);
}

/* ---- a row each ---- */

struct rows {
        const struct sqlite *q;
        sqlite3 *c;
        sqlite3_stmt *insert;
};

static void run(const struct rows *r, const char *sql)
{
        if (r->q->exec(r->c, sql, NULL, NULL, NULL) != SQLITE_OK) {
                fprintf(stderr, "flood: %s: %s\n", sql, r->q->errmsg(r->c));
                exit(EXIT_FAILURE);
        }
}

static void insert_one(const struct rows *r, struct flood *f, int64_t now_ms)
{
        struct death d = next_death(f);
        char service[40], comm[LIFE_COMM_SIZE];

        snprintf(service, sizeof service, "/flood-%u", d.service);
        snprintf(comm, sizeof comm, "worker-%u", d.command % 100000);
        r->q->bind_int64(r->insert, 1, now_ms);
        r->q->bind_text(r->insert, 2, service, -1, SQLITE_STATIC);
        r->q->bind_text(r->insert, 3, comm, -1, SQLITE_STATIC);
        r->q->bind_int64(r->insert, 4, (int64_t)(FIRST_PID + f->deaths % PIDS));
        r->q->bind_int64(r->insert, 5, d.status);
        if (r->q->step(r->insert) != SQLITE_DONE)
                run(r, "INSERT");
        r->q->reset(r->insert);
}

static void flood_rows(struct flood *f)
{
        struct error e = {0};
        struct rows r = {.q = sqlite_load(&e)};
        char path[200];

        snprintf(path, sizeof path, "%s/rows.db", f->folder);
        if (!r.q || r.q->open_v2(path, &r.c, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
                fail(r.q ? path : e.text);
        run(&r, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "CREATE TABLE death (id INTEGER PRIMARY KEY, time INTEGER, service TEXT, comm TEXT, pid "
                "INTEGER,"
                " status INTEGER); CREATE INDEX death_service ON death (service);"
                "CREATE INDEX death_comm ON death (comm)");
        if (r.q->prepare_v2(r.c,
                    "INSERT INTO death (time, service, comm, pid, status) VALUES (?, ?, ?, ?, ?)", -1,
                    &r.insert, NULL) != SQLITE_OK)
                run(&r, "INSERT");
        uint64_t start = clock_boot_ns(), now = start, end = start + (uint64_t)(f->seconds * 1e9);
        double cpu = cpu_of(RUSAGE_SELF);
        while (now < end) {
                uint64_t commit = now + NSEC_PER_SEC;
                run(&r, "BEGIN");
                for (; now < commit && now < end; now = clock_boot_ns())
                        for (int i = 0; i < BATCH; i++)
                                insert_one(&r, f, (int64_t)(now / NSEC_PER_MSEC));
                run(&r, "COMMIT");
        }
        r.q->finalize(r.insert);
        r.q->close(r.c);
        printf("{\"deaths\": %llu, \"seconds\": %.3f, \"cpu\": %.3f}\n", (unsigned long long)f->deaths,
                (double)(clock_boot_ns() - start) / 1e9, cpu_of(RUSAGE_SELF) - cpu);
}

int main(int argc, char **argv)
{
        if (argc < 6) {
                fprintf(stderr, "flood rows FOLDER SECONDS SERVICES COMMANDS\n"
                                "flood recorder FOLDER SECONDS SERVICES COMMANDS STALL PROGRAM\n");
                return 2;
        }
        struct flood f = {.folder = argv[2],
                .seconds = atof(argv[3]),
                .services = (uint32_t)atoi(argv[4]),
                .commands = (uint32_t)atoi(argv[5]),
                .random = 1};
        if (!strcmp(argv[1], "rows")) {
                flood_rows(&f);
        } else if (argc == 8) {
                f.stall = atof(argv[6]);
                flood_recorder(&f, argv[7]);
        }
        return 0;
}
