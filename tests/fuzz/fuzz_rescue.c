/* Fuzzes what strangers and their files say to the rescue console: a typed session (by its first byte on a
 * terminal, through a pipe or as one command), a line of authorized_keys, a record of the kernel's log. What
 * is shown stays in its page and holds no control character but the console's own.
 */
#include "base/text.h"
#include "rescue/console.h"
#include "rescue/key_line.h"
#include "rescue/show.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TERMINAL, PIPE, ONCE, KEY, KMSG, WAYS };

static void require(bool condition)
{
        if (!condition)
                abort();
}

static enum console_exit on_show(void *ctx, const struct command *c, unsigned width, struct page *p)
{
        char shown[PAGE_CELL];

        require(c->verb > COMMAND_NONE && c->verb < COMMAND_VERBS);
        require(strnlen(c->subject, sizeof c->subject) < sizeof c->subject);
        page_put(p, "%s\n", page_shown(shown, c->subject));
        page_fold(p, 2, width, c->subject);
        return CONSOLE_DONE;
}

static int on_ask(void *ctx, const struct command *c, struct console *con)
{
        require(c->pid == 0 || c->pid > 1);
        require(strnlen(c->reason, sizeof c->reason) < sizeof c->reason);
        con->asked_from = con->asked_to = 1;
        return c->dry_run ? 0 : 1;
}

static void sent(struct console *c, bool echoes)
{
        require(c->page.len <= sizeof c->page.text && c->page.sent <= c->page.len);
        for (size_t i = 0; i < c->page.len && !echoes; i++)
                require((unsigned char)c->page.text[i] >= 0x20 || strchr("\r\n", c->page.text[i]));
        console_sent(c, c->page.len - c->page.sent, 1);
}

static void talk(const uint8_t *data, size_t size, int way)
{
        static const struct console_ops ops = {on_show, on_ask};
        static struct console c;
        const struct answer a = {.number = 1, .text = "done"};

        console_init(&c, &ops, NULL, "fuzz");
        if (way == ONCE)
                console_run(&c, (const char *)data, size, 1);
        else
                console_start(&c, way == TERMINAL, "host", 1);
        for (size_t at = 0; way != ONCE && at < size && c.state != CONSOLE_ENDED;) {
                size_t n = MIN(MIN(size - at, console_room(&c)), (size_t)1 + data[at] % 40);
                console_type(&c, (const char *)data + at, n, 1);
                at += n;
                sent(&c, way == TERMINAL);
                console_answer(&c, &a, 1);
        }
        console_answer(&c, &a, 1);
        sent(&c, way == TERMINAL);
        if (way != ONCE)
                console_type_end(&c, 1);
        for (int i = 0; i < 2000 && !console_is_over(&c); i++) {
                console_answer(&c, &a, 1);
                sent(&c, way == TERMINAL);
        }
        require(console_is_over(&c));
}

static void key(const char *line, size_t len)
{
        struct error e = {0};
        struct key_line k;

        if (memchr(line, '\n', len) || key_line_parse(line, len, &k, &e) != 1)
                return;
        require(k.base64 >= line && k.base64 + k.base64_len <= line + len);
        key_line_admits(k.from, "10.1.2.3");
        key_line_admits(k.from, "fe80::1");
}

static void kernel_log(const char *record, size_t len)
{
        static struct kmsg_line line[3];
        static struct kmsg k = {.line = line, .lines = 3};
        static struct page p;

        kmsg_take(&k, record, len);
        page_clear(&p);
        show_dmesg(&k, 0, &p);
        for (size_t i = 0; i < p.len; i++)
                require((unsigned char)p.text[i] >= 0x20 || p.text[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (!size)
                return 0;
        int way = data[0] % WAYS;
        const char *text = (const char *)data + 1;
        if (way == KEY)
                key(text, size - 1);
        else if (way == KMSG)
                kernel_log(text, size - 1);
        else
                talk(data + 1, size - 1, way);
        return 0;
}
