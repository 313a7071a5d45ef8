/* What was done about an incident: actions of the board that belong to it, from when they are taken until
 * they have ended, also when that is after the incident. See incident.h and book.h.
 */
#include "incident/book_state.h"

#include "base/text.h"
#include "world/view.h"

#include <stdlib.h>
#include <string.h>

/* The number begins anew with the host, and wall time may be set: the same within this. */
#define SAME_NS (600 * (int64_t)NSEC_PER_SEC)

/* ---- one incident's ---- */

static struct action *known(struct incident *n, const struct action *a, int64_t taken_unix_ns)
{
        for (uint32_t i = 0; i < n->actions; i++) {
                int64_t apart = (int64_t)n->action[i].taken_ns - taken_unix_ns;
                if (n->action[i].id == a->id && n->action[i].kind == a->kind && apart < SAME_NS &&
                        apart > -SAME_NS)
                        return &n->action[i];
        }
        return NULL;
}

/* A place for one more: when there are too many, that of the oldest that has ended. */
static struct action *place(struct incident *n)
{
        uint32_t oldest = INCIDENT_ACTIONS;

        if (n->actions < INCIDENT_ACTIONS) {
                struct action *p = reallocarray(n->action, n->actions + 1, sizeof *p);
                if (p)
                        n->action = p;
                return p ? &p[n->actions++] : NULL;
        }
        for (uint32_t i = n->actions; i > 0; i--)
                if (!action_stands(&n->action[i - 1]))
                        oldest = i - 1;
        n->actions_left_out++;
        if (oldest == INCIDENT_ACTIONS)
                return NULL;
        memmove(&n->action[oldest], &n->action[oldest + 1], (n->actions - oldest - 1) * sizeof *n->action);
        return &n->action[n->actions - 1];
}

void incident_add_action(struct incident *n, const struct action *a)
{
        struct action *to = place(n);

        if (to)
                *to = *a;
}

static int64_t unix_of(uint64_t boot_ns, int64_t wall_offset_ns)
{
        return boot_ns && boot_ns < INT64_MAX / 2 ? MAX((int64_t)boot_ns + wall_offset_ns, INT64_C(1)) : 0;
}

/* As the incident keeps it: printable, in Unix time. */
static void printable(struct action *to, const struct action *a, int64_t wall_offset_ns)
{
        *to = *a;
        to->service = 0;
        to->taken_ns = (uint64_t)unix_of(a->taken_ns, wall_offset_ns);
        to->until_ns = (uint64_t)unix_of(a->until_ns, wall_offset_ns);
        to->ended_ns = (uint64_t)unix_of(a->ended_ns, wall_offset_ns);
        incident_text(to->service_name, sizeof to->service_name, a->service_name, sizeof a->service_name);
        incident_text(to->who, sizeof to->who, a->who, sizeof a->who);
        incident_text(to->reason, sizeof to->reason, a->reason, sizeof a->reason);
        incident_text(to->previous, sizeof to->previous, a->previous, sizeof a->previous);
        incident_text(to->result, sizeof to->result, a->result, sizeof a->result);
}

static bool says_the_same(const struct action *a, const struct action *b)
{
        int64_t longer = (int64_t)a->until_ns - (int64_t)b->until_ns;

        return a->state == b->state && a->helped == b->helped && a->reasserted == b->reasserted &&
               longer < (int64_t)NSEC_PER_SEC && longer > -(int64_t)NSEC_PER_SEC &&
               !strcmp(a->result, b->result);
}

/* True when it is news. */
static bool take(struct incident *n, const struct action *a, int64_t wall_offset_ns)
{
        struct action now;
        struct action *was = known(n, a, unix_of(a->taken_ns, wall_offset_ns));

        printable(&now, a, wall_offset_ns);
        if (!was) {
                incident_add_action(n, &now);
                return true;
        }
        if (says_the_same(was, &now))
                return false;
        now.taken_ns = was->taken_ns;
        *was = now;
        return true;
}

/* ---- which belong to it ---- */

static bool belongs(const struct incident *n, const struct action *a, int64_t taken_unix_ns)
{
        char service[ACTION_SERVICE];

        /* of what gave way some is on the board still */
        for (uint32_t i = 0; n->actions_left_out && i < n->actions; i++)
                if (taken_unix_ns <= (int64_t)n->action[i].taken_ns)
                        return false;
        for (uint32_t i = 0; a->finding && i < n->findings; i++)
                if (n->finding[i].bound && n->finding[i].is.id == a->finding)
                        return true;
        incident_text(service, sizeof service, a->service_name, sizeof a->service_name);
        /* a person's, the breaker's, or about another of its findings */
        return taken_unix_ns >= n->opened_unix_ns &&
               (incident_concerns(n, service) || (n->said.culprit[0] && !strcmp(n->said.culprit, service)));
}

static const struct action *on_board(const struct look *l, const struct action *kept)
{
        struct incident one = {.action = (struct action[]){*kept}, .actions = 1};

        for (uint32_t i = 1; i < MIN(l->b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &l->b->action[i];
                if (a->state != ACTION_FREE && known(&one, a, unix_of(a->taken_ns, l->offset_ns)))
                        return a;
        }
        return NULL;
}

/* What stood and isn't on the board any more ended with the Sexton that had taken it. */
static bool follow(struct look *l, struct incident *n)
{
        bool news = false;

        for (uint32_t i = 0; i < n->actions; i++) {
                struct action *kept = &n->action[i];
                if (!action_stands(kept))
                        continue;
                const struct action *a = on_board(l, kept);
                if (a) {
                        news |= take(n, a, l->offset_ns);
                        continue;
                }
                kept->state = ACTION_UNDONE;
                kept->ended_ns = (uint64_t)l->unix_ns;
                text_set(kept->result, sizeof kept->result, "Sexton ended meanwhile, which undoes it");
                news = true;
        }
        return news;
}

void acts_look(struct look *l, struct incident *n)
{
        bool news = follow(l, n);

        for (uint32_t i = 1; i < MIN(l->b->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &l->b->action[i];
                int64_t taken = unix_of(a->taken_ns, l->offset_ns);
                if (a->state != ACTION_FREE && !known(n, a, taken) && belongs(n, a, taken))
                        news |= take(n, a, l->offset_ns);
        }
        n->dirty |= news;
        n->urgent |= news;
}

bool acts_stand(const struct incident *n)
{
        for (uint32_t i = 0; i < n->actions; i++)
                if (action_stands(&n->action[i]))
                        return true;
        return false;
}

void acts_look_shelved(struct look *l, struct book_shelved *s)
{
        cleanup_incident struct incident *n = NULL;

        if (!s->acting || incident_read(s->json, s->len, &n) < 0)
                return;
        if (follow(l, n))
                book_rewrite(l->book, s, n);
}
