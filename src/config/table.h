/* The table of keys: what sexton.yaml may say. Internal to config/; one row per key, with its place in
 * struct config, type, bounds and prose. Parsing, messages and the manual come from it.
 */
#pragma once

#include "config/config.h"

enum key_type {
        KEY_DURATION, /* double, s */
        KEY_NUMBER,   /* double */
        KEY_RATIO,    /* double, 0..1 */
        KEY_COUNT,    /* double, whole */
        KEY_BYTES,    /* double */
        KEY_BOOL,     /* bool, or double in struct detect_config */
        KEY_WORD,     /* one of `choices`: enum */
        KEY_PATH,     /* absolute path; "" only when the default is "" */
        KEY_LISTEN,   /* HOST:PORT, "" = off */
        KEY_ADDRESS,  /* ADDRESS:PORT of one address, "" = off */
        KEY_URL,      /* http://, https://, smtp:// or smtps:// */
        KEY_SECRET,   /* absolute path of a file, or the name of a systemd credential */
        KEY_CLOCK,    /* "HH:MM", "" only when the default is "" */
        KEY_NAME,     /* any short text */
        KEY_CHOICE,   /* one of `choices`, kept as text */
        KEY_LIST,     /* list of texts, or one text, or of `choices`: kept with newlines between */
        KEY_GLOBS,    /* list of patterns */
        KEY_NOTIFY,   /* list of mappings with the keys of notify_keys[] */
};

struct key {
        const char *name; /* full, dotted: "engine.socket" */
        enum key_type type;
        uint32_t size;
        size_t offset;
        double min, max;
        const char *def; /* default as a person would write it, NULL: from config_defaults() */
        const char *const *choices;
        const char *prose;
};

extern const struct key config_keys[];
extern const size_t config_keys_count;
/* Keys inside one entry of `notify:`; offsets are from the entry's start. In config/notify.c. */
extern const struct key notify_keys[];
extern const size_t notify_keys_count;

const struct key *table_find(const char *name);
/* True when keys begin with name + ".". */
bool table_is_section(const char *name);
/* The full or last part of a key near to `name` (which stands below `prefix`, "" = top), or NULL.
 * Lives in ret[200]. */
const char *table_suggest(const char *prefix, const char *name, char ret[static 200]);

/* Keeps the candidate nearest to a word; start with {.word = what was typed}. */
struct nearest {
        const char *word;
        const char *best; /* NULL until something is near enough: a third of the letters may differ */
        size_t distance;
};
void nearest_try(struct nearest *n, const char *candidate);

/* Reads text as a value of `k` into base + k->offset. The error says what is wrong with the value,
 * without naming the key. */
int value_set(void *base, const struct key *k, const char *text, struct error *e);
/* A value of one of the number types as a person would write it: "5m", "80%", "512MiB". */
const char *value_show(enum key_type type, double value, char ret[static 40]);
/* "a duration such as 10s, 5m or 500ms": completes "wants ...". */
const char *value_wanted(const struct key *k, char ret[static 160]);
