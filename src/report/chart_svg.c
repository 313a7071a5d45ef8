/* Draws a chart as SVG: axes with round steps, lines that break where nothing is known, the incident's span
 * shaded, marks that carry the labels of the timeline. Colours are classes of the page's style sheet, so that
 * the picture follows light, dark and paper.
 */
#include "report/chart.h"

#include "base/units.h"
#include "report/escape.h"

#include <math.h>
#include <time.h>

enum {
        WIDTH = 720,
        HEIGHT = 200,
        LEFT = 62,
        RIGHT = 708,
        TOP = 30,
        BOTTOM = 172,
        TICKS_X = 7,
        LABEL_GAP = 26
};

struct frame {
        const struct chart *c;
        struct out *o;
        double t0, t1, top, step;
};

/* ---- scales ---- */

/* The smallest of 1, 2, 5 times a power of ten (of bytes: of 1024 too) that is at least `least`. */
static double round_step(double least, enum chart_unit unit)
{
        double scale = 1;

        if (unit == CHART_BYTES)
                while (scale * 1000 < least && scale < 1e17)
                        scale *= 1024;
        least /= scale;
        double power = pow(10, floor(log10(least)));
        double digit = least / power;
        double step = digit <= 1.0001 ? 1 : digit <= 2.0001 ? 2 : digit <= 5.0001 ? 5 : 10;
        return step * power * scale;
}

static bool scale(struct frame *f)
{
        const struct chart *c = f->c;
        double most = isfinite(c->level) ? c->level : 0;

        if (c->points < 2)
                return false;
        f->t0 = c->time[0];
        f->t1 = c->time[c->points - 1];
        for (uint32_t i = 0; i < c->lines; i++) {
                int peak = chart_peak(c, i);
                most = peak < 0 ? most : fmax(most, c->line[i].value[peak]);
        }
        if (!(most > 1e-6))
                most = c->unit == CHART_RATIO ? 0.01 : 1;
        most = fmin(most, 1e17);
        f->step = round_step(most / 4, c->unit);
        if (c->unit == CHART_COUNT && f->step < 1 && most >= 2)
                f->step = 1;
        f->top = ceil(most / f->step - 1e-9) * f->step;
        return isfinite(f->t0) && isfinite(f->t1) && f->t1 > f->t0;
}

static double at_x(const struct frame *f, double t)
{
        return LEFT + (fmin(fmax(t, f->t0), f->t1) - f->t0) / (f->t1 - f->t0) * (RIGHT - LEFT);
}

static double at_y(const struct frame *f, double v)
{
        return BOTTOM - fmin(fmax(v, 0), f->top) / f->top * (BOTTOM - TOP);
}

/* ---- parts ---- */

static void text(
        const struct frame *f, const char *class, double x, double y, const char *anchor, const char *what)
{
        out_format(f->o, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y, anchor);
        escape_html(f->o, what);
        out_text(f->o, "</text>");
}

static void rule(const struct frame *f, const char *class, double x1, double y1, double x2, double y2)
{
        out_format(f->o, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class, x1,
                y1, x2, y2);
}

static void axis_y(const struct frame *f)
{
        char n[UNITS_SIZE];

        for (int i = 0; i <= 8 && i * f->step <= f->top * 1.0001; i++) {
                double y = at_y(f, i * f->step);
                rule(f, i ? "grid" : "axis", LEFT, y, RIGHT, y);
                text(f, "tick", LEFT - 6, y + 3.5, "end", chart_value(f->c, i * f->step, n));
        }
}

static void axis_x(const struct frame *f)
{
        static const int steps[] = {
                5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800};
        double step = steps[0];
        char label[40];
        struct tm tm;

        for (size_t i = 0; i < ARRAY_SIZE(steps) && (f->t1 - f->t0) / step > TICKS_X; i++)
                step = steps[i];
        if ((f->t1 - f->t0) / step > TICKS_X)
                step = ceil((f->t1 - f->t0) / TICKS_X / 86400) * 86400;
        for (double t = ceil(f->t0 / step) * step; t <= f->t1; t += step) {
                time_t when = (time_t)t;
                double x = at_x(f, t);

                gmtime_r(&when, &tm);
                strftime(label, sizeof label, step < 60 ? "%H:%M:%S" : step < 86400 ? "%H:%M" : "%m-%d", &tm);
                rule(f, "axis", x, BOTTOM, x, BOTTOM + 4);
                text(f, "tick", x, BOTTOM + 17, x > RIGHT - 16 ? "end" : "middle", label);
        }
}

static void shade(const struct frame *f)
{
        const struct chart *c = f->c;

        if (isnan(c->from) || c->from > f->t1)
                return;
        double x = at_x(f, c->from), end = isnan(c->to) ? RIGHT : at_x(f, c->to);
        out_format(f->o, "<rect class=\"span\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", x, TOP,
                fmax(end - x, 1), BOTTOM - TOP);
}

static void marks(const struct frame *f)
{
        const struct chart *c = f->c;
        double last = -LABEL_GAP;

        for (uint32_t i = 0; i < c->marks; i++) {
                if (!(c->mark[i].time >= f->t0 && c->mark[i].time <= f->t1))
                        continue;
                double x = at_x(f, c->mark[i].time);
                out_text(f->o, "<g><title>");
                escape_html(f->o, c->mark[i].text);
                out_text(f->o, "</title>");
                rule(f, "mark", x, TOP, x, BOTTOM);
                if (x - last >= LABEL_GAP) {
                        text(f, "marked", x, TOP - 4, "middle", c->mark[i].label);
                        last = x;
                }
                out_text(f->o, "</g>");
        }
}

/* A stretch of one known value between two unknown ones is a dot. */
static void line(const struct frame *f, uint32_t n)
{
        const double *v = f->c->line[n].value;
        bool drawing = false;

        out_format(f->o, "<path class=\"line l%u\" d=\"", n);
        for (uint32_t i = 0; i < f->c->points; i++) {
                if (isnan(v[i])) {
                        drawing = false;
                        continue;
                }
                double x = at_x(f, f->c->time[i]), y = at_y(f, v[i]);
                out_format(f->o, "%c%.1f %.1f", drawing ? 'L' : 'M', x, y);
                if (!drawing)
                        out_text(f->o, "h0");
                drawing = true;
        }
        out_text(f->o, "\"/>");
}

static void peak(const struct frame *f)
{
        char n[UNITS_SIZE];
        int i = chart_peak(f->c, 0);

        if (i < 0)
                return;
        double x = at_x(f, f->c->time[i]), y = at_y(f, f->c->line[0].value[i]);
        bool right = x > (LEFT + RIGHT) / 2;
        out_format(f->o, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x, y);
        text(f, "peak", x + (right ? -7 : 7), y < TOP + 12 ? y + 12 : y - 5, right ? "end" : "start",
                chart_value(f->c, f->c->line[0].value[i], n));
}

static void legend(const struct frame *f)
{
        const struct chart *c = f->c;
        double x = LEFT;

        for (uint32_t i = 0; i < c->lines && c->lines > 1; i++) {
                out_format(f->o, "<line class=\"line l%u\" x1=\"%.1f\" y1=\"9\" x2=\"%.1f\" y2=\"9\"/>", i, x,
                        x + 16);
                text(f, "tick", x + 21, 12.5, "start", c->line[i].name);
                x += 150;
        }
}

void chart_svg(const struct chart *c, struct out *o)
{
        struct frame f = {.c = c, .o = o};

        if (!scale(&f))
                return;
        out_format(o,
                "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                "role=\"img\" "
                "aria-label=\"",
                WIDTH, HEIGHT);
        escape_html(o, c->title);
        out_text(o, "\">");
        shade(&f);
        axis_y(&f);
        axis_x(&f);
        if (isfinite(c->level) && c->level_name) {
                rule(&f, "level", LEFT, at_y(&f, c->level), RIGHT, at_y(&f, c->level));
                text(&f, "tick", RIGHT, at_y(&f, c->level) - 4, "end", c->level_name);
        }
        marks(&f);
        for (uint32_t i = c->lines; i-- > 0;)
                line(&f, i);
        peak(&f);
        legend(&f);
        out_text(o, "</svg>\n");
}
