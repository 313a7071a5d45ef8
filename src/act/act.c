/* Taking, keeping and ending actions: see act.h. */
#include "act/act.h"

#include "act/change.h"
#include "act/kind.h"
#include "act/touch.h"
#include "base/text.h"
#include "base/units.h"
#include "model/names.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REFUSED_AGAIN_NS (600 * NSEC_PER_SEC)

void act_init(struct actor *a, struct world *w, const struct config *c, const struct cgroup_layout *l,
        int proc_fd, struct journal *j, const struct act_ops *ops)
{
        memset(a, 0, sizeof *a);
        a->world = w;
        a->board = w->b;
        a->config = c;
        a->layout = l;
        a->proc_fd = proc_fd;
        a->journal = j;
        a->ops = *ops;
        a->board->action_top = MAX(a->board->action_top, 1u);
}

/* ---- finding ---- */

struct action *act_find(struct actor *a, uint32_t id)
{
        for (uint32_t k = 1; id && k < a->board->action_top; k++)
                if (a->board->action[k].state != ACTION_FREE && a->board->action[k].id == id)
                        return &a->board->action[k];
        return NULL;
}

static struct action *find_standing(const struct actor *a, uint16_t service, uint8_t kind)
{
        const char *name = a->board->service[service].name;

        for (uint32_t k = 1; service && k < a->board->action_top; k++) {
                struct action *row = &a->board->action[k];
                if (action_stands(row) && row->kind == kind && !strcmp(row->service_name, name))
                        return row;
        }
        return NULL;
}

uint32_t act_standing(const struct actor *a, uint16_t service, enum action_kind kind)
{
        const struct action *row = find_standing(a, service, (uint8_t)kind);

        return row ? row->id : 0;
}

/* ---- taking ---- */

static bool too_many(const struct actor *a, uint64_t now_ns)
{
        uint32_t n = 0;

        for (uint32_t k = 0; k < ACT_RATE; k++)
                n += a->taken[k] && now_ns - MIN(a->taken[k], now_ns) < 60 * NSEC_PER_SEC;
        return n >= a->config->actions.max_per_minute;
}

static int check_order(struct actor *a, const struct act_order *o, uint64_t now_ns, struct error *e)
{
        const char *name = action_kind_name(o->kind);

        if (!act_kind(o->kind))
                return error_set(e, -ENOTSUP, "%s can't be done here", name ? name : "this");
        /* who asks may have been born, or have moved into another group, a moment ago */
        if (o->asker_pid && a->ops.learn)
                a->ops.learn(a->ops.ctx, o->asker_pid);
        int r = touch_service(a->board, a->config, o->service, o->asker_pid, e);
        if (r < 0)
                return r;
        if (!o->by_person && !o->dry_run && too_many(a, now_ns))
                return error_set(e, -EAGAIN, "%.0f actions were taken within a minute: no more by itself",
                        a->config->actions.max_per_minute);
        return 0;
}

/* What must not be done is told, but not again and again when it is asked for each second. */
static void note_refused(struct actor *a, const struct act_order *o, uint64_t now_ns, const char *why)
{
        const char *name = a->board->service[o->service].name;

        for (uint32_t k = 1; k < a->board->action_top; k++) {
                const struct action *row = &a->board->action[k];
                if (row->state == ACTION_REFUSED && row->kind == o->kind &&
                        !strcmp(row->service_name, name) &&
                        now_ns - MIN(row->taken_ns, now_ns) < REFUSED_AGAIN_NS)
                        return;
        }
        struct action *row = row_new(a, o, now_ns);
        if (row)
                row_end(a, row, ACTION_REFUSED, now_ns, "%.150s", why);
}

/* It stands already: stands longer, or with another value. */
static int take_again(struct actor *a, struct action *row, const struct act_order *o, uint64_t now_ns)
{
        const struct act_kind *k = act_kind(row->kind);
        uint64_t ttl_ns = o->ttl_ns ? o->ttl_ns : k->ttl_ns;
        char text[UNITS_SIZE];

        if (row->until_ns && now_ns + ttl_ns > row->until_ns) {
                row->until_ns = now_ns + ttl_ns;
                row_tell(a, row, now_ns, "goes on for %s, asked for by %s: %s",
                        units_duration((double)ttl_ns / 1e9, text), o->who, o->reason);
        }
        snprintf(a->said, sizeof a->said, "it is %s already%s%s", k->standing, row->until_ns ? ", for " : "",
                row->until_ns ? units_duration((double)(row->until_ns - now_ns) / 1e9, text) : "");
        return 0;
}

static bool is_same(const struct action *row, const struct act_order *o)
{
        return isnan(o->value) || row->value == o->value;
}

static void tell_taken(struct actor *a, const struct action *row, uint64_t now_ns)
{
        char text[UNITS_SIZE] = "", value[UNITS_SIZE + 24] = "";
        const char *unit = action_kind_unit(row->kind);

        if (row->until_ns)
                units_duration((double)(row->until_ns - now_ns) / 1e9, text);
        if (*unit && !isnan(row->value))
                snprintf(value, sizeof value, " of %.4g %s", row->value, unit);
        row_tell(a, row, now_ns, "%s%s%s%s by %s: %s", row->state == ACTION_WOULD ? "would be done" : "taken",
                value, *text ? " for " : "", text, row->who, row->reason);
}

static int carry_out(struct actor *a, struct action *row, int planned, uint64_t now_ns, struct error *e)
{
        const struct act_kind *k = act_kind(row->kind);
        int r = k->plan ? standing_apply(a, row, planned, e) : k->begin(a, row, now_ns, e);

        if (r < 0) {
                row_end(a, row, ACTION_FAILED, now_ns, "%s", e->text);
                return r;
        }
        a->taken[a->taken_next++ % ACT_RATE] = now_ns;
        row_count(a, row, ACTION_ACTIVE);
        tell_taken(a, row, now_ns);
        if (k->plan)
                standing_step(a, row, now_ns); /* how far it is already */
        return 0;
}

/* What a person's dry run of what stands already would come to. */
static void say_again(struct actor *a, const struct action *row, const struct act_order *o)
{
        const char *unit = action_kind_unit(row->kind);

        if (is_same(row, o))
                snprintf(a->said, sizeof a->said, "it stands already, as action %u", row->id);
        else
                snprintf(a->said, sizeof a->said, "in place of the %.4g %s that stand as action %u",
                        row->value, unit, row->id);
}

/* What foresee() said becomes what was done, or would be. */
static void say_outcome(struct actor *a, const struct act_kind *k, const struct act_order *o)
{
        uint64_t ttl_ns = k->ttl_ns && o->ttl_ns ? o->ttl_ns : k->ttl_ns;
        char what[sizeof a->said], text[UNITS_SIZE];

        text_set(what, sizeof what, a->said);
        snprintf(a->said, sizeof a->said, "%s%s%s (%.140s)",
                o->dry_run ? "would be done"
                : k->plan  ? "done"
                           : "begun",
                ttl_ns ? " for " : "", ttl_ns ? units_duration((double)ttl_ns / 1e9, text) : "", what);
}

/* Whether there is something to do, and what, in words; of kinds that change files, in how many groups. */
static int foresee(struct actor *a, const struct act_kind *k, const struct act_order *o, uint64_t now_ns,
        struct error *e)
{
        if (!k->plan)
                return k->foresee(a, o, now_ns, e);
        int n = standing_plan(a, k, o->service, o->value, e);
        if (n > 0)
                standing_say(a, n);
        return n;
}

int act_take(struct actor *a, const struct act_order *o, uint64_t now_ns, uint32_t *ret_id, struct error *e)
{
        struct error mine = {0};
        struct error *why = e ? e : &mine;
        const struct act_kind *k = act_kind(o->kind);
        struct action *row;
        bool untraced = o->dry_run && o->by_person;
        int planned = 0;
        int r = check_order(a, o, now_ns, why);

        if (r == -EPERM && !untraced)
                note_refused(a, o, now_ns, why->text);
        if (r < 0)
                return r;
        row = find_standing(a, o->service, o->kind);
        if (row && !o->dry_run && is_same(row, o)) {
                *ret_id = row->id;
                return take_again(a, row, o, now_ns);
        }
        if (row && untraced) {
                *ret_id = 0;
                say_again(a, row, o);
                return 0;
        }
        if (row && !o->dry_run)
                act_undo(a, row->id, "another value was asked for", now_ns, NULL);
        planned = foresee(a, k, o, now_ns, why);
        if (planned == -EPERM && !untraced)
                note_refused(a, o, now_ns, why->text);
        if (planned < 0)
                return planned;
        *ret_id = 0;
        say_outcome(a, k, o);
        if (untraced)
                return 0;
        row = row_new(a, o, now_ns);
        if (!row)
                return error_set(
                        why, -ENOSPC, "%d actions stand already: undo some first", BOARD_ACTIONS - 1);
        *ret_id = row->id;
        if (o->dry_run) {
                row->ended_ns = now_ns;
                row_count(a, row, ACTION_WOULD);
                tell_taken(a, row, now_ns);
                return 0;
        }
        if (a->ops.before)
                a->ops.before(a->ops.ctx,
                        &(struct act_about){.what = action_kind_name(o->kind),
                                .service = o->service,
                                .finding = o->finding,
                                .who = row->who,
                                .reason = row->reason},
                        now_ns);
        return carry_out(a, row, planned, now_ns, why);
}

/* ---- ending ---- */

static void undo(struct actor *a, struct action *row, const char *why, uint64_t now_ns)
{
        const struct act_kind *k = act_kind(row->kind);

        if (k && k->end)
                k->end(a, row, now_ns);
        if (k && !k->plan && !k->end)
                row_end(a, row, ACTION_DONE, now_ns, "%s; it was under way and can't be taken back", why);
        else
                standing_undo(a, row, why, now_ns);
}

int act_undo(struct actor *a, uint32_t id, const char *why, uint64_t now_ns, struct error *e)
{
        struct action *row = act_find(a, id);

        if (!row)
                return error_set(e, -ENOENT, "there is no action %u", id);
        if (!action_stands(row))
                return error_set(e, -EALREADY, "action %u has ended: %s%s%s", id,
                        action_state_name(row->state), row->result[0] ? ": " : "", row->result);
        if (!why)
                return 0;
        undo(a, row, why, now_ns);
        return row->state == ACTION_FAILED ? error_set(e, -EIO, "%s", row->result) : 0;
}

uint32_t act_release(struct actor *a, uint16_t service, bool only_still, const char *why, uint64_t now_ns)
{
        const char *name = a->board->service[service].name;
        uint32_t n = 0;

        for (uint32_t k = 1; k < a->board->action_top; k++) {
                struct action *row = &a->board->action[k];
                bool still = row->kind == ACTION_FREEZE || row->kind == ACTION_HOLD;
                if (!action_stands(row) || strcmp(row->service_name, name) != 0 || (only_still && !still))
                        continue;
                if (why)
                        undo(a, row, why, now_ns);
                n++;
        }
        return n;
}

void act_stop_all(struct actor *a, const char *why, uint64_t now_ns)
{
        for (uint32_t k = 1; k < a->board->action_top; k++)
                if (action_stands(&a->board->action[k]))
                        undo(a, &a->board->action[k], why, now_ns);
}

/* ---- the passing of time ---- */

static void step(struct actor *a, struct action *row, uint64_t now_ns)
{
        const struct act_kind *k = act_kind(row->kind);
        uint16_t service = row_service(a, row);
        struct error e = {0};

        if (!k) {
                row_end(a, row, ACTION_FAILED, now_ns, "this version doesn't know it");
        } else if (service && touch_service(a->board, a->config, service, 0, &e) < 0) {
                undo(a, row, e.text, now_ns); /* it has become what is never touched */
        } else if (row->until_ns && now_ns >= row->until_ns) {
                undo(a, row, "its time is over", now_ns);
        } else if (k->plan) {
                if (k->follows)
                        standing_follow(a, row, now_ns);
                standing_step(a, row, now_ns);
        } else if (k->step) {
                k->step(a, row, now_ns);
        }
        if (action_stands(row) && row->until_ns)
                row_due(a, row->until_ns);
}

void act_tick(struct actor *a, uint64_t now_ns)
{
        a->due_ns = 0;
        for (uint32_t k = 1; k < a->board->action_top; k++)
                if (action_stands(&a->board->action[k]))
                        step(a, &a->board->action[k], now_ns);
        a->groups_changed = false;
        atomic_fetch_add(&a->journal->beats, 1);
}

void act_group_seen(struct actor *a)
{
        a->groups_changed = true;
        row_due(a, 1); /* at once: what crashes quickly is gone within a second */
}

void act_group_emptied(struct actor *a)
{
        for (uint32_t k = 1; k < a->board->action_top; k++) {
                const struct action *row = &a->board->action[k];
                if (action_stands(row) && act_kind(row->kind) && act_kind(row->kind)->stills)
                        row_due(a, 1);
        }
}

void act_operated(struct actor *a, const struct engine_operated *o, uint64_t now_ns)
{
        struct action *row = act_find(a, o->number);
        const struct act_kind *k = row ? act_kind(row->kind) : NULL;

        if (k && k->operated && action_stands(row))
                k->operated(a, row, o, now_ns);
}

/* ---- after a restart of the guard ---- */

/* What a guard that was killed in the middle of writing may have left. */
static void make_sound(struct action *row)
{
        row->service_name[sizeof row->service_name - 1] = row->who[sizeof row->who - 1] =
                row->reason[sizeof row->reason - 1] = row->previous[sizeof row->previous - 1] =
                        row->result[sizeof row->result - 1] = '\0';
        row->service = 0; /* of the former world: found by its name */
        if (row->state >= ACTION_STATES || !action_kind_name(row->kind))
                row->state = ACTION_FREE;
}

static bool is_written_down(const struct actor *a, uint32_t id)
{
        struct journal_change c;

        for (int k = 0; k < JOURNAL_CHANGES; k++)
                if (journal_get(a->journal, k, &c) != JOURNAL_FREE && c.action == id)
                        return true;
        return false;
}

/* Entries whose action doesn't stand: it was being taken or undone when the guard died. */
static void undo_orphans(struct actor *a)
{
        struct journal_change c;

        for (int k = 0; k < JOURNAL_CHANGES; k++) {
                if (journal_get(a->journal, k, &c) == JOURNAL_FREE)
                        continue;
                const struct action *row = act_find(a, c.action);
                if (row && action_stands(row))
                        continue;
                if (change_undo(a->layout, &c) >= 0)
                        journal_remove(a->journal, k);
        }
}

void act_adopt(struct actor *a, uint64_t now_ns)
{
        struct board *b = a->board;

        b->action_top = MAX(MIN(b->action_top, (uint32_t)BOARD_ACTIONS), 1u);
        for (uint32_t k = 1; k < b->action_top; k++) {
                struct action *row = &b->action[k];
                make_sound(row);
                a->journal->next_id = MAX(a->journal->next_id, row->id + 1);
                const struct act_kind *kind = act_kind(row->kind);
                if (action_stands(row) && kind && kind->plan && !is_written_down(a, row->id))
                        row_end(a, row, ACTION_UNDONE, now_ns, "the guard was started again meanwhile");
                if (row->state != ACTION_FREE && row->state != ACTION_WOULD && row->state != ACTION_REFUSED)
                        a->taken[a->taken_next++ % ACT_RATE] =
                                row->taken_ns; /* a guard that dies again and again
                                                takes no more than one that lives */
                if (action_stands(row) && kind && kind->adopt)
                        kind->adopt(a, row, now_ns);
                if (action_stands(row))
                        row_due(a, now_ns);
        }
        undo_orphans(a);
}
