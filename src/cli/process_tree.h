/* Processes drawn as the tree that they are. */
#pragma once

#include "base/answer.h"
#include "cli/render.h"

/* The list of "processes" of a capture; whose parent isn't in it is a root. Also lists that are no tree are
 * shown whole, each process once. */
void process_tree_print(const struct screen *s, json_t *list, double left_out);
