/* Interned strings on the board: command lines and exe paths, counted by reference, found by hash.
 * Thousands of equal workers share one entry.
 */
#include "base/text.h"
#include "world/world.h"

#include <string.h>

static uint32_t bucket_of(const char *text)
{
        return text_hash(text) % WORLD_BUCKETS;
}

uint32_t world_string(struct world *w, const char *text)
{
        char cut[BOARD_STRING];
        struct board *b = w->b;

        if (!text || !*text)
                return 0;
        text_set(cut, sizeof cut, text);
        uint32_t h = bucket_of(cut);
        for (uint32_t i = w->string_bucket[h]; i; i = b->string[i].hash_next)
                if (!strcmp(b->string[i].text, cut)) {
                        b->string[i].refs++;
                        return i;
                }
        uint32_t i = w->string_free;
        if (i)
                w->string_free = b->string[i].hash_next;
        else if (b->string_top < BOARD_STRINGS)
                i = b->string_top++;
        if (!i) {
                b->self.overflow_strings++;
                return 0;
        }
        struct board_string *s = &b->string[i];
        memcpy(s->text, cut, sizeof cut);
        s->refs = 1;
        s->hash_next = w->string_bucket[h];
        w->string_bucket[h] = i;
        return i;
}

void world_string_ref(struct world *w, uint32_t s)
{
        if (s)
                w->b->string[s].refs++;
}

void world_string_unref(struct world *w, uint32_t s)
{
        struct board *b = w->b;

        if (!s || --b->string[s].refs)
                return;
        uint32_t *p = &w->string_bucket[bucket_of(b->string[s].text)];
        while (*p != s)
                p = &b->string[*p].hash_next;
        *p = b->string[s].hash_next;
        b->string[s].hash_next = w->string_free;
        w->string_free = s;
}
