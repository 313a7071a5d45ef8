/* sexton check-config: every mistake in the configuration at once, or what it changes. */
#include "base/text.h"
#include "cli/options.h"
#include "config/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/sexton/sexton.yaml"
enum { PROBLEMS_SHOWN = 200 };

extern const struct verb verb_check_config;

static const struct verb_option options[] = {
        {"--config", "FILE", "the file to check; default " DEFAULT_CONFIG ", which may be absent"},
        {"--defaults", NULL, "show every key with its default, its bounds and what it is for"},
        {"--example", NULL, "print a file with every key and its default, commented out"},
        {"--json", NULL, "as JSON: {\"file\",\"ok\",\"problems\":[...]}"},
        OPTION_SOCKET_UNUSED,
};

static void print_json(const char *file, const struct config_problem *problems, uint32_t count)
{
        char text[sizeof problems->text * 4];
        json_t *list = json_array(), *all;

        for (uint32_t i = 0; i < MIN(count, (uint32_t)PROBLEMS_SHOWN); i++) {
                text_printable(text, sizeof text, problems[i].text, strlen(problems[i].text));
                json_array_append_new(list, json_string(text));
        }
        text_printable(text, sizeof text, file, strlen(file));
        all = json_pack("{s:s, s:b, s:I, s:o}", "file", text, "ok", count == 0, "count", (json_int_t)count,
                "problems", list);
        if (all)
                json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
}

static void print_text(const char *file, const struct config *c, const struct config_problem *problems,
        uint32_t count, bool absent)
{
        char text[sizeof problems->text * 4];

        for (uint32_t i = 0; i < MIN(count, (uint32_t)PROBLEMS_SHOWN); i++) {
                text_printable(text, sizeof text, problems[i].text, strlen(problems[i].text));
                puts(text);
        }
        if (count > PROBLEMS_SHOWN)
                printf("... and %u more\n", count - PROBLEMS_SHOWN);
        if (count)
                return;
        text_printable(text, sizeof text, file, strlen(file));
        if (absent)
                printf("%s doesn't exist: the defaults hold. sexton check-config --defaults shows them.\n",
                        text);
        else
                printf("%s is valid; it differs from the defaults in:\n", text);
        if (!config_differences(stdout, c) && !absent)
                puts("nothing");
}

static int run(int argc, char **argv)
{
        struct options o;
        uint32_t count = 0;
        int code = options_parse(&o, &verb_check_config, 0, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        if (options_get(&o, "--defaults")) {
                config_describe(stdout, false);
                return EXIT_DONE;
        }
        if (options_get(&o, "--example")) {
                config_example(stdout);
                return EXIT_DONE;
        }
        const char *given = options_get(&o, "--config"), *file = given ? given : DEFAULT_CONFIG;
        cleanup_free struct config_problem *problems = calloc(PROBLEMS_SHOWN, sizeof *problems);
        cleanup_free struct config *c = calloc(1, sizeof *c);
        if (!problems || !c) {
                fputs("sexton check-config: out of memory\n", stderr);
                return EXIT_USAGE;
        }
        config_defaults(c);
        code = config_load(c, file, !given, problems, PROBLEMS_SHOWN, &count);
        if (code < 0 && count == 0) {
                fprintf(stderr, "sexton check-config: %s\n", strerror(-code));
                return EXIT_USAGE;
        }
        bool absent = access(file, F_OK) < 0 && errno == ENOENT;
        if (options_get(&o, "--json"))
                print_json(file, problems, count);
        else
                print_text(file, c, problems, count, absent);
        if (count == 0)
                return EXIT_DONE;
        /* A file that is named and can't be read at all is wrong usage, not a bad answer. */
        return code == -EINVAL ? EXIT_BAD : EXIT_USAGE;
}

const struct verb verb_check_config = {
        .name = "check-config",
        .args = "",
        .summary = "check the configuration: every mistake at once, with file and line",
        .description =
                "Reads sexton.yaml and the files of conf.d beside it as sexton run would, and prints every "
                "mistake, each with file, line, column, key and a suggestion. Without a mistake it prints "
                "what differs from the defaults. It starts nothing and asks no daemon.",
        .bad = "the configuration has mistakes",
        .examples = "sexton check-config --config ./sexton.yaml\nCheck a file before installing it.\n"
                    "sexton check-config --defaults\nAll keys, explained.\n"
                    "sexton check-config --example\nA file to begin with.\n",
        .options = options,
        .options_count = ARRAY_SIZE(options),
        .run = run,
};
