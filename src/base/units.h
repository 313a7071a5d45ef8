/* Numbers as people read them: durations, sizes, shares, cores, times. Unknown (NAN) is "-". Each writes
 * into buf[UNITS_SIZE] and returns it.
 */
#pragma once

enum { UNITS_SIZE = 40 };

const char *units_duration(double seconds, char *buf); /* "0.8s" "45s" "3m12s" "8h30m" "12d4h" */
const char *units_bytes(double bytes, char *buf);      /* "812 B" "4.2 MB" (powers of 1024) */
const char *units_percent(double ratio, char *buf);    /* "0.4 %" "97 %" */
const char *units_cores(double cores, char *buf);      /* "0.00" "1.97" */
const char *units_count(double n, char *buf);          /* "12", "4.2" when not whole */
const char *units_per_hour(double n, char *buf);       /* "0.5/h" "120/h" */
/* "2026-11-23T21:30:00.123Z" in the zone of the terminal: "21:30:00" when today, else with the date.
 * What is no such time stays as it is, made printable. */
const char *units_time(const char *rfc3339, char *buf);
/* RFC 3339 in UTC to Unix seconds, NAN when it is none. */
double units_unix(const char *rfc3339);
