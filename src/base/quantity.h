/* Durations and sizes as people write them in configurations and labels: "1h30m", "512MiB", "0.5". */
#pragma once

#include <stdbool.h>

struct quantity_unit {
        const char *name;
        double factor;
};
/* Largest first; the last has no name. A size's units are also those of container engines: "512m". */
extern const struct quantity_unit quantity_durations[], quantity_sizes[];

/* A decimal number at *p with optional fraction and exponent, always with a point, whatever the locale.
 * Moves *p behind it; false, *p unmoved, when there is none or it is no finite one. */
bool quantity_number(const char **p, double *ret);
/* The whole text as numbers with units, added up; a lone number needs none. */
bool quantity_read(const char *text, const struct quantity_unit *units, double *ret);
