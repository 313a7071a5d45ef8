/* sexton help: what there is to type, made from the table of verbs. */
#include "cli/help.h"

#include "base/text.h"
#include "base/util.h"
#include "cli/options.h"

#include <ctype.h>
#include <string.h>

const struct verb *verb_find(const char *name)
{
        for (size_t i = 0; i < verbs_count; i++)
                if (!strcmp(verbs[i]->name, name))
                        return verbs[i];
        return NULL;
}

const struct verb *verb_near(const char *name)
{
        const struct verb *near = NULL;
        size_t best = 3, len = strlen(name);

        for (size_t i = 0; i < verbs_count; i++) {
                size_t d = text_distance(name, verbs[i]->name);
                /* Two mistakes in a word of three letters are another word. */
                if (verbs[i]->hidden || d >= best || d >= MAX(len, (size_t)2))
                        continue;
                best = d;
                near = verbs[i];
        }
        /* "zomb": the beginning of exactly one verb. */
        for (size_t i = 0; !near && len >= 2 && i < verbs_count; i++)
                if (!verbs[i]->hidden && !strncmp(verbs[i]->name, name, len))
                        near = verbs[i];
        return near;
}

static void print_rows(FILE *out, const struct verb_option *options, size_t count)
{
        char left[80];

        for (size_t i = 0; i < count; i++) {
                snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].value ? " " : "",
                        options[i].value ? options[i].value : "");
                fprintf(out, "  %-22s %s\n", left, options[i].help);
        }
}

void help_global(FILE *out)
{
        fputs("sexton sees which service is killing the host, and says why.\n\n"
              "Usage: sexton VERB [OPTION...] [ARGUMENT...]\n\n",
                out);
        for (size_t i = 0; i < verbs_count; i++)
                if (!verbs[i]->hidden)
                        fprintf(out, "  %-13s %s\n", verbs[i]->name, verbs[i]->summary);
        fputs("\nsexton VERB --help shows a verb's options, man sexton-VERB the rest.\n"
              "A first look: run 'sudo sexton run' in one terminal and 'sexton status' in another.\n",
                out);
}

void help_verb(FILE *out, const struct verb *v)
{
        static const struct verb_option help = {"--help", NULL, "show this"};

        fprintf(out, "Usage: sexton %s%s%s%s\n\n%c%s.\n", v->name, v->options_count ? " [OPTION...]" : "",
                *v->args ? " " : "", v->args, toupper((unsigned char)v->summary[0]), v->summary + 1);
        fputs("\nOptions:\n", out);
        print_rows(out, v->options, v->options_count);
        print_rows(out, &help, 1);
        fputs("\nExit code: 0 done", out);
        if (v->bad)
                fprintf(out, "; 1 %s", v->bad);
        fputs("; 2 wrong usage", out);
        fputs(v->asks_daemon ? "; 3 the daemon can't be reached.\n" : ".\n", out);
}

void help_unknown_verb(FILE *out, const char *name)
{
        char shown[200];
        const struct verb *near = verb_near(name);

        text_printable(shown, sizeof shown, name, strlen(name));
        fprintf(out, "sexton: no verb '%s'", shown);
        if (near)
                fprintf(out, "; did you mean 'sexton %s'?\n", near->name);
        else
                fputs("; 'sexton help' shows all\n", out);
}

extern const struct verb verb_help;

static int run(int argc, char **argv)
{
        struct options o;
        int r = options_parse(&o, &verb_help, 1, argc, argv);

        if (r != OPTIONS_GO_ON)
                return r;
        if (!o.arguments) {
                help_global(stdout);
                return EXIT_DONE;
        }
        const struct verb *v = verb_find(o.argument[0]);
        if (!v) {
                help_unknown_verb(stderr, o.argument[0]);
                return EXIT_USAGE;
        }
        help_verb(stdout, v);
        return EXIT_DONE;
}

const struct verb verb_help = {
        .name = "help",
        .args = "[VERB]",
        .summary = "show what there is to type",
        .description = "Shows all verbs, or the usage and the options of one.",
        .run = run,
};
