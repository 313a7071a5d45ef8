/* What a configuration says otherwise than the defaults, along the table of keys. */
#include "base/text.h"
#include "config/table.h"

#include <stdio.h>
#include <string.h>

static double number_at(const void *base, const struct key *k)
{
        double v;

        memcpy(&v, (const char *)base + k->offset, sizeof v);
        return v;
}

/* The value as a person would write it, printable. */
static const char *show(const struct config *c, const struct key *k, char ret[static 600])
{
        const char *field = (const char *)c + k->offset;
        char number[40];
        int word;

        if (k->type <= KEY_BYTES) {
                snprintf(ret, 600, "%s", value_show(k->type, number_at(c, k), number));
        } else if (k->type == KEY_BOOL) {
                bool on = k->size == sizeof(bool) ? *(const bool *)field : number_at(c, k) != 0;
                snprintf(ret, 600, "%s", on ? "true" : "false");
        } else if (k->type == KEY_WORD) {
                memcpy(&word, field, sizeof word);
                snprintf(ret, 600, "%s", k->choices[word]);
        } else if (*field) {
                text_printable(ret, 600, field, strlen(field));
        } else {
                snprintf(ret, 600, "\"\"");
        }
        return ret;
}

static uint32_t lists(FILE *out, const struct config *c)
{
        char text[600];

        for (uint32_t i = 0; i < c->act_only_in_count; i++) {
                text_printable(text, sizeof text, c->act_only_in[i], strlen(c->act_only_in[i]));
                fprintf(out, "act_only_in[%u]: %s\n", i, text);
        }
        /* Without the URL: it may hold a secret. */
        for (uint32_t i = 0; i < c->notify_count; i++) {
                text_printable(text, sizeof text, c->notify[i].name, strlen(c->notify[i].name));
                fprintf(out, "notify[%u]: %s, %s\n", i, text, c->notify[i].type);
        }
        return c->act_only_in_count + c->notify_count;
}

uint32_t config_differences(FILE *out, const struct config *c)
{
        struct config defaults;
        char now[600], before[600];
        uint32_t count = 0;

        config_defaults(&defaults);
        for (size_t i = 0; i < config_keys_count; i++) {
                const struct key *k = &config_keys[i];
                if (k->type == KEY_GLOBS || k->type == KEY_NOTIFY)
                        continue;
                if (!strcmp(show(c, k, now), show(&defaults, k, before)))
                        continue;
                fprintf(out, "%s: %s  (default %s)\n", k->name, now, before);
                count++;
        }
        return count + lists(out, c);
}
