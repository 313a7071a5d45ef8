/* The verbs. One file each, one table line in cli/table.c; help, man pages and completions come from
 * the table. A verb gets what is behind its name on the command line and returns the exit code:
 * 0 done, 1 the answer is "no" or "bad", 2 usage or configuration error, 3 the daemon can't be reached.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum exit_code { EXIT_DONE = 0, EXIT_BAD = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

struct verb_option {
        const char *name;  /* "--socket" */
        const char *value; /* "PATH", or NULL for a flag */
        const char *help;
        const char *const *choices; /* the words it may be, NULL at the end; NULL: anything */
};

struct verb {
        const char *name;
        const char *args;        /* "[SERVICE|INCIDENT]", "" */
        const char *summary;     /* one line, starting small */
        const char *description; /* for the man page: plain paragraphs separated by empty lines */
        const char *bad;         /* what exit code 1 says, NULL when it doesn't occur */
        const char *examples;    /* "command\n" "what it does\n" in turns, or NULL */
        const struct verb_option *options;
        size_t options_count;
        bool asks_daemon;                  /* exit code 3 can occur */
        bool hidden;                       /* internal: child processes */
        int (*run)(int argc, char **argv); /* argv[0] = the verb */
};

extern const struct verb *const verbs[];
extern const size_t verbs_count;
const struct verb *verb_find(const char *name);
/* The visible verb that a mistyped name was meant to be, or NULL when none is near. */
const struct verb *verb_near(const char *name);
