/* What the ladder remembers of a guard before it. What that one did, and what people said to it, stands on
 * the board, and the next one goes on from there: nobody is acted on more often, and no person's word is
 * forgotten, because a guard was killed.
 */
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <string.h>

bool recall_is_ours(const struct action *a)
{
        return !strcmp(a->who, "ladder") || !strcmp(a->who, "breaker") || !strcmp(a->who, "budget");
}

static uint32_t rows(const struct ladder *l)
{
        return MIN(l->board->action_top, (uint32_t)BOARD_ACTIONS);
}

void recall_host(struct ladder *l)
{
        const struct breaker *before = &l->board->breaker;

        l->breaker = *before;
        l->breaker.service = 0; /* of the former world */
        l->breaker.text[sizeof l->breaker.text - 1] = '\0';
        if (!before->forced_ns)
                l->breaker.forced = -1;
        if (before->opened)
                l->breaker_opened_ns[(before->opened - 1) % ARRAY_SIZE(l->breaker_opened_ns)] =
                        before->changed_ns;
        for (uint32_t k = 1; k < rows(l); k++) {
                const struct action *a = &l->board->action[k];
                if (a->state != ACTION_FREE && a->state != ACTION_REFUSED && recall_is_ours(a))
                        l->taken_ns[l->taken++ % LADDER_TAKEN] = a->taken_ns;
        }
}

/* One that was taken, by us, of which something is to be learnt. */
static void recall_action(
        const struct ladder *l, const struct action *a, const struct action **helped, struct ladder_memory *m)
{
        bool ends = a->kind == ACTION_STOP || a->kind == ACTION_RESTART || a->kind == ACTION_QUARANTINE;

        m->ended_ns = MAX(m->ended_ns, action_stands(a) ? a->until_ns : a->ended_ns);
        m->holds = (uint8_t)(m->holds + (a->kind == ACTION_HOLD && m->holds < UINT8_MAX));
        if (ends)
                m->ours_ns = MAX(m->ours_ns, MAX(a->taken_ns, a->ended_ns) + OURS_NS);
        if (a->kind == ACTION_RESTART)
                m->restarted_ns = MAX(m->restarted_ns, a->taken_ns);
        if (a->helped != ACTION_HELPED)
                return;
        m->relapses = (uint8_t)(m->relapses + (*helped && m->relapses < UINT8_MAX));
        if (!*helped || a->taken_ns > (*helped)->taken_ns)
                *helped = a;
}

void recall_service(const struct ladder *l, uint16_t service, struct ladder_memory *m)
{
        const struct service *s = view_service(l->board, service);
        const struct action *helped = NULL;
        uint64_t anew_ns = MAX(s->deployed_ns, s->released_ns);

        for (uint32_t k = 1; k < rows(l); k++) {
                const struct action *a = &l->board->action[k];
                if (recall_is_ours(a) && !strcmp(a->service_name, s->name) && a->taken_ns > anew_ns &&
                        (action_stands(a) || a->state == ACTION_DONE || a->state == ACTION_UNDONE))
                        recall_action(l, a, &helped, m);
        }
        m->helped = helped ? helped->kind : (uint8_t)ACTION_NONE;
        m->budget_from_ns = s->released_ns;
        if (s->person_ns >= m->ours_ns)
                m->budget_from_ns = MAX(m->budget_from_ns, s->person_ns);
        if (s->released_ns)
                m->respect_ns = s->released_ns + (uint64_t)(l->cfg.acting_respect * 1e9);
}
