/* An error that a person will read: a negative errno and a text, wrapped from the inside out
 * ("sexton.yaml:3:5: detect: unknown key ..."). Functions that fill one take `struct error *` last;
 * it may be NULL. They set it only when they fail and return its code.
 */
#pragma once

#include "base/util.h"

struct error {
        int code; /* negative errno, 0 while unset */
        char text[400];
};

/* Sets text and code; returns code. */
int error_set(struct error *e, int code, const char *fmt, ...) printf_like(3, 4);
/* Puts "outer: " in front of the text; returns the code that was there. */
int error_wrap(struct error *e, const char *fmt, ...) printf_like(2, 3);
