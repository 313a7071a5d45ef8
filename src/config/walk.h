/* Walking the tree of a configuration file along a table of keys. Internal to config/.
 */
#pragma once

#include "config/table.h"

#include <yaml.h>

struct walk {
        struct config *c;
        const char *file;
        yaml_document_t *doc;
        struct config_problem *problems;
        uint32_t max, count;
        int code; /* of the worst: -ENOMEM and I/O errors before -EINVAL */
};

/* mark NULL: the file as a whole. */
void walk_problem(struct walk *w, const yaml_mark_t *mark, const char *fmt, ...) printf_like(3, 4);
/* "a mapping", "a list" or "a value". */
const char *walk_kind(const yaml_node_t *n);
bool walk_is_null(const yaml_node_t *n);
size_t walk_items(const yaml_node_t *list);
/* Sets base's field of k from a scalar; `name` is what messages call it. */
void walk_scalar(struct walk *w, void *base, const struct key *k, const char *name, const yaml_node_t *n);
/* The same for KEY_LIST, from a list or a scalar. */
void walk_list(struct walk *w, void *base, const struct key *k, const char *name, const yaml_node_t *n);
/* A mapping's key as text for messages, into ret; a problem and false when it is not a plain word. */
bool walk_key(struct walk *w, const char *prefix, const yaml_node_t *k, char ret[static 80]);
/* Reports a key of map that stood there before. */
bool walk_duplicate(struct walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair, const char *name);

/* The list below `notify:`. */
void walk_notify(struct walk *w, const struct key *k, const yaml_node_t *list);
