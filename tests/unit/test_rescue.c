/* The rescue console's pure parts: commands, lines, keys' options, the gate, a person at a console. */
#include "base/text.h"
#include "rescue/console.h"
#include "rescue/gate.h"
#include "rescue/key_line.h"
#include "rescue/reserve.h"
#include "rescue/show.h"
#include "tap.h"
#include "wire/board_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEC NSEC_PER_SEC

static struct command c;
static struct error e;

static int parse(const char *line)
{
        e = (struct error){0};
        c = (struct command){0};
        return command_parse(line, strlen(line), &c, &e);
}

static void commands(void)
{
        check_int(parse("  top \r"), 0);
        check_int(c.verb, COMMAND_TOP);
        check_int(parse(""), 0);
        check_int(c.verb, COMMAND_NONE);
        check_int(parse("freeze shop/worker for 10m because 'load is 40'  --dry-run"), 0);
        check_int(c.verb, COMMAND_FREEZE);
        check_str(c.subject, "shop/worker");
        check_str(c.reason, "load is 40");
        check(c.dry_run); /* wherever it stands */
        check_int(c.ttl_ns, 600 * SEC);
        check_int(parse("freeze -n a\\ b"), 0);
        check_str(c.subject, "a b");
        check(c.dry_run);
        check_int(parse("freeze 'a b' -n"), 0);
        check_str(c.subject, "a b");
        check(c.dry_run);
        check_int(parse("kill 4711"), 0);
        check_int(c.pid, 4711);
        check_int(parse("kill web.service"), 0);
        check_int(c.pid, 0);
        check_str(c.subject, "web.service");
        check_int(parse("undo 12"), 0);
        check_int(c.number, 12);
        check_int(parse("breaker close"), 0);
        check_int(c.breaker, 0);
        check_int(parse("breaker open"), 0);
        check_int(c.breaker, 1);
        check_int(parse("breaker auto"), 0);
        check_int(c.breaker, -1);
        check_int(parse("dmesg 7"), 0);
        check_int(c.number, 7);
        check_int(parse("help ?"), 0);
        check_str(c.subject, "help");
        check_int(parse("quit"), 0);
        check_int(c.verb, COMMAND_EXIT);
}

static void wrong_commands(void)
{
        static const char *const wrong[] = {"tpo", "kill", "kill 1", "kill 0", "kill 99999999999 x", "freeze",
                "freeze a for", "freeze a for 10", "freeze a for 31d", "freeze a for 0s", "freeze a b",
                "breaker", "breaker half", "top now", "why a b", "dmesg x", "dmesg 0", "undo x", "undo 0",
                "freeze ''", "why 'a", "exit now", "help me", "stop a for 10m",
                "1 2 3 4 5 6 7 8 9 10 11 12 13"};
        char longest[COMMAND_LINE + 1];

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                check(parse(wrong[i]) == -EINVAL && *e.text);
        check_int(parse("tpo"), -EINVAL);
        check(strstr(e.text, "did you mean top"));
        parse("\033[31mred");
        check(!strchr(e.text, '\033'));
        memset(longest, 'x', sizeof longest);
        check_int(command_parse(longest, COMMAND_LINE, &c, &e), -EINVAL);
        check_int(command_parse("top\0x", 5, &c, &e), -EINVAL);
        snprintf(longest, sizeof longest, "freeze %0200d", 0);
        check_int(parse(longest), -EINVAL);
}

/* ---- a person ---- */

static int shown, asked, to_answer;
static enum console_exit on_show(void *ctx, const struct command *command, unsigned width, struct page *p)
{
        shown++;
        page_put(p, "shown %d %u\n", (int)command->verb, width);
        return command->verb == COMMAND_WHY ? CONSOLE_BAD : CONSOLE_DONE;
}
static int on_ask(void *ctx, const struct command *command, struct console *con)
{
        asked++;
        con->asked_from = 100;
        con->asked_to = 100 + (uint32_t)(to_answer > 0 ? to_answer - 1 : 0);
        return to_answer;
}
static const struct console_ops ops = {on_show, on_ask};
static struct console con;
static char seen[PAGE_SIZE_MAX + 1];

/* Everything on the page, taken as the carrier would. */
static const char *take(uint64_t now_ns)
{
        size_t n = con.page.len - con.page.sent;

        memcpy(seen, con.page.text + con.page.sent, n);
        seen[n] = '\0';
        console_sent(&con, n, now_ns);
        return seen;
}

static void type(const char *text, uint64_t now_ns)
{
        console_type(&con, text, strlen(text), now_ns);
}

static void terminal(void)
{
        shown = asked = 0;
        console_init(&con, &ops, NULL, "rescue a@b");
        console_start(&con, true, "ho\033st", SEC);
        check(strstr(take(SEC), "sexton ho\\x1bst> "));
        type("serXv\177\177vices\r", SEC);
        check_str(take(SEC), "serXv\b \b\b \bvices\r\nshown 3 80\r\nsexton ho\\x1bst> ");
        type("\033[A", SEC);
        check_str(take(SEC), "services");
        type("\025why\r\n", SEC);
        check(strstr(take(SEC), "why\r\nshown 5 80\r\n"));
        check_int(con.exit_code, CONSOLE_BAD);
        type("half\003", SEC);
        check(strstr(take(SEC), "^C\r\nsexton"));
        check_int(con.exit_code, CONSOLE_BAD);
        type("\004", SEC);
        take(SEC);
        check(console_is_over(&con));
}

static void watching(void)
{
        console_init(&con, &ops, NULL, "");
        console_start(&con, true, "h", SEC);
        console_resize(&con, 100, 2);
        take(SEC);
        shown = 0;
        type("top\r", SEC);
        check(strstr(take(SEC), "\033[H"));
        check_int(con.state, CONSOLE_WATCHING);
        check_int(console_due(&con), 2 * SEC);
        console_tick(&con, 2 * SEC);
        check_str(take(2 * SEC), "\033[Hshown 2 100\033[K\r\n\033[J");
        console_tick(&con, 3 * SEC);
        console_tick(&con, 4 * SEC);
        check_int(shown, 3); /* what isn't taken is not piled up */
        type("xq", 4 * SEC);
        check_int(con.state, CONSOLE_READING);
        check_int(console_due(&con), 0);
}

static void answers(void)
{
        struct answer a = {.number = 99, .text = "no\033[1m"};

        console_init(&con, &ops, NULL, "");
        to_answer = 2;
        console_run(&con, "freeze a", 8, SEC);
        check_int(con.state, CONSOLE_WAITING);
        console_answer(&con, &a, SEC);
        check_str(take(SEC), ""); /* an old one */
        a.number = 100;
        a.code = -EPERM;
        console_answer(&con, &a, SEC);
        check_str(take(SEC), "no: no\\x1b[1m\n");
        a.number = 101;
        a.code = 0;
        a.text[0] = '\0';
        console_answer(&con, &a, SEC);
        check_str(take(SEC), "done\n");
        check(console_is_over(&con));
        check_int(con.exit_code, CONSOLE_BAD);

        console_init(&con, &ops, NULL, "");
        console_run(&con, "kill 5", 6, SEC);
        console_tick(&con, 3 * SEC);
        check_int(con.state, CONSOLE_WAITING);
        console_tick(&con, 4 * SEC);
        check(strstr(take(SEC), "did not answer"));
        check_int(con.exit_code, CONSOLE_SILENT);
        check(console_is_over(&con));

        console_init(&con, &ops, NULL, "");
        to_answer = -EAGAIN;
        console_run(&con, "kill 5", 6, SEC);
        check_int(con.exit_code, CONSOLE_BAD);
        console_init(&con, &ops, NULL, "");
        console_run(&con, "bogus", 5, SEC);
        check_int(con.exit_code, CONSOLE_USAGE);
}

static void piped(void)
{
        shown = 0;
        console_init(&con, &ops, NULL, "");
        console_start(&con, false, "h", SEC);
        type("services\nwhy\ntop", SEC);
        console_type_end(&con, SEC);
        check_str(take(SEC), "shown 3 80\nshown 5 80\nshown 2 80\n");
        check_int(shown, 3);
        check(console_is_over(&con));
        check_int(con.exit_code, CONSOLE_DONE);
}

static void page(void)
{
        static struct page p;
        char cell[PAGE_CELL];

        page_clear(&p);
        for (int i = 0; i < 3000; i++)
                page_put(&p, "%0100d\n", i);
        check(p.cut && p.len <= sizeof p.text);
        check(memmem(p.text, p.len, "(cut", 4) != NULL);
        page_clear(&p);
        page_fold(&p, 2, 30, "one two three four five six \033[2J seven");
        p.text[p.len] = '\0';
        check_str(p.text, "  one two three four five six\n  \\x1b[2J seven\n");
        check_str(page_shown_in(cell, "äöüß", 3), "äö~");
        check_str(page_shown_in(cell, "abc", 3), "abc");
}

/* ---- keys, the gate, the kernel's log ---- */

static int key(const char *line, struct key_line *ret)
{
        e = (struct error){0};
        return key_line_parse(line, strlen(line), ret, &e);
}

static void keys(void)
{
        struct key_line k;

        check_int(key("", &k), 0);
        check_int(key("  # a comment", &k), 0);
        check_int(key("ssh-ed25519 AAAA alice on her laptop \r", &k), 1);
        check_str(k.type, "ssh-ed25519");
        check_str(k.comment, "alice on her laptop");
        check_int((int)k.base64_len, 4);
        check_int(key("from=\"10.0.0.0/8,!10.1.*\",command=\"zombies \\\"a b\\\"\",no-pty,no-user-rc ssh-rsa "
                      "AA",
                          &k),
                1);
        check_str(k.from, "10.0.0.0/8,!10.1.*");
        check_str(k.command, "zombies \"a b\"");
        check(k.no_pty);
        check_int(key("restrict,pty ssh-rsa AA", &k), 1);
        check(!k.no_pty);
        check_int(key("expiry-time=\"20200101\" ssh-rsa AA", &k), -EINVAL);
        check(strstr(e.text, "expiry-time"));
        check_int(key("cert-authority ssh-rsa AA", &k), -EINVAL);
        check_int(key("from=10.0.0.1 ssh-rsa AA", &k), -EINVAL);
        check_int(key("from=\"10.0.0.1 ssh-rsa AA", &k), -EINVAL);
        check_int(key("from=\"\" ssh-rsa AA", &k), -EINVAL);
        check_int(key("ssh-dss AAAA", &k), -EINVAL);
        check_int(key("ssh-ed25519", &k), -EINVAL);
        check_int(key("no-pty", &k), -EINVAL);

        check(key_line_admits("", "10.2.0.1"));
        check(key_line_admits("10.0.0.0/8,!10.1.*", "10.2.0.1"));
        check(!key_line_admits("10.0.0.0/8,!10.1.*", "10.1.0.1"));
        check(!key_line_admits("10.0.0.0/8", "11.0.0.1"));
        check(!key_line_admits("10.0.0.0/33", "10.0.0.1"));
        check(!key_line_admits("10.0.0.0/8", "::1"));
        check(key_line_admits("192.168.7.12", "192.168.7.12"));
        check(key_line_admits("fd00::/12", "fd0f::1"));
        check(!key_line_admits("fd00::/12", "fd10::1"));
        check(key_line_admits("172.16.0.128/25", "172.16.0.200") &&
                !key_line_admits("172.16.0.128/25", "172.16.0.100"));
}

static void gate(void)
{
        static struct gate g;
        struct gate_address a = {.bytes = {10}, .family = 2}, b = {.bytes = {11}, .family = 2};
        unsigned in = 0;

        for (int i = 0; i < 50; i++)
                in += gate_admit(&g, &a, SEC);
        check_int(in, GATE_BURST);
        check(gate_admit(&g, &b, SEC));
        check(!gate_admit(&g, &a, SEC));
        gate_welcome(&g, &a);
        check(gate_admit(&g, &a, SEC));
        check(gate_admit(&g, &a, 2 * SEC) && gate_admit(&g, &a, 2 * SEC) && !gate_admit(&g, &a, 2 * SEC));
        in = 0;
        for (unsigned i = 0; i < 1000; i++) {
                struct gate_address many = {
                        .bytes = {20, (unsigned char)(i >> 8), (unsigned char)i}, .family = 2};
                in += gate_admit(&g, &many, 10 * SEC);
        }
        check_int(in, GATE_BURST_ALL);
        check_int(gate_delay_ns(0), 0);
        check(gate_delay_ns(1) < gate_delay_ns(2) && gate_delay_ns(100) == gate_delay_ns(101));
}

static void kmsg(void)
{
        static struct kmsg_line line[4];
        static struct page p;
        struct kmsg k = {.fd = -1, .why_not = EPERM, .line = line, .lines = 4};
        static const char record[] = "4,1,5000123,-;eth0: link \033[31mdown\n SUBSYSTEM=net\n";

        page_clear(&p);
        check_int(show_dmesg(&k, 0, &p), CONSOLE_BAD);
        check(memmem(p.text, p.len, "Operation not permitted", 23) != NULL);
        page_clear(&p);
        k.fd = 0; /* only shown */
        kmsg_take(&k, record, sizeof record - 1);
        kmsg_take(&k, "garbage", 7);
        kmsg_take(&k, "1,2", 3);
        check_int(k.total, 1);
        check_int(show_dmesg(&k, 5, &p), CONSOLE_DONE);
        p.text[p.len] = '\0';
        check_str(p.text, "[     5.000123] eth0: link \\x1b[31mdown\n");
        for (int i = 2; i < 7; i++) {
                char more[40];
                kmsg_take(&k, more, (size_t)snprintf(more, sizeof more, "6,%d,1,-;line %d\n", i, i));
        }
        check_int(kmsg_first(&k, 100), 2); /* four are kept */
        check_int(line[kmsg_first(&k, 1) % 4].sequence, 6);
}

static size_t resident(const struct board *b)
{
        static unsigned char there[sizeof(struct board) / 4096 + 1];
        size_t pages = 0;

        if (mincore((void *)(uintptr_t)b, sizeof *b, there) < 0)
                abort();
        for (size_t i = 0; i < ARRAY_SIZE(there); i++)
                pages += there[i] & 1;
        return pages;
}

/* What comes all at once when the host is in trouble finds its pages there. */
static void room_for_trouble(void)
{
        struct board *b[2];

        for (int k = 0; k < 2; k++) {
                b[k] = mmap(NULL, sizeof *b[k], PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
                if (b[k] == MAP_FAILED)
                        abort();
        }
        struct board *from = b[0], *copy = b[1];
        from->finding_top = from->action_top = from->container_top = 1;
        from->service_top = 10;
        from->string_top = from->process_top = 100;
        reserve_copy(copy, from);
        size_t before = resident(copy);
        check(before > 100 && before < sizeof *copy / 4096 / 4); /* not all of it */
        from->finding_top += 60;
        from->pendings = BOARD_PENDING;
        from->action_top = BOARD_ACTIONS;
        from->container_top += 60;
        from->service_top += 60;
        from->string_top += 500;
        from->process_top += 2000;
        memset(&from->breaker, 1, sizeof from->breaker);
        memset(from->action_count, 1, sizeof from->action_count);
        check_int(board_copy(copy, from, BOARD_WHOLE, 1), 0);
        check_int(copy->process_top, 2100);
        check_int(resident(copy), before);
        for (int k = 0; k < 2; k++)
                munmap(b[k], sizeof *b[k]);
}

static void all(void)
{
        test(commands);
        test(wrong_commands);
        test(terminal);
        test(watching);
        test(answers);
        test(piped);
        test(page);
        test(keys);
        test(gate);
        test(kmsg);
        test(room_for_trouble);
}

int main(void)
{
        return tap_main(all);
}
