/* What a person types at the console, understood. Pure: words in, a command out, or what is wrong with it. */
#pragma once

#include "base/error.h"
#include "model/action.h"

#include <stdbool.h>
#include <stdint.h>

enum { COMMAND_LINE = 512, COMMAND_WORDS = 12 };

enum command_verb {
        COMMAND_NONE = 0, /* an empty line */
        COMMAND_HELP,
        COMMAND_TOP,
        COMMAND_SERVICES,
        COMMAND_ZOMBIES,
        COMMAND_WHY,
        COMMAND_DEATHS,
        COMMAND_ACTIONS,
        COMMAND_DMESG,
        COMMAND_FREEZE,
        COMMAND_THAW,
        COMMAND_STOP,
        COMMAND_KILL,
        COMMAND_RELEASE,
        COMMAND_UNDO,
        COMMAND_BREAKER,
        COMMAND_EXIT,
        COMMAND_VERBS
};

struct command {
        enum command_verb verb;
        bool dry_run;
        char subject[ACTION_SERVICE]; /* a service, or the verb that help is wanted on; "" = none */
        int32_t pid;                  /* kill PID, else 0 */
        uint64_t number;              /* dmesg, deaths: how many; undo: which; 0 = not given */
        int breaker;                  /* 1 open, 0 close, -1 automatic */
        uint64_t ttl_ns;              /* "for 10m"; 0 = not given */
        char reason[200];             /* "because ..."; "" = not given */
};

/* Words of the table, for help. */
struct command_form {
        const char *name, *arguments, *summary, *details;
};
extern const struct command_form command_forms[COMMAND_VERBS];

/* Understands line[0..len), which may hold any bytes. -EINVAL with the error set, whose text is printable. */
int command_parse(const char *line, size_t len, struct command *ret, struct error *e);
