/* What the verbs that act on services have in common: the order as JSON, sent, what became of it in words,
 * what takes longer followed until it has ended.
 */
#pragma once

#include "cli/client.h"

#define OPTIONS_OF_ACTS                                                                                      \
        OPTIONS_OF_CLIENTS, {"--dry-run", NULL, "only say what would be done, and to what"},                 \
        {                                                                                                    \
                "--reason", "TEXT", "why; it is recorded with the action"                                    \
        }
#define OPTION_FOR                                                                                           \
        {                                                                                                    \
                "--for", "DURATION", "how long it stands, such as 90s, 10m or 2h; then it is undone"         \
        }

/* The order: {"action", "service", "reason", "dry_run", "seconds"} as far as the options have them; NULL
 * after telling what is wrong with them. service may be NULL. */
json_t *act_order(const struct options *o, const char *action, const char *service);
/* Sends it and tells what became of it; takes the order over. Returns the exit code. */
int act_send(const struct options *o, json_t *order);
