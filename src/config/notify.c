/* The list below `notify:`: the keys of an entry, which types of notifiers there are, and which keys each of
 * them needs and takes.
 */
#include "base/text.h"
#include "config/walk.h"

#include <stdio.h>
#include <string.h>

enum { KEYS_MAX = 32 };

static const char *const severity_choices[] = {
        [SEVERITY_INFO] = "info", [SEVERITY_WARNING] = "warning", [SEVERITY_CRITICAL] = "critical", NULL};
static const char *const tls_choices[] = {[NOTIFY_TLS_AUTO] = "auto",
        [NOTIFY_TLS_OFF] = "off",
        [NOTIFY_TLS_TRY] = "try",
        [NOTIFY_TLS_REQUIRED] = "required",
        NULL};

const struct notify_type notify_types[] = {
        {"webhook", {"url|url_file"}, {"token_file", "username", "password_file", "headers", "ca_file"}, 0},
        {"alertmanager", {"url"}, {"token_file", "username", "password_file", "headers", "ca_file"}, 300},
        {"pagerduty", {"routing_key_file"}, {"url", "ca_file"}, 0},
        {"ntfy", {"url", "topic"}, {"token_file", "username", "password_file", "headers", "ca_file"}, 0},
        {"slack", {"url|url_file"}, {"ca_file"}, 0},
        {"smtp", {"url", "from", "to"}, {"username", "password_file", "tls", "ca_file"}, 0},
        {"command", {"command"}, {NULL}, 0},
};
const size_t notify_types_count = ARRAY_SIZE(notify_types);

static const char *const type_choices[] = {
        "webhook", "alertmanager", "pagerduty", "ntfy", "slack", "smtp", "command", NULL};

#define AT(field) sizeof(((struct notify_config *)NULL)->field), offsetof(struct notify_config, field)

/* The first two must be given, the next five are taken by every type. The files of secrets share a place: an
 * entry has one secret. */
enum { ROWS_NEEDED = 2, ROWS_COMMON = 7 };
const struct key notify_keys[] = {
        {"name", KEY_NAME, AT(name), .prose = "what messages call it"},
        {"type", KEY_CHOICE, AT(type), .choices = type_choices, .prose = "how it is told"},
        {"min_severity", KEY_WORD, AT(min_severity), .choices = severity_choices,
                .prose = "lesser incidents are not told"},
        {"send_resolved", KEY_BOOL, AT(send_resolved), .prose = "tell of the end too"},
        {"repeat", KEY_DURATION, AT(repeat), 0, 30 * 86400.0,
                .prose = "tell again as often while it is open; 0: once"},
        {"timeout", KEY_DURATION, AT(timeout), 0.1, 300, .prose = "how long the far side may take"},
        {"ca_file", KEY_PATH, AT(ca_file), .prose = "authorities (PEM) to trust instead of the system's"},
        {"url", KEY_URL, AT(url), .prose = "where it is sent to"},
        {"url_file", KEY_SECRET, AT(secret_file), .prose = "file that holds the url"},
        {"token_file", KEY_SECRET, AT(secret_file), .prose = "file that holds a bearer token"},
        {"password_file", KEY_SECRET, AT(secret_file), .prose = "file that holds the password"},
        {"routing_key_file", KEY_SECRET, AT(secret_file), .prose = "file that holds the routing key"},
        {"username", KEY_NAME, AT(username), .prose = "who logs in"},
        {"topic", KEY_NAME, AT(topic), .prose = "ntfy's topic"},
        {"from", KEY_NAME, AT(from), .prose = "sender of the mail"},
        {"to", KEY_LIST, AT(to), .prose = "receivers of the mail"},
        {"tls", KEY_WORD, AT(tls), .choices = tls_choices,
                .prose = "of smtp:// : auto is required, but off on this machine"},
        {"headers", KEY_LIST, AT(headers), .prose = "\"Name: value\", sent along"},
        {"command", KEY_LIST, AT(command), .prose = "program and arguments"},
};
const size_t notify_keys_count = ARRAY_SIZE(notify_keys);

/* One entry being read. */
struct entry {
        struct walk *w;
        struct notify_config *to;
        const yaml_node_t *map;
        const yaml_mark_t *at[KEYS_MAX]; /* value of each key; NULL = not given */
};

static int row_of(const char *name, size_t len)
{
        for (size_t i = 0; i < notify_keys_count; i++)
                if (strlen(notify_keys[i].name) == len && !strncmp(notify_keys[i].name, name, len))
                        return (int)i;
        return -1;
}

static bool is_given(const struct entry *e, const char *name)
{
        int row = row_of(name, strlen(name));

        return row >= 0 && e->at[row];
}

static void read_key(struct entry *e, const yaml_node_pair_t *pair)
{
        const yaml_node_t *k = yaml_document_get_node(e->w->doc, pair->key);
        const yaml_node_t *v = yaml_document_get_node(e->w->doc, pair->value);
        char name[80], full[100];

        if (!walk_key(e->w, "notify", k, name))
                return;
        snprintf(full, sizeof full, "notify.%s", name);
        if (walk_duplicate(e->w, e->map, pair, full))
                return;
        int row = row_of(name, strlen(name));
        if (row < 0) {
                struct nearest near = {.word = name};
                for (size_t i = 0; i < notify_keys_count; i++)
                        nearest_try(&near, notify_keys[i].name);
                if (near.best)
                        walk_problem(
                                e->w, &k->start_mark, "%s: unknown key; did you mean %s?", full, near.best);
                else
                        walk_problem(
                                e->w, &k->start_mark, "%s: unknown key; docs/notify.md lists them", full);
                return;
        }
        e->at[row] = &v->start_mark;
        if (notify_keys[row].type == KEY_LIST)
                walk_list(e->w, e->to, &notify_keys[row], full, v);
        else
                walk_scalar(e->w, e->to, &notify_keys[row], full, v);
}

static const struct notify_type *type_of(const char *name)
{
        for (size_t i = 0; i < notify_types_count; i++)
                if (!strcmp(notify_types[i].name, name))
                        return &notify_types[i];
        return NULL;
}

/* True when one of the names in "a|b" is `name`. */
static bool among(const char *names, const char *name)
{
        size_t n = strlen(name);

        for (const char *p = names; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
                if (!strncmp(p, name, n) && (p[n] == '|' || p[n] == '\0'))
                        return true;
        return false;
}

static bool takes(const struct notify_type *t, const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(t->needs) && t->needs[i]; i++)
                if (among(t->needs[i], name))
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(t->takes) && t->takes[i]; i++)
                if (!strcmp(t->takes[i], name))
                        return true;
        return false;
}

static void check_needs(struct entry *e, const struct notify_type *t)
{
        for (size_t i = 0; i < ARRAY_SIZE(t->needs) && t->needs[i]; i++) {
                const char *bar = strchr(t->needs[i], '|');
                char first[32];
                text_copy(first, sizeof first, t->needs[i],
                        bar ? (size_t)(bar - t->needs[i]) : strlen(t->needs[i]));
                if (is_given(e, first) || (bar && is_given(e, bar + 1)))
                        continue;
                walk_problem(e->w, &e->map->start_mark, "notify.%s: is missing; %s needs it%s%s", first,
                        t->name, bar ? ", or " : "", bar ? bar + 1 : "");
        }
        for (size_t row = ROWS_COMMON - 1; row < notify_keys_count; row++) {
                char who[120] = "";
                size_t n = 0;
                if (!e->at[row] || takes(t, notify_keys[row].name))
                        continue;
                for (size_t k = 0; k < notify_types_count; k++)
                        if (takes(&notify_types[k], notify_keys[row].name) && n < sizeof who)
                                n += (size_t)snprintf(
                                        who + n, sizeof who - n, "%s%s", n ? ", " : "", notify_types[k].name);
                walk_problem(e->w, e->at[row], "notify.%s: is not for %s, only for %s", notify_keys[row].name,
                        t->name, who);
        }
}

static void check_secret(struct entry *e)
{
        const char *first = NULL;

        for (size_t row = 0; row < notify_keys_count; row++) {
                if (notify_keys[row].type != KEY_SECRET || !e->at[row])
                        continue;
                if (first)
                        walk_problem(e->w, e->at[row], "notify.%s: an entry has one secret, and %s is given",
                                notify_keys[row].name, first);
                first = first ? first : notify_keys[row].name;
        }
        e->to->secret_is_url = is_given(e, "url_file");
        if (is_given(e, "url_file") && is_given(e, "url"))
                walk_problem(e->w, e->at[row_of("url", 3)], "notify.url: url_file is given too");
        if (is_given(e, "username") != is_given(e, "password_file"))
                walk_problem(e->w, &e->map->start_mark,
                        "notify.%s: is missing; username and password_file go together",
                        is_given(e, "username") ? "password_file" : "username");
}

static void check_values(struct entry *e, const struct notify_type *t)
{
        struct notify_config *n = e->to;
        bool mail = !strncmp(n->url, "smtp", 4), wants_mail = !strcmp(t->name, "smtp");

        if (n->url[0] && mail != wants_mail)
                walk_problem(e->w, e->at[row_of("url", 3)], "notify.url: %s wants a URL that starts with %s",
                        t->name, wants_mail ? "smtp:// or smtps://" : "http:// or https://");
        if (n->command[0] && n->command[0] != '/')
                walk_problem(e->w, e->at[row_of("command", 7)],
                        "notify.command: begins with the absolute path of a program; no shell is used");
        if (n->topic[0] &&
                strspn(n->topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
                        strlen(n->topic))
                walk_problem(
                        e->w, e->at[row_of("topic", 5)], "notify.topic: wants letters, digits, _ and - only");
        for (const char *p = n->headers; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
                size_t name = strcspn(p, ":\n");
                if (!name || p[name] != ':' || memchr(p, ' ', name))
                        walk_problem(e->w, e->at[row_of("headers", 7)],
                                "notify.headers: wants \"Name: value\"; a secret goes into token_file");
        }
        if (n->repeat > 0 && n->repeat < 10)
                walk_problem(e->w, e->at[row_of("repeat", 6)], "notify.repeat: must be 0 or at least 10s");
}

static void read_entry(struct walk *w, struct notify_config *to, const yaml_node_t *map)
{
        struct entry e = {.w = w, .to = to, .map = map};
        uint32_t before = w->count;

        *to = (struct notify_config){.send_resolved = true, .timeout = 10, .repeat = -1};
        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
                read_key(&e, p);
        for (size_t row = 0; row < ROWS_NEEDED; row++)
                if (!e.at[row])
                        walk_problem(w, &map->start_mark, "notify.%s: is missing", notify_keys[row].name);
        const struct notify_type *t = type_of(to->type);
        if (!t)
                return;
        check_needs(&e, t);
        check_secret(&e);
        if (w->count == before)
                check_values(&e, t);
        if (to->repeat < 0)
                to->repeat = t->repeat;
}

void walk_notify(struct walk *w, const struct key *k, const yaml_node_t *list)
{
        struct config *c = w->c;
        uint32_t n = 0;

        for (size_t i = 0; i < walk_items(list); i++) {
                const yaml_node_t *map = yaml_document_get_node(w->doc, list->data.sequence.items.start[i]);
                uint32_t before = w->count;
                if (n == CONFIG_NOTIFIERS) {
                        walk_problem(
                                w, &map->start_mark, "%s: too many, %d at most", k->name, CONFIG_NOTIFIERS);
                        break;
                }
                if (map->type != YAML_MAPPING_NODE) {
                        walk_problem(w, &map->start_mark,
                                "%s: wants mappings with name, type and more, not %s", k->name,
                                walk_kind(map));
                        continue;
                }
                read_entry(w, &c->notify[n], map);
                for (uint32_t before_it = 0; before_it < n; before_it++)
                        if (!strcmp(c->notify[before_it].name, c->notify[n].name))
                                walk_problem(w, &map->start_mark, "notify.name: another one is called %s",
                                        c->notify[n].name);
                n += before == w->count;
        }
        c->notify_count = n;
}
