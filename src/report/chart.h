/* A chart's data: up to four lines over the same times, the span that is shaded, and marks. Plain data; it
 * is drawn as SVG or told in a line of text.
 */
#pragma once

#include "base/out.h"

#include <stdint.h>

enum { CHART_LINES = 4, CHART_MARKS = 16, CHART_POINTS = 2000 };

enum chart_unit { CHART_COUNT, CHART_CORES, CHART_RATIO, CHART_BYTES };

struct chart_line {
        char name[48];
        double *value; /* `points` of them, NAN = unknown; owned */
};

struct chart {
        char title[160];
        enum chart_unit unit;
        uint32_t points, lines, marks;
        double *time; /* Unix seconds, rising; owned */
        struct chart_line line[CHART_LINES];
        double from, to;        /* what is shaded; NAN = nothing, or open */
        double level;           /* a line across, such as the number of cores; NAN = none */
        const char *level_name; /* static */
        struct {
                double time;
                char label[12];
                char text[120];
        } mark[CHART_MARKS];
};

void chart_done(struct chart *c);
/* A value in the chart's unit, into buf[UNITS_SIZE]. */
const char *chart_value(const struct chart *c, double value, char *buf);
/* Index of the largest known value of a line; -1 when there is none. */
int chart_peak(const struct chart *c, uint32_t line);

/* As a self-contained <svg> element, coloured by the classes and variables of the page's style sheet. */
void chart_svg(const struct chart *c, struct out *o);
/* A line of blocks of rising height, the largest value of each stretch; blank where nothing is known. */
void chart_sparkline(const struct chart *c, uint32_t line, uint32_t width, struct out *o);
