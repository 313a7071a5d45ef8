/* A case: one trouble, one culprit, steps upwards while there is trouble and downwards when there is none. */
#include "base/text.h"
#include "base/util.h"
#include "ladder/internal.h"
#include "world/view.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRESH_NS   (3 * NSEC_PER_SEC)   /* a finding that was not stated for so long doesn't hold now */
#define BLOCKED_NS (600 * NSEC_PER_SEC) /* what could not be touched isn't tried again for so long */
#define BETTER     0.75                 /* a number that fell below this share of what it was */
#define DOUBLED    3                    /* times that calm is doubled at most */

struct ladder_memory *case_memory(struct ladder *l, uint16_t service)
{
        struct ladder_memory *m = &l->memory[service < BOARD_SERVICES ? service : 0];
        uint32_t hash = text_hash(view_service_name(l->board, service));

        if (m->name_hash != hash) {
                *m = (struct ladder_memory){.name_hash = hash};
                recall_service(l, service, m);
        }
        return m;
}

struct ladder_case *case_of(struct ladder *l, uint16_t service)
{
        uint32_t hash = text_hash(view_service_name(l->board, service));

        for (uint32_t i = 0; i < LADDER_CASES; i++)
                if (l->cases[i].used && l->cases[i].service == service && l->cases[i].name_hash == hash)
                        return &l->cases[i];
        return NULL;
}

static bool is_load(uint8_t rule)
{
        return rule == RULE_saturation || rule == RULE_breaker;
}

static bool observes(const struct ladder *l, enum ladder_rule rule, uint16_t service)
{
        return plan_observes(l, service) && !(rule == RULE_breaker && l->breaker.forced > 0);
}

/* Does an action of a person's stand on it? Then the ladder adds none. */
static bool has_hand_on(const struct ladder *l, uint16_t service)
{
        const char *name = view_service_name(l->board, service);

        for (uint32_t i = 0; i < MIN(l->board->action_top, (uint32_t)BOARD_ACTIONS); i++) {
                const struct action *a = &l->board->action[i];
                if (action_stands(a) && strcmp(a->service_name, name) == 0 && !recall_is_ours(a))
                        return true;
        }
        return false;
}

/* Where a plan begins: with the step that helped when it is a relapse, and behind it after too many. */
static uint8_t first_step(
        const struct ladder *l, const struct ladder_plan *p, const struct ladder_memory *m, bool relapse)
{
        for (uint8_t k = 0; relapse && k < p->count; k++)
                if (p->kind[k] == m->helped)
                        return m->relapses > l->cfg.acting_relapses && k + 1 < p->count ? (uint8_t)(k + 1)
                                                                                        : k;
        return 0;
}

struct ladder_case *case_open(
        struct ladder *l, enum ladder_rule rule, uint16_t service, uint32_t finding, uint64_t now_ns)
{
        struct ladder_memory *m = case_memory(l, service);
        struct ladder_plan p = plan_for(l, rule, service);

        if (!p.count || !plan_may(l, service) || now_ns < m->respect_ns || now_ns < m->blocked_ns ||
                has_hand_on(l, service))
                return NULL;
        for (uint32_t i = 0; i < LADDER_CASES; i++) {
                struct ladder_case *c = &l->cases[i];
                if (c->used)
                        continue;
                *c = (struct ladder_case){.used = true,
                        .observing = observes(l, rule, service),
                        .rule = (uint8_t)rule,
                        .service = service,
                        .name_hash = m->name_hash,
                        .finding = finding,
                        .plan = p,
                        .began_ns = now_ns,
                        .troubled_ns = now_ns,
                        .restarts = restarts_of(view_service(l->board, service)),
                        .restarts_seen = restarts_of(view_service(l->board, service))};
                bool relapse = m->ended_ns && view_age(m->ended_ns, now_ns) < l->cfg.acting_relapse;
                if (!relapse)
                        m->relapses = m->helped = m->holds = 0;
                else if (m->relapses < UINT8_MAX)
                        m->relapses++;
                c->next = first_step(l, &c->plan, m, relapse);
                return c;
        }
        return NULL; /* all are in use: this trouble waits for its turn */
}

static const struct action *row_of(const struct ladder *l, uint32_t id)
{
        for (uint32_t i = 0; i < MIN(l->board->action_top, (uint32_t)BOARD_ACTIONS); i++)
                if (l->board->action[i].id == id && l->board->action[i].state != ACTION_FREE)
                        return &l->board->action[i];
        return NULL;
}

/* The first step of a plan that is at least as strong. */
static uint8_t place_of(const struct ladder_plan *p, uint8_t kind)
{
        uint8_t k = 0;

        while (k < p->count && p->kind[k] < kind)
                k++;
        return k;
}

/* The highest step stands no more. */
static void drop_step(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        struct ladder_step *s = &c->step[--c->standing];

        case_memory(l, c->service)->ended_ns = now_ns;
        c->next = s->at;
}

void case_join_breaker(struct ladder *l, struct ladder_case *c)
{
        struct ladder_plan p = plan_for(l, RULE_breaker, c->service);

        if (c->rule != RULE_saturation || !p.count)
                return;
        c->rule = RULE_breaker;
        c->plan = p;
        for (uint32_t i = 0; i < c->standing; i++)
                c->step[i].at = place_of(&p, c->step[i].kind);
        c->next = c->standing ? place_of(&p, (uint8_t)(c->step[c->standing - 1].kind + 1)) : 0;
}

void case_end(struct ladder *l, struct ladder_case *c, const char *why, uint64_t now_ns)
{
        while (c->standing) {
                struct ladder_step *s = &c->step[c->standing - 1];
                if (s->kind == ACTION_QUARANTINE)
                        case_memory(l, c->service)->ours_ns = now_ns + OURS_NS;
                if (!c->observing)
                        l->ops.undo(l->ops.ctx, s->id, why, now_ns);
                drop_step(l, c, now_ns);
        }
        *c = (struct ladder_case){};
}

/* ---- a person's word ---- */

/* Why the case is over by what people did to the service since; NULL = it isn't. */
static const char *overruled(struct ladder *l, struct ladder_case *c)
{
        const struct service *s = view_service(l->board, c->service);
        const struct ladder_memory *m = case_memory(l, c->service);

        if (s->deployed_ns > c->began_ns)
                return "it was deployed anew";
        if (s->person_ns <= c->began_ns || s->person_ns < m->ours_ns)
                return s->state == CONTAINER_PAUSED ? "a person has paused it" : NULL;
        switch ((enum person_act)s->person_act) {
        case PERSON_STOP:
                return "a person has stopped it";
        case PERSON_START:
                return "a person has started it again";
        case PERSON_PAUSE:
                return "a person has paused it";
        case PERSON_UNPAUSE:
                return "a person has unpaused it";
        case PERSON_UPDATE:
                return "a person has changed its limits";
        case PERSON_NONE:
        default:
                return NULL;
        }
}

static bool ends_by_person(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        const struct service *s = view_service(l->board, c->service);
        struct ladder_memory *m = case_memory(l, c->service);
        const char *why = overruled(l, c);

        if (!why)
                return false;
        if (s->deployed_ns > c->began_ns)
                *m = (struct ladder_memory){.name_hash = m->name_hash, .respect_ns = m->respect_ns};
        else if (c->standing && !c->observing &&
                 (s->person_act == PERSON_UNPAUSE || s->person_act == PERSON_UPDATE))
                m->respect_ns = now_ns + (uint64_t)(l->cfg.acting_respect * 1e9);
        m->budget_from_ns = now_ns;
        m->holds = 0;
        case_end(l, c, why, now_ns);
        return true;
}

void ladder_released(struct ladder *l, uint16_t service, uint64_t now_ns)
{
        struct ladder_memory *m = case_memory(l, service);
        struct ladder_case *c = case_of(l, service);

        m->respect_ns = now_ns + (uint64_t)(l->cfg.acting_respect * 1e9);
        m->budget_from_ns = now_ns;
        m->holds = 0;
        m->ours_ns = now_ns + OURS_NS; /* a quarantine that is taken back is started by us */
        if (c)
                *c = (struct ladder_case){};
}

/* ---- following, judging ---- */

void case_judge(
        struct ladder *l, struct ladder_case *c, struct ladder_step *s, bool troubled, uint64_t now_ns)
{
        double after[ACTION_MEASURES];

        if (s->judged || c->observing)
                return;
        s->judged = true;
        measure_take(l, (enum ladder_rule)c->rule, c->service, c->finding, now_ns, after, NULL);
        for (uint32_t i = 0; i < ACTION_MEASURES; i++)
                s->measure[i].after = after[i];
        bool better = isless(after[0], s->measure[0].before * BETTER);
        enum action_help helped = !troubled || better ? ACTION_HELPED : ACTION_HELPED_NOT;
        if (helped == ACTION_HELPED)
                case_memory(l, c->service)->helped = s->kind;
        l->ops.judge(l->ops.ctx, s->id, s->measure, helped);
}

/* Is there trouble of its kind right now? */
static bool is_troubled(const struct ladder *l, const struct ladder_case *c, uint64_t now_ns)
{
        if (c->rule == RULE_breaker)
                return l->breaker.forced > 0 || (l->breaker.open && load_strained(l, l->cfg.breaker_psi / 2));
        if (c->rule == RULE_saturation)
                return load_strained(l, l->detect.saturation_psi);
        if (c->rule == RULE_restart_loop)
                return false; /* a hold has no trouble while it lasts */
        for (uint32_t i = 1; i < view_findings(l->board); i++) {
                const struct finding *f = &l->board->finding[i];
                if (f->id == c->finding && c->finding)
                        return f->open && now_ns < f->updated_ns + FRESH_NS;
        }
        return false;
}

/* Done and over: what it did can't be taken back. */
static bool is_done_once(uint8_t kind)
{
        return kind == ACTION_STOP || kind == ACTION_RESTART || kind == ACTION_BURY;
}

/* New zombies come; who freezes or stops in vain does not. */
static bool may_be_repeated(const struct ladder_step *s)
{
        return s->judged && (s->kind == ACTION_RESTART || s->kind == ACTION_BURY);
}

bool case_follow(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        const struct service *s = view_service(l->board, c->service);

        if (!view_service_used(l->board, c->service) || text_hash(s->name) != c->name_hash) {
                while (c->standing) /* its entry was given to another: what stood is undone by its time */
                        if (c->standing-- && !c->observing)
                                l->ops.undo(
                                        l->ops.ctx, c->step[c->standing].id, "the service is gone", now_ns);
                *c = (struct ladder_case){};
                return false;
        }
        if (ends_by_person(l, c, now_ns))
                return false;
        if (c->observing != observes(l, (enum ladder_rule)c->rule, c->service) || !plan_may(l, c->service)) {
                case_end(l, c, "the configuration says so", now_ns);
                return false;
        }
        while (c->standing && !c->observing) {
                struct ladder_step *top = &c->step[c->standing - 1];
                const struct action *row = row_of(l, top->id);
                uint8_t state = row ? row->state : ACTION_UNDONE;

                if (state == ACTION_ASKED || state == ACTION_ACTIVE ||
                        (state == ACTION_DONE && is_done_once(top->kind) && !may_be_repeated(top)))
                        break;
                bool failed = state == ACTION_FAILED || state == ACTION_REFUSED;
                if (!failed)
                        case_judge(l, c, top, is_troubled(l, c, now_ns), now_ns);
                drop_step(l, c, now_ns);
                if (failed && top->kind != ACTION_HOLD) /* its container may have died just then */
                        c->next++;
                else
                        c->calm_ns = c->calm_ns ? now_ns : 0;
        }
        return true;
}

/* ---- raising ---- */

static bool rate_allows(const struct ladder *l, uint64_t now_ns)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < MIN(l->taken, (uint32_t)LADDER_TAKEN); i++)
                n += now_ns - l->taken_ns[i] < 60 * NSEC_PER_SEC;
        return n < (uint32_t)l->per_minute;
}

static void note_taken(
        struct ladder *l, struct ladder_case *c, const struct ladder_order *o, uint32_t id, uint64_t now_ns)
{
        struct ladder_memory *m = case_memory(l, c->service);
        struct ladder_step *s = &c->step[c->standing++];

        if (m->ended_ns && m->ended_ns >= c->began_ns && m->relapses < UINT8_MAX)
                m->relapses++; /* it stood in this case already */
        *s = (struct ladder_step){.at = c->next, .kind = (uint8_t)o->kind, .id = id, .taken_ns = now_ns};
        memcpy(s->measure, o->measure, sizeof s->measure);
        l->taken_ns[l->taken++ % LADDER_TAKEN] = now_ns;
        c->next++;
        c->calm_ns = 0;
        if (o->kind == ACTION_STOP || o->kind == ACTION_RESTART || o->kind == ACTION_QUARANTINE)
                m->ours_ns = now_ns + OURS_NS;
        if (o->kind == ACTION_RESTART)
                m->restarted_ns = now_ns;
}

/* Nothing of it lives now, or its group went while we looked: a container between two restarts. Who held the
 * dead is gone for good. */
static bool is_about_the_moment(const struct ladder_order *o, int error)
{
        return o->kind != ACTION_BURY && (error == -ESRCH || error == -ENOENT || error == -ESTALE);
}

bool case_raise(struct ladder *l, struct ladder_case *c, uint64_t ttl_ns, const char *reason, uint64_t now_ns)
{
        struct ladder_memory *m = case_memory(l, c->service);
        struct ladder_order o = {.kind = c->plan.kind[c->next],
                .service = c->service,
                .would = c->observing,
                .finding = c->finding,
                .who = c->rule == RULE_breaker        ? "breaker"
                       : c->rule == RULE_restart_loop ? "budget"
                                                      : "ladder"};
        double before[ACTION_MEASURES];
        uint32_t id;

        if (!rate_allows(l, now_ns)) {
                c->excused = true;
                return false;
        }
        o.value = plan_value(l, o.kind, c->service);
        o.ttl_ns = ttl_ns ? ttl_ns : plan_ttl_ns(l, o.kind, m->relapses);
        text_set(o.reason, sizeof o.reason, reason);
        measure_take(l, (enum ladder_rule)c->rule, c->service, c->finding, now_ns, before, o.measure);
        int r = l->ops.take(l->ops.ctx, &o, now_ns, &id);
        if (!r) {
                note_taken(l, c, &o, id, now_ns);
                return true;
        }
        c->excused |= r == -EAGAIN;
        if (r == -EAGAIN || is_about_the_moment(&o, r))
                return false;
        if (r == -EPERM || r == -EALREADY) { /* not to be touched; or somebody has his hand on it */
                m->blocked_ns = now_ns + BLOCKED_NS;
                case_end(l, c, "it must not be touched", now_ns);
                return false;
        }
        c->next++;
        return false;
}

/* "saturation: Load 9 on 2 cores...; it has most of it; quota didn't help: ..." */
static void explain(const struct ladder *l, const struct ladder_case *c, char *buf, size_t size)
{
        const struct ladder_step *s = c->standing ? &c->step[c->standing - 1] : NULL;
        const char *text = "";
        size_t n = 0;

        for (uint32_t i = 1; i < view_findings(l->board); i++)
                if (c->finding && l->board->finding[i].id == c->finding)
                        text = l->board->finding[i].text;
        if (c->rule == RULE_breaker)
                text = l->breaker.text;
        if (s && c->observing)
                n = (size_t)snprintf(buf, size, "if %s had not helped; ", action_kind_name(s->kind));
        else if (s)
                n = (size_t)snprintf(buf, size, "%s didn't help (%s %.3g, then %.3g); ",
                        action_kind_name(s->kind), s->measure[0].name, s->measure[0].before,
                        s->measure[0].after);
        if (n < size)
                snprintf(buf + n, size - n, "%s: %s", ladder_rule_names[c->rule], text);
}

/* A service is only stopped when freezing it was not enough: again and again, or because what it holds
 * (memory, pids) stays held while it is frozen. */
static bool may_stop(const struct ladder *l, const struct ladder_case *c, const struct ladder_memory *m)
{
        return !is_load(c->rule) || !c->standing || c->step[c->standing - 1].kind != ACTION_FREEZE ||
               m->relapses > (uint32_t)l->cfg.acting_relapses;
}

static bool may_raise(const struct ladder *l, const struct ladder_case *c, uint64_t now_ns)
{
        const struct ladder_memory *m = &l->memory[c->service];
        enum action_kind kind;

        if (c->next >= c->plan.count)
                return false;
        kind = (enum action_kind)c->plan.kind[c->next];
        if (kind == ACTION_RESTART && m->restarted_ns &&
                view_age(m->restarted_ns, now_ns) < l->cfg.steps_restart_every)
                return false;
        if (kind == ACTION_RESTART && c->rule == RULE_zombie_leak && !zombies_exhaust(l, c->service, now_ns))
                return false;
        return kind != ACTION_STOP || may_stop(l, c, m);
}

/* The trouble is the host's: does this one still have most of it? */
static bool is_culprit(const struct ladder *l, const struct ladder_case *c, uint64_t now_ns)
{
        if (is_load(c->rule))
                return l->suspect == c->service;
        if (c->rule == RULE_memory || c->rule == RULE_pids)
                return harm_culprit(l, (enum ladder_rule)c->rule, now_ns) == c->service;
        return true;
}

static uint64_t calm_needed(const struct ladder *l, const struct ladder_case *c)
{
        double calm = c->rule == RULE_breaker ? l->cfg.breaker_calm : l->cfg.acting_calm;

        return (uint64_t)(calm * 1e9) << MIN(l->memory[c->service].relapses, (uint8_t)DOUBLED);
}

static void calm_down(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        if (!c->calm_ns || c->calm_ns > now_ns)
                c->calm_ns = now_ns;
        if (now_ns - c->calm_ns < calm_needed(l, c))
                return;
        if (!c->standing) {
                *c = (struct ladder_case){};
                return;
        }
        struct ladder_step *s = &c->step[c->standing - 1];
        case_judge(l, c, s, false, now_ns);
        if (!c->observing && !is_done_once(s->kind))
                l->ops.undo(l->ops.ctx, s->id, "the trouble is over", now_ns);
        drop_step(l, c, now_ns);
        c->calm_ns = now_ns;
}

/* What helped, but had to be taken again and again, is followed by the next step. */
static void pass_over_vain(const struct ladder *l, struct ladder_case *c)
{
        const struct ladder_memory *m = &l->memory[c->service];

        if (m->ended_ns >= c->began_ns && m->relapses > l->cfg.acting_relapses &&
                c->next + 1 < c->plan.count && c->plan.kind[c->next] == m->helped)
                c->next++;
}

void case_look(struct ladder *l, struct ladder_case *c, uint64_t now_ns)
{
        struct ladder_step *top = c->standing ? &c->step[c->standing - 1] : NULL;
        bool troubled = is_troubled(l, c, now_ns);
        bool held = !top || now_ns >= top->taken_ns + plan_hold_ns(l, (enum action_kind)top->kind);
        char reason[200];

        if (top && held)
                case_judge(l, c, top, troubled, now_ns);
        if (!troubled && c->rule == RULE_breaker && l->breaker.open) {
                c->calm_ns = c->calm_ns ? c->calm_ns : now_ns; /* taken back when it closes */
                return;
        }
        if (!troubled) {
                calm_down(l, c, now_ns);
                return;
        }
        c->calm_ns = 0;
        if (is_culprit(l, c, now_ns))
                c->troubled_ns = now_ns;
        else if (!c->standing && now_ns > c->troubled_ns + FRESH_NS)
                *c = (struct ladder_case){};
        pass_over_vain(l, c);
        if (c->troubled_ns != now_ns || !held || !may_raise(l, c, now_ns))
                return;
        explain(l, c, reason, sizeof reason);
        case_raise(l, c, 0, reason, now_ns);
}
