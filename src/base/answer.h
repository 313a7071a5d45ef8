/* Reading the daemon's JSON without trusting it: every getter copes with what is missing or of another
 * type, and text comes out printable. Paths are keys joined by dots.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

json_t *answer_at(json_t *j, const char *path);    /* NULL when missing or null */
double answer_number(json_t *j, const char *path); /* NAN */
bool answer_true(json_t *j, const char *path);     /* false */
json_t *answer_list(json_t *j, const char *path);  /* NULL: not an array; borrowed */
/* Printable text into buf; "" when missing or not a string. Returns buf. */
const char *answer_text(json_t *j, const char *path, char *buf, size_t size);
/* The same, `otherwise` in place of nothing. */
const char *answer_text_or(json_t *j, const char *path, const char *otherwise, char *buf, size_t size);
/* Raw string for comparisons only, never for the terminal; "" when missing. */
const char *answer_raw(json_t *j, const char *path);
