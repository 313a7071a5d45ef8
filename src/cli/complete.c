/* sexton complete WORD...: what may stand in place of the last of the words typed so far, one candidate a
 * line, with what it is behind a tab. The shells' completions in packaging/completion ask it, so that they
 * say what the verbs' own tables say. Names of services and incidents come from the daemon, if one answers
 * quickly.
 */
#include "cli/client.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

extern const struct verb verb_complete;

enum { ASK_MS = 500, NAMES_MAX = 1000 };

struct completion {
        const char *word;   /* what candidates begin with */
        const char *before; /* what stands in front of each: "--sort=" */
        int before_len;
        const char *socket; /* NULL: the default */
};

static void offer(const struct completion *c, const char *candidate, const char *what)
{
        char shown[300], about[200];

        if (strncmp(candidate, c->word, strlen(c->word)) != 0)
                return;
        /* a name that a terminal can't show can't be typed either */
        text_printable(shown, sizeof shown, candidate, strlen(candidate));
        if (strcmp(shown, candidate) != 0)
                return;
        text_printable(about, sizeof about, what, strlen(what));
        printf("%.*s%s\t%s\n", c->before_len, c->before, candidate, about);
}

/* Offers member `name` of each object in the daemon's list that the target answers with. */
static void offer_live(const struct completion *c, const char *list, const char *name, const char *what)
{
        char target[64], text[300], about[200], number[24];
        struct http_response h = {0};
        struct error e = {0};
        struct options o = {.verb = &verb_complete};
        json_t *one;
        size_t i;

        snprintf(target, sizeof target, "/sexton/v1/%s", list);
        if (http_get(c->socket ? c->socket : client_socket(&o), target, ASK_MS, &h, &e) < 0)
                return;
        json_t *j = json_loadb(h.body, h.len, 0, NULL);
        json_array_foreach(answer_list(j, list), i, one)
        {
                json_t *value = answer_at(one, name);
                if (i == NAMES_MAX)
                        break;
                answer_text_or(one, what, "", about, sizeof about);
                if (json_is_integer(value)) {
                        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
                        offer(c, number, about);
                } else {
                        offer(c, answer_text_or(one, name, "", text, sizeof text), about);
                }
        }
        json_decref(j);
        http_response_done(&h);
}

static void offer_verbs(const struct completion *c)
{
        for (size_t i = 0; i < verbs_count; i++)
                if (!verbs[i]->hidden)
                        offer(c, verbs[i]->name, verbs[i]->summary);
}

/* What is typed as it stands: "[open|close|auto]". */
static void offer_words(const struct completion *c, const char *kind)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
        char word[40];

        for (const char *p = kind; *p;) {
                size_t n = strspn(p, letters);
                if (n && text_copy(word, sizeof word, p, n))
                        offer(c, word, "");
                p += n + (p[n] != '\0');
        }
}

/* What a value or an argument is, is said by its name in help: "[SERVICE|INCIDENT]". */
static void offer_values(const struct completion *c, const char *kind)
{
        if (strstr(kind, "SERVICE"))
                offer_live(c, "services", "service", "kind");
        if (strstr(kind, "INCIDENT"))
                offer_live(c, "incidents", "id", "title");
        if (strstr(kind, "ACTION"))
                offer_live(c, "actions", "id", "service");
        if (strstr(kind, "VERB"))
                offer_verbs(c);
        offer_words(c, kind);
        /* the shell knows its own way through folders */
        if (strstr(kind, "FILE") || strstr(kind, "PATH") || strstr(kind, "DIR"))
                puts(":files");
}

static void offer_option_values(const struct completion *c, const struct verb_option *option)
{
        for (size_t i = 0; option->choices && option->choices[i]; i++)
                offer(c, option->choices[i], "");
        offer_values(c, option->value);
}

static const struct verb_option *option_of(const struct verb *v, const char *word, size_t len)
{
        for (size_t i = 0; i < v->options_count; i++)
                if (strlen(v->options[i].name) == len && !strncmp(v->options[i].name, word, len))
                        return &v->options[i];
        return NULL;
}

static void offer_options(const struct completion *c, const struct verb *v)
{
        for (size_t i = 0; i < v->options_count; i++)
                offer(c, v->options[i].name, v->options[i].help);
        offer(c, "--help", "show the options");
}

/* Words of the verb, the last of which is being typed. */
static void complete(const struct verb *v, char **word, int words)
{
        const struct verb_option *waiting = NULL; /* for its value */
        struct completion c = {.word = word[words - 1], .before = ""};
        bool only_arguments = false;

        for (int i = 0; i < words - 1; i++) {
                if (waiting) {
                        if (!strcmp(waiting->name, "--socket"))
                                c.socket = word[i];
                        waiting = NULL;
                } else if (!only_arguments && !strcmp(word[i], "--")) {
                        only_arguments = true;
                } else if (!only_arguments && !strncmp(word[i], "--socket=", 9)) {
                        c.socket = word[i] + 9;
                } else if (!only_arguments) {
                        waiting = option_of(v, word[i], strlen(word[i]));
                        if (waiting && !waiting->value)
                                waiting = NULL;
                }
        }
        const char *equals = strchr(c.word, '=');
        if (waiting) {
                offer_option_values(&c, waiting);
        } else if (!only_arguments && c.word[0] == '-' && equals) {
                waiting = option_of(v, c.word, (size_t)(equals - c.word));
                c.before = c.word;
                c.before_len = (int)(equals + 1 - c.word);
                c.word = equals + 1;
                if (waiting && waiting->value)
                        offer_option_values(&c, waiting);
        } else if (!only_arguments && c.word[0] == '-') {
                offer_options(&c, v);
        } else {
                offer_values(&c, v->args);
        }
}

static int run(int argc, char **argv)
{
        const struct verb *v = argc > 2 ? verb_find(argv[1]) : NULL;
        struct completion c = {.word = argc == 2 ? argv[1] : "", .before = ""};

        if (v && !v->hidden)
                complete(v, argv + 2, argc - 2);
        else if (argc <= 2)
                offer_verbs(&c);
        return EXIT_DONE;
}

const struct verb verb_complete = {
        .name = "complete",
        .args = "[WORD...]",
        .summary = "what may be typed next",
        .description = "For the completions of shells.",
        .hidden = true,
        .run = run,
};
