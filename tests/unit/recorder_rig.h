/* A recorder as a process of its own, with a board written by the test, and a client of it. */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "recorder/recorder.h"
#include "wire/board_map.h"
#include "wire/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "fake_board.h"
#include "tap.h"

enum { WAIT_MS = 20000 };

static char folder[] = "/tmp/sexton-recorder-XXXXXX", socket_path[64], token_file[64];
static struct board *board;
static struct ring *ring;
static int board_fd, ring_fd, box_fd = -1, receipts_fd = -1, alive[2];
static int requests_fd = -1; /* the recorder's end of the link to the guard, if the test plays that */
static pid_t recorder;
static uint16_t port;

/* ---- the board and the process ---- */

static inline void fill(uint32_t zombies)
{
        uint64_t now = clock_boot_ns();

        board_write_begin(board);
        board->version = BOARD_VERSION;
        board->size = sizeof *board;
        board->started_ns = now;
        board->grace_ns = FAKE_S(10);
        board->process_top = board->string_top = board->container_top = board->finding_top = 1;
        board->service_top = 1;
        board->zombies = board->ledger_head = 0;
        strcpy(board->host.name, "vm");
        uint16_t s = fake_service(board, "odin/worker", SERVICE_COMPOSE);
        uint32_t parent = fake_process(board, s, 1000, 0, "celery -A app worker");
        for (uint32_t i = 0; i < zombies; i++) {
                uint32_t n = board->process_top++;
                board->process[n] = board->process[parent];
                board->process[n].pid = (int32_t)(2000 + i);
                board->process[n].parent = parent;
                fake_dies(board, n, parent, now - FAKE_S(60));
        }
        board_write_end(board, now);
}

static inline void touch(void)
{
        board_write_begin(board);
        board_write_end(board, clock_boot_ns());
}

/* A guard that reports, however long things take here: a process of its own, until it is held. */
static pid_t pulse;

static inline void start_pulse(void)
{
        pulse = fork();
        if (pulse)
                return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(alive[0]); /* it is not by us that the recorder's supervisor lives */
        close(alive[1]);
        for (;;) {
                __atomic_store_n(&board->updated_ns, clock_boot_ns(), __ATOMIC_RELAXED);
                usleep(100000);
        }
}

static inline void hold_pulse(bool on)
{
        kill(pulse, on ? SIGSTOP : SIGCONT);
        if (on)
                check_int(waitpid(pulse, NULL, WUNTRACED), pulse);
}

static inline void stop_pulse(void)
{
        kill(pulse, SIGKILL);
        waitpid(pulse, NULL, 0);
}

/* Where nobody else can take our port between two recorders; where that is not granted, among all. */
static inline void own_network(void)
{
        struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
        cleanup_close int fd = -1;

        if (unshare(CLONE_NEWNET) < 0)
                return;
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
                abort();
}

static inline uint16_t free_port(void)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof a;
        cleanup_close int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
                return 0;
        return ntohs(a.sin_port);
}

static inline int connect_tcp(void)
{
        struct sockaddr_in a = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

static inline int connect_unix(void)
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(a.sun_path, socket_path);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

static inline void start_recorder(void)
{
        int fd = -1;

        recorder = fork();
        if (recorder == 0) {
                static struct config c;
                close(alive[1]);
                config_defaults(&c);
                snprintf(c.listen, sizeof c.listen, "127.0.0.1:%u", port);
                strcpy(c.socket, socket_path);
                strcpy(c.http.token_file, token_file);
                snprintf(c.data_dir, sizeof c.data_dir, "%s/data", folder);
                log_init("recorder", LOG_LEVEL_ERROR);
                _exit(recorder_main(&c, &(struct recorder_fds){.config = -1,
                                                .board = board_fd,
                                                .ring = ring_fd,
                                                .courier = -1,
                                                .requests = requests_fd,
                                                .blackbox = box_fd,
                                                .receipts = receipts_fd,
                                                .alive = alive[0]}));
        }
        /* the port is listened on a moment later than the socket */
        for (int (*connects[])(void) = {connect_unix, connect_tcp}, i = 0; i < 2; i++) {
                fd = -1;
                for (int k = 0; k < WAIT_MS / 10 && fd < 0; k++) {
                        usleep(10000);
                        fd = connects[i]();
                }
                check(fd >= 0);
                close(fd);
        }
}

static inline int end_of(pid_t pid)
{
        int status = -1;

        for (int i = 0; i < WAIT_MS / 10; i++) {
                if (waitpid(pid, &status, WNOHANG) == pid)
                        return status;
                usleep(10000);
        }
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return status;
}

/* ---- a client ---- */

static char *body_of; /* of the last answer: in `answer` */
static char *answer;
static size_t answer_len;

static inline void read_all(int fd)
{
        size_t size = 1 << 16;
        struct pollfd p = {.fd = fd, .events = POLLIN};

        free(answer);
        answer = malloc(size);
        answer_len = 0;
        while (poll(&p, 1, WAIT_MS) == 1) {
                ssize_t n = recv(fd, answer + answer_len, size - answer_len - 1, 0);
                if (n <= 0)
                        break;
                answer_len += (size_t)n;
                if (answer_len + 1 == size)
                        answer = realloc(answer, size *= 2);
        }
        answer[answer_len] = '\0';
        body_of = strstr(answer, "\r\n\r\n");
        body_of = body_of ? body_of + 4 : answer + answer_len;
}

static inline void send_all(int fd, const char *bytes, size_t len)
{
        while (len) {
                ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
                if (n <= 0)
                        break;
                bytes += n;
                len -= (size_t)n;
        }
}

/* Reads the answer to the end; its status, or 0. */
static inline int hear(int fd)
{
        int status = 0;

        read_all(fd);
        close(fd);
        sscanf(answer, "HTTP/1.1 %d", &status);
        return status;
}

/* Sends raw bytes, reads to the end; the status, or 0. */
static inline int say(int fd, const char *bytes, size_t len)
{
        if (fd < 0)
                return -1;
        send_all(fd, bytes, len);
        return hear(fd);
}

/* A recorder that gets no processor for seconds takes a client for idle and closes: it is asked once more. */
static inline int ask(int (*connects)(void), const char *method, const char *target, const char *headers)
{
        char request[4096];
        int status = 0;
        int n = snprintf(request, sizeof request,
                "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", method, target, headers);

        for (int i = 0; i < 3 && status == 0; i++)
                status = say(connects(), request, (size_t)n);
        return status;
}

/* A request with a body, whose answer hear() reads. */
static inline int begin_change(int fd, const char *method, const char *target, const char *body)
{
        char request[8192];
        int n = snprintf(request, sizeof request,
                "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                method, target, strlen(body), body);

        send_all(fd, request, (size_t)n);
        return fd;
}

static inline int change(int fd, const char *method, const char *target, const char *body)
{
        return hear(begin_change(fd, method, target, body));
}

static inline int get(const char *target)
{
        touch();
        return ask(connect_tcp, "GET", target, "");
}

static inline void is_json(const char *with)
{
        json_error_t e;
        json_t *r = json_loads(body_of, 0, &e);

        check(r != NULL && (!with || json_object_get(r, with)));
        if (!r || (with && !json_object_get(r, with)))
                printf("# %.300s\n", answer);
        json_decref(r);
}

/* ---- what happens ---- */

static inline void oom_of(int32_t pid)
{
        struct event e = {.kind = EVENT_OOM,
                .count = 1,
                .cpu_ns = BOARD_UNKNOWN,
                .value = NAN,
                .pid = pid,
                .service = "odin/worker",
                .text = "killed"};

        e.unix_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns();
        ring_append(ring, &e);
}

static inline void put_finding(void)
{
        uint64_t now = clock_boot_ns();

        board_write_begin(board);
        board->finding[1] = (struct finding){.id = 1,
                .detector = "zombie_leak",
                .service = 1,
                .service_name = "odin/worker",
                .severity = SEVERITY_WARNING,
                .open = true,
                .since_ns = now,
                .opened_ns = now,
                .text = "3 zombies are held by <celery>"};
        board->finding_top = 2;
        board_write_end(board, now);
}

/* The number of the first incident; the book looks once a second. */
static inline uint64_t open_incident(void)
{
        uint64_t id = 0;

        for (int i = 0; i < 600 && !id; i++) {
                touch();
                check_int(ask(connect_unix, "GET", "/sexton/v1/incidents?state=open", ""), 200);
                const char *p = strstr(body_of, "{\"id\":");
                if (p)
                        p += strlen("{\"id\":");
                if (!p || !text_u64(&p, &id))
                        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        }
        check(id > 0);
        return id;
}

/* ---- beginning and end ---- */

static inline void stop_recorder(void)
{
        kill(recorder, SIGTERM);
        int status = end_of(recorder);
        check(WIFEXITED(status));
        close(alive[0]);
        close(alive[1]);
        unlink(socket_path);
}

static inline void remove_data(void)
{
        static const char *const names[] = {
                "/data/history.db", "/data/history.db-wal", "/data/history.db-shm", "/data"};
        char path[100];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(path, sizeof path, "%s%s", folder, names[i]);
                remove(path);
        }
}

/* token: what lets change things over TCP, "" = none. */
static inline void set_up_with(const char *token)
{
        if (!mkdtemp(folder) || pipe2(alive, O_CLOEXEC) < 0)
                abort();
        chmod(folder, 0755);
        if (*token) {
                snprintf(token_file, sizeof token_file, "%s/token", folder);
                cleanup_close int fd = open(token_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (write(fd, token, strlen(token)) < 0)
                        abort();
        }
        snprintf(socket_path, sizeof socket_path, "%s/s.sock", folder);
        board_fd = board_create();
        ring_fd = ring_create();
        board_map(board_fd, true, &board);
        ring_map(ring_fd, true, &ring);
        own_network();
        port = free_port();
        fill(3);
        start_pulse();
        start_recorder();
}

static inline void set_up(void)
{
        set_up_with("");
}

/* The recorder has ended. */
static inline void tear_down(void)
{
        if (*token_file)
                unlink(token_file);
        stop_pulse();
        board_unmap(board);
        ring_unmap(ring);
        close(board_fd);
        close(ring_fd);
        remove_data();
        rmdir(folder);
        free(answer);
}
