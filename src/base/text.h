/* Text that others wrote: bounded copies, number parsing without locale, field iteration over kernel
 * text, and making untrusted bytes safe for a terminal or for JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies at most size-1 bytes of src[0..len) and ends with NUL; true when all of it fitted. */
bool text_copy(char *dst, size_t size, const char *src, size_t len);
/* The same for NUL-terminated src. */
bool text_set(char *dst, size_t size, const char *src);

/* Decimal number at *p; moves *p behind it. False, *p unmoved, when there is none or it overflows. */
bool text_u64(const char **p, uint64_t *ret);
bool text_i64(const char **p, int64_t *ret);

/* Next field of *p, separated by blanks, ending at newline or NUL. Moves *p behind it. False at the end. */
bool text_field(const char **p, const char **ret_field, size_t *ret_len);
/* Value behind "key" at the start of a line ("MemFree:", "oom_kill "): pointer to the first non-blank, or
 * NULL. */
const char *text_line_value(const char *text, const char *key);

/* Copies src, cut at size-1, with invalid UTF-8 and control characters (C0, DEL, C1) shown as \xNN.
 * The result is valid UTF-8 and safe on a terminal. Returns its length. */
size_t text_printable(char *dst, size_t size, const char *src, size_t len);

/* FNV-1a of the whole text, for tables of ours; no defence against chosen collisions. */
uint32_t text_hash(const char *s);

/* Shell-style match with * and ? only, whole string. */
bool text_glob(const char *pattern, const char *s);

/* How many letters must be added, dropped, changed or swapped with their neighbour to make b of a. For
 * "did you mean": words of more than 63 bytes count as far from everything (SIZE_MAX). */
size_t text_distance(const char *a, const char *b);
