/* The table of verbs, in the order that help shows them. */
#include "cli/verb.h"

const struct verb *const verbs[] = {NULL};
const size_t verbs_count = 0;
