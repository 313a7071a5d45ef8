/* Readers of /proc/PID files: see process.h. The status file is parsed as it streams, because its
 * Groups line can be made longer than any buffer by the process it speaks of.
 */
#include "source/proc/process.h"

#include "base/text.h"
#include "base/util.h"
#include "source/proc/lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
        STAT_SIZE = 1024,        /* 52 numbers of at most 20 digits and a name: ~400 in practice */
        DIRENTS_SIZE = 32 * 1024 /* ~1000 entries per getdents64 */
};

static char *put_number(char *p, uint32_t v)
{
        char digits[10];
        int n = 0;

        do
                digits[n++] = (char)('0' + v % 10);
        while (v /= 10);
        while (n)
                *p++ = digits[--n];
        return p;
}

static int open_of(int proc_fd, int32_t pid, const char *file)
{
        char path[32];

        if (pid <= 0)
                return -ESRCH;
        char *p = put_number(path, (uint32_t)pid);
        *p++ = '/';
        strcpy(p, file);
        int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

static ssize_t read_once(int fd, char *buf, size_t size)
{
        ssize_t n;

        do
                n = read(fd, buf, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* These files come whole in one read when the buffer is big enough; a second read would only say "end". */
static ssize_t read_of(int proc_fd, int32_t pid, const char *file, char *buf, size_t size)
{
        cleanup_close int fd = open_of(proc_fd, pid, file);

        if (fd < 0)
                return fd;
        ssize_t n = read_once(fd, buf, size - 1);
        if (n >= 0)
                buf[n] = '\0';
        return n;
}

/* ---- stat ---- */

/* A field of the numeric tail of stat. `size` 0 skips it. */
struct stat_field {
        uint16_t offset;
        uint8_t size;
};
#define STAT(member)                                                                                         \
        {                                                                                                    \
                offsetof(struct proc_stat, member), sizeof(((struct proc_stat *)0)->member)                  \
        }

enum { STAT_FIRST = 4, STAT_NEEDED = 22, STAT_LAST = 52 };

/* By field number of proc(5). */
static const struct stat_field stat_fields[STAT_LAST + 1] = {
        [4] = STAT(ppid),
        [5] = STAT(pgrp),
        [6] = STAT(sid),
        [9] = STAT(flags),
        [11] = STAT(waited_minor_faults),
        [14] = STAT(utime_ticks),
        [15] = STAT(stime_ticks),
        [16] = STAT(cutime_ticks),
        [17] = STAT(cstime_ticks),
        [20] = STAT(threads),
        [22] = STAT(start_ticks),
        [24] = STAT(rss_pages),
        [52] = STAT(exit_code),
};

/* Fields are %lld, %llu or %d by number; all wanted ones are non-negative or fit int64, except that a 64-bit
 * unsigned beyond INT64_MAX must not be refused. */
static bool number(const char **p, uint64_t *ret)
{
        int64_t negative;

        *p += strspn(*p, " ");
        if (text_u64(p, ret))
                return true;
        if (!text_i64(p, &negative))
                return false;
        *ret = (uint64_t)negative;
        return true;
}

int proc_parse_stat(const char *text, size_t len, struct proc_stat *ret)
{
        char tail[STAT_SIZE];
        struct proc_stat st = {.exit_code = -1};
        const char *p = text, *open = memchr(text, '(', len), *close = memrchr(text, ')', len);
        uint64_t v;

        /* The name may hold parentheses and newlines, what follows it can't. */
        if (!open || !close || close < open || open - text > 12)
                return -EBADMSG;
        text_copy(tail, sizeof(tail), text, (size_t)(open - text));
        p = tail;
        if (!number(&p, &v) || v == 0 || v > INT32_MAX || strcmp(p, " "))
                return -EBADMSG;
        st.pid = (int32_t)v;
        text_copy(st.comm, sizeof(st.comm), open + 1, (size_t)(close - open - 1));

        if (!text_copy(tail, sizeof(tail), close + 1, (size_t)(text + len - close - 1)))
                return -EBADMSG;
        p = tail;
        if (p[0] != ' ' || p[1] < '!' || p[1] > '~' || p[2] != ' ')
                return -EBADMSG;
        st.state = p[1];
        p += 2;
        for (int i = STAT_FIRST; i <= STAT_LAST; i++) {
                const struct stat_field *f = &stat_fields[i];

                if (!number(&p, &v) || (*p != ' ' && *p != '\n' && *p != '\0')) {
                        if (i <= STAT_NEEDED)
                                return -EBADMSG;
                        break;
                }
                /* Little and big endian alike: copy the narrowed value, not a prefix of its bytes. */
                if (f->size == sizeof(uint32_t))
                        memcpy((char *)&st + f->offset, &(uint32_t){(uint32_t)v}, sizeof(uint32_t));
                else if (f->size)
                        memcpy((char *)&st + f->offset, &v, sizeof(v));
        }
        *ret = st;
        return 0;
}

int proc_read_stat(int proc_fd, int32_t pid, struct proc_stat *ret)
{
        char buf[STAT_SIZE];
        ssize_t n = read_of(proc_fd, pid, "stat", buf, sizeof(buf));

        return n < 0 ? (int)n : proc_parse_stat(buf, (size_t)n, ret);
}

/* ---- cgroup, schedstat ---- */

int proc_read_cgroup(int proc_fd, int32_t pid, char *buf, size_t size)
{
        ssize_t n = read_of(proc_fd, pid, "cgroup", buf, size);

        if (n < 0)
                return (int)n;
        return (size_t)n == size - 1 && (n == 0 || buf[n - 1] != '\n') ? -ENOBUFS : 0;
}

/* The first two numbers of the file. */
static int read_schedstat(int proc_fd, int32_t pid, uint64_t ret[2])
{
        char buf[80];
        ssize_t n = read_of(proc_fd, pid, "schedstat", buf, sizeof(buf));
        const char *p = buf;

        if (n < 0)
                return (int)n;
        return number(&p, &ret[0]) && *p == ' ' && number(&p, &ret[1]) && *p == ' ' ? 0 : -EBADMSG;
}

int proc_read_schedstat(int proc_fd, int32_t pid, uint64_t *ret_cpu_ns)
{
        uint64_t v[2];
        int r = read_schedstat(proc_fd, pid, v);

        if (!r)
                *ret_cpu_ns = v[0];
        return r;
}

int proc_read_queued(int proc_fd, int32_t pid, uint64_t *ret_ns)
{
        uint64_t v[2];
        int r = read_schedstat(proc_fd, pid, v);

        if (!r)
                *ret_ns = v[1];
        return r;
}

int proc_read_wchan(int proc_fd, int32_t pid, char ret[static PROC_WCHAN])
{
        char buf[PROC_WCHAN];
        ssize_t n = read_of(proc_fd, pid, "wchan", buf, sizeof buf);

        if (n < 0)
                return (int)n;
        buf[strcspn(buf, " \n")] = '\0';
        strcpy(ret, strcmp(buf, "0") ? buf : "");
        return 0;
}

/* ---- status ---- */

static void status_pids(const char *value, struct proc_status *st)
{
        uint64_t v;

        for (;;) {
                value += strspn(value, " \t");
                if (!text_u64(&value, &v) || v > INT32_MAX)
                        return;
                st->ns_pid = (int32_t)v;
                if (st->ns_depth < PROC_NS)
                        st->ns_pids[st->ns_depth] = (int32_t)v;
                st->ns_depth++;
        }
}

static uint64_t status_hex(const char *value)
{
        uint64_t v = 0;

        for (int i = 0; i < 16; i++, value++) {
                if (*value >= '0' && *value <= '9')
                        v = v << 4 | (uint64_t)(*value - '0');
                else if (*value >= 'a' && *value <= 'f')
                        v = v << 4 | (uint64_t)(*value - 'a' + 10);
                else
                        break;
        }
        return v;
}

/* True when the line was one of those that every status file has. */
static bool status_line(const char *line, struct proc_status *st)
{
        const char *value = strchr(line, ':');
        uint64_t v = 0;

        if (!value)
                return false;
        size_t n = (size_t)(value - line);
        value += 1 + strspn(value + 1, " \t");
        const char *p = value;
        bool is_number = text_u64(&p, &v);
#define KEY(name) (n == sizeof(name) - 1 && !memcmp(line, name, n))
        if (KEY("NSpid")) {
                status_pids(value, st);
        } else if (KEY("SigCgt")) {
                st->sigcgt = status_hex(value);
        } else if (KEY("SigIgn")) {
                st->sigign = status_hex(value);
        } else if (KEY("x86_Thread_features")) {
                st->shadow_stack = strstr(value, "shstk") != NULL;
        } else if (is_number && KEY("VmRSS")) {
                st->has_vmrss = true;
                st->vmrss_bytes = v > UINT64_MAX / 1024 ? UINT64_MAX : v * 1024;
        } else if (is_number && (KEY("voluntary_ctxt_switches") || KEY("nonvoluntary_ctxt_switches"))) {
                st->switches += v;
        } else if (is_number && v <= INT32_MAX) {
                if (KEY("Tgid"))
                        st->tgid = (int32_t)v;
                else if (KEY("TracerPid"))
                        st->tracer_pid = (int32_t)v;
                else if (KEY("Seccomp"))
                        st->seccomp = (uint8_t)MIN(v, (uint64_t)UINT8_MAX);
                else if (KEY("Threads"))
                        st->threads = (uint32_t)v;
                return KEY("Tgid");
        }
#undef KEY
        return false;
}

struct status_result {
        bool seen_tgid;
        struct proc_status st;
};

static void on_status_line(void *ctx, char *line)
{
        struct status_result *r = ctx;

        if (status_line(line, &r->st))
                r->seen_tgid = true;
}

static int status_end(const struct status_result *r, struct proc_status *ret)
{
        if (!r->seen_tgid)
                return -EBADMSG;
        *ret = r->st;
        return 0;
}

int proc_parse_status(const char *text, size_t len, struct proc_status *ret)
{
        struct status_result result = {.seen_tgid = false};
        struct lines lines = {.line = on_status_line, .ctx = &result};

        lines_feed(&lines, text, len);
        return status_end(&result, ret);
}

int proc_read_status(int proc_fd, int32_t pid, struct proc_status *ret)
{
        cleanup_close int fd = open_of(proc_fd, pid, "status");
        struct status_result result = {.seen_tgid = false};
        struct lines lines = {.line = on_status_line, .ctx = &result};

        if (fd < 0)
                return fd;
        int r = lines_read(&lines, fd);
        return r < 0 ? r : status_end(&result, ret);
}

/* ---- the list ---- */

struct dirents_entry {
        uint64_t ino;
        int64_t off;
        uint16_t reclen;
        uint8_t type;
        char name[];
};

int proc_list(int proc_fd, int (*fn)(void *ctx, int32_t pid), void *ctx)
{
        /* A descriptor of its own: the borrowed one may be O_PATH, and its position isn't ours. */
        cleanup_close int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _Alignas(struct dirents_entry) char buf[DIRENTS_SIZE];

        if (fd < 0)
                return -errno;
        for (;;) {
                long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                for (long at = 0; at < n;) {
                        const struct dirents_entry *e =
                                (const struct dirents_entry *)(const void *)(buf + at);
                        const char *p = e->name;
                        uint64_t pid;

                        at += e->reclen;
                        if (!text_u64(&p, &pid) || *p || pid == 0 || pid > INT32_MAX)
                                continue;
                        int r = fn(ctx, (int32_t)pid);
                        if (r)
                                return r;
                }
        }
}

uint64_t proc_ticks_to_ns(uint64_t ticks)
{
        long hz = sysconf(_SC_CLK_TCK);
        uint64_t tick_ns = NSEC_PER_SEC / (uint64_t)(hz > 0 ? hz : 100), ns;

        return __builtin_mul_overflow(ticks, tick_ns, &ns) ? UINT64_MAX : ns;
}

int proc_has_host_pids(int proc_fd)
{
        /* PROC_PID_INIT_INO: the number of the first pid namespace is part of the kernel's ABI. */
        static const char host[] = "pid:[4026531836]";
        char link[64];
        ssize_t n = readlinkat(proc_fd, "self/ns/pid", link, sizeof link - 1);

        if (n < 0)
                return -errno;
        link[n] = '\0';
        return !strcmp(link, host);
}
