/* Tests of source/bpf/record: decoding of what the BPF programs write, without a kernel. */
#include "source/bpf/record_read.h"
#include "tap.h"

static struct life_event event;
static struct record_text text;

static bool read_exec(const char *exe, const char *argv, size_t argv_len)
{
        struct record_exec r = {.head = {.type = RECORD_EXEC, .pid = 7, .time_ns = 5},
                .comm = "c",
                .cgroup_id = 6,
                .ppid = 3,
                .sid = 2};

        r.exe_len = (__u16)(strlen(exe) + 1);
        r.command_len = (__u16)argv_len;
        memcpy(r.text, exe, r.exe_len);
        if (argv_len)
                memcpy(r.text + r.exe_len, argv, argv_len);
        return record_read(&r, offsetof(struct record_exec, text) + r.exe_len + argv_len, &text, &event);
}

static void exec_joins_argv(void)
{
        check(read_exec("/bin/x", "x\0-a\0\0b\0", 8));
        check_int(event.type, LIFE_EXEC);
        check_int(event.pid, 7);
        check_str(event.exe, "/bin/x");
        check_str(event.command, "x -a  b");
        check_str(event.comm, "c");
        check_int(event.cgroup_id, 6);
        check_int(event.ppid, 3);
        check_int(event.sid, 2);
        check(read_exec("", "", 0));
        check(!event.command);
        check_str(event.exe, "");
        check(read_exec("e", "\0\0", 2));
        check_str(event.command, "");

        char full[RECORD_COMMAND_SIZE];
        memset(full, 'f', sizeof full);
        check(read_exec("e", full, sizeof full));
        check_int(strlen(event.command), LIFE_COMMAND_SIZE - 1);
}

static void lengths_are_checked(void)
{
        struct record_exec r = {.head = {.type = RECORD_EXEC}, .exe_len = 4, .command_len = 4};
        const size_t fixed = offsetof(struct record_exec, text);

        check(record_read(&r, fixed + 8, &text, &event));
        check(!record_read(&r, fixed + 7, &text, &event));
        check(!record_read(&r, fixed - 1, &text, &event));
        r.exe_len = RECORD_EXE_SIZE + 1;
        check(!record_read(&r, sizeof r, &text, &event));
        r = (struct record_exec){.head = {.type = RECORD_FREE}};
        check(!record_read(&r, sizeof(struct record_free) - 1, &text, &event));
        r.head.type = 99;
        check(!record_read(&r, sizeof r, &text, &event));
}

static void exit_and_free(void)
{
        struct record_exit x = {
                .head = {.type = RECORD_EXIT, .alive = 2, .pid = 7, .start_ns = 3},
                .cgroup_id = 4,
                .tid = 8,
                .ppid = 1,
                .status = 256,
                .signal = -1,
        };
        struct record_free f = {.head = {.type = RECORD_FREE, .pid = 7}, .cpu_ns = 11, .status = 9};

        memset(x.comm, 'c', sizeof x.comm);
        check(record_read(&x, sizeof x, &text, &event));
        check_int(event.tid, 8);
        check_int(event.others, LIFE_OTHERS_LIVE);
        check_int(event.exit_status, 256);
        check_int(event.start_ns, 3);
        check_int(event.cgroup_id, 4);
        x.head.alive = 0;
        check(record_read(&x, sizeof x, &text, &event));
        check_int(event.others, LIFE_OTHERS_NONE);
        check_int(strlen(event.comm), LIFE_COMM_SIZE - 1);
        check(record_read(&f, sizeof f, &text, &event));
        check_int(event.cpu_ns, 11);
        check_int(event.exit_status, 9);
        check_str(event.comm, "");
        check(!event.command && !event.exe);
}

static void fork_rename_and_move(void)
{
        struct record_fork f = {
                .head = {.type = RECORD_FORK, .pid = 7, .start_ns = 3}, .cgroup_id = 4, .ppid = 5, .sid = 6};
        struct record_comm c = {.head = {.type = RECORD_COMM, .pid = 7}, .comm = "new"};
        struct record_cgroup g = {.head = {.type = RECORD_CGROUP, .pid = 7}, .cgroup_id = 9};

        check(record_read(&f, sizeof f, &text, &event));
        check_int(event.type, LIFE_FORK);
        check_int(event.pid, 7);
        check_int(event.start_ns, 3);
        check_int(event.cgroup_id, 4);
        check_int(event.ppid, 5);
        check_int(event.sid, 6);
        check(!record_read(&f, sizeof f - 1, &text, &event));
        f.head.type = RECORD_THREAD;
        check(record_read(&f, sizeof f, &text, &event));
        check_int(event.type, LIFE_THREAD);
        check(record_read(&c, sizeof c, &text, &event));
        check_int(event.type, LIFE_COMM);
        check_str(event.comm, "new");
        check(!record_read(&c, sizeof c - 1, &text, &event));
        check(record_read(&g, sizeof g, &text, &event));
        check_int(event.type, LIFE_CGROUP);
        check_int(event.cgroup_id, 9);
        check(!record_read(&g, sizeof g - 1, &text, &event));
}

static void state_letters(void)
{
        check_int(record_state_char(0, 0), 'R');
        check_int(record_state_char(1, 0), 'S');
        check_int(record_state_char(2, 0), 'D');
        check_int(record_state_char(0x102, 0), 'D'); /* killable */
        check_int(record_state_char(0x402, 0), 'I');
        check_int(record_state_char(4, 0), 'T');
        check_int(record_state_char(8, 0), 't');
        check_int(record_state_char(0x40, 0), 'P');
        check_int(record_state_char(0x80, 0x20), 'Z');
        check_int(record_state_char(0x80, 0x10), 'X');
        check_int(record_state_char(0x8000, 0), 'D');
}

static void all(void)
{
        test(exec_joins_argv);
        test(lengths_are_checked);
        test(exit_and_free);
        test(fork_rename_and_move);
        test(state_letters);
}

int main(void)
{
        return tap_main(all);
}
