/* From the ring's records to life events: see record_read.h. Lengths are checked against the record
 * although our own programs wrote them, so that a reader out of step does no harm.
 */
#include "source/bpf/record_read.h"

#include <string.h>

static void read_head(const struct record *r, enum life_type type, struct life_event *e)
{
        *e = (struct life_event){
                .type = type,
                .pid = r->pid,
                .tid = r->pid,
                .time_ns = r->time_ns,
                .start_ns = r->start_ns,
        };
}

static void read_comm(const char comm[RECORD_COMM_SIZE], struct life_event *e)
{
        memcpy(e->comm, comm, sizeof e->comm);
        e->comm[sizeof e->comm - 1] = '\0';
}

static bool read_fork(const void *data, size_t size, enum life_type type, struct life_event *e)
{
        struct record_fork r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        read_head(&r.head, type, e);
        e->cgroup_id = r.cgroup_id;
        e->ppid = r.ppid;
        e->sid = r.sid;
        return true;
}

static bool read_rename(const void *data, size_t size, struct life_event *e)
{
        struct record_comm r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        read_head(&r.head, LIFE_COMM, e);
        read_comm(r.comm, e);
        return true;
}

static bool read_move(const void *data, size_t size, struct life_event *e)
{
        struct record_cgroup r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        read_head(&r.head, LIFE_CGROUP, e);
        e->cgroup_id = r.cgroup_id;
        return true;
}

static bool read_exit(const void *data, size_t size, struct life_event *e)
{
        struct record_exit r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        read_head(&r.head, LIFE_EXIT, e);
        read_comm(r.comm, e);
        e->cgroup_id = r.cgroup_id;
        e->tid = r.tid;
        e->ppid = r.ppid;
        e->exit_status = r.status;
        e->exit_signal = r.signal;
        e->others = r.head.alive ? LIFE_OTHERS_LIVE : LIFE_OTHERS_NONE;
        return true;
}

static bool read_free(const void *data, size_t size, struct life_event *e)
{
        struct record_free r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        read_head(&r.head, LIFE_FREE, e);
        e->cpu_ns = r.cpu_ns;
        e->exit_status = r.status;
        return true;
}

/* argv lies in memory as strings one after the other; the NUL between two becomes a blank. */
static void join_argv(char *dst, const char *src, size_t len)
{
        while (len && src[len - 1] == '\0')
                len--;
        len = MIN(len, (size_t)LIFE_COMMAND_SIZE - 1);
        for (size_t i = 0; i < len; i++)
                dst[i] = src[i] ? src[i] : ' ';
        dst[len] = '\0';
}

static bool read_exec(const char *data, size_t size, struct record_text *text, struct life_event *e)
{
        struct record_exec r;
        const size_t fixed = offsetof(struct record_exec, text);

        if (size < fixed)
                return false;
        memcpy(&r, data, fixed);
        if (r.exe_len > RECORD_EXE_SIZE || r.command_len > RECORD_COMMAND_SIZE ||
                size < fixed + r.exe_len + r.command_len)
                return false;
        read_head(&r.head, LIFE_EXEC, e);
        read_comm(r.comm, e);
        e->cgroup_id = r.cgroup_id;
        e->ppid = r.ppid;
        e->sid = r.sid;
        if (r.exe_len) {
                memcpy(text->exe, data + fixed, r.exe_len);
                text->exe[MIN((size_t)r.exe_len, sizeof text->exe - 1)] = '\0';
                e->exe = text->exe;
        }
        if (r.command_len) {
                join_argv(text->command, data + fixed + r.exe_len, r.command_len);
                e->command = text->command;
        }
        return true;
}

bool record_read(const void *data, size_t size, struct record_text *text, struct life_event *e)
{
        struct record r;

        if (size < sizeof r)
                return false;
        memcpy(&r, data, sizeof r);
        switch (r.type) {
        case RECORD_FORK:
                return read_fork(data, size, LIFE_FORK, e);
        case RECORD_THREAD:
                return read_fork(data, size, LIFE_THREAD, e);
        case RECORD_EXEC:
                return read_exec(data, size, text, e);
        case RECORD_COMM:
                return read_rename(data, size, e);
        case RECORD_EXIT:
                return read_exit(data, size, e);
        case RECORD_FREE:
                return read_free(data, size, e);
        case RECORD_CGROUP:
                return read_move(data, size, e);
        default:
                return false;
        }
}

char record_state_char(uint32_t state, uint32_t exit_state)
{
        /* TASK_REPORT of include/linux/sched.h: these bits have a letter, lowest bit first. */
        static const char letters[] = "RSDTtXZP";
        const uint32_t idle = 0x0402, rtlock = 0x1000, frozen = 0x8000;
        uint32_t bits = (state | exit_state) & 0x7f;

        if (!exit_state && state == idle)
                return 'I';
        if (!exit_state && (state & (rtlock | frozen)))
                return 'D';
        return letters[bits ? 32 - __builtin_clz(bits) : 0];
}

size_t record_read_stack(
        const char *data, size_t size, struct record_stack *ret, const char **ret_text, size_t *ret_len)
{
        struct record_stack r;

        if (size < sizeof r)
                return 0;
        memcpy(&r, data, sizeof r);
        const char *text = data + sizeof r, *end = text;
        for (uint32_t i = 0; i < r.frames; i++) {
                const char *line = memchr(end, '\n', size - (size_t)(end - data));
                if (!line)
                        return 0;
                end = line + 1;
        }
        *ret = r;
        *ret_text = text;
        *ret_len = (size_t)(end - text);
        return (size_t)(end - data);
}
