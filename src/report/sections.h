/* The parts of a report, in the order in which they stand. Internal to report/. */
#pragma once

#include "report/refs.h"

struct report {
        struct records k;
        struct refs refs;
        struct document *d;
};

void report_head(struct report *r);
void report_summary(struct report *r);
void report_timeline(struct report *r);
void report_captured(struct report *r);
void report_cause(struct report *r);
void report_contributing(struct report *r);
void report_impact(struct report *r);
void report_resources(struct report *r);
void report_charts(struct report *r);
void report_refuted(struct report *r);
void report_remedies(struct report *r);
void report_unknown(struct report *r);
void report_sources(struct report *r);

/* ---- words that several parts use ---- */

enum { REPORT_TEXT = 2000 };

/* "2026-11-23 21:30:00" in UTC; "an unknown time". */
const char *report_time(double unix_s, char *buf);
void report_cell(struct report *r);
/* A service's name as code, or "the host". */
void report_service(struct report *r, const char *service);
/* A number in the unit it was recorded in ("bytes", "ratio", "cores", "s"...), into buf[UNITS_SIZE]. */
const char *report_value(double value, const char *unit, char *buf);
/* The worst it was; returns buf. */
const char *report_severity(const struct report *r, char *buf, size_t size);
/* What the recorder knows of a cause, 0..1; NAN. *ret_field is where it stands. */
double report_confidence(const struct report *r, const char **ret_field);
