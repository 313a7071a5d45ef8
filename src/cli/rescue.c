/* sexton rescue: reaches the rescue console by ssh, which it becomes; on this host with the address of the
 * configuration and the host key that the console has put beside the socket. It needs no daemon to answer.
 */
#include "rescue/rescue.h"

#include "base/text.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PROBLEMS = 1, SSH_WORDS = 32, COMMAND_SIZE = 1024 };

extern const struct verb verb_rescue;

static const struct verb_option rescue_options[] = {
        {"--host", "HOST", "another host's console; default: this host's"},
        {"--port", "PORT", "its port; default: the configuration's, else 9722"},
        {"--identity", "FILE", "the private key; default: those that ssh knows"},
        {"--config", "FILE", "configuration file; default /etc/sexton/sexton.yaml"},
        {"--socket", "PATH", "the daemon's socket, beside which the host key stands; default as configured"},
        {"--print", NULL, "print the ssh command instead of running it"},
};

struct reach {
        char address[128], port[8];
        char command[COMMAND_SIZE]; /* for the console, "" = a prompt */
        char target[160], known[240];
        const char *word[SSH_WORDS]; /* of the ssh command; NULL at the end */
        size_t words;
};

static void add(struct reach *r, const char *word)
{
        if (r->words + 1 < SSH_WORDS)
                r->word[r->words++] = word;
}

/* "ADDRESS:PORT", "[ADDRESS]:PORT" */
static bool split_listen(const char *listen, struct reach *r)
{
        const char *colon = strrchr(listen, ':');
        bool six = *listen == '[';

        return colon &&
               text_copy(r->address, sizeof r->address, listen + six, (size_t)(colon - listen) - 2 * six) &&
               text_set(r->port, sizeof r->port, colon + 1);
}

/* In quotes that the console understands, when it needs them. */
static bool add_argument(char *to, size_t size, const char *word)
{
        size_t n = strlen(to);
        bool quoted = !*word || strpbrk(word, " \t'\"\\");

        if (n)
                to[n++] = ' ';
        if (quoted)
                to[n++] = '\'';
        for (; *word; word++) {
                if (n + 8 > size)
                        return false;
                if (*word == '\'')
                        n += (size_t)snprintf(to + n, size - n, "'\\''");
                else
                        to[n++] = *word;
        }
        if (quoted)
                to[n++] = '\'';
        to[n] = '\0';
        return n + 8 < size;
}

static int read_config(const struct options *o, struct config *c)
{
        struct config_problem problem[PROBLEMS];
        const char *path = options_get(o, "--config"), *socket = options_get(o, "--socket");
        uint32_t count = 0;

        config_defaults(c);
        if (config_load(c, path ? path : "/etc/sexton/sexton.yaml", !path, problem, PROBLEMS, &count) < 0)
                fprintf(stderr, "sexton rescue: %s\n", problem[0].text); /* what is right in it will do */
        if (socket)
                text_set(c->socket, sizeof c->socket, socket);
        return 0;
}

static int find_console(const struct options *o, const struct config *c, struct reach *r)
{
        const char *host = options_get(o, "--host");
        uint64_t port;

        if (c->rescue.listen[0] && !split_listen(c->rescue.listen, r))
                r->port[0] = '\0';
        if (!host && !c->rescue.listen[0]) {
                fputs("sexton rescue: the console of this host has no address; give it one in sexton.yaml, "
                      "such as\n"
                      "  rescue: {listen: \"127.0.0.1:9722\"}\n",
                        stderr);
                return EXIT_USAGE;
        }
        if (host && !text_set(r->address, sizeof r->address, host)) {
                fputs("sexton rescue: --host: the name is too long\n", stderr);
                return EXIT_USAGE;
        }
        if (*r->address == '-') {
                fputs("sexton rescue: --host: the name of a host doesn't begin with -\n", stderr);
                return EXIT_USAGE;
        }
        if (options_number(o, "--port", 0, 1, 65535, &port) < 0)
                return EXIT_USAGE;
        if (port || !*r->port)
                snprintf(r->port, sizeof r->port, "%u", port ? (unsigned)port : 9722u);
        return OPTIONS_GO_ON;
}

static int make_command(const struct options *o, const struct config *c, struct reach *r)
{
        static const char *const own[] = {"-o", "GlobalKnownHostsFile=/dev/null", "-o",
                "HostKeyAlias=sexton-rescue", "-o", "StrictHostKeyChecking=yes"};
        char known[200];

        for (size_t k = 0; k < o->arguments; k++)
                if (!add_argument(r->command, sizeof r->command, o->argument[k])) {
                        fputs("sexton rescue: the command is too long\n", stderr);
                        return EXIT_USAGE;
                }
        add(r, "ssh");
        add(r, "-p");
        add(r, r->port);
        /* the host key of this host's console is known for certain; another's is ssh's affair */
        if (!options_get(o, "--host")) {
                snprintf(r->known, sizeof r->known, "UserKnownHostsFile=%s",
                        rescue_known_hosts(c, known, sizeof known));
                add(r, "-o");
                add(r, r->known);
                for (size_t k = 0; k < ARRAY_SIZE(own); k++)
                        add(r, own[k]);
        }
        if (options_get(o, "--identity")) {
                add(r, "-i");
                add(r, options_get(o, "--identity"));
        }
        snprintf(r->target, sizeof r->target, "rescue@%s", r->address);
        add(r, r->target);
        if (*r->command)
                add(r, r->command);
        r->word[r->words] = NULL;
        return OPTIONS_GO_ON;
}

static void print_command(const struct reach *r)
{
        char line[2 * COMMAND_SIZE] = "", shown[4 * sizeof line];

        for (size_t k = 0; k < r->words; k++)
                if (!add_argument(line, sizeof line, r->word[k]))
                        break;
        text_printable(shown, sizeof shown, line, strlen(line));
        puts(shown);
}

static int run(int argc, char **argv)
{
        static struct config c;
        struct reach r = {0};
        struct options o;
        int code = options_parse(&o, &verb_rescue, OPTIONS_ARGUMENTS, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        read_config(&o, &c);
        code = find_console(&o, &c, &r);
        if (code == OPTIONS_GO_ON)
                code = make_command(&o, &c, &r);
        if (code != OPTIONS_GO_ON)
                return code;
        if (options_get(&o, "--print")) {
                print_command(&r);
                return EXIT_DONE;
        }
        union {
                const char **words;
                char *const *argv;
        } ssh = {.words = r.word};
        execvp("ssh", ssh.argv);
        fprintf(stderr, "sexton rescue: ssh can't be run: %s (package openssh-client)\n", strerror(errno));
        return EXIT_UNREACHABLE;
}

const struct verb verb_rescue = {
        .name = "rescue",
        .args = "[COMMAND [ARGUMENT...]]",
        .summary = "reach the rescue console, which answers when nothing else does",
        .description = "Runs ssh to the rescue console: with a command for its answer, without one for a "
                       "prompt. On this "
                       "host the address is the configuration's, and the host key is checked against the one "
                       "that the "
                       "console has put beside the daemon's socket; for another host ssh checks it as ever. "
                       "What begins "
                       "with - and is meant for the console stands behind --.\n\n"
                       "The console is off until rescue.listen is set in sexton.yaml and a key stands in "
                       "/etc/sexton/rescue_keys. On a host that hardly answers, ssh itself has to start "
                       "first: from another "
                       "machine, `ssh -p 9722 rescue@HOST top` spares the host that.\n\n"
                       "The exit code is the console's: 0 done, 1 the answer is \"no\" or \"bad\", 2 the "
                       "command is not "
                       "understood, 3 the guard does not answer; 255 is ssh's own.",
        .bad = "the console's answer is \"no\" or \"bad\"",
        .examples = "sexton rescue top\nThe host and its services now.\n"
                    "sexton rescue -- freeze shop/worker for 10m --dry-run\nWhat would be frozen?\n",
        .options = rescue_options,
        .options_count = ARRAY_SIZE(rescue_options),
        .asks_daemon = true,
        .run = run,
};
