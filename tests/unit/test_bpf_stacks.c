/* Where the running kernel says by BPF that a task is: one of which the test knows it. Skipped, with the
 * kernel's reason, where BPF can't be loaded.
 */
#include "source/bpf/bpf.h"
#include "tap.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

struct stack_log {
        pid_t pid;
        size_t n;
        char state, text[4096];
};

static void keep_stack(void *ctx, const struct bpf_task *t, const char *stack, size_t len)
{
        struct stack_log *l = ctx;

        check(len == 0 || stack[len - 1] == '\n');
        if (t->pid != l->pid)
                return;
        l->n++;
        l->state = t->state;
        snprintf(l->text, sizeof l->text, "%.*s", (int)len, stack);
}

/* The parent of a vfork is in D until the child executes something or ends. */
static pid_t start_waiting(const int hold[2])
{
        pid_t pid = fork();

        if (pid == 0) {
                char c;
                close(hold[1]);
                if (vfork() == 0)
                        _exit((int)read(hold[0], &c, 1));
                _exit(0);
        }
        return pid;
}

static void stacks_of_active_tasks(void)
{
        struct bpf_options o = {0};
        struct bpf_source *s = NULL;
        static struct error e;
        struct stack_log l = {0};
        uint32_t left_out = 0;
        int hold[2], n = 0;

        if (bpf_source_open(&o, &s, &e) < 0)
                skip(e.text);
        check(pipe(hold) == 0);
        l.pid = start_waiting(hold);
        for (int i = 0; i < 400 && !l.n && n >= 0; i++) {
                usleep(5000);
                n = bpf_source_stacks(s, 1000, 1000, keep_stack, &l, &left_out);
        }
        if (n != -ENOTSUP) {
                check_int(l.n, 1);
                check_int(l.state, 'D');
                check(strstr(l.text, "clone") || strstr(l.text, "vfork"));
                check(strchr(l.text, '+') != NULL);
                l.n = 0;
                check_int(bpf_source_stacks(s, 0, 0, keep_stack, &l, &left_out), 0);
                check_int(l.n, 0);
                check(left_out >= 1);
        }
        close(hold[0]);
        close(hold[1]);
        waitpid(l.pid, NULL, 0);
        bpf_source_free(s);
        if (n == -ENOTSUP)
                skip("this kernel doesn't show stacks to BPF");
}

static void all(void)
{
        test(stacks_of_active_tasks);
}

int main(void)
{
        return tap_main(all);
}
