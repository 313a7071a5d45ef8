/* The options of a verb: see options.h. */
#include "cli/options.h"

#include "base/text.h"
#include "base/util.h"
#include "cli/help.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void complain_unknown(const struct verb *v, const char *given, size_t len)
{
        char name[64], shown[300];
        const char *near = NULL;
        size_t best = 3;

        text_copy(name, sizeof name, given, len);
        text_printable(shown, sizeof shown, name, strlen(name));
        for (size_t i = 0; i < v->options_count; i++) {
                size_t d = text_distance(name, v->options[i].name);
                if (d < best) {
                        best = d;
                        near = v->options[i].name;
                }
        }
        fprintf(stderr, "sexton %s: unknown option %s", v->name, shown);
        if (near)
                fprintf(stderr, "; did you mean %s?\n", near);
        else
                fprintf(stderr, "; see: sexton %s --help\n", v->name);
}

static int find(const struct verb *v, const char *name, size_t len)
{
        for (size_t i = 0; i < v->options_count && i < OPTIONS_MAX; i++)
                if (strlen(v->options[i].name) == len && !strncmp(v->options[i].name, name, len))
                        return (int)i;
        return -1;
}

/* Takes the option at argv[*at]; moves *at to its value when that stands apart. */
static int take_option(struct options *o, int argc, char **argv, int *at)
{
        const struct verb *v = o->verb;
        const char *arg = argv[*at], *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg) : strlen(arg);

        if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
                help_verb(stdout, v);
                return EXIT_DONE;
        }
        int row = find(v, arg, len);
        if (row < 0) {
                complain_unknown(v, arg, len);
                return EXIT_USAGE;
        }
        if (!v->options[row].value) {
                if (equals) {
                        fprintf(stderr, "sexton %s: %s takes no value\n", v->name, v->options[row].name);
                        return EXIT_USAGE;
                }
                o->value[row] = "";
                return OPTIONS_GO_ON;
        }
        if (equals) {
                o->value[row] = equals + 1;
        } else if (*at + 1 < argc) {
                o->value[row] = argv[++*at];
        } else {
                fprintf(stderr, "sexton %s: %s needs a value: %s\n", v->name, v->options[row].name,
                        v->options[row].value);
                return EXIT_USAGE;
        }
        return OPTIONS_GO_ON;
}

int options_parse(struct options *o, const struct verb *v, size_t max_arguments, int argc, char **argv)
{
        bool only_arguments = false;

        *o = (struct options){.verb = v};
        for (int i = 1; i < argc; i++) {
                if (!only_arguments && !strcmp(argv[i], "--")) {
                        only_arguments = true;
                } else if (!only_arguments && argv[i][0] == '-' && argv[i][1]) {
                        int r = take_option(o, argc, argv, &i);
                        if (r != OPTIONS_GO_ON)
                                return r;
                } else if (o->arguments < MIN(max_arguments, (size_t)OPTIONS_ARGUMENTS)) {
                        o->argument[o->arguments++] = argv[i];
                } else {
                        char shown[200];
                        text_printable(shown, sizeof shown, argv[i], strlen(argv[i]));
                        fprintf(stderr, "sexton %s: unexpected argument '%s'; see: sexton %s --help\n",
                                v->name, shown, v->name);
                        return EXIT_USAGE;
                }
        }
        return OPTIONS_GO_ON;
}

const char *options_get(const struct options *o, const char *name)
{
        int row = find(o->verb, name, strlen(name));

        return row < 0 ? NULL : o->value[row];
}

static int complain_value(const struct options *o, const char *name, const char *value, const char *want)
{
        char shown[200];

        text_printable(shown, sizeof shown, value, strlen(value));
        fprintf(stderr, "sexton %s: %s: '%s' is not %s\n", o->verb->name, name, shown, want);
        return -EXIT_USAGE;
}

/* "1h30m": numbers, each with its unit; a bare number is seconds. */
static bool read_duration(const char *s, double *ret)
{
        static const struct {
                const char *unit;
                double seconds;
        } units[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
        double total = 0;

        if (!*s)
                return false;
        while (*s) {
                uint64_t whole, part = 0;
                double scale = 1;

                if (!text_u64(&s, &whole))
                        return false;
                if (*s == '.') {
                        const char *digits = ++s;
                        if (!text_u64(&s, &part))
                                return false;
                        scale = pow(10, (double)(s - digits));
                }
                double factor = *s ? 0 : 1;
                size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz");
                for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                        if (strlen(units[i].unit) == len && !strncmp(units[i].unit, s, len))
                                factor = units[i].seconds;
                if (factor <= 0)
                        return false;
                s += len;
                total += ((double)whole + (double)part / scale) * factor;
        }
        *ret = total;
        return total < 1e9;
}

int options_duration(const struct options *o, const char *name, double fallback, double *ret)
{
        const char *value = options_get(o, name);

        if (!value) {
                *ret = fallback;
                return 0;
        }
        if (!read_duration(value, ret))
                return complain_value(o, name, value, "a duration such as 90s, 10m or 2h");
        return 0;
}

int options_number(const struct options *o, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
        uint64_t *ret)
{
        const char *value = options_get(o, name), *p = value;
        char want[80];
        uint64_t n;

        if (!value) {
                *ret = fallback;
                return 0;
        }
        snprintf(want, sizeof want, "a whole number from %llu to %llu", (unsigned long long)min,
                (unsigned long long)max);
        if (!text_u64(&p, &n) || *p || n < min || n > max)
                return complain_value(o, name, value, want);
        *ret = n;
        return 0;
}

const char *const options_color_words[] = {
        [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never", NULL};

int options_color(const struct options *o, enum color_mode *ret)
{
        const char *value = options_get(o, "--color");

        *ret = COLOR_AUTO;
        if (!value)
                return 0;
        for (size_t i = 0; options_color_words[i]; i++) {
                if (!strcmp(value, options_color_words[i])) {
                        *ret = (enum color_mode)i;
                        return 0;
                }
        }
        return complain_value(o, "--color", value, "auto, always or never");
}
