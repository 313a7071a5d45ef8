/* Labels for the ladder: see labels.h. */
#include "source/engine/labels.h"

#include "base/quantity.h"
#include "base/text.h"
#include "base/util.h"

#include <math.h>
#include <string.h>
#include <strings.h>

bool labels_on(const char *s)
{
        return s && strcasecmp(s, "false") && strcasecmp(s, "no") && strcasecmp(s, "off") && strcmp(s, "0");
}

static bool read_mode(struct labels *l, const char *s)
{
        l->mode = !strcmp(s, "observe") ? 1 : !strcmp(s, "enforce") ? 2 : 0;
        return l->mode;
}

/* "weight, quota,freeze": the steps that are allowed; "" or "none" allows none. */
static bool read_steps(struct labels *l, const char *s)
{
        char word[16];

        l->has_steps = true;
        if (!*s || !strcmp(s, "none"))
                return true;
        for (;;) {
                s += strspn(s, " ");
                size_t n = strcspn(s, ", ");
                enum action_kind kind =
                        text_copy(word, sizeof word, s, n) ? action_kind_find(word) : ACTION_NONE;
                if (!kind)
                        return false;
                l->steps |= (uint16_t)(1u << kind);
                s += n + strspn(s + n, " ");
                if (!*s)
                        return true;
                if (*s++ != ',')
                        return false;
        }
}

/* "3/1h" */
static bool read_budget(struct labels *l, const char *s)
{
        uint64_t n;
        double window;

        if (!text_u64(&s, &n) || *s++ != '/' || !n || n >= BOARD_RECENT)
                return false;
        if (!quantity_read(s, quantity_durations, &window) || !(window >= 1) ||
                window > (double)(LABEL_WINDOW_MAX / NSEC_PER_SEC))
                return false;
        l->restarts = (uint32_t)n;
        l->restarts_window_ns = (uint64_t)(window * 1e9);
        return true;
}

static bool read_cpu(struct labels *l, const char *s)
{
        double cores;

        if (!quantity_number(&s, &cores) || *s || cores < 0.01 || cores > 4096)
                return false;
        l->cpu_max_millicores = (uint64_t)lround(cores * 1000);
        return true;
}

static bool read_memory(struct labels *l, const char *s)
{
        double bytes;

        if (!quantity_read(s, quantity_sizes, &bytes) || bytes < 1 << 20 || bytes > 1e15)
                return false;
        l->memory_max_bytes = (uint64_t)bytes;
        return true;
}

void labels_read(struct labels *ret, const char *(*get)(const void *ctx, const char *name), const void *ctx)
{
        static const struct {
                const char *name;
                enum label_bad bad;
                bool (*read)(struct labels *l, const char *s);
        } rows[] = {
                {"sexton.mode", LABEL_BAD_MODE, read_mode},
                {"sexton.ladder", LABEL_BAD_LADDER, read_steps},
                {"sexton.restart-budget", LABEL_BAD_BUDGET, read_budget},
                {"sexton.cpu-max", LABEL_BAD_CPU, read_cpu},
                {"sexton.memory-max", LABEL_BAD_MEMORY, read_memory},
        };
        struct labels l = {.bury = labels_on(get(ctx, "sexton.bury"))};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *text = get(ctx, rows[i].name);
                if (text && !rows[i].read(&l, text))
                        l.bad |= (uint8_t)rows[i].bad;
        }
        *ret = l;
}
