/* Reading sexton.yaml and conf.d: see config.h. libyaml makes a tree of each file, whose nodes know
 * their line and column; the tree is walked along the table of keys, so that depth and work are
 * bounded by the table and not by the file.
 */
#include "config/config.h"

#include "base/text.h"
#include "config/table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* Ample for a person's file, little enough for a hostile one: libyaml keeps about 100 B a node, and
 * finding duplicate keys is quadratic. */
enum { FILE_MAX_BYTES = 256 << 10, FILE_MAX_NODES = 4096, FILE_MAX_DEPTH = 16, CONF_D_MAX = 256 };

struct walk {
        struct config *c;
        const char *file;
        yaml_document_t *doc;
        struct config_problem *problems;
        uint32_t max, count;
        int code; /* of the worst: -ENOMEM and I/O errors before -EINVAL */
};

void config_defaults(struct config *c)
{
        *c = (struct config){
                .mode = MODE_OBSERVE,
                .grace = 10,
                .listen = "127.0.0.1:9790",
                .socket = "/run/sexton/sexton.sock",
                .data_dir = "/var/lib/sexton",
                .proc_root = "/proc",
                .cgroup_root = "/sys/fs/cgroup",
                .engine = {.enabled = true},
                .sources = {.netlink = true,
                        .bpf = true,
                        .pidfd = true,
                        .psi = true,
                        .scan_interval = 1,
                        .drain_interval = 0.02},
                .incident = {.calm = 90, .reopen = 600},
                .detect = detect_config_defaults(),
        };
}

int config_set(struct config *c, const char *key, const char *value, struct error *e)
{
        const struct key *k = table_find(key);

        if (!k)
                return error_set(e, -ENOENT, "%s: unknown key", key);
        int r = value_set(c, k, value, e);
        if (r < 0)
                error_wrap(e, "%s", key);
        return r;
}

/* ---- problems ---- */

/* mark NULL: the file as a whole. */
static void problem(struct walk *w, const yaml_mark_t *mark, const char *fmt, ...) printf_like(3, 4);
static void problem(struct walk *w, const yaml_mark_t *mark, const char *fmt, ...)
{
        char *to = NULL;
        size_t size = sizeof w->problems[0].text;
        int n;

        if (w->count < w->max)
                to = w->problems[w->count].text;
        w->count++;
        if (!w->code)
                w->code = -EINVAL;
        if (!to)
                return;
        if (mark)
                n = snprintf(to, size, "%s:%zu:%zu: ", w->file, mark->line + 1, mark->column + 1);
        else
                n = snprintf(to, size, "%s: ", w->file);
        if (n < 0 || (size_t)n >= size)
                return;
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(to + n, size - (size_t)n, fmt, ap);
        va_end(ap);
}

static void problem_errno(struct walk *w, int code, const char *what)
{
        problem(w, NULL, "%s: %s", what, strerror(-code));
        w->code = code;
}

/* ---- the tree ---- */

static const char *kind_of(const yaml_node_t *n)
{
        return n->type == YAML_MAPPING_NODE    ? "a mapping"
               : n->type == YAML_SEQUENCE_NODE ? "a list"
                                               : "a value";
}

static bool is_null(const yaml_node_t *n)
{
        const char *s = (const char *)n->data.scalar.value;

        return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
               (!*s || !strcmp(s, "~") || !strcasecmp(s, "null"));
}

/* The scalar's text when it is one without NUL inside, else a problem and NULL. */
static const char *scalar_text(struct walk *w, const struct key *k, const char *name, const yaml_node_t *n)
{
        char wanted[160];

        if (n->type != YAML_SCALAR_NODE) {
                problem(w, &n->start_mark, "%s: wants %s, not %s", name, value_wanted(k, wanted), kind_of(n));
                return NULL;
        }
        if (is_null(n)) {
                problem(w, &n->start_mark, "%s: has no value; it wants %s", name, value_wanted(k, wanted));
                return NULL;
        }
        if (strlen((const char *)n->data.scalar.value) != n->data.scalar.length) {
                problem(w, &n->start_mark, "%s: holds a NUL byte", name);
                return NULL;
        }
        return (const char *)n->data.scalar.value;
}

static void set_scalar(
        struct walk *w, void *base, const struct key *k, const char *name, const yaml_node_t *n)
{
        const char *text = scalar_text(w, k, name, n);
        struct error e = {0};

        if (text && value_set(base, k, text, &e) < 0)
                problem(w, &n->start_mark, "%s: %s", name, e.text);
}

static size_t items(const yaml_node_t *n)
{
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static void set_globs(struct walk *w, const struct key *k, const yaml_node_t *list)
{
        static const struct key item = {
                .type = KEY_NAME, .size = sizeof(((struct config *)NULL)->act_only_in[0])};
        struct config *c = w->c;
        uint32_t n = 0;

        for (size_t i = 0; i < items(list); i++) {
                const yaml_node_t *v = yaml_document_get_node(w->doc, list->data.sequence.items.start[i]);
                uint32_t before = w->count;
                if (n == CONFIG_GLOBS) {
                        problem(w, &v->start_mark, "%s: too many patterns, %d at most", k->name,
                                CONFIG_GLOBS);
                        break;
                }
                set_scalar(w, c->act_only_in[n], &item, k->name, v);
                n += before == w->count;
        }
        c->act_only_in_count = n;
}

/* A mapping's key as text for messages, into ret; a problem and false when it is not a plain word. */
static bool key_text(struct walk *w, const char *prefix, const yaml_node_t *k, char ret[static 80])
{
        const char *where = *prefix ? prefix : "the file";

        if (k->type != YAML_SCALAR_NODE) {
                problem(w, &k->start_mark, "%s: a key must be a word, not %s", where, kind_of(k));
                return false;
        }
        text_printable(ret, 80, (const char *)k->data.scalar.value, MIN(k->data.scalar.length, (size_t)79));
        return true;
}

/* Reports a key of map that stood there before. */
static bool is_duplicate(
        struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair, const char *name)
{
        const yaml_node_t *b = yaml_document_get_node(w->doc, pair->key);

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
                const yaml_node_t *a = yaml_document_get_node(w->doc, p->key);
                if (a->type != YAML_SCALAR_NODE || a->data.scalar.length != b->data.scalar.length ||
                        memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length))
                        continue;
                problem(w, &b->start_mark, "%s: given twice, first in line %zu", name,
                        a->start_mark.line + 1);
                return true;
        }
        return false;
}

static void set_notify_key(
        struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair, void *to, uint32_t *seen)
{
        const yaml_node_t *k = yaml_document_get_node(w->doc, pair->key);
        const yaml_node_t *v = yaml_document_get_node(w->doc, pair->value);
        char name[80], full[100], suggestion[200];

        if (!key_text(w, "notify", k, name))
                return;
        snprintf(full, sizeof full, "notify.%s", name);
        if (is_duplicate(w, map, pair, full))
                return;
        for (size_t i = 0; i < notify_keys_count; i++)
                if (!strcmp(notify_keys[i].name, name)) {
                        *seen |= 1u << i;
                        set_scalar(w, to, &notify_keys[i], full, v);
                        return;
                }
        if (table_suggest("notify", name, suggestion))
                problem(w, &k->start_mark, "%s: unknown key; did you mean %s?", full, suggestion);
        else
                problem(w, &k->start_mark, "%s: unknown key; there are name, type and url", full);
}

static void set_notify(struct walk *w, const struct key *k, const yaml_node_t *list)
{
        struct config *c = w->c;
        uint32_t n = 0;

        for (size_t i = 0; i < items(list); i++) {
                const yaml_node_t *map = yaml_document_get_node(w->doc, list->data.sequence.items.start[i]);
                uint32_t before = w->count, seen = 0;
                if (n == CONFIG_NOTIFIERS) {
                        problem(w, &map->start_mark, "%s: too many, %d at most", k->name, CONFIG_NOTIFIERS);
                        break;
                }
                if (map->type != YAML_MAPPING_NODE) {
                        problem(w, &map->start_mark, "%s: wants mappings with name, type and url, not %s",
                                k->name, kind_of(map));
                        continue;
                }
                memset(&c->notify[n], 0, sizeof c->notify[n]);
                for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
                        p < map->data.mapping.pairs.top; p++)
                        set_notify_key(w, map, p, &c->notify[n], &seen);
                for (size_t j = 0; j < notify_keys_count; j++)
                        if (!(seen & 1u << j))
                                problem(w, &map->start_mark, "notify.%s: is missing", notify_keys[j].name);
                n += before == w->count;
        }
        c->notify_count = n;
}

static void set_key(struct walk *w, const struct key *k, const yaml_node_t *v)
{
        char wanted[160];
        static const yaml_node_t empty = {.type = YAML_SEQUENCE_NODE};

        if (k->type != KEY_GLOBS && k->type != KEY_NOTIFY) {
                set_scalar(w, w->c, k, k->name, v);
                return;
        }
        if (is_null(v))
                v = &empty;
        if (v->type != YAML_SEQUENCE_NODE)
                problem(w, &v->start_mark, "%s: wants %s, not %s", k->name, value_wanted(k, wanted),
                        kind_of(v));
        else if (k->type == KEY_GLOBS)
                set_globs(w, k, v);
        else
                set_notify(w, k, v);
}

static void unknown_key(
        struct walk *w, const char *prefix, const char *name, const char *full, const yaml_node_t *k)
{
        char suggestion[200];

        if (strchr(name, '.') && (table_find(full) || table_is_section(full)))
                problem(w, &k->start_mark,
                        "%s: unknown key; write the part behind each dot on its own line, "
                        "indented below the one before",
                        full);
        else if (table_suggest(prefix, name, suggestion))
                problem(w, &k->start_mark, "%s: unknown key; did you mean %s?", full, suggestion);
        else
                problem(w, &k->start_mark, "%s: unknown key", full);
}

/* Recursion ends with the table: sections are at most two deep. */
static void walk_mapping(struct walk *w, const yaml_node_t *map, const char *prefix)
{
        char name[80], full[200];

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
                p++) {
                const yaml_node_t *k = yaml_document_get_node(w->doc, p->key);
                const yaml_node_t *v = yaml_document_get_node(w->doc, p->value);
                if (!key_text(w, prefix, k, name))
                        continue;
                snprintf(full, sizeof full, "%s%s%s", prefix, *prefix ? "." : "", name);
                if (is_duplicate(w, map, p, full))
                        continue;
                const struct key *row = strchr(name, '.') ? NULL : table_find(full);
                if (row)
                        set_key(w, row, v);
                else if (strchr(name, '.') || !*name || !table_is_section(full))
                        unknown_key(w, prefix, name, full, k);
                else if (v->type == YAML_MAPPING_NODE)
                        walk_mapping(w, v, full);
                else if (!is_null(v))
                        problem(w, &v->start_mark, "%s: wants a mapping of keys, not %s", full, kind_of(v));
        }
}

/* ---- libyaml ---- */

static void yaml_problem(struct walk *w, const yaml_parser_t *p)
{
        const yaml_mark_t *mark = &p->problem_mark;
        const char *what = p->problem ? p->problem : "cannot be understood";

        /* in some places libyaml 0.2.5 gives up for want of memory without saying so */
        if (p->error == YAML_MEMORY_ERROR || p->error == YAML_NO_ERROR)
                problem_errno(w, -ENOMEM, "cannot be read");
        else if (p->error == YAML_READER_ERROR)
                problem(w, &p->mark, "not YAML: %s", what);
        else if (p->context)
                problem(w, mark, "not YAML: %s, %s", what, p->context);
        else
                problem(w, mark, "not YAML: %s", what);
}

/* First pass: refuses what is broken, too deep or too much before a tree is made of it. */
static bool within_bounds(struct walk *w, const char *text, size_t len)
{
        yaml_parser_t p;
        yaml_event_t e;
        int depth = 0, nodes = 0, documents = 0;
        bool ok = true, end = false;

        if (!yaml_parser_initialize(&p)) {
                problem_errno(w, -ENOMEM, "cannot be read");
                return false;
        }
        yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
        while (ok && !end) {
                if (!yaml_parser_parse(&p, &e)) {
                        yaml_problem(w, &p);
                        ok = false;
                        break;
                }
                bool opens = e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT;
                bool closes = e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT;
                depth += opens - closes;
                nodes += opens || e.type == YAML_SCALAR_EVENT || e.type == YAML_ALIAS_EVENT;
                documents += e.type == YAML_DOCUMENT_START_EVENT;
                end = e.type == YAML_STREAM_END_EVENT;
                ok = false;
                if (depth > FILE_MAX_DEPTH)
                        problem(w, &e.start_mark, "nested too deeply, %d levels at most", FILE_MAX_DEPTH);
                else if (nodes > FILE_MAX_NODES)
                        problem(w, &e.start_mark, "too many values, %d at most", FILE_MAX_NODES);
                else if (documents > 1)
                        problem(w, &e.start_mark, "a second document begins; only one is read");
                else
                        ok = true;
                yaml_event_delete(&e);
        }
        yaml_parser_delete(&p);
        return ok;
}

static void walk_text(struct walk *w, const char *text, size_t len)
{
        yaml_parser_t p;
        yaml_document_t doc;

        if (len > FILE_MAX_BYTES) {
                problem(w, NULL, "too large, %d KiB at most", FILE_MAX_BYTES >> 10);
                return;
        }
        if (!within_bounds(w, text, len))
                return;
        if (!yaml_parser_initialize(&p)) {
                problem_errno(w, -ENOMEM, "cannot be read");
                return;
        }
        yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
        if (yaml_parser_load(&p, &doc)) {
                const yaml_node_t *root = yaml_document_get_root_node(&doc);
                w->doc = &doc;
                if (root && root->type == YAML_MAPPING_NODE)
                        walk_mapping(w, root, "");
                else if (root && !is_null(root))
                        problem(w, &root->start_mark, "wants keys and values, not %s",
                                root->type == YAML_SCALAR_NODE ? "a lone value" : kind_of(root));
                w->doc = NULL;
                yaml_document_delete(&doc);
        } else {
                yaml_problem(w, &p);
        }
        yaml_parser_delete(&p);
}

int config_parse(struct config *c, const char *name, const char *text, size_t len,
        struct config_problem *problems, uint32_t max, uint32_t *ret_count)
{
        struct walk w = {.c = c, .file = name, .problems = problems, .max = max};

        walk_text(&w, text, len);
        *ret_count = w.count;
        return w.code;
}

/* ---- files ---- */

static void walk_file(struct walk *w, const char *path, bool may_be_absent)
{
        cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        cleanup_free char *text = NULL;
        size_t n = 0, size = 0;

        w->file = path;
        if (fd < 0) {
                if (errno != ENOENT || !may_be_absent)
                        problem_errno(w, -errno, "cannot be opened");
                return;
        }
        for (;;) {
                if (n == size) {
                        size = size ? size * 4 : 4096;
                        char *more = realloc(text, size);
                        if (!more) {
                                problem_errno(w, -ENOMEM, "cannot be read");
                                return;
                        }
                        text = more;
                }
                ssize_t r = read(fd, text + n, size - n);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0) {
                        problem_errno(w, -errno, "cannot be read");
                        return;
                }
                if (r == 0 || n > FILE_MAX_BYTES)
                        break;
                n += (size_t)r;
        }
        walk_text(w, text, n);
}

static int wanted_name(const struct dirent *d)
{
        size_t n = strlen(d->d_name);

        return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".yaml");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk_folder(struct walk *w, const char *folder)
{
        struct dirent **names = NULL;
        char path[PATH_MAX];
        int n = scandir(folder, &names, wanted_name, by_bytes);

        w->file = folder;
        if (n < 0) {
                if (errno != ENOENT && errno != ENOTDIR)
                        problem_errno(w, -errno, "cannot be read");
                return;
        }
        for (int i = 0; i < n; i++) {
                if (i == CONF_D_MAX)
                        problem(w, NULL, "too many files, %d at most", CONF_D_MAX);
                else if (i < CONF_D_MAX &&
                         snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name) < (int)sizeof path)
                        walk_file(w, path, false);
                free(names[i]);
        }
        free(names);
}

int config_load(struct config *c, const char *path, bool may_be_absent, struct config_problem *problems,
        uint32_t max, uint32_t *ret_count)
{
        struct walk w = {.c = c, .problems = problems, .max = max};
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX];

        walk_file(&w, path, may_be_absent);
        if (snprintf(folder, sizeof folder, "%.*sconf.d", slash ? (int)(slash + 1 - path) : 0, path) <
                (int)sizeof folder)
                walk_folder(&w, folder);
        *ret_count = w.count;
        return w.code;
}
