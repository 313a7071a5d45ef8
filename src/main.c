/* sexton: finds the verb and runs it. */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

const struct verb *verb_find(const char *name)
{
        for (size_t i = 0; i < verbs_count; i++)
                if (!strcmp(verbs[i]->name, name))
                        return verbs[i];
        return NULL;
}

int main(int argc, char **argv)
{
        const struct verb *v = argc > 1 ? verb_find(argv[1]) : NULL;

        if (!v) {
                fprintf(stderr, "usage: sexton VERB [OPTION...]\n");
                return EXIT_USAGE;
        }
        return v->run(argc - 1, argv + 1);
}
