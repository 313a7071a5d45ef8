/* Whose is a finding? A service's own belong to it. The host's belong to the service that has most of that
 * harm; to nobody while none has. A health check that times out while another service eats the host is that
 * one's consequence. What only becomes clear later is moved then, once it has looked so for a while.
 */
#include "incident/book_state.h"

#include "base/text.h"
#include "world/view.h"

#include <math.h>
#include <string.h>

#define DOMINATES 0.5  /* share of one kind of harm, or of all, that makes it a service's */
#define INNOCENT  0.1  /* whose share is less is a victim */
#define CONVINCED 15.0 /* s that it must look so before an incident is moved */

/* ---- harm ---- */

/* The kind of harm that a finding about the host tells of; HARM_KINDS: one that no service can be charged
 * with. */
enum harm_kind assign_harm(const char *detector)
{
        static const struct {
                const char *detector;
                enum harm_kind kind;
        } kinds[] = {{"saturation", HARM_LOAD}, {"memory", HARM_MEMORY}, {"oom", HARM_MEMORY},
                {"pids", HARM_PIDS}};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (!strcmp(detector, kinds[i].detector))
                        return kinds[i].kind;
        return HARM_KINDS;
}

/* The service that has most of a harm that is one now, and is not cleared by its share of all; 0: none. */
static uint16_t dominates(const struct look *l, enum harm_kind kind)
{
        return harm_dominant(l->b, &l->harm, kind, DOMINATES, BOOK_GUILTY, l->now_ns);
}

static bool host_suffers(const struct look *l)
{
        return l->harm.weight[HARM_LOAD] > 0 || l->harm.weight[HARM_CPU] > 0 ||
               l->harm.weight[HARM_MEMORY] > 0;
}

/* The open incident of the service that is eating the host while `victim` does next to nothing. */
static struct incident *culprit_of(const struct look *l, const char *victim)
{
        uint16_t v = book_service(l, victim);

        if (!v || !host_suffers(l) || harm_score(l->b, &l->harm, v, l->now_ns) >= INNOCENT)
                return NULL;
        for (uint32_t i = 0; i < l->book->opens; i++) {
                struct incident *n = l->book->open[i];
                uint16_t s = n->owner[0] && strcmp(n->owner, victim) != 0 ? book_service(l, n->owner) : 0;

                if (s && book_has_open(n, true) && harm_score(l->b, &l->harm, s, l->now_ns) >= DOMINATES)
                        return n;
        }
        return NULL;
}

/* Only time-outs may be somebody else's doing: of a check that answers, the answer is its own. */
static bool may_be_consequence(const struct look *l, const struct finding *f)
{
        uint16_t s = book_service(l, f->service_name);

        return !strcmp(f->detector, "health_check") && s &&
               view_recent(&view_service(l->b, s)->probe_timeouts, l->now_ns, 600) > 0;
}

/* ---- a new finding ---- */

struct incident *assign_finding(struct look *l, const struct finding *f, bool *ret_consequence)
{
        char owner[BOARD_NAME];
        bool disk = false;

        *ret_consequence = false;
        incident_text(owner, sizeof owner, f->service_name, sizeof f->service_name);
        if (!owner[0]) {
                uint16_t s = dominates(l, assign_harm(f->detector));

                disk = !strcmp(f->detector, "disk");
                if (s)
                        incident_text(owner, sizeof owner, view_service_name(l->b, s), BOARD_NAME);
        }
        struct incident *n = book_find_open(l->book, owner, disk);
        if (n)
                return n;
        if (f->service_name[0] && may_be_consequence(l, f) && (n = culprit_of(l, owner))) {
                *ret_consequence = true;
                return n;
        }
        n = book_reopen(l, owner, disk);
        return n ? n : book_open(l, owner, disk);
}

/* ---- second thoughts ---- */

static bool convinced(const struct look *l, struct incident *n, const char *candidate)
{
        if (strcmp(n->candidate, candidate) != 0) {
                text_set(n->candidate, sizeof n->candidate, candidate);
                n->candidate_for = 0;
                return false;
        }
        n->candidate_for += l->passed;
        return candidate[0] && n->candidate_for >= CONVINCED;
}

/* Where a finding of a merged incident goes: in place of one that is over, or that a restart has made
 * unknown. */
static struct incident_finding *place_for(struct incident *into, const struct finding *f)
{
        for (uint32_t i = 0; i < into->findings; i++) {
                struct incident_finding *e = &into->finding[i];
                if ((!e->bound || !e->is.open) && incident_same_finding(&e->is, f))
                        return e;
        }
        return incident_add_finding(into);
}

static void merge(struct look *l, struct incident *from, struct incident *into, bool consequence)
{
        for (uint32_t i = 0; i < from->findings; i++) {
                struct incident_finding *f = place_for(into, &from->finding[i].is);

                if (!f)
                        break; /* it stays where it is, and is found again by the next look */
                *f = from->finding[i];
                f->consequence = f->consequence || consequence;
                from->finding[i].bound = from->finding[i].is.open = false;
        }
        incident_say(into, l->unix_ns, "merged", from->owner, "incident %llu belongs here%s: %s",
                (unsigned long long)from->id, consequence ? ", as a consequence" : "", from->title);
        incident_say(from, l->unix_ns, "merged", into->owner, "belongs to incident %llu: %s",
                (unsigned long long)into->id, into->title);
        from->merged_into = into->id;
        into->dirty = into->urgent = true;
}

/* An incident about the host alone follows whoever has most of the harm. */
static void follow_culprit(struct look *l, struct incident *n)
{
        char name[BOARD_NAME] = "";

        for (uint32_t i = 0; i < n->findings; i++) {
                const struct finding *f = &n->finding[i].is;

                if (!f->open)
                        continue;
                if (f->service_name[0])
                        return;
                uint16_t s = name[0] ? 0 : dominates(l, assign_harm(f->detector));
                if (s)
                        incident_text(name, sizeof name, view_service_name(l->b, s), BOARD_NAME);
        }
        if (!strcmp(name, n->owner) || !convinced(l, n, name))
                return;
        struct incident *theirs = book_find_open(l->book, name, false);
        if (theirs) {
                merge(l, n, theirs, false);
                return;
        }
        incident_say(n, l->unix_ns, "suspect", name, "%s has most of it now", name);
        text_set(n->owner, sizeof n->owner, name);
        n->named = false;
        n->rank = (struct incident_rank){0}; /* what was said of nobody's trouble gives way */
        free(TAKE_PTR(n->worst));
        explain_normal(l, n);
        explain_before(l, n, book_service(l, name));
        n->dirty = n->urgent = true;
}

static void follow_harm(struct look *l, struct incident *n)
{
        for (uint32_t i = 0; i < n->findings; i++)
                if (n->finding[i].is.open &&
                        (n->finding[i].consequence || !may_be_consequence(l, &n->finding[i].is)))
                        return;
        struct incident *culprit = n->owner[0] ? culprit_of(l, n->owner) : NULL;
        if (convinced(l, n, culprit ? culprit->owner : "") && culprit)
                merge(l, n, culprit, true);
}

/* One that a store gave back late, and one that was opened meanwhile: the older number goes on. */
static void join_twins(struct look *l)
{
        for (uint32_t i = 0; i < l->book->opens; i++)
                for (uint32_t k = 0; k < l->book->opens; k++) {
                        struct incident *n = l->book->open[i], *older = l->book->open[k];
                        if (older->id < n->id && !n->merged_into && !older->merged_into && n->open &&
                                older->open && n->disk == older->disk && !strcmp(n->owner, older->owner))
                                merge(l, n, older, false);
                }
}

void assign_again(struct look *l)
{
        join_twins(l);
        for (uint32_t i = 0; i < l->book->opens; i++) {
                struct incident *n = l->book->open[i];
                bool hosts = false;

                if (n->disk || !book_has_open(n, false) || n->merged_into)
                        continue;
                for (uint32_t k = 0; k < n->findings; k++)
                        hosts |= n->finding[k].is.open && !n->finding[k].is.service_name[0];
                if (hosts)
                        follow_culprit(l, n);
                else
                        follow_harm(l, n);
        }
}
