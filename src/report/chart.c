/* What a chart tells without drawing: see chart.h. */
#include "report/chart.h"

#include "base/units.h"

#include <math.h>

void chart_done(struct chart *c)
{
        for (uint32_t i = 0; i < CHART_LINES; i++)
                free(c->line[i].value);
        free(c->time);
        *c = (struct chart){0};
}

const char *chart_value(const struct chart *c, double value, char *buf)
{
        switch (c->unit) {
        case CHART_BYTES:
                return units_bytes(value, buf);
        case CHART_RATIO:
                return units_percent(value, buf);
        case CHART_CORES:
                return units_cores(value, buf);
        case CHART_COUNT:
                break;
        }
        return units_count(value, buf);
}

int chart_peak(const struct chart *c, uint32_t line)
{
        const double *v = c->line[line].value;
        int best = -1;

        for (uint32_t i = 0; i < c->points; i++)
                if (!isnan(v[i]) && (best < 0 || v[i] > v[best]))
                        best = (int)i;
        return best;
}

void chart_sparkline(const struct chart *c, uint32_t line, uint32_t width, struct out *o)
{
        static const char *const block[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
        const double *v = c->line[line].value;
        int peak = chart_peak(c, line);
        double top = peak < 0 ? 1 : fmax(v[peak], 1e-9);

        width = MIN(width, c->points);
        for (uint32_t i = 0; i < width; i++) {
                double worst = NAN;

                for (uint32_t k = i * c->points / width; k < (i + 1) * c->points / width; k++)
                        worst = fmax(worst, v[k]);
                if (isnan(worst))
                        out_text(o, " ");
                else
                        out_text(o, block[(int)fmax(0, fmin(7, floor(worst / top * 8)))]);
        }
}
