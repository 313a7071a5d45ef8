/* The breaker: when the load says that the host is being lost, it opens, whatever the findings are, and the
 * top contributor is slowed, frozen, stopped. It closes by itself after calm; each time it has opened within
 * the last hour doubles the calm it wants, so that it never flaps.
 */
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <math.h>
#include <stdio.h>

#define HOUR_NS   (3600 * NSEC_PER_SEC)
#define FORCED_NS (600 * NSEC_PER_SEC) /* a person's word on it holds for so long */
enum { DOUBLED = 4 };

static uint32_t opened_lately(const struct ladder *l, uint64_t now_ns)
{
        uint32_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(l->breaker_opened_ns); i++)
                n += l->breaker_opened_ns[i] && now_ns - l->breaker_opened_ns[i] < HOUR_NS;
        return n;
}

static void open_it(struct ladder *l, const char *why, uint64_t now_ns)
{
        struct breaker *b = &l->breaker;

        l->breaker_opened_ns[b->opened++ % ARRAY_SIZE(l->breaker_opened_ns)] = now_ns;
        b->open = true;
        b->changed_ns = now_ns;
        b->service = 0;
        l->breaker_calm_ns = 0;
        snprintf(b->text, sizeof b->text, "%s", why);
        char text[120];
        snprintf(text, sizeof text, "the breaker opens: %.95s", why);
        l->ops.tell(l->ops.ctx, 0, text, now_ns);
}

static void close_it(struct ladder *l, const char *why, uint64_t now_ns)
{
        struct breaker *b = &l->breaker;
        char text[120];

        b->open = false;
        b->changed_ns = now_ns;
        b->service = 0;
        l->breaker_since_ns = 0;
        snprintf(b->text, sizeof b->text, "%s", why);
        snprintf(text, sizeof text, "the breaker closes: %.95s", why);
        l->ops.tell(l->ops.ctx, 0, text, now_ns);
}

static void watch_closed(struct ladder *l, uint64_t now_ns)
{
        const struct host *h = &l->board->host;
        char why[160];

        if (!view_above(h->load1 / MAX(h->cpus, 1u), l->cfg.breaker_load_per_core) ||
                !load_strained(l, l->cfg.breaker_psi)) {
                l->breaker_since_ns = 0;
                return;
        }
        if (!l->breaker_since_ns || l->breaker_since_ns > now_ns)
                l->breaker_since_ns = now_ns;
        if (now_ns - l->breaker_since_ns < (uint64_t)(l->cfg.breaker_for * 1e9))
                return;
        if (isnan(load_pressure(h)))
                snprintf(why, sizeof why, "load %.1f on %u cores", h->load1, h->cpus);
        else
                snprintf(why, sizeof why, "load %.1f on %u cores, pressure %.0f %%", h->load1, h->cpus,
                        load_pressure(h) * 100);
        open_it(l, why, now_ns);
}

static void watch_open(struct ladder *l, uint64_t now_ns)
{
        uint64_t calm = (uint64_t)(l->cfg.breaker_calm * 1e9)
                        << MIN(MAX(opened_lately(l, now_ns), 1u) - 1, (uint32_t)DOUBLED);
        const struct host *h = &l->board->host;

        /* Half of what opened it: between the two it stays as it is. */
        if (load_strained(l, l->cfg.breaker_psi / 2) ||
                view_above(l->running / MAX(h->cpus, 1u), fmax(l->cfg.breaker_load_per_core, 1))) {
                l->breaker_calm_ns = 0;
                return;
        }
        if (!l->breaker_calm_ns || l->breaker_calm_ns > now_ns)
                l->breaker_calm_ns = now_ns;
        if (now_ns - l->breaker_calm_ns >= calm)
                close_it(l, "the host has been calm", now_ns);
}

static void act(struct ladder *l, uint64_t now_ns)
{
        uint16_t who = load_culprit(l, now_ns);

        struct ladder_case *c = who ? case_of(l, who) : NULL;

        if (c)
                case_join_breaker(l, c);
        else if (who)
                c = case_open(l, RULE_breaker, who, 0, now_ns);
        if (c)
                l->breaker.service = who;
}

void breaker_look(struct ladder *l, uint64_t now_ns)
{
        struct breaker *b = &l->breaker;

        if (b->forced >= 0 && (now_ns - b->forced_ns >= FORCED_NS || now_ns < b->forced_ns))
                ladder_breaker_force(l, -1, now_ns);
        if (b->forced < 0 && !b->open && l->cfg.breaker_enabled != 0)
                watch_closed(l, now_ns);
        else if (b->forced < 0 && b->open)
                watch_open(l, now_ns);
        if (b->open)
                act(l, now_ns);
}

void ladder_breaker_force(struct ladder *l, int value, uint64_t now_ns)
{
        l->breaker.forced = (int8_t)(value > 0 ? 1 : value < 0 ? -1 : 0);
        l->breaker.forced_ns = now_ns;
        l->breaker_calm_ns = 0;
        if (value > 0 && !l->breaker.open)
                open_it(l, "a person has opened it", now_ns);
        if (value != 0)
                return;
        if (l->breaker.open)
                close_it(l, "a person has closed it", now_ns);
        for (uint32_t i = 0; i < LADDER_CASES; i++)
                if (l->cases[i].used && l->cases[i].rule == RULE_breaker)
                        case_end(l, &l->cases[i], "a person has closed the breaker", now_ns);
}
