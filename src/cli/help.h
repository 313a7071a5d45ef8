/* Help made from the table of verbs. */
#pragma once

#include "cli/verb.h"

#include <stdio.h>

void help_global(FILE *out);
void help_verb(FILE *out, const struct verb *v);
/* Tells that there is no such verb, and which one may have been meant. */
void help_unknown_verb(FILE *out, const char *name);
