/* sexton man-page NAME: a manual page as mdoc, made from the table of verbs, so that no page can say
 * other than the program does. The build calls it; people read the result with man(1).
 */
#include "cli/options.h"
#include "config/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

extern const struct verb verb_man_page;

/* Prose: what roff would take for itself is escaped. */
static void put(const char *text, size_t len)
{
        bool line_start = true;

        for (size_t i = 0; i < len; i++) {
                if (line_start && (text[i] == '.' || text[i] == '\''))
                        fputs("\\&", stdout);
                line_start = text[i] == '\n';
                if (text[i] == '\\')
                        fputs("\\e", stdout);
                else if (text[i] == '-')
                        fputs("\\-", stdout);
                else
                        putchar(text[i]);
        }
}

/* One input line per sentence, as mdoc wants it. */
static void put_sentences(const char *text, size_t len)
{
        size_t start = 0;

        for (size_t i = 0; i < len; i++) {
                if (text[i] != '.' || i + 1 >= len || text[i + 1] != ' ')
                        continue;
                put(text + start, i + 1 - start);
                putchar('\n');
                start = i + 2;
                i++;
        }
        put(text + start, len - start);
        putchar('\n');
}

static void put_paragraphs(const char *text)
{
        for (const char *end; *text; text = *end ? end + 2 : end) {
                end = strstr(text, "\n\n");
                if (!end)
                        end = text + strlen(text);
                put_sentences(text, (size_t)(end - text));
                if (*end)
                        puts(".Pp");
        }
}

static void header(const char *name, const char *section, const char *summary)
{
        char title[64];
        size_t n = 0;

        for (; name[n] && n + 1 < sizeof title; n++)
                title[n] = (char)toupper((unsigned char)name[n]);
        title[n] = '\0';
        /* The date of the text, not of the build: pages must come out the same everywhere. */
        printf(".Dd November 23, 2026\n.Dt %s %s\n.Os Sexton " SEXTON_VERSION "\n.Sh NAME\n.Nm %s\n.Nd %s\n",
                title, section, name, summary);
}

/* "PATH" and "[SERVICE|INCIDENT]" as arguments. */
static void put_arguments(const char *args)
{
        char name[64];
        size_t n = strcspn(args + 1, "]");

        if (*args == '[') {
                snprintf(name, sizeof name, "%.*s", (int)n, args + 1);
                printf(".Op Ar %s\n", name);
        } else {
                printf(".Ar %s\n", args);
        }
}

static void put_options(const struct verb *v)
{
        puts("The options are as follows:\n.Bl -tag -width Ds");
        for (size_t i = 0; i < v->options_count; i++) {
                const struct verb_option *o = &v->options[i];
                printf(".It Fl \\-%s%s%s\n", o->name + 2, o->value ? " Ar " : "", o->value ? o->value : "");
                printf("%c", toupper((unsigned char)o->help[0]));
                put(o->help + 1, strlen(o->help + 1));
                puts(".");
        }
        puts(".It Fl \\-help\nShow the options.\n.El");
}

static void put_exit_codes(const char *bad, bool asks_daemon)
{
        puts(".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\nDone.");
        if (bad) {
                printf(".It 1\n%c", toupper((unsigned char)bad[0]));
                put(bad + 1, strlen(bad + 1));
                puts(".");
        }
        puts(".It 2\nWrong usage, or a configuration that can't be used.");
        if (asks_daemon)
                puts(".It 3\nThe daemon can't be reached.");
        puts(".El");
}

static void put_examples(const char *lines)
{
        bool first = true;

        puts(".Sh EXAMPLES");
        while (*lines) {
                const char *prose = strchr(lines, '\n') + 1, *end = strchr(prose, '\n');
                if (!first)
                        puts(".Pp");
                first = false;
                put(prose, (size_t)(end - prose));
                fputs("\n.Pp\n.Dl ", stdout);
                put(lines, (size_t)(prose - 1 - lines));
                putchar('\n');
                lines = end + 1;
        }
}

static void verb_page(const struct verb *v)
{
        char name[64];

        snprintf(name, sizeof name, "sexton-%s", v->name);
        header(name, "1", v->summary);
        printf(".Sh SYNOPSIS\n.Nm sexton %s\n", v->name);
        for (size_t i = 0; i < v->options_count; i++)
                printf(".Op Fl \\-%s%s%s\n", v->options[i].name + 2, v->options[i].value ? " Ar " : "",
                        v->options[i].value ? v->options[i].value : "");
        if (*v->args)
                put_arguments(v->args);
        puts(".Sh DESCRIPTION");
        put_paragraphs(v->description);
        puts(".Pp");
        put_options(v);
        if (v->asks_daemon)
                puts(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev SEXTON_SOCKET\nThe daemon's socket, when\n"
                     ".Fl \\-socket\nisn't given.\n.It Ev NO_COLOR\nWhen set and not empty, no "
                     "colours.\n.El");
        put_exit_codes(v->bad, v->asks_daemon);
        if (v->examples)
                put_examples(v->examples);
        puts(".Sh SEE ALSO\n.Xr sexton 1 ,\n.Xr sexton.yaml 5");
}

static void main_page(void)
{
        bool first = true;

        header("sexton", "1", "sees which service is killing the host, and says why");
        puts(".Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar option ...\n.Op Ar argument ...\n.Sh DESCRIPTION\n"
             "Sexton watches the processes and containers of one host: every birth, death and burial, every\n"
             "restart and health check.\nIt says which service is in trouble, who holds its dead, what it\n"
             "costs, and what to change.\n.Pp\n.Dl sudo sexton run\n.Pp\nstarts the daemon in the "
             "foreground;\nthe other verbs ask it over its socket.\n.Pp\nThe verbs are as follows:\n"
             ".Bl -tag -width Ds");
        for (size_t i = 0; i < verbs_count; i++) {
                if (verbs[i]->hidden)
                        continue;
                /* "\\&": a bracket at the end is no punctuation */
                printf(".It Cm %s%s%s\\&\n%c", verbs[i]->name, *verbs[i]->args ? " " : "", verbs[i]->args,
                        toupper((unsigned char)verbs[i]->summary[0]));
                put(verbs[i]->summary + 1, strlen(verbs[i]->summary + 1));
                puts(".");
        }
        puts(".El");
        puts(".Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/sexton/sexton.yaml\nThe configuration; may be "
             "absent.\n"
             ".It Pa /run/sexton/sexton.sock\nThe daemon's socket.\n.It Pa /var/lib/sexton\nThe daemon's "
             "data.\n"
             ".El");
        put_exit_codes("the answer is no, or bad: a check failed, something is wrong; each verb's page says "
                       "which",
                true);
        puts(".Sh SEE ALSO");
        for (size_t i = 0; i < verbs_count; i++) {
                if (verbs[i]->hidden)
                        continue;
                printf("%s.Xr sexton-%s 1", first ? "" : " ,\n", verbs[i]->name);
                first = false;
        }
        puts(" ,\n.Xr sexton.yaml 5");
}

static void config_page(void)
{
        header("sexton.yaml", "5", "configuration of sexton");
        puts(".Sh SYNOPSIS\n.Pa /etc/sexton/sexton.yaml\n.Pa /etc/sexton/conf.d/*.yaml\n.Sh DESCRIPTION\n"
             "Every key has a default, and the files may be absent.\nThe files of\n.Pa conf.d\nare read "
             "after\n.Pa sexton.yaml\nin the order of their names; what comes later wins.\nKeys with a dot "
             "are nested mappings.\nUnknown keys are errors; see\n.Xr sexton\\-check\\-config 1 .\n"
             "The daemon reads the files again on\n.Dv SIGHUP .\n.Pp\nDurations are written as\n"
             ".Ql 90s , 10m\nor\n.Ql 2h .\n.Sh KEYS");
        config_describe(stdout, true);
        puts(".Sh EXAMPLES\n.Bd -literal\nmode: observe\ngrace: 10s\ndetect:\n  zombie_leak:\n    for: 5s\n"
             ".Ed\n.Sh SEE ALSO\n.Xr sexton 1 ,\n.Xr sexton\\-check\\-config 1");
}

static int run(int argc, char **argv)
{
        struct options o;
        int code = options_parse(&o, &verb_man_page, 1, argc, argv);

        if (code != OPTIONS_GO_ON)
                return code;
        const char *name = o.arguments ? o.argument[0] : "sexton";
        if (!strcmp(name, "sexton")) {
                main_page();
                return EXIT_DONE;
        }
        if (!strcmp(name, "sexton.yaml")) {
                config_page();
                return EXIT_DONE;
        }
        const struct verb *v = verb_find(!strncmp(name, "sexton-", 7) ? name + 7 : name);
        if (!v || v->hidden) {
                fputs("sexton man-page: no such page\n", stderr);
                return EXIT_USAGE;
        }
        verb_page(v);
        return EXIT_DONE;
}

const struct verb verb_man_page = {
        .name = "man-page",
        .args = "[NAME]",
        .summary = "print a manual page as mdoc",
        .description = "For the build.",
        .hidden = true,
        .run = run,
};
