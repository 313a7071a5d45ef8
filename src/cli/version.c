/* sexton version: which one this is. */
#include "cli/options.h"

#include <stdio.h>

extern const struct verb verb_version;

static const struct verb_option options[] = {
        {"--json", NULL, "as JSON: {\"version\"}"},
        OPTION_SOCKET_UNUSED,
};

static int run(int argc, char **argv)
{
        struct options o;
        int r = options_parse(&o, &verb_version, 0, argc, argv);

        if (r != OPTIONS_GO_ON)
                return r;
        if (options_get(&o, "--json"))
                puts("{\"version\": \"" SEXTON_VERSION "\"}");
        else
                puts("sexton " SEXTON_VERSION);
        return EXIT_DONE;
}

const struct verb verb_version = {
        .name = "version",
        .args = "",
        .summary = "show the version of this program",
        .description = "Shows the version of the program that was called, not of the daemon that runs.",
        .options = options,
        .options_count = sizeof options / sizeof options[0],
        .run = run,
};
