/* Reading sexton.yaml and conf.d: see config.h. libyaml makes a tree of each file, whose nodes know
 * their line and column; the tree is walked along the table of keys, so that depth and work are
 * bounded by the table and not by the file.
 */
#include "config/config.h"

#include "base/text.h"
#include "config/table.h"
#include "config/walk.h"

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

void config_defaults(struct config *c)
{
        *c = (struct config){
                .mode = MODE_OBSERVE,
                .grace = 10,
                .actions = {.max_per_minute = 10, .dead_man = 10},
                .listen = "127.0.0.1:9790",
                .socket = "/run/sexton/sexton.sock",
                .data_dir = "/var/lib/sexton",
                .rescue.authorized_keys = "/etc/sexton/rescue_keys",
                .proc_root = "/proc",
                .cgroup_root = "/sys/fs/cgroup",
                .engine = {.enabled = true},
                .sources = {.netlink = true,
                        .bpf = true,
                        .pidfd = true,
                        .psi = true,
                        .scan_interval = 1,
                        .drain_interval = 0.02},
                .watchdog = {.hang = 30},
                .incident = {.calm = 90, .reopen = 600},
                .store = {.retention = 30 * 86400, .max_size = 512 << 20},
                .quiet_hours = {.min_severity = SEVERITY_CRITICAL},
                .detect = detect_config_defaults(),
                .ladder = ladder_config_defaults(),
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

void walk_problem(struct walk *w, const yaml_mark_t *mark, const char *fmt, ...)
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
        walk_problem(w, NULL, "%s: %s", what, strerror(-code));
        w->code = code;
}

/* ---- the tree ---- */

const char *walk_kind(const yaml_node_t *n)
{
        return n->type == YAML_MAPPING_NODE    ? "a mapping"
               : n->type == YAML_SEQUENCE_NODE ? "a list"
                                               : "a value";
}

bool walk_is_null(const yaml_node_t *n)
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
                walk_problem(w, &n->start_mark, "%s: wants %s, not %s", name, value_wanted(k, wanted),
                        walk_kind(n));
                return NULL;
        }
        if (walk_is_null(n)) {
                walk_problem(
                        w, &n->start_mark, "%s: has no value; it wants %s", name, value_wanted(k, wanted));
                return NULL;
        }
        if (strlen((const char *)n->data.scalar.value) != n->data.scalar.length) {
                walk_problem(w, &n->start_mark, "%s: holds a NUL byte", name);
                return NULL;
        }
        return (const char *)n->data.scalar.value;
}

void walk_scalar(struct walk *w, void *base, const struct key *k, const char *name, const yaml_node_t *n)
{
        const char *text = scalar_text(w, k, name, n);
        struct error e = {0};

        if (text && value_set(base, k, text, &e) < 0)
                walk_problem(w, &n->start_mark, "%s: %s", name, e.text);
}

size_t walk_items(const yaml_node_t *n)
{
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static void set_globs(struct walk *w, const struct key *k, const yaml_node_t *list)
{
        static const struct key item = {
                .type = KEY_NAME, .size = sizeof(((struct config *)NULL)->act_only_in[0])};
        struct config *c = w->c;
        uint32_t n = 0;

        for (size_t i = 0; i < walk_items(list); i++) {
                const yaml_node_t *v = yaml_document_get_node(w->doc, list->data.sequence.items.start[i]);
                uint32_t before = w->count;
                if (n == CONFIG_GLOBS) {
                        walk_problem(w, &v->start_mark, "%s: too many patterns, %d at most", k->name,
                                CONFIG_GLOBS);
                        break;
                }
                walk_scalar(w, c->act_only_in[n], &item, k->name, v);
                n += before == w->count;
        }
        c->act_only_in_count = n;
}

/* A mapping's key as text for messages, into ret; a problem and false when it is not a plain word. */
bool walk_key(struct walk *w, const char *prefix, const yaml_node_t *k, char ret[static 80])
{
        const char *where = *prefix ? prefix : "the file";

        if (k->type != YAML_SCALAR_NODE) {
                walk_problem(w, &k->start_mark, "%s: a key must be a word, not %s", where, walk_kind(k));
                return false;
        }
        text_printable(ret, 80, (const char *)k->data.scalar.value, MIN(k->data.scalar.length, (size_t)79));
        return true;
}

/* Reports a key of map that stood there before. */
bool walk_duplicate(struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair, const char *name)
{
        const yaml_node_t *b = yaml_document_get_node(w->doc, pair->key);

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
                const yaml_node_t *a = yaml_document_get_node(w->doc, p->key);
                if (a->type != YAML_SCALAR_NODE || a->data.scalar.length != b->data.scalar.length ||
                        memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length))
                        continue;
                walk_problem(w, &b->start_mark, "%s: given twice, first in line %zu", name,
                        a->start_mark.line + 1);
                return true;
        }
        return false;
}

void walk_list(struct walk *w, void *base, const struct key *k, const char *name, const yaml_node_t *v)
{
        const struct key item = {
                .type = k->choices ? KEY_CHOICE : KEY_NAME, .size = 200, .choices = k->choices};
        char *to = (char *)base + k->offset, one[200];
        size_t used = 0;

        to[0] = '\0';
        if (v->type == YAML_MAPPING_NODE) {
                walk_problem(
                        w, &v->start_mark, "%s: wants a text or a list of texts, not %s", name, walk_kind(v));
                return;
        }
        bool alone = v->type == YAML_SCALAR_NODE;
        for (size_t i = 0; i < (alone ? 1 : walk_items(v)); i++) {
                const yaml_node_t *n =
                        alone ? v : yaml_document_get_node(w->doc, v->data.sequence.items.start[i]);
                uint32_t before = w->count;
                one[0] = '\0';
                walk_scalar(w, one, &item, name, n);
                if (before != w->count)
                        continue;
                if (used + strlen(one) + 2 > k->size) {
                        walk_problem(w, &n->start_mark, "%s: is too long: %u bytes at most, all together",
                                name, (unsigned)k->size - 1);
                        return;
                }
                used += (size_t)snprintf(to + used, k->size - used, "%s%s", used ? "\n" : "", one);
        }
}

static void set_key(struct walk *w, const struct key *k, const yaml_node_t *v)
{
        char wanted[160];
        static const yaml_node_t empty = {.type = YAML_SEQUENCE_NODE};

        if (k->type == KEY_LIST) {
                walk_list(w, w->c, k, k->name, v);
                return;
        }
        if (k->type != KEY_GLOBS && k->type != KEY_NOTIFY) {
                walk_scalar(w, w->c, k, k->name, v);
                return;
        }
        if (walk_is_null(v))
                v = &empty;
        if (v->type != YAML_SEQUENCE_NODE)
                walk_problem(w, &v->start_mark, "%s: wants %s, not %s", k->name, value_wanted(k, wanted),
                        walk_kind(v));
        else if (k->type == KEY_GLOBS)
                set_globs(w, k, v);
        else
                walk_notify(w, k, v);
}

static void unknown_key(
        struct walk *w, const char *prefix, const char *name, const char *full, const yaml_node_t *k)
{
        char suggestion[200];

        if (strchr(name, '.') && (table_find(full) || table_is_section(full)))
                walk_problem(w, &k->start_mark,
                        "%s: unknown key; write the part behind each dot on its own line, "
                        "indented below the one before",
                        full);
        else if (table_suggest(prefix, name, suggestion))
                walk_problem(w, &k->start_mark, "%s: unknown key; did you mean %s?", full, suggestion);
        else
                walk_problem(w, &k->start_mark, "%s: unknown key", full);
}

static void walk_mapping(struct walk *w, const yaml_node_t *map, const char *prefix);

/* A section, and what holds only for it as a whole. */
static void walk_section(struct walk *w, const yaml_node_t *map, const char *name)
{
        walk_mapping(w, map, name);
        if (!strcmp(name, "quiet_hours") && !w->c->quiet_hours.from[0] != !w->c->quiet_hours.to[0])
                walk_problem(w, &map->start_mark,
                        "%s: wants both from and to, such as {from: \"22:00\", to: \"07:00\"}", name);
}

/* Recursion ends with the table: sections are at most two deep. */
static void walk_mapping(struct walk *w, const yaml_node_t *map, const char *prefix)
{
        char name[80], full[200];

        for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
                p++) {
                const yaml_node_t *k = yaml_document_get_node(w->doc, p->key);
                const yaml_node_t *v = yaml_document_get_node(w->doc, p->value);
                if (!walk_key(w, prefix, k, name))
                        continue;
                snprintf(full, sizeof full, "%s%s%s", prefix, *prefix ? "." : "", name);
                if (walk_duplicate(w, map, p, full))
                        continue;
                const struct key *row = strchr(name, '.') ? NULL : table_find(full);
                if (row)
                        set_key(w, row, v);
                else if (strchr(name, '.') || !*name || !table_is_section(full))
                        unknown_key(w, prefix, name, full, k);
                else if (v->type == YAML_MAPPING_NODE)
                        walk_section(w, v, full);
                else if (!walk_is_null(v))
                        walk_problem(
                                w, &v->start_mark, "%s: wants a mapping of keys, not %s", full, walk_kind(v));
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
                walk_problem(w, &p->mark, "not YAML: %s", what);
        else if (p->context)
                walk_problem(w, mark, "not YAML: %s, %s", what, p->context);
        else
                walk_problem(w, mark, "not YAML: %s", what);
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
                        walk_problem(
                                w, &e.start_mark, "nested too deeply, %d levels at most", FILE_MAX_DEPTH);
                else if (nodes > FILE_MAX_NODES)
                        walk_problem(w, &e.start_mark, "too many values, %d at most", FILE_MAX_NODES);
                else if (documents > 1)
                        walk_problem(w, &e.start_mark, "a second document begins; only one is read");
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
                walk_problem(w, NULL, "too large, %d KiB at most", FILE_MAX_BYTES >> 10);
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
                else if (root && !walk_is_null(root))
                        walk_problem(w, &root->start_mark, "wants keys and values, not %s",
                                root->type == YAML_SCALAR_NODE ? "a lone value" : walk_kind(root));
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
                        walk_problem(w, NULL, "too many files, %d at most", CONF_D_MAX);
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
