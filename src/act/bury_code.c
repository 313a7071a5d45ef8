/* Where a running program has the few instructions that burying needs, and its main thread's stack. Read
 * while it runs: nothing of it is held, and what was found is looked at again before it is used.
 */
#include "act/bury_code.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

enum {
        CHUNK = 64 * 1024,
        MAPPING_BYTES = 64 << 20, /* of one mapping; the C library's code is 1.5 MB */
        MAPPINGS = 2000,          /* with code; the C library comes early in any program that has one */
};

struct search {
        int32_t pid;
        const struct bury_patterns *patterns;
        struct bury_code *code;
        uint32_t mappings;
};

static uint64_t find(const uint8_t *in, size_t len, uint64_t base, const struct bury_pattern *p)
{
        const uint8_t *found = memmem(in, len, p->bytes, p->len);

        return found ? base + (uint64_t)(found - in) : 0;
}

static void look_in_chunk(struct search *s, const uint8_t *in, size_t len, uint64_t base)
{
        if (!s->code->call)
                s->code->call = find(in, len, base, &s->patterns->call);
        for (size_t k = 0; k < BURY_SIGRETURNS && !s->code->sigreturn; k++) {
                s->code->sigreturn = find(in, len, base, &s->patterns->sigreturn[k]);
                s->code->sigreturn_len = s->patterns->sigreturn[k].len;
        }
}

static bool is_complete(const struct search *s)
{
        return s->code->call && s->code->sigreturn;
}

static void look_in_mapping(struct search *s, uint64_t from, uint64_t to)
{
        static uint8_t chunk[CHUNK];

        to = MIN(to, from + MAPPING_BYTES);
        while (from < to && !is_complete(s)) {
                size_t len = MIN((uint64_t)CHUNK, to - from);
                struct iovec local = {chunk, len}, remote = {(void *)(uintptr_t)from, len};
                ssize_t got = process_vm_readv(s->pid, &local, 1, &remote, 1, 0);

                if (got < BURY_PATTERN)
                        return;
                look_in_chunk(s, chunk, (size_t)got, from);
                /* a pattern may lie across the border of two chunks */
                from += (uint64_t)got < len || from + len == to ? (uint64_t)got : len - BURY_PATTERN;
        }
}

static void look_at_line(struct search *s, const char *line)
{
        uint64_t from, to;
        char rights[5];
        int path = 0;

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &from, &to, rights, &path) < 3 ||
                from >= to)
                return;
        const char *name = path ? line + path : "";
        if (!strcmp(name, "[stack]\n")) {
                s->code->stack = from;
                s->code->stack_end = to;
        } else if (rights[0] == 'r' && rights[2] == 'x' && name[0] != '[' && s->mappings++ < MAPPINGS) {
                look_in_mapping(s, from, to);
        }
}

enum bury_end bury_code_find(int proc_fd, int32_t pid, struct bury_code *ret)
{
        struct search s = {.pid = pid, .patterns = bury_machine_patterns(), .code = ret};
        char path[32], line[512];
        bool begins = true;

        memset(ret, 0, sizeof *ret);
        snprintf(path, sizeof path, "%" PRId32 "/maps", pid);
        int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == ESRCH ? BURY_GONE : BURY_FORBIDDEN;
        FILE *f = fdopen(fd, "r");
        if (!f) {
                close(fd);
                return BURY_LOST;
        }
        while (fgets(line, sizeof line, f)) {
                if (begins)
                        look_at_line(&s, line);
                begins = strchr(line, '\n') != NULL; /* the rest of a long name is no line */
        }
        fclose(f);
        if (!ret->stack)
                return BURY_STACK;
        return is_complete(&s) ? BURY_DONE : BURY_NO_CODE;
}
