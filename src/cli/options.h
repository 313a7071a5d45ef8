/* The options of a verb, read by its own table: "--name value", "--name=value", flags, and what is left
 * as arguments. "--help" is answered from the table; mistakes are told with a suggestion.
 */
#pragma once

#include "cli/render.h"
#include "cli/verb.h"

#include <stdint.h>

enum { OPTIONS_MAX = 24, OPTIONS_ARGUMENTS = 8 };

struct options {
        const struct verb *verb;
        const char *value[OPTIONS_MAX]; /* by row of the verb's table; NULL = not given, "" = flag */
        const char *argument[OPTIONS_ARGUMENTS];
        size_t arguments;
};

/* Of verbs that ask nobody: what asks Sexton may give it to each without knowing which do. */
#define OPTION_SOCKET_UNUSED                                                                                 \
        {                                                                                                    \
                "--socket", "PATH", "taken as by other verbs; nobody is asked"                               \
        }

/* What every verb that asks the daemon takes; stands first in its table of options. */
#define OPTIONS_OF_CLIENTS                                                                                   \
        {"--socket", "PATH", "the daemon's socket; default $SEXTON_SOCKET, else /run/sexton/sexton.sock"},   \
                {"--timeout", "DURATION", "how long to wait for the answer; default 10s"},                   \
                {"--json", NULL, "the daemon's answer as JSON"},                                             \
        {                                                                                                    \
                "--color", "WHEN", "auto, always or never; auto honours NO_COLOR and asks for a terminal",   \
                        options_color_words                                                                  \
        }

/* Reads argv[1..] for the verb. OPTIONS_GO_ON, or the exit code to end with (help was asked for, or a
 * mistake was told on standard error). At most max_arguments arguments are taken. */
enum { OPTIONS_GO_ON = -1 };
int options_parse(struct options *o, const struct verb *v, size_t max_arguments, int argc, char **argv);

/* The value given for an option of the table, NULL when it wasn't; "" for a flag. */
const char *options_get(const struct options *o, const char *name);
/* A duration option ("90", "10s", "5m", "2h30m", "1d") in seconds; fallback when not given. Negative
 * exit code -EXIT_USAGE when it can't be read, which was told. */
int options_duration(const struct options *o, const char *name, double fallback, double *ret);
/* A whole number in [min, max], the same way. */
int options_number(const struct options *o, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
        uint64_t *ret);
extern const char *const options_color_words[]; /* by enum color_mode; NULL at the end */
/* --color: 0, or -EXIT_USAGE after telling. */
int options_color(const struct options *o, enum color_mode *ret);
