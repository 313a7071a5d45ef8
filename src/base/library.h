/* The functions of a library that is opened at run time, by the one process that needs it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* Fills table[0..count), function pointers in the order of names, from lib, an opened library. When a
 * name is missing lib is closed and -ELIBBAD returned, with the error set; `what` is what the library is
 * called in it. */
int library_take(
        void *lib, const char *what, const char *const *names, size_t count, void *table, struct error *e);
