/* Clocks. Everything inside Sexton counts nanoseconds of CLOCK_BOOTTIME (runs on through suspend,
 * never steps); wall time appears only at the edge, where a person or another program reads it.
 * Functions that decide take `now_ns` as a parameter, so that tests own the time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t clock_boot_ns(void);

/* CPU that this thread has used: what something costs, whoever else runs meanwhile. */
uint64_t clock_thread_cpu_ns(void);

/* CLOCK_BOOTTIME minus CLOCK_MONOTONIC, to convert the kernel's ktime stamps. */
uint64_t clock_mono_to_boot_offset_ns(void);

/* CLOCK_REALTIME minus CLOCK_BOOTTIME: add it to a boot stamp to get Unix time. */
int64_t clock_wall_offset_ns(void);

#define CLOCK_RFC3339_SIZE 80 /* what the compiler can prove to be enough */
/* "2026-11-23T21:30:00.123Z" of a Unix time in ns into buf[CLOCK_RFC3339_SIZE]; returns buf. */
const char *clock_rfc3339(int64_t unix_ns, char *buf);
/* The other way round: at most nanoseconds, only UTC ("Z"), from 1970 on. False when it is no such time. */
bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ns);
