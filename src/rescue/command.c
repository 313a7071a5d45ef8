/* The console's commands: see command.h. */
#include "rescue/command.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DAYS_MOST = 30 };

const struct command_form command_forms[COMMAND_VERBS] = {
        [COMMAND_HELP] = {"help", "[COMMAND]", "what can be asked and done here", NULL},
        [COMMAND_TOP] = {"top", "",
                "the host and its services now; in a terminal anew each second, q ends it", NULL},
        [COMMAND_SERVICES] = {"services", "[SERVICE]", "every service: tasks, zombies, CPU, memory, restarts",
                NULL},
        [COMMAND_ZOMBIES] = {"zombies", "[SERVICE]", "the dead nobody waited for, who holds them, the remedy",
                NULL},
        [COMMAND_WHY] = {"why", "[SERVICE]", "what is wrong, who causes it, what to change", NULL},
        [COMMAND_DEATHS] = {"deaths", "[COUNT]", "the last processes that died, and other events", NULL},
        [COMMAND_ACTIONS] = {"actions", "", "what has been done, by whom, until when", NULL},
        [COMMAND_DMESG] = {"dmesg", "[COUNT]", "the last lines of the kernel's log", NULL},
        [COMMAND_FREEZE] = {"freeze", "SERVICE [for TIME] [because WORDS]",
                "stop all its processes where they are; they go on after thaw",
                "A frozen service uses no CPU and keeps its memory and connections. It thaws by itself at "
                "the "
                "end of TIME, and when Sexton stops."},
        [COMMAND_THAW] = {"thaw", "SERVICE", "let it go on", NULL},
        [COMMAND_STOP] = {"stop", "SERVICE [because WORDS]", "end its processes: SIGTERM, then SIGKILL",
                NULL},
        [COMMAND_KILL] = {"kill", "PID|SERVICE", "end one process, or a service, at once",
                "A number is the id of one process, which gets SIGKILL. A service is stopped as by stop. A "
                "zombie can't be killed: it is dead; see zombies for who has to wait for it."},
        [COMMAND_RELEASE] = {"release", "SERVICE", "undo all that stands against it", NULL},
        [COMMAND_UNDO] = {"undo", "NUMBER", "undo one of the actions", NULL},
        [COMMAND_BREAKER] = {"breaker", "open|close|auto",
                "open: act on what overloads the host now; close: don't; auto: as configured", NULL},
        [COMMAND_EXIT] = {"exit", "", "leave; so do Ctrl-D, quit and logout", NULL},
};

struct words {
        char text[COMMAND_LINE];
        char *word[COMMAND_WORDS];
        size_t count, next;
};

/* ---- words ---- */

/* Splits at blanks; ' and " hold words together, \ takes the next byte as it is. */
static int split(struct words *w, const char *line, size_t len, struct error *e)
{
        char *out = w->text, quote = '\0';
        bool inside = false;

        *w = (struct words){0};
        if (len >= sizeof w->text)
                return error_set(e, -EINVAL, "the line is longer than %d bytes", COMMAND_LINE - 1);
        for (size_t i = 0; i < len; i++) {
                char c = line[i];
                bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
                if (c == '\0')
                        return error_set(e, -EINVAL, "the line holds a NUL");
                if (!inside && blank)
                        continue;
                if (!inside) {
                        if (w->count == COMMAND_WORDS)
                                return error_set(e, -EINVAL, "more than %d words", COMMAND_WORDS);
                        w->word[w->count++] = out;
                        inside = true;
                }
                if (quote ? c == quote : (c == '\'' || c == '"')) {
                        quote = quote ? '\0' : c;
                } else if (c == '\\' && quote != '\'' && i + 1 < len) {
                        *out++ = line[++i];
                } else if (blank && !quote) {
                        *out++ = '\0';
                        inside = false;
                } else {
                        *out++ = c;
                }
        }
        if (quote)
                return error_set(e, -EINVAL, "a %c is not closed", quote);
        *out = '\0';
        return 0;
}

static const char *next_word(struct words *w)
{
        return w->next < w->count ? w->word[w->next++] : NULL;
}

static int unwanted(const char *what, const char *word, struct error *e)
{
        char shown[100];

        text_printable(shown, sizeof shown, word, strlen(word));
        return error_set(e, -EINVAL, "%s, not \"%s\"", what, shown);
}

/* ---- values ---- */

static bool read_number(const char *word, uint64_t max, uint64_t *ret)
{
        uint64_t n;

        if (!text_u64(&word, &n) || *word || n > max)
                return false;
        *ret = n;
        return true;
}

static int read_time(const char *word, uint64_t *ret_ns, struct error *e)
{
        static const struct {
                char unit;
                uint64_t sec;
        } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
        const char *p = word ? word : "";
        uint64_t n;

        if (text_u64(&p, &n) && n > 0)
                for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                        if (p[0] == units[i].unit && !p[1] && n <= DAYS_MOST * 86400ULL / units[i].sec) {
                                *ret_ns = n * units[i].sec * NSEC_PER_SEC;
                                return 0;
                        }
        return unwanted(
                "wants a time such as 90s, 10m or 2h after \"for\", at most 30d", word ? word : "", e);
}

static int read_subject(const char *word, struct command *c, struct error *e)
{
        if (!*word)
                return error_set(e, -EINVAL, "the name of a service must not be empty");
        if (!text_set(c->subject, sizeof c->subject, word))
                return error_set(e, -EINVAL, "the name of a service has less than %d bytes", ACTION_SERVICE);
        return 0;
}

static bool is_dry_run(const char *word)
{
        return !strcmp(word, "--dry-run") || !strcmp(word, "-n");
}

/* All the rest; but who wants a dry run must not be taken at his word, wherever he says so. */
static void read_reason(struct words *w, struct command *c)
{
        const char *word;
        size_t n = 0;

        while ((word = next_word(w))) {
                if (is_dry_run(word))
                        c->dry_run = true;
                else if (n < sizeof c->reason)
                        n += (size_t)snprintf(
                                c->reason + n, sizeof c->reason - n, "%s%s", n ? " " : "", word);
        }
}

/* "for TIME", "because WORDS", "--dry-run" in any order. */
static int read_rest(struct words *w, struct command *c, struct error *e)
{
        const char *word;

        while ((word = next_word(w))) {
                if (is_dry_run(word)) {
                        c->dry_run = true;
                } else if (!strcmp(word, "for") && c->verb == COMMAND_FREEZE) {
                        int r = read_time(next_word(w), &c->ttl_ns, e);
                        if (r < 0)
                                return r;
                } else if (!strcmp(word, "because")) {
                        read_reason(w, c);
                } else {
                        return unwanted(c->verb == COMMAND_FREEZE
                                                ? "wants \"for TIME\", \"because WORDS\" or --dry-run"
                                                : "wants \"because WORDS\" or --dry-run",
                                word, e);
                }
        }
        return 0;
}

/* ---- verbs ---- */

static enum command_verb find(const char *name)
{
        static const struct {
                const char *name;
                enum command_verb verb;
        } other[] = {{"?", COMMAND_HELP}, {"quit", COMMAND_EXIT}, {"logout", COMMAND_EXIT},
                {"service", COMMAND_SERVICES}, {"zombie", COMMAND_ZOMBIES}, {"events", COMMAND_DEATHS},
                {"unfreeze", COMMAND_THAW}};

        for (int v = COMMAND_NONE + 1; v < COMMAND_VERBS; v++)
                if (!strcmp(command_forms[v].name, name))
                        return (enum command_verb)v;
        for (size_t i = 0; i < ARRAY_SIZE(other); i++)
                if (!strcmp(other[i].name, name))
                        return other[i].verb;
        return COMMAND_NONE;
}

static int unknown(const char *name, struct error *e)
{
        size_t best = 3; /* a suggestion may be that far away */
        const char *near = NULL;
        char shown[60];

        for (int v = COMMAND_NONE + 1; v < COMMAND_VERBS; v++) {
                size_t d = text_distance(name, command_forms[v].name);
                if (d < best && d < strlen(name)) {
                        best = d;
                        near = command_forms[v].name;
                }
        }
        text_printable(shown, sizeof shown, name, strlen(name));
        if (near)
                return error_set(e, -EINVAL, "no command %s; did you mean %s?", shown, near);
        return error_set(e, -EINVAL, "no command %s; help lists them", shown);
}

/* An optional argument: a service, a count, or the name of a command. */
static int read_optional(struct words *w, struct command *c, struct error *e)
{
        const char *word = next_word(w);

        if (!word)
                return 0;
        if (c->verb == COMMAND_DMESG || c->verb == COMMAND_DEATHS)
                return read_number(word, 10000, &c->number) && c->number
                               ? 0
                               : unwanted("wants a number from 1 to 10000", word, e);
        if (c->verb == COMMAND_HELP && find(word) == COMMAND_NONE)
                return unknown(word, e);
        if (c->verb == COMMAND_TOP || c->verb == COMMAND_ACTIONS || c->verb == COMMAND_EXIT)
                return unwanted("wants no argument", word, e);
        return read_subject(c->verb == COMMAND_HELP ? command_forms[find(word)].name : word, c, e);
}

static int read_breaker(const char *word, struct command *c, struct error *e)
{
        static const char *const name[] = {"auto", "close", "open"};

        for (int i = 0; word && i < 3; i++)
                if (!strcmp(word, name[i])) {
                        c->breaker = i - 1;
                        return 0;
                }
        return word ? unwanted("wants open, close or auto", word, e)
                    : error_set(e, -EINVAL, "wants open, close or auto");
}

static int read_target(struct words *w, struct command *c, struct error *e)
{
        const char *word;
        uint64_t pid;

        while ((word = next_word(w)) && is_dry_run(word))
                c->dry_run = true;

        if (c->verb == COMMAND_BREAKER)
                return read_breaker(word, c, e);
        if (!word)
                return error_set(e, -EINVAL, "wants %s", command_forms[c->verb].arguments);
        if (c->verb == COMMAND_UNDO)
                return read_number(word, UINT32_MAX, &c->number) && c->number
                               ? 0
                               : unwanted("wants the number of an action", word, e);
        if (c->verb == COMMAND_KILL && read_number(word, INT32_MAX, &pid)) {
                c->pid = (int32_t)pid;
                return pid > 1 ? 0 : unwanted("wants the id of a process other than PID 1", word, e);
        }
        return read_subject(word, c, e);
}

int command_parse(const char *line, size_t len, struct command *ret, struct error *e)
{
        struct command c = {0};
        struct words w;
        int r = split(&w, line, len, e);

        if (r < 0)
                return r;
        const char *name = next_word(&w);
        if (!name) {
                *ret = c;
                return 0;
        }
        c.verb = find(name);
        if (c.verb == COMMAND_NONE)
                return unknown(name, e);
        bool acts = c.verb >= COMMAND_FREEZE && c.verb <= COMMAND_BREAKER;
        r = acts ? read_target(&w, &c, e) : read_optional(&w, &c, e);
        if (r == 0 && acts)
                r = read_rest(&w, &c, e);
        else if (r == 0 && w.next < w.count)
                r = unwanted("wants no more words", w.word[w.next], e);
        if (r < 0)
                return error_wrap(e, "%s", command_forms[c.verb].name);
        *ret = c;
        return 0;
}
