/* sexton: finds the verb and runs it. */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What could not be written is no answer: a full disk or a closed pipe must not look like success. */
static int finish(int code)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return code;
        if (errno != EPIPE)
                fprintf(stderr, "sexton: cannot write the answer: %s\n", strerror(errno));
        return code == EXIT_DONE ? EXIT_BAD : code;
}

int main(int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : NULL;

        if (!name) {
                help_global(stderr);
                return EXIT_USAGE;
        }
        if (!strcmp(name, "--help") || !strcmp(name, "-h"))
                name = "help";
        else if (!strcmp(name, "--version") || !strcmp(name, "-V"))
                name = "version";
        const struct verb *v = verb_find(name);
        if (!v) {
                help_unknown_verb(stderr, name);
                return EXIT_USAGE;
        }
        return finish(v->run(argc - 1, argv + 1));
}
